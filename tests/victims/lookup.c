/* SPDX-License-Identifier: MIT */
/*
 * What dlsym, dlopen and dlerror say, to a program and to its plugins: told in words that do not
 * depend on where things are. The plugin (built with PLUGIN) lies in a folder of its own, with
 * another object beside it that only its RUNPATH finds.
 */
#include <dlfcn.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void probe_all(const char *who);

/* Of libpq: what all have, what the stand-ins lack, what they lack all; the same of TLS libraries.
 * Of libc, and of nobody. */
static const char *const names[] = {
    "PQexec",     "PQconnectdb", "PQexecParams", "PQreset",     "PQserver", "PQ",
    "lo_nothing", "SSL_new",     "SSL_nothing",  "gnutls_init", "puts",     "nothing",
};

/* The file name only, of a path that may be anywhere. */
static void print_error(const char *error)
{
    const char *colon = error != NULL ? strchr(error, ':') : NULL;
    const char *from = error;
    while (colon != NULL && memchr(from, '/', (size_t)(colon - from)) != NULL)
        from = strchr(from, '/') + 1;
    printf("\"%s\"", from != NULL ? from : "-");
}

static void print_found(const char *who, const char *where, const char *name, const void *found)
{
    printf("%s %s %s: %s, error ", who, where, name, found != NULL ? "found" : "NULL");
    print_error(dlerror());
    printf(", then ");
    print_error(dlerror());
    printf("\n");
}

static void probe_symbols(const char *who, const char *where, void *handle)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        print_found(who, where, names[i], dlsym(handle, names[i]));
}

static void *probe_open(const char *who, const char *path, int flags)
{
    void *handle = dlopen(path, flags);
    printf("%s dlopen %s: %s, error ", who, path != NULL ? path : "(null)",
           handle != NULL ? "open" : "NULL");
    print_error(dlerror());
    printf("\n");
    return handle;
}

void probe_all(const char *who)
{
    void *self = probe_open(who, NULL, RTLD_NOW);
    probe_symbols(who, "default", RTLD_DEFAULT);
    probe_symbols(who, "next", RTLD_NEXT);
    probe_symbols(who, "self", self);
    print_found(who, "default, versioned,", "PQexec", dlvsym(RTLD_DEFAULT, "PQexec", "V"));
    printf("%s agrees with itself: %d\n", who,
           dlsym(RTLD_DEFAULT, "PQexec") == dlsym(self, "PQexec"));
    probe_open(who, "beside.so", RTLD_NOW);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they end the program at it \
                                                                     */
    probe_open(who, "beside.so", RTLD_LAZY | RTLD_DEEPBIND);
#endif
    probe_open(who, "$ORIGIN/beside.so", RTLD_NOW);
    probe_open(who, "nowhere.so", RTLD_NOW);
    probe_open(who, "nowhere.so", RTLD_NOW | RTLD_NOLOAD);
    probe_open(who, "/dev/null", RTLD_NOW);
    probe_open(who, "libc.so.6", 0);
    /* An error that is fetched only after another call has gone well is gone. */
    dlsym(RTLD_DEFAULT, "PQnothing");
    dlsym(RTLD_DEFAULT, "puts");
    printf("%s afterwards: ", who);
    print_error(dlerror());
    printf("\n");
}

#ifdef PLUGIN

/* What makes the linker note the plugin's own libpq, if it has one. */
#ifdef BOUND
PGconn *plugin_connect(void);
PGconn *plugin_connect(void)
{
    return PQconnectdb("");
}
#endif

/* As a preload: before main, and before other libraries' constructors. */
__attribute__((constructor)) static void probe_early(void)
{
    if (getenv("LOOKUP_EARLY") != NULL)
        probe_all("early");
}

#else

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    probe_all("program");
#ifdef BOUND
    printf("linked: PQexec %d PQconnectdb %d\n", dlsym(RTLD_DEFAULT, "PQexec") == (void *)PQexec,
           dlsym(RTLD_DEFAULT, "PQconnectdb") == (void *)PQconnectdb);
#endif
    for (int i = 1; i < argc; i++) {
        void *handle = probe_open("program", argv[i], RTLD_NOW | RTLD_LOCAL);
        if (handle == NULL)
            return 2;
        void (*probe)(const char *);
        *(void **)&probe = dlsym(handle, "probe_all");
        if (probe != NULL && probe != probe_all)
            probe("plugin");
        probe_symbols("program", "handle", handle);
#ifdef BOUND
        printf("the same: PQexec %d PQconnectdb %d\n", dlsym(handle, "PQexec") == (void *)PQexec,
               dlsym(handle, "PQconnectdb") == (void *)PQconnectdb);
#endif
        printf("twice the same: %d\n",
               dlsym(handle, "PQconnectdb") == dlsym(handle, "PQconnectdb"));
    }
    return 0;
}

#endif
