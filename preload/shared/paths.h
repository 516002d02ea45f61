/* SPDX-License-Identifier: MIT */
/*
 * Where regions and sockets are: one place for the library, which makes them, and the tools, which
 * look for them.
 *
 * A process is named by its id and its start time, so that a recycled id never meets another
 * process' region: DIR/PID-STARTTICKS.region and DIR/PID-STARTTICKS.sock. Where no directory can
 * be used the socket is in the abstract namespace under spy_paths_abstract().
 *
 * The socket's protocol: the client sends one line, a command; the reply is a line "ok N" or
 * "error N" and then exactly N bytes. Commands: "help" (text), "dump" (an image of the region,
 * see region.h), "capture ..." (a stream of frames, see capture.h), and those that change
 * something, "NAME ARGUMENT" (one line). The server may close an idle or slow client.
 */
#ifndef SPY_SHARED_PATHS_H
#define SPY_SHARED_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPY_PATH_BYTES 256u

struct spy_process_id {
    int32_t pid;
    uint64_t start_ticks; /* field 22 of /proc/PID/stat */
};

/* The directories to try, best first: PERFSPY_DIR alone if set, else $XDG_RUNTIME_DIR/perfspy,
 * /run/perfspy, /tmp/perfspy-UID. ENV_DIR and ENV_XDG are those variables' values or NULL. Writes
 * up to SPY_DIRS paths and returns how many. Paths that would not fit are left out. */
#define SPY_DIRS 3u
unsigned spy_paths_dirs(const char *env_dir, const char *env_xdg, uint32_t uid,
                        char dirs[SPY_DIRS][SPY_PATH_BYTES]);

/* DIR/PID-TICKS.region and DIR/PID-TICKS.sock; false where the path would not fit (a socket's
 * path has 107 bytes). */
bool spy_paths_region(char *out, size_t cap, const char *dir, struct spy_process_id id);
bool spy_paths_socket(char *out, size_t cap, const char *dir, struct spy_process_id id);

/* Name in the abstract namespace, without the leading NUL byte. */
bool spy_paths_abstract(char *out, size_t cap, uint32_t uid, struct spy_process_id id);

/* Takes the process out of a file name PID-TICKS.region; false if it is no such name. */
bool spy_paths_parse(const char *name, struct spy_process_id *id);

/* Field 22 of the text of /proc/PID/stat (the command may hold anything, also parentheses);
 * 0 where the text is malformed. */
uint64_t spy_paths_start_ticks(const char *stat_text);

#endif
