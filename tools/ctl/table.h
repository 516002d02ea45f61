/* SPDX-License-Identifier: MIT */
/*
 * Aligned tables. Collects cells, then prints them so that they fit: on a narrow terminal columns
 * of the lowest rank go first, then the elastic column is shortened; anywhere else nothing is cut.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include "ctl/term.h"

#include <stddef.h>

struct ctl_column {
    const char *title;
    bool right;    /* align right: numbers */
    bool elastic;  /* may be shortened on a terminal */
    unsigned rank; /* 0: always shown; the higher, the sooner it is left out */
};

struct ctl_table;

/* COLUMNS must outlive the table. */
struct ctl_table *ctl_table_new(const struct ctl_column *columns, size_t count);
void ctl_table_free(struct ctl_table *table);

/* Adds the next cell, row by row, left to right. TEXT is copied. */
void ctl_table_cell(struct ctl_table *table, enum ctl_paint paint, const char *text);

/* Prints heading and rows; nothing where there is no row. */
void ctl_table_print(const struct ctl_table *table, FILE *out, const struct ctl_term *term);

#endif
