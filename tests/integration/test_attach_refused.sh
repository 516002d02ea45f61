#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What cannot be attached to is refused, with a status and a sentence that says what would be right,
# and goes on as it was.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
tool=$(readlink -f "$PERFSPY_CTL")
NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# What of it would show that somebody has been there: libraries, and pages with code.
changes() {
    grep -E ' r.xp |perfspy' "/proc/$VICTIM/maps"
}

# refused WHAT REGEX [COMMAND...]: with status 77, and nothing of the process has changed.
refused() {
    local what=$1 pattern=$2 before
    shift 2
    [ $# -gt 0 ] || set -- attach
    before=$(changes)
    says "$what" 77 "$pattern" "$@"
    assert_eq "$what: as it was" "$before" "$(changes)"
}

begin "$victims/refusing" plain
attach_first
says "attached to already" 77 'is watched already' attach
ends_well "attached to already"

# ---- rights -----------------------------------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
    begin "${NOBODY[@]}" "$victims/refusing" plain
    refused "another user's, by a root without the right to trace" 'belongs to user 65534, and this root has not the capability CAP_SYS_PTRACE' \
        setpriv --bounding-set -sys_ptrace "$tool" attach "$VICTIM"
    ends_well "another user's"

    begin "$victims/refusing" plain
    refused "one with more rights" 'it has other rights than we have' \
        setpriv --bounding-set -sys_ptrace "$tool" attach "$VICTIM"
    refused "root's" 'belongs to user 0: only that user and root may' "${NOBODY[@]}" "$tool" attach "$VICTIM"
    says "one that /proc hides" 77 'not to be seen in /proc.*hidepid.*: root sees it' \
        unshare --mount bash -c "mount -t proc -o hidepid=2 proc /proc && exec ${NOBODY[*]} $tool attach $VICTIM"
    ends_well "one with more rights"

    begin "${NOBODY[@]}" "$victims/refusing" undumpable
    refused "undumpable" 'has declared itself undumpable; root may' "${NOBODY[@]}" "$tool" attach "$VICTIM"
    # There may be no Yama here: that it refuses is the kernel's doing, the reason is read from its file.
    mkdir "$TEST_DIR/kernel" "$TEST_DIR/kernel/yama"
    for scope in '1 and root: attach as root' '2 to root .CAP_SYS_PTRACE.: attach as root' '3 to nobody until .* "perfspy-ctl run"'; do
        echo "${scope%% *}" >"$TEST_DIR/kernel/yama/ptrace_scope"
        refused "yama ${scope%% *}" "ptrace_scope is ${scope%% *}, which .*${scope#* }" \
            unshare --mount bash -c "mount --bind $TEST_DIR/kernel /proc/sys/kernel && exec ${NOBODY[*]} $tool attach $VICTIM"
    done
    check "undumpable: root may attach" attach
    check "undumpable: and detach" detach
    ends_well "undumpable"
fi

# ---- seccomp ----------------------------------------------------------------------------------

begin "$victims/refusing" strict
refused "strict seccomp" 'has confined itself to reading and writing'
ends_well "strict seccomp"

# filtered CALL REGEX [OTHER...]: that system call fails, and those.
filtered() {
    begin "$victims/refusing" filter "$1" "${@:3}"
    refused "a filter against $1" "$2" attach --force
    ends_well "a filter against $1"
}
filtered mmap 'failed: it may not map code'
filtered openat 'libperfspy.so: .*Operation not permitted'
filtered mprotect 'libperfspy.so: .*memory protection'

begin "$victims/refusing" filter clone clone3
says "a filter against clone" 77 'has the library loaded, but is not watched: Operation not permitted' \
    attach --force
ends_well "a filter against clone"

begin "$victims/refusing" filter socket
says "a filter against socket" 77 'has the library loaded, but is not watched: .*no socket: Operation not permitted' \
    attach --force
says "a filter against socket: detach" 69 'is not watched' detach
ends_well "a filter against socket"

# ---- limits that are reached --------------------------------------------------------------------

begin "$victims/refusing" files
refused "no more files" 'libperfspy.so: .*Too many open files'
ends_well "no more files"
begin "$victims/refusing" memory
refused "no more memory" 'Cannot allocate memory'
ends_well "no more memory"

# ---- a /proc that is not the kernel's -------------------------------------------------------------

if unshare --mount true 2>/dev/null; then
    begin unshare --mount bash -c "mount -t tmpfs none /proc && mkdir /proc/\$\$ &&
        : >/proc/\$\$/maps && exec $victims/refusing plain"
    for i in 1 2; do
        says "such a /proc, $i" 77 'has the library loaded, but is not watched: its objects could not be patched' \
            attach
    done
    says "such a /proc: detach" 69 'is not watched' detach
    nsenter --target "$VICTIM" --mount mount -t proc proc /proc
    check "it has one now: attached" attach
    check "and detached" detach
    ends_well "such a /proc"
fi

# ---- other kinds of programs --------------------------------------------------------------------

begin_silent "$victims/nolibc"
wait_for 30 grep -q nolibc "/proc/$VICTIM/maps"
refused "no C library" 'no GNU C library was found in process'
stop_process "$VICTIM" || true
if [ "$(uname -m)" = x86_64 ]; then
    begin_silent "$victims/nolibc32"
    if wait_for 5 grep -qs nolibc32 "/proc/$VICTIM/maps"; then
        refused "32 bits" "nolibc32 is not a program of this machine's 64-bit kind"
    else
        skip "32 bits" "this kernel does not run such programs"
    fi
    stop_process "$VICTIM" || true
fi

# ---- the library --------------------------------------------------------------------------------

begin env LD_PRELOAD="$PERFSPY_PRELOAD" "$victims/joined-now" "dbname=$PGDATABASE"
refused "started with the library" 'is watched already'
says "started with the library: detach" 77 'it was started with the library' detach
ends_well "started with the library"

mkdir "$TEST_DIR/alone" "$TEST_DIR/other" "$TEST_DIR/strange"
cp "$tool" "$TEST_DIR/alone"
cp "$tool" "$TEST_DIR/other"
version=$("$tool" --version | awk '{ print $NF }')
sed "s/$version\x00/9.9.9\x00/g" "$PERFSPY_LIB" >"$TEST_DIR/other/libperfspy.so"
cp "$victims/libpq-a1b2.so.5" "$TEST_DIR/strange/libperfspy.so"

begin "$victims/refusing" plain
refused "no library" 'libperfspy.so was not found beside perfspy-ctl or where it is installed' \
    "$TEST_DIR/alone/perfspy-ctl" attach "$VICTIM"
refused "a library of another version" "other/libperfspy.so is not the libperfspy.so of this perfspy-ctl .$version" \
    "$TEST_DIR/other/perfspy-ctl" attach "$VICTIM"
ends_well "another library"

begin env LD_PRELOAD="$TEST_DIR/other/libperfspy.so" "$victims/refusing" plain
refused "another version is loaded" "is version 9.9.9 of libperfspy.so, this is $version of perfspy-ctl"
ends_well "another version is loaded"
begin env LD_PRELOAD="$TEST_DIR/strange/libperfspy.so" "$victims/refusing" plain
refused "a version without an entry is loaded" "is a version of libperfspy.so that cannot be attached"
ends_well "a version without an entry is loaded"

# ---- no process ---------------------------------------------------------------------------------

bash -c '(until grep -q sleep "/proc/$$/comm"; do sleep 0.01; done) & echo $! && exec sleep 1000' >"$TEST_DIR/zombie" &
on_exit stop_process "$!"
wait_for 30 grep -q . "$TEST_DIR/zombie"
zombie=$(<"$TEST_DIR/zombie")
wait_for 30 process_ended "$zombie"
says "one that has ended" 69 "process $zombie has ended" "$PERFSPY_CTL" attach "$zombie"
begin "$victims/refusing" leader
wait_for 30 grep -q '^State:.Z' "/proc/$VICTIM/status"
says "one whose main thread has ended" 77 "the main thread of process $VICTIM has ended" attach
ends_well "one whose main thread has ended"
begin "$victims/refusing" thread
thread=$(find "/proc/$VICTIM/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$VICTIM")
says "a thread" 64 "$thread is a thread of process $VICTIM: give that" "$PERFSPY_CTL" attach "$thread"
ends_well "a thread"
says "no number" 64 '"0x10" is not a process id' "$PERFSPY_CTL" attach 0x10
says "no process id" 64 'attach' "$PERFSPY_CTL" attach
