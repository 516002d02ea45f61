/* SPDX-License-Identifier: MIT */
/*
 * Captures under way: their streams read and checked, and what comes shown. The protocol is in
 * shared/capture.h; what comes is a process' word, and not trusted.
 */
#ifndef CTL_CAPTURE_H
#define CTL_CAPTURE_H

#include "ctl/source.h"
#include "shared/capture.h"

#include <jansson.h>

/* One statement of a call, or a request, as it came. */
struct ctl_captured {
    const char *operation;
    int32_t pid;
    uint64_t end_ns; /* CLOCK_REALTIME; of the call */
    bool first;      /* of its call */
    struct spy_capture_head head;
    const char *items; /* head.bytes of them */
};

/* The next item at *AT, and its bytes; false at the end, or where the rest makes no sense. */
bool ctl_captured_next(const struct ctl_captured *captured, uint32_t *at,
                       struct spy_capture_item *item, const char **data);

bool ctl_captured_is_request(const struct ctl_captured *captured);

/* capture_print.c, for people: the call's line before its first statement. */
void ctl_captured_print(const struct ctl_captured *captured, const struct ctl_run *run);

/* json_capture.c: *CALL is NULL before the first statement of a call, then the call so far. */
void ctl_captured_json(json_t **call, const struct ctl_captured *captured);

/* ---- capture.c ------------------------------------------------------------------------------- */

enum ctl_frame { CTL_FRAME_NONE, CTL_FRAME_CALL, CTL_FRAME_END, CTL_FRAME_BROKEN };

/* The stream of one process. */
struct ctl_capture {
    const struct ctl_process *process;
    int fd;      /* -1: over */
    char *bytes; /* read and not shown yet */
    size_t used;
    size_t shown; /* of them */
    bool inside;  /* a call of which more statements are to come */
    uint32_t missed;
    bool stopped; /* perfspy backs off there */
    json_t *call; /* the one that is being put together */
};

/* Reads what there is; false: nothing more will come. */
bool ctl_capture_read(struct ctl_capture *capture);

/* The next whole frame: NONE if it is not there yet. CAPTURED is valid until the next read. */
enum ctl_frame ctl_capture_next(struct ctl_capture *capture, struct ctl_captured *captured);

void ctl_capture_close(struct ctl_capture *capture);

#endif
