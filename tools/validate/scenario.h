/* SPDX-License-Identifier: MIT */
/*
 * The scenarios, and what they are written with. A scenario is a round of requests, one after the
 * other, each with checks on what comes back; workers repeat it side by side. A new scenario is a
 * function and a row in scenario.c.
 */
#ifndef VALIDATE_SCENARIO_H
#define VALIDATE_SCENARIO_H

#include "validate/check.h"
#include "validate/http.h"
#include "validate/own_parts.h"
#include "validate/record.h"

#include <jansson.h>

/* Parts of the catalogue, as they were when the run began, to ask the service for. Read-only while
 * workers run. */
struct val_sample {
    json_t *parts; /* array, not empty */
    int64_t total; /* parts in the catalogue */
};

/* One thread of a run. */
struct val_worker {
    struct val_http *http;
    struct val_record *record;
    struct val_findings *findings; /* of the scenario that runs */
    const struct val_sample *sample;
    struct val_own_parts *own;
    bool timed;      /* false: warming up, logging in, cleaning up */
    uint64_t random; /* state of val_random() */
};

struct val_scenario {
    const char *name;
    const char *help;
    unsigned requests; /* of one round */
    void (*round)(struct val_worker *worker);
};

extern const struct val_scenario val_scenarios[];
extern const size_t val_scenario_count; /* at most 64 */

/* ---- what rounds are made of (scenario_steps.c)
 * -------------------------------------------------- */

/* A number below BOUND, which is at least 1. */
uint64_t val_random(struct val_worker *worker, uint64_t bound);

/* A part of the sample; borrowed. */
const json_t *val_any_part(struct val_worker *worker);

/*
 * Sends a request, notes its time, and checks that it is answered with status WANT. False where
 * not, and where the run is to stop: then nothing is sent or noted.
 */
bool val_send(struct val_worker *worker, const struct val_request *request, long want,
              struct val_response *response);

/* The same without the check: false only where nothing was sent. Also sets *OPERATION, unless that
 * is NULL, to the operation's name. */
bool val_ask(struct val_worker *worker, const struct val_request *request,
             struct val_response *response, const char **operation);

/* GET of the path that FORMAT makes: the JSON object that it gives, to be freed by the caller, or
 * NULL where there is none (which has then been noted). */
json_t *val_get(struct val_worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a page of a list: its shape is checked too, that it has no more than LIMIT items,
 * and where COUNTED that it has as many as its total says there are from SKIP on. */
struct val_page {
    int64_t skip;
    int64_t limit;
    bool counted;
};
json_t *val_get_page(struct val_worker *worker, struct val_page page, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Members of OBJECT; -1, 0, "" or an empty array's length where they are not of that type. */
int64_t val_int(const json_t *object, const char *key);
double val_real(const json_t *object, const char *key);
const char *val_text(const json_t *object, const char *key);
size_t val_length(const json_t *object, const char *key);

/* Whether OBJECT has all that a part has, with the right types. */
bool val_is_part(const json_t *object);

/* Checks WHAT for every item of PAGE; the first that does not hold is quoted. */
typedef bool val_holds(const json_t *item, const void *ctx);
bool val_check_items(struct val_worker *worker, const json_t *page, const char *what,
                     val_holds *holds, const void *ctx);

/* val_check() with the worker's findings. */
#define VAL_CHECK(worker, what, ...) val_check((worker)->findings, what, __VA_ARGS__)

/* ---- the rounds --------------------------------------------------------------------------------
 */

void val_round_pagination(struct val_worker *worker);
void val_round_filtering(struct val_worker *worker);
void val_round_by_type(struct val_worker *worker);
void val_round_part(struct val_worker *worker);
void val_round_search(struct val_worker *worker);
void val_round_multilingual(struct val_worker *worker);
void val_round_inventory(struct val_worker *worker);
void val_round_search_inventory(struct val_worker *worker);
void val_round_usage(struct val_worker *worker);
void val_round_reorder(struct val_worker *worker);
void val_round_write(struct val_worker *worker);

#endif
