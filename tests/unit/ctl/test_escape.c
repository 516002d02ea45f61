/* SPDX-License-Identifier: MIT */
/* Foreign bytes made visible: nothing of them acts on a terminal, nothing is lost. */
#include "ctl/escape.h"

#include "unit/ctl/fixture.h"

static void quotes_as(const char *in, size_t len, const char *expected)
{
    char *out = ctl_escape_quoted(in, len);
    assert_string_equal(out, expected);
    free(out);
}

#define QUOTES(in, expected) quotes_as(in, sizeof(in) - 1, expected)

static void quoted(void **state)
{
    (void)state;
    QUOTES("", "''");
    QUOTES("plain grüß µ", "'plain grüß µ'");
    QUOTES("it's \\ so", "'it''s \\\\ so'");
    QUOTES("a\nb\tc\rd\033[31m\177", "'a\\nb\\tc\\rd\\x1b[31m\\x7f'");
    QUOTES("\0x", "'\\x00x'");
    QUOTES("\xc2\x9b"
           "31m",
           "'\\u009b31m'");                      /* a control of eight bits */
    QUOTES("\xe2\x80\xae", "'\\u202e'");         /* turns the direction */
    QUOTES("\xef\xbb\xbf", "'\\ufeff'");         /* cannot be seen */
    QUOTES("\xff\xc0\x80", "'\\xff\\xc0\\x80'"); /* overlong */
    QUOTES("\xed\xa0\x80", "'\\xed\\xa0\\x80'"); /* a surrogate */
    QUOTES("\xf4\x90\x80\x80", "'\\xf4\\x90\\x80\\x80'");
    QUOTES("\xf0\x9f\x98\x80", "'\xf0\x9f\x98\x80'");
    QUOTES("cut\xe2\x82", "'cut\\xe2\\x82'");
}

static void plain_and_hex(void **state)
{
    (void)state;
    char *out = ctl_escape("it's\n", 5);
    assert_string_equal(out, "it's\\n");
    free(out);
    out = ctl_escape_hex("\0\x01\xfe", 3);
    assert_string_equal(out, "\\x0001fe");
    free(out);
    out = ctl_escape_hex("", 0);
    assert_string_equal(out, "\\x");
    free(out);
}

static void whole_characters(void **state)
{
    (void)state;
    assert_int_equal(ctl_escape_whole("abc", 3), 3);
    assert_int_equal(ctl_escape_whole("ab\xe2\x82\xac", 5), 5);
    assert_int_equal(ctl_escape_whole("ab\xe2\x82", 4), 2);
    assert_int_equal(ctl_escape_whole("ab\xe2", 3), 2);
    assert_int_equal(ctl_escape_whole("\x82\x82", 2), 2);
    assert_int_equal(ctl_escape_whole("", 0), 0);
    assert_true(ctl_escape_is_utf8("gr\xc3\xbc\xc3\x9f", 6));
    assert_false(ctl_escape_is_utf8("gr\xc3", 3));
}

static void percent_as(const char *in, const char *expected, size_t len)
{
    char *text = ctl_copy(in);
    assert_int_equal(ctl_escape_percent(text, strlen(text)), len);
    assert_memory_equal(text, expected, len);
    free(text);
}

static void percent(void **state)
{
    (void)state;
    percent_as("a+b%20c", "a b c", 5);
    percent_as("%C3%bc%00", "\xc3\xbc\0", 3);
    percent_as("%2", "%2", 2);
    percent_as("%zz%", "%zz%", 4);
    percent_as("%2541", "%41", 3); /* once only */
    percent_as("", "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted),
        cmocka_unit_test(plain_and_hex),
        cmocka_unit_test(whole_characters),
        cmocka_unit_test(percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
