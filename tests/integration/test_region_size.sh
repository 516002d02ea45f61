#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# PERFSPY_REGION_SIZE: the region stays below it, whatever is run, and all calls are counted.
. "$(dirname "$0")/lib/check.sh"

# A tmpfs, where it is a memory's cap that is set.
mkdir -m 700 "/dev/shm/perfspy-test-$$"
export PERFSPY_DIR=/dev/shm/perfspy-test-$$
on_exit rm -rf "$PERFSPY_DIR"
cap=$((4 << 20))

calls='[.operations[] | select(.operation | startswith("libpq.") | not) | .calls] | add'

answered() {
    [ "$(grep -c . "$TEST_DIR/out")" = "$1" ]
}

history_is_kept() {
    "$PERFSPY_CTL" ps -p "$psql" --json >"$TEST_DIR/ps.json" &&
        jq -e '.processes[0].tables.history.used > 0' "$TEST_DIR/ps.json" >/dev/null
}

# More operations than there is room for; what finds none is counted under "other".
mkfifo "$TEST_DIR/tell"
LD_PRELOAD=$PERFSPY_PRELOAD PERFSPY_REGION_SIZE=3M PERFSPY_HISTORY=2M PERFSPY_HISTORY_STEPS=1s:1h \
    psql -XqAt <"$TEST_DIR/tell" >"$TEST_DIR/out" 2>&1 &
psql=$!
on_exit stop_process "$psql"
exec 8>"$TEST_DIR/tell"
seq 1500 | sed 's/.*/SELECT & AS c&;/' >&8
wait_for 60 answered 1500
wait_for 30 history_is_kept
region=$(json "$TEST_DIR/ps.json" '.processes[0].region')
what="a cap that is too small"
assert_json "$what: ps says so" "$TEST_DIR/ps.json" \
    '.processes[0].problem | test("PERFSPY_REGION_SIZE is not 4M or more") and
        test("PERFSPY_HISTORY is not within PERFSPY_REGION_SIZE")'
assert_json "$what: the smallest one holds" "$TEST_DIR/ps.json" \
    '.processes[0].tables.region.size <= $cap' --argjson cap "$cap"
assert_match "ps --full: and so it does for a person" 'takes 4\.00 MiB at most .PERFSPY_REGION_SIZE' \
    "$("$PERFSPY_CTL" ps -p "$psql" --full)"
check "the file is not larger" test "$(stat -c %s "$region")" -le "$cap"
check "it takes no more memory" test "$(stat -c %b "$region")" -le $((cap / 512))
check "nor does the process share more" \
    test "$(awk '/^RssShmem:/ { print $2 }' "/proc/$psql/status")" -le $((cap / 1024))
"$PERFSPY_CTL" stats -p "$psql" --json >"$TEST_DIR/alive.json"
assert_eq "every call is counted" 1500 "$(json "$TEST_DIR/alive.json" "$calls")"
assert_json "some of them under other" "$TEST_DIR/ps.json" '.processes[0].self.arena_full > 0'
"$PERFSPY_CTL" doctor "$psql" --json >"$TEST_DIR/doctor.json" || true
assert_json "doctor says what to raise" "$TEST_DIR/doctor.json" 'any(.findings[]; .severity ==
    "warning" and (.what | test("because the arena is full$")) and
    (.do | test("^raise PERFSPY_REGION_SIZE and restart it: it leaves [0-9]+ KiB")))'
assert_json "and says it once" "$TEST_DIR/doctor.json" \
    '[.findings[].what | select(test("the table of counters"))] | length == 0'
kill -9 "$psql"
wait "$psql" 2>/dev/null || true
exec 8>&-
"$PERFSPY_CTL" stats -p "$psql" --json >"$TEST_DIR/dead.json"
assert_eq "also when it was killed" 1500 "$(json "$TEST_DIR/dead.json" "$calls")"

# More threads than shards.
LD_PRELOAD=$PERFSPY_PRELOAD PERFSPY_REGION_SIZE=4M \
    "$BUILD/victims/tally" "$TEST_DIR/accounts" "" crowd 80 >"$TEST_DIR/tally.out" 2>&1 &
tally=$!
status=0
wait "$tally" || status=$?
assert_eq "the crowd ends as it should" 0 "$status"
"$PERFSPY_CTL" stats -p "$tally" --json >"$TEST_DIR/crowd.json"
assert_eq "80 threads: every call is counted" 40000 "$(json "$TEST_DIR/crowd.json" "$calls")"
