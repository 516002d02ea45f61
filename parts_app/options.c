/* SPDX-License-Identifier: MIT */
/*
 * options.c: the command line. One table names each option, its range and its help, so that
 * parser and help cannot drift apart.
 */
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

enum option_kind { OPTION_MODE, OPTION_TEXT, OPTION_UNSIGNED, OPTION_INT64 };

struct option_row {
    const char *name;
    const char *value; /* placeholder for the help; NULL for a switch */
    enum option_kind kind;
    size_t field;         /* offset in struct parts_options */
    long long low, high;  /* range of a number */
    enum parts_mode mode; /* of a switch */
    bool serve_only, init_only;
    const char *help;
};

#define FIELD(name) offsetof(struct parts_options, name)

static const struct option_row option_rows[] = {
    {"--dsn", "DSN", OPTION_TEXT, FIELD(dsn), 0, 0, 0, false, false,
     "database as libpq takes it, 'host=... dbname=...' or postgresql://...;\n"
     "without it libpq's own environment (PGHOST, PGDATABASE, ...) decides"},
    {"--listen", "ADDR:PORT", OPTION_TEXT, FIELD(listen), 0, 0, 0, true, false,
     "where to listen; [::1]:8000 for IPv6; port 0 takes a free one (default 127.0.0.1:8000)"},
    {"--threads", "N", OPTION_UNSIGNED, FIELD(threads), 1, 256, 0, true, false,
     "threads that answer requests (default 8)"},
    {"--pool", "N", OPTION_UNSIGNED, FIELD(pool), 1, 256, 0, true, false,
     "database connections (default 8)"},
    {"--pool-wait", "MS", OPTION_UNSIGNED, FIELD(pool_wait_ms), 0, 60000, 0, true, false,
     "longest wait for a free database connection before 503 (default 2000)"},
    {"--query-timeout", "MS", OPTION_UNSIGNED, FIELD(query_timeout_ms), 0, 3600000, 0, true, false,
     "longest run of one statement before 503; 0 = no limit (default 10000)"},
    {"--token-ttl", "S", OPTION_UNSIGNED, FIELD(token_ttl_s), 1, 2592000, 0, true, false,
     "life of a bearer token in seconds (default 3600)"},
    {"--drain", "MS", OPTION_UNSIGNED, FIELD(drain_ms), 0, 600000, 0, true, false,
     "longest wait for requests in flight at SIGTERM (default 10000)"},
    {"--max-connections", "N", OPTION_UNSIGNED, FIELD(max_connections), 1, 65536, 0, true, false,
     "open client connections (default 1000)"},
    {"--init", NULL, OPTION_MODE, 0, 0, 0, PARTS_MODE_INIT, false, false,
     "create the schema and the seed data, then exit; may be repeated safely.\n"
     "PARTS_ADMIN_USER and PARTS_ADMIN_PASSWORD in the environment make the first user"},
    {"--parts", "N", OPTION_INT64, FIELD(seed_parts), 0, 5000000, 0, false, true,
     "parts that --init seeds into an empty catalogue (default 10000)"},
    {"--help", NULL, OPTION_MODE, 0, 0, 0, PARTS_MODE_HELP, false, false, "print this and exit"},
    {"--version", NULL, OPTION_MODE, 0, 0, 0, PARTS_MODE_VERSION, false, false,
     "print the version and exit"},
};

#define OPTION_COUNT (sizeof option_rows / sizeof option_rows[0])

static const struct option_row *find_option(const char *name, size_t length)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        if (strlen(row->name) == length && memcmp(row->name, name, length) == 0) {
            return row;
        }
    }
    return NULL;
}

static bool store_number(const struct option_row *row, const char *text, void *field)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < row->low || number > row->high) {
        parts_log("%s takes a whole number from %lld to %lld, not '%s'", row->name, row->low,
                  row->high, text);
        return false;
    }
    if (row->kind == OPTION_INT64) {
        *(int64_t *)field = number;
    } else {
        *(unsigned *)field = (unsigned)number;
    }
    return true;
}

static bool store_option(const struct option_row *row, const char *text,
                         struct parts_options *options)
{
    void *field = (char *)options + row->field;
    if (row->kind == OPTION_TEXT) {
        *(const char **)field = text;
        return true;
    }
    return store_number(row, text, field);
}

static bool check_modes(const struct parts_options *options, const bool seen[OPTION_COUNT])
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        if (seen[i] && row->init_only && options->mode == PARTS_MODE_SERVE) {
            parts_log("%s goes with --init only", row->name);
            return false;
        }
        if (seen[i] && row->serve_only && options->mode == PARTS_MODE_INIT) {
            parts_log("%s does not go with --init", row->name);
            return false;
        }
    }
    return true;
}

/* Handles argv[*index]; advances *index over a value that is an argument of its own. */
static bool parse_one(int argc, char **argv, int *index, struct parts_options *options,
                      bool seen[OPTION_COUNT])
{
    const char *argument = argv[*index];
    const char *equals = strchr(argument, '=');
    size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
    const struct option_row *row = find_option(argument, length);
    if (row == NULL) {
        parts_log("unknown argument '%s'; --help lists what is known", argument);
        return false;
    }
    size_t number = (size_t)(row - option_rows);
    if (seen[number]) {
        parts_log("%s is given twice", row->name);
        return false;
    }
    seen[number] = true;
    if (row->kind == OPTION_MODE) {
        if (equals != NULL) {
            parts_log("%s takes no value", row->name);
            return false;
        }
        options->mode = row->mode;
        return true;
    }
    const char *text = equals != NULL ? equals + 1 : argv[*index + 1];
    if (equals == NULL && ++*index >= argc) {
        parts_log("%s needs a value: %s %s", row->name, row->name, row->value);
        return false;
    }
    return store_option(row, text, options);
}

bool parts_options_parse(int argc, char **argv, struct parts_options *options)
{
    *options = (struct parts_options){
        .mode = PARTS_MODE_SERVE,
        .dsn = "",
        .listen = "127.0.0.1:8000",
        .threads = 8,
        .pool = 8,
        .pool_wait_ms = 2000,
        .query_timeout_ms = 10000,
        .token_ttl_s = 3600,
        .drain_ms = 10000,
        .max_connections = 1000,
        .seed_parts = 10000,
    };
    bool seen[OPTION_COUNT] = {false};
    for (int i = 1; i < argc; i++) {
        if (!parse_one(argc, argv, &i, options, seen)) {
            return false;
        }
        if (options->mode == PARTS_MODE_HELP || options->mode == PARTS_MODE_VERSION) {
            return true;
        }
    }
    return check_modes(options, seen);
}

void parts_options_help(void)
{
    puts("parts_server: a catalogue of parts, their stock and their use, over HTTP\n"
         "\n"
         "  parts_server --init --dsn DSN [--parts N]\n"
         "  parts_server --listen ADDR:PORT --dsn DSN [options]\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        printf("  %s%s%s\n", row->name, row->value != NULL ? " " : "",
               row->value != NULL ? row->value : "");
        for (const char *line = row->help; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            printf("        %.*s\n", (int)length, line);
            line += length + (line[length] == '\n');
        }
    }
    puts("\nExit codes: 0 fine, 1 failed, 64 wrong usage, 69 no database.");
}
