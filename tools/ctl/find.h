/* SPDX-License-Identifier: MIT */
/*
 * Finding an operation by what a person typed.
 */
#ifndef CTL_FIND_H
#define CTL_FIND_H

#include "ctl/model.h"

/* The operation called NAME, or the only one whose name ends in ".NAME". NULL after a sentence on
 * ERR that gives near names; *RESULT is then CTL_NOTHING, or CTL_USAGE where NAME is ambiguous. */
const struct ctl_operation *ctl_find_operation(const struct ctl_model *model, const char *name,
                                               enum ctl_exit *result, FILE *err);

#endif
