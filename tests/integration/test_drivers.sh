#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Debian's clients and drivers of PostgreSQL, each with a script that uses all of it: watched or not,
# it prints the same and ends the same, says the same to the server and hears the same (by strace),
# and what perfspy counts is what the server's pg_stat_statements counts, statement by statement.
#
# time limit: 300
. "$(dirname "$0")/lib/check.sh"

lib=$PWD/tests/integration/lib
drivers=$PWD/tests/drivers
cd "$TEST_DIR"

# Where perfspy and pg_stat_statements count differently, and why: see lib/statements.py.
cat >differences <<'TABLE'
. :: perfspy :: ^sql:2d06800538d394c2$ :: drop :: The empty query is a call of libpq, and no statement to the server.
. :: both :: \b(null|true|false)\b :: as ? :: The server takes them for constants, perfspy for words.
. :: perfspy :: ^(prepare (?!transaction)|deallocate ) :: drop :: The server leaves PREPARE and DEALLOCATE out.
. :: server :: ^prepare (\w+).* as .*$ :: as execute \1 :: It counts EXECUTE under the text that PREPARE gave.
. :: perfspy :: ^execute (\w+).*$ :: as execute \1 :: The same; to libpq EXECUTE is the statement.
. :: both :: ^(explain|show)  :: rows :: The server counts no rows of utility statements but COPY and FETCH.
psycopg2 :: server :: ^prepare transaction  :: drop :: It fails as the transaction ends, when the server has counted it.
. :: server :: ^select proname, oid from pg_catalog.pg_proc where proname in  :: drop :: libpq's own, inside lo_open.
pgbench-(prepared|tpcb) :: both :: ^(begin|end)$ :: drop :: The server counts utility statements that are prepared once only.
TABLE

server_sql() {
    PGDATABASE=postgres sql "$1"
}

server_sql 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements' 2>/dev/null
psql -qX -v ON_ERROR_STOP=1 -f "$drivers/schema.sql"
pgbench -i -q >pgbench.log 2>&1

trace=()
if command -v strace >/dev/null && strace -o probe true 2>/dev/null; then
    trace=(strace -f --seccomp-bpf -y -xx -s 1000000 -e 'trace=%network' -e signal=none)
fi

# The server counts the last statement of a connection when that is over.
nobody_there() {
    [ "$(server_sql "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = '$PGDATABASE' AND backend_type = 'client backend'")" = 0 ]
}

# What no two runs have in common: process ids, addresses, times.
same_text() {
    sed -E -e 's/PID [0-9]+/PID/' -e 's/at 0x[0-9a-f]+/at ADDRESS/' -e '/\(every [0-9.]+s\)/d' \
        -e 's/^(latency average|initial connection time|tps) = [0-9.]+/\1/' \
        -e 's/^(done in|creating|vacuuming).*//' "$1"
}

# run NAME KIND COMMAND...: from the same content of the database, into NAME.KIND.*
run() {
    local name=$1 kind=$2 status=0
    shift 2
    wait_for 30 nobody_there
    psql -qX -v ON_ERROR_STOP=1 -f "$drivers/content.sql"
    wait_for 30 nobody_there
    server_sql 'SELECT pg_stat_statements_reset()' >/dev/null
    timeout -k 5 $((60 * PATIENCE)) "${trace[@]}" ${trace:+-o "$name.$kind.trace"} "$@" \
        >"$name.$kind.out" 2>"$name.$kind.err" || status=$?
    {
        echo "exit status $status"
        same_text "$name.$kind.out"
        echo "standard error:"
        same_text "$name.$kind.err"
    } >"$name.$kind.said"
}

left_out=0

leave_out() {
    left_out=$((left_out + 1))
    skip "$1" "$2"
}

# With a sanitizer's runtime preloaded psql and pgbench hang in the C library's locale lock (see the
# Makefile on victims), and PHP, which loads by RTLD_DEEPBIND, is refused by it; perfspy or not.
unfit() {
    [ "$PERFSPY_PRELOAD" != "$PERFSPY_LIB" ] && [[ $1 =~ ^(psql|pgbench|php) ]]
}

# drive NAME COMMAND...: the command unwatched and watched.
drive() {
    local name=$1
    shift
    if unfit "$name"; then
        leave_out "$name" "it does not run with a preloaded sanitizer"
        return
    fi
    run "$name" bare "$@"
    rm -rf "$PERFSPY_DIR"
    run "$name" watched env LD_PRELOAD="$PERFSPY_PRELOAD" "$@"
    assert_eq "$name runs" "exit status 0" "$(head -n 1 "$name.bare.said")"
    check "$name prints and ends the same" diff "$name.bare.said" "$name.watched.said"
    if [ "${#trace[@]}" -gt 0 ]; then
        check "$name says the same to the server" "$lib/traffic.py" same \
            "$PGHOST/.s.PGSQL.$PGPORT" "$name.bare.trace" "$name.watched.trace"
    else
        skip "$name says the same to the server" "strace cannot trace here"
    fi
    counts "$name"
}

# counts NAME: of what was run last.
counts() {
    local name=$1 pid
    wait_for 30 nobody_there
    pid=$(basename "$PERFSPY_DIR"/*.region)
    if [ "$pid" = '*.region' ]; then
        not_ok "$name counts what the server counts" "no connection of libpq was seen"
        return
    fi
    "$PERFSPY_CTL" stats -p "${pid%%-*}" --json >"$name.stats.json"
    server_sql "SELECT json_agg(s) FROM (SELECT query, sum(calls) AS calls, sum(rows) AS rows
                FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
                WHERE datname = '$PGDATABASE' AND toplevel GROUP BY query) s" >"$name.server.json"
    check "$name counts what the server counts" "$lib/statements.py" "$name" \
        "$name.server.json" "$name.stats.json" differences "$BUILD/drivers/normalise" used
    [ "${#trace[@]}" -eq 0 ] || check "$name counts what is no statement" "$lib/traffic.py" count \
        "$PGHOST/.s.PGSQL.$PGPORT" "$name.watched.trace" "$name.stats.json"
}

drive psql psql -X -f "$drivers/psql.sql"
drive pgbench-init pgbench -i -I dtGvp
for protocol in simple extended prepared; do
    drive "pgbench-$protocol" pgbench -M "$protocol" --random-seed=7 -c 4 -j 2 -t 5 -n \
        -f "$drivers/pgbench.sql"
done
for protocol in extended prepared; do
    drive "pgbench-$protocol-pipeline" pgbench -M "$protocol" --random-seed=7 -c 4 -j 2 -t 5 -n \
        -f "$drivers/pgbench-pipeline.sql"
done
drive pgbench-tpcb pgbench -M prepared --random-seed=7 -c 4 -j 2 -t 5

# driver NAME PACKAGE COMMAND...
driver() {
    local name=$1 package=$2
    shift 2
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ]; then
        drive "$name" "$@"
    else
        leave_out "$name" "Debian's $package is not installed; make deps does that"
    fi
}

driver psycopg2 python3-psycopg2 /usr/bin/python3 "$drivers/psycopg_2.py"
driver psycopg python3-psycopg /usr/bin/python3 "$drivers/psycopg_3.py"
driver dbd-pg libdbd-pg-perl /usr/bin/perl "$drivers/dbd_pg.pl"
driver ruby-pg ruby-pg /usr/bin/ruby "$drivers/ruby_pg.rb"
driver php-pgsql php-pgsql /usr/bin/php "$drivers/php_pgsql.php"
driver php-pdo php-pgsql /usr/bin/php "$drivers/php_pdo.php"
if node_missing=$("$drivers/node.sh" "$BUILD/node" | tail -n 1); then
    drive node-libpq env NODE_PATH="$(<"$BUILD/node/path")" "$BUILD/node/node" \
        "$drivers/node_libpq.js"
else
    leave_out node-libpq "$node_missing"
fi

[ "$left_out" -gt 0 ] ||
    check "no argued difference is out of date" diff <(sort differences) <(sort -u used)
