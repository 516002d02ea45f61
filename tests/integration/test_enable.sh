#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# perfspy-ctl disable and enable: recording off and on in a running program, also in the middle of
# things. What is recorded is whole; what is not is counted nowhere; nothing lasts for ever.
. "$(dirname "$0")/lib/check.sh"
. "$(dirname "$0")/lib/console.sh"

switch() {
    "$PERFSPY_CTL" "$1" -p "$2" >"$TEST_DIR/switch" 2>&1 || not_ok "$1 $2" "$(<"$TEST_DIR/switch")"
}

# ps_is WHAT PID FILTER
ps_is() {
    "$PERFSPY_CTL" ps -p "$2" --json >"$TEST_DIR/ps.json"
    assert_json "$1" "$TEST_DIR/ps.json" ".processes[0] | $3"
}

printf 'version: 1\noperations:\n  - {name: pair, sql: [SELECT 1 AS a, SELECT 1 AS b]}\n' \
    >"$TEST_DIR/rules.yml"
console_start PERFSPY_RULES="$TEST_DIR/rules.yml"
ps_is "recording at first" "$CONSOLE" '.disabled_since == null'
tell 'prepare p SELECT 1 AS p'
tell 'prepare q SELECT 1 AS q'
tell 'run p'
tell 'exec SELECT 1 AS one'

# Off in the middle of a statement and of a sequence.
tell 'exec SELECT 1 AS a'
tell 'send SELECT 1 AS half'
tell 'result'
switch disable "$CONSOLE"
assert_match "the answer" "^$CONSOLE .*: switched off\$" "$(<"$TEST_DIR/switch")"
ps_is "off, since when" "$CONSOLE" '(.disabled_since | type == "string") and .state == "live"'
assert_match "for a person, too" 'switched off since' "$("$PERFSPY_CTL" ps -p "$CONSOLE")"
"$PERFSPY_CTL" inflight -p "$CONSOLE" --json >"$TEST_DIR/inflight.json"
assert_json "nothing is in flight for ever" "$TEST_DIR/inflight.json" \
    '[.requests, .connections] | map(length) | add == 0'
assert_eq "what lay open is credited" 1 "$(console_calls 'select ? as a')"
tell 'result'
tell 'exec SELECT 1 AS b'
tell 'exec SELECT 1 AS one'
tell 'run p'
tell 'prepare r SELECT 1 AS r'
tell 'prepare q2 SELECT 1 AS q'
switch disable "$CONSOLE"
assert_match "off already" 'switched off already' "$(<"$TEST_DIR/switch")"

# On, with a statement in flight that was sent while it was off.
tell 'send SELECT 1 AS unseen'
switch enable "$CONSOLE"
ps_is "on again" "$CONSOLE" '.disabled_since == null'
tell 'result'
assert_eq "the program has the result that it asked for" PGRES_TUPLES_OK "$TOLD"
tell 'result'
tell 'exec SELECT 1 AS one'
tell 'run p'
tell 'run r'
tell 'exec SELECT 1 AS b'
assert_eq "counted while it was on, and only then" 2 "$(console_calls 'select ? as one')"
assert_eq "a prepared statement is known as before" 2 "$(console_calls 'select ? as p')"
assert_eq "one prepared meanwhile is not" 1 "$(console_calls 'prepared:r')"
assert_eq "a sequence does not go on over the gap" "0 1" \
    "$(console_calls pair) $(console_calls 'select ? as b')"
assert_eq "what was under way when it went off is dropped" 0 "$(console_calls 'select ? as half')"
assert_eq "so is what was sent meanwhile" 0 "$(console_calls 'select ? as unseen')"

# A name that stood for one text, and meanwhile for another.
switch disable "$CONSOLE"
tell 'exec DEALLOCATE q'
tell 'prepare q SELECT 1 AS other'
switch enable "$CONSOLE"
tell 'run q'
assert_eq "its old text gets no call" 0 "$(console_calls 'select ? as q')"
assert_eq "it has one by its name" 1 "$(console_calls 'prepared:q')"

# While it is on: what a name led to is kept with the connection, until it stands for another text.
tell 'exec DEALLOCATE q'
tell 'prepare q SELECT 1 AS third'
tell 'run q'
tell 'run q'
tell 'exec DEALLOCATE q'
tell 'prepare q SELECT 1 AS fourth'
tell 'run q'
assert_eq "a name that is prepared anew stands for its new text" "2 1" \
    "$(console_calls 'select ? as third') $(console_calls 'select ? as fourth')"

# On in the middle of a synchronous call, before libpq sends by a call of its own: libpq first waits
# for the end of what was sent before, which waits for a lock.
mkfifo "$TEST_DIR/holder"
psql -XAtq <"$TEST_DIR/holder" >"$TEST_DIR/held" &
on_exit kill $!
exec 9>"$TEST_DIR/holder"
echo "SELECT 'held' FROM pg_advisory_lock(77);" >&9
wait_for 60 grep -qs held "$TEST_DIR/held"
waits_in_poll() {
    local number
    read -r number _ <"/proc/$CONSOLE/syscall" && [ "$number" = 7 ]
}
if [ "$(uname -m)" = x86_64 ] && [ -r "/proc/$CONSOLE/syscall" ]; then
    switch disable "$CONSOLE"
    tell 'send SELECT pg_advisory_lock(77)'
    echo 'exec SELECT 1 AS inside' >&8
    wait_for 60 waits_in_poll
    switch enable "$CONSOLE"
    echo 'SELECT pg_advisory_unlock(77);' >&9
    read -r -t 120 -u 7 TOLD
    assert_eq "the program's call goes on" PGRES_TUPLES_OK "$TOLD"
    assert_eq "libpq's calls inside one that was begun before are none" 0 \
        "$(console_calls 'select ? as inside')"
    tell 'exec SELECT 1 AS inside'
    assert_eq "the program's next one is" 1 "$(console_calls 'select ? as inside')"
else
    skip "on in the middle of a synchronous call" "the kernel does not tell what a thread waits in"
fi

# A new connection, made while it was off.
switch disable "$CONSOLE"
tell again
tell 'exec SELECT 1 AS one'
switch enable "$CONSOLE"
tell 'exec SELECT 1 AS one'
assert_eq "a connection made meanwhile is followed" 3 "$(console_calls 'select ? as one')"

# Under load, switched all the time: never more than ran, and whole.
tell 'load 6 SELECT 1 AS busy'
for _ in $(seq 1 20); do
    switch disable "$CONSOLE"
    switch enable "$CONSOLE"
done
switch disable "$CONSOLE"
tell rest
ran=$TOLD
counted=$(console_calls 'select ? as busy')
assert_eq "under load: not more than ran, and not none" true \
    "$([ "$counted" -gt 0 ] && [ "$counted" -le "$ran" ] && echo true)"
"$PERFSPY_CTL" stats -p "$CONSOLE" --json >"$TEST_DIR/stats.json"
assert_json "whole calls" "$TEST_DIR/stats.json" \
    '[.operations[] | select(.statement == "select ? as busy")] |
     all(.[]; .calls == .rows and .errors == 0 and .aborted == 0)'
assert_json "stats tells that it is off" "$TEST_DIR/stats.json" \
    '.processes[0].disabled_since | type == "string"'

# A service: requests on a connection that is kept open all the time, by one client.
parts_init --parts 50 >"$TEST_DIR/init.log" 2>&1
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$PWD/rules/parts.yml" -- --threads 2
cat >"$TEST_DIR/client.py" <<'PYTHON'
import http.client, sys
c = http.client.HTTPConnection(sys.argv[1].removeprefix("http://"))
for line in sys.stdin:
    for _ in range(int(line)):
        c.request("GET", "/healthz")
        r = c.getresponse()
        r.read()
    print(r.status, flush=True)
PYTHON
mkfifo "$TEST_DIR/client.in" "$TEST_DIR/client.out"
/usr/bin/python3 "$TEST_DIR/client.py" "$SERVER_URL" <"$TEST_DIR/client.in" >"$TEST_DIR/client.out" &
on_exit kill $!
exec 6>"$TEST_DIR/client.in" 5<"$TEST_DIR/client.out"
requests() {
    echo "$1" >&6
    read -r -t 60 -u 5
}
seen() {
    "$PERFSPY_CTL" stats -p "$SERVER_PID" --json |
        jq '[.operations[] | select(.kind == "http") | .calls] | add // 0'
}
requests 3
before=$(seen)
switch disable "$SERVER_PID"
requests 5
assert_eq "requests while it is off" "$before" "$(seen)"
switch enable "$SERVER_PID"
requests 7
assert_eq "a connection that was open all the time is joined at its next request" \
    $((before + 7)) "$(seen)"
"$PERFSPY_CTL" stats -p "$SERVER_PID" --json >"$TEST_DIR/stats.json"
assert_json "and nothing was given up" "$TEST_DIR/stats.json" \
    '[.operations[] | select(.kind == "http")] | all(.[]; .errors == 0 and .aborted == 0)'
"$PERFSPY_CTL" inflight -p "$SERVER_PID" --json >"$TEST_DIR/inflight.json"
assert_json "no request is under way" "$TEST_DIR/inflight.json" '.requests | length == 0'

# Switched off from the start, until somebody wants it.
mkfifo "$TEST_DIR/go"
LD_PRELOAD=$PERFSPY_PRELOAD PERFSPY_ENABLED=later "$BUILD/victims/console" \
    <"$TEST_DIR/go" >"$TEST_DIR/later" &
later=$!
exec 4>"$TEST_DIR/go"
on_exit kill "$later"
wait_for 30 grep -qs ready "$TEST_DIR/later"
CONSOLE=$later
ps_is "PERFSPY_ENABLED=later: off from the start" "$later" '.disabled_since | type == "string"'
assert_eq "nothing was recorded" 0 "$(console_calls 'libpq.connect')"
switch enable "$later"
echo 'exec SELECT 1 AS late' >&4
wait_for 30 grep -qs PGRES "$TEST_DIR/later"
assert_eq "until it is switched on" 1 "$(console_calls 'select ? as late')"

# A child that was forked while it was off, on its parent's connection: it can be reached itself.
switch disable "$later"
echo child >&4
wait_for 30 grep -qsE '^[0-9]+$' "$TEST_DIR/later"
child=$(grep -E '^[0-9]+$' "$TEST_DIR/later")
echo 'exec SELECT 1 AS inherited' >&4
answers() {
    [ "$(grep -c PGRES "$TEST_DIR/later")" -eq "$1" ]
}
wait_for 30 answers 2
CONSOLE=$child
ps_is "a child begins switched off" "$child" '.state == "live" and (.disabled_since | type == "string")'
switch enable "$child"
echo 'exec SELECT 1 AS inherited' >&4
wait_for 30 answers 3
assert_eq "until it is switched on" 1 "$(console_calls 'select ? as inherited')"
