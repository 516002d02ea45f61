/* SPDX-License-Identifier: MIT */
/*
 * The property of the HTTP/1 state machine: however the bytes of a conversation are cut into calls,
 * the same exchanges come out, with the times of the calls that carried the decisive bytes. Each
 * conversation of tests/fixtures/http/ is run whole, byte by byte, with every single cut, and with
 * thousands of random cuts; all are compared with what the file says.
 */
#include "unit/observe/http1_conversation.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIXTURES          "tests/fixtures/http"
#define CLOSE_DELAY       1000
#define RANDOM_SPLITS     2000
#define RANDOM_LARGE      60   /* of conversations above LARGE bytes */
#define LARGE             4096 /* their single cuts are sampled */
#define SAMPLED_CUTS      300
#define MIN_CONVERSATIONS 40 /* there are more; fewer read means that the test is not testing */

static struct conversation conv;

/* One way to cut the conversation, and what came out. A call that ends before byte I+1 ends at
 * time 10 * (I + 1); it begins right after the call before. */
struct run {
    bool cut[CONVERSATION_BYTES];          /* behind this byte */
    uint64_t begin_ns[CONVERSATION_BYTES]; /* of the call that carried this byte */
    uint64_t end_ns[CONVERSATION_BYTES];
    char operation[CONVERSATION_EXCHANGES][CONVERSATION_LINE];
    struct spy_http1_exchange exchange[CONVERSATION_EXCHANGES];
    size_t heads;
    size_t exchanges;
    enum spy_http1_lost end;
};
static struct run run;

static uint32_t on_head(void *ctx, const char *method, size_t method_len, const char *target,
                        size_t target_len)
{
    struct run *r = ctx;
    assert_true(r->heads < CONVERSATION_EXCHANGES);
    snprintf(r->operation[r->heads], CONVERSATION_LINE, "%.*s %.*s", (int)method_len, method,
             (int)target_len, target);
    return (uint32_t)++r->heads;
}

static void on_done(void *ctx, const struct spy_http1_exchange *exchange)
{
    struct run *r = ctx;
    assert_true(r->exchanges < CONVERSATION_EXCHANGES);
    r->exchange[r->exchanges++] = *exchange;
}

static const struct spy_http1_sink sink = {on_head, on_done, &run};

static bool is_read(size_t i)
{
    return conv.byte[i].way == '>';
}

/* Must bytes I and I+1 be told by different calls? */
static bool must_cut(size_t i)
{
    return i + 1 == conv.bytes || is_read(i) != is_read(i + 1) ||
           conv.byte[i].opaque != conv.byte[i + 1].opaque;
}

static void tell(struct spy_http1 *http, size_t from, size_t to)
{
    /* A copy of its own, exactly as long: what is read beyond it or after it is found out. */
    size_t n = to - from;
    char *data = conv.byte[from].opaque ? NULL : malloc(n);
    for (size_t i = 0; data && i < n; i++)
        data[i] = conv.byte[from + i].value;
    uint64_t begin_ns = from * 10 + 5;
    uint64_t end_ns = to * 10;
    for (size_t i = from; i < to; i++) {
        run.begin_ns[i] = begin_ns;
        run.end_ns[i] = end_ns;
    }
    if (is_read(from))
        spy_http1_in(http, &sink, data, n, end_ns);
    else
        spy_http1_out(http, &sink, data, n, n, begin_ns, end_ns);
    free(data);
}

static void run_conversation(void)
{
    static struct spy_http1 http;
    static char room[SPY_HTTP1_TARGET_MAX];
    run.heads = 0;
    run.exchanges = 0;
    spy_http1_open(&http, room);
    size_t from = 0;
    for (size_t i = 0; i < conv.bytes; i++) {
        if (!run.cut[i] && !must_cut(i))
            continue;
        tell(&http, from, i + 1);
        from = i + 1;
    }
    run.end = spy_http1_why_lost(&http);
    spy_http1_close(&http, &sink, conv.bytes * 10 + CLOSE_DELAY);
}

/* What the file's annotations say about one exchange, given this run's calls. */
static struct spy_http1_exchange expected(size_t index)
{
    const struct conversation_exchange *e = &conv.exchange[index];
    struct spy_http1_exchange x = {.op = (uint32_t)index + 1, .status = e->status};
    uint64_t charged_ns = 0;
    for (size_t i = 0; i < conv.bytes; i++) {
        if (conv.byte[i].owner != index + 1)
            continue;
        if (is_read(i)) {
            x.bytes_in++;
            x.begin_ns = x.begin_ns ? x.begin_ns : run.end_ns[i];
            x.request_end_ns = e->open ? 0 : run.end_ns[i];
            continue;
        }
        x.bytes_out++;
        if (run.end_ns[i] != charged_ns)
            x.blocked_ns += run.end_ns[i] - run.begin_ns[i];
        charged_ns = run.end_ns[i];
        x.end_ns = run.end_ns[i];
        if (conv.byte[i].way == '<' && x.first_byte_ns == 0 && e->status != 0)
            x.first_byte_ns = run.end_ns[i];
    }
    x.aborted = e->aborted;
    x.lost = e->lost;
    if (x.aborted)
        x.end_ns = conv.bytes * 10 + CLOSE_DELAY;
    return x;
}

static void print_exchange(const char *what, const struct spy_http1_exchange *x)
{
    print_error(
        "  %s: op %u status %u%s%s begin %lu request end %lu first byte %lu end %lu blocked "
        "%lu in %lu out %lu\n",
        what, x->op, x->status, x->aborted ? " aborted" : "", x->lost ? " lost" : "", x->begin_ns,
        x->request_end_ns, x->first_byte_ns, x->end_ns, x->blocked_ns, x->bytes_in, x->bytes_out);
}

static bool same_exchange(size_t i)
{
    struct spy_http1_exchange want = expected(i);
    const struct spy_http1_exchange *got = &run.exchange[i];
    bool same = strcmp(run.operation[i], conv.exchange[i].operation) == 0 && got->op == want.op &&
                got->status == want.status && got->lost == want.lost &&
                got->aborted == want.aborted && got->begin_ns == want.begin_ns;
    /* How far a lost one was followed does not matter to anybody. */
    if (!want.lost)
        same = same && got->request_end_ns == want.request_end_ns &&
               got->first_byte_ns == want.first_byte_ns && got->end_ns == want.end_ns &&
               got->blocked_ns == want.blocked_ns && got->bytes_in == want.bytes_in &&
               got->bytes_out == want.bytes_out;
    if (!same) {
        print_error("  operation %s, expected %s\n", run.operation[i], conv.exchange[i].operation);
        print_exchange("expected", &want);
        print_exchange("got", got);
    }
    return same;
}

static void check(const char *how)
{
    run_conversation();
    bool same =
        run.exchanges == conv.exchanges && run.heads == conv.exchanges && run.end == conv.end;
    for (size_t i = 0; same && i < conv.exchanges; i++)
        same = same_exchange(i);
    if (same)
        return;
    print_error("%s, %s: %zu heads and %zu exchanges for %zu, ended %d for %d; cuts behind bytes:",
                conv.name, how, run.heads, run.exchanges, conv.exchanges, run.end, conv.end);
    for (size_t i = 0, shown = 0; i < conv.bytes && shown < 20; i++) {
        if (run.cut[i] && shown++ < 20)
            print_error(" %zu", i);
    }
    print_error("\n");
    fail();
}

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

static void check_single_cuts(void)
{
    bool large = conv.bytes > LARGE;
    size_t cuts = large ? SAMPLED_CUTS : conv.bytes;
    for (size_t i = 0; i < cuts; i++) {
        size_t at = large ? random_below(conv.bytes) : i;
        /* Of a large one, mostly where something happens: the ends. */
        if (large && i % 3 != 0)
            at = i % 3 == 1 ? i : conv.bytes - 1 - i;
        run.cut[at] = true;
        check("one cut");
        run.cut[at] = false;
    }
}

static void check_random_cuts(void)
{
    static const uint64_t one_in[] = {2, 7, 40, 300};
    size_t splits = conv.bytes > LARGE ? RANDOM_LARGE : RANDOM_SPLITS;
    for (size_t s = 0; s < splits; s++) {
        for (size_t i = 0; i < conv.bytes; i++)
            run.cut[i] = random_below(one_in[s % 4]) == 0;
        check("random cuts");
    }
}

static void check_conversation(void)
{
    memset(run.cut, false, sizeof(run.cut));
    check("whole");
    check_single_cuts();
    memset(run.cut, true, sizeof(run.cut));
    check("byte by byte");
    check_random_cuts();
}

static void any_split_gives_the_same_exchanges(void **state)
{
    (void)state;
    DIR *dir = opendir(FIXTURES);
    assert_non_null(dir);
    size_t conversations = 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char path[512];
        if (!strstr(entry->d_name, ".conv"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", FIXTURES, entry->d_name);
        conversation_read(&conv, path);
        check_conversation();
        conversations++;
    }
    closedir(dir);
    assert_true(conversations >= MIN_CONVERSATIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_gives_the_same_exchanges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
