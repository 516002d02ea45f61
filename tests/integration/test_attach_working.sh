#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What is asked of a process, and what it does, while the library is still at its preparations there:
# they are held up at a system call of theirs. Each answer says what is the case, the program is well,
# and so is its child, and both are attached to afterwards.
# time limit: 600
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
gate=$TEST_DIR/gate
dsn="dbname=$PGDATABASE"
one='select ?, generate_series(?, ?)'
ATTACH_OPTIONS=(--force) # what holds it up is a seccomp filter
printf 'version: 1\noperations:\n  - name: first\n    sql: "SELECT ?, generate_series(?, ?)"\n' >"$TEST_DIR/first.yml"

# hold_up CALL: begins a program, and attaches to it as far as to this one. The answer is in
# $TEST_DIR/said.
hold_up() {
    rm -f "$gate" "$gate.held"
    begin "$victims/gate" "$1" perfspy "$gate" env LATE_LIBRARY="$victims/late.so" "$victims/joined-now" "$dsn"
    touch "$gate"
    attach --timeout 1s >"$TEST_DIR/said" 2>&1 || true
    wait_for 30 test -e "$gate.held"
}

is_watched() {
    "$PERFSPY_CTL" ps --json >"$TEST_DIR/ps.json" && jq -e 'any(.processes[]; .pid == $pid and .state == "live" and
        .mode == "attach" and .disabled_since == null)' --argjson pid "$BEGUN" "$TEST_DIR/ps.json" >/dev/null
}

left() {
    detach >/dev/null 2>&1
}

# What fork made is attached to from here on.
the_child() {
    VICTIM=$(pgrep -x -P "$BEGUN" joined-now)
}

# It has ended, and the program goes on.
no_child() {
    tell leave
    VICTIM=$BEGUN
    assert_match "$1: its child ends as it would have" 'done fork: .* failures=0' "$(tail -n 1 "$TEST_DIR/out")"
}

# can_be_watched WHAT NAME: attached to, what is counted under that name to the last, and left.
can_be_watched() {
    local before=0
    check "$1: attach" attach
    before=$(calls_of "$2")
    tell 'exec 4'
    assert_eq "$1: each statement is counted" $((before + 4)) "$(calls_of "$2")"
    check "$1: detach" detach
}

begin "$victims/joined-now" "$dsn"
attach_first
ends_well "the first"
if ! "$victims/gate" openat perfspy "$gate" true 2>/dev/null; then
    skip "held up" "seccomp asks nobody here"
    exit 0
fi

# ---- before there is a record -----------------------------------------------------------------

hold_up openat
assert_match "no record yet: attach says so" 'has the library loaded, which has not come to an end .* in time' \
    "$(<"$TEST_DIR/said")"
says "no record yet: detach" 69 'is not watched: ' detach
for command in reload enable disable; do
    says "no record yet: $command" 69 'is idle: ' "$PERFSPY_CTL" "$command" -p "$VICTIM"
done
tell 'exec 3'
tell fork
the_child
says "no record yet: detach from its child" 69 'is not watched: ' detach
rm "$gate"
tell load
can_be_watched "no record yet: its child" "$one"
no_child "no record yet"
check "no record yet: it comes to its end" wait_for 30 is_watched
tell 'exec 5'
assert_eq "no record yet: counted from then on" 5 "$(calls_of "$one")"
check "no record yet: then detach" detach
can_be_watched "no record yet: again" "$one"
ends_well "no record yet"

# ---- while objects are patched ----------------------------------------------------------------

hold_up protect
assert_match "patching: attach says so" 'has the library loaded, which has not come to an end .* in time' \
    "$(<"$TEST_DIR/said")"
says "patching: detach" 77 'an attach is still under way: try again' detach
says "patching: reload" 0 'first.yml: 1 operations' "$PERFSPY_CTL" reload -p "$VICTIM" --rules "$TEST_DIR/first.yml"
says "patching: disable" 0 'switched off' "$PERFSPY_CTL" disable -p "$VICTIM"
says "patching: attach" 77 "switched off: .*enable -p $VICTIM" attach
says "patching: enable" 0 'recording' "$PERFSPY_CTL" enable -p "$VICTIM"
says "patching: attach, switched on" 77 'is watched already' attach
tell 'exec 3'
rm "$gate"
check "patching: detach when it has come to its end" wait_for 30 left
can_be_watched "patching: again" first
ends_well "patching"

# A fork waits for that, since the child would find the loader's lock taken for good. No longer than
# two seconds, in which this may not have come to the file that is removed: then it is tried again.
forks_or_waits() {
    [ -n "$(pgrep -x -P "$BEGUN" joined-now)" ] || grep -qsE '^(271|73) ' "/proc/$BEGUN/syscall" # ppoll
}

loads_in_child() {
    hold_up protect
    echo fork >&7
    wait_for 30 forks_or_waits
    rm "$gate"
    wait_for 30 done_or_ended 0
    echo load >&7
    wait_for 5 done_or_ended 1 && return 0
    kill -KILL "$(pgrep -x -P "$BEGUN" joined-now)"
    return 1
}

loads_in_child || loads_in_child || check "patching: a child can load something" loads_in_child
the_child
says "patching: detach from a child" 0 "no longer watched: [0-9]+ places" detach
can_be_watched "patching: a child" "$one"
no_child "patching"
check "patching: it is watched, having forked" wait_for 30 is_watched
tell 'exec 5'
assert_eq "patching: and counted" 5 "$(calls_of "$one")"
check "patching: detach, having forked" detach
ends_well "patching, having forked"
