/* SPDX-License-Identifier: MIT */
/*
 * The processes that there are to read: found in the directories of shared/paths.h and through
 * /proc, then chosen by -p, then loaded one at a time.
 */
#ifndef CTL_SOURCE_H
#define CTL_SOURCE_H

#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/proc.h"
#include "shared/region.h"

enum ctl_state {
    CTL_LIVE,    /* runs, has a region */
    CTL_DEAD,    /* its region outlived it */
    CTL_IDLE,    /* the library is loaded but has had nothing to watch */
    CTL_DORMANT, /* loaded and switched off */
    CTL_CLOSED,  /* runs, but we may not look into it: perhaps not watched at all */
};

struct ctl_process {
    struct ctl_proc proc; /* of a dead one: what its region says */
    enum ctl_state state;
    char *region; /* path to open, with our eyes; NULL: none, or in memory only */
    uint64_t device, inode;
    uint64_t started_ns; /* CLOCK_REALTIME; 0: unknown */
    bool any_owner;      /* see struct ctl_image_owner */
    char note[200];      /* why there is no region, for a person; "" */
};

struct ctl_source {
    struct ctl_process *process;
    size_t count;
    char refused[256]; /* a directory that we may not read; "" */
};

/* What a command reads. */
enum ctl_want {
    CTL_WANT_ALL,    /* every process, in whatever state */
    CTL_WANT_TOTALS, /* live ones; only where there is none, dead ones */
    CTL_WANT_WINDOW, /* live ones and dead ones: what died last minute counts in the last five */
};

/* scan.c: looks at the one process. False where the library is not in it; PROCESS->region is to be
 * freed. */
bool ctl_source_look(struct ctl_process *process, const struct ctl_proc *proc);

/* scan.c: looks everywhere. Files that are no good are reported on ERR and left out. */
void ctl_source_scan(struct ctl_source *source, FILE *err);

/* scan.c: the same, but nowhere else where ARGS ask for running, watched processes by their ids. */
void ctl_source_scan_for(struct ctl_source *source, const struct ctl_args *args, FILE *err);
void ctl_source_free(struct ctl_source *source);

/* Is SPEC, of a -p, a process id? Else it is a program's name. */
bool ctl_source_is_pid(const char *spec);

/*
 * Keeps what ARGS and WANT ask for. CTL_OK; or CTL_NOTHING or CTL_REFUSED after a sentence on ERR
 * that says why.
 */
enum ctl_exit ctl_source_select(struct ctl_source *source, const struct ctl_args *args,
                                enum ctl_want want, FILE *err);

/* Scan and select. */
enum ctl_exit ctl_source_open(struct ctl_source *source, const struct ctl_run *run,
                              enum ctl_want want);

/* Copies the region of PROCESS: a live one's over its socket, if it answers, else from the file.
 * NULL, after a warning on ERR, where it cannot be read. Free with ctl_image_free(). */
struct spy_region *ctl_source_load(const struct ctl_process *process, FILE *err);

/* What stands at the region's head, without asking the process for it where there is a file. False,
 * after a warning on ERR, where it cannot be read. */
bool ctl_source_head(const struct ctl_process *process, struct spy_region *head, FILE *err);

/* Sends LINE to the server of PROCESS, a live one; see ctl_client_stream(). */
SPY_MUST_CHECK enum spy_status ctl_source_stream(const struct ctl_process *process,
                                                 const char *line, int *fd, struct spy_error *err);

/* Sends LINE, a command that changes something, likewise; see ctl_client_command(). */
SPY_MUST_CHECK enum spy_status ctl_source_command(const struct ctl_process *process,
                                                  const char *line, char text[CTL_CLIENT_TEXT],
                                                  struct spy_error *err);

/* Path of the socket of PROCESS, to be freed; NULL where it has an abstract name only. */
char *ctl_source_socket(const struct ctl_process *process);

const char *ctl_state_name(enum ctl_state state);

#endif
