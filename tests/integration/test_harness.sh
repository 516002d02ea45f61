#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The harness keeps its promises: a run ends with nothing left, however it is ended; runs do not
# meet; and the test runner sees a test fail in each of the ways in which one can.
#
# time limit: 900
# shellcheck source=tests/integration/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

run=tests/integration/lib/run.sh
run_pid='' inner_dir='' postmaster='' child=''

# An inner run that writes down where it is and then waits. Sets run_pid, and from its notes
# inner_dir, postmaster and child.
begin_run() {
    local notes=$TEST_DIR/notes
    rm -f "$notes"
    # shellcheck disable=SC2016 # for the inner shell
    "$@" bash -c 'echo "inner_dir=$RUN_DIR postmaster=$(head -n 1 "$PGHOST/data/postmaster.pid")" \
        "child=$$" >"$0.new" && mv "$0.new" "$0" && exec sleep 600' "$notes" &
    run_pid=$!
    wait_for 60 test -e "$notes"
    # shellcheck source=/dev/null
    . "$notes"
}

all_gone() {
    [ ! -e "$inner_dir" ] && process_ended "$postmaster" && process_ended "$child"
}

gone_after() {
    kill -s "$1" "$run_pid"
    wait "$run_pid" 2>/dev/null || true
    check "$2: server, processes and directory are gone" wait_for 20 all_gone
}

test_endings() {
    begin_run "$run"
    check 'a run has a server of its own' kill -0 "$postmaster"
    gone_after TERM 'ended by SIGTERM'
    begin_run "$run"
    gone_after KILL 'killed by SIGKILL'
    begin_run "$run"
    kill -KILL "$postmaster"
    gone_after TERM 'its server killed'
}

test_places() {
    local deep first
    begin_run "$run"
    first=$run_pid
    assert_eq 'a run inside a run is beside it' "${RUN_DIR%/*}" "${inner_dir%/*}"
    assert_eq 'a second run meanwhile has another server' two \
        "$("$run" psql -XAtc "SELECT 'two'")"
    check 'and leaves the first one alone' kill -0 "$postmaster"
    run_pid=$first
    gone_after TERM 'side by side'

    deep=$TEST_DIR/$(printf 'deep%.0s' {1..30})
    mkdir -p "$deep"
    begin_run env BUILD="$deep" "$run"
    assert_match 'too deep for a socket: elsewhere' '^/tmp/perfspy-run\.' "$inner_dir"
    gone_after TERM 'too deep for a socket'

    if [ "$(id -u)" -ne 0 ]; then
        skip 'a build directory that the server may not enter' 'only root has one'
        return
    fi
    mkdir -m 700 "$TEST_DIR/closed" && mkdir "$TEST_DIR/closed/build"
    begin_run env BUILD="$TEST_DIR/closed/build" "$run"
    assert_match 'out of reach for the server: elsewhere' '^/tmp/perfspy-run\.' "$inner_dir"
    gone_after KILL 'out of reach for the server'
}

# judged WHAT REGEX STATUS SCRIPT [LIMIT]: what the runner says of a test with that body.
judged() {
    local test=$TEST_DIR/test_inner.sh output status=0
    printf '#!/usr/bin/env bash\n# time limit: %d\n%s\n' "${5:-200}" "$4" >"$test"
    chmod +x "$test"
    output=$(STRAGGLER_LIMIT=1 tools/scripts/run-tests.sh "$test" 2>&1) || status=$?
    assert_eq "$1: exit status" "$3" "$status"
    assert_match "$1: said" "$2" "$output"
}

test_verdicts() {
    judged 'all well' '(^|[^0-9])2 passed, 0 failed$' 0 'echo "ok - a"; echo "ok - b"'
    judged 'a failed check' '1 passed, 1 failed$' 1 'echo "ok - a"; echo "not ok - b"; exit 1'
    judged 'its output is shown' 'not ok - why' 1 'echo "not ok - why"'
    judged 'a skipped check' '1 passed, 0 failed, 1 skipped$' 0 \
        'echo "ok - a"; echo "ok - b # SKIP no such thing"'
    judged 'no check at all' 'made no check.*0 passed, 1 failed$' 1 'true'
    judged 'an unexplained status' 'ended with status 3.*1 passed, 1 failed$' 1 \
        'echo "ok - a"; exit 3'
    judged 'a crash' 'ended by signal SEGV.*1 passed, 1 failed$' 1 'echo "ok - a"; kill -SEGV $$'
    judged 'less than planned' 'planned 2 checks and made 1' 1 'echo 1..2; echo "ok 1 - a"'
    judged 'no end' 'did not end within' 1 'echo "ok - a"; sleep 600' 2
    # The script ends when the process that it leaves is what it is to be.
    # shellcheck disable=SC2016 # for the inner shell
    local sleeps='until grep -aqs "^sleep" "/proc/$!/cmdline"; do sleep 0.02; done'
    judged 'a process left running' 'left process [0-9]+ running: sleep 600' 1 \
        "echo 'ok - a'; setsid sleep 600 & $sleeps"
    # shellcheck disable=SC2016 # for the inner shell
    judged 'a process that hides its mark' 'left running: process [0-9]+, sleep 600' 1 \
        'echo "ok - a"; cd "$TEST_DIR/tmp"; env -i setsid sleep 600 >/dev/null 2>&1 & '"$sleeps"
    judged 'a file outside' "left in place: /tmp/perfspy-0$$" 1 \
        "echo 'ok - a'; touch /tmp/perfspy-0$$"
    rm -f "/tmp/perfspy-0$$"
}

test_endings
test_places
test_verdicts
