#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to programs that are near a limit, or come to it while they are watched: they are left to
# themselves, or the watch can be ended; nothing is used up that was theirs.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
tool=$(readlink -f "$PERFSPY_CTL")

begin "$victims/storm" files
attach_first

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
detach >"$TEST_DIR/detach" 2>&1 &
detaching=$!
sleep 0.5 # it is at the door by then, most times; nothing goes wrong where it is not
before=$(helper_ticks)
sleep 1
assert_eq "not even ours are left: who waits takes no processor time" 1 $(($(helper_ticks) - before < 20))
tell y
status=0
wait "$detaching" || status=$?
assert_eq "they are back: detached" "0 " "$status $(grep -v 'no longer watched' "$TEST_DIR/detach" || true)"
check "attached once more" attach
tell x
check "none is left: detached" detach
ends_well "descriptors"

# ---- memory -------------------------------------------------------------------------------------

# Enough for the library, not for its record: until there is more.
begin bash -c "ulimit -Sv 24000 && exec $victims/storm files"
says "no memory for the record" 77 'has the library loaded, but is not watched: no memory could be had' attach
prlimit --as=unlimited --pid "$VICTIM"
check "there is more: attached" attach
check "and detached" detach
ends_well "memory"

# in_group FILE-OF-LIMIT FILE-OF-USE: with 2 MiB left of what its control group may have; the kernel
# would kill the process for what a watch takes of that.
in_group() {
    local limit=$1 used=$2
    begin "$victims/storm" files
    echo "$VICTIM" >"$group/cgroup.procs"
    echo $(($(<"$used") + 2097152)) >"$limit"
    says "2 MiB are left to its control group" 77 'KiB left of the [0-9]+ that its control group .* may use' attach
    echo $(($(<"$used") + 67108864)) >"$limit"
    check "64 MiB are left: attached" attach
    check "and detached" detach
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
