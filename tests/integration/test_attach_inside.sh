#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to a program as a container has it: with mounts, process ids, a network and a root
# directory of its own, where there is neither perfspy-ctl nor the library; and from inside.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
stats=$TEST_DIR/stats.json
root=$TEST_DIR/root
one='select ?, generate_series(?, ?)'
NAMESPACES=(--mount --pid --fork --net)

if [ -n "${SAN:-}" ]; then
    skip "attaching" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi
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

# begin KIND OPTION...: in namespaces with these options. Sets OUTER, the parent, and VICTIM.
begin() {
    local kind=$1
    shift
    rm -f "$TEST_DIR/in" "$TEST_DIR/out" && mkfifo "$TEST_DIR/in"
    PERFSPY_DIR='' unshare "$@" bash "$TEST_DIR/enter.sh" "$kind" "$root" "$PGHOST" \
        "${PROGRAM[@]}" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
    OUTER=$!
    on_exit stop_process "$OUTER"
    exec 7>"$TEST_DIR/in"
    wait_for 30 ready_or_dead
    VICTIM=$(pgrep -P "$OUTER" || true)
}

ready_or_dead() {
    grep -qs ready "$TEST_DIR/out" || process_ended "$OUTER"
}

tell() {
    local before
    before=$(grep -c '^done' "$TEST_DIR/out" || true)
    echo "$1" >&7
    wait_for 30 more_than "$before"
}

more_than() {
    [ "$(grep -c '^done' "$TEST_DIR/out")" -gt "$1" ] || process_ended "$OUTER"
}

counted() {
    "$@" --json >"$stats" 2>/dev/null || echo '{"operations": []}' >"$stats"
    json "$stats" '[.operations[] | select(.statement == $s) | .calls] | add // 0' --arg s "$one"
}

listed() {
    "$PERFSPY_CTL" ps --json >"$TEST_DIR/ps.json" &&
        jq -e 'any(.processes[]; .pid == $pid and .state == "live" and .mode == "attach")' \
            --argjson pid "$VICTIM" "$TEST_DIR/ps.json"
}

ends_well() {
    local status=0
    exec 7>&-
    wait_for 15 process_ended "$OUTER" || true
    wait "$OUTER" || status=$?
    assert_eq "$1: ends as it would have" "0 " "$status $(<"$TEST_DIR/err")"
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
    begin "$@"
    if [ -z "$VICTIM" ]; then
        skip "$what" "$(tail -n 1 "$TEST_DIR/err")"
        return
    fi
    tell 'exec 3'
    check "$what: attach" "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
    tell 'exec 5'
    assert_eq "$what: what came after is counted" 5 "$(counted "$PERFSPY_CTL" stats -p "$VICTIM")"
    check "$what: it is listed" listed
    check "$what: its record is in its own root" test -n "$(find "$root/run" "$root/tmp" -name '*.region')"
    check "$what: detach" "$PERFSPY_CTL" detach "$VICTIM"
    tell 'exec 4'
    check "$what: attach again" "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
    tell 'exec 2'
    assert_eq "$what: and it goes on" 7 "$(counted "$PERFSPY_CTL" stats -p "$VICTIM")"
    assert_match "$what: with the same results" 'done exec 2: rows=42 failures=0' "$(tail -n 1 "$TEST_DIR/out")"
    ends_well "$what"
    rm -rf "$root"/run/* "$root"/tmp/perfspy-*
}

from_outside "changed root" chroot "${NAMESPACES[@]}"
from_outside "another root" pivot "${NAMESPACES[@]}"

# Who is root there is not let through to the database server's socket: a program without one.
PROGRAM=("$attached" wait read poll)
begin chroot "${NAMESPACES[@]}" --user --map-root-user
if [ -z "$VICTIM" ]; then
    skip "a user namespace" "$(tail -n 1 "$TEST_DIR/err")"
else
    check "a user namespace: attach" "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s
    check "a user namespace: it is listed" listed
    check "a user namespace: detach" "$PERFSPY_CTL" detach "$VICTIM"
    kill "$VICTIM"
    ends_well "a user namespace"
fi
PROGRAM=("$joined" "dbname=$PGDATABASE")

begin bare "${NAMESPACES[@]}"
status=0
text=$("$PERFSPY_CTL" attach "$VICTIM" 2>&1) || status=$?
assert_eq "no /proc: status" 77 "$status"
assert_match "no /proc: why" 'has no /proc in its root directory, which the library needs: mount one there' "$text"
ends_well "no /proc"

# ---- from inside ------------------------------------------------------------------------------

into_root "$(readlink -f "$PERFSPY_CTL")" "$(readlink -f "$PERFSPY_LIB")"
inside() {
    PERFSPY_DIR='' nsenter --target "$VICTIM" --mount --pid --net --root --wd "$(readlink -f "$PERFSPY_CTL")" "$@"
}

begin chroot "${NAMESPACES[@]}"
check "inside: attach" inside attach 1 --timeout 20s
tell 'exec 5'
assert_eq "inside: what came after is counted" 5 "$(counted inside stats -p 1)"
assert_eq "inside: and is seen from outside" 5 "$(counted "$PERFSPY_CTL" stats -p "$VICTIM")"
check "inside: detach" inside detach 1
ends_well "inside"
