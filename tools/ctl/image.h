/* SPDX-License-Identifier: MIT */
/*
 * A region copied into our own memory: from the file, or over the socket. Copied rather than
 * mapped, so that a file that shrinks under us cannot kill the tool.
 */
#ifndef CTL_IMAGE_H
#define CTL_IMAGE_H

#include "shared/region.h"

/* What a region file must look like to be read. */
struct ctl_image_owner {
    uint32_t uid;   /* of the process, or of whoever we take it to belong to */
    bool any_owner; /* we are root and nobody is known: the file's owner must then be the uid that
                       the region itself names */
};

/*
 * Copies the file PATH and checks it. It must be a regular file, not a symbolic link, owned by
 * root, by ourselves or by OWNER. On success *OUT is a region of this version whose sections all
 * lie inside the allocation, to be freed with ctl_image_free().
 */
SPY_MUST_CHECK enum spy_status ctl_image_read(const char *path, struct ctl_image_owner owner,
                                              struct spy_region **out, struct spy_error *err);

/* Of the same file no more than what stands at its head. */
SPY_MUST_CHECK enum spy_status ctl_image_head(const char *path, struct ctl_image_owner owner,
                                              struct spy_region *head, struct spy_error *err);

/* Room for an image of COUNT bytes that begins with HEADER (of which those behind COUNT are not
 * looked at). The caller fills in all COUNT, and has them checked by ctl_image_finish(). */
SPY_MUST_CHECK enum spy_status ctl_image_new(const struct spy_region *header, size_t count,
                                             struct spy_region **out, struct spy_error *err);

/* Checks REGION, from ctl_image_new() and filled, as ctl_image_read() does. Where it is none it is
 * freed. */
SPY_MUST_CHECK enum spy_status ctl_image_finish(struct spy_region *region, size_t count,
                                                struct spy_region **out, struct spy_error *err);

/* NULL is fine. */
void ctl_image_free(struct spy_region *region);

#endif
