#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Which request a query belongs to: by its thread, as the only one, and not at all where that would
# be a guess; what its queries are of a request's time; and statements repeated within one (N+1).
. "$(dirname "$0")/lib/check.sh"

stats=$TEST_DIR/stats.json

cat >"$TEST_DIR/rules.yml" <<'YAML'
version: 1
repeats: {calls: 5, time: 50ms, share: 30%}
operations:
  - {name: api.clean, http: GET /clean}
  - {name: api.repeats, http: GET /repeats}
  - {name: api.allowed, http: GET /allowed}
  - {name: api.held, http: GET /held}
  - {name: sql.one, sql: SELECT ? AS one}
  - {name: sql.nap, sql: SELECT pg_sleep(?) AS nap}
  - {name: sql.fine, sql: SELECT pg_sleep(?) AS fine, may_repeat: true}
  - {name: sql.held, sql: SELECT pg_advisory_lock(?)}
YAML

# The service: threads = each connection is read and answered by a thread of its own; pool = the main
# thread reads, workers query and answer.
cat >"$TEST_DIR/service.py" <<'PYTHON'
import queue, socket, sys, threading
import psycopg2

mode = sys.argv[1]
connections = threading.local()

def query(text):
    if not hasattr(connections, "conn"):
        connections.conn = psycopg2.connect("")
        connections.conn.autocommit = True
    cursor = connections.conn.cursor()
    cursor.execute(text)
    cursor.fetchall()

def work(path):
    if path == "/clean":
        query("SELECT 1 AS one")
        query("SELECT pg_sleep(0.1) AS nap")
    elif path == "/repeats":
        query("SELECT 1 AS one")
        for i in range(7):
            query("SELECT pg_sleep(0.02) AS nap")
    elif path == "/allowed":
        for i in range(7):
            query("SELECT pg_sleep(0.02) AS fine")
    elif path == "/held":
        query("SELECT pg_advisory_lock(7)")
        query("SELECT pg_advisory_unlock(7)")

def head_of(client):
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(4096)
    return data.split()[1].decode()

def answer(client, path):
    work(path)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    client.close()

listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
jobs = queue.Queue()

def worker():
    while True:
        answer(*jobs.get())

if mode == "pool":
    for _ in range(4):
        threading.Thread(target=worker, daemon=True).start()
while True:
    client, _ = listener.accept()
    if mode == "pool":
        jobs.put((client, head_of(client)))
    else:
        threading.Thread(target=lambda c: answer(c, head_of(c)), args=(client,), daemon=True).start()
PYTHON

# serve MODE
serve() {
    start_server LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$TEST_DIR/rules.yml" \
        /usr/bin/python3 "$TEST_DIR/service.py" "$1"
}

get() {
    curl -sSf --max-time 60 -o "$TEST_DIR/body" "$SERVER_URL$1"
}

# counted REQUESTS: until so many have been counted; then $stats is what they were.
counted() {
    parts_await_requests "$SERVER_PID" "$1" "$stats"
}

# of OPERATION FILTER
of() {
    json "$stats" ".operations[] | select(.operation == \"$1\") | $2"
}

# ---- a thread a connection ---------------------------------------------------------------------

serve threads
for _ in 1 2 3; do
    get /clean
    get /repeats
    get /allowed
done
counted 9
assert_eq "queries of requests are counted" "2 8 7" \
    "$(of api.clean .queries.mean) $(of api.repeats .queries.mean) $(of api.allowed .queries.mean)"
assert_eq "also the fewest, the most and the median" "8 8 8" \
    "$(of api.repeats '"\(.queries.min) \(.queries.median) \(.queries.max)"')"
assert_eq "each is found by its thread" "6 0 0 0" \
    "$(of sql.one '.attribution | "\(.thread) \(.only) \(.tag) \(.none)"')"
assert_json "the database's part is the statements' time" "$stats" '
    (.operations | map({(.operation): .}) | add) as $o | $o["api.clean"] |
    .database_wait_ms >= 100 and .database_wait_ms + .database_rows_ms <= .mean_ms and
    .program_ms >= 0'
"$PERFSPY_CTL" requests -p "$SERVER_PID" --json >"$TEST_DIR/requests.json"
assert_eq "the repeated statement is found, and only that" "api.repeats sql.nap 3 7" \
    "$(json "$TEST_DIR/requests.json" '.repeated_statements[] |
        "\(.request) \(.operation) \(.requests) \(.most_calls)"')"
assert_json "with its call site" "$TEST_DIR/requests.json" '.repeated_statements[0].call_site | test("psycopg.*[+]0x")'
stop_process "$SERVER_PID" || true

# ---- workers that did not read the request -----------------------------------------------------

serve pool
get /clean
get /clean
counted 2
assert_eq "one request at a time: it is the only one" "0 2 0 0" \
    "$(of sql.one '.attribution | "\(.thread) \(.only) \(.tag) \(.none)"')"

# Two at a time: nothing says whose the second one's query is, and it is said to be nobody's.
mkfifo "$TEST_DIR/holder"
psql -XqAt <"$TEST_DIR/holder" >"$TEST_DIR/held" 2>&1 &
holder=$!
exec 7>"$TEST_DIR/holder"
echo "SELECT pg_advisory_lock(7); SELECT 'locked';" >&7
wait_for 15 grep -q locked "$TEST_DIR/held"

waiting() {
    [ "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")" = "$1" ]
}

get /held 7>&- &
first=$!
wait_for 15 waiting 1
get /held 7>&- &
second=$!
wait_for 15 waiting 2
exec 7>&-
wait "$holder" "$first" "$second"
counted 4
assert_eq "of two requests at a time none is accused" "0 1 0 1" \
    "$(of sql.held '.attribution | "\(.thread) \(.only) \(.tag) \(.none)"')"
"$PERFSPY_CTL" requests -p "$SERVER_PID" >"$TEST_DIR/requests"
assert_match "and that is said" '[1-9][0-9]* unattributed' "$(<"$TEST_DIR/requests")"
