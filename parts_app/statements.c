/* SPDX-License-Identifier: MIT */
/*
 * statements.c: the list of the lists of prepared statements.
 */
#include "statements.h"

#include <stddef.h>

const struct parts_statement *const parts_statement_lists[] = {
    parts_auth_statements,      parts_filter_statements,
    parts_inventory_statements, parts_read_statements,
    parts_search_statements,    parts_usage_statements,
    parts_write_statements,     NULL,
};
