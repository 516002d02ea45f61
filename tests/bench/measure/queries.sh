#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# needs: postgresql
#
# The same with the real libpq and PostgreSQL over a Unix socket: a prepared statement that finds a
# row by its key. And what the server's own pg_stat_statements adds to it; for everything else that
# counts nothing.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/../lib.sh"

LOOP_PATH='' LOOP_LIBPQ=$(ldd "$BUILD/bench/operations" | awk '/libpq\.so/ { print $3 }')
export LOOP_PATH LOOP_LIBPQ PGOPTIONS='-c pg_stat_statements.track=none'
# shellcheck source=tests/bench/tracers.sh
. "$(dirname "$0")/../tracers.sh"

run_pg_stat_statements() {
    PGOPTIONS='-c pg_stat_statements.track=top' run_bare "$@"
}

psql -qX <<'SQL'
CREATE TABLE parts AS SELECT id, 'part ' || id AS name, id % 100 AS quantity
    FROM generate_series(1, 1000) AS id;
ALTER TABLE parts ADD PRIMARY KEY (id);
ANALYZE parts;
SQL

# Client and server process on one core: so the one runs when the other waits, and no core has to wake
# another up, which takes as long as the statement, and now long and now short.
read -r postmaster <"$PGHOST/data/postmaster.pid"
allowed=$(taskset -p "$postmaster" | sed 's/.* //')
trap 'taskset -p "$allowed" "$postmaster" >/dev/null' EXIT
taskset -cp "$BENCH_CORE" "$postmaster" >/dev/null

run_all queries "$(scaled 100 50)" "$(scaled 50 2)" bare perfspy pg_stat_statements bpftrace uftrace ltrace
