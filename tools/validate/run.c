/* SPDX-License-Identifier: MIT */
/*
 * Workers and their rounds; see run.h.
 */
#include "validate/run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS     100000000 /* between two looks at the progress */
#define CLEAN_LIMIT 20000000000ull

/* One scenario at work, warming up or timed. */
struct phase {
    const struct val_scenario *scenario;
    atomic_uint_fast64_t begun; /* rounds taken by a worker */
    atomic_uint_fast64_t done;
    uint64_t rounds;
};

struct thread {
    pthread_t id;
    struct phase *phase;
    struct val_worker *worker;
};

bool val_run_open(struct val_run *run)
{
    uint32_t count = run->settings->concurrency;
    run->worker = ctl_alloc(count * sizeof(*run->worker));
    for (uint32_t i = 0; i < count; i++) {
        struct val_worker *worker = &run->worker[i];
        *worker = (struct val_worker){
            .http = val_http_open(run->settings->url),
            .record = run->record,
            .sample = run->sample,
            .own = run->own,
            .random = run->seed + i * 0x5851F42D4C957F2Dull,
        };
        if (worker->http == NULL || !val_http_authorise(worker->http, run->token))
            return false;
    }
    return true;
}

void val_run_close(struct val_run *run)
{
    for (uint32_t i = 0; run->worker != NULL && i < run->settings->concurrency; i++)
        val_http_close(run->worker[i].http);
    free(run->worker);
    run->worker = NULL;
}

/* ---- the workers ---------------------------------------------------------------------------- */

static void *work(void *ctx)
{
    struct thread *thread = ctx;
    struct phase *phase = thread->phase;
    while (val_stop_asked() == VAL_GO && phase->begun++ < phase->rounds) {
        phase->scenario->round(thread->worker);
        phase->done += val_stop_asked() == VAL_GO;
    }
    return NULL;
}

static void show_progress(const struct phase *phase, bool warming)
{
    fprintf(stderr, "\r\033[K%s: %s%" PRIu64 " of %" PRIu64 " requests", phase->scenario->name,
            warming ? "warming up, " : "", (uint64_t)phase->done * phase->scenario->requests,
            phase->rounds * phase->scenario->requests);
    fflush(stderr);
}

/* Waits for a thread; meanwhile tells how far all of them are. */
static void await(const struct thread *thread, bool show, bool warming)
{
    struct timespec until;
    do {
        if (show)
            show_progress(thread->phase, warming);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    } while (pthread_timedjoin_np(thread->id, NULL, &until) == ETIMEDOUT);
}

/* Signals are the main thread's: a worker would only be woken from its wait for the service. */
static uint32_t start_threads(struct thread *thread, uint32_t count)
{
    sigset_t all, before;
    uint32_t started = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < count &&
           pthread_create(&thread[started].id, NULL, work, &thread[started]) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* Runs REQUESTS requests, rounded up to rounds. Returns how many rounds were done in full. */
static uint64_t run_phase(struct val_run *run, struct val_outcome *outcome, uint32_t requests,
                          bool timed)
{
    const struct val_scenario *scenario = outcome->scenario;
    uint32_t count = run->settings->concurrency;
    bool show = !run->settings->quiet && isatty(STDERR_FILENO);
    struct phase phase = {
        .scenario = scenario,
        .rounds = (requests + scenario->requests - 1) / scenario->requests,
    };
    struct thread *thread = ctl_alloc(count * sizeof(*thread));
    for (uint32_t i = 0; i < count; i++) {
        run->worker[i].timed = timed;
        run->worker[i].findings = &outcome->findings;
        thread[i] = (struct thread){.phase = &phase, .worker = &run->worker[i]};
    }
    uint32_t started = start_threads(thread, count);
    if (started < count)
        val_check(&outcome->findings, "there are as many workers as asked for", false,
                  "%" PRIu32 " of %" PRIu32 " threads could be started", started, count);
    for (uint32_t i = 0; i < started; i++)
        await(&thread[i], show, !timed);
    if (show)
        fputs("\r\033[K", stderr);
    free(thread);
    return phase.done;
}

/* ---- scenarios ------------------------------------------------------------------------------ */

static struct val_outcome *add_outcome(struct val_outcomes *out,
                                       const struct val_scenario *scenario)
{
    out->outcome = ctl_grow(out->outcome, out->count + 1, sizeof(*out->outcome));
    struct val_outcome *outcome = &out->outcome[out->count++];
    *outcome = (struct val_outcome){.scenario = scenario, .begin_ns = ctl_clock_ns(CLOCK_REALTIME)};
    val_findings_init(&outcome->findings);
    return outcome;
}

static void run_scenario(struct val_run *run, struct val_outcome *outcome)
{
    const struct val_settings *settings = run->settings;
    uint64_t before = val_record_requests(run->record);
    run_phase(run, outcome, settings->warmup, false);
    uint64_t warm = val_record_requests(run->record);
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
    outcome->begin_ns = ctl_clock_ns(CLOCK_REALTIME);
    uint64_t rounds = run_phase(run, outcome, settings->requests, true);
    outcome->dur_ns = ctl_clock_ns(CLOCK_MONOTONIC) - begin;
    outcome->warmup = warm - before;
    outcome->requests = val_record_requests(run->record) - warm;
    outcome->complete = rounds * outcome->scenario->requests >= settings->requests;
}

void val_run_scenarios(struct val_run *run, struct val_outcomes *out)
{
    for (size_t i = 0; i < val_scenario_count; i++)
        if ((run->settings->scenarios & 1ull << i) != 0)
            run_scenario(run, add_outcome(out, &val_scenarios[i]));
}

void val_run_clean(struct val_run *run, struct val_outcomes *out)
{
    struct val_outcome *outcome = add_outcome(out, NULL);
    struct val_worker *worker = &run->worker[0];
    uint64_t before = val_record_requests(run->record);
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
    val_stop_forget(CLEAN_LIMIT);
    worker->timed = false;
    worker->findings = &outcome->findings;
    val_own_clean(worker);
    outcome->complete = true;
    outcome->requests = val_record_requests(run->record) - before;
    outcome->dur_ns = ctl_clock_ns(CLOCK_MONOTONIC) - begin;
}

void val_outcomes_free(struct val_outcomes *outcomes)
{
    for (size_t i = 0; i < outcomes->count; i++)
        val_findings_free(&outcomes->outcome[i].findings);
    free(outcomes->outcome);
    *outcomes = (struct val_outcomes){0};
}

bool val_outcome_good(const struct val_outcome *outcome)
{
    return outcome->complete && val_findings_failed(&outcome->findings) == 0;
}

bool val_outcomes_good(const struct val_outcomes *outcomes)
{
    for (size_t i = 0; i < outcomes->count; i++)
        if (!val_outcome_good(&outcomes->outcome[i]))
            return false;
    return true;
}
