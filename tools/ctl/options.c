/* SPDX-License-Identifier: MIT */
/*
 * Command line parsing, driven by the option table; see options.h. Not getopt_long(): it knows
 * neither which options a command takes nor what was nearly meant.
 */
#include "ctl/options.h"

#include "ctl/limits.h"
#include "ctl/nearest.h"
#include "shared/capture.h"
#include "shared/rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_DEFAULT_NS 2000000000ull
#define WATCH_MIN_NS     100000000ull
#define STEP_MIN_NS      1000000000ull
#define HOLD_MAX         1000u

struct parser {
    struct ctl_line *line;
    char **argv; /* what is left to read, NULL-terminated */
    FILE *err;
    bool rest; /* options are over */
};

/* ---- values --------------------------------------------------------------------------------- */

static enum ctl_exit bad_value(const struct parser *p, const char *name, const char *value,
                               const char *wanted)
{
    ctl_say(p->err, "--%s: \"%s\" is not %s", name, value, wanted);
    return CTL_USAGE;
}

static bool parse_seconds(const char *text, uint64_t *ns)
{
    char *end;
    double seconds = strtod(text, &end);
    if (isdigit((unsigned char)*text) && *end == '\0' && seconds <= 86400) {
        *ns = (uint64_t)(seconds * 1e9);
        return *ns >= WATCH_MIN_NS;
    }
    return spy_duration_parse(text, ns) && *ns >= WATCH_MIN_NS;
}

static enum ctl_exit set_sort(struct parser *p, const char *value)
{
    bool time = strcmp(value, "time") == 0;
    if (!time && strcmp(value, "duration") != 0)
        return bad_value(p, "sort", value, "\"duration\" or \"time\"");
    p->line->args.sort = time ? CTL_SORT_TIME : CTL_SORT_DURATION;
    return CTL_OK;
}

/* A number from 1 to MAX. */
static bool parse_count(const char *text, uint64_t max, uint64_t *count)
{
    char *end;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && *count > 0 &&
           *count <= max;
}

static enum ctl_exit set_limit(struct parser *p, const char *value)
{
    uint64_t n;
    if (!parse_count(value, SIZE_MAX, &n))
        return bad_value(p, "limit", value, "a number of 1 or more");
    p->line->args.limit = n;
    return CTL_OK;
}

static enum ctl_exit set_next(struct parser *p, const char *value)
{
    uint64_t n;
    if (!parse_count(value, SPY_CAPTURE_CALLS_MAX, &n))
        return bad_value(p, "next", value, "a number from 1 to 1000");
    p->line->args.next = n;
    return CTL_OK;
}

static enum ctl_exit set_min_calls(struct parser *p, const char *value)
{
    if (!parse_count(value, UINT64_MAX, &p->line->args.min_calls))
        return bad_value(p, "min-calls", value, "a number of 1 or more");
    return CTL_OK;
}

static enum ctl_exit set_hold(struct parser *p, const char *value)
{
    uint64_t n;
    if (!parse_count(value, HOLD_MAX, &n))
        return bad_value(p, "hold", value, "a number from 1 to 1000");
    p->line->args.hold = (unsigned)n;
    return CTL_OK;
}

static enum ctl_exit set_duration(struct parser *p, const char *name, const char *value,
                                  uint64_t *ns)
{
    if (!spy_duration_parse(value, ns) || *ns == 0)
        return bad_value(p, name, value, "a duration such as 30s, 5m or 1h");
    return CTL_OK;
}

static enum ctl_exit set_step(struct parser *p, const char *value)
{
    uint64_t *ns = &p->line->args.step_ns;
    if (!spy_duration_parse(value, ns) || *ns < STEP_MIN_NS)
        return bad_value(p, "step", value, "a duration of 1s or more");
    return CTL_OK;
}

static enum ctl_exit set_every(struct parser *p, const char *value)
{
    if (!parse_seconds(value, &p->line->args.every_ns))
        return bad_value(p, "every", value, "a time of 0.1 seconds or more");
    return CTL_OK;
}

static enum ctl_exit add_limit(struct parser *p, const char *value)
{
    struct spy_error error;
    struct ctl_args *args = &p->line->args;
    if (args->limits == NULL)
        args->limits = ctl_alloc(sizeof(*args->limits));
    if (ctl_limits_add_text(args->limits, value, &error) == SPY_OK)
        return CTL_OK;
    ctl_say(p->err, "--set: %s", error.text);
    return CTL_USAGE;
}

static void add_process(struct ctl_args *args, const char *value)
{
    args->process = ctl_grow(args->process, args->processes + 1, sizeof(*args->process));
    args->process[args->processes++] = value;
}

/* The options of `watch`, of `export` and of `capture`. */
static enum ctl_exit set_alerting(struct parser *p, unsigned id, const char *value)
{
    struct ctl_args *args = &p->line->args;
    switch ((enum ctl_option_id)id) {
    case CTL_OPTION_ON_CHANGE:
        args->on_change = value;
        return CTL_OK;
    case CTL_OPTION_EVERY:
        return set_every(p, value);
    case CTL_OPTION_HOLD:
        return set_hold(p, value);
    case CTL_OPTION_TIMEOUT:
        return set_duration(p, "timeout", value, &args->timeout_ns);
    case CTL_OPTION_INITIAL:
        args->initial = true;
        return CTL_OK;
    case CTL_OPTION_FOR:
        return set_duration(p, "for", value, &args->for_ns);
    case CTL_OPTION_NEXT:
        return set_next(p, value);
    case CTL_OPTION_SLOW:
        return set_duration(p, "slow", value, &args->slow_ns);
    default:
        return CTL_OK;
    }
}

/* VALUE is NULL only where an optional argument was left out, or there is none. */
static enum ctl_exit set(struct parser *p, unsigned id, const char *value)
{
    struct ctl_args *args = &p->line->args;
    p->line->given |= 1u << id;
    switch ((enum ctl_option_id)id) {
    case CTL_OPTION_PROCESS:
        if (*value == '\0')
            return bad_value(p, "process", value, "a process id or a program's name");
        add_process(args, value);
        return CTL_OK;
    case CTL_OPTION_LAST:
        return set_duration(p, "last", value, &args->last_ns);
    case CTL_OPTION_BEFORE:
        return set_duration(p, "before", value, &args->before_ns);
    case CTL_OPTION_STEP:
        return set_step(p, value);
    case CTL_OPTION_WATCH:
        args->watch_ns = WATCH_DEFAULT_NS;
        if (value != NULL && !parse_seconds(value, &args->watch_ns))
            return bad_value(p, "watch", value, "a time of 0.1 seconds or more");
        return CTL_OK;
    case CTL_OPTION_SORT:
        return set_sort(p, value);
    case CTL_OPTION_LIMIT:
        return set_limit(p, value);
    case CTL_OPTION_JSON:
        args->json = true;
        return CTL_OK;
    case CTL_OPTION_FULL:
        args->full = true;
        return CTL_OK;
    case CTL_OPTION_WORST:
        args->worst = true;
        return CTL_OK;
    case CTL_OPTION_SELF:
        args->self = true;
        return CTL_OK;
    case CTL_OPTION_SET:
        return add_limit(p, value);
    case CTL_OPTION_MIN_CALLS:
        return set_min_calls(p, value);
    case CTL_OPTION_RULES:
        args->rules = value;
        return CTL_OK;
    case CTL_OPTION_DIR:
        args->dir = value;
        return CTL_OK;
    case CTL_OPTION_LISTEN:
        args->listen = value;
        return CTL_OK;
    case CTL_OPTION_TOKEN_FILE:
        args->token_file = value;
        return CTL_OK;
    case CTL_OPTION_OPEN_METRICS:
        args->open_metrics = true;
        return CTL_OK;
    case CTL_OPTION_FORCE:
        args->force = true;
        return CTL_OK;
    case CTL_OPTION_VERBOSE:
        args->verbose = true;
        return CTL_OK;
    case CTL_OPTION_COMPLETION:
        args->completion = value;
        return CTL_OK;
    case CTL_OPTION_MAN:
        args->man = true;
        return CTL_OK;
    default:
        return set_alerting(p, id, value);
    }
}

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

static bool is_number(const char *text)
{
    uint64_t ns;
    return text != NULL && isdigit((unsigned char)*text) && parse_seconds(text, &ns);
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
    if (o->argument[0] == '[')
        return set(p, id, is_number(*p->argv) ? *p->argv++ : NULL);
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
        names[i] = ctl_commands[i].name;
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
        const char *name = ctl_commands[i].name;
        if (strncmp(name, word, len) != 0 || name[len] != ' ')
            continue;
        begun = begun != NULL ? begun : name;
        if (*p->argv != NULL && strcmp(name + len + 1, *p->argv) == 0)
            p->line->command = &ctl_commands[i];
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
    unsigned extra = line->given & ~command->options & ~(CTL_BIT(HELP) | CTL_BIT(VERSION));
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        if ((extra & 1u << i) != 0) {
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
