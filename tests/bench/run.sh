#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the measurements (measure/*.sh), or those with T in their names, and makes of what they say a
# table, $BUILD/bench.json and $BUILD/bench.md. It fails where a measurement breaks, never because
# something is slow or cannot be measured on this machine.
#
#   BUILD=build run.sh
#
# ROUNDS=N         rounds of each measurement (default: 10; what takes long is content with 5)
# BENCH_WITHOUT=   tools to do without, as if the machine had none: "valgrind bpftrace"
# BENCH_TINY=1     as quick as can be: to see whether it runs, not how fast
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
for name in "${!PERFSPY_@}"; do
    [ "$name" = PERFSPY_TEST_RUN ] || unset "$name"
done
pattern=${T:-}
export ROUNDS=${ROUNDS:-10}
unset MAKEFLAGS MFLAGS MAKELEVEL T
ulimit -c 0
# shellcheck source=tests/integration/lib/run.sh
. tests/integration/lib/run.sh

if ! [[ $ROUNDS =~ ^[1-9][0-9]*$ ]]; then
    echo "bench: ROUNDS is a number of rounds, from 1 on; not '$ROUNDS'" >&2
    exit 64
fi

selected=()
for script in tests/bench/measure/*.sh; do
    name=$(basename "$script" .sh)
    [[ $name != *"$pattern"* ]] || selected+=("$name")
done
if [ "${#selected[@]}" -eq 0 ]; then
    echo "bench: no measurement has '$pattern' in its name; there are:" tests/bench/measure/*.sh >&2
    exit 64
fi

# measure NAME: what it says goes to $RUN_DIR/samples. One that says so has a database of its own.
measure() {
    local script=tests/bench/measure/$1.sh
    export BENCH_DIR=$RUN_DIR/$1 PGDATABASE=postgres
    mkdir "$BENCH_DIR"
    if grep -q '^# needs: postgresql$' "$script"; then
        [ -d "$RUN_DIR/pg" ] || pg_start "$RUN_DIR/pg" || return 1
        psql -qXc "CREATE DATABASE $1" || return 1
        PGDATABASE=$1
    fi
    "$script" >>"$RUN_DIR/samples" &
    wait $!
}

run_begin
failed=()
printf 'begin\t%s\n' "$(cut -d ' ' -f 1 /proc/loadavg)" >"$RUN_DIR/samples"
for name in "${selected[@]}"; do
    printf 'measured\t%s\n' "$name" >>"$RUN_DIR/samples"
    echo "bench: $name" >&2
    measure "$name" || failed+=("$name")
    rm -rf "${RUN_DIR:?}/$name"
done
tests/bench/report.py --json "$BUILD/bench.json" --markdown "$BUILD/bench.md" <"$RUN_DIR/samples"

if [ "${#failed[@]}" -gt 0 ]; then
    echo "bench: did not come to an end: ${failed[*]}" >&2
    exit 1
fi
