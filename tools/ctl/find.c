/* SPDX-License-Identifier: MIT */
/*
 * Operation lookup; see find.h.
 */
#include "ctl/find.h"

#include "ctl/nearest.h"

#include <stdlib.h>
#include <string.h>

#define SUGGESTIONS 3u

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), s = strlen(suffix);
    return n > s && name[n - s - 1] == '.' && strcmp(name + n - s, suffix) == 0;
}

static void suggest(const struct ctl_model *model, const char *name, FILE *err)
{
    const char **names = ctl_alloc(model->count * sizeof(*names));
    size_t near[SUGGESTIONS];
    for (size_t i = 0; i < model->count; i++)
        names[i] = model->operation[i]->name;
    size_t found = ctl_nearest(name, names, model->count, near, SUGGESTIONS);
    char text[SUGGESTIONS * (SPY_NAME_BYTES + 8)] = "";
    for (size_t i = 0; i < found; i++) {
        strcat(text, i == 0 ? "; did you mean " : i + 1 == found ? " or " : ", ");
        strcat(text, names[near[i]]);
    }
    ctl_say(err, "no operation is called \"%s\"%s%s", name,
            found > 0 ? text : "; \"" CTL_NAME " stats\" lists them", found > 0 ? "?" : "");
    free(names);
}

static void tell_ambiguous(const struct ctl_model *model, const char *name, FILE *err)
{
    fprintf(err, CTL_NAME ": \"%s\" may be", name);
    const char *separator = " ";
    for (size_t i = 0; i < model->count; i++)
        if (ends_in(model->operation[i]->name, name)) {
            fprintf(err, "%s%s", separator, model->operation[i]->name);
            separator = " or ";
        }
    fputs("; give the whole name\n", err);
}

const struct ctl_operation *ctl_find_operation(const struct ctl_model *model, const char *name,
                                               enum ctl_exit *result, FILE *err)
{
    const struct ctl_operation *found = NULL;
    size_t candidates = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct ctl_operation *op = model->operation[i];
        if (strcmp(op->name, name) == 0)
            return op;
        if (ends_in(op->name, name)) {
            found = op;
            candidates++;
        }
    }
    if (candidates == 1)
        return found;
    *result = candidates > 1 ? CTL_USAGE : CTL_NOTHING;
    if (candidates > 1)
        tell_ambiguous(model, name, err);
    else
        suggest(model, name, err);
    return NULL;
}
