/* SPDX-License-Identifier: MIT */
/*
 * The socket of a live process: asks for an image of its region. See shared/paths.h for the
 * protocol.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "shared/paths.h"
#include "shared/region.h"

#define CTL_CLIENT_DEADLINE_MS 1000

/* A command waits for images that are being sent, each for up to 5 s. */
#define CTL_CLIENT_COMMAND_MS 15000
#define CTL_CLIENT_TEXT       2048u

/*
 * Asks the server at PATH, or where PATH is NULL at the abstract name of process ID of user UID,
 * for a dump. The server must run as root, as ourselves, or, where we are root, as UID. All in
 * all at most CTL_CLIENT_DEADLINE_MS.
 */
SPY_MUST_CHECK enum spy_status ctl_client_dump(const char *path, uint32_t uid,
                                               struct spy_process_id id, struct spy_region **out,
                                               struct spy_error *err);

/* Whose server is meant: as ctl_client_dump() has it. */
struct ctl_server_name {
    const char *path; /* or NULL */
    uint32_t uid;
    struct spy_process_id id;
};

/* Sends LINE, a command whose answer begins with "ok 0" and goes on: *FD is where, non-blocking and
 * the caller's. What the server refuses is SPY_ERR_REFUSED, in its words. */
SPY_MUST_CHECK enum spy_status ctl_client_stream(const struct ctl_server_name *server,
                                                 const char *line, int *fd, struct spy_error *err);

/*
 * Sends LINE, a command that changes something, and its newline, to SERVER under the
 * same conditions, and waits at most CTL_CLIENT_COMMAND_MS. TEXT is the line of its answer; where
 * it refuses, with SPY_ERR_REFUSED, TEXT says why, and is "" on every other failure.
 */
SPY_MUST_CHECK enum spy_status ctl_client_command(const struct ctl_server_name *server,
                                                  const char *line, char text[CTL_CLIENT_TEXT],
                                                  struct spy_error *err);

#endif
