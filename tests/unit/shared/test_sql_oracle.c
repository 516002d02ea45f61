/* SPDX-License-Identifier: MIT */
/*
 * Our fingerprint against libpg_query's, which is made of PostgreSQL's own parse tree: spellings of
 * one statement share ours, and statements whose trees differ never do. Spellings are generated
 * from templates, from a fixed seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pg_query.h>

#include "shared/sql.h"

#define VARIANTS 40

/*
 * A blank is any white space or comment, ` the same or nothing; %n is a number, %s a string, %v any
 * of these or a parameter, %l a list of them, %r one to four rows of a number and a string.
 * (A newline stands in not in, between which libpg_query takes no comment.)
 */
static const char *const templates[] = {
    "select id, name from parts where id`=`%v",
    "select id, name from parts where id`=`%v limit %n",
    "select id, name from parts where id`=`%v or id`=`%v",
    "select id, name from parts where id`<>`%v",
    "select id, name from parts where id`>=`%v and id`<`%v",
    "select name, id from parts where (id`=`%v)",
    "select p.id from parts p where p.name like`%s",
    "select p.id from parts p where p.name ilike`%s and not p.is_proprietary",
    "select * from parts",
    "select p.* from parts p order by p.name desc, p.id limit %n offset %n",
    "select count(`*`) from parts",
    "select count(`distinct part_type`) from parts",
    "select count(`*`), part_type from parts group by part_type having count(`*`)`>`%n",
    "select id from parts where part_type in`(`%l`)",
    "select id from parts where part_type not\nin`(`%l`)",
    "select id from parts where id`=`any`(`%s`)",
    "select id from parts where id between %v and %v",
    "select id from parts where name is null",
    "select id from parts where name is not null",
    "select id from parts where weight`-`%n`>`%v",
    "select id from parts where weight`+`%n`>`%v",
    "select id from parts where weight`*`%n`>`%v",
    "select id from parts where weight`/`%n`>`%v",
    "select id from parts where -`weight`>`%v",
    "select id from parts where name`||`%s`=`%v",
    "select id from parts where name`~`%s",
    "select id from parts where data`->`%s`=`%v",
    "select id from parts where data`->>`%s`=`%v",
    "select id from parts where data ?`%s",
    "select id from parts where data @>`%s::jsonb",
    "select id from parts where tags`&&`%v",
    "select id`::`text, %s`::`int8 from parts",
    "select cast(`id as varchar(`10`)`) from parts",
    "select \"Id\", \"a\"\"b\" from \"Parts\" where \"Id\"`=`%v",
    "select \"ID\", \"a\"\"b\" from \"Parts\" where \"ID\"`=`%v",
    "select s.t.a, s.t.b from s.t",
    "select p.id, i.stock from parts p join inventory i on i.part_id`=`p.id where p.id`=`%v",
    "select p.id, i.stock from parts p left join inventory i on i.part_id`=`p.id where p.id`=`%v",
    "select p.id from parts p left join lateral (`select u.d from usage u where u.p`=`p.id "
    "order by u.d desc limit %n`) u on true",
    "with recent as`(`select * from usage where d`>`%s`) select * from recent where q`>`%v",
    "select id from parts where exists`(`select %n from usage u where u.part_id`=`parts.id`)",
    "select id from parts where id in`(`select part_id from usage`)",
    "select case when stock`<`%v then %s else %s end from inventory",
    "select coalesce(`stock,`%v`) from inventory",
    "select sum(`q`) over`(`partition by part_id order by d`) from usage",
    "select date_trunc(`%s,`d`), avg(`q`) from usage group by 1 order by 1",
    "select id from parts union select part_id from usage",
    "select id from parts union all select part_id from usage",
    "select a[`%n`], a[`%n`:`%n`] from arrays",
    "select id from parts for update",
    "select now()`-`interval`%s",
    "insert into parts`(`id, name`) values`%r",
    "insert into parts`(`id, name`) values`%r`returning id",
    "insert into parts values`%r`on conflict`(`id`) do nothing",
    "insert into parts values`%r`on conflict`(`id`) do update set name`=`excluded.name",
    "insert into parts`(`id, name`) select id, name from old where id`=`%v",
    "insert into parts default values",
    "update parts set name`=`%v where id`=`%v",
    "update parts set name`=`%v,`weight`=`%v where id`=`%v",
    "update inventory set stock`=`stock`-`%n where part_id`=`%v",
    "update inventory set stock`=`stock`+`%n where part_id`=`%v",
    "delete from parts where id`=`%v",
    "delete from parts",
    "delete from parts where id`=`%v returning *",
    "begin",
    "commit",
    "rollback",
    "select %v",
    "select %v,`a",
    "select f(`%v,`%v`)",
    "select f(`a`=>`%v`)",
};
#define TEMPLATES (sizeof(templates) / sizeof(templates[0]))

static uint64_t next_random(uint64_t *seed)
{
    uint64_t x = *seed;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *seed = x;
}

struct text {
    uint64_t *seed;
    char bytes[2048];
    size_t len;
    unsigned params;
};

static size_t below(struct text *text, size_t n)
{
    return (size_t)(next_random(text->seed) % n);
}

static void add(struct text *text, const char *part)
{
    size_t len = strlen(part);

    assert_true(text->len + len < sizeof(text->bytes));
    memcpy(text->bytes + text->len, part, len + 1);
    text->len += len;
}

#define PICK(text, list) (list)[below(text, sizeof(list) / sizeof((list)[0]))]

static void add_blank(struct text *text, bool may_be_nothing)
{
    static const char *const blanks[] = {
        " ", " ", " ", "  ", "\n", "\t\r\n ", " /* it's */ ", " /* a /* b */ ; */ ", " -- \"'\n ",
    };

    if (!may_be_nothing || below(text, 2))
        add(text, PICK(text, blanks));
}

static void add_number(struct text *text)
{
    static const char *const numbers[] = {"1",  "0",   "42",     "1.5",
                                          ".5", "1e3", "2.5E-3", "100000000000"};
    /* No +: PostgreSQL parses that as an operator always, while to us it belongs to the number. */
    static const char *const signs[] = {"", "", "-", "- "};
    char last = text->len > 0 ? text->bytes[text->len - 1] : ' ';
    const char *sign = PICK(text, signs);

    /* A sign would be another token after a minus, and part of these operators. */
    if (strchr("-~@#&|?", last) || (last >= 'A' && last <= 'z' && last != '[') || below(text, 2))
        add(text, " ");
    add(text, sign);
    add(text, PICK(text, numbers));
}

static void add_string(struct text *text)
{
    static const char *const strings[] = {
        "'x'",
        "''",
        "'it''s'",
        "'--'",
        "'/*'",
        "'a;b'",
        "E'\\'x'",
        "e'\\\\'",
        "$$it's$$",
        "$q$ $$ ' $q$",
        "'one' \n 'two'",
        "'?'",
        "'$1'",
        "'\xc3\xa9'",
        "U&'d!0061' uescape '!'",
    };
    add(text, " ");
    add(text, PICK(text, strings));
}

static void add_value(struct text *text)
{
    char name[16];

    switch (below(text, 3)) {
    case 0:
        add_number(text);
        break;
    case 1:
        add_string(text);
        break;
    default:
        snprintf(name, sizeof(name), " $%u", ++text->params);
        add(text, name);
    }
}

static void add_list(struct text *text)
{
    for (size_t n = 1 + below(text, 6); n > 0; n--) {
        add_value(text);
        add_blank(text, true);
        if (n > 1)
            add(text, ",");
    }
}

static void add_rows(struct text *text)
{
    for (size_t n = 1 + below(text, 4); n > 0; n--) {
        add(text, "(");
        add_number(text);
        add(text, ",");
        add_string(text);
        add(text, ")");
        add_blank(text, true);
        if (n > 1)
            add(text, ",");
    }
}

static void add_slot(struct text *text, char slot)
{
    switch (slot) {
    case 'n':
        add_number(text);
        break;
    case 's':
        add_string(text);
        break;
    case 'v':
        add_value(text);
        break;
    case 'l':
        add_list(text);
        break;
    default:
        assert_int_equal(slot, 'r');
        add_rows(text);
    }
}

static void generate(struct text *text, const char *template)
{
    bool quoted = false, upper = below(text, 2);

    for (const char *p = template; *p; p++) {
        char byte[2] = {*p, '\0'};
        quoted ^= *p == '"';
        if (*p == '%' && p[1] != ' ') {
            add_slot(text, *++p);
        } else if (*p == ' ') {
            add_blank(text, false);
        } else if (*p == '`') {
            add_blank(text, true);
        } else {
            if (!quoted && *p >= 'a' && *p <= 'z' && upper)
                byte[0] = (char)(*p - 'a' + 'A');
            upper = below(text, 4) ? upper : !upper;
            add(text, byte);
        }
    }
    static const char *const ends[] = {"", ";", " ; -- end", "\n", " /* a='b' */"};
    add(text, PICK(text, ends));
}

static uint64_t oracle(const char *text)
{
    PgQueryFingerprintResult result = pg_query_fingerprint(text);
    if (result.error)
        fail_msg("the oracle refuses %s: %s", text, result.error->message);
    uint64_t fingerprint = result.fingerprint;
    pg_query_free_fingerprint_result(result);
    return fingerprint;
}

static uint64_t ours(const char *text)
{
    return spy_sql_normalise(text, strlen(text), NULL, 0).fingerprint;
}

/* Is the normalised text of A a pattern that matches B? */
static bool matches_normal_of(const char *a, const char *b)
{
    char normal[2048];

    assert_false(spy_sql_normalise(a, strlen(a), normal, sizeof(normal)).truncated);
    return spy_sql_match(normal, b, strlen(b), 0);
}

static void spellings_share_a_fingerprint(void **state)
{
    (void)state;
    uint64_t seed = 0x9e3779b97f4a7c15u;
    static struct text first, other;

    for (size_t i = 0; i < TEMPLATES; i++) {
        for (size_t j = 0; j < VARIANTS; j++) {
            struct text *text = j == 0 ? &first : &other;
            *text = (struct text){.seed = &seed};
            generate(text, templates[i]);
            /* Else the generator is wrong, not the lexer. */
            if (oracle(text->bytes) != oracle(first.bytes))
                fail_msg("to the oracle not the same:\n%s\n%s", first.bytes, text->bytes);
            if (ours(text->bytes) != ours(first.bytes))
                fail_msg("not the same:\n%s\n%s", first.bytes, text->bytes);
            if (!matches_normal_of(first.bytes, text->bytes))
                fail_msg("not matched:\n%s\n%s", first.bytes, text->bytes);
        }
    }
}

/* Hard to tell apart. */
static const char *const close_ones[] = {
    "select a - 1",
    "select a, -1",
    "select a + -b",
    "select a - b",
    "select a -(-b)",
    "select a.b",
    "select a b, c from x",
    "select 'a' || 'b'",
    "select a from b, c",
    "select a from b c",
    "select \"A\"",
    "select f(a)",
    "select a < b",
    "select a <= b",
    "select a = b",
    "select a <> b",
    "select a ->> b",
    "select a -> b",
    "select a @> b",
    "select a <@ b",
    "select a and b or c",
    "select a and (b or c)",
    "select a::int",
    "select a::text",
    "select a::int[]",
    "select a[1]",
    "select a[1][2]",
    "select a[1:2]",
    "select f(1, 2)",
    "select f(1)",
    "select f(array[1])",
    "select f(null)",
    "select x from t where a in (1, b)",
    "select x from t where a in (b)",
    "select x from t where a in (1)",
    "select x from t where a = 1",
    "select x from t where a not in (1)",
    "insert into t values (1, 2)",
    "insert into t values (1, now())",
    "insert into t values (1)",
    "insert into t values (1), (default)",
    "insert into t values (default)",
    "select 1; select 1",
    "select 1; select a",
    "select 1",
};
#define CLOSE (sizeof(close_ones) / sizeof(close_ones[0]))

/* All pairs, of the templates' statements and of the close ones. */
static void different_trees_differ(void **state)
{
    (void)state;
    static struct text texts[TEMPLATES + CLOSE];
    static uint64_t oracles[TEMPLATES + CLOSE], fingerprints[TEMPLATES + CLOSE];
    uint64_t seed = 0x2545f4914f6cdd1du;
    size_t different = 0;

    for (size_t i = 0; i < TEMPLATES + CLOSE; i++) {
        texts[i] = (struct text){.seed = &seed};
        if (i < TEMPLATES)
            generate(&texts[i], templates[i]);
        else
            add(&texts[i], close_ones[i - TEMPLATES]);
        oracles[i] = oracle(texts[i].bytes);
        fingerprints[i] = ours(texts[i].bytes);
    }
    for (size_t i = 0; i < TEMPLATES + CLOSE; i++) {
        for (size_t j = 0; j < i; j++) {
            if (oracles[i] == oracles[j])
                continue;
            different++;
            if (fingerprints[i] == fingerprints[j])
                fail_msg("not different:\n%s\n%s", texts[i].bytes, texts[j].bytes);
        }
    }
    assert_true(different > 5000);
}

static int end_oracle(void **state)
{
    (void)state;
    pg_query_exit();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_share_a_fingerprint),
        cmocka_unit_test(different_trees_differ),
    };
    return cmocka_run_group_tests(tests, NULL, end_oracle);
}
