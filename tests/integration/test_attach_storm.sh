#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to programs that fork, execute, and start and end threads all the while, and with readers
# and a tracer at it: nothing of that goes wrong.
# time limit: 180
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
CYCLES=${ATTACH_CYCLES:-12}

# cycles WHAT: each says what it wants to.
cycles() {
    local i failed=0
    for ((i = 0; i < CYCLES; i++)); do
        attach >"$TEST_DIR/said" 2>&1 && detach >>"$TEST_DIR/said" 2>&1 && continue
        failed=$((failed + 1))
        sed 's/^/# /' "$TEST_DIR/said"
    done
    assert_eq "$1: attached and detached $CYCLES times" 0 "$failed"
}

begin "$victims/storm" forks
attach_first
stop_begun || true

for kind in forks vforks spawns threads; do
    begin "$victims/storm" "$kind"
    cycles "$kind"
    kill "$VICTIM"
    ends_well "$kind"
done

# A child that got the loader's lock taken would hang there.
loaded() {
    [ "$(grep -c loaded "$TEST_DIR/out")" -gt "$1" ]
}

begin "$victims/storm" loads
check "loads: attach" "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
before=$(grep -c loaded "$TEST_DIR/out" || true)
check "loads: children do, while it is watched" wait_for 60 loaded $((before + 5))
check "loads: detach" "$PERFSPY_CTL" detach "$VICTIM"
kill "$VICTIM"
ends_well "loads"

# Its memory may go at any step. Whatever is said of it then, it is not that it has ended.
begin "$victims/storm" execs
wrong=0
for ((i = 0; i < CYCLES; i++)); do
    status=0
    attach --timeout 5s >"$TEST_DIR/said" 2>&1 || status=$?
    if [ "$status" != 0 ] && [ "$status" != 77 ]; then
        wrong=$((wrong + 1))
        sed 's/^/# /' "$TEST_DIR/said"
    fi
done
assert_eq "execs: attached, or refused, $CYCLES times" 0 "$wrong"
ends_well "execs"

# Others look at it all the while.
begin "$victims/attached" wait sleep poll
readers() {
    until [ -e "$TEST_DIR/enough" ]; do
        "$PERFSPY_CTL" "$@" >>"$TEST_DIR/read.out" 2>>"$TEST_DIR/read.err" || [ $? = 69 ] ||
            echo "$*: status $?" >>"$TEST_DIR/crashed"
    done
}
rm -f "$TEST_DIR/enough" "$TEST_DIR/crashed"
readers stats -p "$VICTIM" &
first=$!
readers ps -p "$VICTIM" --json &
second=$!
readers inflight -p "$VICTIM" &
third=$!
cycles "readers"
: >"$TEST_DIR/enough"
wait "$first" "$second" "$third"
assert_eq "readers: are answered, or told that nothing is watched" "" "$(cat "$TEST_DIR/crashed" 2>/dev/null)"
kill "$VICTIM"
ends_well "readers"

if command -v gdb >/dev/null; then
    begin "$victims/attached" wait sleep poll
    check "gdb: attach" attach
    gdb -q -batch -p "$VICTIM" -ex 'info threads' -ex detach >"$TEST_DIR/gdb" 2>&1 || true
    assert_match "gdb: sees the thread by its name" '"perfspy"' "$(<"$TEST_DIR/gdb")"
    check "gdb: detach" detach
    kill "$VICTIM"
    ends_well "gdb"
fi
