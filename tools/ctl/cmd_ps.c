/* SPDX-License-Identifier: MIT */
/*
 * `ps`: the watched processes, and what went wrong in them.
 */
#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/image.h"
#include "ctl/json.h"
#include "ctl/occupancy.h"
#include "ctl/self.h"
#include "ctl/table.h"
#include "ctl/view.h"

#include <stdlib.h>
#include <string.h>

const struct ctl_command ctl_command_ps = {
    .name = "ps",
    .operands = "",
    .summary = "list the watched processes, live and dead",
    .help = "Lists every process that libperfspy is loaded in, wherever it publishes, and the "
            "dead ones whose region is left. States: live; dead; idle (nothing to watch yet); "
            "dormant (PERFSPY_ENABLED=0); off (by disable). Below the list stands what went "
            "wrong in a process: an invalid rules file, a full table, a directory that could "
            "not be used. With --full also how full each of its tables is; --json has that, "
            "too.",
    .options = CTL_READS | CTL_BIT(FULL),
    .run = ctl_cmd_ps,
};

static const struct ctl_column columns[] = {
    {.title = "PID", .right = true},
    {.title = "STATE"},
    {.title = "AGE", .right = true, .rank = 3},
    {.title = "MODE", .rank = 4},
    {.title = "RULES", .rank = 1},
    {.title = "OPS", .right = true, .rank = 2},
    {.title = "CALLS", .right = true},
    {.title = "RSS", .right = true, .rank = 5},
    {.title = "THREADS", .right = true, .rank = 6},
    {.title = "FDS", .right = true, .rank = 7},
    {.title = "EXE", .elastic = true},
};

/* Everything about one process; the model is of it alone. */
struct entry {
    const struct ctl_process *process;
    const struct ctl_member *member; /* NULL: no region */
    struct ctl_occupancy occupancy;  /* of its region */
    struct ctl_self self;
};

/* How many rules, or why none. */
static void rules_text(char out[CTL_NUMBER_BYTES], const struct ctl_member *m)
{
    if (m->rules_state == SPY_RULES_LOADED)
        snprintf(out, CTL_NUMBER_BYTES, "%u", m->rules_operations);
    else
        snprintf(out, CTL_NUMBER_BYTES, "%s", spy_rules_state_name(m->rules_state));
}

/* A live process may be watched no longer, or not just now. */
static const char *state_text(const struct entry *e)
{
    const struct ctl_member *m = e->member;
    if (m == NULL || m->state != CTL_LIVE || m->off_since_ns == 0)
        return ctl_state_name(e->process->state);
    return strcmp(m->mode, "detached") == 0 ? "detached" : "off";
}

static void add_row(struct ctl_table *table, const struct entry *e, const struct ctl_run *run)
{
    static const enum ctl_paint paints[] = {
        [CTL_LIVE] = CTL_GOOD,     [CTL_DEAD] = CTL_QUIET,   [CTL_IDLE] = CTL_PLAIN,
        [CTL_DORMANT] = CTL_QUIET, [CTL_CLOSED] = CTL_QUIET,
    };
    char text[CTL_NUMBER_BYTES];
    const struct ctl_member *m = e->member;
    uint64_t started = m != NULL ? m->started_ns : e->process->started_ns;
    uint64_t age = run->now_real_ns > started ? run->now_real_ns - started : 0;
    snprintf(text, sizeof(text), "%d", e->process->proc.pid);
    ctl_table_cell(table, CTL_PLAIN, text);
    ctl_table_cell(table, paints[e->process->state], state_text(e));
    ctl_table_cell(table, CTL_PLAIN, ctl_format_age(text, age));
    ctl_table_cell(table, CTL_PLAIN, m != NULL ? m->mode : "-");
    strcpy(text, "-");
    if (m != NULL)
        rules_text(text, m);
    bool bad = m != NULL && m->rules_error[0] != '\0';
    ctl_table_cell(table, bad ? CTL_BAD : CTL_PLAIN, text);
    ctl_table_cell(table, CTL_PLAIN, m != NULL ? ctl_format_count(text, m->operations) : "-");
    ctl_table_cell(table, CTL_PLAIN, m != NULL ? ctl_format_count(text, m->calls) : "-");
    ctl_view_use(table, m != NULL ? &m->use : &(struct spy_use){0});
    ctl_table_cell(table, CTL_PLAIN, e->process->proc.exe);
}

/* ---- what went wrong ------------------------------------------------------------------------ */

static void print_line(FILE *notes, const struct entry *e, const char *text)
{
    fprintf(notes, "%d: %s\n", e->process->proc.pid, text);
}

static void print_off(FILE *notes, const struct entry *e)
{
    char since[CTL_NUMBER_BYTES];
    int pid = e->process->proc.pid;
    ctl_format_utc(since, e->member->off_since_ns);
    if (strcmp(e->member->mode, "detached") != 0)
        fprintf(notes, "%d: switched off since %s; \"" CTL_NAME " enable\" switches it on\n", pid,
                since);
    else if (e->member->state == CTL_LIVE)
        fprintf(notes, "%d: detached since %s; \"" CTL_NAME " attach %d\" goes on with it\n", pid,
                since, pid);
}

/* A region's size is its cap: it never grows. */
static void print_tables(FILE *notes, const struct entry *e)
{
    char size[CTL_NUMBER_BYTES];
    fprintf(notes,
            "%d: the tables of its region, which takes %s at most (PERFSPY_REGION_SIZE); its "
            "private tables are not in it\n",
            e->process->proc.pid, ctl_format_bytes(size, e->occupancy.size[CTL_TABLE_region]));
    ctl_occupancy_print(&e->occupancy, notes);
}

static void print_notes(FILE *notes, const struct entry *e, bool full)
{
    char note[CTL_SELF_NOTE_BYTES];
    const struct ctl_member *m = e->member;
    if (e->process->note[0] != '\0')
        print_line(notes, e, e->process->note);
    if (m == NULL)
        return;
    if (m->off_since_ns != 0)
        print_off(notes, e);
    if (m->reset_ns != 0) {
        char since[CTL_NUMBER_BYTES];
        fprintf(notes, "%d: its statistics were reset, and begin at %s\n", e->process->proc.pid,
                ctl_format_utc(since, m->reset_ns));
    }
    if (m->problem[0] != '\0')
        print_line(notes, e, m->problem);
    if (m->rules_error[0] != '\0')
        print_line(notes, e, m->rules_error);
    if (m->state == CTL_LIVE && e->self.backoff != SPY_BACKOFF_NONE)
        print_line(notes, e, ctl_self_backoff(&e->self, note));
    for (uint32_t i = 0; i < SPY_SELF_COUNT; i++) {
        char count[CTL_NUMBER_BYTES];
        if (m->self[i] > 0)
            fprintf(notes, "%d: %s %s\n", e->process->proc.pid, ctl_format_count(count, m->self[i]),
                    spy_self_text(i));
    }
    if (full)
        print_tables(notes, e);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *rules_json(const struct ctl_member *m)
{
    json_t *o = json_object();
    ctl_json_set(o, "state", json_string(spy_rules_state_name(m->rules_state)));
    ctl_json_set(o, "path", ctl_json_text(m->rules_path));
    ctl_json_set(o, "operations", json_integer(m->rules_operations));
    ctl_json_set(o, "generation", json_integer(m->rules_generation));
    ctl_json_set(o, "loaded",
                 m->rules_loaded_ns != 0 ? ctl_json_utc(m->rules_loaded_ns) : json_null());
    ctl_json_set(o, "error", ctl_json_text(m->rules_error));
    return o;
}

static json_t *entry_json(const struct entry *e)
{
    const struct ctl_process *p = e->process;
    const struct ctl_member *m = e->member;
    json_t *o = json_object();
    ctl_json_set(o, "pid", json_integer(p->proc.pid));
    ctl_json_set(o, "uid", json_integer(p->proc.uid));
    ctl_json_set(o, "exe", json_string(p->proc.exe));
    ctl_json_set(o, "state", json_string(ctl_state_name(p->state)));
    ctl_json_set(o, "started", ctl_json_utc(m != NULL ? m->started_ns : p->started_ns));
    ctl_json_set(o, "since", m != NULL ? ctl_json_since(m) : json_null());
    ctl_json_set(o, "last_seen", m != NULL ? ctl_json_utc(m->seen_ns) : json_null());
    ctl_json_set(o, "mode", m != NULL ? ctl_json_text(m->mode) : json_null());
    ctl_json_set(o, "storage", m != NULL ? ctl_json_text(m->storage) : json_null());
    ctl_json_set(o, "region", ctl_json_text(p->region));
    ctl_json_set(o, "disabled_since",
                 m != NULL && m->off_since_ns != 0 ? ctl_json_utc(m->off_since_ns) : json_null());
    ctl_json_set(o, "rules", m != NULL ? rules_json(m) : json_null());
    ctl_json_set(o, "operations", m != NULL ? json_integer(m->operations) : json_null());
    ctl_json_set(o, "calls", m != NULL ? ctl_json_count(m->calls) : json_null());
    ctl_json_set(o, "use", m != NULL ? ctl_json_use(&m->use) : json_null());
    ctl_json_set(o, "problem", ctl_json_text(m != NULL ? m->problem : p->note));
    ctl_json_set(o, "self", m != NULL ? ctl_self_counters_json(m->self) : json_null());
    ctl_json_set(o, "cost", m != NULL ? ctl_self_json(&e->self) : json_null());
    ctl_json_set(o, "tables", m != NULL ? ctl_occupancy_json(&e->occupancy) : json_null());
    return o;
}

/* ---- the command ---------------------------------------------------------------------------- */

struct output {
    struct ctl_table *table;
    json_t *array;
    FILE *notes;
};

static void add_process(struct output *output, const struct ctl_process *process,
                        const struct ctl_run *run)
{
    struct ctl_model model;
    struct entry entry = {.process = process};
    ctl_model_init(&model, 0);
    if (process->state == CTL_LIVE || process->state == CTL_DEAD) {
        struct spy_region *region = ctl_source_load(process, run->err);
        if (region != NULL) {
            ctl_model_add(&model, process, region, run);
            entry.member = &model.member[0];
            ctl_occupancy_read(&entry.occupancy, region);
            ctl_self_read(&entry.self, region);
        }
        ctl_image_free(region);
    }
    ctl_json_append(output->array, entry_json(&entry));
    add_row(output->table, &entry, run);
    print_notes(output->notes, &entry, run->args->full);
    ctl_model_free(&model);
}

static void show(struct output *output, const struct ctl_run *run, const char *notes)
{
    if (run->args->json) {
        json_t *o = json_object();
        ctl_json_set(o, "version", json_integer(1));
        ctl_json_set(o, "processes", json_incref(output->array));
        ctl_json_print(run, o);
        return;
    }
    ctl_table_print(output->table, run->out, &run->term);
    fputs(notes, run->out);
}

enum ctl_exit ctl_cmd_ps(const struct ctl_run *run)
{
    struct ctl_source source;
    char *notes = NULL;
    size_t len = 0;
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_ALL);
    if (result != CTL_OK)
        return result;
    struct output output = {
        .table = ctl_table_new(columns, sizeof(columns) / sizeof(columns[0])),
        .array = json_array(),
        .notes = open_memstream(&notes, &len),
    };
    if (output.array == NULL || output.notes == NULL)
        exit(CTL_OSERR);
    for (size_t i = 0; i < source.count; i++)
        add_process(&output, &source.process[i], run);
    fclose(output.notes);
    show(&output, run, notes);
    free(notes);
    json_decref(output.array);
    ctl_table_free(output.table);
    ctl_source_free(&source);
    return CTL_OK;
}
