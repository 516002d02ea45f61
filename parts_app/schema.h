/* SPDX-License-Identifier: MIT */
/*
 * schema.h: the tables, functions and indexes of the service, and the data to begin with.
 */
#ifndef PARTS_SCHEMA_H
#define PARTS_SCHEMA_H

/* Makes whatever is missing; may run any number of times. */
extern const char parts_schema_sql[];

/* Statements that fill an empty catalogue, ends with NULL. $1 is the number of parts. */
extern const char *const parts_seed_sql[];

#endif
