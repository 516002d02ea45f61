/* SPDX-License-Identifier: MIT */
/*
 * The table of control commands. See control.h.
 */
#include "publish/control.h"

#include <stdio.h>
#include <string.h>

static const struct spy_control none[] = {{NULL, NULL, NULL, false}};
static const struct spy_control *table = none;

void spy_control_set(const struct spy_control *commands)
{
    table = commands;
}

const struct spy_control *spy_control_find(const char *line, const char **argument)
{
    for (const struct spy_control *c = table; c->name != NULL; c++) {
        size_t len = strlen(c->name);
        if (strncmp(line, c->name, len) != 0 || (line[len] != '\0' && line[len] != ' '))
            continue;
        *argument = line + len + (line[len] == ' ');
        return c;
    }
    return NULL;
}

void spy_control_help(char *text, size_t cap)
{
    for (const struct spy_control *c = table; c->name != NULL; c++) {
        size_t used = strlen(text);
        snprintf(text + used, cap - used, "%s  %s\n", c->name, c->help);
    }
}
