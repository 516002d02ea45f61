#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to programs whose threads, or mappings, are in the way. All are attached to, again and
# again, and end as they would have.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"

borrowed=$BUILD/victims/borrowed

if [ -n "${SAN:-}" ]; then
    skip "attaching" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi

# begin KIND: sets VICTIM.
begin() {
    rm -f "$TEST_DIR/in" "$TEST_DIR/out" && mkfifo "$TEST_DIR/in"
    "$borrowed" "$1" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
    VICTIM=$!
    on_exit stop_process "$VICTIM"
    exec 7>"$TEST_DIR/in"
    wait_for 30 grep -qs ready "$TEST_DIR/out"
}

ends_well() {
    local status=0
    exec 7>&-
    check "$1: ends" wait_for 30 process_ended "$VICTIM" || kill -KILL "$VICTIM"
    wait "$VICTIM" || status=$?
    assert_eq "$1: as it would have" "0 " "$status $(<"$TEST_DIR/err")"
}

begin mapped
if ! "$PERFSPY_CTL" attach "$VICTIM" >"$TEST_DIR/first" 2>&1 && grep -q 'may not be traced' "$TEST_DIR/first"; then
    skip "attaching" "$(<"$TEST_DIR/first")"
    exit 0
fi
stop_process "$VICTIM" || true

for kind in mapped narrow ids; do
    begin "$kind"
    for i in 1 2 3; do
        check "$kind: attach, $i" "$PERFSPY_CTL" attach "$VICTIM" --timeout 10s
        check "$kind: detach, $i" "$PERFSPY_CTL" detach "$VICTIM"
    done
    ends_well "$kind"
done

# ---- a wait with a time limit that was broken off before -----------------------------------------

# Its one thread is in system call $1.
is_in() {
    grep -qs "^$1 " "/proc/$VICTIM/task/$VICTIM/syscall"
}

is_in_state() {
    grep -qs "^State:.$1" "/proc/$VICTIM/status"
}

# killed N: attaches, and is killed as it is about to make its Nth call of ptrace. Prints its status.
killed() {
    local status=0
    strace -qq -o /dev/null -e trace=ptrace -e "inject=ptrace:signal=SIGKILL:when=$1" \
        "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s >"$TEST_DIR/killed" 2>&1 &
    wait "$!" 2>/dev/null || status=$? # says "Killed"
    echo "$status"
}

# It waits, untraced, and nothing of an attach is left.
at_rest() {
    "$PERFSPY_CTL" detach "$VICTIM" >"$TEST_DIR/detach" 2>&1 || true
    [ "$(find "/proc/$VICTIM/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ] && is_in_state S &&
        grep -qs '^TracerPid:.0$' "/proc/$VICTIM/status"
}

restart=$([ "$(uname -m)" = x86_64 ] && echo 219 || echo 128)
for kind in sleep poll input sem; do
    begin "$kind"
    for i in 1 2; do
        check "$kind: attach, $i" "$PERFSPY_CTL" attach "$VICTIM" --timeout 10s
        check "$kind: detach, $i" "$PERFSPY_CTL" detach "$VICTIM"
    done
    kill -STOP "$VICTIM"
    wait_for 30 is_in_state T
    kill -CONT "$VICTIM"
    check "$kind: is gone on with" wait_for 30 is_in "$restart"
    check "$kind: attach, having been stopped" "$PERFSPY_CTL" attach "$VICTIM" --timeout 10s
    check "$kind: waits on" wait_for 30 is_in "$restart"
    check "$kind: detach" "$PERFSPY_CTL" detach "$VICTIM"
    for step in 12 20 30; do # of the thread's way: from there it has to find back alone
        assert_eq "$kind: killed at step $step" 137 "$(killed "$step")"
        check "$kind: and all is at rest" wait_for 30 at_rest
    done
    kill -TERM "$VICTIM"
    check "$kind: ends when told to" wait_for 30 process_ended "$VICTIM"
    ends_well "$kind"
done
