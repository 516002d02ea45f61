#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# An event loop serves several requests at once: a query belongs to the request that its sqlcommenter
# tag names, and to none where two may be meant.
. "$(dirname "$0")/lib/check.sh"

stats=$TEST_DIR/stats.json

cat >"$TEST_DIR/rules.yml" <<'YAML'
version: 1
operations:
  - {name: api.held, http: GET /held}
  - {name: api.part, http: 'GET /parts/{part_id}'}
  - {name: api.list, http: GET /list}
  - {name: api.plain, http: GET /plain}
  - {name: sql.held, sql: SELECT pg_advisory_lock_shared(?) AS held}
  - {name: sql.part, sql: SELECT pg_advisory_lock_shared(?) AS part}
  - {name: sql.list, sql: SELECT ? AS list}
  - {name: sql.plain, sql: SELECT ? AS plain}
YAML

# One thread, one epoll, six asynchronous connections. Each text has a traceparent of its own.
cat >"$TEST_DIR/service.py" <<'PYTHON'
import select, socket, sys
import psycopg2

TEXTS = {
    "held": ["SELECT pg_advisory_lock_shared(7) AS held", "route='/held'"],
    "parts": ["SELECT pg_advisory_lock_shared(7) AS part", "route='%2Fparts%2F%3Cint%3Apart_id%3E'"],
    "list": ["SELECT 1 AS list", "action='api.list'"],
    "plain": ["SELECT 1 AS plain", None],
    "new": ["SELECT 1 AS new", "route='/new/:id'"],
}
TIMES = {"list": 3}

epoll = select.epoll()
calls = 0

def wait_for(conn):
    while (state := conn.poll()) != psycopg2.extensions.POLL_OK:
        reads = [conn] if state == psycopg2.extensions.POLL_READ else []
        select.select(reads, [] if reads else [conn], [])

class Job:
    def __init__(self, client, conn):
        self.client, self.conn, self.head = client, conn, b""

    def readable(self):
        self.head += self.client.recv(4096)
        if b"\r\n\r\n" not in self.head:
            return
        self.name = self.head.split()[1].decode().split("/")[1]
        self.left = TIMES.get(self.name, 1)
        self.ask()

    def ask(self):
        global calls
        calls += 1
        text, tags = TEXTS[self.name]
        if tags:
            text += " /*framework='loop',%s,traceparent='00-%032x-%016x-01'*/" % (tags, calls, calls)
        self.cursor = self.conn.cursor()
        self.cursor.execute(text)

    def answered(self):
        if self.conn.poll() != psycopg2.extensions.POLL_OK:
            return False
        self.left -= 1
        if self.left > 0:
            self.ask()
            return False
        epoll.unregister(self.client)
        self.client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        self.client.close()
        return True

idle, jobs = [], {}
for _ in range(6):
    conn = psycopg2.connect("", async_=1)
    wait_for(conn)
    epoll.register(conn.fileno(), select.EPOLLIN)
    idle.append(conn)

listener = socket.create_server(("127.0.0.1", 0))
epoll.register(listener.fileno(), select.EPOLLIN)
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
while True:
    for fd, _ in epoll.poll():
        if fd == listener.fileno():
            client, _ = listener.accept()
            job = Job(client, idle.pop())
            jobs[client.fileno()] = jobs[job.conn.fileno()] = job
            epoll.register(client.fileno(), select.EPOLLIN)
        elif fd == jobs[fd].conn.fileno():
            number = jobs[fd].client.fileno()
            if jobs[fd].answered():
                idle.append(jobs[fd].conn)
                del jobs[fd], jobs[number]
        else:
            jobs[fd].readable()
PYTHON

get() {
    curl -sSf --max-time 60 -o /dev/null "$SERVER_URL$1"
}

# of OPERATION FILTER
of() {
    json "$stats" ".operations[] | select(.operation == \"$1\") | $2"
}

ways() {
    of "$1" '.attribution | "\(.thread) \(.only) \(.tag) \(.none)"'
}

waiting() {
    [ "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")" = "$1" ]
}

start_server LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$TEST_DIR/rules.yml" \
    /usr/bin/python3 "$TEST_DIR/service.py"

mkfifo "$TEST_DIR/holder"
psql -XqAt <"$TEST_DIR/holder" >"$TEST_DIR/held" 2>&1 &
holder=$!
exec 7>"$TEST_DIR/holder"
echo "SELECT pg_advisory_lock(7); SELECT 'locked';" >&7
wait_for 15 grep -q locked "$TEST_DIR/held"

# Each waits for the lock before the next comes.
get /held 7>&- &
clients=("$!")
wait_for 15 waiting 1
get /parts/1 7>&- &
clients+=("$!")
wait_for 15 waiting 2
"$PERFSPY_CTL" inflight -p "$SERVER_PID" --json >"$TEST_DIR/inflight.json"
assert_json "the request that a tag names is known to wait for its query" "$TEST_DIR/inflight.json" '
    .requests[] | select(.operation == "api.part") | .statement_operation == "sql.part" and
    .waits_for == "server"'
get /list
get /new/1
get /new/2
get /plain
get /parts/2 7>&- &
clients+=("$!")
wait_for 15 waiting 3
exec 7>&-
wait "$holder" "${clients[@]}"
parts_await_requests "$SERVER_PID" 7 "$stats"

assert_eq "the first was alone on its thread" "1 0 0 0" "$(ways sql.held)"
assert_eq "the next is found by its tag, the one after it has a twin" "0 0 1 1" "$(ways sql.part)"
assert_eq "as many queries as it has" "0 1" "$(of api.part '"\(.queries.min) \(.queries.max)"')"
assert_eq "a tag may be an operation's name" "0 0 3 0" "$(ways sql.list)"
assert_eq "whose request has its queries" 3 "$(of api.list .queries.mean)"
assert_eq "without a tag it is nobody's" "0 0 0 1" "$(ways sql.plain)"
assert_eq "a route that no rule names is found, too" "0 0 2 0" \
    "$(json "$stats" '.operations[] | select(.statement == "select ? as new") |
        .attribution | "\(.thread) \(.only) \(.tag) \(.none)"')"
assert_eq "and its request has it" 1 "$(of 'GET /new/{id}' .queries.mean)"
