#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What becomes of a watch: a process that was detached from is shown as one, and goes on with other
# rules; what is watched already, or was started with the library, gets a clear answer.
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
stats=$TEST_DIR/stats.json
dsn="dbname=$PGDATABASE"

if [ -n "${SAN:-}" ]; then
    skip "attaching" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi

# begin COMMAND...: a program that says "ready", fed by tell(). Sets VICTIM.
begin() {
    rm -f "$TEST_DIR/in"
    mkfifo "$TEST_DIR/in"
    "$@" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
    VICTIM=$!
    on_exit stop_process "$VICTIM"
    exec 7>"$TEST_DIR/in"
    wait_for 30 grep -qs ready "$TEST_DIR/out"
}

# tell LINE: one more step, to its end.
tell() {
    local before
    before=$(grep -c '^done' "$TEST_DIR/out" || true)
    echo "$1" >&7
    wait_for 30 more_than "$before"
}

more_than() {
    [ "$(grep -c '^done' "$TEST_DIR/out")" -gt "$1" ] || ! running "$VICTIM"
}

attach() {
    "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s "$@"
}

# says WHAT STATUS REGEX COMMAND...: perfspy-ctl's status, and a sentence that has it.
says() {
    local what=$1 want=$2 pattern=$3 status=0 text
    shift 3
    text=$("$PERFSPY_CTL" "$@" 2>&1 | tr '\n' ' ') || status=$?
    assert_eq "$what: status" "$want" "$status"
    assert_match "$what: why" "$pattern" "$text"
}

# calls_of NAME: of that operation or statement.
calls_of() {
    "$PERFSPY_CTL" stats -p "$VICTIM" --json >"$stats"
    json "$stats" '[.operations[] | select(.operation == $s or .statement == $s) | .calls] |
        add // 0' --arg s "$1"
}

ends_well() {
    local status=0
    exec 7>&-
    wait_for 15 process_ended "$VICTIM" || true
    wait "$VICTIM" || status=$?
    assert_eq "$1: ends as it would have" "0 " "$status $(<"$TEST_DIR/err")"
}

# rules_file NAME: calls the statement of `exec` so.
rules_file() {
    printf 'version: 1\noperations:\n  - name: %s\n    sql: "SELECT ?, generate_series(?, ?)"\n' \
        "$1" >"$TEST_DIR/$1.yml"
}
rules_file first
rules_file second
printf 'version: 1\noperations: 7\n' >"$TEST_DIR/bad.yml"

begin "$victims/joined-now" "$dsn"
says "a process without the library" 69 'not watched: libperfspy.so is not loaded' detach "$VICTIM"
if ! attach --rules "$TEST_DIR/first.yml" >"$TEST_DIR/log" 2>&1 &&
    grep -q 'may not be traced' "$TEST_DIR/log"; then
    skip "attaching" "$(<"$TEST_DIR/log")"
    exit 0
fi

# ---- detached, and attached to again ------------------------------------------------------------

tell 'exec 2'
assert_eq "by the rules it was given" 2 "$(calls_of first)"
says "watched already" 77 'is watched already $' attach "$VICTIM"
says "watched already, with rules" 77 "reload -p $VICTIM --rules" attach "$VICTIM" \
    --rules "$TEST_DIR/second.yml"
check "switch off" "$PERFSPY_CTL" disable -p "$VICTIM"
says "watched already, and off" 77 "enable -p $VICTIM" attach "$VICTIM"
check "switch on" "$PERFSPY_CTL" enable -p "$VICTIM"
says "detach" 0 'no longer watched: [0-9]+ places restored' detach "$VICTIM"

says "once more" 69 'it was detached from already' detach "$VICTIM"
assert_match "ps shows it" " $VICTIM +detached .*$VICTIM: detached since" \
    "$("$PERFSPY_CTL" ps -p "$VICTIM" | tr '\n' ' ')"
assert_json "ps --json, too" <("$PERFSPY_CTL" ps -p "$VICTIM" --json) \
    '.processes[0] | .state == "live" and .mode == "detached" and .disabled_since != null'
assert_eq "its record stays readable" 2 "$(calls_of first)"
says "doctor" 1 'detached from, and is not watched since' doctor "$VICTIM"
assert_eq "and nothing about what follows from that" 0 \
    "$("$PERFSPY_CTL" doctor "$VICTIM" | grep -cE 'helper|answer|no call')"
tell 'exec 3'

says "rules that are no good" 1 'bad.yml:2:' attach "$VICTIM" --rules "$TEST_DIR/bad.yml"
check "attach with other rules" attach --rules "$TEST_DIR/second.yml"
tell 'exec 4'
assert_eq "they are in force, and nothing is lost" "2 4" "$(calls_of first) $(calls_of second)"
assert_json "and it is watched" "$stats" '.processes[0] | .mode == "attach" and .disabled_since == null'
check "detach" "$PERFSPY_CTL" detach "$VICTIM"
check "attach with none" attach
tell 'exec 1'
assert_eq "the last ones are in force" 5 "$(calls_of second)"

ends_well "attached to again"

# ---- what changed unseen ------------------------------------------------------------------------

begin "$victims/joined-now" "$dsn"
attach >/dev/null
tell prepare
tell run
assert_eq "a prepared statement has its text" "1 0" "$(calls_of 'select ?') $(calls_of prepared:kept)"
"$PERFSPY_CTL" detach "$VICTIM" >/dev/null
tell change
attach >/dev/null
tell run
assert_eq "one that may be another has only its name" "1 1" \
    "$(calls_of 'select ?') $(calls_of prepared:kept)"
ends_well "what changed unseen"

# ---- what is loaded later ----------------------------------------------------------------------

begin env LATE_LIBRARY="$victims/late.so" "$victims/joined-now" "$dsn"
attach >/dev/null
says "a libpq that nobody has called" 1 \
    'no call has reached this copy.*pointers that dlsym gave it before the attach' doctor "$VICTIM"
# Nothing of the attach itself goes on: the program's one thread, and the helper.
settled() {
    [ "$(find "/proc/$VICTIM/task" -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
}
late_is_seen() {
    tell late
    [ "$(calls_of 'select ?')" -gt 0 ]
}
wait_for 10 settled
tell load
check "a library that nobody asked for a symbol is seen" wait_for 30 late_is_seen
before=$(calls_of 'select ?')
tell late
assert_eq "each of its calls" $((before + 1)) "$(calls_of 'select ?')"
ends_well "a library that came later"

# ---- started with the library ------------------------------------------------------------------

preloaded() {
    begin env LD_PRELOAD="$PERFSPY_LIB" "$@" "$victims/joined-now" "$dsn"
}

preloaded PERFSPY_RULES="$TEST_DIR/first.yml"
says "preloaded" 77 'is watched already $' attach "$VICTIM"
says "preloaded: detach" 77 'started with the library: .*disable' detach "$VICTIM"
tell 'exec 2'
assert_eq "preloaded: stays watched" 2 "$(calls_of first)"
ends_well "preloaded"

preloaded PERFSPY_ENABLED=later
says "switched off until told" 77 "switched off: .*enable -p $VICTIM" attach "$VICTIM"
ends_well "switched off until told"

for why in PERFSPY_ENABLED=0 PERFSPY_ONLY=another; do
    preloaded "$why"
    says "$why: nothing to detach" 69 'is not watched: ' detach "$VICTIM"
    tell 'exec 2'
    check "$why: attach wakes it" attach --rules "$TEST_DIR/first.yml"
    tell 'exec 3'
    assert_eq "$why: watched from then on" 3 "$(calls_of first)"
    says "$why: no detaching" 77 'started with the library' detach "$VICTIM"
    ends_well "$why"
done
