#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# An attach is interrupted, or its time is over, while it waits for something: it ends at once, says
# what has become of the process, which is well, and can be attached to.
# time limit: 300
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
gate=$TEST_DIR/gate

# tool OPTION...: attaches in the background, as process TOOL.
tool() {
    "$PERFSPY_CTL" attach "$VICTIM" "$@" >"$TEST_DIR/said" 2>&1 &
    TOOL=$!
}

# told REGEX WHAT [SIGNAL]: is sent that, and ends with a refusal and such a sentence.
told() {
    local status=0
    [ $# -lt 3 ] || kill -s "$3" "$TOOL"
    wait "$TOOL" || status=$?
    assert_eq "$2: status" 77 "$status"
    assert_match "$2: why" "$1" "$(<"$TEST_DIR/said")"
}

mappings() {
    awk '$6 ~ /^\// { print $1, $2, $6 }' "/proc/$VICTIM/maps" | sort
}

# A thread of it is traced, and waits in system call $1.
is_held_in() {
    local task
    for task in "/proc/$VICTIM"/task/*; do
        grep -qs '^TracerPid:.[1-9]' "$task/status" && grep -qs "^$1 " "$task/syscall" && return 0
    done
    return 1
}

is_watched() {
    "$PERFSPY_CTL" ps -p "$VICTIM" --json 2>/dev/null | jq -e 'any(.processes[]; .mode == "attach")' >/dev/null
}

# works WHAT: is attached to, and left.
works() {
    check "$1: then attach" attach
    check "$1: then detach" detach
}

begin "$victims/attached" wait sleep
attach_first
kill "$VICTIM"
ends_well "the first"

# ---- another thread holds the loader's lock -----------------------------------------------------

futex=$([ "$(uname -m)" = x86_64 ] && echo 202 || echo 98)
until=$TEST_DIR/until
begin env SLOW_LIBRARY="$victims/slow.so" SLOW_UNTIL="$until" "$victims/attached" wait sleep load
wait_for 30 grep -q slow.so "/proc/$VICTIM/maps"
before=$(blocked) mapped=$(mappings)
lock="another thread of process $VICTIM holds the dynamic loader's lock; nothing was changed"
for signal in INT TERM HUP; do
    tool --timeout 120s
    wait_for 30 is_held_in "$futex"
    told "interrupted: $lock" "the lock, SIG$signal" "$signal"
    assert_eq "the lock, SIG$signal: nothing is left" "$mapped" "$(mappings)"
    check "the lock, SIG$signal: all is at rest" wait_for 30 at_rest "$before"
done
tool --timeout 3s
told "it took too long: $lock" "the lock, too little time"
check "the lock, too little time: all is at rest" wait_for 30 at_rest "$before"
touch "$until"
works "the lock"
kill "$VICTIM"
ends_well "the lock"

if ! "$victims/gate" openat perfspy "$gate" true 2>/dev/null; then
    skip "while it loads" "seccomp asks nobody here"
    exit 0
fi

# ---- the library is being loaded, or prepares ---------------------------------------------------

ATTACH_OPTIONS=(--force)
# interrupted WHAT THREAD SENTENCE TOO-LATE: that thread is held up in a call; interrupted, or with too
# little time, in a process of its own each.
interrupted() {
    local how
    for how in INT TERM late; do
        rm -f "$gate.held"
        begin "$victims/gate" openat "$2" "$gate" "$victims/attached" wait sleep
        touch "$gate"
        if [ $how = late ]; then
            tool --force --timeout 3s
            told "$4" "$1, too little time"
        else
            tool --force --timeout 120s
            wait_for 30 test -e "$gate.held"
            told "$3" "$1, SIG$how" "$how"
        fi
        rm "$gate"
        check "$1, $how: it comes to its end" wait_for 30 is_watched
        says "$1, $how: then attach" 77 'is watched already' attach
        wait_for 30 detach >"$TEST_DIR/detach" 2>&1 # not while it is still under way
        works "$1, $how: once more"
        kill "$VICTIM"
        ends_well "$1, $how"
    done
}
interrupted "loading" attached 'interrupted: process [0-9]+ is still loading the library, and goes on with that' \
    'it took too long: process [0-9]+ is still loading the library, and goes on with that'
interrupted "preparing" perfspy 'interrupted: process [0-9]+ has the library loaded, which goes on with its preparations' \
    'has the library loaded, which has not come to an end of its preparations in time'
