#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The file system under perfspy fails: it is read-only, becomes so, has no inode left, goes away, or
# takes no file of that size. The program gets all its answers, and perfspy-ctl says what is wrong.
. "$(dirname "$0")/lib/check.sh"

answers=$(seq 200)

# statements FROM TO: each with an answer of its own, and each another statement.
statements() {
    local i
    for ((i = $1; i <= $2; i++)); do
        echo "SELECT $i AS c$i;"
    done
}

# psql, watched; its \! lines may use $CTL, $PERFSPY_DIR and $SAID.
cat >"$TEST_DIR/watched" <<'SH'
#!/bin/sh
CTL=$1 SAID=$2
export CTL SAID
exec env LD_PRELOAD="$PRELOAD" psql -XqAt -v ON_ERROR_STOP=1
SH
chmod +x "$TEST_DIR/watched"

# ask COMMAND: a line for psql that asks perfspy-ctl about it. Its helper thread answers within a
# second, unless the machine is busy: so more than once.
ask() {
    echo "\\! for i in 1 2 3 4 5 6 7 8 9; do env -u LD_PRELOAD \$CTL $1 -p \$PPID --json >\$SAID.$1 2>&1 && break; done"
}

# tells WHAT: the program lived, had its answers, and all its statements are counted.
tells() {
    assert_eq "$what: the program ends as it should" 0 "$status"
    assert_eq "$what: it has all its answers" "$answers" "$(<"$TEST_DIR/out")"
    assert_json "$what: all statements are counted" "$TEST_DIR/said.stats" \
        '[.operations[] | select(.operation | startswith("libpq.") | not) | .calls] | add == 200'
}

# ---- file systems of one's own -------------------------------------------------------------------

unshare=(unshare --mount)
[ "$(id -u)" -eq 0 ] || unshare=(unshare --mount --map-root-user)
mkdir -m 700 "$TEST_DIR/disk"

# on_disk OPTIONS [COMMAND]: runs the program on the script with PERFSPY_DIR on a tmpfs of these
# options, after COMMAND; leaves its status.
on_disk() {
    cat >"$TEST_DIR/on-disk" <<SH
#!/bin/sh
mount -t tmpfs -o "$1,mode=700" none "$TEST_DIR/disk" || exit 99
${2:-:}
exec "\$@"
SH
    chmod +x "$TEST_DIR/on-disk"
    status=0
    PRELOAD=$PERFSPY_PRELOAD PERFSPY_DIR=$TEST_DIR/disk "${unshare[@]}" "$TEST_DIR/on-disk" \
        "$TEST_DIR/watched" "$(realpath "$PERFSPY_CTL")" "$TEST_DIR/said" <"$TEST_DIR/script" \
        >"$TEST_DIR/out" 2>"$TEST_DIR/errors" || status=$?
}

if "${unshare[@]}" mount -t tmpfs -o size=1m none "$TEST_DIR/disk" 2>/dev/null; then
    what="a read-only file system"
    { statements 1 200 && ask stats && ask ps; } >"$TEST_DIR/script"
    on_disk size=20m "mount -o remount,ro $TEST_DIR/disk"
    tells
    assert_json "$what: ps says why" "$TEST_DIR/said.ps" \
        '.processes[0] | .storage == "memory" and (.problem | test("Read-only file system"))'

    what="no inode left"
    { statements 1 200 && ask stats && ask ps; } >"$TEST_DIR/script"
    on_disk size=20m,nr_inodes=1
    tells
    assert_json "$what: ps says why" "$TEST_DIR/said.ps" \
        '.processes[0] | .storage == "memory" and (.problem | test("No space left on device"))'

    # The kernel refuses to make a file system read-only in which a mapped file may be written; one
    # that does it in an emergency is another matter (README, Limits).
    what="it is to become read-only"
    {
        statements 1 100
        echo "\\! mount -o remount,ro \$PERFSPY_DIR 2>\$SAID.mount"
        statements 101 200 && ask stats
    } >"$TEST_DIR/script"
    on_disk size=20m
    tells

    what="it is unmounted"
    {
        statements 1 100
        echo "\\! umount -l \$PERFSPY_DIR"
        statements 101 200 && ask stats
    } >"$TEST_DIR/script"
    on_disk size=20m
    assert_eq "$what: the program lives and has its answers" "0 $answers" \
        "$status $(<"$TEST_DIR/out")"

    what="somebody else takes all of it"
    {
        statements 1 100
        echo "\\! cat /dev/zero >\$PERFSPY_DIR/much 2>/dev/null"
        statements 101 200 && ask stats && ask ps
    } >"$TEST_DIR/script"
    on_disk size=2500k
    tells
else
    skip "file systems of one's own" "no mount namespaces here"
fi

# ---- limits ---------------------------------------------------------------------------------------

# A write beyond such a limit is a SIGXFSZ, which would end the program.
what="files may not be so large"
export PERFSPY_DIR=$TEST_DIR/dir
status=0
head -c 2000000 /dev/zero >"$TEST_DIR/log"
{ statements 1 200 && ask stats && ask ps; } >"$TEST_DIR/script"
(
    ulimit -f 1000 # of 1,024 bytes
    PRELOAD=$PERFSPY_PRELOAD PERFSPY_LOG=$TEST_DIR/log PERFSPY_LOG_LEVEL=DEBUG \
        "$TEST_DIR/watched" "$(realpath "$PERFSPY_CTL")" "$TEST_DIR/said" <"$TEST_DIR/script" \
        >"$TEST_DIR/out" 2>"$TEST_DIR/errors"
) || status=$?
tells
assert_json "$what: ps says why" "$TEST_DIR/said.ps" \
    '.processes[0] | .storage == "memory" and (.problem | test("File too large"))'
