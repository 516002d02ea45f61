/* SPDX-License-Identifier: MIT */
/*
 * Sending a command to processes. See control.h.
 */
#include "ctl/control.h"

#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/source.h"

#include <stdlib.h>
#include <string.h>

struct control {
    const struct ctl_run *run;
    const char *what;
    char *line; /* with its newline */
    json_t *array;
    size_t asked;
    size_t failed;
};

static void show(const struct control *control, const struct ctl_process *process, bool done,
                 const char *text)
{
    if (control->run->args->json) {
        json_t *o = json_object();
        ctl_json_set(o, "pid", json_integer(process->proc.pid));
        ctl_json_set(o, "exe", json_string(process->proc.exe));
        ctl_json_set(o, "done", json_boolean(done));
        ctl_json_set(o, "text", json_string(text));
        ctl_json_append(control->array, o);
    } else if (done) {
        fprintf(control->run->out, "%d (%s): %s\n", process->proc.pid, process->proc.exe, text);
    } else {
        ctl_say(control->run->err, "%s: process %d (%s): %s", control->what, process->proc.pid,
                process->proc.exe, text);
    }
}

static void command(struct control *control, const struct ctl_process *process)
{
    char text[CTL_CLIENT_TEXT];
    char clean[CTL_CLIENT_TEXT];
    struct spy_error err = {0};
    enum spy_status status = ctl_source_command(process, control->line, text, &err);
    const char *said = text[0] != '\0' ? text : err.text;
    ctl_format_clean(clean, sizeof(clean), said, strlen(said));
    control->asked++;
    control->failed += status != SPY_OK;
    show(control, process, status == SPY_OK, clean);
}

static void print_json(const struct control *control)
{
    json_t *o = json_object();
    ctl_json_set(o, "version", json_integer(1));
    ctl_json_set(o, "command", json_string(control->what));
    ctl_json_set(o, "processes", json_incref(control->array));
    ctl_json_print(control->run, o);
}

enum ctl_exit ctl_control(const struct ctl_run *run, const char *what, const char *line)
{
    struct ctl_source source;
    struct control control = {.run = run, .what = what, .array = json_array()};
    enum ctl_exit result = ctl_source_open(&source, run, CTL_WANT_TOTALS);
    if (result != CTL_OK)
        return result;
    control.line = ctl_alloc(strlen(line) + 2);
    sprintf(control.line, "%s\n", line);
    for (size_t i = 0; i < source.count; i++)
        if (source.process[i].state == CTL_LIVE)
            command(&control, &source.process[i]);
    if (control.asked == 0) {
        ctl_say(run->err, "%s: only dead processes match", what);
        result = CTL_NOTHING;
    } else {
        result = control.failed > 0 ? CTL_INVALID : CTL_OK;
    }
    if (run->args->json)
        print_json(&control);
    json_decref(control.array);
    free(control.line);
    ctl_source_free(&source);
    return result;
}
