/* SPDX-License-Identifier: MIT */
/*
 * Where reports go. Files are opened before the run, so that a wrong name is told before it and
 * not after it; what a file holds is replaced only when there is a new report.
 */
#ifndef VALIDATE_OUTPUT_H
#define VALIDATE_OUTPUT_H

#include "validate/report.h"

struct val_files {
    FILE *file[VAL_OUTPUTS];
    bool made[VAL_OUTPUTS]; /* was not there before */
};

/* Opens what SETTINGS names. VAL_WRITE after a sentence on standard error. */
enum val_exit val_files_open(struct val_files *files, const struct val_settings *settings);

/* Writes REPORT to each, in its form. VAL_WRITE after a sentence where one could not be. */
enum val_exit val_files_write(struct val_files *files, const struct val_report *report);

/* Closes what is still open; files that were made for a report that never came are removed. */
void val_files_close(struct val_files *files, const struct val_settings *settings);

#endif
