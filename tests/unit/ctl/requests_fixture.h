/* SPDX-License-Identifier: MIT */
/*
 * A process whose requests repeat statements, and what is told of it. For the tests of requests.c
 * and repeats.c.
 */
#ifndef TEST_CTL_REQUESTS_FIXTURE_H
#define TEST_CTL_REQUESTS_FIXTURE_H

#include "ctl/requests.h"

#include "unit/ctl/fixture.h"

#define PID   99999999 /* no kernel gives out such an id */
#define TICKS 1000
#define HTTP  0u /* operations of fixture_parts() */
#define SQL   1u
#define OTHER 2u

/* Ten requests of 245 ms on the mean, 2.45 s in all. */
static inline struct spy_region *make(void)
{
    struct spy_region *r = fixture_parts(PID, TICKS);
    uint32_t health = fixture_op(r, SPY_KIND_HTTP, true, "api.healthz");
    fixture_calls(r, health, 2, MS, 200);
    fixture_op(r, SPY_KIND_HTTP, true, "api.delete_part");
    struct spy_cell *cell = fixture_cell(r, HTTP);
    cell->read_ns = 49 * MS;
    cell->db_wait_ns = 1225 * MS;
    cell->db_rows_ns = 245 * MS;
    cell->blocked_ns = 490 * MS;
    fixture_spread(r, HTTP, 2, 1);
    fixture_spread(r, HTTP, 7, 3);
    fixture_spread(r, HTTP, 1, 40);
    fixture_part(r, HTTP, SPY_PART_DB_WAIT, 6, 0);
    fixture_part(r, HTTP, SPY_PART_DB_WAIT, 3, 100 * MS);
    fixture_part(r, HTTP, SPY_PART_DB_WAIT, 1, 1000 * MS);
    fixture_part(r, HTTP, SPY_PART_FIRST_BYTE, 10, 2000 * MS);
    cell = fixture_cell(r, SQL);
    cell->way_thread = 1200;
    cell->way_only = 3;
    cell->way_none = 4;
    struct spy_repeat *repeat = fixture_repeat(r, 0, HTTP, SQL, 4, 41, 90 * MS);
    repeat->most = 17;
    repeat->site = 0xabc123;
    repeat = fixture_repeat(r, 1, HTTP, OTHER, 1, 6, 120 * MS);
    repeat->most = 6;
    return r;
}

static inline void site_text(struct spy_region *r, uint32_t row, const char *text)
{
    struct spy_repeat *repeat = spy_region_section(r, SPY_SECTION_REPEATS);
    strcpy((char *)spy_region_section(r, SPY_SECTION_TEXT) + r->text_used, text);
    repeat[row].site_text = r->text_used;
    r->text_used += (uint32_t)strlen(text) + 1;
}

static const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};

static inline void add(struct ctl_model *model, const struct spy_region *r)
{
    struct ctl_process process = {.state = CTL_LIVE};
    process.proc.pid = r->pid;
    process.proc.start_ticks = r->start_ticks;
    ctl_model_add(model, &process, r, &now);
}

static inline void print(struct ctl_model *model, const char *wanted)
{
    struct ctl_args args = {0};
    struct capture c;
    capture_begin(&c, &args);
    ctl_requests_table(model, &c.run);
    capture_end(&c);
    assert_non_null(strstr(c.out, wanted));
    capture_free(&c);
}

#endif
