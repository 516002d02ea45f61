#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Pointers that a program got by dlsym before somebody attached to it: those that it keeps in static
# data are found, and put back by a detach; of those on the heap doctor tells.
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
stats=$TEST_DIR/stats.json
findings=$TEST_DIR/findings.json

if [ -n "${SAN:-}" ]; then
    skip "attaching" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi

# tell LINE: one more step, to its end. Sets SAID to what it said.
tell() {
    local before
    before=$(grep -c '^done' "$TEST_DIR/out" || true)
    echo "$1" >&7
    wait_for 30 more_than "$before"
    SAID=$(tail -n 2 "$TEST_DIR/out" | head -n 1)
}

more_than() {
    [ "$(grep -c '^done' "$TEST_DIR/out")" -gt "$1" ] || ! running "$VICTIM"
}

attach() {
    "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
}

# begin LIBPQ OTHER: the program, with these. Sets VICTIM.
begin() {
    rm -f "$TEST_DIR/in"
    mkfifo "$TEST_DIR/in"
    "$victims/kept" "dbname=$PGDATABASE" "$1" "$2" "$victims/kept.so" \
        <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
    VICTIM=$!
    on_exit stop_process "$VICTIM"
    exec 7>"$TEST_DIR/in"
    wait_for 30 grep -qs ready "$TEST_DIR/out"
}

# counts PLACE...: the calls of its statement.
counts() {
    "$PERFSPY_CTL" stats -p "$VICTIM" --json >"$stats"
    for place; do
        json "$stats" '[.operations[] | select(.statement == $s) | .calls] | add // 0' \
            --arg s "select ? as kept_in_$place"
    done | tr '\n' ' '
}

# doctor: its findings are in $findings.
doctor() {
    "$PERFSPY_CTL" doctor "$VICTIM" --json >"$findings" || true
}

# finds WHAT SEVERITY PATTERN
finds() {
    assert_json "$1" "$findings" \
        'any(.findings[]; .severity == $severity and (.what | test($pattern)))' \
        --arg severity "$2" --arg pattern "$3"
}

# finds_not WHAT PATTERN
finds_not() {
    assert_json "$1" "$findings" 'all(.findings[]; .what | test($pattern) | not)' --arg pattern "$2"
}

found=(bss data sealed plugin other)

# steps N: statements by each place, on the connections that were made before, and on new ones.
steps() {
    local place
    for place in "${found[@]}" heap; do
        tell "$place $1"
        tell "new $place"
    done
}

# ends_well WHAT ROWS: it ends as it would have, the sealed page is sealed, and no row is missing.
ends_well() {
    local status=0
    exec 7>&-
    wait_for 15 process_ended "$VICTIM" || true
    wait "$VICTIM" || status=$?
    assert_eq "$1: ends as it would have" "0 " "$status $(<"$TEST_DIR/err")"
    assert_match "$1: with all its rows" "rows=$2 failures=0" "$(tail -n 1 "$TEST_DIR/out")"
}

begin libpq.so.5 "$victims/libpq-9f8e.so.5"
steps 2
tell same
assert_eq "what dlsym gives is what is kept" \
    'bss=1 data=1 sealed=1 plugin=1 heap=1 other=1 ' "$SAID"
if ! attach >"$TEST_DIR/log" 2>&1 && grep -q 'may not be traced' "$TEST_DIR/log"; then
    skip "attaching" "$(<"$TEST_DIR/log")"
    exit 0
fi
doctor
finds "doctor: what was replaced" note '^15 pointers to libpq.s functions .* were replaced'
finds "doctor: what could not be" warning \
    'before the attach are on the heap.* [(][1-9][0-9]* found.*/libpq[.]so[.]5'
finds_not "doctor: where there is none" 'heap.*libpq-9f8e'
steps 3
assert_eq "statements by pointers in static data are seen, those by the heap's are not" \
    "4 4 4 4 4 0 " "$(counts "${found[@]}" heap)"
tell same
assert_eq "dlsym gives what is kept there" \
    'bss=1 data=1 sealed=1 plugin=1 heap=0 other=1 ' "$SAID"

check "detach" "$PERFSPY_CTL" detach "$VICTIM"
steps 5
assert_eq "nothing is seen after a detach" "4 4 4 4 4 0 " "$(counts "${found[@]}" heap)"
tell same
assert_eq "and all is as it was" 'bss=1 data=1 sealed=1 plugin=1 heap=1 other=1 ' "$SAID"

attach >/dev/null
steps 1
assert_eq "attached to again" "6 6 6 6 6 0 " "$(counts "${found[@]}" heap)"
doctor
finds "doctor: and again" warning 'on the heap.*/libpq[.]so[.]5'
tell renew
steps 1
doctor
finds_not "doctor: none is left" 'on the heap'
finds "doctor: libpq is hooked" note '^hooked: .*/libpq[.]so[.]5'
assert_eq "what the program asks for anew is seen" "8 8 8 8 8 2 " "$(counts "${found[@]}" heap)"
check "detach once more" "$PERFSPY_CTL" detach "$VICTIM"
steps 1
assert_eq "nothing is seen after that" "8 8 8 8 8 2 " "$(counts "${found[@]}" heap)"

# 6 places, each with 2 + 3 + 5 + 1 + 1 + 1 statements, and 6 on new connections.
ends_well "libpq" 114

# ---- whose connection it is ----------------------------------------------------------------------

# These two end the program where one is given what the other has made.
begin "$victims/libpq-a1b2.so.5" "$victims/libpq-c3d4.so.5"
attach >/dev/null
tell 'new bss'
tell 'other 1' # on a connection made before; the newest function that was asked for is bss'
tell 'new other'
steps 1
assert_eq "each copy has its own connections" "3 2 2 2 4 0 " "$(counts "${found[@]}" heap)"
ends_well "two copies" 15

# ---- somebody else's wrapper ---------------------------------------------------------------------

# Its originals may lie anywhere.
begin "$victims/libpq-a1b2.so.5" "$victims/shim.so"
tell 'other 1'
attach >/dev/null
doctor
finds "a wrapper of libpq: doctor" warning 'some of libpq.s functions, but not all.* left alone'
finds_not "a wrapper of libpq: nothing is replaced" 'were replaced'
steps 1
assert_eq "a wrapper of libpq: nothing is seen" "0 0 0 0 0 0 " "$(counts "${found[@]}" heap)"
ends_well "a wrapper of libpq" 13
