/* SPDX-License-Identifier: MIT */
/*
 * options.h: the command line, checked.
 */
#ifndef PARTS_OPTIONS_H
#define PARTS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum parts_mode {
    PARTS_MODE_SERVE,
    PARTS_MODE_INIT,
    PARTS_MODE_HELP,
    PARTS_MODE_VERSION,
};

struct parts_options {
    enum parts_mode mode;
    const char *dsn;           /* libpq connection string; "" = libpq's own environment */
    const char *listen;        /* ADDR:PORT, [ADDR]:PORT; port 0 = any free one */
    unsigned threads;          /* request threads, 1..256 */
    unsigned pool;             /* database connections, 1..256 */
    unsigned pool_wait_ms;     /* longest wait for a free connection, 0..60000 */
    unsigned query_timeout_ms; /* statement_timeout of each connection, 0 = none */
    unsigned token_ttl_s;      /* life of a bearer token, 1..2592000 */
    unsigned drain_ms;         /* longest wait for requests in flight at shutdown */
    unsigned max_connections;  /* open client connections */
    int64_t seed_parts;        /* parts that --init makes, 0..5000000 */
};

/*
 * Fills OPTIONS from the command line, defaults included. The strings point into argv.
 * Returns false after having said on standard error what is wrong and what would be right.
 */
bool parts_options_parse(int argc, char **argv, struct parts_options *options);

/* Prints the help to standard output. */
void parts_options_help(void);

#endif
