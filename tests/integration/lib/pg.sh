# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A private PostgreSQL: one directory holds its data, its log and its socket. It listens on that
# socket only, runs without privilege, and shares nothing with any other server, so that several
# can run side by side. Sourced by run.sh; nothing here is started or changed by sourcing it.

PG_BIN=/usr/lib/postgresql/15/bin

# The user that the server runs as: PostgreSQL refuses to be root.
pg_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif getent passwd postgres >/dev/null; then
        echo postgres
    else
        echo nobody
    fi
}

# pg_as COMMAND...: runs it as that user, from / (a directory that everybody may enter), in an
# environment that says nothing about other servers.
pg_as() (
    cd /
    local user drop=()
    user=$(pg_user)
    if [ "$(id -u)" -eq 0 ]; then
        drop=(setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups)
    fi
    exec env -i PATH="$PG_BIN:/usr/bin:/bin" LC_ALL=C.UTF-8 "${drop[@]}" "$@"
)

# pg_may_enter DIR: whether the server's user reaches DIR.
pg_may_enter() {
    pg_as test -x "$1"
}

# Durability is of no use to a cluster that is thrown away, and nothing is kept in /dev/shm, where
# a killed server would leave it.
pg_settings() {
    cat <<SETTINGS
listen_addresses = ''
port = 5432
unix_socket_directories = '$1'
unix_socket_permissions = 0700
max_connections = 100
fsync = off
synchronous_commit = off
full_page_writes = off
dynamic_shared_memory_type = mmap
shared_preload_libraries = 'pg_stat_statements'
SETTINGS
}

# pg_start DIR: makes a cluster in the new directory DIR, starts it and points libpq's environment
# at it. On failure prints the server's log and returns 1.
pg_start() {
    local dir=$1
    mkdir -m 700 "$dir"
    [ "$(id -u)" -ne 0 ] || chown "$(pg_user):" "$dir"
    if ! pg_as initdb -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
        --no-sync --no-instructions >"$dir/initdb.log" 2>&1; then
        echo "pg: initdb failed:" >&2
        cat "$dir/initdb.log" >&2
        return 1
    fi
    pg_settings "$dir" >>"$dir/data/postgresql.conf"
    if ! pg_as pg_ctl -D "$dir/data" -l "$dir/server.log" -s -w -t 60 start </dev/null; then
        echo "pg: the server did not start:" >&2
        cat "$dir/server.log" >&2
        return 1
    fi
    export PGHOST=$dir PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
    PATH=$PG_BIN:$PATH
}

# pg_stop DIR: stops the cluster in DIR, whatever state it is in; its data are not meant to last.
pg_stop() {
    local data=$1/data postmaster key segment
    [ -f "$data/postmaster.pid" ] || return 0
    # Lines of postmaster.pid: 1 the process, 7 the System V segment (key and id).
    { read -r postmaster; for _ in 2 3 4 5 6; do read -r _; done; read -r key segment; } \
        <"$data/postmaster.pid" || true
    if ! pg_as pg_ctl -D "$data" -s -w -t 10 -m immediate stop >/dev/null 2>&1; then
        pg_kill "$data" "$postmaster"
        # Only a server that was killed leaves its segment behind.
        [ -z "${key:-}" ] || ipcrm -m "$segment" 2>/dev/null || true
    fi
}

# Kills what still runs in the data directory: a server's processes all have it as their own.
pg_kill() {
    local data=$1 postmaster=$2 pid
    for pid in "$postmaster" $(cd /proc && echo [0-9]*); do
        if [ "$(readlink "/proc/$pid/cwd")" = "$data" ]; then
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done 2>/dev/null
}
