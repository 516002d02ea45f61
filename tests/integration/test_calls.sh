#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What libpq offers beside statements, and what libpq 17 has added: the program gets what it got
# before, and every call is counted as what it was, inner calls of libpq not at all.
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
stats=$TEST_DIR/stats.json
slow=$TEST_DIR/slow.json
dsn="dbname=$PGDATABASE"

# watch NAME COMMAND...: runs it, bare and watched, in a directory of its own. What it prints must be
# the same; then its statistics are in $stats, and its failed calls in $slow.
watch() {
    local name=$1 pid
    shift
    rm -rf "$PERFSPY_DIR"
    "$@" </dev/null >"$TEST_DIR/bare" 2>&1 || echo "status $?" >>"$TEST_DIR/bare"
    LD_PRELOAD=$PERFSPY_PRELOAD "$@" </dev/null >"$TEST_DIR/$name" 2>&1 ||
        echo "status $?" >>"$TEST_DIR/$name"
    assert_eq "$name: the program notices nothing" "$(<"$TEST_DIR/bare")" "$(<"$TEST_DIR/$name")"
    pid=$(basename "$PERFSPY_DIR"/*.region)
    "$PERFSPY_CTL" stats -p "${pid%%-*}" --json >"$stats"
    "$PERFSPY_CTL" slow -p "${pid%%-*}" --json >"$slow"
}

# operation NAME CALLS ERRORS
operation() {
    assert_eq "$1" "$2 $3" "$(json "$stats" \
        '.operations[] | select(.operation == $o) | "\(.calls) \(.errors)"' --arg o "$1")"
}

# statement TEXT CALLS ERRORS
statement() {
    assert_eq "$1" "$2 $3" "$(json "$stats" \
        '.operations[] | select(.statement == $s) | "\(.calls) \(.errors)"' --arg s "$1")"
}

# nothing_but NAME...: no other operation or statement was seen.
nothing_but() {
    assert_eq "and nothing else" "$(printf '%s\n' "$@" | sort)" \
        "$(json "$stats" '.operations[] | if .statement then .statement else .operation end' | sort)"
}

# moved NAME FIELD BYTES
moved() {
    assert_eq "$1: $2" "$3" "$(json "$stats" \
        '.operations[] | select(.operation == $o) | .[$f]' --arg o "$1" --arg f "$2")"
}

# ---- connects --------------------------------------------------------------------------------

# For one role the server wants a password.
sql "CREATE ROLE locked LOGIN PASSWORD 'right'"
{
    echo 'local all locked scram-sha-256'
    cat "$PGHOST/data/pg_hba.conf"
} >"$TEST_DIR/hba"
cat "$TEST_DIR/hba" >"$PGHOST/data/pg_hba.conf"
sql 'SELECT pg_reload_conf()' >/dev/null
refuses_locked() {
    ! psql -XqAt -U locked -w -c '' 2>/dev/null
}
wait_for 20 refuses_locked

watch connect "$victims/calls" connect "$dsn"
operation libpq.connect 16 9
statement 'select ?' 1 0
nothing_but libpq.connect 'select ?'

# failed_to HOST DATABASE USER COUNT: so many failed connects to it
failed_to() {
    assert_eq "failed connects to $1, $2, as $3" "$4" "$(json "$slow" '[.calls[] |
        select(.operation == "libpq.connect" and .failed and .sqlstate == "XP001") | .server |
        select(.host == $h and .database == $d and .user == $u)] | length' \
        --arg h "$1" --arg d "$2" --arg u "$3")"
}
failed_to "$PGHOST" nowhere "$PGUSER" 2
failed_to "$PGHOST" "$PGDATABASE" locked 2
failed_to 127.0.0.1 d u 2

watch hosts "$victims/calls" hosts \
    "host=/nonexistent,$PGHOST port=1,$PGPORT $dsn target_session_attrs=read-write"
operation libpq.connect 2 0
nothing_but libpq.connect

watch ping "$victims/calls" ping "$dsn"
operation libpq.ping 4 2
nothing_but libpq.ping

# ---- large objects ---------------------------------------------------------------------------

watch large "$victims/calls" large "$dsn"
operation libpq.lo_import 3 1
operation libpq.lo_export 1 0
operation libpq.lo_unlink 4 0
operation libpq.lo_create 2 0
operation libpq.lo_open 2 1
operation libpq.lo_write 3 0
moved libpq.lo_write bytes_out 3000
operation libpq.lo_read 3 0
moved libpq.lo_read bytes_in 2500
operation libpq.lo_seek 4 0
operation libpq.lo_truncate 2 0
operation libpq.lo_close 1 0
nothing_but libpq.{connect,lo_{import,export,unlink,create,open,write,read,seek,truncate,close}} \
    begin commit rollback

# ---- others ----------------------------------------------------------------------------------

watch other "$victims/calls" other "$dsn"
operation libpq.notify 5 0
operation libpq.function 3 1
operation libpq.describe 7 2
operation libpq.prepare 1 0
# What libpq asks on the program's behalf, and the program could as well, is a statement.
statement 'show password_encryption' 1 0
nothing_but libpq.{connect,notify,function,describe,prepare} 'listen bell' 'notify bell, ?' \
    'select ?::regproc::oid' 'set client_encoding to ?' 'show password_encryption'

watch newer "$victims/calls" newer "$dsn"
statement 'select ?' 2 0
operation libpq.cancel 2 2
nothing_but libpq.{connect,cancel} 'select ?'

# ---- cancels, from a callback, from a signal handler, in a thread and on a stack of its own ----

watch cancel "$victims/calls" cancel "$dsn"
operation libpq.cancel 8 0
operation libpq.connect 4 0
statement 'do ?' 8 6
statement 'select ?' 4 0
nothing_but libpq.{connect,cancel} 'do ?' 'select ?'

# ---- libpq 17 --------------------------------------------------------------------------------

watch modern "$victims/modern" calls
operation libpq.connect 3 2
operation libpq.close 8 2
operation libpq.cancel 8 4
operation libpq.change_password 1 0
statement 'rows ?' 3 0
statement 'error ?' 1 1
statement 'rows ? in chunks' 1 0
assert_eq "the rows of chunks" 10 \
    "$(json "$stats" '.operations[] | select(.statement == "rows ? in chunks") | .rows')"
assert_eq "a statement that was never executed" 1 "$(json "$stats" '[.operations[].aborted] | add')"
nothing_but libpq.{connect,close,cancel,change_password} 'rows ?' 'error ?' 'rows ? in chunks'

log=$TEST_DIR/log
wait_for 20 grep -qs 'libpq.change_password' "$log" |
    PERFSPY_LOG=$log PERFSPY_LOG_LEVEL=DEBUG LD_PRELOAD=$PERFSPY_PRELOAD "$victims/modern" calls \
        >"$TEST_DIR/modern"
assert_match "the log has the change of a password" 'op="libpq.change_password"' "$(<"$log")"
check_fails "and the password is nowhere" grep -rqs 'horse' "$PERFSPY_DIR" "$log" "$stats" "$slow"

watch modern "$victims/modern" errno
assert_eq "errno is libpq's and the program's own, 0 too, in every function" 'wrong: 0' \
    "$(<"$TEST_DIR/modern")"
"$victims/modern" null >"$TEST_DIR/bare"
LD_PRELOAD=$PERFSPY_PRELOAD "$victims/modern" null >"$TEST_DIR/null"
assert_eq "without a connection" "$(<"$TEST_DIR/bare")" "$(<"$TEST_DIR/null")"
