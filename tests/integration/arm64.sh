#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The library on arm64: built for it, loaded into arm64 programs, and run by an emulator against the
# real server; what differs between machines (assembly, system calls, calling conventions) is at
# work in each of these. `make test-arm64` runs this; ARM64_BUILD and ARM64_SYSROOT say where what
# it needs has been built.
. "$(dirname "$0")/lib/check.sh"

victims=$ARM64_BUILD/victims
stats=$TEST_DIR/stats.json

bare() {
    qemu-aarch64 -L "$ARM64_SYSROOT" "$@"
}

# The preload is for the program, not for the emulator.
watched() {
    rm -rf "$PERFSPY_DIR"
    qemu-aarch64 -L "$ARM64_SYSROOT" -E LD_PRELOAD="$ARM64_BUILD/libperfspy.so" "$@"
}

# same NAME COMMAND...: output and exit status do not depend on the preload; then what was counted
# is in $stats.
same() {
    local name=$1 want got want_status=0 got_status=0 region
    shift
    want=$(bare "$@" 2>&1 </dev/null) || want_status=$?
    got=$(watched "$@" 2>&1 </dev/null) || got_status=$?
    assert_eq "$name: nothing is different" "$want_status $want" "$got_status $got"
    for region in "$PERFSPY_DIR"/*.region; do
        [ ! -e "$region" ] || read_stats "$(basename "$region")"
    done
}

read_stats() {
    "$PERFSPY_CTL" stats -p "${1%%-*}" --json >"$stats"
}

# statement TEXT CALLS ERRORS ROWS
statement() {
    assert_eq "$1" "$2 $3 $4" "$(json "$stats" \
        '.operations[] | select(.statement == $s) | "\(.calls) \(.errors) \(.rows)"' --arg s "$1")"
}

plugins=$victims/plugins a=$victims/libpq-a1b2.so.5 c=$victims/libpq-c3d4.so.5
same "lookups without libpq" "$victims/lookup" "$plugins/around.so" "$plugins/lookup-bound.so" \
    "$plugins/lookup.so" "$a"
same "lookups with one" "$victims/lookup-bound" "$plugins/lookup.so" "$plugins/lookup-bound.so" \
    "$c" "$a"
same "two copies by pointers" "$victims/pointers" '' "$a" "$c"
statement 'select ?' 300 0 300
same "one linked, one not" "$victims/pointers-bound" '' "$c" "$a"
statement 'select ?' 450 0 450
same "two copies by drivers" "$victims/copies" "$victims/plugin-a1b2.so" "$victims/plugin-c3d4.so"
statement 'select ?' 1000 0 1000
statement 'select * from t where id = ?' 1000 0 1000
same "the real libpq by dlsym" "$victims/pointers" "" libpq.so.5
statement 'select ?' 150 0 150
same "the real libpq, linked" "$victims/queries" "dbname=$PGDATABASE"
statement 'insert into t values (?, ?)' 6 1 5
statement 'select v from t where id = ?::int' 7 0 5
for case in errno lowest closeall dupover dupkeep rawclose fork exit signals; do
    same "guest $case" "$victims/guest" "$case"
done

# What attaching is made of, as far as it needs no ptrace, which the emulator has not.
check "what attaching reads of a process" bare "$ARM64_BUILD/unit/ctl/test_inject"
check "what it makes a thread do" bare "$ARM64_BUILD/unit/ctl/test_inject_aarch64"
