/* SPDX-License-Identifier: MIT */
/*
 * What requests spent their time on, as people read it: for `requests` and for the long form of an
 * operation in `stats`.
 */
#ifndef CTL_REQUESTS_H
#define CTL_REQUESTS_H

#include "ctl/model.h"

/* A table of all requests that were called; how queries were attributed; repeated statements. */
void ctl_requests_table(const struct ctl_model *model, const struct ctl_run *run);

/* One of them in detail. */
void ctl_requests_detail(const struct ctl_model *model, const struct ctl_operation *op,
                         const struct ctl_run *run);

/* Lines of a long form: the parts of a request's time; its queries, where they were counted; how
 * the calls of a statement were attributed to requests, where there were any. */
void ctl_requests_parts(const struct ctl_operation *op, const struct ctl_run *run);
void ctl_requests_queries(const struct ctl_operation *op, const struct ctl_run *run);
void ctl_requests_attributed(const struct ctl_operation *op, const struct ctl_run *run);

#endif
