/* SPDX-License-Identifier: MIT */
/*
 * Command line parsing, driven by the option table; see options.h. Not getopt_long(): it knows
 * neither which options a command takes nor what was nearly meant.
 */
#include "ctl/options.h"

#include "ctl/limits.h"
#include "ctl/nearest.h"

#include <stdlib.h>
#include <string.h>

struct parser {
    struct ctl_line *line;
    char **argv; /* what is left to read, NULL-terminated */
    FILE *err;
    bool rest; /* options are over */
};

/* ---- options -------------------------------------------------------------------------------- */

static enum ctl_exit unknown_option(const struct parser *p, const char *given)
{
    const char *names[CTL_OPTION_COUNT];
    size_t near;
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        names[i] = ctl_options[i].name;
    char *word = ctl_copy(given + strspn(given, "-"));
    word[strcspn(word, "=")] = '\0';
    bool any = ctl_nearest(word, names, CTL_OPTION_COUNT, &near, 1) == 1;
    ctl_say(p->err, "unknown option \"%s\"%s%s%s", given, any ? "; did you mean --" : "",
            any ? names[near] : "", any ? "?" : "");
    free(word);
    return CTL_USAGE;
}

static enum ctl_exit set(struct parser *p, unsigned id, const char *value)
{
    p->line->given |= CTL_OPTION_BIT(id);
    return ctl_option_set(&p->line->args, (enum ctl_option_id)id, value, p->err);
}

/* ATTACHED is what follows the option in the same word, or NULL. */
static enum ctl_exit take_option(struct parser *p, unsigned id, const char *attached)
{
    const struct ctl_option *o = &ctl_options[id];
    if (o->argument[0] == '\0' && attached != NULL) {
        ctl_say(p->err, "--%s takes no value", o->name);
        return CTL_USAGE;
    }
    if (o->argument[0] == '\0' || attached != NULL)
        return set(p, id, attached);
    if (o->argument[0] == '[') {
        bool here = *p->argv != NULL && ctl_option_is_seconds(*p->argv);
        return set(p, id, here ? *p->argv++ : NULL);
    }
    if (*p->argv == NULL) {
        ctl_say(p->err, "--%s needs a value: %s", o->name, o->argument);
        return CTL_USAGE;
    }
    return set(p, id, *p->argv++);
}

static enum ctl_exit long_option(struct parser *p, const char *word)
{
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        if (strlen(ctl_options[i].name) == len && memcmp(ctl_options[i].name, name, len) == 0)
            return take_option(p, i, name[len] == '=' ? name + len + 1 : NULL);
    return unknown_option(p, word);
}

/* One or more letters; the first that takes an argument takes the rest of the word. */
static enum ctl_exit short_options(struct parser *p, const char *word)
{
    for (const char *at = word + 1; *at != '\0'; at++) {
        unsigned id = 0;
        while (id < CTL_OPTION_COUNT && ctl_options[id].letter != *at)
            id++;
        if (id == CTL_OPTION_COUNT)
            return unknown_option(p, word);
        bool takes = ctl_options[id].argument[0] != '\0';
        enum ctl_exit result = take_option(p, id, takes && at[1] != '\0' ? at + 1 : NULL);
        if (takes || result != CTL_OK)
            return result;
    }
    return CTL_OK;
}

/* ---- words ---------------------------------------------------------------------------------- */

static enum ctl_exit unknown_command(const struct parser *p, const char *word)
{
    const char **names = ctl_alloc(ctl_command_count * sizeof(*names));
    size_t near;
    for (size_t i = 0; i < ctl_command_count; i++)
        names[i] = ctl_commands[i]->name;
    bool any = ctl_nearest(word, names, ctl_command_count, &near, 1) == 1;
    ctl_say(p->err, "unknown command \"%s\"%s%s%s", word,
            any ? "; did you mean \"" : "; \"" CTL_NAME " help\" lists them",
            any ? names[near] : "", any ? "\"?" : "");
    free(names);
    return CTL_USAGE;
}

/* Finds the command that WORD begins; one of two words takes the next one as well. */
static enum ctl_exit take_command(struct parser *p, const char *word)
{
    p->line->command = ctl_command_find(word);
    if (p->line->command != NULL)
        return CTL_OK;
    size_t len = strlen(word);
    const char *begun = NULL; /* the first command that WORD begins */
    for (size_t i = 0; i < ctl_command_count && p->line->command == NULL; i++) {
        const char *name = ctl_commands[i]->name;
        if (strncmp(name, word, len) != 0 || name[len] != ' ')
            continue;
        begun = begun != NULL ? begun : name;
        if (*p->argv != NULL && strcmp(name + len + 1, *p->argv) == 0)
            p->line->command = ctl_commands[i];
    }
    if (p->line->command != NULL) {
        p->argv++;
        return CTL_OK;
    }
    if (begun == NULL || (p->line->given & CTL_BIT(HELP)) != 0)
        return unknown_command(p, word);
    ctl_say(p->err, "\"%s\" needs one of its commands, such as \"" CTL_NAME " %s\"", word, begun);
    return CTL_USAGE;
}

static enum ctl_exit take_word(struct parser *p, char *word)
{
    if (p->line->command == NULL)
        return take_command(p, word);
    struct ctl_args *args = &p->line->args;
    args->operand[args->operands++] = word;
    p->rest = p->rest || p->line->command->takes_rest;
    return CTL_OK;
}

static enum ctl_exit check_line(const struct ctl_line *line, FILE *err)
{
    const struct ctl_command *command = line->command;
    if (command == NULL || (line->given & CTL_BIT(HELP)) != 0)
        return CTL_OK;
    uint64_t extra = line->given & ~command->options & ~(CTL_BIT(HELP) | CTL_BIT(VERSION));
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        if ((extra & CTL_OPTION_BIT(i)) != 0) {
            ctl_say(err, "\"%s\" takes no --%s; see \"" CTL_NAME " help %s\"", command->name,
                    ctl_options[i].name, command->name);
            return CTL_USAGE;
        }
    size_t operands = line->args.operands;
    if (operands >= command->min_operands && operands <= command->max_operands)
        return CTL_OK;
    ctl_say(err, "%s; usage: " CTL_NAME " %s %s",
            operands < command->min_operands ? "something is missing" : "too many words",
            command->name, command->operands);
    return CTL_USAGE;
}

enum ctl_exit ctl_line_parse(struct ctl_line *line, int argc, char **argv, FILE *err)
{
    memset(line, 0, sizeof(*line));
    line->args.operand = ctl_alloc((size_t)argc * sizeof(char *) + sizeof(char *));
    struct parser p = {.line = line, .argv = argv + (argc > 0), .err = err};
    enum ctl_exit result = CTL_OK;
    while (result == CTL_OK && *p.argv != NULL) {
        char *word = *p.argv++;
        if (!p.rest && strcmp(word, "--") == 0)
            p.rest = true;
        else if (!p.rest && word[0] == '-' && word[1] == '-')
            result = long_option(&p, word);
        else if (!p.rest && word[0] == '-' && word[1] != '\0')
            result = short_options(&p, word);
        else
            result = take_word(&p, word);
    }
    return result == CTL_OK ? check_line(line, err) : result;
}

void ctl_line_free(struct ctl_line *line)
{
    free(line->args.process);
    free(line->args.operand);
    if (line->args.limits != NULL)
        ctl_limits_free(line->args.limits);
    free(line->args.limits);
}
