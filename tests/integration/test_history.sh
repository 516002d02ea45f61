#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# History of a real process: windows know what whole lives know, percentiles of the parts of requests
# included; what the process used over time; settings, good and bad; and that a kill -9 takes nothing.
. "$(dirname "$0")/lib/check.sh"

stats=$TEST_DIR/stats.json document=$TEST_DIR/document.json
export PERFSPY_DIR=$TEST_DIR/regions

# A thread a request. /nap queries three times, one of them for 100 ms; /plain does not; /grow takes
# 40 descriptors and 40 MB for good.
cat >"$TEST_DIR/service.py" <<'PYTHON'
import socket, sys, threading
import psycopg2

kept = []

def work(path):
    if path == "/nap":
        conn = psycopg2.connect("")
        cursor = conn.cursor()
        for text in ("SELECT 1", "SELECT pg_sleep(0.1)", "SELECT 2"):
            cursor.execute(text)
            cursor.fetchall()
        conn.close()
    elif path == "/grow":
        kept.append([socket.socket() for _ in range(40)])
        kept.append(bytearray(b"x" * 40_000_000))

def answer(client):
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(4096)
    work(data.split()[1].decode())
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    client.close()

listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
while True:
    client, _ = listener.accept()
    threading.Thread(target=answer, args=(client,), daemon=True).start()
PYTHON

# serve [NAME=VALUE...]
serve() {
    start_server LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_DIR="$PERFSPY_DIR" "$@" \
        /usr/bin/python3 "$TEST_DIR/service.py"
}

get() {
    curl -sSf --max-time 60 -o "$TEST_DIR/body" "$SERVER_URL$1"
}

# ask COMMAND [OPTION...]: its JSON into $document.
ask() {
    "$PERFSPY_CTL" "$@" -p "$SERVER_PID" --json >"$document"
}

# answers FILTER COMMAND [OPTION...]: what jq finds is true.
answers() {
    local filter=$1
    shift
    ask "$@" && jq -e "$filter" "$document" >"$TEST_DIR/answer"
}

# Numbers of /proc for what `ps` tells of the process. A request's thread may still be on its way out,
# and of the descriptors one may be that by which `ps` itself was answered.
use_is_right() {
    local pid=$SERVER_PID
    ask ps && jq -e --argjson threads "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" \
        --argjson fds "$(find "/proc/$pid/fd" -mindepth 1 -maxdepth 1 | wc -l)" \
        --argjson kib "$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")" \
        '.processes[0].use | .threads == $threads and .fds - $fds >= 0 and .fds - $fds <= 1 and
            .rss_bytes / 1024 / $kib > 0.9 and .rss_bytes / 1024 / $kib < 1.1' "$document" >"$TEST_DIR/answer"
}

# ---- windows and use ---------------------------------------------------------------------------

serve PERFSPY_HISTORY=256K PERFSPY_HISTORY_STEPS=1s:20s,5s:10m
for _ in 1 2 3; do get /nap; done
for _ in 1 2 3 4 5; do get /plain; done
parts_await_requests "$SERVER_PID" 8 "$stats"
check 'steps hold all calls' wait_for 30 answers '[.points[:-1][].calls] | add == 8' trend --last 5m --step 1s
for last in '' '--last 10m'; do
    # shellcheck disable=SC2086 # an option and its value
    ask requests $last
    assert_json "parts have percentiles${last:+ in a window}" "$document" '
        (.requests | map({(.operation): .}) | add) as $r |
        ($r["GET /nap"].percentiles | .database_wait.p50_ms >= 100 / 1.045 and
            .first_byte.p50_ms >= 100 / 1.045 and .database_wait.p99_ms >= .database_wait.p50_ms) and
        ($r["GET /plain"].percentiles | .database_wait.p99_ms == 0 and .database_rows.p99_ms == 0 and
            .program.p50_ms > 0)'
    assert_json "as the queries have${last:+ in a window}" "$document" \
        '.requests[] | select(.operation == "GET /nap").queries | .min == .max and .median == .max and .mean == .max'
done
assert_match 'as text' '  database wait +[0-9.]+ % +[0-9]+ ms +[0-9]+ ms +[0-9]+ ms' \
    "$("$PERFSPY_CTL" requests 'GET /nap' -p "$SERVER_PID")"
assert_match 'a window that is longer than the life' 'the last 1 h, of which only .* are covered' \
    "$("$PERFSPY_CTL" stats --last 1h -p "$SERVER_PID" | head -n 1)"

check 'what the process uses' wait_for 30 use_is_right
ask ps
before=$(jq -c '.processes[0].use' "$document")
get /grow
check 'more is seen' wait_for 30 answers \
    ".processes[0].use | .fds >= ($before).fds + 40 and .rss_bytes >= ($before).rss_bytes + 36e6" ps
check 'and when it came' answers '
    [.points[].use | select(.fds != null)] | .[0].fds + 40 <= .[-1].fds and
        .[0].rss_bytes + 36e6 <= .[-1].rss_bytes' trend --last 5m --step 1s

# ---- after kill -9 -----------------------------------------------------------------------------

for _ in 1 2 3; do get /plain; done
parts_await_requests "$SERVER_PID" 12 "$stats"
stop_process "$SERVER_PID" KILL || true
ask stats --last 10m
assert_eq 'a killed process has lost no call' '3 8 1' "$(json "$document" '
    (.operations | map({(.operation): .calls}) | add) as $c |
    "\($c["GET /nap"]) \($c["GET /plain"]) \($c["GET /grow"])"')"
ask trend --last 10m
assert_eq 'nor its course' 12 "$(json "$document" '[.points[].calls] | add')"

# ---- settings ----------------------------------------------------------------------------------

serve PERFSPY_HISTORY=1K PERFSPY_HISTORY_STEPS=soon
get /plain
check 'bad settings are said' answers '.processes[0].problem ==
    "PERFSPY_HISTORY is not a size from 64K to 64M; PERFSPY_HISTORY_STEPS is not like 10s:1h,1m:24h,10m:168h"' ps
parts_await_requests "$SERVER_PID" 1 "$stats"
ask stats --last 10m
assert_json 'and the defaults are in force' "$document" '.operations[0].calls == 1'
stop_process "$SERVER_PID" || true
serve PERFSPY_HISTORY=16M
get /plain
region=$(stat -c %s "$PERFSPY_DIR/$SERVER_PID"-*.region)
assert_eq 'a larger history is a larger region' yes "$([ "$region" -gt $((20 << 20)) ] && echo yes || echo "$region")"
parts_await_requests "$SERVER_PID" 1 "$stats"
ask stats --last 10m
assert_json 'which is read' "$document" '.operations[0].calls == 1'
stop_process "$SERVER_PID" || true
