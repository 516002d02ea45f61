/* SPDX-License-Identifier: MIT */
/* A capture's stream: in any pieces, and from a process that says anything. */
#include "ctl/capture.h"

#include "unit/ctl/fixture.h"

#include <fcntl.h>

static struct ctl_process process = {.proc = {.pid = 42}};

struct stream {
    struct ctl_capture capture;
    int in; /* where to write */
};

static struct stream open_stream(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    return (struct stream){{.process = &process, .fd = ends[0]}, ends[1]};
}

static void close_stream(struct stream *s)
{
    close(s->in);
    ctl_capture_close(&s->capture);
}

static void say(const struct stream *s, const void *bytes, size_t len)
{
    assert_int_equal(write(s->in, bytes, len), len);
}

/* A frame of one statement with a value, LEN bytes long; returns its length. */
static size_t frame(char *out, const char *value, uint32_t last)
{
    struct spy_capture_item item = {.kind = SPY_CAPTURE_VALUE, .len = (uint32_t)strlen(value)};
    struct spy_capture_head head = {.bytes = (uint32_t)sizeof(item) + item.len, .last = last};
    size_t used = (size_t)sprintf(out, "call %zu\n", sizeof(head) + head.bytes);
    item.full = item.len;
    memcpy(out + used, &head, sizeof(head));
    memcpy(out + used + sizeof(head), &item, sizeof(item));
    memcpy(out + used + sizeof(head) + sizeof(item), value, item.len);
    return used + sizeof(head) + head.bytes;
}

static void assert_value(const struct ctl_captured *captured, const char *value)
{
    struct spy_capture_item item;
    const char *data;
    uint32_t at = 0;
    assert_true(ctl_captured_next(captured, &at, &item, &data));
    assert_int_equal(item.len, strlen(value));
    assert_memory_equal(data, value, item.len);
    assert_false(ctl_captured_next(captured, &at, &item, &data));
}

static void byte_by_byte(void **state)
{
    char bytes[2048];
    struct ctl_captured captured;
    struct stream s = open_stream();
    (void)state;
    size_t first = frame(bytes, "one", 0), len = first + frame(bytes + first, "two", 1);
    size_t end = len + (size_t)sprintf(bytes + len, "end 17\ncalls=1 missed=3\n");
    enum ctl_frame seen[3];
    size_t n = 0;
    for (size_t i = 0; i < end; i++) {
        say(&s, bytes + i, 1);
        assert_true(ctl_capture_read(&s.capture));
        enum ctl_frame got = ctl_capture_next(&s.capture, &captured);
        if (got == CTL_FRAME_NONE)
            continue;
        assert_true(n < 3);
        seen[n++] = got;
        if (got == CTL_FRAME_CALL) {
            assert_int_equal(captured.first, n == 1);
            assert_value(&captured, n == 1 ? "one" : "two");
        }
    }
    assert_int_equal(n, 3);
    assert_int_equal(seen[1], CTL_FRAME_CALL);
    assert_int_equal(seen[2], CTL_FRAME_END);
    assert_int_equal(s.capture.missed, 3);
    close_stream(&s);
}

static void nonsense(void **state)
{
    static const char *const said[] = {
        "call 99999999\n",
        "call -1\n",
        "call 3\nabc",
        "dance 0\n",
        "call\n",
        "end 3\nabc",
        "no line as long as this one is of the protocol",
    };
    struct ctl_captured captured;
    (void)state;
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        struct stream s = open_stream();
        say(&s, said[i], strlen(said[i]));
        assert_true(ctl_capture_read(&s.capture));
        if (ctl_capture_next(&s.capture, &captured) != CTL_FRAME_BROKEN)
            fail_msg("taken: %s", said[i]);
        close_stream(&s);
    }
}

/* Lengths that lie: the head's, and an item's. */
static void lies(void **state)
{
    char bytes[2048];
    struct ctl_captured captured;
    struct spy_capture_item item;
    const char *data;
    uint32_t at = 0;
    (void)state;
    struct stream s = open_stream();
    size_t len = frame(bytes, "one", 1);
    size_t line = strcspn(bytes, "\n") + 1;
    bytes[line] = (char)(bytes[line] + 1); /* head.bytes */
    say(&s, bytes, len);
    assert_true(ctl_capture_read(&s.capture));
    assert_int_equal(ctl_capture_next(&s.capture, &captured), CTL_FRAME_BROKEN);
    close_stream(&s);

    s = open_stream();
    len = frame(bytes, "one", 1);
    item = (struct spy_capture_item){.kind = SPY_CAPTURE_VALUE, .len = UINT32_MAX};
    memcpy(bytes + line + sizeof(struct spy_capture_head), &item, sizeof(item));
    say(&s, bytes, len);
    assert_true(ctl_capture_read(&s.capture));
    assert_int_equal(ctl_capture_next(&s.capture, &captured), CTL_FRAME_CALL);
    assert_false(ctl_captured_next(&captured, &at, &item, &data));
    close_stream(&s);
}

static void the_end_of_the_process(void **state)
{
    struct ctl_captured captured;
    struct stream s = open_stream();
    (void)state;
    assert_true(ctl_capture_read(&s.capture)); /* nothing yet */
    assert_int_equal(ctl_capture_next(&s.capture, &captured), CTL_FRAME_NONE);
    close(s.in);
    s.in = -1;
    assert_false(ctl_capture_read(&s.capture));
    ctl_capture_close(&s.capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(nonsense),
        cmocka_unit_test(lies),
        cmocka_unit_test(the_end_of_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
