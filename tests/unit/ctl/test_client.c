/* SPDX-License-Identifier: MIT */
/* The socket client against real servers, good and bad, each in a process of its own. */
#include "ctl/client.h"

#include "ctl/image.h"
#include "unit/ctl/fixture.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static char dir[SPY_PATH_BYTES];
static char path[SPY_PATH_BYTES + 8];
static struct spy_region *region;

static int listen_here(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

/* How often a busy machine may keep a server of ours from answering in the client's time. */
#define TRIES 20

/* Answers one client with COUNT bytes in pieces, then waits to be killed if SILENT. */
static pid_t serve(const char *bytes, size_t count, bool silent)
{
    int fd = listen_here();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        close(fd);
        return pid;
    }
    char line[16];
    int client = accept(fd, NULL, NULL);
    if (read(client, line, sizeof(line)) != 5 || memcmp(line, "dump\n", 5) != 0)
        _exit(1);
    while (count > 0) {
        ssize_t n = write(client, bytes, count < 70001 ? count : 70001);
        if (n <= 0)
            _exit(2);
        bytes += n;
        count -= (size_t)n;
    }
    if (silent)
        pause();
    _exit(0);
}

static const char too_late[] = "no answer within 1000 ms";

static enum spy_status dump_once(pid_t server, struct spy_region **out, struct spy_error *err)
{
    memset(err, 0, sizeof(*err));
    enum spy_status status =
        ctl_client_dump(path, geteuid(), (struct spy_process_id){10, 1000}, out, err);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return status;
}

/* What a server that answers so gives. */
static enum spy_status dump(const char *bytes, size_t count, struct spy_region **out,
                            struct spy_error *err)
{
    enum spy_status status = SPY_ERR_IO;
    for (int tries = 0; tries < TRIES; tries++) {
        status = dump_once(serve(bytes, count, false), out, err);
        if (status == SPY_OK || strcmp(err->text, too_late) != 0)
            break;
    }
    return status;
}

static void takes_a_cut_image(void **state)
{
    struct spy_region *out;
    struct spy_error err;
    (void)state;
    size_t count = region->section[SPY_SECTION_ARENA].offset + region->arena_used * SPY_CHUNK_BYTES;
    char *reply = malloc(count + 64);
    assert_non_null(reply);
    size_t head = (size_t)sprintf(reply, "ok %zu\n", count);
    memcpy(reply + head, region, count);
    assert_int_equal(dump(reply, head + count, &out, &err), SPY_OK);
    assert_memory_equal(out, region, region->total_bytes); /* the rest is zero in both */
    ctl_image_free(out);
    free(reply);
}

static void expect(const char *reply, enum spy_status wanted, const char *text)
{
    struct spy_region *out;
    struct spy_error err;
    assert_int_equal(dump(reply, strlen(reply), &out, &err), wanted);
    assert_null(out);
    assert_string_equal(err.text, text);
}

static void bad_answers(void **state)
{
    (void)state;
    expect("error 9\nnot today", SPY_ERR_REFUSED, "not today");
    expect("ok 5\nshort", SPY_ERR_CORRUPT, "5 bytes are too few for a region");
    expect("ok 100\nshort", SPY_ERR_IO, "it closed the connection after 5 of 100 bytes");
    expect("", SPY_ERR_IO, "it closed the connection after 0 of 1 bytes");
    expect("ok -1\n", SPY_ERR_CORRUPT, "an answer that is not of the protocol");
    expect("ok 99999999999\n", SPY_ERR_CORRUPT, "an answer that is not of the protocol");
    expect("hello\n", SPY_ERR_CORRUPT, "an answer that is not of the protocol");
    expect("0123456789012345678901234567890123456789012345678901234567890123456789",
           SPY_ERR_CORRUPT, "an answer that is not of the protocol");
}

/* How long the client waits for one that begins an answer and says no more. */
static uint64_t wait_for_silent(void)
{
    static const char reply[] = "ok 100\nhalf";
    struct spy_region *out;
    struct spy_error err;
    pid_t server = serve(reply, strlen(reply), true);
    uint64_t before = ctl_clock_ns(CLOCK_MONOTONIC);
    assert_int_equal(dump_once(server, &out, &err), SPY_ERR_IO);
    uint64_t took = ctl_clock_ns(CLOCK_MONOTONIC) - before;
    assert_string_equal(err.text, too_late);
    assert_true(took >= 990 * MS);
    return took;
}

static void silence_has_a_deadline(void **state)
{
    (void)state;
    uint64_t took = wait_for_silent();
    for (int tries = 1; tries < TRIES && took > 3 * SEC; tries++)
        took = wait_for_silent();
    assert_true(took <= 3 * SEC);
}

static void other_users_server(void **state)
{
    struct spy_region *out;
    struct spy_error err;
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can become somebody else */
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0) { /* listens as user 12345, in the abstract namespace */
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct spy_process_id id = {10, 1000};
        if (setresuid(12345, 12345, 12345) != 0 ||
            !spy_paths_abstract(address.sun_path + 1, sizeof(address.sun_path) - 1, 0, id))
            _exit(1);
        size_t len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (bind(fd, (struct sockaddr *)&address, (socklen_t)len) != 0 || listen(fd, 1) != 0)
            _exit(2);
        pause();
    }
    enum spy_status status = SPY_ERR_IO;
    for (int tries = 0; tries < 6000 && status == SPY_ERR_IO; tries++) {
        usleep(5000);
        status = ctl_client_dump(NULL, 0, (struct spy_process_id){10, 1000}, &out, &err);
    }
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    assert_int_equal(status, SPY_ERR_REFUSED);
    assert_string_equal(err.text, "its server runs as user 12345");
}

static int set_up(void **state)
{
    (void)state;
    fixture_dir(dir);
    snprintf(path, sizeof(path), "%s/s", dir);
    region = fixture_parts(10, 1000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    rmdir(dir);
    free(region);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_cut_image),
        cmocka_unit_test(bad_answers),
        cmocka_unit_test(silence_has_a_deadline),
        cmocka_unit_test(other_users_server),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
