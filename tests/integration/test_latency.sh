#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Reported times are true: what is injected into a statement and into a client is what is reported.
# Each time has a lower bound, which is exact, and an upper one, which is what an independent
# observer measured whose span holds it, however late a thread gets the processor: a client's, to the
# end of the connection or to an answer that the same connection's thread has sent later.
. "$(dirname "$0")/lib/check.sh"

stats=$TEST_DIR/stats.json

# between WHAT LOW VALUE HIGH
between() {
    if awk -v l="$2" -v v="$3" -v h="$4" 'BEGIN { exit !(l <= v && v <= h) }'; then
        ok "$1 ($2 <= $3 <= $4)"
    else
        not_ok "$1" "want: $2 <= value <= $4" "got:  $3"
    fi
}

stat_of() {
    json "$stats" '.operations[] | select(.operation == $o) | '"$2" --arg o "$1"
}

# ---- a statement that sleeps on the server ---------------------------------------------------

parts_init --parts 1000 >"$TEST_DIR/init.log" 2>&1
psql -qXv ON_ERROR_STOP=1 <<'SQL'
CREATE EXTENSION pg_stat_statements;
ALTER TABLE usage_history RENAME TO quick_history;
CREATE VIEW usage_history AS
SELECT h.* FROM (SELECT pg_sleep(0.25) OFFSET 0) AS nap, quick_history AS h;
SQL
# Of the levels only the one below the sleep is near it.
sed '/name: parts_crud.get_part_usage_history/a\    benchmark: 100ms
    s/^levels: .*/levels: {excellent: 100ms, good: 600s, acceptable: 700s, slow: 800s}/' rules/parts.yml \
    >"$TEST_DIR/rules.yml"
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$TEST_DIR/rules.yml"
parts_login
psql -qXAtc 'SELECT pg_stat_statements_reset()' >/dev/null
cat >"$TEST_DIR/eight.py" <<'PYTHON'
# Asks eight times over one connection, then something else; prints the milliseconds that all of it
# took, and the status codes of the eight. The thread that serves the connection can only send the last
# answer when it has done with all those before.
import http.client, sys, time
address, token = sys.argv[1:]
connection = http.client.HTTPConnection(address)

def ask(path):
    connection.request("GET", path, headers={"Authorization": "Bearer " + token})
    response = connection.getresponse()
    response.read()
    return response.status

connection.connect()
begin = time.monotonic()
codes = {ask("/parts/2/usage") for _ in range(8)}
ask("/healthz")
print((time.monotonic() - begin) * 1000, *codes)
PYTHON
address=${SERVER_URL#http://}
read -r client_ms codes < <(/usr/bin/python3 "$TEST_DIR/eight.py" "$address" "$PARTS_TOKEN")
assert_eq "the slowed service answers" 200 "$codes"
"$PERFSPY_CTL" stats -p "$SERVER_PID" --json >"$stats"
server_ms=$(psql -XAtc "SELECT min_exec_time FROM pg_stat_statements WHERE query LIKE 'SELECT u.id AS usage_id%'")
operation=parts_crud.get_part_usage_history
assert_eq "each call is counted" "8 8" "$(stat_of $operation .calls) $(stat_of api.get_part_usage .calls)"
between "no call is shorter than its sleep" 250 "$(stat_of $operation .min_ms)" 1e9
between "nor than the server says" "$server_ms" "$(stat_of $operation .min_ms)" 1e9
between "the statement is shorter than its request" 250 "$(stat_of $operation .mean_ms)" \
    "$(stat_of api.get_part_usage .mean_ms)"
between "all requests together are no longer than their client saw" 2000 \
    "$(stat_of api.get_part_usage '.mean_ms * 8')" "$client_ms"
between "the median is within 1.1 % of real calls" \
    "$(stat_of $operation '.min_ms / 1.011')" "$(stat_of $operation .p50_ms)" \
    "$(stat_of $operation '.max_ms * 1.011')"
assert_eq "its level is good" 8 "$(stat_of $operation .levels.good)"
assert_eq "its benchmark is missed" false "$(stat_of $operation .benchmark.met)"
assert_status "benchmarks says so" 1 "$PERFSPY_CTL" benchmarks -p "$SERVER_PID"

# ---- a client that reads late ----------------------------------------------------------------

psql -qXv ON_ERROR_STOP=1 <<'SQL'
UPDATE parts SET description = repeat(chr(8364), 2000);
SQL
stop_process "$SERVER_PID"
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$PWD/rules/parts.yml"
parts_login
cat >"$TEST_DIR/late.py" <<'PYTHON'
# Asks for 6 MB, reads nothing for four seconds from when something could be read, then everything;
# prints the milliseconds until then and until the end, and the bytes.
import select, socket, sys, time
host, port, token = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
s.connect((host, port))
begin = time.monotonic()
s.sendall(f"GET /parts/?limit=1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
          f"Authorization: Bearer {token}\r\n\r\n".encode())
select.select([s], [], [])
first = time.monotonic()
time.sleep(4)
total = 0
while data := s.recv(1 << 16):
    total += len(data)
print((first - begin) * 1000, (time.monotonic() - begin) * 1000, total)
PYTHON
address=${SERVER_URL#http://}
read -r first_ms client_ms client_bytes < <(/usr/bin/python3 "$TEST_DIR/late.py" "${address%:*}" \
    "${address#*:}" "$PARTS_TOKEN")
"$PERFSPY_CTL" stats -p "$SERVER_PID" --json >"$stats"
operation=api.get_parts
assert_eq "the late client's request is counted" 1 "$(stat_of $operation .calls)"
assert_eq "its bytes are the client's" "$client_bytes" "$(stat_of $operation .bytes)"
# The service cannot hand over more than the kernel's buffers hold before the client reads.
between "its time is the client's, not the program's" 4000 "$(stat_of $operation .max_ms)" \
    "$client_ms"
# The thread may lose the processor right behind its first send, or before it finds the buffers full;
# not for half of the client's sleep.
between "the first byte came when the client could read it" 0 "$(stat_of $operation .ttfb_ms)" \
    "$(awk -v ms="$first_ms" 'BEGIN { print ms + 2000 }')"
between "the rest of the time it was blocked" 2000 "$(stat_of $operation .blocked_ms)" \
    "$(stat_of $operation .max_ms)"
between "the database had no part in it" 0 "$(stat_of parts_crud.get_parts .max_ms)" \
    "$(stat_of $operation .ttfb_ms)"
