#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Connections that are being made: seen by `inflight` while they last, in every way that libpq makes
# one, and time that their requests wait for the database, but none of their queries.
. "$(dirname "$0")/lib/check.sh"

seen=$TEST_DIR/inflight.json
stats=$TEST_DIR/stats.json
victims=$BUILD/victims

cat >"$TEST_DIR/rules.yml" <<'YAML'
version: 1
repeats: {calls: 2, time: 1us, share: 1%}
YAML

# Two ports. The first is listened on, and nobody ever speaks. Behind the second is the database, for
# every other connection; those between are held as at the first. What is held is closed when told.
cat >"$TEST_DIR/mute.py" <<'PYTHON'
import os, selectors, socket, sys

mute, relay = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
print(mute.getsockname()[1], relay.getsockname()[1], flush=True)
loop = selectors.DefaultSelector()
held, peers, accepted = [], {}, 0
for what in (mute, relay, sys.stdin):
    loop.register(what, selectors.EVENT_READ)

def join(client):
    if os.environ["PGHOST"].startswith("/"):
        server = socket.socket(socket.AF_UNIX)
        server.connect("%s/.s.PGSQL.%s" % (os.environ["PGHOST"], os.environ.get("PGPORT", "5432")))
    else:
        server = socket.create_connection((os.environ["PGHOST"], os.environ.get("PGPORT", "5432")))
    for a, b in ((client, server), (server, client)):
        peers[a] = b
        loop.register(a, selectors.EVENT_READ)

def move(what):
    data = what.recv(65536)
    if data:
        peers[what].sendall(data)
    else:
        for end in (what, peers[what]):
            loop.unregister(end)
            end.close()
        del peers[peers[what]], peers[what]

while True:
    for key, _ in loop.select():
        what = key.fileobj
        if what is mute:
            held.append(what.accept()[0])
        elif what is relay:
            accepted += 1
            client = what.accept()[0]
            if accepted % 2 == 1:
                join(client)
            else:
                held.append(client)
        elif what is sys.stdin:
            if not sys.stdin.readline():
                sys.exit()
            for client in held:
                client.close()
            held = []
        elif what in peers:
            move(what)
PYTHON

inflight_shows() {
    "$PERFSPY_CTL" inflight -p "$SERVER_PID" --json >"$seen" 2>/dev/null && jq -e "$1" "$seen" >/dev/null
}

# await WHAT FILTER: a check that the filter becomes true of what is under way.
await() {
    if wait_for 15 inflight_shows "$2"; then
        ok "$1"
    else
        not_ok "$1" "never true: $2" "of: $(jq -c . "$seen")"
    fi
}

# get WAY: in the background; its process id goes to CLIENTS.
CLIENTS=()
get() {
    curl -sSf --max-time 60 -o /dev/null "$SERVER_URL/$1" 8>&- &
    CLIENTS+=("$!")
}

# hang_up: what is held is closed, and the requests that wait for it end.
hang_up() {
    echo >&8
    wait "${CLIENTS[@]}"
    CLIENTS=()
}

# of OPERATION FILTER
of() {
    json "$stats" ".operations[] | select(.operation == \"$1\") | $2"
}

# waited_at_least OPERATION: as long as `inflight` said at $seen that its request was connecting.
waited_at_least() {
    local least
    least=$(json "$seen" ".connections[] | select(.request == \"$1\") | .elapsed_ms")
    assert_eq "$1: waited for its connect, and had no query" "true 0" \
        "$(of "$1" "\"\\(.database_wait_ms >= $least) \\(.queries.max)\"")"
}

mkfifo "$TEST_DIR/tell"
/usr/bin/python3 "$TEST_DIR/mute.py" <"$TEST_DIR/tell" >"$TEST_DIR/ports" &
mute=$!
on_exit stop_process "$mute"
exec 8>"$TEST_DIR/tell"
wait_for 15 grep -q . "$TEST_DIR/ports"
read -r port reset_port <"$TEST_DIR/ports"

start_server LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$TEST_DIR/rules.yml" PGSSLMODE=disable \
    PGGSSENCMODE=disable "$victims/connects" "$port" "$reset_port"

# ---- new connections ---------------------------------------------------------------------------

ways='connectdb params setdblogin ping poll'
for way in $ways; do
    get "$way"
done
await "connects that nobody answers are under way" '(.requests | length) == 5 and (.connections | length) == 5 and
    all(.connections[]; .waits_for == "connect" and .host == "127.0.0.1" and .request != null)'
for way in $ways; do
    own=libpq.connect
    [ "$way" != ping ] || own=libpq.ping
    assert_json "$way: whose, whom it tries to reach, as whom" "$seen" '
        [.connections[] | select(.request == "GET /" + $way)] | length == 1 and (.[0] |
        .operation == $own and .port == $port and .database == "none" and .user == "nobody" and
        .backend_pid == null and .statement == null and .in_flight == 0)' \
        --arg way "$way" --arg own "$own" --arg port "$port"
    assert_json "$way: its request waits for it" "$seen" '
        .requests[] | select(.operation == "GET /" + $way) |
        .waits_for == "connect" and .statement_operation == $own and .queries == 0' \
        --arg way "$way" --arg own "$own"
done
assert_match "so does the table say, with the address" \
    "libpq.connect +[0-9.]+ m?s +connect +GET /poll +none at 127.0.0.1:$port" \
    "$("$PERFSPY_CTL" inflight -p "$SERVER_PID")"
assert_eq "of whom it connects as no password is kept" "1 0" \
    "$(cat "$PERFSPY_DIR/$SERVER_PID"-*.region | tr -s '\0' '\n' |
        awk '/nobody/ { user = 1 } /secret/ { password = 1 } END { print user + 0, password + 0 }')"
await "and all of them take their time" 'all(.connections[]; .elapsed_ms > 100)'

(umask 077 && echo 'super_admin secret-token' >"$TEST_DIR/tokens")
"$PERFSPY_CTL" serve --listen 127.0.0.1:0 --token-file "$TEST_DIR/tokens" 2>"$TEST_DIR/serve.log" &
serve=$!
on_exit stop_process "$serve"
wait_for 15 grep -q 'listening on' "$TEST_DIR/serve.log"
api=$(sed -n 's|.*listening on \([^ ]*:[0-9]*\).*|http://\1|p' "$TEST_DIR/serve.log")
curl -sSf --max-time 30 -H 'Authorization: Bearer secret-token' \
    "$api/performance/inflight?pid=$SERVER_PID" >"$TEST_DIR/http.json"
assert_eq "over HTTP it is the same" 5 \
    "$(json "$TEST_DIR/http.json" '[.connections[] | select(.waits_for == "connect")] | length')"

hang_up
parts_await_requests "$SERVER_PID" 5 "$stats"
for way in $ways; do
    waited_at_least "GET /$way"
done
assert_eq "each is a failed call, found by its thread" "4 4 4" \
    "$(of libpq.connect '"\(.calls) \(.errors) \(.attribution.thread)"')"
await "and is listed no more" '(.requests + .connections) == []'

# ---- resets ------------------------------------------------------------------------------------

for way in reset resetpoll; do
    get "$way"
    await "$way: the connection is made again" ".connections | length == 1 and (.[0] |
        .waits_for == \"connect\" and .request == \"GET /$way\" and .port == \"$reset_port\")"
    hang_up
done
parts_await_requests "$SERVER_PID" 7 "$stats"
waited_at_least "GET /resetpoll"

# ---- good ones ---------------------------------------------------------------------------------

get query
wait "${CLIENTS[@]}"
parts_await_requests "$SERVER_PID" 8 "$stats"
assert_eq "connects are none of a request's queries" 3 "$(of 'GET /query' .queries.mean)"
assert_eq "but calls of their own" "11 6" "$(of libpq.connect '"\(.calls) \(.errors)"')"
"$PERFSPY_CTL" requests -p "$SERVER_PID" --json >"$TEST_DIR/requests.json"
assert_json "and no repeated statement" "$TEST_DIR/requests.json" '.repeated_statements == []'
await "nothing is left under way" '(.requests + .connections) == []'
