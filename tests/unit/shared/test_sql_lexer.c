/* SPDX-License-Identifier: MIT */
/* The lexer against PostgreSQL's rules: texts and the tokens they fall into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/sql.h"

/* One letter a kind, in front of each token's text: w word, q quoted, v value, s symbol, a any. */
static void dump(struct spy_sql_lexer *lexer, char *out, size_t cap)
{
    size_t used = 0;
    struct spy_sql_token token;

    out[0] = '\0';
    while ((token = spy_sql_next(lexer)).kind != SPY_SQL_END) {
        int n = snprintf(out + used, cap - used, "%s%c<%.*s>", used ? " " : "",
                         "?wqvsa"[token.kind], (int)token.len, token.text);
        assert_true(n > 0 && (size_t)n < cap - used);
        used += (size_t)n;
    }
    assert_ptr_equal(lexer->at, lexer->end);
    assert_int_equal(spy_sql_next(lexer).kind, SPY_SQL_END);
}

struct lex_case {
    const char *text;
    const char *tokens;
};

/* Lexes from a heap copy of just the text, so that a sanitizer sees any byte read behind it. */
static void check(const struct lex_case *cases, size_t count, bool backslash, bool pattern)
{
    char out[1024];

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(cases[i].text);
        char *exact = malloc(len ? len : 1);
        assert_non_null(exact);
        memcpy(exact, cases[i].text, len);
        struct spy_sql_lexer lexer;
        spy_sql_start(&lexer, exact, len);
        lexer.backslash = backslash;
        lexer.pattern = pattern;
        dump(&lexer, out, sizeof(out));
        assert_string_equal(out, cases[i].tokens);
        free(exact);
    }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof((cases)[0]), false, false)

static void blanks_and_comments(void **state)
{
    (void)state;
    static const struct lex_case cases[] = {
        {"", ""},
        {" \t\r\n\f\v ", ""},
        {"a -- b\nc", "w<a> w<c>"},
        {"a--b\rc", "w<a> w<c>"},
        {"a -- b", "w<a>"},
        {"--", ""},
        {"-", "s<->"},
        {"/", "s</>"},
        {"/* a */b", "w<b>"},
        {"a/* x /* y */ z */b", "w<a> w<b>"},
        {"a/*/*/b", "w<a>"},
        {"a /* never closed", "w<a>"},
        {"a/**/b", "w<a> w<b>"},
        {"a/***/b", "w<a> w<b>"},
        {"/**/ /**/ -- x\n /* -- */ a", "w<a>"},
        {"'--' \"/*\"", "v<'--'> q<\"/*\">"},
        {"a*/b", "w<a> s<*/> w<b>"},
    };
    CHECK(cases);
}

static void words(void **state)
{
    (void)state;
    static const struct lex_case cases[] = {
        {"Select parts_2 _x", "w<Select> w<parts_2> w<_x>"},
        {"a$b$ c$1", "w<a$b$> w<c$1>"},
        {"\xc3\xa9t\xc3\xa9 \xff", "w<\xc3\xa9t\xc3\xa9> w<\xff>"},
        {"eight888 sixteen_bytes_16 more_than_sixteen_bytes",
         "w<eight888> w<sixteen_bytes_16> w<more_than_sixteen_bytes>"},
        {"e b n x u E1 bx nn", "w<e> w<b> w<n> w<x> w<u> w<E1> w<bx> w<nn>"},
        {"u&v u &'x'", "w<u> s<&> w<v> w<u> s<&> v<'x'>"},
        {"\"a b\" \"a\"\"b\" \"\"", "q<\"a b\"> q<\"a\"\"b\"> q<\"\">"},
        {"a.\"B\".c", "w<a> s<.> q<\"B\"> s<.> w<c>"},
        {"U&\"d!0061t\" u&\"x\"\"y\"", "q<U&\"d!0061t\"> q<u&\"x\"\"y\">"},
        {"\"open ' end", "q<\"open ' end>"},
    };
    CHECK(cases);
}

static void strings(void **state)
{
    (void)state;
    static const struct lex_case cases[] = {
        {"'a''b' 'c'", "v<'a''b'> v<'c'>"},
        {"''", "v<''>"},
        {"''''", "v<''''>"},
        {"'a\\' b", "v<'a\\'> w<b>"},
        {"E'a\\'b' c", "v<E'a\\'b'> w<c>"},
        {"e'\\\\' x", "v<e'\\\\'> w<x>"},
        {"e'a''b\\''", "v<e'a''b\\''>"},
        {"E'\\", "v<E'\\>"},
        {"b'01' X'1F' n'x' N'y''z'", "v<b'01'> v<X'1F'> v<n'x'> v<N'y''z'>"},
        {"B'0''1'", "v<B'0'> v<'1'>"},
        {"'a'\n'b'", "v<'a'\n'b'>"},
        {"'a' \t -- c\n  -- d\n 'b' c", "v<'a' \t -- c\n  -- d\n 'b'> w<c>"},
        {"'a' 'b'", "v<'a'> v<'b'>"},
        {"'a' /* \n */ 'b'", "v<'a'> v<'b'>"},
        {"'a' -- x\n, 'b'", "v<'a'> s<,> v<'b'>"},
        {"'a' - 1", "v<'a'> s<-> v<1>"},
        {"e'a'\n'\\'' b", "v<e'a'\n'\\''> w<b>"},
        {"x'1'\n'2'", "v<x'1'\n'2'>"},
        {"'never closed", "v<'never closed>"},
        {"'a'\n'b", "v<'a'\n'b>"},
        {"'", "v<'>"},
        {"U&'d!0061' UESCAPE '!' x", "v<U&'d!0061' UESCAPE '!'> w<x>"},
        {"u&'a'/* c */uescape/* d */'#'", "v<u&'a'/* c */uescape/* d */'#'>"},
        {"U&'a' uescapes '!'", "v<U&'a'> w<uescapes> v<'!'>"},
        {"U&'a' uescape x", "v<U&'a'> w<uescape> w<x>"},
        {"U&'a", "v<U&'a>"},
    };
    CHECK(cases);
}

static void strings_with_backslashes(void **state)
{
    (void)state;
    static const struct lex_case cases[] = {
        {"'a\\'b' c", "v<'a\\'b'> w<c>"},
        {"n'a\\'b' c", "v<n'a\\'b'> w<c>"},
        {"'a\\\\' c", "v<'a\\\\'> w<c>"},
        {"'\\", "v<'\\>"},
    };
    check(cases, sizeof(cases) / sizeof(cases[0]), true, false);
}

static void dollars(void **state)
{
    (void)state;
    static const struct lex_case cases[] = {
        {"$$a'b$$", "v<$$a'b$$>"},
        {"$t$ $$ $x$ $t$ z", "v<$t$ $$ $x$ $t$> w<z>"},
        {"$T$ $t$ $T$", "v<$T$ $t$ $T$>"},
        {"$delim$...$junk$delim$", "v<$delim$...$junk$delim$>"},
        {"$1 $23,$4", "v<$1> v<$23> s<,> v<$4>"},
        {"$1$a$ x $a$", "v<$1> v<$a$ x $a$>"},
        {"a$b$ x", "w<a$b$> w<x>"},
        {"$a x", "s<$> w<a> w<x>"},
        {"$", "s<$>"},
        {"$ 1", "s<$> v<1>"},
        {"$\xc3\xa9$ x $\xc3\xa9$", "v<$\xc3\xa9$ x $\xc3\xa9$>"},
        {"$a$ x $b$", "v<$a$ x $b$>"},
        {"$a$ x $a", "v<$a$ x $a>"},
        {"$$", "v<$$>"},
    };
    CHECK(cases);
}

static void numbers(void **state)
{
    (void)state;
    static const struct lex_case cases[] = {
        {"1 1.5 .5 1. 0", "v<1> v<1.5> v<.5> v<1.> v<0>"},
        {"1e10 1.5e-3 1E+2 .5e1 1.e5", "v<1e10> v<1.5e-3> v<1E+2> v<.5e1> v<1.e5>"},
        {"0x1F 0O17 0b11 1_000 1_0.5_0e1_0", "v<0x1F> v<0O17> v<0b11> v<1_000> v<1_0.5_0e1_0>"},
        {"0x_1f 0xg 0x 0b2 0o8", "v<0x_1f> v<0> w<xg> v<0> w<x> v<0> w<b2> v<0> w<o8>"},
        {"1..10", "v<1> s<..> v<10>"},
        {"1...5", "v<1> s<..> v<.5>"},
        {"1e 1e+ 1ex", "v<1> w<e> v<1> w<e> s<+> v<1> w<ex>"},
        {"1.2.3", "v<1.2> v<.3>"},
        {"1_ 1__0", "v<1> w<_> v<1> w<__0>"},
        {"-1 +1", "s<-> v<1> s<+> v<1>"},
        {"a.1", "w<a> v<.1>"},
        {"1", "v<1>"},
        {"1.", "v<1.>"},
        {"1e", "v<1> w<e>"},
    };
    CHECK(cases);
}

static void operators(void **state)
{
    (void)state;
    static const struct lex_case cases[] = {
        {"a<=b>=c<>d!=e", "w<a> s<<=> w<b> s<>=> w<c> s<<>> w<d> s<!=> w<e>"},
        {"a=-1", "w<a> s<=> s<-> v<1>"},
        {"a<+-+b", "w<a> s<<> s<+> s<-> s<+> w<b>"},
        {"a@-b ?- @+-", "w<a> s<@-> w<b> s<?-> s<@+->"},
        {"a+--b\nc", "w<a> s<+> w<c>"},
        {"a*/*x*/b", "w<a> s<*> w<b>"},
        {"a||/**/b", "w<a> s<||> w<b>"},
        {"a->>'b' #>> @> <@ && ~~* !~", "w<a> s<->>> v<'b'> s<#>>> s<@>> s<<@> s<&&> s<~~*> s<!~>"},
        {"a ? 'b' ?| ?& @? `", "w<a> s<?> v<'b'> s<?|> s<?&> s<@?> s<`>"},
        {"a=?", "w<a> s<=?>"},
        {"a::int b:=1 c=>2 x[1:2] :n",
         "w<a> s<::> w<int> w<b> s<:=> v<1> w<c> s<=>> v<2> w<x> s<[> v<1> s<:> v<2> s<]> s<:> "
         "w<n>"},
        {":::=", "s<::> s<:=>"},
        {"(a,b);c.d", "s<(> w<a> s<,> w<b> s<)> s<;> w<c> s<.> w<d>"},
        {"{\\}\x01", "s<{> s<\\> s<}> s<\x01>"},
        {"...", "s<..> s<.>"},
    };
    CHECK(cases);
}

static void patterns(void **state)
{
    (void)state;
    static const struct lex_case cases[] = {
        {"SELECT ... FROM t", "w<SELECT> a<...> w<FROM> w<t>"},
        {"(...)", "s<(> a<...> s<)>"},
        {"a...b ....", "w<a> a<...> w<b> a<...> s<.>"},
        {"1..2", "v<1> s<..> v<2>"},
        {"id = ?", "w<id> s<=> v<?>"},
        {"id=? and a>=?", "w<id> s<=> v<?> w<and> w<a> s<>=> v<?>"},
        {"?||?", "v<?> s<||> v<?>"},
        {"a=-?", "w<a> s<=> s<-> v<?>"},
        {"d ?| x d ?& y d @? z", "w<d> s<?|> w<x> w<d> s<?&> w<y> w<d> s<@?> w<z>"},
        {"a ?|| b", "w<a> s<?||> w<b>"},
        {"?::int", "v<?> s<::> w<int>"},
    };
    check(cases, sizeof(cases) / sizeof(cases[0]), false, true);
}

static void nul_bytes_are_blanks(void **state)
{
    (void)state;
    char out[64];
    struct spy_sql_lexer lexer;

    spy_sql_start(&lexer, "a\0b\0\0", 5);
    dump(&lexer, out, sizeof(out));
    assert_string_equal(out, "w<a> w<b>");
}

static void last_block_comment_is_remembered(void **state)
{
    (void)state;
    static const char text[] = "/*one*/ select 1 /*two=/*2*/*/ -- three";
    struct spy_sql_lexer lexer;

    spy_sql_start(&lexer, text, sizeof(text) - 1);
    assert_null(lexer.comment);
    while (spy_sql_next(&lexer).kind != SPY_SQL_END)
        ;
    assert_int_equal(lexer.comment_len, strlen("two=/*2*/"));
    assert_memory_equal(lexer.comment, "two=/*2*/", lexer.comment_len);
    assert_null(lexer.open);
}

static void what_is_not_closed_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long at; /* -1: all closed */
    } cases[] = {
        {"a 'b", 2},     {"a \"b", 2},   {"a /* /* */", 2},       {"a $x$ b", 2},
        {"a e'b\\'", 2}, {"a U&\"b", 2}, {"u&'a' uescape '", 14}, {"a 'b' \"c\" /* */ $$ $$", -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct spy_sql_lexer lexer;
        spy_sql_start(&lexer, cases[i].text, strlen(cases[i].text));
        while (spy_sql_next(&lexer).kind != SPY_SQL_END)
            ;
        assert_int_equal(lexer.open ? lexer.open - cases[i].text : -1, cases[i].at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_and_comments),
        cmocka_unit_test(words),
        cmocka_unit_test(strings),
        cmocka_unit_test(strings_with_backslashes),
        cmocka_unit_test(dollars),
        cmocka_unit_test(numbers),
        cmocka_unit_test(operators),
        cmocka_unit_test(patterns),
        cmocka_unit_test(nul_bytes_are_blanks),
        cmocka_unit_test(last_block_comment_is_remembered),
        cmocka_unit_test(what_is_not_closed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
