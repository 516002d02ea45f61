/* SPDX-License-Identifier: MIT */
/*
 * Lines of the log of calls, to the letter: what is told of a statement and of a request, what is
 * left out where it is not known, and texts that would break a line.
 */
#include "../region_fixture.h"

#include "publish/logwriter.h"
#include "record/calllog.h"
#include "record/endpoint.h"
#include "record/record.h"
#include "runtime/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct spy_region *region;
static char path[256];

static int setup(void **state)
{
    (void)state;
    const char *dir = getenv("TMPDIR");
    region = region_fixture();
    strcpy(spy_region_op(region, 2)->name, "parts_crud.get_part");
    strcpy(spy_region_op(region, 3)->name, "api.get_part");
    snprintf(path, sizeof(path), "%s/perfspy-test-logwriter.%d", dir != NULL ? dir : "/tmp",
             getpid());
    strcpy(spy_config.log, path);
    spy_config.log_level = SPY_LOG_DEBUG;
    spy_calllog_open(SPY_LOG_DEBUG);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    spy_calllog_open(-1);
    unlink(path);
    free(region);
    return 0;
}

/* Writes what was recorded; the one line of it from its operation on, without the newline. */
static char *line(void)
{
    static char text[8192];
    static uint64_t now_ns;
    memset(text, 0, sizeof(text));
    unlink(path);
    spy_logwriter_drain(region, now_ns += 1000000000ull);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_int_equal(end[1], '\0'); /* one line and no more */
    *end = '\0';
    char *from = strstr(text, " op=");
    assert_non_null(from);
    return from + 1;
}

static void a_statement_with_all_its_facts(void **state)
{
    (void)state;
    struct spy_sample s = {
        .op = 2,
        .code = spy_sqlstate_pack("23505"),
        .failed = 1,
        .transaction = SPY_TRANSACTION_INERROR,
        .endpoint = spy_endpoint_intern(region, "db.example", "5433", "parts", "app"),
        .params = 3,
        .backend_pid = 4242,
        .dur_ns = 4 * FIXTURE_MS,
        .queue_ns = 250000,
        .rows = 7,
        .affected = 2,
    };
    spy_record_with(region, &s, "get_part");
    assert_string_equal(line(),
                        "op=\"parts_crud.get_part\" level_of_call=excellent ms=4.000 rows=7 "
                        "affected=2 params=3 queue_ms=0.250 statement=get_part db=parts "
                        "user=app host=db.example:5433 backend_pid=4242 tx=inerror "
                        "sqlstate=23505 failed=true");
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    spy_record(region, &(struct spy_sample){.op = 2, .dur_ns = 4 * FIXTURE_MS});
    assert_string_equal(line(),
                        "op=\"parts_crud.get_part\" level_of_call=excellent ms=4.000 rows=0 "
                        "affected=0 params=0");
    struct spy_sample s = {
        .op = 2, .endpoint = spy_endpoint_intern(region, "/run/postgresql", "", "parts", NULL)};
    spy_record(region, &s);
    assert_string_equal(line(),
                        "op=\"parts_crud.get_part\" level_of_call=excellent ms=0.000 rows=0 "
                        "affected=0 params=0 db=parts host=/run/postgresql");
    s.endpoint = SPY_ENDPOINTS - 1; /* a row that nobody made */
    spy_record(region, &s);
    assert_null(strstr(line(), " db="));
}

static void transactions_are_named(void **state)
{
    (void)state;
    static const char *const names[] = {"idle", "active", "intrans", "inerror", "unknown"};
    for (uint8_t i = 0; i < 5; i++) { /* as libpq's PGTransactionStatusType counts */
        char wanted[32];
        spy_record(region, &(struct spy_sample){.op = 2, .transaction = i + 1});
        snprintf(wanted, sizeof(wanted), " tx=%s", names[i]);
        char *text = line();
        assert_string_equal(text + strlen(text) - strlen(wanted), wanted);
    }
}

static void texts_cannot_break_a_line(void **state)
{
    (void)state;
    struct spy_sample s = {.op = 2};
    s.endpoint = spy_endpoint_intern(region, "::1", "5432", "my db", "a\"b\\c\n d=e\x7f");
    spy_record_with(region, &s, "x y=\tz");
    assert_non_null(strstr(line(), " statement=\"x y= z\" db=\"my db\" user=\"a\\\"b\\\\c  d=e \" "
                                   "host=[::1]:5432"));
}

/* Every text as long as it can be, and each of its characters escaped. */
static void the_longest_line_is_whole(void **state)
{
    (void)state;
    char quotes[200];
    memset(quotes, '"', sizeof(quotes));
    quotes[sizeof(quotes) - 1] = '\0';
    struct spy_sample s = {
        .op = 2,
        .code = spy_sqlstate_pack("23505"),
        .failed = 1,
        .transaction = SPY_TRANSACTION_INTRANS,
        .endpoint = spy_endpoint_intern(region, quotes, quotes, quotes, quotes),
        .params = UINT16_MAX,
        .backend_pid = INT32_MIN,
        .dur_ns = UINT64_MAX / 2,
        .queue_ns = UINT64_MAX / 2,
        .rows = UINT64_MAX,
        .affected = UINT64_MAX,
    };
    memset(spy_region_op(region, 2)->name, 'x', SPY_NAME_BYTES - 1);
    for (int i = 0; i < 20; i++) /* more than a batch */
        spy_record_with(region, &s, quotes);
    unlink(path);
    spy_logwriter_drain(region, 1);
    static char text[65536];
    memset(text, 0, sizeof(text));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    int lines = 0;
    for (char *at = strtok(text, "\n"); at != NULL; at = strtok(NULL, "\n"), lines++)
        assert_string_equal(strstr(at, " tx="), " tx=intrans sqlstate=23505 failed=true");
    assert_int_equal(lines, 20);
}

static void a_request_is_told_as_before(void **state)
{
    (void)state;
    struct spy_sample s = {
        .op = 3,
        .code = 200,
        .aborted = 1,
        .dur_ns = 4 * FIXTURE_MS,
        .wait_ns = 3 * FIXTURE_MS,
        .bytes_out = 99,
    };
    spy_record_with(region, &s, "skip=1 limit=2");
    assert_string_equal(line(), "op=\"api.get_part\" level_of_call=excellent ms=4.000 "
                                "ttfb_ms=3.000 status=200 bytes=99 aborted=true param.skip=1 "
                                "param.limit=2");
}

static uint64_t dropped(void)
{
    return atomic_load(&region->self[SPY_SELF_LOG_DROPPED]);
}

static void drain(void)
{
    static uint64_t now_ns;
    spy_logwriter_drain(region, now_ns += 1000000000ull);
}

static void record(int calls)
{
    for (int i = 0; i < calls; i++)
        spy_record_with(region, &(struct spy_sample){.op = 2, .dur_ns = FIXTURE_MS}, "name");
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static off_t file_size(void)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* Lines of the log: those that are a whole call, from its beginning to its end, and others. */
static void count_lines(int *whole, int *others)
{
    static const char end[] = " params=0 statement=name\n";
    char text[1024];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    *whole = *others = 0;
    while (fgets(text, sizeof(text), file) != NULL) {
        size_t len = strlen(text);
        bool ends = len > sizeof(end) && strcmp(text + len - (sizeof(end) - 1), end) == 0;
        bool one = strncmp(text, "ts=", 3) == 0 && strstr(text + 1, "ts=") == NULL;
        *whole += ends && one;
        *others += !(ends && one);
    }
    fclose(file);
}

/* The disk is full in the middle of a line: the lines that have no end are counted, those that
 * follow once there is room are whole, and the log says how many there were. */
static void what_cannot_be_written_is_counted(void **state)
{
    (void)state;
    int whole, others;
    unlink(path);
    signal(SIGXFSZ, SIG_IGN);
    record(1);
    drain();
    rlim_t line_bytes = (rlim_t)file_size();
    limit_file_size(5 * line_bytes + line_bytes / 2);
    record(10);
    drain();
    assert_int_equal(file_size(), 5 * line_bytes + line_bytes / 2);
    assert_int_equal(dropped(), 6); /* of eleven, five have their end in the log */
    limit_file_size(RLIM_INFINITY);
    record(3);
    drain();
    assert_int_equal(dropped(), 6);
    count_lines(&whole, &others);
    assert_int_equal(whole, 8);
    assert_int_equal(others, 2); /* half a line; and how many were dropped */
}

/* A pipe that nobody reads from: there is nothing to write to. */
static void without_a_log_all_are_counted(void **state)
{
    (void)state;
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    record(5);
    drain();
    assert_int_equal(dropped(), 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        TEST(a_statement_with_all_its_facts),
        TEST(what_is_not_known_is_left_out),
        TEST(transactions_are_named),
        TEST(texts_cannot_break_a_line),
        TEST(the_longest_line_is_whole),
        TEST(a_request_is_told_as_before),
        TEST(what_cannot_be_written_is_counted),
        TEST(without_a_log_all_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
