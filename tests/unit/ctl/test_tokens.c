/* SPDX-License-Identifier: MIT */
/* The token file: its grammar, its rights, and who gets which role. */
#include "ctl/tokens.h"

#include "unit/ctl/fixture.h"

/* SHA-256 of "abc", from FIPS 180. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct ctl_tokens tokens;

static enum spy_status parse(const char *text, struct spy_error *err)
{
    return ctl_tokens_parse(text, strlen(text), &tokens, err);
}

static enum ctl_role role_of(const char *token)
{
    return ctl_tokens_role(&tokens, token, strlen(token));
}

static void roles(void **state)
{
    struct spy_error err;
    (void)state;
    assert_int_equal(parse("# comment\n\n \t super_admin\tone  \r\nreader two\n"
                           "reader sha256:" ABC "\nsuper_admin last",
                           &err),
                     SPY_OK);
    assert_int_equal(tokens.count, 4);
    assert_int_equal(role_of("one"), CTL_ROLE_SUPER_ADMIN);
    assert_int_equal(role_of("two"), CTL_ROLE_READER);
    assert_int_equal(role_of("abc"), CTL_ROLE_READER);
    assert_int_equal(role_of("last"), CTL_ROLE_SUPER_ADMIN);
    assert_int_equal(role_of("three"), CTL_ROLE_NONE);
    assert_int_equal(role_of("on"), CTL_ROLE_NONE);
    assert_int_equal(role_of("onee"), CTL_ROLE_NONE);
    assert_int_equal(role_of(""), CTL_ROLE_NONE);
    assert_int_equal(role_of("sha256:" ABC), CTL_ROLE_NONE);
    assert_int_equal(role_of(ABC), CTL_ROLE_NONE);
}

static void refuse(const char *text, uint32_t line, const char *part)
{
    struct spy_error err = {0};
    size_t before = tokens.count;
    assert_int_not_equal(parse(text, &err), SPY_OK);
    assert_int_equal(err.line, line);
    assert_non_null(strstr(err.text, part));
    assert_null(strstr(err.text, "secret")); /* no token is ever shown */
    assert_int_equal(tokens.count, before);
}

static void bad_lines(void **state)
{
    struct spy_error err;
    (void)state;
    assert_int_equal(parse("reader x\n", &err), SPY_OK);
    refuse("", 0, "no token");
    refuse("# only this\n", 0, "no token");
    refuse("reader a\nsecret b\n", 2, "super_admin or reader");
    refuse("Reader a\n", 1, "super_admin or reader");
    refuse("reader\n", 1, "missing");
    refuse("reader secret # mine\n", 1, "after the token");
    refuse("reader sha256:secret\n", 1, "64 hexadecimal digits");
    refuse("reader sha256:" ABC "0\n", 1, "64 hexadecimal digits");
    refuse("reader secret\n\nsuper_admin secret\n", 3, "line 1");
    refuse("reader abc\nreader sha256:" ABC "\n", 2, "line 1");
    refuse("reader secr\xc3\xa4t\n", 1, "visible ASCII");
    assert_int_equal(role_of("x"), CTL_ROLE_READER); /* a failure leaves the old ones alone */
}

static void too_many(void **state)
{
    struct spy_error err;
    char text[(CTL_TOKENS_MAX + 1) * 16] = "";
    (void)state;
    for (unsigned i = 0; i < CTL_TOKENS_MAX; i++)
        sprintf(text + strlen(text), "reader t%u\n", i);
    assert_int_equal(parse(text, &err), SPY_OK);
    strcat(text, "reader more\n");
    refuse(text, CTL_TOKENS_MAX + 1, "too many");
    memset(text, 'x', sizeof(text));
    memcpy(text, "reader ", 7);
    text[7 + CTL_TOKEN_BYTES] = '\0';
    assert_int_equal(parse(text, &err), SPY_OK);
    text[7 + CTL_TOKEN_BYTES] = 'x';
    text[7 + CTL_TOKEN_BYTES + 1] = '\0';
    refuse(text, 1, "at most 512");
}

static void write_file(const char *path, size_t blanks)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("reader filed\n", file);
    for (size_t i = 0; i < blanks; i++)
        fputc('\n', file);
    assert_int_equal(fclose(file), 0);
}

static void load_fails(const char *path, enum spy_status status, const char *part)
{
    struct spy_error err = {0};
    assert_int_equal(ctl_tokens_load(path, &tokens, &err), status);
    assert_non_null(strstr(err.text, part));
}

static void files(void **state)
{
    struct spy_error err;
    char dir[SPY_PATH_BYTES], path[SPY_PATH_BYTES + 8], link[SPY_PATH_BYTES + 8];
    (void)state;
    fixture_dir(dir);
    snprintf(path, sizeof(path), "%s/file", dir);
    snprintf(link, sizeof(link), "%s/link", dir);
    load_fails(path, SPY_ERR_ABSENT, "No such file");
    write_file(path, 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(ctl_tokens_load(path, &tokens, &err), SPY_OK);
    assert_int_equal(role_of("filed"), CTL_ROLE_READER);
    const mode_t open_modes[] = {0640, 0604, 0660, 0601, 0620, 0777};
    for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        load_fails(path, SPY_ERR_REFUSED, "group and others");
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(ctl_tokens_load(path, &tokens, &err), SPY_OK);
    assert_int_equal(symlink("file", link), 0);
    load_fails(link, SPY_ERR_IO, "symbolic link");
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 0), 0);
        load_fails(path, SPY_ERR_REFUSED, "belongs to user 12345");
        assert_int_equal(chown(path, 0, 0), 0);
    }
    assert_int_equal(chmod(path, 0600), 0);
    write_file(path, CTL_TOKENS_FILE_BYTES);
    load_fails(path, SPY_ERR_FULL, "longer than");
    load_fails(dir, SPY_ERR_REFUSED, "not a regular file");
    unlink(link);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    load_fails(path, SPY_ERR_REFUSED, "not a regular file");
    unlink(path);
    fixture_remove(dir, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles),
        cmocka_unit_test(bad_lines),
        cmocka_unit_test(too_many),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
