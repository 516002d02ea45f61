/* SPDX-License-Identifier: MIT */
/* Normalised text and fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/sql.h"

#define CAP 4096

/* Normalises a heap copy of just the text; checks that the fingerprint does not depend on the
 * buffer and that the result is a fixed point. */
static uint64_t normal_of(const char *text, size_t len, char *out)
{
    char again[CAP];
    char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    struct spy_sql_normal normal = spy_sql_normalise(exact, len, out, CAP);
    struct spy_sql_normal alone = spy_sql_normalise(exact, len, NULL, 0);
    free(exact);

    assert_false(normal.truncated);
    assert_int_equal(normal.len, strlen(out));
    assert_true(alone.fingerprint == normal.fingerprint);
    assert_int_equal(alone.len, 0);
    struct spy_sql_normal fixed = spy_sql_normalise(out, normal.len, again, CAP);
    assert_string_equal(again, out);
    assert_true(fixed.fingerprint == normal.fingerprint);
    return normal.fingerprint;
}

static void becomes(const char *text, const char *expected)
{
    char out[CAP];

    normal_of(text, strlen(text), out);
    assert_string_equal(out, expected);
}

static void spelling(void **state)
{
    (void)state;
    becomes("", "");
    becomes("  -- nothing\n", "");
    becomes("SELECT id,name FROM parts WHERE id=42 AND x IN(1,2,3)",
            "select id, name from parts where id = ? and x in (?)");
    becomes("select Count ( * ) , max(a) from T", "select count(*), max(a) from t");
    becomes("select \"Id\" , a . b, t.* from \"T\" . x", "select \"Id\", a.b, t.* from \"T\".x");
    becomes("select a :: text [ ] , b[ 1 ] [2]", "select a::text[], b[?][?]");
    becomes("select x[1:2], 1..2", "select x[? : ?], ? .. ?");
    becomes("select f( a=>1 , b := 2 )", "select f(a => ?, b := ?)");
    becomes("where (a or(b)) and not(c) or exists(select 1)",
            "where (a or (b)) and not (c) or exists (select ?)");
    becomes("insert into t(a) values(1) on conflict(a) do nothing",
            "insert into t(a) values (?) on conflict (a) do nothing");
    becomes("select sum(x)over(partition by y) filter(where z)",
            "select sum(x) over (partition by y) filter (where z)");
    becomes("select t.values(1), new.in (1, 2)", "select t.values(?), new.in(?, ?)");
    becomes("select a/**/from--x\nb", "select a from b");
    becomes("select a!=b, a<>b", "select a <> b, a <> b");
    becomes("select \xc3\x89t\xc3\x89", "select \xc3\x89t\xc3\x89");
    becomes("select U&\"D!0061\", u&\"D!0061\"", "select u&\"D!0061\", u&\"D!0061\"");
    becomes("values (U&\"D\"), (u&\"D\"), (u&\"d\")", "values (u&\"D\"), (u&\"d\")");
    becomes("SELECT A_Name_Of_More_Than_Sixteen_Bytes_ZZ from x where y = 1 and zzzzzzz = 2",
            "select a_name_of_more_than_sixteen_bytes_zz from x where y = ? and zzzzzzz = ?");
}

static void values(void **state)
{
    (void)state;
    becomes("select 'a', E'b\\'', $1, 1.5e3, B'1', $x$y$x$, U&'d' uescape '!', 'a'\n'b'",
            "select ?, ?, ?, ?, ?, ?, ?, ?");
    becomes("select NULL, True, FALSE, default", "select null, true, false, default");
    becomes("select 1::int, '1'::text", "select ?::int, ?::text");
    becomes("select interval '1 day', date '2020-01-01'", "select interval ?, date ?");
    becomes("select d ? 'k', d ?| array['a','b'], d @? '$'", "select d ? ?, d ?| array[?], d @? ?");
    becomes("select 'it''s; -- no comment'", "select ?");
}

static void signs(void **state)
{
    (void)state;
    becomes("select -1, +1, - 1", "select ?, ?, ?");
    becomes("where x = -1 and y in (-1,+2) or z between -1 and -2 limit -1",
            "where x = ? and y in (?) or z between ? and ? limit ?");
    becomes("case when -1 then -2 else -3 end - 4", "case when ? then ? else ? end - ?");
    becomes("a - 1", "a - ?");
    becomes("a -1, (a) -1, a[1] -1, \"a\" -1, 1 -1, '1' -1, $1 -1",
            "a - ?, (a) - ?, a[?] - ?, \"a\" - ?, ? - ?, ? - ?, ? - ?");
    becomes("a - -1, a * -1, a=-1", "a - ?, a * ?, a = ?");
    becomes("t.limit -1, \"limit\" -1, limit -1", "t.limit - ?, \"limit\" - ?, limit ?");
    becomes("-1", "?");
    becomes("select -x, -$1, -'1', (-(1))", "select - x, - ?, - ?, (- (?))");
    becomes("null -1, current_date - 1", "null - ?, current_date - ?");
    becomes("- -1, a - - + 1, - -x, in (- 1, + -2)", "?, a - ?, - - x, in (?)");
    becomes("start with -1 variadic -2 placing -3 similar -4",
            "start with ? variadic ? placing ? similar ?");
}

static void lists(void **state)
{
    (void)state;
    becomes("x in (1)", "x in (?)");
    becomes("x in ($1,$2,$3)", "x in (?)");
    becomes("x not in (1, 'a' /* c */ , $3)", "x not in (?)");
    becomes("x in (1, null)", "x in (?, null)");
    becomes("x in (1, y)", "x in (?, y)");
    becomes("x in (1, 2", "x in (?, ?");
    becomes("x in (1, 2,)", "x in (?, ?,)");
    becomes("x in (1, 2]", "x in (?, ?]");
    becomes("x in ()", "x in ()");
    becomes("x in (select 1, 2)", "x in (select ?, ?)");
    becomes("f(1, 2)", "f(?, ?)");
    becomes("x = any(array[1,2,3]) or y = any('{1}')", "x = any (array[?]) or y = any (?)");
    becomes("array[1], array [1, -2], array[]", "array[?], array[?], array[]");
    becomes("array[[1,2],[3,4]]", "array[[?], [?]]");
    becomes("x in ($1::uuid, $2 :: UUID)", "x in (?::uuid)");
    becomes("x in ('a'::pg_catalog.text[], 'b'::pg_catalog.text[])", "x in (?::pg_catalog.text[])");
    becomes("x in ($1::uuid, $2::text)", "x in (?::uuid, ?::text)");
    becomes("array[1::int[], 2::int[]]", "array[?::int[]]");
    becomes("x in (1::int, 2)", "x in (?::int, ?)");
    becomes("(a, b) in ((1,2),(3,4)) and c", "(a, b) in ((?, ?)) and c");
}

static void rows(void **state)
{
    (void)state;
    becomes("values (1,2),(3,4) , ($1,$2)", "values (?, ?)");
    becomes("insert into t values(1,now()),(-2,NOW( )),(3,now()) returning id",
            "insert into t values (?, now()) returning id");
    becomes("values (1),(default),(2),(default)", "values (?), (default), (default)");
    becomes("values (1, array[1,2]), (2, array[3])", "values (?, array[?])");
    becomes("values (1), (2, 3)", "values (?), (?, ?)");
    becomes("values (1), (2", "values (?), (?");
    becomes("values (1),", "values (?),");
    becomes("values (f((1))), (f((2))) union values (3), (4)", "values (f((?))) union values (?)");
    becomes("with v as (values (1,'a'),(2,'b')) select values from v",
            "with v as (values (?, ?)) select values from v");
    becomes("t.values (1),(2)", "t.values(?), (?)");
    becomes("values (a), (A), (\"a\"), (b)", "values (a), (\"a\"), (b)");
}

static void statements(void **state)
{
    (void)state;
    becomes("select 1;", "select ?");
    becomes("select 1 ; ; -- x\n ;", "select ?");
    becomes(";;select 1;;select 2;", "select ?; select ?");
    becomes("begin;commit", "begin; commit");
    becomes(";", "");
}

/* What TEXT falls apart into, read as HOW says: each statement normalised, in <>. Each must be the
 * statement that its own text is. */
static const char *split(const char *text, unsigned how)
{
    static char out[CAP];
    char one[256];
    size_t at = 0, rest;

    out[0] = '\0';
    do {
        size_t len = strlen(text + at);
        struct spy_sql_normal normal =
            spy_sql_normalise_as(text + at, len, how | SPY_SQL_FIRST, one, sizeof(one));
        rest = normal.rest;
        struct spy_sql_normal own =
            spy_sql_normalise_as(text + at, rest ? rest - 1 : len, how, NULL, 0);
        assert_true(own.fingerprint == normal.fingerprint);
        assert_true(rest == 0 || text[at + rest - 1] == ';');
        assert_true(strlen(out) + strlen(one) + 3 < sizeof(out));
        sprintf(out + strlen(out), "<%s>", one);
        at += rest;
    } while (rest != 0);
    return out;
}

static void first_statement(void **state)
{
    (void)state;
    assert_string_equal(split("select 1", 0), "<select ?>");
    assert_string_equal(split("select 1;", 0), "<select ?>");
    assert_string_equal(split("", 0), "<>");
    assert_string_equal(split(" ; ", 0), "<>");
    assert_string_equal(split("a; b ;c", 0), "<a><b><c>");
    assert_string_equal(split("; ;a;;/*;*/;b;--;\n", 0), "<a><b>");
    assert_string_equal(split("a ';' \";\" $$;$$ e'\\';' ; b", 0), "<a ? \";\" ? ?><b>");
    assert_string_equal(split("a (b; c); d", 0), "<a(b; c)><d>");
    assert_string_equal(split("a (b; c", 0), "<a(b; c>");
    assert_string_equal(split("a)); b; (c; d)", 0), "<a))><b><(c; d)>");
    assert_string_equal(split("a in (1, 2; 3); b [1; 2]", 0), "<a in (?, ?; ?)><b[?><?]>");
    assert_string_equal(split("values (1); values (1), (2); b", 0), "<values (?)><values (?)><b>");
    assert_string_equal(split("a; 'open; b", 0), "<a><?>");
}

static void bodies_of_functions(void **state)
{
    (void)state;
    assert_string_equal(split("create function f() begin atomic a; b; end; c", 0),
                        "<create function f() begin atomic a; b; end><c>");
    assert_string_equal(split("CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC a; END; c; END; d", 0),
                        "<create or replace procedure p() begin atomic a; end><c><end><d>");
    assert_string_equal(split("create function f() begin atomic case when a then b end; "
                              "x.case; select 1 as end; y.\"end\"; end; c",
                              0),
                        "<create function f() begin atomic case when a then b end; x.case; "
                        "select ? as end; y.\"end\"; end><c>");
    assert_string_equal(split("create function f() begin atomic a; b", 0),
                        "<create function f() begin atomic a; b>");
    assert_string_equal(split("create function f(begin atomic); a; end; b", 0),
                        "<create function f(begin atomic)><a><end><b>");
    assert_string_equal(split("create table begin atomic; a; end", 0),
                        "<create table begin atomic><a><end>");
    assert_string_equal(split("begin atomic; a; end", 0), "<begin atomic><a><end>");
    assert_string_equal(split("create or function f() begin atomic; end; a", 0),
                        "<create or function f() begin atomic><end><a>");
    assert_string_equal(split("create function f(); begin atomic; end; a", 0),
                        "<create function f()><begin atomic><end><a>");
}

static void backslashes(void **state)
{
    (void)state;
    static const char text[] = "select '\\'; c', n'\\' ';";
    char out[CAP];

    assert_string_equal(split(text, 0), "<select ?><c ? \\ ?>");
    assert_string_equal(split(text, SPY_SQL_BACKSLASH), "<select ?, ?>");
    spy_sql_normalise_as(text, strlen(text), SPY_SQL_BACKSLASH, out, sizeof(out));
    assert_string_equal(out, "select ?, ?");
    assert_string_equal(split("\"\\\"; b'\\'; u&'\\'; $$\\$$; e'\\''", SPY_SQL_BACKSLASH),
                        "<\"\\\"><?><?><?><?>");
}

static void hostile(void **state)
{
    (void)state;
    becomes("select 'open", "select ?");
    becomes("select \"open", "select \"open");
    becomes("select /* open", "select");
    becomes(". . .. : :: = - - - / * /", ". . .. : ::= - - - / * /");
    becomes("a . .b", "a. .b");
    becomes(":: :: : ::", ":: :: : ::");
    becomes("$ $a $ 1", "$ $ a $ ?");
    becomes("u & \"x\" e 'x'", "u & \"x\" e ?");
    becomes(")))((([[]]", "))) ((([[]]");
}

static void same_statement_same_fingerprint(void **state)
{
    (void)state;
    static const char *const same[] = {
        "select id, name from parts where id = 1 and x in (1, 2, 3)",
        "SELECT id,name FROM parts WHERE id=-77 AND x IN(4)",
        "select id , name\n  from parts -- all of them\n where id = $1 and x in ($2,$3);",
        "/* a */ Select Id, Name From Parts Where Id = 'x' And X In ('a', 'b')",
    };
    static const char *const other[] = {
        "select id, name from parts where id = 1 and x in (null)",
        "select id, name from parts where id = 1 or x in (1)",
        "select id, \"name\" from parts where id = 1 and x in (1)",
        "select id from parts where id = 1 and x in (1)",
    };
    char out[CAP];
    uint64_t first = normal_of(same[0], strlen(same[0]), out);

    for (size_t i = 1; i < sizeof(same) / sizeof(same[0]); i++)
        assert_true(normal_of(same[i], strlen(same[i]), out) == first);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_true(normal_of(other[i], strlen(other[i]), out) != first);
}

/* The value depends on nothing but the text: files and other processes may keep it. */

static void fingerprint_is_stable(void **state)
{
    (void)state;
    assert_true(spy_sql_normalise("SELECT 1", 8, NULL, 0).fingerprint == 0x61a0463a1c92eb55u);
    assert_true(spy_sql_normalise("", 0, NULL, 0).fingerprint == 0x2d06800538d394c2u);
}

static void cut_at_a_token(void **state)
{
    (void)state;
    static const char text[] = "SELECT id, name FROM parts WHERE id = 1";
    static const char whole[] = "select id, name from parts where id = ?";
    struct spy_sql_normal full = spy_sql_normalise(text, sizeof(text) - 1, NULL, 0);
    char *buffer;

    assert_false(full.truncated);
    for (size_t cap = 1; cap <= sizeof(whole) + 1; cap++) {
        buffer = malloc(cap);
        assert_non_null(buffer);
        struct spy_sql_normal cut = spy_sql_normalise(text, sizeof(text) - 1, buffer, cap);
        assert_true(cut.fingerprint == full.fingerprint);
        assert_int_equal(cut.truncated, cap < sizeof(whole));
        assert_true(cut.len < cap);
        assert_int_equal(strlen(buffer), cut.len);
        assert_memory_equal(buffer, whole, cut.len);
        /* A whole token: what follows in the full text begins the next one. */
        assert_true(cut.len == 0 || strchr(" ,", whole[cut.len]) != NULL);
        free(buffer);
    }
}

/* Longer than the chunk in which it is hashed, with a token across every boundary in turn. */
static void long_texts(void **state)
{
    (void)state;
    static char text[9000], out[9000], cut[2000];

    for (size_t shift = 0; shift < 40; shift++) {
        size_t used = (size_t)sprintf(text, "select \"%.*s\"", (int)shift + 1,
                                      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        while (used < sizeof(text) - 40)
            used += (size_t)sprintf(text + used, ", column_%zu_of_many", used);
        struct spy_sql_normal normal = spy_sql_normalise(text, used, out, sizeof(out));
        assert_int_equal(normal.len, used);
        assert_string_equal(out, text);
        assert_true(spy_sql_normalise(text, used, NULL, 0).fingerprint == normal.fingerprint);
        struct spy_sql_normal part = spy_sql_normalise(text, used, cut, sizeof(cut));
        assert_true(part.truncated && part.fingerprint == normal.fingerprint);
        assert_memory_equal(cut, text, part.len);
        assert_true(part.len > sizeof(cut) - 30);
        text[used - 1]++; /* the last byte counts */
        assert_true(spy_sql_normalise(text, used, NULL, 0).fingerprint != normal.fingerprint);
    }
}

static void one_token_longer_than_all(void **state)
{
    (void)state;
    static char text[5000], out[5000];
    char small[64];

    memset(text, 'A', sizeof(text) - 1);
    struct spy_sql_normal normal = spy_sql_normalise(text, sizeof(text) - 1, out, sizeof(out));
    assert_int_equal(normal.len, sizeof(text) - 1);
    for (size_t i = 0; i < normal.len; i++)
        assert_int_equal(out[i], 'a');
    struct spy_sql_normal cut = spy_sql_normalise(text, sizeof(text) - 1, small, sizeof(small));
    assert_true(cut.truncated && cut.len == 0 && small[0] == '\0');
    assert_true(cut.fingerprint == normal.fingerprint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling),
        cmocka_unit_test(values),
        cmocka_unit_test(signs),
        cmocka_unit_test(lists),
        cmocka_unit_test(rows),
        cmocka_unit_test(statements),
        cmocka_unit_test(first_statement),
        cmocka_unit_test(bodies_of_functions),
        cmocka_unit_test(backslashes),
        cmocka_unit_test(hostile),
        cmocka_unit_test(same_statement_same_fingerprint),
        cmocka_unit_test(fingerprint_is_stable),
        cmocka_unit_test(cut_at_a_token),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(one_token_longer_than_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
