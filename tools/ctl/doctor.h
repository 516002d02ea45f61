/* SPDX-License-Identifier: MIT */
/*
 * What `doctor` is made of: looking at one process from outside (facts), and at what it wrote
 * (region), and saying what is wrong and what to do about it (findings).
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl/ctl.h"
#include "ctl/source.h"

/* A problem: there is no data. A warning: not all of it. A note asks for nothing. */
enum ctl_severity { CTL_PROBLEM, CTL_WARNING, CTL_NOTE };

struct ctl_finding {
    int32_t pid; /* 0: it is about the host */
    char exe[256];
    enum ctl_severity severity;
    char *what;
    char *remedy; /* "" where there is nothing to do */
};

struct ctl_findings {
    struct ctl_finding *finding;
    size_t count;
    int32_t pid;       /* of whom findings are added */
    const char *exe;   /* likewise */
    char mode[16];     /* its region's; "" where there is none */
    uint64_t requests; /* that its region counts */
};

/* Adds one; REMEDY is "" or what to do. */
void ctl_find(struct ctl_findings *findings, enum ctl_severity severity, const char *remedy,
              const char *what, ...) __attribute__((format(printf, 4, 5)));

void ctl_findings_free(struct ctl_findings *findings);

/* Those from number FROM on, which are of one process: the worst first, else as they were found. */
void ctl_findings_order(struct ctl_findings *findings, size_t from);

/* ---- doctor_facts.c -------------------------------------------------------------------------- */

#define CTL_OBJECTS 16u
#define CTL_OWN     16u

enum ctl_object_kind { CTL_LIBPQ, CTL_TLS };

struct ctl_object {
    enum ctl_object_kind kind;
    uint64_t base;
    unsigned kept; /* by ctl_pointers_read(): pointers to its functions on heaps */
    char path[256];
};

/* Memory that is perfspy's: of its region, or of the library itself. */
struct ctl_own {
    uint64_t begin, end;
    bool region;
};

/* What the kernel says of a process. */
struct ctl_facts {
    struct ctl_maps maps;
    struct ctl_object object[CTL_OBJECTS]; /* libraries that perfspy interposes */
    unsigned objects;
    struct ctl_own own[CTL_OWN];
    unsigned owns;
    char protocol[256]; /* a driver that speaks PostgreSQL's protocol itself; "" */
    unsigned servers;   /* connections to PostgreSQL servers, */
    char server[128];   /* and where one of them is */
    unsigned listens;   /* a TCP port that the process listens on; 0: none */
    unsigned clients;   /* connections that came by that */
    unsigned pg_port;   /* PGPORT; 0: not set */
    bool libpq_inside;  /* the program itself defines libpq's functions */
    bool go;            /* it is written in Go */
    bool elsewhere;     /* it is in another mount namespace */
    bool environ;       /* could be read */
    bool secure;        /* AT_SECURE */
    bool helper;        /* a thread called perfspy */
    bool preloaded;     /* an element of LD_PRELOAD names the library: */
    char preload[256];  /* that element */
    char only[256];     /* PERFSPY_ONLY, or "" */
    bool off;           /* PERFSPY_ENABLED=0 */
    char log[256];      /* PERFSPY_LOG, or "" */
    unsigned seccomp;   /* 0 none, 1 strict, 2 filter */
    unsigned uring;     /* descriptors of io_uring */
    int32_t tracer;     /* the process that traces it; 0: none */
};

/* CTL_MAPS_REFUSED where we may not look. */
enum ctl_maps_result ctl_facts_read(const struct ctl_proc *proc, struct ctl_facts *facts);

/* doctor_elf.c, doctor_sockets.c: the parts of it that the program's file and its descriptors tell.
 */
void ctl_facts_program(int32_t pid, struct ctl_facts *facts);
void ctl_facts_descriptors(int32_t pid, struct ctl_facts *facts);

/* Is the file at PATH part of a driver that does without libpq? */
bool ctl_facts_is_driver(const char *path);

/* ---- doctor_pointers.c -----------------------------------------------------------------------
 */

/* Pointers to libpq's functions from before an attach. */
struct ctl_pointers {
    bool told;           /* the process answered: */
    unsigned patched;    /* so many were replaced, */
    uint64_t unsearched; /* so many bytes of static data were left out, */
    bool between;        /* or all of it, since a wrapper of libpq is loaded */
    bool complete;       /* all heaps were searched for others */
};

/* Asks PROCESS, to which somebody attached, and searches its heaps: FACTS' objects get what is
 * kept of them. */
void ctl_pointers_read(struct ctl_pointers *pointers, const struct ctl_process *process,
                       struct ctl_facts *facts);

void ctl_doctor_pointers(struct ctl_findings *findings, const struct ctl_pointers *pointers);

/* ---- what is found -------------------------------------------------------------------------- */

/* doctor_absent.c: why is there no region? */
void ctl_doctor_absent(struct ctl_findings *findings, const struct ctl_proc *proc,
                       const struct ctl_facts *facts);

/* doctor_absent.c: it is stopped, or being attached to; true where it is that. */
bool ctl_doctor_halted(struct ctl_findings *findings, const struct ctl_proc *proc,
                       const struct ctl_facts *facts);

/* doctor_process.c: what goes past perfspy, as far as it can be seen from outside. */
void ctl_doctor_around(struct ctl_findings *findings, const struct ctl_process *process,
                       struct ctl_facts *facts);

/* doctor_region.c, doctor_tables.c: what the region tells. */
void ctl_doctor_region(struct ctl_findings *findings, const struct spy_region *region);
void ctl_doctor_tables(struct ctl_findings *findings, const struct spy_region *region);

/* doctor_cost.c: what perfspy itself costs. FACTS is NULL of a dead process. */
void ctl_doctor_cost(struct ctl_findings *findings, const struct spy_region *region,
                     const struct ctl_facts *facts);

/* doctor_host.c: directories, regions of the dead, and the rules file that processes would read by
 * default. */
void ctl_doctor_host(struct ctl_findings *findings, const struct ctl_source *source);

#endif
