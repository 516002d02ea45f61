/* SPDX-License-Identifier: MIT */
/*
 * `doctor`: why there is no data, or not all of it, and what to do.
 */
#include "ctl/command.h"
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/json.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const severities[] = {
    [CTL_PROBLEM] = "problem",
    [CTL_WARNING] = "warning",
    [CTL_NOTE] = "note",
};

/* ---- findings ------------------------------------------------------------------------------- */

void ctl_find(struct ctl_findings *f, enum ctl_severity severity, const char *remedy,
              const char *what, ...)
{
    va_list args;
    f->finding = ctl_grow(f->finding, f->count + 1, sizeof(*f->finding));
    struct ctl_finding *finding = &f->finding[f->count++];
    *finding = (struct ctl_finding){.pid = f->pid, .severity = severity};
    snprintf(finding->exe, sizeof(finding->exe), "%s", f->exe != NULL ? f->exe : "");
    va_start(args, what);
    if (vasprintf(&finding->what, what, args) < 0)
        exit(CTL_OSERR);
    va_end(args);
    finding->remedy = ctl_copy(remedy);
}

void ctl_findings_free(struct ctl_findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->finding[i].what);
        free(f->finding[i].remedy);
    }
    free(f->finding);
    memset(f, 0, sizeof(*f));
}

/* ---- looking -------------------------------------------------------------------------------- */

/* What is said to `file` instead of to standard error. */
struct aside {
    FILE *file;
    char *text;
    size_t len;
};

static void aside_open(struct aside *aside)
{
    *aside = (struct aside){0};
    aside->file = open_memstream(&aside->text, &aside->len);
    if (aside->file == NULL)
        exit(CTL_OSERR);
}

/* False where the region cannot be read. */
static bool look_at_region(struct ctl_findings *f, const struct ctl_process *process)
{
    struct aside aside;
    aside_open(&aside);
    struct spy_region *region = ctl_source_load(process, aside.file);
    fclose(aside.file);
    aside.text[strcspn(aside.text, "\n")] = '\0';
    const char *reason = strstr(aside.text, "skipped");
    if (region != NULL)
        ctl_doctor_region(f, region);
    else
        ctl_find(f, CTL_PROBLEM,
                 "if it is of another version, use the " CTL_NAME " that came with it",
                 "the region cannot be read: %s", reason != NULL ? reason : aside.text);
    free(aside.text);
    ctl_image_free(region);
    return region != NULL;
}

/* Scans; files that are no good are one finding. */
static void scan(struct ctl_findings *f, struct ctl_source *source)
{
    struct aside aside;
    size_t lines = 0;
    aside_open(&aside);
    ctl_source_scan(source, aside.file);
    fclose(aside.file);
    for (const char *at = aside.text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    aside.text[strcspn(aside.text, "\n")] = '\0';
    const char *first = strstr(aside.text, "skipped ");
    if (lines > 0)
        ctl_find(f, CTL_NOTE, "remove them, if no process is left that uses them",
                 "%zu regions cannot be read, the first: %s", lines,
                 first != NULL ? first + strlen("skipped ") : aside.text);
    free(aside.text);
}

/* False where we may not look into PROCESS. */
static bool look_at_process(struct ctl_findings *f, const struct ctl_process *process)
{
    struct ctl_facts facts;
    bool legible = true;
    f->pid = process->proc.pid;
    f->exe = process->proc.exe;
    f->mode[0] = '\0';
    enum ctl_maps_result result = ctl_facts_read(&process->proc, &facts);
    if (result == CTL_MAPS_REFUSED)
        return false;
    if (process->state == CTL_LIVE)
        legible = look_at_region(f, process);
    else
        ctl_doctor_absent(f, &process->proc, &facts);
    if (result == CTL_MAPS_READ && legible)
        ctl_doctor_around(f, process, &facts);
    return true;
}

static const struct ctl_process *find_process(const struct ctl_source *source, int32_t pid)
{
    for (size_t i = source->count; i > 0; i--)
        if (source->process[i - 1].proc.pid == pid && source->process[i - 1].state != CTL_DEAD)
            return &source->process[i - 1];
    return NULL;
}

/* The process of the command line, watched or not. What was found before is not about it. */
static enum ctl_exit look_at_one(struct ctl_findings *f, const struct ctl_source *source,
                                 const struct ctl_run *run)
{
    const char *word = run->args->operand[0];
    struct ctl_process own = {.state = CTL_IDLE};
    char *end;
    long pid = strtol(word, &end, 10);
    if (!isdigit((unsigned char)*word) || *end != '\0' || pid <= 0 || pid > INT32_MAX) {
        ctl_say(run->err, "doctor: \"%s\" is not the id of a process", word);
        return CTL_USAGE;
    }
    if (!ctl_proc_read((int32_t)pid, &own.proc)) {
        ctl_say(run->err, "there is no process %s", word);
        return CTL_NOTHING;
    }
    ctl_findings_free(f);
    const struct ctl_process *known = find_process(source, (int32_t)pid);
    if (look_at_process(f, known != NULL ? known : &own))
        return CTL_OK;
    ctl_say(run->err, "process %s (%s), of user %u, may not be looked into%s", word, own.proc.exe,
            own.proc.uid, geteuid() != 0 ? "; root may" : "");
    return CTL_REFUSED;
}

static void look_at_all(struct ctl_findings *f, const struct ctl_source *source)
{
    ctl_doctor_host(f, source);
    for (size_t i = 0; i < source->count; i++)
        if (source->process[i].state != CTL_DEAD && source->process[i].state != CTL_CLOSED)
            look_at_process(f, &source->process[i]);
}

/* ---- showing -------------------------------------------------------------------------------- */

static void show_text(const struct ctl_findings *f, const struct ctl_run *run)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct ctl_finding *finding = &f->finding[i];
        bool other = i == 0 || finding->pid != f->finding[i - 1].pid;
        if (other && finding->pid != 0)
            fprintf(run->out, "%d (%s):\n", finding->pid, finding->exe);
        else if (other)
            fprintf(run->out, "this host:\n");
        fprintf(run->out, "  %-7s  %s\n", severities[finding->severity], finding->what);
        if (finding->remedy[0] != '\0')
            fprintf(run->out, "           -> %s\n", finding->remedy);
    }
    if (f->count == 0)
        fprintf(run->out, "nothing found\n");
}

static void show_json(const struct ctl_findings *f, const struct ctl_run *run)
{
    json_t *o = json_object();
    json_t *list = json_array();
    for (size_t i = 0; i < f->count; i++) {
        const struct ctl_finding *finding = &f->finding[i];
        json_t *one = json_object();
        ctl_json_set(one, "pid", finding->pid != 0 ? json_integer(finding->pid) : json_null());
        ctl_json_set(one, "exe", ctl_json_text(finding->exe));
        ctl_json_set(one, "severity", json_string(severities[finding->severity]));
        ctl_json_set(one, "what", json_string(finding->what));
        ctl_json_set(one, "do", ctl_json_text(finding->remedy));
        ctl_json_append(list, one);
    }
    ctl_json_set(o, "version", json_integer(1));
    ctl_json_set(o, "findings", list);
    ctl_json_print(run, o);
}

static enum ctl_exit verdict(const struct ctl_findings *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->finding[i].severity != CTL_NOTE)
            return CTL_INVALID;
    return CTL_OK;
}

enum ctl_exit ctl_cmd_doctor(const struct ctl_run *run)
{
    struct ctl_source source;
    struct ctl_findings findings = {0};
    enum ctl_exit result = CTL_OK;
    scan(&findings, &source);
    if (run->args->operands > 0)
        result = look_at_one(&findings, &source, run);
    else
        look_at_all(&findings, &source);
    if (result == CTL_OK) {
        if (run->args->json)
            show_json(&findings, run);
        else
            show_text(&findings, run);
        result = verdict(&findings);
    }
    ctl_findings_free(&findings);
    ctl_source_free(&source);
    return result;
}
