#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# libpq's synchronous calls: the program gets what it got before, and every call is counted as what
# it was; with libpq linked, loaded by a driver, and present twice.
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
stats=$TEST_DIR/stats.json

# watch NAME COMMAND...: runs it watched, in a directory of its own; then its statistics are in
# $stats and its output in $TEST_DIR/NAME.
watch() {
    local name=$1 status=0 pid
    shift
    rm -rf "$PERFSPY_DIR"
    LD_PRELOAD=$PERFSPY_PRELOAD "$@" >"$TEST_DIR/$name" 2>&1 || status=$?
    pid=$(basename "$PERFSPY_DIR"/*.region)
    "$PERFSPY_CTL" stats -p "${pid%%-*}" --json >"$stats"
    return "$status"
}

# statement TEXT CALLS ERRORS ROWS [SQLSTATE]
statement() {
    assert_eq "$1" "$2 $3 $4" "$(json "$stats" \
        '.operations[] | select(.statement == $s) | "\(.calls) \(.errors) \(.rows)"' --arg s "$1")"
    [ $# -lt 5 ] || assert_json "$1 has SQLSTATE $5" "$stats" \
        '.operations[] | select(.statement == $s) | .sqlstate[$c] > 0' --arg s "$1" --arg c "$5"
}

operation() {
    assert_eq "$1" "$2 $3" "$(json "$stats" \
        '.operations[] | select(.operation == $o) | "\(.calls) \(.errors)"' --arg o "$1")"
}

"$victims/queries" "dbname=$PGDATABASE" >"$TEST_DIR/bare" 2>&1
watch queries "$victims/queries" "dbname=$PGDATABASE"
assert_eq "the program notices nothing" "$(<"$TEST_DIR/bare")" "$(<"$TEST_DIR/queries")"
statement 'create temporary table t(id int primary key, v text)' 1 0 0
statement 'insert into t values (?, ?)' 6 1 5 23505
statement 'update t set v = ? where id > ?' 1 0 3
statement 'select * from t' 1 0 5
statement 'selec * from t' 1 1 0 42601
# Of two in one text each counts.
statement 'select id from t where id < ?' 1 0 2
statement 'select v from t where id = ?::int' 7 0 5
statement 'select id from t where id >= ?::int' 9 0 27
statement 'select pg_terminate_backend(pg_backend_pid())' 1 1 0 XP001
# On a bad connection; inside a notice of another; after a longjmp, on the same and on another.
statement 'select ?' 8 1 7 XP002
statement 'do ?' 1 0 0
operation libpq.prepare 1 0
operation libpq.connect 5 1
operation prepared:never_prepared 1 1
operation prepared:by_id 1 1

# ---- a driver's libpq, which RTLD_NEXT cannot see --------------------------------------------

cat >"$TEST_DIR/driver.py" <<'PYTHON'
import psycopg2
conn = psycopg2.connect("")
cursor = conn.cursor()
for i in range(6):
    cursor.execute("SELECT %s::int + 1", (i,))
    print(cursor.fetchone())
try:
    cursor.execute("SELECT 1 / 0")
except psycopg2.Error as e:
    print(e.pgcode)
conn.rollback()
conn.close()
PYTHON
python=/usr/bin/python3
$python "$TEST_DIR/driver.py" >"$TEST_DIR/bare"
watch psycopg2 $python "$TEST_DIR/driver.py"
assert_eq "psycopg2 notices nothing" "$(<"$TEST_DIR/bare")" "$(<"$TEST_DIR/psycopg2")"
statement 'select ?::int + ?' 6 0 6
statement 'select ? / ?' 1 1 0 22012
operation libpq.connect 1 0

# ---- before the library's own constructor ----------------------------------------------------

status=0
PLUGIN_EARLY=1 LD_PRELOAD="$PERFSPY_PRELOAD $victims/plugin-a1b2.so" /bin/true || status=$?
assert_eq "a connection made in a constructor" 0 "$status"

# ---- two copies under hashed names -----------------------------------------------------------

watch copies "$victims/copies" "$victims/plugin-a1b2.so" "$victims/plugin-c3d4.so"
assert_eq "each connection stays with its copy" "2000 rows, dlerror clean" "$(<"$TEST_DIR/copies")"
operation libpq.connect 10 0
operation libpq.prepare 10 0
statement 'select ?' 1000 0 1000
statement 'select * from t where id = ?' 1000 0 1000
