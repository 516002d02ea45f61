#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Programs that a seccomp filter binds: attached to where the filter is known to do no harm, refused
# where it would, or may not be looked at.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"
. "$(dirname "$0")/lib/attach.sh"

refusing=$BUILD/victims/refusing

# refused WHAT REGEX COMMAND...: with status 77 and such a sentence, and nothing was loaded.
refused() {
    local what=$1 pattern=$2
    shift 2
    says "$what" 77 "$pattern" "$@"
    assert_eq "$what: nothing is loaded" "" "$(grep perfspy "/proc/$VICTIM/maps" || true)"
    ends_well "$what"
}

FORCE=()
begin "$refusing" filter
attach_first
if grep -q 'may not be looked at' "$TEST_DIR/first"; then # only root may, and not in every container
    assert_match "a filter that may not be looked at" 'may not be looked at .*, give --force' "$(<"$TEST_DIR/first")"
    FORCE=(--force)
    check "attached with --force" attach --force
fi
check "a filter that lets all through: detach" detach
ends_well "a filter that lets all through"

# ---- one that lets through what we need, and kills for all else ------------------------------------

# All that can be asked of a process; it does not survive a call that is not in the list.
use() {
    local what=$1
    shift
    check "$what: attach" attach "${FORCE[@]}" "$@"
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
    check "$what: detach" detach
}

begin "$refusing" kill
use "from /run"
use "and again"
ends_well "one that kills, from /run"
begin "$refusing" kill
mkdir "$TEST_DIR/disk"
use "on a disk" --dir "$TEST_DIR/disk"
ends_well "one that kills, on a disk"
if unshare --mount true 2>/dev/null; then
    # shellcheck disable=SC2016 # of the other shell
    begin unshare --mount bash -c 'mount --bind /dev/null "$0" && exec "$@"' "$PERFSPY_LIB" "$refusing" kill
    use "from memory"
    ends_well "one that kills, from memory"
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
    begin /usr/bin/python3 "$(dirname "$0")/lib/confined.py" "$TEST_DIR/seccomp.json" "$refusing" plain
    assert_match "podman's filter binds it" 'Seccomp:.2' "$(<"/proc/$VICTIM/status")"
    use "under podman's filter"
    ends_well "under podman's filter"
else
    skip "podman's filter" "$(tail -n 1 "$TEST_DIR/apt")"
fi

# ---- one that does harm -----------------------------------------------------------------------------

if [ ${#FORCE[@]} -gt 0 ]; then
    skip "filters that would do harm" "they may not be looked at"
    exit 0
fi
for name in openat clone3 sendto madvise; do
    begin "$refusing" kill "$name"
    refused "one that kills for $name" "kills it for $name, .* also not with --force" \
        attach --force
done
begin "$refusing" trap socket
refused "one that traps socket" 'kills it for socket, .* also not with --force' attach
begin "$refusing" ask mmap
refused "one that asks for mmap" 'leaves it to another process whether mmap is called, .*, give --force' attach
begin "$refusing" thread
refused "one of another thread" 'not the same ones all of them' attach
if setpriv --bounding-set -sys_admin true 2>/dev/null; then
    begin "$refusing" filter
    refused "without the right to look" 'may not be looked at .*root on the host may.*, give --force' \
        setpriv --bounding-set -sys_admin "$(readlink -f "$PERFSPY_CTL")" attach "$VICTIM"
fi
