/* SPDX-License-Identifier: MIT */
/*
 * parts-validate: from the command line to the exit status; see validate.h.
 */
#include "validate/output.h"
#include "validate/report.h"
#include "validate/session.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* All that a run has, in the order in which it comes to be. */
struct validation {
    struct val_settings settings;
    struct val_credentials who;
    char rules_path[PATH_MAX];
    struct spy_rules *rules;
    struct val_files files;
    struct val_record record;
    struct val_findings findings; /* of log-in and sample */
    struct val_worker first;      /* the connection that they go by */
    struct val_sample sample;
    struct val_own_parts own;
    struct val_server server;
    struct val_outcomes outcomes;
    uint64_t seed;
    uint64_t begin_real_ns;
    uint64_t begin_mono_ns;
    char token[VAL_SECRET_BYTES];
};

/* ---- rules ---------------------------------------------------------------------------------- */

/* Beside the sources, or beside the installed program; "" if neither is there. */
static void find_rules(char out[PATH_MAX])
{
    static const char *const places[] = {"../rules/parts.yml", "../share/perfspy/rules/parts.yml"};
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 64);
    snprintf(out, PATH_MAX, "rules/parts.yml");
    if (access(out, R_OK) == 0)
        return;
    out[0] = '\0';
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash != NULL && i < 2; i++) {
        strcpy(slash + 1, places[i]);
        if (access(self, R_OK) == 0) {
            strcpy(out, self);
            return;
        }
    }
}

static enum val_exit load_rules(struct validation *v)
{
    struct spy_error error;
    const char *path = v->settings.rules;
    if (path != NULL)
        snprintf(v->rules_path, sizeof(v->rules_path), "%s", path);
    else
        find_rules(v->rules_path);
    if (v->rules_path[0] == '\0') {
        val_say("there is no rules/parts.yml here; give --rules FILE");
        return VAL_USAGE;
    }
    if (spy_rules_load(v->rules_path, &v->rules, &error) == SPY_OK)
        return VAL_OK;
    if (error.line > 0)
        val_say("%s:%u:%u: %s", v->rules_path, error.line, error.column, error.text);
    else
        val_say("%s: %s", v->rules_path, error.text);
    return VAL_USAGE;
}

/* --set must name operations of the rules: tried on a model of their own before anything is sent.
 */
static enum val_exit check_limits(const struct validation *v)
{
    struct val_record record;
    struct ctl_model model;
    struct spy_error error;
    val_record_init(&record, v->rules);
    val_record_model(&record, 0, 0, &model);
    enum spy_status status = ctl_limits_apply(&v->settings.limits, &model, &error);
    val_record_release(&model);
    val_record_free(&record);
    if (status == SPY_OK)
        return VAL_OK;
    val_say("--set: %s", error.text);
    return VAL_USAGE;
}

/* ---- the run -------------------------------------------------------------------------------- */

/* Before anything is sent. */
static enum val_exit prepare(struct validation *v)
{
    enum val_exit result = load_rules(v);
    if (result == VAL_OK)
        result = check_limits(v);
    if (result == VAL_OK && !val_credentials_read(&v->settings, &v->who))
        result = VAL_USAGE;
    if (result == VAL_OK)
        result = val_files_open(&v->files, &v->settings);
    if (result == VAL_OK && getrandom(&v->seed, sizeof(v->seed), 0) != (ssize_t)sizeof(v->seed))
        v->seed = ctl_clock_ns(CLOCK_REALTIME) ^ (uint64_t)getpid() << 32;
    return result;
}

static enum val_exit open_first(struct validation *v)
{
    val_record_init(&v->record, v->rules);
    val_own_init(&v->own, (uint32_t)v->seed);
    v->first = (struct val_worker){
        .http = val_http_open(v->settings.url),
        .record = &v->record,
        .findings = &v->findings,
        .sample = &v->sample,
        .own = &v->own,
        .random = ~v->seed,
    };
    return v->first.http != NULL ? VAL_OK : VAL_OSERR;
}

/* Before the first request, so that both sides count all of them. */
static enum val_exit take_first_reading(struct validation *v)
{
    val_server_open(&v->server, v->settings.pid, v->settings.url);
    if (v->settings.pid == 0 || v->server.before.members > 0)
        return VAL_OK;
    val_say("--pid: %s", v->server.reason);
    return VAL_UNAVAILABLE;
}

static void run_scenarios(struct validation *v, enum val_stop *stop)
{
    struct val_run run = {
        .settings = &v->settings,
        .token = v->token,
        .record = &v->record,
        .sample = &v->sample,
        .own = &v->own,
        .seed = v->seed,
    };
    if (val_run_open(&run)) {
        val_run_scenarios(&run, &v->outcomes);
        *stop = val_stop_asked();
        val_run_clean(&run, &v->outcomes);
    } else {
        val_say("the connections could not be made: out of memory");
    }
    val_run_close(&run);
}

static int report(struct validation *v, enum val_stop stop)
{
    struct val_report r = {
        .settings = &v->settings,
        .rules_path = v->rules_path,
        .record = &v->record,
        .outcomes = &v->outcomes,
        .server = &v->server,
        .parts = v->sample.total,
        .begin_ns = v->begin_real_ns,
        .dur_ns = ctl_clock_ns(CLOCK_MONOTONIC) - v->begin_mono_ns,
        .stop = stop,
    };
    val_server_take(&v->server, &v->record);
    enum val_exit result = val_report_judge(&r);
    if (result == VAL_OK)
        result = val_files_write(&v->files, &r);
    int status = result != VAL_OK ? (int)result : val_report_exit(&r);
    if (result == VAL_OK && !v->settings.quiet && v->settings.output[0].path != NULL)
        val_report_sentence(&r, stdout);
    val_report_free(&r);
    return status;
}

static int validate(struct validation *v)
{
    enum val_stop stop = VAL_GO;
    enum val_exit result = prepare(v);
    if (result != VAL_OK)
        return result;
    val_stop_prepare(v->settings.time_limit_ns);
    v->begin_real_ns = ctl_clock_ns(CLOCK_REALTIME);
    v->begin_mono_ns = ctl_clock_ns(CLOCK_MONOTONIC);
    result = open_first(v);
    if (result == VAL_OK)
        result = take_first_reading(v);
    if (result == VAL_OK)
        result = val_session_open(&v->first, &v->settings, &v->who, v->token);
    if (result == VAL_OK)
        result = val_sample_fetch(&v->first, &v->sample);
    if (result != VAL_OK)
        return val_stop_signal() != 0 ? VAL_SIGNAL + val_stop_signal() : (int)result;
    run_scenarios(v, &stop);
    return v->outcomes.count > 0 ? report(v, stop) : VAL_OSERR;
}

static void clean_up(struct validation *v)
{
    val_outcomes_free(&v->outcomes);
    val_server_free(&v->server);
    val_own_free(&v->own);
    val_sample_free(&v->sample);
    val_http_close(v->first.http);
    val_findings_free(&v->findings);
    val_record_free(&v->record);
    val_files_close(&v->files, &v->settings);
    spy_rules_free(v->rules);
    val_options_free(&v->settings);
    explicit_bzero(&v->who, sizeof(v->who));
    explicit_bzero(v->token, sizeof(v->token));
}

int main(int argc, char **argv)
{
    static struct validation v;
    int status = VAL_OK;
    if (!val_http_global_init()) {
        val_say("libcurl could not be started");
        return VAL_OSERR;
    }
    val_findings_init(&v.findings);
    switch (val_options_parse(&v.settings, argc, argv)) {
    case VAL_RUN:
        status = validate(&v);
        break;
    case VAL_WRONG:
        status = VAL_USAGE;
        break;
    case VAL_DONE:
        break;
    }
    clean_up(&v);
    val_http_global_end();
    return status;
}
