#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Somebody stops the process (SIGSTOP) while it is being attached to, at each of many steps in turn.
# It stays stopped, no longer traced, until it is let go on; nothing of it is spoilt, and it can be
# attached to.
# time limit: 900
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

STRIDE=${STOP_STRIDE:-19} # every so many steps

# One thread, in a call that the kernel takes up again after a stop by itself.
victim=("$BUILD/victims/attached" wait sleep)

has_begun() {
    [ "$(grep -c '^ptrace(' "$TEST_DIR/steps")" -ge "$1" ] || process_ended "$TOOL"
}

all_stopped() {
    ! grep -hs '^State:' "/proc/$VICTIM"/task/*/status | grep -qv 'T (stopped)' &&
        ! grep -hs '^TracerPid:' "/proc/$VICTIM"/task/*/status | grep -qv '[^0-9]0$'
}

is_watched() {
    attach >"$TEST_DIR/again" 2>&1 || grep -q 'watched already' "$TEST_DIR/again"
}

# The attach that was stopped may still be at work.
is_left() {
    detach >"$TEST_DIR/detach" 2>&1
}

# attach_until N: attaches, and naps before its Nth call of ptrace, when the process is stopped. STATUS
# is what it ended with.
attach_until() {
    : >"$TEST_DIR/steps"
    strace -qq -o "$TEST_DIR/steps" -e trace=ptrace -e "inject=ptrace:delay_enter=100000:when=$1" \
        "$PERFSPY_CTL" attach "$VICTIM" --timeout 1s >"$TEST_DIR/attach" 2>&1 &
    TOOL=$!
    wait_for 30 has_begun "$1"
    kill -STOP "$VICTIM"
    STATUS=0
    wait "$TOOL" || STATUS=$?
}

# What is wrong with the process after it was stopped at step N; nothing if all is well.
wrong() {
    local status=0 step="stopped at step $1"
    wait_for 10 all_stopped ||
        echo "$step: not stopped: $(grep -hs '^State\|^Tracer' "/proc/$VICTIM"/task/*/status | tr '\n' ' ')"
    ! grep -q 'library loaded' "$TEST_DIR/attach" ||
        grep -q "has been stopped meanwhile.*kill -CONT $VICTIM" "$TEST_DIR/attach" || cat "$TEST_DIR/attach"
    kill -CONT "$VICTIM"
    wait_for 10 is_watched || echo "$step: $(<"$TEST_DIR/again")"
    wait_for 10 is_left || echo "$step: $(<"$TEST_DIR/detach")"
    kill "$VICTIM"
    wait_for 15 process_ended "$VICTIM" || echo "$step: hangs"
    wait "$VICTIM" || status=$?
    [ "$status" = 0 ] && [ ! -s "$TEST_DIR/err" ] || echo "$step: ended with $status: $(<"$TEST_DIR/err")"
}

begin "${victim[@]}"
attach_first
stop_process "$VICTIM" || true

: >"$TEST_DIR/wrong"
for ((n = 2, steps = 1000; n <= steps; n += STRIDE)); do
    begin "${victim[@]}"
    attach_until "$n"
    echo "# step $n: $STATUS: $(head -n 1 "$TEST_DIR/attach")"
    [ "$(grep -c '^ptrace(' "$TEST_DIR/steps")" -ge "$n" ] || steps=0 # it makes no more
    wrong "$n" >>"$TEST_DIR/wrong"
done
assert_eq "stopped at each of $((n / STRIDE)) steps: stays so, goes on, and can be attached to" "" \
    "$(<"$TEST_DIR/wrong")"
