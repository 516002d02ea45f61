#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What becomes of a watch: a process that was detached from is shown as one, and goes on with other
# rules; what is watched already, or was started with the library, gets a clear answer.
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
dsn="dbname=$PGDATABASE"

# rules_file NAME: calls the statement of `exec` so.
rules_file() {
    printf 'version: 1\noperations:\n  - name: %s\n    sql: "SELECT ?, generate_series(?, ?)"\n' \
        "$1" >"$TEST_DIR/$1.yml"
}
rules_file first
rules_file second
printf 'version: 1\noperations: 7\n' >"$TEST_DIR/bad.yml"

begin "$victims/joined-now" "$dsn"
says "a process without the library" 69 'not watched: libperfspy.so is not loaded' detach
ATTACH_OPTIONS=(--rules "$TEST_DIR/first.yml")
attach_first
ATTACH_OPTIONS=()

# ---- detached, and attached to again ------------------------------------------------------------

tell 'exec 2'
assert_eq "by the rules it was given" 2 "$(calls_of first)"
says "watched already" 77 'is watched already$' attach
says "watched already, with rules" 77 "reload -p $VICTIM --rules" attach --rules "$TEST_DIR/second.yml"
check "switch off" "$PERFSPY_CTL" disable -p "$VICTIM"
says "watched already, and off" 77 "enable -p $VICTIM" attach
check "switch on" "$PERFSPY_CTL" enable -p "$VICTIM"
says "detach" 0 'no longer watched: [0-9]+ places restored' detach

says "once more" 69 'it was detached from already' detach
assert_match "ps shows it" " $VICTIM +detached .*$VICTIM: detached since" \
    "$("$PERFSPY_CTL" ps -p "$VICTIM" | tr '\n' ' ')"
assert_json "ps --json, too" <("$PERFSPY_CTL" ps -p "$VICTIM" --json) \
    '.processes[0] | .state == "live" and .mode == "detached" and .disabled_since != null'
assert_eq "its record stays readable" 2 "$(calls_of first)"
says "doctor" 1 'detached from, and is not watched since' "$PERFSPY_CTL" doctor "$VICTIM"
assert_eq "and nothing about what follows from that" 0 \
    "$("$PERFSPY_CTL" doctor "$VICTIM" | grep -cE 'helper|answer|no call')"
tell 'exec 3'

says "rules that are no good" 1 'bad.yml:2:' attach --rules "$TEST_DIR/bad.yml"
check "attach with other rules" attach --rules "$TEST_DIR/second.yml"
tell 'exec 4'
assert_eq "they are in force, and nothing is lost" "2 4" "$(calls_of first) $(calls_of second)"
assert_json "and it is watched" "$STATS" '.processes[0] | .mode == "attach" and .disabled_since == null'
check "detach" detach
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
detach >/dev/null
tell change
attach >/dev/null
tell run
assert_eq "one that may be another has only its name" "1 1" \
    "$(calls_of 'select ?') $(calls_of prepared:kept)"
ends_well "what changed unseen"

# ---- what is loaded later ----------------------------------------------------------------------

begin env LATE_LIBRARY="$victims/late.so" "$victims/joined-now" "$dsn"
attach >/dev/null
assert_match "a libpq that nobody has called, and to which no pointer leads" \
    'note.*no call has reached this copy.*its heaps hold no pointers' \
    "$("$PERFSPY_CTL" doctor "$VICTIM" | tr '\n' ' ')"
late_is_seen() {
    tell late
    [ "$(calls_of 'select ?')" -gt 0 ]
}
# Nothing of the attach itself goes on: the program's one thread, and the helper.
wait_for 10 has_threads 2
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
says "preloaded" 77 'is watched already$' attach
says "preloaded: detach" 77 'started with the library: .*disable' detach
tell 'exec 2'
assert_eq "preloaded: stays watched" 2 "$(calls_of first)"
ends_well "preloaded"

preloaded PERFSPY_ENABLED=later
says "switched off until told" 77 "switched off: .*enable -p $VICTIM" attach
ends_well "switched off until told"

for why in PERFSPY_ENABLED=0 PERFSPY_ONLY=another; do
    preloaded "$why"
    says "$why: nothing to detach" 69 'is not watched: ' detach
    tell 'exec 2'
    check "$why: attach wakes it" attach --rules "$TEST_DIR/first.yml"
    tell 'exec 3'
    assert_eq "$why: watched from then on" 3 "$(calls_of first)"
    says "$why: no detaching" 77 'started with the library' detach
    ends_well "$why"
done
