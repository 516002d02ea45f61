/* SPDX-License-Identifier: MIT */
/*
 * Table layout; see table.h.
 */
#include "ctl/table.h"

#include "ctl/ctl.h"
#include "ctl/format.h"

#include <stdlib.h>
#include <string.h>

#define GAP           "  " /* between columns */
#define COLUMNS_MAX   24u  /* of any table here; asserted by ctl_table_new() */
#define ELASTIC_FLOOR 12u  /* an elastic column is never made narrower */

struct cell {
    char *text;
    enum ctl_paint paint;
};

struct ctl_table {
    const struct ctl_column *columns;
    size_t count;
    struct cell *cells;
    size_t used;
    size_t room;
};

struct layout {
    size_t width[COLUMNS_MAX];
    bool shown[COLUMNS_MAX];
};

struct ctl_table *ctl_table_new(const struct ctl_column *columns, size_t count)
{
    if (count > COLUMNS_MAX)
        abort();
    struct ctl_table *table = ctl_alloc(sizeof(*table));
    table->columns = columns;
    table->count = count;
    return table;
}

void ctl_table_free(struct ctl_table *table)
{
    for (size_t i = 0; i < table->used; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

void ctl_table_cell(struct ctl_table *table, enum ctl_paint paint, const char *text)
{
    if (table->used == table->room) {
        table->room = table->room > 0 ? 2 * table->room : 16 * table->count;
        table->cells = ctl_grow(table->cells, table->room, sizeof(*table->cells));
    }
    table->cells[table->used++] = (struct cell){ctl_copy(text), paint};
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t total_width(const struct ctl_table *table, const struct layout *layout)
{
    size_t total = 0;
    size_t gap = 0;
    for (size_t c = 0; c < table->count; c++) {
        if (!layout->shown[c])
            continue;
        total += layout->width[c] + gap;
        gap = strlen(GAP);
    }
    return total;
}

/* The shown column of the highest rank, the rightmost of equals; COUNT where all have rank 0. */
static size_t least_needed(const struct ctl_table *table, const struct layout *layout)
{
    size_t found = table->count;
    for (size_t c = 0; c < table->count; c++) {
        unsigned rank = table->columns[c].rank;
        if (layout->shown[c] && rank > 0 &&
            (found == table->count || rank >= table->columns[found].rank))
            found = c;
    }
    return found;
}

static void shorten(const struct ctl_table *table, struct layout *layout, size_t room)
{
    for (size_t c = 0; c < table->count; c++) {
        size_t total = total_width(table, layout);
        if (!layout->shown[c] || !table->columns[c].elastic || total <= room)
            continue;
        size_t over = total - room;
        size_t width = layout->width[c];
        if (width > ELASTIC_FLOOR)
            layout->width[c] = width > over + ELASTIC_FLOOR ? width - over : ELASTIC_FLOOR;
    }
}

static void fit(const struct ctl_table *table, struct layout *layout, unsigned room)
{
    for (size_t c = 0; c < table->count; c++) {
        layout->shown[c] = true;
        layout->width[c] = ctl_format_width(table->columns[c].title);
        for (size_t i = c; i < table->used; i += table->count)
            layout->width[c] = larger(layout->width[c], ctl_format_width(table->cells[i].text));
    }
    while (room > 0 && total_width(table, layout) > room) {
        size_t column = least_needed(table, layout);
        if (column == table->count)
            break;
        layout->shown[column] = false;
    }
    if (room > 0)
        shorten(table, layout, room);
}

static void blanks(FILE *out, size_t count)
{
    for (; count > 0; count--)
        fputc(' ', out);
}

/* The first WIDTH - 1 characters of TEXT and an ellipsis. */
static char *cut(const char *text, size_t width)
{
    const char *end = text;
    for (size_t seen = 0; *end != '\0'; end++)
        if (((unsigned char)*end & 0xC0) != 0x80 && seen++ == width - 1)
            break;
    size_t bytes = (size_t)(end - text);
    char *out = ctl_alloc(bytes + sizeof("…"));
    memcpy(out, text, bytes);
    memcpy(out + bytes, "…", sizeof("…"));
    return out;
}

/* One cell. Blanks at the end of a line would only be noise in a pipe: LAST leaves them out. */
static void put(FILE *out, const struct ctl_term *term, const struct cell *cell, size_t width,
                bool right, bool last)
{
    char *shorter = ctl_format_width(cell->text) > width ? cut(cell->text, width) : NULL;
    const char *text = shorter != NULL ? shorter : cell->text;
    size_t pad = width - ctl_format_width(text);
    if (right)
        blanks(out, pad);
    ctl_paint(out, term, cell->paint, text);
    if (!right && !last)
        blanks(out, pad);
    free(shorter);
}

/* The last cell of ROW that has anything to show; COUNT where none has. */
static size_t last_of(const struct ctl_table *table, const struct layout *layout,
                      const struct cell *row)
{
    size_t last = table->count;
    for (size_t c = 0; c < table->count; c++)
        if (layout->shown[c] && row[c].text[0] != '\0')
            last = c;
    return last;
}

static void print_row(const struct ctl_table *table, const struct layout *layout,
                      const struct cell *row, FILE *out, const struct ctl_term *term)
{
    size_t last = last_of(table, layout, row);
    const char *gap = "";
    for (size_t c = 0; last < table->count && c <= last; c++) {
        if (!layout->shown[c])
            continue;
        fputs(gap, out);
        gap = GAP;
        put(out, term, &row[c], layout->width[c], table->columns[c].right, c == last);
    }
    fputc('\n', out);
}

void ctl_table_print(const struct ctl_table *table, FILE *out, const struct ctl_term *term)
{
    if (table->used == 0)
        return;
    struct layout layout;
    fit(table, &layout, term->width);
    struct cell heading[COLUMNS_MAX];
    for (size_t c = 0; c < table->count; c++)
        heading[c] = (struct cell){(char *)(uintptr_t)table->columns[c].title, CTL_HEADING};
    print_row(table, &layout, heading, out, term);
    for (size_t i = 0; i + table->count <= table->used; i += table->count)
        print_row(table, &layout, &table->cells[i], out, term);
}
