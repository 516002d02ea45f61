#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to programs that are near a limit, or come to it while they are watched: they are left to
# themselves, or the watch can be ended; nothing is used up that was theirs.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
tool=$(readlink -f "$PERFSPY_CTL")

if [ -n "${SAN:-}" ]; then
    skip "attaching" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi

# begin COMMAND...: a program that says "ready". Sets VICTIM.
begin() {
    rm -f "$TEST_DIR/in" "$TEST_DIR/out" && mkfifo "$TEST_DIR/in"
    "$@" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
    VICTIM=$!
    on_exit stop_process "$VICTIM"
    exec 7>"$TEST_DIR/in"
    wait_for 30 grep -qs ready "$TEST_DIR/out"
}

tell() {
    local before
    before=$(grep -c '^done' "$TEST_DIR/out" || true)
    echo "$1" >&7
    wait_for 30 more_than "$before"
}

more_than() {
    [ "$(grep -c '^done' "$TEST_DIR/out")" -gt "$1" ] || ! running "$VICTIM"
}

ends_well() {
    local status=0
    exec 7>&-
    wait_for 15 process_ended "$VICTIM" || true
    wait "$VICTIM" || status=$?
    assert_eq "$1: ends as it would have" "0 " "$status $(<"$TEST_DIR/err")"
}

# answers WHAT STATUS REGEX COMMAND...
answers() {
    local what=$1 want=$2 pattern=$3 status=0 text
    shift 3
    text=$("$@" 2>&1) || status=$?
    assert_eq "$what: status" "$want" "$status"
    assert_match "$what: why" "$pattern" "$text"
}

begin "$victims/storm" files
if ! "$PERFSPY_CTL" attach "$VICTIM" >"$TEST_DIR/first" 2>&1 && grep -q 'may not be traced' "$TEST_DIR/first"; then
    skip "attaching" "$(<"$TEST_DIR/first")"
    exit 0
fi

# ---- descriptors --------------------------------------------------------------------------------

# The thread's own, in ticks of the clock.
helper_ticks() {
    local task
    task=$(grep -lx perfspy "/proc/$VICTIM"/task/*/comm)
    awk '{ print $14 + $15 }' "${task%comm}stat"
}

tell x
check "none is left: switched off" "$PERFSPY_CTL" disable -p "$VICTIM"
check "none is left: and on" "$PERFSPY_CTL" enable -p "$VICTIM"
tell x
"$PERFSPY_CTL" detach "$VICTIM" >"$TEST_DIR/detach" 2>&1 &
detaching=$!
sleep 0.5 # it is at the door by then, most times; nothing goes wrong where it is not
before=$(helper_ticks)
sleep 1
assert_eq "not even ours are left: who waits takes no processor time" 1 $(($(helper_ticks) - before < 20))
tell y
status=0
wait "$detaching" || status=$?
assert_eq "they are back: detached" "0 " "$status $(grep -v 'no longer watched' "$TEST_DIR/detach" || true)"
check "attached once more" "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
tell x
check "none is left: detached" "$PERFSPY_CTL" detach "$VICTIM"
ends_well "descriptors"

# ---- memory -------------------------------------------------------------------------------------

# Enough for the library, not for its record: until there is more.
begin bash -c "ulimit -Sv 24000 && exec $victims/storm files"
answers "no memory for the record" 77 'has the library loaded, but is not watched: no memory could be had' \
    "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
prlimit --as=unlimited --pid "$VICTIM"
check "there is more: attached" "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
check "and detached" "$PERFSPY_CTL" detach "$VICTIM"
ends_well "memory"

# in_group FILE-OF-LIMIT FILE-OF-USE: with 2 MiB left of what its control group may have; the kernel
# would kill the process for what a watch takes of that.
in_group() {
    local limit=$1 used=$2
    begin "$victims/storm" files
    echo "$VICTIM" >"$group/cgroup.procs"
    echo $(($(<"$used") + 2097152)) >"$limit"
    answers "2 MiB are left to its control group" 77 'KiB left of the [0-9]+ that its control group .* may use' \
        "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
    echo $(($(<"$used") + 67108864)) >"$limit"
    check "64 MiB are left: attached" "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
    check "and detached" "$PERFSPY_CTL" detach "$VICTIM"
    ends_well "a control group"
}

group=/sys/fs/cgroup/memory/perfspy-test-$$
if mkdir "$group" 2>/dev/null && [ -e "$group/memory.limit_in_bytes" ]; then
    on_exit rmdir "$group"
    in_group "$group/memory.limit_in_bytes" "$group/memory.usage_in_bytes"
else
    group=/sys/fs/cgroup/perfspy-test-$$
    if mkdir "$group" 2>/dev/null && [ -e "$group/memory.max" ]; then
        on_exit rmdir "$group"
        in_group "$group/memory.max" "$group/memory.current"
    else
        rmdir "$group" 2>/dev/null || true
        skip "a control group" "none with a limit of memory can be made here"
    fi
fi

# ---- a library out of its user's reach ------------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
    mkdir -m 700 "$TEST_DIR/own"
    cp "$tool" "$PERFSPY_LIB" "$TEST_DIR/own"
    begin setpriv --reuid=65534 --regid=65534 --clear-groups "$victims/refusing" plain
    check "a library in a folder of root's: attached" "$TEST_DIR/own/perfspy-ctl" attach "$VICTIM" --timeout 20s
    check "and detached" "$TEST_DIR/own/perfspy-ctl" detach "$VICTIM"
    ends_well "a library in a folder of root's"
fi
