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

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MS   1000000ull
#define SEC  1000000000ull
#define REAL (1767225600ull * SEC) /* 2026-01-01T00:00:00Z, where the fixtures' clocks begin */

/* A region of process PID that began 100 s after its machine did. */
static inline struct spy_region *fixture_region(int32_t pid, uint64_t ticks)
{
    uint64_t bytes = spy_region_layout(NULL);
    struct spy_region *r = aligned_alloc(4096, bytes);
    assert_non_null(r);
    memset(r, 0, bytes);
    spy_region_layout(r);
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

/* Output of a command, captured. */
struct capture {
    struct ctl_run run;
    char *out;
    char *err;
    size_t out_len;
    size_t err_len;
};

static inline void capture_begin(struct capture *c, const struct ctl_args *args)
{
    memset(c, 0, sizeof(*c));
    c->run.args = args;
    c->run.out = open_memstream(&c->out, &c->out_len);
    c->run.err = open_memstream(&c->err, &c->err_len);
    c->run.now_mono_ns = 200 * SEC;
    c->run.now_real_ns = REAL + 100 * SEC;
    assert_non_null(c->run.out);
    assert_non_null(c->run.err);
}

static inline void capture_end(struct capture *c)
{
    fclose(c->run.out);
    fclose(c->run.err);
}

static inline void capture_free(struct capture *c)
{
    free(c->out);
    free(c->err);
}

#endif
