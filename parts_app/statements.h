/* SPDX-License-Identifier: MIT */
/*
 * statements.h: the prepared statements of the service.
 *
 * Each SQL text stands beside the function that runs it; this list only gathers them, because
 * every connection prepares all of them when it is made.
 */
#ifndef PARTS_STATEMENTS_H
#define PARTS_STATEMENTS_H

struct parts_statement {
    const char *name; /* as the database sees it; a data function's name, readable in its log */
    const char *sql;
};

/* Each ends with an entry whose name is NULL. */
extern const struct parts_statement parts_auth_statements[];
extern const struct parts_statement parts_filter_statements[];
extern const struct parts_statement parts_inventory_statements[];
extern const struct parts_statement parts_read_statements[];
extern const struct parts_statement parts_search_statements[];
extern const struct parts_statement parts_usage_statements[];
extern const struct parts_statement parts_write_statements[];

/* All of the above; ends with NULL. */
extern const struct parts_statement *const parts_statement_lists[];

#endif
