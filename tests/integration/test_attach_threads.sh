#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to programs whose threads, or mappings, are in the way. All are attached to, again and
# again, and end as they would have.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

borrowed=$BUILD/victims/borrowed

begin "$borrowed" mapped
attach_first
stop_process "$VICTIM" || true

for kind in mapped narrow ids; do
    begin "$borrowed" "$kind"
    for i in 1 2 3; do
        check "$kind: attach, $i" attach
        check "$kind: detach, $i" detach
    done
    ends_well "$kind"
done

# ---- a wait with a time limit that was broken off before -----------------------------------------

# Its one thread is in system call $1.
is_in() {
    grep -qs "^$1 " "/proc/$VICTIM/task/$VICTIM/syscall"
}

waits_at_rest() {
    at_rest "$before" && is_in_state S
}

restart=$([ "$(uname -m)" = x86_64 ] && echo 219 || echo 128)
for kind in sleep poll input sem; do
    begin "$borrowed" "$kind"
    before=$(blocked)
    for i in 1 2; do
        check "$kind: attach, $i" attach
        check "$kind: detach, $i" detach
    done
    kill -STOP "$VICTIM"
    wait_for 30 is_in_state T
    kill -CONT "$VICTIM"
    check "$kind: is gone on with" wait_for 30 is_in "$restart"
    check "$kind: attach, having been stopped" attach
    check "$kind: waits on" wait_for 30 is_in "$restart"
    check "$kind: detach" detach
    for step in 12 20 30; do # of the thread's way: from there it has to find back alone
        assert_status "$kind: killed at step $step" 137 killed ptrace "$step"
        check "$kind: and all is at rest" wait_for 30 waits_at_rest
    done
    kill -TERM "$VICTIM"
    check "$kind: ends when told to" wait_for 30 process_ended "$VICTIM"
    ends_well "$kind"
done
