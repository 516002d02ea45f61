#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A run: the frame around the tests and around the demo. It has a scratch directory below the build
# directory, may have a private PostgreSQL, and marks every process that it starts, so that all of
# it is gone afterwards however the run ends. Sourced by the test runner and the demo; called with
# a command it frames that one:
#
#   tests/integration/lib/run.sh psql -c 'SELECT 1'
#
# run_begin sets and exports
#   BUILD              the build directory, absolute (taken from the environment; default build)
#   RUN_DIR            the scratch directory
#   PERFSPY_TEST_RUN   the mark, inherited by all processes of the run
#   PARTS_SERVER, PERFSPY_CTL, PERFSPY_LIB   the build products
#   PERFSPY_PRELOAD    what LD_PRELOAD has to be: the library, in a sanitizer build (SAN) behind
#                      the sanitizer's runtime, which must come first

RUN_LIB=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tests/integration/lib/pg.sh
. "$RUN_LIB/pg.sh"
# shellcheck source=tests/integration/lib/process.sh
. "$RUN_LIB/process.sh"

# Unix socket paths end at 107 bytes; below a scratch directory up to this long there is room for
# a test's number and for the longest name that perfspy or PostgreSQL give a socket.
RUN_DIR_MAX=56

# The scratch directory: below the build directory, unless that is out of reach for the database
# server's user (a root's home) or too deep for a socket's path.
run_make_scratch() {
    local dir
    dir=$(mktemp -d "$BUILD/run.XXXXXX")
    chmod 711 "$dir"
    if [ "${#dir}" -gt "$RUN_DIR_MAX" ] || ! pg_may_enter "$dir"; then
        rmdir "$dir"
        dir=$(mktemp -d /tmp/perfspy-run.XXXXXX)
        chmod 711 "$dir"
    fi
    echo "$dir"
}

run_preload() {
    local runtime=
    case ${SAN:-} in
        address) runtime=$("${CC:-cc}" -print-file-name=libasan.so) ;;
        thread) runtime=$("${CC:-cc}" -print-file-name=libtsan.so) ;;
    esac
    echo "${runtime:+$(readlink -f "$runtime") }$BUILD/libperfspy.so"
}

# run_processes MARK: the processes that carry MARK or a mark below it. The search itself does not.
run_processes() (
    unset PERFSPY_TEST_RUN
    grep -lzsE "^PERFSPY_TEST_RUN=$1(/|\$)" /proc/[0-9]*/environ | cut -d / -f 3
)

# run_kill MARK: ends those processes, by their ids: first asked, after two seconds forced.
run_kill() {
    local pids signal=TERM deadline=$((SECONDS + 2))
    while mapfile -t pids < <(run_processes "$1") && [ "${#pids[@]}" -gt 0 ]; do
        kill -s "$signal" "${pids[@]}" 2>/dev/null || true
        sleep 0.05
        [ "$SECONDS" -le "$deadline" ] || signal=KILL
    done
}

# run_sweep MARK DIR: undoes a run. Called by the run itself and, if that was killed, by its
# watchdog; doing it twice is harmless.
run_sweep() {
    run_kill "$1"
    pg_stop "$2/pg"
    rm -rf "$2"
}

# Ends the run; the shell may go on. Doing it twice is harmless.
run_finish() {
    run_sweep "$PERFSPY_TEST_RUN" "$RUN_DIR"
    kill "$RUN_WATCHDOG" 2>/dev/null || true
    wait "$RUN_WATCHDOG" 2>/dev/null || true
}

run_end() {
    local status=$?
    trap - EXIT
    trap '' INT TERM HUP
    run_finish
    exit "$status"
}

run_begin() {
    BUILD=$(readlink -f "${BUILD:-build}")
    [ -d "$BUILD" ] || {
        echo "run: there is no build directory; run make first" >&2
        return 1
    }
    RUN_DIR=$(run_make_scratch)
    # A run inside a run has a mark below the outer one, so that the outer one finds it too.
    PERFSPY_TEST_RUN=${PERFSPY_TEST_RUN:+$PERFSPY_TEST_RUN/}${RUN_DIR##*/run.}-$$
    PERFSPY_TEST_RUN=${PERFSPY_TEST_RUN//[!A-Za-z0-9\/-]/-}
    # Unmarked itself, or it would end itself with the rest.
    env -u PERFSPY_TEST_RUN setsid "$RUN_LIB/watchdog.sh" "$$" "$(process_field $$ 22)" \
        "$PERFSPY_TEST_RUN" "$RUN_DIR" </dev/null >/dev/null 2>&1 &
    RUN_WATCHDOG=$!
    trap run_end EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    PARTS_SERVER=$BUILD/parts_server
    PERFSPY_CTL=$BUILD/perfspy-ctl
    PERFSPY_LIB=$BUILD/libperfspy.so
    PERFSPY_PRELOAD=$(run_preload)
    export BUILD RUN_DIR PERFSPY_TEST_RUN PARTS_SERVER PERFSPY_CTL PERFSPY_LIB PERFSPY_PRELOAD
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    [ $# -gt 0 ] || {
        echo "usage: run.sh COMMAND...  (runs it with a private PostgreSQL)" >&2
        exit 64
    }
    run_begin
    pg_start "$RUN_DIR/pg"
    "$@" <&0 &
    wait $!
fi
