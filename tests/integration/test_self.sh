#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What perfspy says of its own cost: more than nothing, less than all that the process used; above
# the limit it backs off, says so wherever one looks, and counts as before; below, all comes back.
. "$(dirname "$0")/lib/check.sh"

document=$TEST_DIR/document.json
mkfifo "$TEST_DIR/in"

# start [NAME=VALUE...]: the victim, watched, with a step of history each second.
start() {
    : >"$TEST_DIR/out"
    env LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_HISTORY_STEPS=1s:1h,1m:2h,10m:4h \
        PERFSPY_LOG="$TEST_DIR/log" "$@" "$BUILD/victims/hot" "dbname=$PGDATABASE" \
        <"$TEST_DIR/in" >"$TEST_DIR/out" 2>&1 &
    victim=$!
    exec 9>"$TEST_DIR/in"
    wait_for 20 grep -q begin "$TEST_DIR/out"
    told=0
}

stop() {
    exec 9>&-
    wait "$victim"
}

# tell LINE: the victim has done that when this returns.
tell() {
    told=$((told + 1))
    echo "$1" >&9
    wait_for 120 enough_done
}

enough_done() {
    [ "$(grep -c '^done ' "$TEST_DIR/out")" -ge "$told" ]
}

# self: what it costs, into the document.
self() {
    "$PERFSPY_CTL" stats --self -p "$victim" --json | jq '.processes[0]' >"$document"
}

# samples: of calls of libpq.
samples() {
    "$PERFSPY_CTL" stats --self -p "$victim" --json | jq '.processes[0].cost.queries.samples'
}

# is FILTER: true of it, looked at anew.
is() {
    self && jq -e "$1" "$document" >/dev/null
}

# cpu_ms: what the kernel says the process used, to the tick.
cpu_ms() {
    awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' \
        "/proc/$victim/stat"
}

# counted WHAT CALLS: so many calls were counted, and as many are in the histogram of levels.
counted() {
    "$PERFSPY_CTL" stats -p "$victim" --json >"$TEST_DIR/stats.json"
    assert_json "$1" "$TEST_DIR/stats.json" \
        '[.operations[] | select(.statement == "select ? as hot") |
          .calls, (.levels | add)] == [$n, $n]' --argjson n "$2"
}

# ---- what it costs ---------------------------------------------------------------------------

start PERFSPY_COST_LIMIT=1%
before=$(samples)
tell "query 20000"
check "the helper has looked" wait_for 30 is '.cost.process_cpu_ms > 0'
# Gaps between two samples are of 511 calls at most.
assert_json "calls are sampled" "$document" \
    '.cost.queries | .samples + .cut - $b >= 38 and .samples + .cut - $b <= 20000' --argjson b "$before"
assert_json "and of each more are told" "$document" \
    '.cost.queries | .estimated_calls == (.samples + .cut) * 256'
assert_json "a call costs something" "$document" '.cost.queries.call_ms > 0 and
    .cost.queries.call_ms <= 0.05 and .cost.estimated_calls_ms > 0'
assert_json "less than what the process used, as the kernel counts it" "$document" \
    '.cost | .estimated_calls_ms < $all and .helper_ms < .process_cpu_ms and
     .process_cpu_ms <= $all + 20' --argjson all "$(cpu_ms)"
assert_json "the share is of the two" "$document" '.cost.cpu_share > 0 and
    .cost.processor_share > 0 and .cost.limit_share == 0.01 and
    (.cost.clock | . == "vdso" or . == "counter") and .region_bytes.used <= .region_bytes.size'
"$PERFSPY_CTL" stats --self -p "$victim" >"$TEST_DIR/text"
assert_match "for people, too" 'a call of libpq, by [0-9,]+ samples of about [0-9,]+' \
    "$(<"$TEST_DIR/text")"
assert_status "not of one operation" 64 "$PERFSPY_CTL" stats hot --self
counted "all are counted" 20000
hot=$(json "$TEST_DIR/stats.json" '.operations[] | select(.statement == "select ? as hot").operation')

# Samples as long as these calls would be cut, all of them.
before=$(samples)
tell "sleep 2600"
after=$(samples)
check "what the server takes is not counted" test "$after" -gt "$before"

# ---- backing off -----------------------------------------------------------------------------

check "below the limit nothing is left out" wait_for 30 is '.cost.backoff.state == "none"'
"$PERFSPY_CTL" capture "$hot" --next 1000 --for 10m -p "$victim" --json \
    >"$TEST_DIR/captured" 2>"$TEST_DIR/said" &
capturing=$!
on_exit stop_process "$capturing"
wait_for 20 grep -q capturing "$TEST_DIR/said"
tell spin
check "above it it backs off" wait_for 60 is '.cost.backoff.state == "detail"'
status=0
wait "$capturing" || status=$?
assert_eq "a capture that was under way has ended" 1 "$status"
assert_match "and says why" 'ended the capture: perfspy backs off' "$(<"$TEST_DIR/said")"
assert_match "that was the first thing to go" \
    'event=backed_off .*left_out="captures".*event=backed_off .*left_out="captures, attribution' \
    "$(tr '\n' ' ' <"$TEST_DIR/log")"
assert_match "no other begins" 'no captures in this process' \
    "$("$PERFSPY_CTL" capture "$hot" -p "$victim" 2>&1 || true)"
assert_json "it says since when" "$document" '.cost.backoff.since != null and
    .cost.backoff.times >= 1 and (.cost.backoff.left_out | contains("attribution"))'
assert_match "ps says so" "$victim: backed off since .* more than 1(\.0+)? ?%.*left out: captures" \
    "$("$PERFSPY_CTL" ps -p "$victim")"
assert_match "stats --self does" 'backed off since' "$("$PERFSPY_CTL" stats --self -p "$victim")"
tell "query 1000"
counted "calls are counted as before" 21000

tell rest
check "below half the limit all comes back" wait_for 60 is '.cost.backoff.state == "none"'
assert_match "the log says so" 'event=back_to_normal' "$(<"$TEST_DIR/log")"
check_fails "ps says nothing any more" grep -q 'backed off' <("$PERFSPY_CTL" ps -p "$victim")
counted "and nothing was lost" 21000
stop

# ---- settings --------------------------------------------------------------------------------

start PERFSPY_COST_LIMIT=off
check "the helper looks" wait_for 30 is '.cost.process_cpu_ms > 0'
tell spin
used=$(json "$document" .cost.process_cpu_ms)
check "without a limit" wait_for 60 is ".cost.process_cpu_ms > $used + 1500 and .cost.cpu_share > 0.02"
assert_json "it never backs off" "$document" '.cost.backoff == {state: "none", since: null,
    left_out: null, times: 0} and .cost.limit_share == null'
tell rest
stop

start PERFSPY_COST_LIMIT=much
assert_match "a value that is none is told" \
    'PERFSPY_COST_LIMIT is not a percentage such as 2% or 0\.5%, or off' \
    "$("$PERFSPY_CTL" ps -p "$victim")"
check "and the default holds" is '.cost.limit_share == 0.1'
stop

# ---- requests --------------------------------------------------------------------------------

parts_init --parts 20 >"$TEST_DIR/init.log" 2>&1
parts_start LD_PRELOAD="$PERFSPY_PRELOAD"
victim=$SERVER_PID
# On one connection: a call that reads and one that writes each.
mapfile -t urls < <(for ((i = 0; i < 600; i++)); do echo "$SERVER_URL/healthz"; done)
curl -sSf --max-time 60 "${urls[@]}" >"$TEST_DIR/body"
self
# A sample that was broken off while the clock's own part of it was read counts as no time at all.
assert_json "calls of sockets that carry requests are sampled, too" "$document" \
    '.cost.requests | .samples + .cut >= 2 and .samples + .cut <= 3000 and (.samples == 0) == (.call_ms == null)'
stop_process "$SERVER_PID"
