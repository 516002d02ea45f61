/* SPDX-License-Identifier: MIT */
/*
 * Regions for the tests of perfspy-ctl, made in memory the way the library makes them: a layout,
 * operations, cells and their chunks in the arena. Included by one test program at a time, hence
 * static functions.
 */
#ifndef TEST_CTL_FIXTURE_H
#define TEST_CTL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ctl/ctl.h"
#include "ctl/model.h"
#include "ctl/proc.h"
#include "shared/history.h"
#include "shared/paths.h"
#include "unit/ctl/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A region of process PID that began 100 s after its machine did. */
static inline struct spy_region *fixture_region(int32_t pid, uint64_t ticks)
{
    uint64_t bytes = spy_region_layout(NULL);
    struct spy_region *r = aligned_alloc(4096, bytes);
    assert_non_null(r);
    memset(r, 0, bytes);
    spy_region_layout(r);
    spy_history_begin(r, &spy_history_default);
    r->pid = pid;
    r->uid = geteuid();
    r->start_ticks = ticks;
    r->epoch_mono_ns = 100 * SEC;
    r->epoch_real_ns = REAL;
    strcpy(r->exe, "/usr/bin/parts_server");
    strcpy(r->mode, "preload");
    strcpy(r->boot_id, "another-boot");
    strcpy(r->storage, "file");
    r->rules_state = SPY_RULES_LOADED;
    r->rules_operations = 2;
    const uint64_t bounds[] = {100 * MS, 500 * MS, SEC, 3 * SEC};
    memcpy(r->level_bounds_ns, bounds, sizeof(bounds));
    r->health_window_ns = 300 * SEC;
    r->health_slow_share_ppm = 200000;
    r->arena_used = 1;
    r->text_used = 1;
    return r;
}

static inline uint32_t fixture_op(struct spy_region *r, uint32_t kind, bool mapped,
                                  const char *name)
{
    uint32_t index = r->ops_used++;
    struct spy_op *op = spy_region_op(r, index);
    op->kind = (uint8_t)kind;
    op->mapped = mapped;
    strcpy(op->name, name);
    op->state = SPY_OP_READY;
    return index;
}

static inline void fixture_budget(struct spy_region *r, uint32_t op, uint32_t stat, uint64_t limit)
{
    struct spy_op *o = spy_region_op(r, op);
    o->budget[o->budgets++] = (struct spy_budget){.stat = stat, .limit = limit};
}

static inline void fixture_text(struct spy_region *r, uint32_t op, const char *text)
{
    char *base = spy_region_section(r, SPY_SECTION_TEXT);
    strcpy(base + r->text_used, text);
    spy_region_op(r, op)->text = r->text_used;
    r->text_used += (uint32_t)strlen(text) + 1;
}

static inline struct spy_cell *fixture_cell(struct spy_region *r, uint32_t op)
{
    struct spy_shard *shard = spy_region_shard(r, 0);
    if (shard->cell[op] == 0) {
        shard->cell[op] = r->arena_used;
        r->arena_used += SPY_CELL_CHUNKS;
        struct spy_cell *cell = spy_region_chunk(r, shard->cell[op]);
        cell->min_ns = UINT64_MAX;
    }
    return spy_region_chunk(r, shard->cell[op]);
}

static inline void fixture_code(struct spy_region *r, struct spy_cell *cell, uint32_t wanted)
{
    if (wanted == 0)
        return;
    if (cell->codes == 0)
        cell->codes = r->arena_used++;
    struct spy_code *code = spy_region_chunk(r, cell->codes);
    while (code->code != 0 && code->code != wanted)
        code++;
    code->code = wanted;
    code->count++;
}

/* COUNT calls of DUR_NS, half of it waiting. A code of 400 and more, or any SQLSTATE, is an
 * error. */
static inline void fixture_calls(struct spy_region *r, uint32_t op, uint64_t count, uint64_t dur_ns,
                                 uint32_t code)
{
    struct spy_cell *cell = fixture_cell(r, op);
    bool http = spy_region_op(r, op)->kind == SPY_KIND_HTTP;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t bucket = spy_hist_index(dur_ns);
        cell->calls++;
        cell->errors += http ? code >= 400 : code != 0;
        cell->sum_ns += dur_ns;
        cell->wait_ns += dur_ns / 2;
        cell->tail_ns += dur_ns - dur_ns / 2;
        cell->rows += !http;
        cell->bytes_in += 10;
        cell->bytes_out += 100;
        cell->min_ns = dur_ns < cell->min_ns ? dur_ns : cell->min_ns;
        cell->max_ns = dur_ns > cell->max_ns ? dur_ns : cell->max_ns;
        cell->level[spy_level_of(dur_ns, r->level_bounds_ns)]++;
        if (cell->octave[bucket / SPY_HIST_SUB] == 0)
            cell->octave[bucket / SPY_HIST_SUB] = r->arena_used++;
        struct spy_octave *octave = spy_region_chunk(r, cell->octave[bucket / SPY_HIST_SUB]);
        octave->bucket[bucket % SPY_HIST_SUB]++;
        fixture_code(r, cell, code);
    }
}

static inline void fixture_slow(struct spy_region *r, uint32_t op, uint64_t end_ns, uint64_t dur_ns,
                                uint32_t code)
{
    uint64_t n = r->slow_head++;
    struct spy_slow_event *event = spy_region_section(r, SPY_SECTION_SLOW);
    event += n % SPY_SLOW_EVENTS;
    event->tid = 77;
    event->sample = (struct spy_sample){
        .op = op,
        .code = code,
        .failed = code != 0,
        .end_ns = end_ns,
        .dur_ns = dur_ns,
        .wait_ns = dur_ns / 4,
        .rows = 3,
    };
    event->seq = 2 * n + 2;
}

static inline struct spy_slow_event *fixture_event(struct spy_region *r, uint64_t n)
{
    struct spy_slow_event *event = spy_region_section(r, SPY_SECTION_SLOW);
    return event + n % SPY_SLOW_EVENTS;
}

/* The same among the worst of OP, in place AT of the first set, and from SPY_WORST_CALLS on of the
 * others. */
static inline struct spy_slow_event *fixture_worst(struct spy_region *r, uint32_t op, uint32_t at,
                                                   uint64_t end_ns, uint64_t dur_ns)
{
    struct spy_op *row = spy_region_op(r, op);
    if (row->worst == 0) {
        row->worst = r->arena_used;
        r->arena_used += SPY_WORST_CHUNKS;
    }
    char *arena = spy_region_section(r, SPY_SECTION_ARENA);
    struct spy_worst *worst = (struct spy_worst *)(arena + row->worst * SPY_CHUNK_BYTES);
    struct spy_worst_set *set = &worst->set[at / SPY_WORST_CALLS];
    struct spy_slow_event *event = &set->event[at % SPY_WORST_CALLS];
    event->tid = 77;
    event->sample =
        (struct spy_sample){.op = op, .end_ns = end_ns, .dur_ns = dur_ns, .wait_ns = dur_ns / 4};
    event->seq = 2;
    set->rank[at % SPY_WORST_CALLS] = spy_worst_rank(at / SPY_WORST_CALLS, &event->sample);
    return event;
}

static inline void fixture_endpoint(struct spy_region *r, uint32_t row, const char *host,
                                    const char *port, const char *database, const char *user)
{
    struct spy_endpoint *e = spy_region_section(r, SPY_SECTION_ENDPOINTS);
    e += row;
    strcpy(e->host, host);
    strcpy(e->port, port);
    strcpy(e->database, database);
    strcpy(e->user, user);
    e->state = SPY_ENDPOINT_READY;
}

/* Gives event N and operation OP what only a statement in a pipeline has. */
static inline void fixture_facts(struct spy_region *r, uint32_t op, uint64_t n)
{
    struct spy_cell *cell = fixture_cell(r, op);
    struct spy_slow_event *event = fixture_event(r, n);
    cell->queue_ns += 2 * MS;
    cell->affected += 3;
    cell->params += 12;
    cell->aborted += 4;
    fixture_endpoint(r, 5, "db.example", "5433", "parts", "app");
    event->sample.endpoint = 5;
    event->sample.transaction = SPY_TRANSACTION_INERROR;
    event->sample.params = 2;
    event->sample.backend_pid = 4242;
    event->sample.queue_ns = MS / 4;
    event->sample.affected = 1;
    event->sample.bytes_in = 10;
    strcpy(event->detail, "get_part");
}

/* A request of OP, under way since BEGIN_NS, whose head thread TID read, which owns shard TID. */
static inline struct spy_open_request *fixture_request(struct spy_region *r, uint32_t row,
                                                       uint32_t op, uint64_t begin_ns, uint32_t tid)
{
    struct spy_open_request *request = spy_region_section(r, SPY_SECTION_REQUESTS);
    request += row;
    request->op = op;
    request->tid = tid;
    request->shard = tid;
    request->begin_ns = begin_ns;
    request->taken = 2;
    spy_region_shard(r, tid)->open += SPY_OPEN_ONE + row + 1;
    return request;
}

/* A connection in PHASE since SINCE_NS with a statement of OP, or where idle after one. */
static inline struct spy_open_conn *fixture_conn(struct spy_region *r, uint32_t row, uint32_t phase,
                                                 uint32_t op, uint64_t since_ns)
{
    struct spy_open_conn *conn = spy_region_section(r, SPY_SECTION_CONNS);
    conn += row;
    conn->phase = phase;
    conn->op = op;
    conn->since_ns = since_ns;
    conn->tid = 70 + row;
    conn->backend_pid = (int32_t)(4200 + row);
    conn->queued = phase != SPY_PHASE_IDLE;
    conn->taken = 2;
    return conn;
}

/* COUNT requests of OP made so many queries each. */
static inline void fixture_spread(struct spy_region *r, uint32_t op, uint64_t count,
                                  uint32_t queries)
{
    struct spy_cell *cell = fixture_cell(r, op);
    if (cell->spread == 0)
        cell->spread = r->arena_used++;
    struct spy_spread *spread = spy_region_chunk(r, cell->spread);
    spread->bucket[spy_spread_index(queries)] += count;
    cell->queries += count * queries;
}

/* COUNT requests of OP had a part of NS, 0 for none. */
static inline void fixture_part(struct spy_region *r, uint32_t op, enum spy_part part,
                                uint64_t count, uint64_t ns)
{
    struct spy_cell *cell = fixture_cell(r, op);
    if (cell->parts == 0)
        cell->parts = r->arena_used++;
    struct spy_parts *parts = spy_region_chunk(r, cell->parts);
    uint32_t index = spy_part_index(ns);
    _Atomic uint32_t *chunk = &parts->chunk[part][index / SPY_PART_CHUNK_BUCKETS];
    if (ns == 0) {
        parts->zero[part] += count;
        return;
    }
    if (*chunk == 0)
        *chunk = r->arena_used++;
    struct spy_part_chunk *buckets = spy_region_chunk(r, *chunk);
    buckets->bucket[index % SPY_PART_CHUNK_BUCKETS] += count;
}

/* A step of history with what OP did in it, behind those that there are. */
static inline void fixture_delta(struct spy_region *r, uint32_t op, const struct spy_totals *delta,
                                 uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t count = delta->calls;
    unsigned char *ring = spy_region_section(r, SPY_SECTION_HISTORY);
    ring += r->history[0].head;
    struct spy_history_step step = {
        .records = 1,
        .begin_ns = begin_ns,
        .end_ns = end_ns,
        .use = {.rss_bytes = 1000 * count, .threads = (uint32_t)count, .fds = 10},
    };
    size_t bytes = spy_history_encode(ring + sizeof(step), op, delta);
    step.bytes = (uint32_t)(sizeof(step) + bytes);
    step.check =
        spy_history_seal(spy_history_sum(SPY_HISTORY_SEED, ring + sizeof(step), bytes), &step);
    memcpy(ring, &step, sizeof(step));
    r->history[0].head += step.bytes;
    r->history_applied = r->history[0].head;
    r->history_rolled_ns = end_ns;
}

/* The same with COUNT calls of a millisecond each. */
static inline void fixture_step(struct spy_region *r, uint32_t op, uint64_t count,
                                uint64_t begin_ns, uint64_t end_ns)
{
    static struct spy_totals delta;
    spy_totals_clear(&delta);
    for (uint64_t i = 0; i < count; i++)
        spy_totals_add_sample(&delta, &(struct spy_sample){.dur_ns = MS}, r->level_bounds_ns);
    fixture_delta(r, op, &delta, begin_ns, end_ns);
}

/* Requests of REQUEST repeated STATEMENT. */
static inline struct spy_repeat *fixture_repeat(struct spy_region *r, uint32_t row,
                                                uint32_t request, uint32_t statement,
                                                uint64_t requests, uint64_t calls, uint64_t ns)
{
    struct spy_repeat *repeat = spy_region_section(r, SPY_SECTION_REPEATS);
    repeat += row;
    repeat->requests = requests;
    repeat->calls = calls;
    repeat->ns = ns;
    repeat->key = (uint64_t)request << 32 | (statement + 1);
    return repeat;
}

/* The seed's two kinds of operation: a request that is sometimes slow, a statement that sometimes
 * fails. */
static inline struct spy_region *fixture_parts(int32_t pid, uint64_t ticks)
{
    struct spy_region *r = fixture_region(pid, ticks);
    uint32_t http = fixture_op(r, SPY_KIND_HTTP, true, "api.get_part");
    uint32_t sql = fixture_op(r, SPY_KIND_SQL, true, "parts_crud.get_part");
    fixture_op(r, SPY_KIND_SQL, true, "parts_crud.delete_part");
    fixture_budget(r, http, SPY_STAT_P95, 200 * MS);
    fixture_budget(r, sql, SPY_STAT_MEAN, 100 * MS);
    fixture_budget(r, sql, SPY_STAT_ERRORS, 10000);
    fixture_text(r, sql, "SELECT * FROM parts WHERE id = ?");
    fixture_calls(r, http, 9, 50 * MS, 200);
    fixture_calls(r, http, 1, 2 * SEC, 404);
    fixture_calls(r, sql, 4, 4 * MS, 0);
    fixture_calls(r, sql, 1, 4 * MS, spy_sqlstate_pack("23505"));
    fixture_slow(r, http, 110 * SEC, 2 * SEC, 404);
    fixture_slow(r, sql, 120 * SEC, 4 * MS, spy_sqlstate_pack("23505"));
    return r;
}

/* Writes R where the library would put it below DIR. */
static inline void fixture_save(const struct spy_region *r, const char *dir)
{
    char path[SPY_PATH_BYTES];
    assert_true(
        spy_paths_region(path, sizeof(path), dir, (struct spy_process_id){r->pid, r->start_ticks}));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(r, 1, r->total_bytes, file), r->total_bytes);
    assert_int_equal(fclose(file), 0);
}

/* A folder of its own for each test, below the build directory. */
static inline void fixture_dir(char out[SPY_PATH_BYTES])
{
    snprintf(out, SPY_PATH_BYTES, "%s/test-ctl-XXXXXX", SPY_TEST_BUILD);
    assert_non_null(mkdtemp(out));
    assert_int_equal(setenv("PERFSPY_DIR", out, 1), 0);
}

static inline void fixture_remove(const char *dir, const struct spy_region *r)
{
    char path[SPY_PATH_BYTES];
    if (r != NULL &&
        spy_paths_region(path, sizeof(path), dir, (struct spy_process_id){r->pid, r->start_ticks}))
        unlink(path);
    rmdir(dir);
}

#endif
