/* SPDX-License-Identifier: MIT */
/*
 * Counting checks; see check.h.
 */
#include "validate/check.h"

#include "ctl/ctl.h"
#include "ctl/format.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void val_findings_init(struct val_findings *findings)
{
    *findings = (struct val_findings){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void val_findings_free(struct val_findings *findings)
{
    free(findings->check);
    pthread_mutex_destroy(&findings->lock);
}

/* The entry of WHAT, made if there is none. Some dozen at most: a list is enough. */
static struct val_check *entry(struct val_findings *findings, const char *what)
{
    for (size_t i = 0; i < findings->count; i++)
        if (strncmp(findings->check[i].what, what, VAL_WHAT_BYTES - 1) == 0)
            return &findings->check[i];
    findings->check = ctl_grow(findings->check, findings->count + 1, sizeof(*findings->check));
    struct val_check *check = &findings->check[findings->count++];
    *check = (struct val_check){0};
    snprintf(check->what, sizeof(check->what), "%s", what);
    return check;
}

bool val_check(struct val_findings *findings, const char *what, bool holds, const char *format, ...)
{
    char detail[sizeof(findings->check->detail)] = "";
    if (!holds) {
        va_list args;
        va_start(args, format);
        vsnprintf(detail, sizeof(detail), format, args);
        va_end(args);
    }
    pthread_mutex_lock(&findings->lock);
    struct val_check *check = entry(findings, what);
    if (holds)
        check->passed++;
    else if (check->failed++ == 0) /* it quotes the service, who may answer anything */
        ctl_format_clean(check->detail, sizeof(check->detail), detail, sizeof(detail));
    pthread_mutex_unlock(&findings->lock);
    return holds;
}

uint64_t val_findings_checks(const struct val_findings *findings)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < findings->count; i++)
        sum += findings->check[i].passed + findings->check[i].failed;
    return sum;
}

uint64_t val_findings_failed(const struct val_findings *findings)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < findings->count; i++)
        sum += findings->check[i].failed;
    return sum;
}
