#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A watched service under load, for seconds in `make test`, for SOAK_SECONDS in `make soak`: what
# perfspy and the service hold at the end is what they held when everything had been used once.
#
# time limit: 100000
. "$(dirname "$0")/lib/check.sh"

seconds=${SOAK_SECONDS:-5}
validate=$BUILD/parts-validate
export PERFSPY_DIR=$TEST_DIR/perfspy

parts_init --parts 500 >"$TEST_DIR/init.log" 2>&1
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$PWD/rules/parts.yml" \
    PERFSPY_LOG="$TEST_DIR/log" -- --pool 8 --threads 8
pid=$SERVER_PID

# round: all that the service can do, and all that perfspy-ctl asks it.
round() {
    local command
    "$validate" --url "$SERVER_URL" --requests 200 --concurrency 8 \
        --output "$TEST_DIR/report.json" >"$TEST_DIR/validate.log" 2>&1 || ended=$?
    rounds=$((rounds + 1))
    requests=$((requests + $(json "$TEST_DIR/report.json" '[.scenarios[].requests] | add')))
    for command in stats requests inflight health slow benchmarks; do
        "$PERFSPY_CTL" "$command" -p "$pid" >"$TEST_DIR/said" 2>&1 || true
    done
}

# idle: nothing of a round is left.
idle() {
    "$PERFSPY_CTL" ps -p "$pid" --json >"$TEST_DIR/ps.json" &&
        jq -e '.processes[0].tables | .requests.used == 0 and .held.used == 0' "$TEST_DIR/ps.json" \
            >/dev/null && [ "$(find /proc/"$pid"/fd -lname 'socket:*' | wc -l)" -le 11 ]
}

table() {
    json "$TEST_DIR/ps.json" ".processes[0].tables.$1.used"
}

# measure: resident KiB, descriptors, threads, and what the region's tables hold.
measure() {
    wait_for 30 idle || true
    rss=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/"$pid"/status)
    descriptors=$(find /proc/"$pid"/fd -mindepth 1 | wc -l)
    threads=$(find /proc/"$pid"/task -mindepth 1 -maxdepth 1 | wc -l)
    operations=$(table operations) shards=$(table shards) connections=$(table connections)
    region=$(($(stat -c %s "$PERFSPY_DIR/$pid"-*.region) / 1024))
    printf '# %6s s %5s rounds %9s requests  RSS %6s KiB  fds %3s  threads %3s  region %s KiB, ' \
        $((SECONDS - began)) "$rounds" "$requests" "$rss" "$descriptors" "$threads" "$region"
    printf 'arena %s KiB, %s operations, %s shards\n' $(($(table arena) / 1024)) "$operations" \
        "$shards"
}

rounds=0 requests=0 ended=0 began=$SECONDS
round
round
measure
first="$descriptors descriptors, $threads threads, region of $region KiB, $connections connections"
first_rss=$rss first_operations=$operations next=$((SECONDS + seconds / 10))
while [ $((SECONDS - began)) -lt "$seconds" ]; do
    round
    if [ "$SECONDS" -ge "$next" ]; then
        measure
        next=$((SECONDS + seconds / 10))
    fi
done
round
measure

assert_eq "every answer was right" 0 "$ended"
assert_eq "nothing has grown" "$first" \
    "$descriptors descriptors, $threads threads, region of $region KiB, $connections connections"
assert_eq "no operation came to those there are" "$first_operations" "$operations"
if [ -n "${SAN:-}" ]; then
    skip "resident memory" "a sanitizer keeps what was freed"
else
    # malloc's own ups and downs are a few MiB; a leak of a hundred bytes a request is more, in time.
    assert_eq "resident memory stays below 8 MiB more ($first_rss, then $rss KiB)" 1 \
        $((rss - first_rss < 8192))
fi
"$PERFSPY_CTL" ps -p "$pid" --json >"$TEST_DIR/ps.json"
assert_json "nothing was dropped, and no table was full" "$TEST_DIR/ps.json" \
    '.processes[0].self | to_entries | map(select(.value > 0 and .key != "log_dropped")) == []'
parts_ends "the service ends as it should"
