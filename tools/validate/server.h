/* SPDX-License-Identifier: MIT */
/*
 * The service's own view, where it is watched: what libperfspy counted in it between two readings,
 * one before the first request of the run and one after the last.
 */
#ifndef VALIDATE_SERVER_H
#define VALIDATE_SERVER_H

#include "ctl/model.h"
#include "validate/listener.h"
#include "validate/record.h"

struct val_server {
    struct val_listeners process; /* to read; none: there is no such view */
    struct ctl_model before;
    struct ctl_model after; /* what happened in between, once it was taken */
    bool taken;
    char reason[512]; /* why there is no view, for a person; "" while there is one */
};

/*
 * Finds the process: PID, or where that is 0 the one that listens where URL leads to. Takes the
 * first reading. Where there is nothing to read, server->reason says why.
 */
void val_server_open(struct val_server *server, int32_t pid, const char *url);

/* Takes the second reading, once all that RECORD has is in it (the service may still be counting
 * its last response), or after a second at most. */
void val_server_take(struct val_server *server, const struct val_record *record);

void val_server_free(struct val_server *server);

/* What happened in operation NAME of KIND, or NULL where the service does not know it. */
const struct ctl_operation *val_server_operation(const struct val_server *server, const char *name,
                                                 uint32_t kind);

#endif
