/* SPDX-License-Identifier: MIT */
/*
 * `reset`. See reset.h.
 */
#include "publish/reset.h"

#include "publish/control.h"
#include "publish/use.h"
#include "record/reset.h"
#include "runtime/clock.h"
#include "shared/storage.h"

#include <string.h>

bool spy_reset(struct spy_region *region, const char *argument, char *text)
{
    (void)argument;
    spy_storage_retry(region);
    struct spy_use use = spy_use_read();
    bool done = spy_record_reset(region, spy_now(), &use);
    strcpy(text, done ? "statistics begin anew"
                      : "nothing was reset: no room to keep aside what was counted so far "
                        "(\"perfspy-ctl ps --full\" shows how full the tables are)");
    return done;
}
