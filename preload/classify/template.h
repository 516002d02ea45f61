/* SPDX-License-Identifier: MIT */
/*
 * Names for requests that no rule matches: the method and the path with everything that looks like
 * an identifier or like a user's data replaced by {id}. Few names for many paths, and no personal
 * data in a name; what slips through is bounded by SPY_ROUTES_MAX.
 *
 * Pure functions: any thread, no allocation, signal-safe.
 */
#ifndef SPY_CLASSIFY_TEMPLATE_H
#define SPY_CLASSIFY_TEMPLATE_H

#include "shared/region.h"

#include <stdbool.h>
#include <stddef.h>

/* The forms of a request target (RFC 9112, 3.2). */
enum spy_target_form {
    SPY_TARGET_PATH,      /* origin form, or the path of an absolute form */
    SPY_TARGET_ASTERISK,  /* OPTIONS * */
    SPY_TARGET_AUTHORITY, /* CONNECT host:port, or something that is no target at all */
};

struct spy_target {
    enum spy_target_form form;
    const char *path; /* SPY_TARGET_PATH: without query and fragment; begins with a slash */
    size_t len;
};

struct spy_target spy_target_parse(const char *target, size_t len);

/*
 * Writes METHOD /path/{id} to NAME. A segment becomes {id} when spy_template_hides() it, being
 * - longer than 32 bytes;
 * - not made of letters, digits, - . _ ~ and : only (percent-encoded bytes, @, ; and the like);
 * - all digits, or more digits than anything else, but for v and up to three digits (an API's
 *   version);
 * - eight or more hexadecimal digits with a decimal one among them.
 * A method that is not one of the usual nine is written _OTHER, as OpenTelemetry does. A path that
 * does not fit, or has more than 32 segments, is cut at a segment and ends in "/...".
 */
bool spy_template_hides(const char *segment, size_t len);
void spy_template_write(char name[SPY_NAME_BYTES], const char *method, size_t method_len,
                        const struct spy_target *target);

#endif
