#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to a program as a container has it: with mounts, process ids, a network and a root
# directory of its own, where there is neither perfspy-ctl nor the library; and from inside.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
root=$TEST_DIR/root
one='select ?, generate_series(?, ?)'
NAMESPACES=(--mount --pid --fork --net)

if ! unshare "${NAMESPACES[@]}" true 2>/dev/null; then
    skip "attaching" "no namespaces may be made here"
    exit 0
fi

# into_root FILE...: programs or libraries, with what they are linked to, where they are outside.
into_root() {
    local file
    for file in "$@" $(ldd "$@" | grep -oE '/[^ :]+\.so[^ :]*' | sort -u); do
        mkdir -p "$root${file%/*}"
        cp -L "$file" "$root$file"
    done
}

# The program in a root of its own: "chroot", "pivot", or "bare", which is without /proc.
cat >"$TEST_DIR/enter.sh" <<'END'
kind=$1 root=$2 sockets=$3
shift 3
mount --make-rprivate / && mount --bind "$root" "$root" && mount --bind "$sockets" "$root$sockets" || exit 1
cd "$root" || exit 1
[ "$kind" = bare ] || mount -t proc proc proc || exit 1
if [ "$kind" = pivot ]; then
    pivot_root . old && exec "$@"
else
    exec chroot . "$@"
fi
END

# enter KIND OPTION...: begins it in namespaces with these options. VICTIM is empty where there may be none.
enter() {
    local kind=$1
    shift
    PERFSPY_DIR='' begin unshare "$@" bash "$TEST_DIR/enter.sh" "$kind" "$root" "$PGHOST" "${PROGRAM[@]}" || true
    VICTIM=$(pgrep -P "$BEGUN" || true)
}

listed() {
    "$PERFSPY_CTL" ps --json >"$TEST_DIR/ps.json" &&
        jq -e 'any(.processes[]; .pid == $pid and .state == "live" and .mode == "attach")' \
            --argjson pid "$VICTIM" "$TEST_DIR/ps.json"
}

joined=$(readlink -f "$victims/joined-now")
mkdir -p "$root/proc" "$root/old" "$root/run" "$root/tmp" "$root$PGHOST"
attached=$(readlink -f "$victims/attached")
PROGRAM=("$joined" "dbname=$PGDATABASE")
into_root "$joined"
into_root "$attached"
mkdir "$root/etc" && cp /etc/passwd "$root/etc"

# from_outside WHAT KIND OPTION...
from_outside() {
    local what=$1
    shift
    enter "$@"
    if [ -z "$VICTIM" ]; then
        skip "$what" "$(tail -n 1 "$TEST_DIR/err")"
        return
    fi
    tell 'exec 3'
    check "$what: attach" attach
    tell 'exec 5'
    assert_eq "$what: what came after is counted" 5 "$(calls_of "$one")"
    check "$what: it is listed" listed
    check "$what: its record is in its own root" test -n "$(find "$root/run" "$root/tmp" -name '*.region')"
    check "$what: detach" detach
    tell 'exec 4'
    check "$what: attach again" attach
    tell 'exec 2'
    assert_eq "$what: and it goes on" 7 "$(calls_of "$one")"
    assert_match "$what: with the same results" 'done exec 2: rows=42 failures=0' "$(tail -n 1 "$TEST_DIR/out")"
    ends_well "$what"
    rm -rf "$root"/run/* "$root"/tmp/perfspy-*
}

from_outside "changed root" chroot "${NAMESPACES[@]}"
from_outside "another root" pivot "${NAMESPACES[@]}"

# Who is root there is not let through to the database server's socket: a program without one.
PROGRAM=("$attached" wait read poll)
enter chroot "${NAMESPACES[@]}" --user --map-root-user
if [ -z "$VICTIM" ]; then
    skip "a user namespace" "$(tail -n 1 "$TEST_DIR/err")"
else
    check "a user namespace: attach" attach
    check "a user namespace: it is listed" listed
    check "a user namespace: detach" detach
    kill "$VICTIM"
    ends_well "a user namespace"
fi
PROGRAM=("$joined" "dbname=$PGDATABASE")

enter bare "${NAMESPACES[@]}"
says "no /proc" 77 'has no /proc in its root directory, which the library needs: mount one there' attach
ends_well "no /proc"

# ---- from inside ------------------------------------------------------------------------------

into_root "$(readlink -f "$PERFSPY_CTL")" "$(readlink -f "$PERFSPY_LIB")"
inside() {
    PERFSPY_DIR='' nsenter --target "$VICTIM" --mount --pid --net --root --wd "$(readlink -f "$PERFSPY_CTL")" "$@"
}

enter chroot "${NAMESPACES[@]}"
check "inside: attach" inside attach 1 --timeout 20s
tell 'exec 5'
assert_eq "inside: what came after is counted" 5 "$(calls_of "$one" inside stats -p 1)"
assert_eq "inside: and is seen from outside" 5 "$(calls_of "$one")"
check "inside: detach" inside detach 1
ends_well "inside"
