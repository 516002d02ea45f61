/* SPDX-License-Identifier: MIT */
/*
 * Many threads classify the same new work at the same time: one operation for each text and path,
 * the same for everybody, complete whenever it is seen, and no row wasted.
 */
#include "unit/classify/classify_fixture.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS 8u
#define TEXTS   300u
#define PATHS   150u
#define BATCHES 100u

struct worker {
    pthread_t thread;
    struct fixture *f;
    unsigned first; /* each begins elsewhere */
    uint32_t op[TEXTS];
    uint32_t route[PATHS];
    uint32_t part[BATCHES][2];
    uint32_t whole[BATCHES];
    uint32_t pair;
    const char *wrong;
};

static pthread_barrier_t start;

static void classify_text(struct worker *w, unsigned n)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "SELECT c%u FROM %s", n, n % 3 == 0 ? "ruled" : "t");
    spy_stmt stmt = spy_classify_sql(w->f->c, text, (size_t)len);
    uint32_t op = spy_classify_single(w->f->c, stmt);
    if (w->op[n] != 0 && w->op[n] != op)
        w->wrong = "a text changed its operation";
    w->op[n] = op;
}

static void classify_batch(struct worker *w, unsigned n)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "SELECT c%u FROM t; SELECT d%u, %u FROM ruled;", n, n,
                       w->first);
    const spy_stmt *parts;
    spy_stmt stmt = spy_classify_sql(w->f->c, text, (size_t)len);
    if (spy_classify_parts(w->f->c, stmt, &parts) != 2) {
        w->wrong = "a batch of other than two";
        return;
    }
    w->part[n][0] = spy_classify_single(w->f->c, parts[0]);
    w->part[n][1] = spy_classify_single(w->f->c, parts[1]);
    uint32_t whole = spy_classify_single(w->f->c, stmt);
    if (w->whole[n] != 0 && w->whole[n] != whole)
        w->wrong = "a batch changed its operation";
    w->whole[n] = whole;
}

static void classify_path(struct worker *w, unsigned n)
{
    char path[16];
    int len = snprintf(path, sizeof(path), "/p%c%c", 'a' + n / 26, 'a' + n % 26);
    uint32_t op = spy_classify_http(w->f->c, "GET", 3, path, (size_t)len);
    if (w->route[n] != 0 && w->route[n] != op)
        w->wrong = "a path changed its operation";
    w->route[n] = op;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    pthread_barrier_wait(&start);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < TEXTS; i++)
            classify_text(w, (w->first + i) % TEXTS);
        for (unsigned i = 0; i < BATCHES; i++)
            classify_batch(w, (w->first + i) % BATCHES);
        for (unsigned i = 0; i < PATHS; i++)
            classify_path(w, (w->first + i) % PATHS);
        spy_stmt stmt[2] = {spy_classify_sql(w->f->c, "SELECT one", 10),
                            spy_classify_sql(w->f->c, "SELECT two", 10)};
        w->pair = spy_classify_sequence(w->f->c, stmt, 2).op;
    }
    return NULL;
}

/* What a tool does meanwhile: whatever is ready is whole. */
static void *watch(void *arg)
{
    struct worker *w = arg;
    pthread_barrier_wait(&start);
    for (int round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < spy_region_ops(w->f->region); i++) {
            struct spy_op *op = spy_region_op(w->f->region, i);
            if (atomic_load_explicit(&op->state, memory_order_acquire) != SPY_OP_READY)
                continue;
            if (op->name[0] == '\0' || op->kind >= SPY_KIND_COUNT)
                w->wrong = "a ready operation without a name";
            const char *text = spy_region_text(w->f->region, op);
            if (text[0] != '\0' && strncmp(text, "select ", 7) != 0)
                w->wrong = "a text that is not whole";
        }
    }
    return NULL;
}

static void run(struct worker workers[THREADS + 1], struct fixture *f)
{
    pthread_barrier_init(&start, NULL, THREADS + 1);
    for (unsigned t = 0; t <= THREADS; t++) {
        workers[t] = (struct worker){.f = f, .first = t / 2 * 17}; /* in pairs: the same text */
        assert_int_equal(
            pthread_create(&workers[t].thread, NULL, t < THREADS ? work : watch, &workers[t]), 0);
    }
    for (unsigned t = 0; t <= THREADS; t++)
        pthread_join(workers[t].thread, NULL);
    pthread_barrier_destroy(&start);
}

static void test_races(void **state)
{
    (void)state;
    static struct worker workers[THREADS + 1];
    for (int round = 0; round < 10; round++) {
        struct fixture f;
        fixture_open(&f, "version: 1\n"
                         "operations:\n"
                         "- {name: ruled, sql: 'SELECT ... FROM ruled'}\n"
                         "- {name: pair, sql: [SELECT one, SELECT two]}\n");
        uint32_t before = spy_region_ops(f.region);
        run(workers, &f);
        for (unsigned t = 0; t <= THREADS; t++)
            if (workers[t].wrong != NULL)
                fail_msg("thread %u: %s", t, workers[t].wrong);
        for (unsigned t = 1; t < THREADS; t++) {
            assert_memory_equal(workers[t].op, workers[0].op, sizeof(workers[0].op));
            assert_memory_equal(workers[t].part, workers[0].part, sizeof(workers[0].part));
            assert_memory_equal(workers[t].whole, workers[0].whole, sizeof(workers[0].whole));
            assert_memory_equal(workers[t].route, workers[0].route, sizeof(workers[0].route));
            assert_string_equal(fixture_op(&f, workers[t].pair)->name, "pair");
        }
        assert_string_equal(fixture_op(&f, workers[0].op[0])->name, "ruled");
        assert_string_equal(fixture_op(&f, workers[0].part[0][1])->name, "ruled");
        /* 200 unmapped texts of three, of each batch the whole and of every third its first part,
         * the two of the pair, the paths; rows of lost races that nobody needed any more may be
         * left over at the end. */
        uint32_t made = TEXTS / 3 * 2 + BATCHES + (BATCHES + 2) / 3 + 2 + PATHS;
        assert_in_range(spy_region_ops(f.region), before + made, before + made + THREADS);
        assert_int_equal(atomic_load(&f.region->self[SPY_SELF_OPS_FULL]), 0);
        fixture_close(&f);
    }
}

/* More new paths than there are places, from all threads: all places are taken, none twice. */
static void *crowd(void *arg)
{
    struct worker *w = arg;
    pthread_barrier_wait(&start);
    for (unsigned n = 0; n < 3 * SPY_ROUTES_MAX; n++) {
        char path[16];
        int len = snprintf(path, sizeof(path), "/p%c%c", 'a' + n / 26, 'a' + n % 26);
        uint32_t op = spy_classify_http(w->f->c, "GET", 3, path, (size_t)len);
        if (op < SPY_OP_OTHER_HTTP || op >= SPY_OPS_MAX)
            w->wrong = "a path without an operation";
    }
    return NULL;
}

static void test_routes_limit(void **state)
{
    (void)state;
    static struct worker workers[THREADS];
    for (int round = 0; round < 10; round++) {
        struct fixture f;
        unsigned routes = 0;
        fixture_open(&f, NO_RULES);
        pthread_barrier_init(&start, NULL, THREADS);
        for (unsigned t = 0; t < THREADS; t++) {
            workers[t] = (struct worker){.f = &f};
            assert_int_equal(pthread_create(&workers[t].thread, NULL, crowd, &workers[t]), 0);
        }
        for (unsigned t = 0; t < THREADS; t++) {
            pthread_join(workers[t].thread, NULL);
            assert_null(workers[t].wrong);
        }
        for (uint32_t i = SPY_OP_FIRST_FREE; i < spy_region_ops(f.region); i++) {
            struct spy_op *op = spy_region_op(f.region, i);
            routes += atomic_load(&op->state) == SPY_OP_READY && op->kind == SPY_KIND_HTTP;
        }
        assert_int_equal(routes, SPY_ROUTES_MAX);
        pthread_barrier_destroy(&start);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_races),
        cmocka_unit_test(test_routes_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
