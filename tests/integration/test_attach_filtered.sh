#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Programs that a seccomp filter binds: attached to where the filter is known to do no harm, refused
# where it would, or may not be looked at.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims

if [ -n "${SAN:-}" ]; then
    skip "attaching" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi

# begin KIND [CALL...]: a program with such a filter. Sets VICTIM.
begin() {
    rm -f "$TEST_DIR/in" "$TEST_DIR/out" && mkfifo "$TEST_DIR/in"
    "${WHERE[@]}" "$victims/refusing" "$@" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
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

# refused WHAT REGEX COMMAND...: with status 77 and such a sentence, and nothing was loaded.
refused() {
    local what=$1 pattern=$2 status=0 text
    shift 2
    text=$("$@" 2>&1) || status=$?
    assert_eq "$what: status" 77 "$status"
    assert_match "$what: why" "$pattern" "$text"
    assert_eq "$what: nothing is loaded" "" "$(grep perfspy "/proc/$VICTIM/maps" || true)"
    ends_well "$what"
}

WHERE=(env)
FORCE=()
begin filter
if ! "$PERFSPY_CTL" attach "$VICTIM" >"$TEST_DIR/first" 2>&1; then
    if grep -q 'may not be traced' "$TEST_DIR/first"; then
        skip "attaching" "$(<"$TEST_DIR/first")"
        exit 0
    fi
    # Only root may look at filters, and not in every container.
    assert_match "a filter that may not be looked at" 'may not be looked at .*, give --force' "$(<"$TEST_DIR/first")"
    FORCE=(--force)
    check "attached with --force" "$PERFSPY_CTL" attach "$VICTIM" --force
fi
check "a filter that lets all through: detach" "$PERFSPY_CTL" detach "$VICTIM"
ends_well "a filter that lets all through"

# ---- one that lets through what we need, and kills for all else ------------------------------------

# All that can be asked of a process; it does not survive a call that is not in the list.
use() {
    local what=$1
    shift
    check "$what: attach" "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s "${FORCE[@]}" "$@"
    while read -ra command; do
        "$PERFSPY_CTL" "${command[@]}" >"$TEST_DIR/said" 2>&1 </dev/null || true
        kill -0 "$VICTIM" 2>/dev/null || not_ok "$what: lives through ${command[*]}" "$(<"$TEST_DIR/said")"
    done <<END
stats -p $VICTIM
inflight -p $VICTIM
reset -p $VICTIM
disable -p $VICTIM
enable -p $VICTIM
reload -p $VICTIM --rules rules/parts.yml
capture parts_crud.get_part -p $VICTIM --for 1s
doctor $VICTIM
END
    check "$what: detach" "$PERFSPY_CTL" detach "$VICTIM"
}

begin kill
use "from /run"
use "and again"
ends_well "one that kills, from /run"
begin kill
mkdir "$TEST_DIR/disk"
use "on a disk" --dir "$TEST_DIR/disk"
ends_well "one that kills, on a disk"
if unshare --mount true 2>/dev/null; then
    # shellcheck disable=SC2016 # of the other shell
    WHERE=(unshare --mount bash -c 'mount --bind /dev/null "$0" && exec "$@"' "$PERFSPY_LIB")
    begin kill
    use "from memory"
    ends_well "one that kills, from memory"
    WHERE=(env)
fi

# What a test of some seconds may not reach.
missing=$(sed -n 's/.*\bSYS_\([a-z0-9_]*\).*/\1/p' preload/shared/sys.h preload/publish/*.c preload/runtime/log.c \
    preload/runtime/clock.c preload/attach.c | sort -u | while read -r name; do
    grep -q "X($name," tools/ctl/seccomp_calls.h || echo "$name"
done)
assert_eq "the library's own calls are all in the list" "" "$missing"

# ---- a container's ----------------------------------------------------------------------------------

package=golang-github-containers-common
if (cd "$TEST_DIR" && apt-get -o APT::Sandbox::User= download $package) >"$TEST_DIR/apt" 2>&1; then
    dpkg-deb --fsys-tarfile "$TEST_DIR/$package"_*.deb |
        tar -xO ./usr/share/containers/seccomp.json >"$TEST_DIR/seccomp.json"
    WHERE=(/usr/bin/python3 "$(dirname "$0")/lib/confined.py" "$TEST_DIR/seccomp.json")
    begin plain
    assert_match "podman's filter binds it" 'Seccomp:.2' "$(<"/proc/$VICTIM/status")"
    use "under podman's filter"
    ends_well "under podman's filter"
    WHERE=(env)
else
    skip "podman's filter" "$(tail -n 1 "$TEST_DIR/apt")"
fi

# ---- one that does harm -----------------------------------------------------------------------------

if [ ${#FORCE[@]} -gt 0 ]; then
    skip "filters that would do harm" "they may not be looked at"
    exit 0
fi
for name in openat clone3 sendto madvise; do
    begin kill "$name"
    refused "one that kills for $name" "would end it for a call of $name, .* also not with --force" \
        "$PERFSPY_CTL" attach "$VICTIM" --force
done
begin trap socket
refused "one that traps socket" 'would send it SIGSYS for a call of socket' "$PERFSPY_CTL" attach "$VICTIM"
begin ask mmap
refused "one that asks for mmap" 'leave it to another process .* a call of mmap' "$PERFSPY_CTL" attach "$VICTIM"
begin thread
refused "one of another thread" 'not the same ones all of them' "$PERFSPY_CTL" attach "$VICTIM"
if setpriv --bounding-set -sys_admin true 2>/dev/null; then
    begin filter
    refused "without the right to look" 'may not be looked at .*root on the host may.*, give --force' \
        setpriv --bounding-set -sys_admin "$(readlink -f "$PERFSPY_CTL")" attach "$VICTIM"
fi
