/* SPDX-License-Identifier: MIT */
/*
 * Words as the service's search cuts and compares them.
 */
#include "validate/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool begins(const char *text, const char *word)
{
    return val_words_begin(text, word, strlen(word));
}

static void test_ascii(void **state)
{
    (void)state;
    assert_true(begins("Oil filter 5 mm", "fil"));
    assert_true(begins("Oil filter 5 mm", "OIL"));
    assert_true(begins("Oil filter 5 mm", "5"));
    assert_true(begins("OF-000100", "0001"));
    assert_false(begins("Oil filter 5 mm", "ilter"));
    assert_false(begins("Oil filter 5 mm", "filters"));
    assert_false(begins("", "a"));
    assert_false(begins(NULL, "a"));
}

static void test_other_letters(void **state)
{
    (void)state;
    assert_true(begins("Ölfilter 5 mm", "ölf"));
    assert_true(begins("ölfilter", "ÖLF"));
    assert_true(begins("Φίλτρο αέρα", "ΑΈΡ"));
    assert_false(begins("Ölfilter", "Olf"));
    assert_false(begins("\xC3", "\xC3\xB6")); /* cut in the middle of a character */
    assert_false(begins("\xF0\x9F", "\xF0\x9F\x94\xA7"));
}

static void test_cutting(void **state)
{
    const char *text = "--V-belt,ünï_7", *word;
    static const char *const words[] = {"V", "belt", "ünï", "7"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        size_t len = val_words_next(&text, &word);
        assert_int_equal(len, strlen(words[i]));
        assert_memory_equal(word, words[i], len);
    }
    assert_int_equal(val_words_next(&text, &word), 0);
}

static void test_picking(void **state)
{
    char word[8];
    (void)state;
    val_words_pick(word, sizeof(word), "V-belt 5", 3);
    assert_string_equal(word, "belt");
    val_words_pick(word, sizeof(word), "Overlongword ab", 3); /* no room, too short */
    assert_string_equal(word, "");
    val_words_pick(word, sizeof(word), NULL, 3);
    assert_string_equal(word, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_other_letters),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_picking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
