#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Pointers that a program got by dlsym before somebody attached to it: those that it keeps in static
# data are found, and put back by a detach; of those on the heap doctor tells.
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
findings=$TEST_DIR/findings.json

# begin_kept LIBPQ OTHER: the program, with these.
begin_kept() {
    begin "$victims/kept" "dbname=$PGDATABASE" "$1" "$2" "$victims/kept.so"
}

# What it said before its last "done".
said() {
    tail -n 2 "$TEST_DIR/out" | head -n 1
}

# counts PLACE...: the calls of its statement.
counts() {
    for place; do
        calls_of "select ? as kept_in_$place"
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

# ends_whole WHAT ROWS: it ends as it would have, the sealed page is sealed, and no row is missing.
ends_whole() {
    ends_well "$1"
    assert_match "$1: with all its rows" "rows=$2 failures=0" "$(tail -n 1 "$TEST_DIR/out")"
}

begin_kept libpq.so.5 "$victims/libpq-9f8e.so.5"
steps 2
tell same
assert_eq "what dlsym gives is what is kept" \
    'bss=1 data=1 sealed=1 plugin=1 heap=1 other=1 ' "$(said)"
attach_first
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
    'bss=1 data=1 sealed=1 plugin=1 heap=0 other=1 ' "$(said)"

check "detach" detach
steps 5
assert_eq "nothing is seen after a detach" "4 4 4 4 4 0 " "$(counts "${found[@]}" heap)"
tell same
assert_eq "and all is as it was" 'bss=1 data=1 sealed=1 plugin=1 heap=1 other=1 ' "$(said)"

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
check "detach once more" detach
steps 1
assert_eq "nothing is seen after that" "8 8 8 8 8 2 " "$(counts "${found[@]}" heap)"

# 6 places, each with 2 + 3 + 5 + 1 + 1 + 1 statements, and 6 on new connections.
ends_whole "libpq" 114

# ---- whose connection it is ----------------------------------------------------------------------

# These two end the program where one is given what the other has made.
begin_kept "$victims/libpq-a1b2.so.5" "$victims/libpq-c3d4.so.5"
attach >/dev/null
tell 'new bss'
tell 'other 1' # on a connection made before; the newest function that was asked for is bss'
tell 'new other'
steps 1
assert_eq "each copy has its own connections" "3 2 2 2 4 0 " "$(counts "${found[@]}" heap)"
ends_whole "two copies" 15

# ---- somebody else's wrapper ---------------------------------------------------------------------

# Its originals may lie anywhere.
begin_kept "$victims/libpq-a1b2.so.5" "$victims/shim.so"
tell 'other 1'
attach >/dev/null
doctor
finds "a wrapper of libpq: doctor" warning 'some of libpq.s functions, but not all.* left alone'
finds_not "a wrapper of libpq: nothing is replaced" 'were replaced'
steps 1
assert_eq "a wrapper of libpq: nothing is seen" "0 0 0 0 0 0 " "$(counts "${found[@]}" heap)"
ends_whole "a wrapper of libpq" 13
