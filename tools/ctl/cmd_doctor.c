/* SPDX-License-Identifier: MIT */
/*
 * `doctor`: why there is no data, or not all of it, and what to do.
 */
#include "ctl/aside.h"
#include "ctl/command.h"
#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/json.h"
#include "ctl/pid.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct ctl_command ctl_command_doctor = {
    .name = "doctor",
    .operands = "[PID]",
    .summary = "tell why there is no data, or not all of it, and what to do",
    .help = "Looks at a process, watched or not: whether the library is loaded, and if not, why, "
            "and what attach would say; "
            "why there is nothing to read yet; which copies of libpq and of TLS libraries are "
            "mapped, and whether calls reach them through perfspy; what goes past it (pointers "
            "to libpq's functions on the heap from before an attach; drivers "
            "without libpq, by their files and by connections to port 5432, 6432, PGPORT or "
            "a PostgreSQL's Unix socket; a libpq inside the program; Go; io_uring; seccomp; "
            "a port from which no request comes); "
            "the rules in force, those that never matched, "
            "and the work without a name that took most time, with a rule for it; full "
            "tables and what was dropped; a log or a directory that cannot be written; what "
            "perfspy costs, in time and memory. Of a dead process, what its region tells.\n\n"
            "Without PID: all watched processes, and the "
            "directories, the regions of the dead and the rules file of this host. With -p: those "
            "watched processes, by id or name.\n\n"
            "Each finding is a problem (there is no data), a warning (not all of it) or a "
            "note, and behind an arrow stands what to do; the worst come first. With --json: "
            "{\"version\", \"findings\": [{\"pid\" (null: this host), \"exe\", \"severity\", "
            "\"what\", \"do\"}...]}. The exit status is 0 if there are "
            "notes only, 1 if there is more, 69 if there is no such process, 77 if it may "
            "not be looked into.",
    .options = CTL_READS,
    .max_operands = 1,
    .run = ctl_cmd_doctor,
};

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

void ctl_findings_order(struct ctl_findings *f, size_t from)
{
    for (size_t i = from; i < f->count; i++) {
        struct ctl_finding moved = f->finding[i];
        size_t at = i;
        for (; at > from && f->finding[at - 1].severity > moved.severity; at--)
            f->finding[at] = f->finding[at - 1];
        f->finding[at] = moved;
    }
}

/* ---- looking -------------------------------------------------------------------------------- */

/* False where the region cannot be read. FACTS is NULL of a dead process. */
static bool look_at_region(struct ctl_findings *f, const struct ctl_process *process,
                           const struct ctl_facts *facts)
{
    struct ctl_aside aside;
    ctl_aside_open(&aside);
    struct spy_region *region = ctl_source_load(process, aside.file);
    const char *text = ctl_aside_close(&aside), *reason = strstr(text, "): ");
    if (region != NULL) {
        ctl_doctor_region(f, region);
        ctl_doctor_cost(f, region, facts);
    } else {
        ctl_find(f, CTL_PROBLEM,
                 "if it is of another version, use the " CTL_NAME " that came with it",
                 "the region cannot be read: %s", reason != NULL ? reason + 3 : text);
    }
    free(aside.text);
    ctl_image_free(region);
    return region != NULL;
}

/* Scans; files that are no good are one finding. */
static void scan(struct ctl_findings *f, struct ctl_source *source, const struct ctl_run *run)
{
    struct ctl_aside aside;
    struct ctl_args asked = *run->args;
    const char *operand = asked.operands > 0 ? asked.operand[0] : NULL;
    if (operand != NULL) {
        asked.process = &operand;
        asked.processes = 1;
    }
    size_t lines = 0;
    ctl_aside_open(&aside);
    ctl_source_scan_for(source, &asked, aside.file);
    fflush(aside.file);
    for (const char *at = aside.text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    const char *text = ctl_aside_close(&aside), *first = strstr(text, "skipped ");
    if (lines > 0)
        ctl_find(
            f, CTL_NOTE, "remove what no process uses any more", "%zu region%s cannot be read%s %s",
            lines, lines == 1 ? "" : "s",
            lines == 1 ? ":" : ", the first:", first != NULL ? first + strlen("skipped ") : text);
    free(aside.text);
}

/* False where we may not look into PROCESS. */
static bool look_at_process(struct ctl_findings *f, const struct ctl_process *process)
{
    struct ctl_facts facts;
    bool legible = true;
    size_t from = f->count;
    f->pid = process->proc.pid;
    f->exe = process->proc.exe;
    f->mode[0] = '\0';
    f->requests = 0;
    enum ctl_maps_result result = ctl_facts_read(&process->proc, &facts);
    if (result == CTL_MAPS_REFUSED)
        return false;
    bool underway = ctl_doctor_halted(f, &process->proc, &facts);
    if (process->state == CTL_LIVE)
        legible = look_at_region(f, process, &facts);
    else if (!underway)
        ctl_doctor_absent(f, &process->proc, &facts);
    if (result == CTL_MAPS_READ && legible)
        ctl_doctor_around(f, process, &facts);
    ctl_findings_order(f, from);
    return true;
}

/* What is left of it. */
static void look_at_dead(struct ctl_findings *f, const struct ctl_process *process)
{
    char remedy[128];
    size_t from = f->count;
    f->pid = process->proc.pid;
    f->exe = process->proc.exe;
    snprintf(remedy, sizeof(remedy),
             "\"" CTL_NAME " stats -p %d\" shows what it counted, \"" CTL_NAME
             " inflight -p %d\" what it was doing",
             f->pid, f->pid);
    ctl_find(f, CTL_PROBLEM, remedy, "the process has ended, its region is kept");
    look_at_region(f, process, NULL);
    ctl_findings_order(f, from);
}

/* The latest that had the id PID, living or DEAD. */
static const struct ctl_process *find_process(const struct ctl_source *source, int32_t pid,
                                              bool dead)
{
    for (size_t i = source->count; i > 0; i--)
        if (source->process[i - 1].proc.pid == pid &&
            (source->process[i - 1].state == CTL_DEAD) == dead)
            return &source->process[i - 1];
    return NULL;
}

/* The process of the command line, watched or not. What was found before is not about it. */
static enum ctl_exit look_at_one(struct ctl_findings *f, const struct ctl_source *source,
                                 const struct ctl_run *run)
{
    struct ctl_process own = {.state = CTL_IDLE};
    struct ctl_aside aside;
    ctl_aside_open(&aside);
    struct ctl_run quiet = *run;
    quiet.err = aside.file;
    enum ctl_exit result = ctl_pid_operand(&quiet, &own.proc);
    const char *why = ctl_aside_close(&aside);
    int32_t pid = result == CTL_OK ? own.proc.pid : atoi(run->args->operand[0]);
    const struct ctl_process *known = find_process(source, pid, result == CTL_NOTHING);
    ctl_findings_free(f);
    if (result == CTL_NOTHING && known != NULL) {
        look_at_dead(f, known);
        result = CTL_OK;
    } else if (result != CTL_OK) {
        ctl_say(run->err, "%s", why);
    } else if (!look_at_process(f, known != NULL ? known : &own)) {
        ctl_say(run->err, "process %d (%s), of user %u, may not be looked into%s", pid,
                own.proc.exe, own.proc.uid, geteuid() != 0 ? "; root may" : "");
        result = CTL_REFUSED;
    }
    free(aside.text);
    return result;
}

/* Those of -p: nothing else is asked about. */
static enum ctl_exit look_at_chosen(struct ctl_findings *f, struct ctl_source *source,
                                    const struct ctl_run *run)
{
    ctl_findings_free(f);
    enum ctl_exit result = ctl_source_select(source, run->args, CTL_WANT_ALL, run->err);
    for (size_t i = 0; i < source->count && result == CTL_OK; i++) {
        const struct ctl_process *process = &source->process[i];
        if (process->state == CTL_DEAD)
            look_at_dead(f, process);
        else
            look_at_process(f, process);
    }
    return result;
}

static void look_at_all(struct ctl_findings *f, const struct ctl_source *source)
{
    ctl_doctor_host(f, source);
    ctl_findings_order(f, 0);
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
    if (run->args->operands > 0 && run->args->processes > 0) {
        ctl_say(run->err, "doctor: PID says which process, -p likewise: give one of them");
        return CTL_USAGE;
    }
    scan(&findings, &source, run);
    if (run->args->operands > 0)
        result = look_at_one(&findings, &source, run);
    else if (run->args->processes > 0)
        result = look_at_chosen(&findings, &source, run);
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
