/* SPDX-License-Identifier: MIT */
/*
 * The command line. One table of options, from which parsing, --help and the manual page are made.
 */
#ifndef VALIDATE_OPTIONS_H
#define VALIDATE_OPTIONS_H

#include "ctl/limits.h"
#include "ctl/usage.h"
#include "validate/validate.h"

#include <stddef.h>
#include <stdio.h>

/* Identifier, short letter or 0, long name, argument ("" none), help. */
#define VAL_OPTIONS(X)                                                                             \
    X(URL, 'u', "url", "URL", "The service, such as http://localhost:8000. Required.")             \
    X(USER, 0, "user", "NAME", "Log in as NAME. Default: PARTS_ADMIN_USER of the environment.")    \
    X(PASSWORD_FILE, 0, "password-file", "FILE",                                                   \
      "The password is the first line of FILE. Default: PARTS_ADMIN_PASSWORD of the environment.") \
    X(TOKEN_FILE, 0, "token-file", "FILE",                                                         \
      "Do not log in: the bearer token is the first line of FILE.")                                \
    X(RULES, 'r', "rules", "FILE",                                                                 \
      "The rules that name the requests and hold their benchmarks. Default: rules/parts.yml, "     \
      "else the one that was installed.")                                                          \
    X(OUTPUT, 'o', "output", "FILE",                                                               \
      "Write the report to FILE instead of standard output. May be given more than once.")         \
    X(FORMAT, 'f', "format", "text|json|junit",                                                    \
      "Form of the report. Default: what the name of the file ends in (.json; .xml for JUnit), "   \
      "else text.")                                                                                \
    X(SCENARIO, 's', "scenario", "NAME",                                                           \
      "Only this scenario. May be given more than once. Default: all of them.")                    \
    X(REQUESTS, 'n', "requests", "N",                                                              \
      "Requests in each scenario, rounded up to whole rounds. Default: 200.")                      \
    X(CONCURRENCY, 'c', "concurrency", "N", "Connections at the same time. Default: 4.")           \
    X(WARMUP, 'w', "warmup", "N",                                                                  \
      "Requests before each scenario that are checked but not timed. Default: 20.")                \
    X(SET, 0, "set", "OPERATION=STAT:LIMIT",                                                       \
      "A limit of one's own, such as api.get_part=p99:50ms or api.get_part=errors:1%, beside or "  \
      "instead of those of the rules. May be given more than once.")                               \
    X(TIME_LIMIT, 't', "time-limit", "DURATION",                                                   \
      "Stop, and fail, when the run has lasted that long. Default: 5m.")                           \
    X(PID, 'p', "pid", "PID",                                                                      \
      "The process to compare with. Default: the watched process of this machine that listens "    \
      "at the URL's port, if there is one.")                                                       \
    X(QUIET, 'q', "quiet", "", "No progress, and no line about the result beside the report.")     \
    X(MAN, 0, "man", "", "Print the manual page, in roff.")                                        \
    X(HELP, 'h', "help", "", "Print help and exit.")                                               \
    X(VERSION, 'V', "version", "", "Print the version and exit.")

enum val_option_id {
#define X(id, letter, name, argument, help) VAL_OPTION_##id,
    VAL_OPTIONS(X)
#undef X
        VAL_OPTION_COUNT
};

extern const struct ctl_option val_options[VAL_OPTION_COUNT];

enum val_format { VAL_TEXT, VAL_JSON, VAL_JUNIT };

struct val_output {
    const char *path; /* NULL: standard output */
    enum val_format format;
};

#define VAL_OUTPUTS 8u

/* Strings point into argv or the environment. */
struct val_settings {
    char *url; /* without a slash at its end */
    const char *user;
    const char *password_file;
    const char *token_file;
    const char *rules; /* NULL: the default place */
    struct val_output output[VAL_OUTPUTS];
    size_t outputs;     /* at least one */
    uint64_t scenarios; /* bit by number in val_scenarios */
    uint32_t requests;
    uint32_t concurrency;
    uint32_t warmup;
    uint64_t time_limit_ns;
    int32_t pid; /* 0: find it */
    bool quiet;
    struct ctl_limits limits;
};

enum val_parsed { VAL_RUN, VAL_DONE, VAL_WRONG };

/* VAL_RUN with *OUT filled in; VAL_DONE where help was asked for and given; VAL_WRONG after a
 * sentence on standard error. Free with val_options_free() in any case. */
enum val_parsed val_options_parse(struct val_settings *out, int argc, char **argv);
void val_options_free(struct val_settings *settings);

/* help.c */
void val_help(FILE *out);
void val_man(FILE *out);

#endif
