#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `diff` on a real process: a request whose query became slower is first, and its database wait is
# named; one that always sleeps alike is not accused; a new and a vanished one are told; and what
# there is nothing before of is said.
. "$(dirname "$0")/lib/check.sh"

document=$TEST_DIR/document.json
export PERFSPY_DIR=$TEST_DIR/regions

# A thread a request: GET /NAME/SECONDS lets the database sleep so long.
cat >"$TEST_DIR/service.py" <<'PYTHON'
import socket, sys, threading
import psycopg2

def answer(client):
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(4096)
    seconds = data.split()[1].decode().split("/")[2]
    conn = psycopg2.connect("")
    conn.cursor().execute("SELECT pg_sleep(%s)", (seconds,))
    conn.close()
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    client.close()

listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
while True:
    client, _ = listener.accept()
    threading.Thread(target=answer, args=(client,), daemon=True).start()
PYTHON

cat >"$TEST_DIR/rules.yml" <<'YAML'
version: 1
operations:
  - name: shop.part
    http: GET /part/{seconds}
  - name: shop.steady
    http: GET /steady/{seconds}
  - name: shop.old
    http: GET /old/{seconds}
  - name: shop.new
    http: GET /new/{seconds}
YAML

# get NAME SECONDS COUNT: that many at once.
get() {
    local i pids=()
    for ((i = 0; i < $3; i++)); do
        curl -sSf --max-time 60 -o /dev/null "$SERVER_URL/$1/$2" &
        pids+=($!)
    done
    wait "${pids[@]}"
}

# silent: in the last 3 seconds nothing was called.
silent() {
    "$PERFSPY_CTL" stats --last 3s -p "$SERVER_PID" --json >"$document" &&
        jq -e '[.operations[].calls] | add == 0' "$document" >"$TEST_DIR/answer"
}

# differs SINCE_MS: the requests before that moment are on one side, those after it on the other. The
# window is chosen anew each time: the tool looks at its clock a little later than we do.
differs() {
    local last=$(($(date +%s%3N) - $1 + 1500))
    "$PERFSPY_CTL" diff --last "${last}ms" -p "$SERVER_PID" --json >"$document" &&
        jq -e '[.operations[] | select(.kind == "http")] |
            ([.[].before.calls] | add) == 33 and ([.[].now.calls] | add) == 33' "$document" >"$TEST_DIR/answer"
}

# details SINCE_MS: the same, as text for people.
details() {
    local last=$(($(date +%s%3N) - $1 + 1500))
    "$PERFSPY_CTL" diff shop.part --last "${last}ms" -p "$SERVER_PID" >"$TEST_DIR/answer"
    grep -Eq '^calls +20 +20$' "$TEST_DIR/answer" &&
        grep -Eq '^database wait +[0-9.]+ [^ ]*s +[1-9][0-9.]* s +x[0-9.]+$' "$TEST_DIR/answer"
}

start_server LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_DIR="$PERFSPY_DIR" PERFSPY_RULES="$TEST_DIR/rules.yml" \
    PERFSPY_HISTORY_STEPS=1s:1h /usr/bin/python3 "$TEST_DIR/service.py"
for _ in 1 2 3 4; do get part 0 5; done
get steady 1 3
get old 0 10
parts_await_requests "$SERVER_PID" 33

assert_status 'nothing before the process began' 69 "$PERFSPY_CTL" diff --last 1h -p "$SERVER_PID"
assert_match 'is said' 'nothing to compare with: .*the processes are younger' \
    "$("$PERFSPY_CTL" diff --last 1h -p "$SERVER_PID" 2>&1 || true)"

check 'a silence between' wait_for 30 silent
split=$(date +%s%3N)
get part 1 10
get part 1 10
get steady 1 3
get new 0 10
parts_await_requests "$SERVER_PID" 66

check 'both sides are told' wait_for 60 differs "$split"
assert_json 'what became slower is first, and why is said' "$document" '
    [.operations[] | select(.kind == "http")][0] | .operation == "shop.part" and
        (.changes | index("slower") != null) and .noticeable and .grown_part == "database_wait" and
        .before.calls == 20 and .now.calls == 20 and .now.p50_ms >= 1000 / 1.011 and
        .now.parts.database_wait_ms >= 1000 and (.text | startswith("slower: shop.part "))'
assert_json 'nobody is accused of three calls' "$document" '
    .operations[] | select(.operation == "shop.steady") |
        .changes == [] and (.noticeable | not) and .few_calls and .now.calls == 3'
assert_json 'new and gone' "$document" '[.operations[] | select(.kind == "http")] |
    (map({(.operation): .}) | add) as $o | $o["shop.new"].changes == ["new"] and $o["shop.new"].noticeable and
        $o["shop.old"].changes == ["gone"] and $o["shop.old"].noticeable'
assert_json 'what was covered' "$document" '.covered_s > 0 and .before.covered_s > 0 and
    .before.covered_s <= .before.window_s + 3600'

check 'one operation in detail' wait_for 60 details "$split"
assert_status 'windows that overlap' 64 "$PERFSPY_CTL" diff --last 5m --before 1m
stop_process "$SERVER_PID" || true
