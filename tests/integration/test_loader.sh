#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# However a program reaches libpq, its calls are seen, and it finds with us what it finds without
# us: linked, loaded by a driver, by dlsym, RTLD_DEEPBIND, in several copies, under other names.
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
stats=$TEST_DIR/stats.json
python=/usr/bin/python3
# A sanitizer's runtime, which has to come first.
runtime=${PERFSPY_PRELOAD%"$PERFSPY_LIB"}

# watch NAME COMMAND...: runs it watched, in a directory of its own; its output is in
# $TEST_DIR/NAME, its statistics are in $stats: none where it was not watched.
watch() {
    local name=$1 status=0
    shift
    rm -rf "$PERFSPY_DIR"
    LD_PRELOAD=$PERFSPY_PRELOAD "$@" >"$TEST_DIR/$name" 2>&1 || status=$?
    echo '{"operations": []}' >"$stats"
    for region in "$PERFSPY_DIR"/*.region; do
        [ ! -e "$region" ] || read_stats "$(basename "$region")"
    done
    return "$status"
}

read_stats() {
    pid=${1%%-*}
    "$PERFSPY_CTL" stats -p "$pid" --json >"$stats"
}

# same NAME COMMAND...: it succeeds and says the same, watched or not.
same() {
    local name=$1 status=0
    shift
    "$@" >"$TEST_DIR/bare" 2>&1
    watch "$name" "$@" || status=$?
    assert_eq "$name: nothing is different" "0 $(<"$TEST_DIR/bare")" "$status $(<"$TEST_DIR/$name")"
}

# statement TEXT CALLS ERRORS ROWS
statement() {
    assert_eq "$1" "$2 $3 $4" "$(json "$stats" \
        '.operations[] | select(.statement == $s) | "\(.calls) \(.errors) \(.rows)"' --arg s "$1")"
}

connects() {
    assert_eq "connects" "$1" \
        "$(json "$stats" '[.operations[] | select(.operation == "libpq.connect").calls] | add')"
}

unseen() {
    assert_json "$1: unseen" "$stats" '.operations == []'
}

# ---- what dlsym, dlopen and dlerror say ------------------------------------------------------

plugins=$victims/plugins
same "a program without libpq" "$victims/lookup"
assert_eq "it was looked for" 3 "$(grep -c 'PQexec: NULL, error "lookup: undefined symbol: PQexec"' \
    "$TEST_DIR/bare")"
same "plugins with and without one" \
    "$victims/lookup" "$plugins/lookup.so" "$plugins/lookup-bound.so" "$victims/libpq-a1b2.so.5"
assert_eq "it was found" 4 "$(grep -c 'PQexec: found' "$TEST_DIR/bare")"
same "one that another plugin has" "$victims/lookup" "$plugins/lookup-bound.so" "$plugins/lookup.so"
same "one that was brought along" "$victims/lookup" "$plugins/around.so" "$plugins/lookup-bound.so"
assert_eq "it was found by who has not asked for it" 1 \
    "$(sed '/twice the same/,$d' "$TEST_DIR/bare" | grep -c 'plugin default PQexec: found')"
same "a program with one" "$victims/lookup-bound" "$plugins/lookup.so" "$plugins/lookup-bound.so" \
    "$victims/libpq-c3d4.so.5" "$victims/libpq-a1b2.so.5"
assert_match "by the address that it has in C" 'the same: PQexec 1 PQconnectdb 1$' \
    "$(grep '^the same' "$TEST_DIR/bare")"
if [ -z "$runtime" ]; then # which has a dlopen of its own, that calls in its own name
    assert_eq "RUNPATH was needed" 'program dlopen beside.so: NULL, plugin dlopen beside.so: open,' \
        "$(grep -o '^[a-z]* dlopen beside.so: [A-Za-z]*,' "$TEST_DIR/bare" | sort -ur | tr '\n' ' ' |
            sed 's/ $//')"
fi

# early PROGRAM PRELOAD...: before main, before our constructor, behind us and in front of us.
early() {
    local program=$1
    shift
    LOOKUP_EARLY=1 LD_PRELOAD="$runtime$*" "$victims/$program" | grep ^early
}
for program in lookup lookup-bound; do
    want=$(early "$program" "$plugins/lookup.so")
    assert_eq "a constructor in $program" "$want" \
        "$(early "$program" "$PERFSPY_LIB" "$plugins/lookup.so")"
    assert_eq "a preload in front of us in $program" "$want" \
        "$(early "$program" "$plugins/lookup.so" "$PERFSPY_LIB")"
done

# ---- by pointers -----------------------------------------------------------------------------

# Every connection is made twice: one is given up.
a=$victims/libpq-a1b2.so.5 c=$victims/libpq-c3d4.so.5
same "one copy" "$victims/pointers" '' "$a"
statement 'select ?' 150 0 150
connects 6
same "two copies" "$victims/pointers" '' "$a" "$c"
statement 'select ?' 300 0 300
connects 12
same "one linked, one not" "$victims/pointers-bound" '' "$c"
statement 'select ?' 300 0 300
connects 12
same "the linked one twice" "$victims/pointers-bound" '' "$c" "$a"
statement 'select ?' 450 0 450
if [ -z "$runtime" ]; then # which would have to be in all of them
    same "some in namespaces of their own" "$victims/pointers-bound" '' "+$c" "+$a"
    statement 'select ?' 450 0 450
fi

same "somebody else's wrapper around one" "$victims/pointers" '' "$victims/shim.so"
assert_match "which is called" 'in the shim' "$(<"$TEST_DIR/bare")"
statement 'select ?' 150 0 150

# There are stubs for eight.
for i in 0 1 2 3 4 5 6 7 8 9; do
    cp "$c" "$TEST_DIR/libpq-$i.so.5"
done
same "more copies than we keep apart" "$victims/pointers" '' "$TEST_DIR"/libpq-?.so.5
statement 'select ?' 1200 0 1200
connects 48

# ---- real ones -------------------------------------------------------------------------------

same "libpq by dlsym" "$victims/pointers" "" libpq.so.5
statement 'select ?' 150 0 150
connects 6
same "under a hashed name" "$victims/pointers" "" "$victims/libpq-9f8e.so.5"
statement 'select ?' 150 0 150
connects 6
same "both" "$victims/pointers" "" libpq.so.5 "$victims/libpq-9f8e.so.5"
statement 'select ?' 300 0 300
connects 12

# Every operation with its calls, errors and rows, but the two statements that are also sent in one.
counts() {
    json "$stats" '.operations[] | select(.statement | tostring | test("^select [?](;|$)|id < ") | not) |
        "\(.operation) \(.calls) \(.errors) \(.rows)"' | sort
}
watch linked "$victims/queries" "dbname=$PGDATABASE"
want=$(counts)
statement 'select ?' 8 1 7
LD_LIBRARY_PATH=$victims/symbolic watch symbolic "$victims/queries" "dbname=$PGDATABASE"
assert_eq "a libpq that calls itself directly: same output" "$(<"$TEST_DIR/linked")" \
    "$(<"$TEST_DIR/symbolic")"
assert_eq "a libpq that calls itself directly: same counts" "$want" "$(counts)"
# Its parts cannot be told apart without libpq's own calls of PQgetResult.
statement 'select ?; select id from t where id < ?' 1 0 2
statement 'select ?' 7 1 6

cat >"$TEST_DIR/by_ctypes.py" <<'PYTHON'
from ctypes import CDLL, c_char_p, c_int, c_void_p
pq = CDLL("libpq.so.5")
for name, result, arguments in (("PQconnectdb", c_void_p, [c_char_p]), ("PQstatus", c_int, [c_void_p]),
                                ("PQexec", c_void_p, [c_void_p, c_char_p]), ("PQntuples", c_int, [c_void_p]),
                                ("PQclear", None, [c_void_p]), ("PQfinish", None, [c_void_p])):
    getattr(pq, name).restype = result
    getattr(pq, name).argtypes = arguments
conn = pq.PQconnectdb(b"")
print(pq.PQstatus(conn))
for i in range(7):
    result = pq.PQexec(conn, b"SELECT %d FROM generate_series(1, 3)" % i)
    print(pq.PQntuples(result))
    pq.PQclear(result)
pq.PQfinish(conn)
try:
    pq.PQnothing
except AttributeError as e:
    print(str(e).rpartition("/")[2])
try:
    CDLL(None).PQexec
except AttributeError as e:
    print(str(e).rpartition("/")[2])
PYTHON
same ctypes $python "$TEST_DIR/by_ctypes.py"
statement 'select ? from generate_series(?, ?)' 7 0 21
connects 1

cat >"$TEST_DIR/psycopg3.py" <<'PYTHON'
import psycopg
assert psycopg.pq.__impl__ == "python"
with psycopg.connect("") as conn:
    for i in range(4):
        print(conn.execute("SELECT %s::int + 1", (i,)).fetchone())
PYTHON
PSYCOPG_IMPL=python same psycopg3 $python "$TEST_DIR/psycopg3.py"
statement 'select ?::int + ?' 4 0 4
connects 1

cat >"$TEST_DIR/dbd.pl" <<'PERL'
use DBI;
my $db = DBI->connect("dbi:Pg:", "", "", {RaiseError => 1, PrintError => 0});
print $db->selectrow_array("SELECT 40 + 2"), "\n";
my $statement = $db->prepare("SELECT * FROM generate_series(1, ?)");
for (1 .. 5) {
    $statement->execute($_);
    print scalar(@{$statement->fetchall_arrayref}), "\n";
}
eval { $db->do("SELECT 1 / 0") };
print $db->state, "\n";
$db->disconnect;
PERL
same DBD::Pg perl "$TEST_DIR/dbd.pl"
statement 'select ? + ?' 1 0 1
statement 'select * from generate_series(?, ?)' 5 0 15
statement 'select ? / ?' 1 1 0

# ---- RTLD_DEEPBIND ---------------------------------------------------------------------------

cat >"$TEST_DIR/query.php" <<'PHP'
<?php
$conn = pg_connect("");
for ($i = 0; $i < 4; $i++)
    echo pg_fetch_result(pg_query($conn, "SELECT $i + 1"), 0, 0), "\n";
echo pg_fetch_result(pg_query_params($conn, 'SELECT $1::int * 2', [21]), 0, 0), "\n";
PHP

# Under that name, with that PERFSPY_DEEPBIND.
php_as() {
    same "php as $1, ${2:-by default}" env ${2:+PERFSPY_DEEPBIND="$2"} \
        bash -c 'exec -a "$0" php "$@"' "$1" "$TEST_DIR/query.php"
}

seen_php() {
    statement 'select ? + ?' 4 0 4
    statement 'select ?::int * ?' 1 0 1
    connects 1
}

if [ -n "$runtime" ]; then
    skip "RTLD_DEEPBIND" "the sanitizer ends a program that uses it"
else
    php_as php
    seen_php
    php_as php-fpm8.2
    seen_php
    php_as php auto
    seen_php
    php_as php never
    unseen "php"
    php_as httpd
    unseen "php in a program of another name"
    php_as httpd clear
    seen_php
    PERFSPY_ONLY=nginx php_as php clear
    unseen "a program that is to stay untouched"
fi

# A setting that is not understood is no reason to touch anything, and is said.
PERFSPY_DEEPBIND=yes PERFSPY_LOG=$TEST_DIR/log watch setting "$victims/pointers" '' "$a"
assert_eq "a bad setting: in ps" "PERFSPY_DEEPBIND is not auto, clear or never" \
    "$("$PERFSPY_CTL" ps -p "$pid" --json | jq -r '.processes[0].problem')"
assert_match "a bad setting: in the log" \
    'event=bad_setting problem="PERFSPY_DEEPBIND is not auto, clear or never"' "$(<"$TEST_DIR/log")"

# ---- programs that nothing can be loaded into ------------------------------------------------

# refused PROGRAM REGEX: runs as it would, and one sentence says that it is not watched.
refused() {
    local status=0 output
    rm -rf "$PERFSPY_DIR"
    output=$("$PERFSPY_CTL" run -- "$victims/$1" you 2>"$TEST_DIR/errors") || status=$?
    assert_eq "$1: runs all the same" "3 hello you" "$status $output"
    assert_match "$1: one sentence" "^perfspy-ctl: warning: [^ ]*/$1 $2" "$(<"$TEST_DIR/errors")"
    assert_eq "$1: and no more" 1 "$(wc -l <"$TEST_DIR/errors")"
}

refused static 'is statically linked: .* it will not be watched'
refused static-pie 'is statically linked: .* it will not be watched'
refused musl 'uses musl, .* it is run without the library and will not be watched'
