/* SPDX-License-Identifier: MIT */
/*
 * Choosing and loading processes; see source.h.
 */
#include "ctl/source.h"

#include "ctl/client.h"
#include "ctl/format.h"
#include "ctl/image.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *ctl_state_name(enum ctl_state state)
{
    static const char *const names[] = {
        [CTL_LIVE] = "live",       [CTL_DEAD] = "dead",     [CTL_IDLE] = "idle",
        [CTL_DORMANT] = "dormant", [CTL_CLOSED] = "closed",
    };
    return names[state];
}

/* ---- choosing ------------------------------------------------------------------------------- */

bool ctl_source_is_pid(const char *spec)
{
    if (*spec == '\0' || strlen(spec) > 9)
        return false;
    for (; *spec != '\0'; spec++)
        if (!isdigit((unsigned char)*spec))
            return false;
    return true;
}

static bool matches(const struct ctl_process *process, const char *spec)
{
    if (ctl_source_is_pid(spec))
        return process->proc.pid == atoi(spec);
    return ctl_proc_is_called(process->proc.exe, spec);
}

static bool has_region(const struct ctl_process *process)
{
    return process->state == CTL_LIVE || process->state == CTL_DEAD;
}

static bool wanted(const struct ctl_process *process, enum ctl_want want, bool any_live)
{
    switch (want) {
    case CTL_WANT_ALL:
        return process->state != CTL_CLOSED;
    case CTL_WANT_TOTALS:
        return process->state == (any_live ? CTL_LIVE : CTL_DEAD);
    case CTL_WANT_WINDOW:
        return has_region(process);
    }
    return false;
}

/* Says why nothing could be chosen. */
static enum ctl_exit nothing_at_all(const struct ctl_source *source, FILE *err)
{
    size_t closed = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct ctl_process *p = &source->process[i];
        if (p->state == CTL_IDLE || p->state == CTL_DORMANT)
            ctl_say(err, "process %d (%s) is %s: %s", p->proc.pid, p->proc.exe,
                    ctl_state_name(p->state), p->note);
        closed += p->state == CTL_CLOSED;
    }
    if (source->refused[0] != '\0') {
        ctl_say(err, "nothing to read: %s may be read by its owner or root only", source->refused);
        return CTL_REFUSED;
    }
    ctl_say(err, "nothing to read: no watched process%s",
            closed > 0 ? " among those that we may look into" : "");
    return CTL_NOTHING;
}

static enum ctl_exit explain_missing(const struct ctl_source *source, const char *spec, FILE *err)
{
    struct ctl_proc proc;
    for (size_t i = 0; i < source->count; i++) {
        const struct ctl_process *p = &source->process[i];
        if (!matches(p, spec))
            continue;
        if (p->state == CTL_CLOSED) {
            ctl_say(err, "process %d (%s), of user %u, may not be looked into%s", p->proc.pid,
                    p->proc.exe, p->proc.uid, geteuid() != 0 ? "; root may" : "");
            return CTL_REFUSED;
        }
        ctl_say(err, "process %d (%s) is %s: %s", p->proc.pid, p->proc.exe,
                ctl_state_name(p->state), p->note);
        return CTL_NOTHING;
    }
    if (ctl_source_is_pid(spec) && ctl_proc_read(atoi(spec), &proc))
        ctl_say(err, "process %s (%s) is not watched: libperfspy.so is not loaded in it", spec,
                proc.exe);
    else if (ctl_source_is_pid(spec))
        ctl_say(err, "there is no process %s, nor the region of a dead one", spec);
    else
        ctl_say(err, "no watched process is called \"%s\"; \"" CTL_NAME " ps\" lists them", spec);
    return CTL_NOTHING;
}

/* An id names one process: of several dead ones that had it, the latest (they are in order). */
static void keep_latest(const struct ctl_source *source, const char *spec, enum ctl_want want,
                        bool any_live, bool *keep)
{
    for (size_t i = source->count; i > 0; i--) {
        const struct ctl_process *p = &source->process[i - 1];
        if (matches(p, spec) && wanted(p, want, any_live)) {
            keep[i - 1] = true;
            if (ctl_source_is_pid(spec))
                return;
        }
    }
}

static enum ctl_exit choose(const struct ctl_source *source, const char *spec, enum ctl_want want,
                            bool *keep, FILE *err)
{
    bool any_live = false;
    bool any = false;
    for (size_t i = 0; i < source->count; i++) {
        const struct ctl_process *p = &source->process[i];
        if (spec != NULL && !matches(p, spec))
            continue;
        any_live = any_live || p->state == CTL_LIVE;
        any = any || (want == CTL_WANT_ALL ? p->state != CTL_CLOSED : has_region(p));
    }
    if (!any)
        return spec != NULL ? explain_missing(source, spec, err) : nothing_at_all(source, err);
    if (spec != NULL) {
        keep_latest(source, spec, want, any_live, keep);
        return CTL_OK;
    }
    for (size_t i = 0; i < source->count; i++)
        keep[i] = wanted(&source->process[i], want, any_live);
    return CTL_OK;
}

static void drop_others(struct ctl_source *source, const bool *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < source->count; i++) {
        if (keep[i])
            source->process[kept++] = source->process[i];
        else
            free(source->process[i].region);
    }
    source->count = kept;
}

enum ctl_exit ctl_source_select(struct ctl_source *source, const struct ctl_args *args,
                                enum ctl_want want, FILE *err)
{
    bool *keep = ctl_alloc(source->count * sizeof(*keep));
    enum ctl_exit result = CTL_OK;
    if (args->processes == 0)
        result = choose(source, NULL, want, keep, err);
    for (size_t i = 0; i < args->processes && result == CTL_OK; i++)
        result = choose(source, args->process[i], want, keep, err);
    drop_others(source, keep);
    free(keep);
    return result;
}

enum ctl_exit ctl_source_open(struct ctl_source *source, const struct ctl_run *run,
                              enum ctl_want want)
{
    ctl_source_scan_for(source, run->args, run->err);
    enum ctl_exit result = ctl_source_select(source, run->args, want, run->err);
    if (result != CTL_OK)
        ctl_source_free(source);
    return result;
}

/* ---- loading -------------------------------------------------------------------------------- */

/* The region must be of the process we think it is. One that was made where there was no /proc has
 * no start time, but is younger than its process. */
static bool is_of(const struct spy_region *region, const struct ctl_process *process)
{
    bool in_time = region->start_ticks != 0 ? region->start_ticks == process->proc.start_ticks
                                            : region->epoch_real_ns >= process->started_ns;
    return region->pid == process->proc.self_pid && in_time;
}

char *ctl_source_socket(const struct ctl_process *process)
{
    size_t stem = process->region != NULL ? strlen(process->region) - strlen(".region") : 0;
    if (stem == 0)
        return NULL;
    char *path = ctl_alloc(stem + sizeof(".sock"));
    memcpy(path, process->region, stem);
    memcpy(path + stem, ".sock", sizeof(".sock"));
    return path;
}

static bool is_stopped(const struct ctl_process *process)
{
    return process->proc.state == 'T' || process->proc.state == 't';
}

enum spy_status ctl_source_stream(const struct ctl_process *process, const char *line, int *fd,
                                  struct spy_error *err)
{
    struct spy_process_id id = {process->proc.self_pid, process->proc.start_ticks};
    if (process->state != CTL_LIVE || is_stopped(process))
        return spy_fail(err, SPY_ERR_IO, "it does not run");
    char *path = ctl_source_socket(process);
    struct ctl_server_name server = {path, process->proc.uid, id};
    enum spy_status status = ctl_client_stream(&server, line, fd, err);
    free(path);
    return status;
}

/* A process that cannot run cannot answer, and waiting for it would be in vain. */
enum spy_status ctl_source_command(const struct ctl_process *process, const char *line,
                                   char text[CTL_CLIENT_TEXT], struct spy_error *err)
{
    text[0] = '\0';
    if (is_stopped(process))
        return spy_fail(err, SPY_ERR_IO, "the process is stopped");
    char *path = ctl_source_socket(process);
    struct ctl_server_name server = {
        .path = path,
        .uid = process->proc.uid,
        .id = {process->proc.self_pid, process->proc.start_ticks},
    };
    enum spy_status status = ctl_client_command(&server, line, text, err);
    free(path);
    return status;
}

static struct spy_region *ask(const struct ctl_process *process)
{
    struct spy_process_id id = {process->proc.self_pid, process->proc.start_ticks};
    struct spy_region *region = NULL;
    if (process->state != CTL_LIVE || is_stopped(process))
        return NULL;
    char *path = ctl_source_socket(process);
    if (ctl_client_dump(path, process->proc.uid, id, &region, NULL) != SPY_OK)
        region = NULL;
    free(path);
    if (region != NULL && !is_of(region, process)) {
        ctl_image_free(region);
        region = NULL;
    }
    return region;
}

struct spy_region *ctl_source_load(const struct ctl_process *process, FILE *err)
{
    struct spy_region *region = ask(process);
    if (region != NULL)
        return region;
    struct spy_error error = {.text = "it has no region file and does not answer"};
    struct ctl_image_owner owner = {process->proc.uid, process->any_owner};
    if (process->region != NULL &&
        ctl_image_read(process->region, owner, &region, &error) == SPY_OK) {
        if (is_of(region, process))
            return region;
        ctl_image_free(region);
        snprintf(error.text, sizeof(error.text), "the region is another process'");
    }
    char text[sizeof(error.text)];
    ctl_format_clean(text, sizeof(text), error.text, sizeof(error.text));
    ctl_say(err, "warning: skipped process %d (%s): %s: %s", process->proc.pid, process->proc.exe,
            process->region != NULL ? process->region : "memory", text);
    return NULL;
}

bool ctl_source_head(const struct ctl_process *process, struct spy_region *head, FILE *err)
{
    struct ctl_image_owner owner = {process->proc.uid, process->any_owner};
    if (process->region != NULL && ctl_image_head(process->region, owner, head, NULL) == SPY_OK &&
        is_of(head, process))
        return true;
    struct spy_region *region = ctl_source_load(process, err);
    if (region != NULL)
        memcpy(head, region, sizeof(*head));
    ctl_image_free(region);
    return region != NULL;
}
