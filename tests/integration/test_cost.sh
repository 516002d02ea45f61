#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `make bench` runs, as quickly as it can, and makes of what it saw a whole table and whole JSON; what
# the machine lacks is skipped and said so; the arithmetic is right. How fast anything is, is nowhere
# looked at.
. "$(dirname "$0")/lib/check.sh"

metrics=tests/bench/metrics.txt

# report: what report.py makes of the lines that come in.
report() {
    tests/bench/report.py --json "$TEST_DIR/report.json" --markdown "$TEST_DIR/report.md"
}

# value METRIC KEY
value() {
    json "$TEST_DIR/report.json" '.metrics[] | select(.name == $name) | .[$key]' \
        --arg name "$1" --arg key "$2"
}

# samples SERIES VALUE...
samples() {
    printf "sample\t$1\t%s\n" "${@:2}"
}

test_arithmetic() {
    {
        printf 'begin\t0.5\nmeasured\t%s\n' hooks
        samples hooks.prepared.bare 10 12 14 16 18
        samples hooks.prepared.watched 70.5 75 80 85 90
        samples hooks.prepared.bare.instructions 100
        samples hooks.prepared.watched.instructions 350
        samples hooks.prepared.dormant 15 16 17 18 19
        printf 'measured\tparts\n'
        samples parts.cpu.bare 100 200 100
        samples parts.cpu.watched 102 200 105
        samples parts.p99.bare 100 100 100 100
        samples parts.p99.watched 102 102.1 102.1 102
        printf 'measured\ttracers\n'
        samples tracers.bare 10 10
        samples tracers.perfspy 60 70
        samples tracers.bpftrace 2510 3000
        printf 'skip\ttracers.ltrace\tnot here\n'
    } | report >"$TEST_DIR/table"
    assert_eq 'added: the least less the least' 60.5 "$(value hooks.prepared.watched value)"
    assert_eq 'its spread is that of the differences' '5 60.5 63 66 69' \
        "$(for key in rounds min q1 median q3; do value hooks.prepared.watched $key; done | xargs)"
    assert_eq 'and it missed what it is to reach' false "$(value hooks.prepared.watched met)"
    assert_eq 'instructions are added, too' 250 "$(value hooks.prepared.watched instructions)"
    assert_eq 'a share: the median of pairs' 2 "$(json "$TEST_DIR/report.json" \
        '.metrics[] | select(.name == "parts.cpu") | .value * 1e6 | round / 1e6')"
    assert_eq 'pairs too far apart for a verdict' null "$(value parts.cpu met)"
    assert_match 'and the table says so' 'CPU a request +2.00 %.*<=1 +too noisy' "$(<"$TEST_DIR/table")"
    assert_eq 'pairs close to each other: missed' false "$(value parts.p99 met)"
    assert_eq 'times' 50 "$(value tracers.bpftrace.ratio value)"
    assert_eq 'which is just enough' true "$(value tracers.bpftrace.ratio met)"
    assert_eq 'what was skipped has no value' null "$(value tracers.ltrace value)"
    assert_eq 'but a reason' 'not here' "$(value tracers.ltrace skipped)"
    assert_eq 'and so has what follows from it' null "$(value tracers.ltrace.ratio value)"
    assert_match 'the table says it' 'added by ltrace +skipped +not here' "$(<"$TEST_DIR/table")"
    assert_match 'and so does the Markdown' '\| added by ltrace \| skipped \|' \
        "$(<"$TEST_DIR/report.md")"
    assert_status 'a line of another form' 1 report <<<'simple'
}

# Everything, as quickly as can be, on a machine without what the tests do not need.
test_run() {
    local status=0 names
    env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE ROUNDS=1 BENCH_TINY=1 \
        BENCH_WITHOUT='valgrind bpftrace uftrace ltrace' BUILD="$bench_build" \
        tests/bench/run.sh >"$TEST_DIR/out" 2>"$TEST_DIR/err" || status=$?
    assert_eq 'a run: exit status' 0 "$status"
    [ "$status" -eq 0 ] || cat "$TEST_DIR/err"
    cp "$bench_build/bench.json" "$TEST_DIR/report.json"
    names=$(awk '!/^#/ && NF { print $1 }' "$metrics")
    assert_eq 'all metrics are there' "$names" "$(json "$TEST_DIR/report.json" '.metrics[].name')"
    assert_json 'each has a value and its rounds, or a reason' "$TEST_DIR/report.json" \
        '.metrics | all((.value | type) == "number" or (.skipped | length > 5))'
    assert_eq 'only what the machine lacks is skipped' 'bpftrace ltrace uftrace valgrind' \
        "$(json "$TEST_DIR/report.json" '.skipped[] | select(startswith("there is no ")) | .[12:]' |
            sort -u | xargs)"
    assert_eq 'and nothing for another reason' 0 "$(json "$TEST_DIR/report.json" \
        '[.metrics[] | select(.value == null) | .skipped | select(startswith("there is no ") | not)] | length')"
    assert_json 'the machine is described' "$TEST_DIR/report.json" \
        '.host | .cpu and .kernel and .compiler and .cores >= 1 and .rounds == 1 and .tiny'
    assert_eq 'each metric is a line of the table' "" "$(json "$TEST_DIR/report.json" '.metrics[].title' |
        while read -r title; do grep -qF "  $title " "$TEST_DIR/out" || echo "$title"; done)"
    assert_match 'instructions that cannot be counted are a line, too' \
        'skipped: hooks.instructions: there is no valgrind' "$(<"$TEST_DIR/out")"
}

test_usage() {
    assert_status 'no such measurement' 64 env T=nonsense BUILD="$bench_build" tests/bench/run.sh
    assert_status 'no such number of rounds' 64 env ROUNDS=0 BUILD="$bench_build" tests/bench/run.sh
}

test_arithmetic
if [ -n "${SAN:-}" ]; then
    skip 'a run' "with a sanitizer's runtime in between nothing is to be measured"
    exit 0
fi
# What is measured last stays: a run of its own does not take its place.
bench_build=$TEST_DIR/build
mkdir "$bench_build"
for product in "$BUILD"/{bench,libperfspy.so,perfspy-ctl,parts_server}; do
    ln -s "$product" "$bench_build/"
done
chmod 711 "$TEST_DIR" "$bench_build"
test_run
test_usage
