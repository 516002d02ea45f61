/* SPDX-License-Identifier: MIT */
/*
 * One operation in detail, for `stats OPERATION`.
 */
#ifndef CTL_DETAIL_H
#define CTL_DETAIL_H

#include "ctl/model.h"

/* How a long form begins: processes, name, calls, errors; and its line of times. */
void ctl_detail_begin(const struct ctl_model *model, const struct ctl_operation *op,
                      const struct ctl_run *run);
void ctl_detail_times(const struct ctl_operation *op, const struct ctl_run *run);

void ctl_detail_print(const struct ctl_model *model, const struct ctl_operation *op,
                      const struct ctl_run *run);

#endif
