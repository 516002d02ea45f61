/* SPDX-License-Identifier: MIT */
/*
 * Notice processors that use another connection, and that never return. Each is for
 * PQsetNoticeProcessor().
 */
#ifndef VICTIMS_CALLBACKS_H
#define VICTIMS_CALLBACKS_H

#include "wants.h"

#include <setjmp.h>

/* ARG is a connection. */
static void query_other(void *arg, const char *message)
{
    printf("notice: %s", message);
    run(arg, "select ? as in_notice", "SELECT 'inside' AS in_notice");
}

static jmp_buf out;

static void jump_out(void *arg, const char *message)
{
    (void)arg, (void)message;
    longjmp(out, 1);
}

#endif
