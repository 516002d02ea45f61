#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to programs whose threads, or mappings, are in the way. All are attached to, again and
# again, and end as they would have.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"

borrowed=$BUILD/victims/borrowed

if [ -n "${SAN:-}" ]; then
    skip "attaching" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi

# begin KIND: sets VICTIM.
begin() {
    rm -f "$TEST_DIR/in" "$TEST_DIR/out" && mkfifo "$TEST_DIR/in"
    "$borrowed" "$1" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
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

begin mapped
if ! "$PERFSPY_CTL" attach "$VICTIM" >"$TEST_DIR/first" 2>&1 && grep -q 'may not be traced' "$TEST_DIR/first"; then
    skip "attaching" "$(<"$TEST_DIR/first")"
    exit 0
fi
stop_process "$VICTIM" || true

for kind in mapped narrow ids; do
    begin "$kind"
    for i in 1 2 3; do
        check "$kind: attach, $i" "$PERFSPY_CTL" attach "$VICTIM" --timeout 10s
        check "$kind: detach, $i" "$PERFSPY_CTL" detach "$VICTIM"
    done
    ends_well "$kind"
done
