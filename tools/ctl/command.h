/* SPDX-License-Identifier: MIT */
/*
 * The command table and the option table. Dispatch, `help`, the man page and the completion all
 * come from these two: a new command is one name in CTL_COMMANDS() and one file cmd_NAME.c.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/ctl.h"
#include "ctl/usage.h"

/* Options: identifier, short letter or 0, long name, argument ("" none, "[X]" optional), help. */
#define CTL_OPTIONS(X)                                                                             \
    X(PROCESS, 'p', "process", "PID|NAME",                                                         \
      "Only the process with this id, or those whose program is called NAME. May be given more "   \
      "than once. Default: all live processes, merged; where there is none, the dead ones; in a "  \
      "window also the dead that did something in it.")                                            \
    X(LAST, 0, "last", "DURATION",                                                                 \
      "Only what happened in the last DURATION, such as 30s, 5m or 1h. Kept in steps, of 10 "      \
      "seconds at first and of minutes later, so the window may begin one step early. Default: "   \
      "whole lives; health and watch: the rules' window; trend: an hour; diff: 5m.")               \
    X(BEFORE, 0, "before", "DURATION",                                                             \
      "Compare with the window that ended DURATION ago. Default: with the one directly before.")   \
    X(STEP, 0, "step", "DURATION",                                                                 \
      "One line for each DURATION. Default: what gives some thirty lines.")                        \
    X(JSON, 'j', "json", "", "Print JSON. Durations are milliseconds.")                            \
    X(WATCH, 'w', "watch", "[SECONDS]",                                                            \
      "Print again every SECONDS (default 2) until interrupted; with --json one document a line.") \
    X(SORT, 0, "sort", "duration|time", "Order: the longest first (default) or the newest first.") \
    X(LIMIT, 'n', "limit", "N", "Print at most N lines. Default: 20; with --json: all.")           \
    X(WORST, 0, "worst", "", "Only the longest calls of each operation since the start.")          \
    X(SELF, 0, "self", "", "What perfspy itself costs each process, instead of what that does.")   \
    X(FULL, 0, "full", "", "Print all that is known of each call or process.")                     \
    X(SET, 0, "set", "OPERATION=STAT:LIMIT",                                                       \
      "Limit STAT (mean, p50, p90, p95, p99, p99.9, max or errors) of OPERATION, such as "         \
      "api.get_part=p99:50ms or get_part=errors:1%: instead of the limit that the rules set on "   \
      "it, or beside them. May be given more than once.")                                          \
    X(MIN_CALLS, 0, "min-calls", "N",                                                              \
      "No verdict on fewer than N calls. Default: as many as the statistic needs, which is 1 for " \
      "mean, max and errors, 20 for p95, 100 for p99.")                                            \
    X(ON_CHANGE, 0, "on-change", "CMD",                                                            \
      "Run CMD by /bin/sh for each change, with the change as JSON on its standard input.")        \
    X(EVERY, 0, "every", "DURATION", "Look every DURATION. Default: 5s.")                          \
    X(HOLD, 0, "hold", "N",                                                                        \
      "What is worse counts after N looks in a row, what is better after twice as many. "          \
      "Default: 2.")                                                                               \
    X(TIMEOUT, 0, "timeout", "DURATION",                                                           \
      "Give up after DURATION. watch: kill CMD then; default 30s. attach: leave the process as "   \
      "it was; default 2s.")                                                                       \
    X(INITIAL, 0, "initial", "", "Tell the first state as well, as a change from unknown.")        \
    X(FOR, 0, "for", "DURATION",                                                                   \
      "export: alert after a condition held for DURATION (default: 1m). capture: end after "       \
      "DURATION, at most 10m (default: 30s).")                                                     \
    X(NEXT, 0, "next", "N", "Capture N calls, at most 1000. Default: 5.")                          \
    X(SLOW, 0, "slow", "DURATION", "Capture only calls that take DURATION or more.")               \
    X(RULES, 0, "rules", "FILE",                                                                   \
      "Use these rules: as PERFSPY_RULES. reload has processes read FILE, as they see it, "        \
      "instead of their own.")                                                                     \
    X(DIR, 0, "dir", "DIR", "Publish there: as PERFSPY_DIR.")                                      \
    X(LISTEN, 0, "listen", "HOST:PORT",                                                            \
      "Listen there; port 0 takes a free one. Default: 127.0.0.1:9187.")                           \
    X(TOKEN_FILE, 0, "token-file", "FILE",                                                         \
      "Who may read: lines of ROLE TOKEN. FILE must be closed to group and others.")               \
    X(OPEN_METRICS, 0, "open-metrics", "", "Serve /metrics without a token.")                      \
    X(MAN, 0, "man", "", "Print the manual page, in roff.")                                        \
    X(COMPLETION, 0, "completion", "SHELL", "Print the completion script for SHELL: bash.")        \
    X(FORCE, 0, "force", "",                                                                       \
      "Attach although a seccomp filter binds the process that may not be looked at, leaves "      \
      "calls to another process, or does not bind all threads.")                                   \
    X(VERBOSE, 'v', "verbose", "", "Tell what was done, and how long it took.")                    \
    X(HELP, 'h', "help", "", "Print help and exit.")                                               \
    X(VERSION, 'V', "version", "", "Print the version and exit.")

enum ctl_option_id {
#define X(id, letter, name, argument, help) CTL_OPTION_##id,
    CTL_OPTIONS(X)
#undef X
        CTL_OPTION_COUNT
};

#define CTL_OPTION_BIT(number) (UINT64_C(1) << (number))
#define CTL_BIT(id)            CTL_OPTION_BIT(CTL_OPTION_##id)
_Static_assert(CTL_OPTION_COUNT <= 64, "struct ctl_command has a bit for each");

extern const struct ctl_option ctl_options[CTL_OPTION_COUNT];

struct ctl_command {
    const char *name;     /* one word or two: "stats", "rules check" */
    const char *operands; /* synopsis: "[OPERATION]" */
    const char *summary;  /* one line, no full stop */
    const char *help;     /* paragraphs, separated by an empty line */
    uint64_t options;     /* CTL_BIT()s, besides help and version, which are always taken */
    size_t min_operands;
    size_t max_operands;
    bool takes_rest; /* whatever follows the first operand is an operand: another program's */
    enum ctl_exit (*run)(const struct ctl_run *run);
};

/* What most commands take that tell of processes. */
#define CTL_READS (CTL_BIT(PROCESS) | CTL_BIT(JSON))

/* All commands, in the order in which help shows them. Of each the file of its name has a
 * description, ctl_command_NAME, and what runs it, ctl_cmd_NAME(). */
#define CTL_COMMANDS(X)        \
    X(ps)                      \
    X(stats)                   \
    X(health)                  \
    X(benchmarks)              \
    X(watch)                   \
    X(slow)                    \
    X(capture)                 \
    X(inflight)                \
    X(requests)                \
    X(trend)                   \
    X(diff)                    \
    X(serve)                   \
    X(export_prometheus_rules) \
    X(rules_check)             \
    X(doctor)                  \
    X(reload)                  \
    X(disable)                 \
    X(enable)                  \
    X(reset)                   \
    X(run)                     \
    X(attach)                  \
    X(detach)                  \
    X(help)

#define X(name)                                         \
    extern const struct ctl_command ctl_command_##name; \
    enum ctl_exit ctl_cmd_##name(const struct ctl_run *run);
CTL_COMMANDS(X)
#undef X

extern const struct ctl_command *const ctl_commands[];
extern const size_t ctl_command_count;

const struct ctl_command *ctl_command_find(const char *name);

/* "[OPTIONS] OPERANDS" of COMMAND, after its name. */
void ctl_command_synopsis(const struct ctl_command *command, FILE *out);

/* help.c, man.c, completion.c: the outputs of the tables. */
void ctl_help_overview(FILE *out);
void ctl_help_command(const struct ctl_command *command, FILE *out);
void ctl_man_page(FILE *out);
void ctl_completion_bash(FILE *out);

#endif
