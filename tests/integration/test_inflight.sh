#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What is under way this moment: a request that waits for a locked row, one whose client takes
# nothing, a transaction left open; also of a process that was killed in the middle of it.
. "$(dirname "$0")/lib/check.sh"

seen=$TEST_DIR/inflight.json

inflight() {
    "$PERFSPY_CTL" inflight -p "$1" --json >"$seen" 2>/dev/null
}

# inflight_shows PID FILTER: the filter is true of what is under way now.
inflight_shows() {
    inflight "$1" && jq -e "$2" "$seen" >/dev/null
}

# await WHAT PID FILTER: a check that it becomes true.
await() {
    if wait_for 15 inflight_shows "$2" "$3"; then
        ok "$1"
    else
        not_ok "$1" "never true: $3" "of: $(jq -c . "$seen")"
    fi
}

# hold_row: another session locks part 1 until release_row.
hold_row() {
    mkfifo "$TEST_DIR/holder"
    psql -XqAt -v ON_ERROR_STOP=1 <"$TEST_DIR/holder" >"$TEST_DIR/held" 2>&1 &
    HOLDER=$!
    exec 7>"$TEST_DIR/holder"
    echo 'BEGIN; SELECT id FROM parts WHERE id = 1 FOR UPDATE;' >&7
    wait_for 15 grep -q 1 "$TEST_DIR/held"
}

release_row() {
    exec 7>&-
    wait "$HOLDER" || true
    rm -f "$TEST_DIR/holder" "$TEST_DIR/held"
}

delete_part() {
    curl -s --max-time 60 -o "$TEST_DIR/answer" -w '%{http_code}' -X DELETE "$SERVER_URL/parts/1" \
        -H "Authorization: Bearer $PARTS_TOKEN" >"$TEST_DIR/status" &
    CLIENT=$!
}

# The row is waited for in the request's second statement.
stands() {
    [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")" = 1 ]
}

waiting='.requests[] | select(.operation == "api.delete_part" and .waits_for == "server")'

parts_init --parts 1000 >"$TEST_DIR/init.log" 2>&1
psql -qXc 'UPDATE parts SET description = repeat(chr(8364), 2000)'
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$PWD/rules/parts.yml"
parts_login
await "nothing is under way" "$SERVER_PID" '(.requests + .connections) == []'
assert_match "which is said" '^nothing is under way' "$("$PERFSPY_CTL" inflight -p "$SERVER_PID")"

# ---- a locked row -----------------------------------------------------------------------------

hold_row
delete_part
check "a request comes to the locked row" wait_for 15 stands
await "a request waits for the server" "$SERVER_PID" "$waiting"
backend=$(sql "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
assert_json "in that statement, at that backend" "$seen" \
    "[$waiting] == [$waiting | select(.backend_pid == \$pid)] and
    ([.connections[] | select(.backend_pid == \$pid)] | length == 1)" --argjson pid "$backend"
assert_json "its connection knows the request, the database and the text" "$seen" \
    '.connections[] | select(.backend_pid == $pid) | .request == "api.delete_part" and
    .database == $db and .in_flight == 1 and .waits_for == "server" and
    .statement == "delete from parts where id = ?"' \
    --argjson pid "$backend" --arg db "$PGDATABASE"
first=$(json "$seen" "[$waiting][0].elapsed_ms")
await "it has waited longer when asked again" "$SERVER_PID" "$waiting | .elapsed_ms > $first + 100"
cancel=$("$PERFSPY_CTL" inflight -p "$SERVER_PID" | grep -m1 "^SELECT pg_cancel_backend($backend);")
assert_match "the line that ends it is ready" "^SELECT pg_cancel_backend\($backend\); -- " "$cancel"
assert_eq "and ends it" t "$(sql "$cancel")"
wait "$CLIENT" || true
assert_match "its client gets an error" '^5' "$(<"$TEST_DIR/status")"
await "nothing is under way any more" "$SERVER_PID" '(.requests + .connections) == []'

# ---- the first statement of a connection ------------------------------------------------------

# A service that connects for each request hangs in the first statement of a connection. By PQexec:
# nothing has come back from libpq yet when it waits.
cat >"$TEST_DIR/first.py" <<'PYTHON'
import psycopg2
connection = psycopg2.connect("")
connection.autocommit = True
connection.cursor().execute("SELECT pg_sleep(600)")
PYTHON
LD_PRELOAD=$PERFSPY_PRELOAD /usr/bin/python3 "$TEST_DIR/first.py" >"$TEST_DIR/first" 2>&1 &
first=$!
on_exit stop_process "$first"
await "the first statement of a connection knows its server and backend" "$first" \
    '.connections[] | select(.waits_for == "server" and .backend_pid > 0 and .database == "'"$PGDATABASE"'")'
cancel=$("$PERFSPY_CTL" inflight -p "$first" | grep -m1 '^SELECT pg_cancel_backend(')
assert_eq "and the line that ends it does" t "$(sql "$cancel")"
wait "$first" || true
assert_match "with an error" 'canceling statement' "$(<"$TEST_DIR/first")"

# ---- a client that takes nothing --------------------------------------------------------------

cat >"$TEST_DIR/stopped.py" <<'PYTHON'
# Asks for 6 MB and takes nothing of it until told to.
import socket, sys
host, port, token = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
s.connect((host, port))
s.sendall(f"GET /parts/?limit=1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
          f"Authorization: Bearer {token}\r\n\r\n".encode())
sys.stdin.readline()
while s.recv(1 << 16):
    pass
PYTHON
address=${SERVER_URL#http://}
mkfifo "$TEST_DIR/stopped"
/usr/bin/python3 "$TEST_DIR/stopped.py" "${address%:*}" "${address#*:}" "$PARTS_TOKEN" \
    <"$TEST_DIR/stopped" &
client=$!
exec 8>"$TEST_DIR/stopped"
await "a request waits for its client" "$SERVER_PID" \
    '.requests[] | select(.operation == "api.get_parts" and .waits_for == "client" and .queries >= 1)'
exec 8>&-
wait "$client"
await "until that has taken all of it" "$SERVER_PID" '.requests == []'

# ---- killed in the middle ---------------------------------------------------------------------

delete_part
await "a request waits again" "$SERVER_PID" "$waiting"
stop_process "$SERVER_PID" KILL || true
wait "$CLIENT" || true
await "a dead process tells what it died in" "$SERVER_PID" "$waiting | .dead"
release_row

# ---- idle in a transaction --------------------------------------------------------------------

cat >"$TEST_DIR/idle.py" <<'PYTHON'
import sys, psycopg2
conn = psycopg2.connect("")
cursor = conn.cursor()
cursor.execute("SELECT 1 AS opened")
cursor.execute("SELECT pg_backend_pid()")
print(cursor.fetchone()[0], flush=True)
sys.stdin.readline()
conn.commit()
print("committed", flush=True)
sys.stdin.readline()
PYTHON
mkfifo "$TEST_DIR/idle"
LD_PRELOAD=$PERFSPY_PRELOAD /usr/bin/python3 "$TEST_DIR/idle.py" <"$TEST_DIR/idle" \
    >"$TEST_DIR/idle.out" &
client=$!
exec 8>"$TEST_DIR/idle"
wait_for 15 grep -q . "$TEST_DIR/idle.out"
backend=$(head -1 "$TEST_DIR/idle.out")
await "a connection idle in a transaction is listed" "$client" \
    ".connections[] | select(.idle_in_transaction and .backend_pid == $backend)"
assert_json "with its last statement, who opened it, and its age" "$seen" \
    '.connections[] | .statement == "select pg_backend_pid()" and .transaction == "intrans" and
    .waits_for == null and .elapsed_ms >= .idle_ms and (.opened_by | startswith("sql:"))'
assert_match "and the line that would end it" "SELECT pg_terminate_backend\($backend\); -- " \
    "$("$PERFSPY_CTL" inflight -p "$client")"
echo >&8
wait_for 15 grep -q committed "$TEST_DIR/idle.out"
await "committed, it is not listed" "$client" '.connections == []'
exec 8>&-
wait "$client"
