#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to other people's programs under load, and leaving them, with signals flying: each answer
# is looked at, none may be wrong or late for good, no signal be lost, nothing be left. A few times each;
# make soak-attach does it a thousand times and tells what it took.
# time limit: 100000
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

live=$PWD/tests/integration/live
lib=$PWD/tests/integration/lib
flying=$TEST_DIR/flying
CYCLES=${ATTACH_CYCLES:-3}
ONLY=${ATTACH_ONLY:-} # a name, for one of them alone

mkdir "$flying"
mkfifo "$TEST_DIR/never"
exec 8<>"$TEST_DIR/never"
sql "CREATE TABLE live (id int PRIMARY KEY, name text);
     INSERT INTO live SELECT i, i * 7919 FROM generate_series(0, 99) i;
     CREATE TABLE pulse (client int PRIMARY KEY, n int) WITH (fillfactor = 10);
     INSERT INTO pulse SELECT i, 0 FROM generate_series(0, 63) i"
export PYTHONDONTWRITEBYTECODE=1

# ---- signals ----------------------------------------------------------------------------------

# account PID: what tests/victims/flying.c has on it: begin, ticks, profs, forked, ended.
account() {
    od -A n -t d8 -v -w40 "$flying/$1"
}

# ticks_missing PID: of all that the timer had fired up to now how many have not come.
ticks_missing() {
    /usr/bin/python3 - "$flying/$1" <<'PYTHON'
import struct, sys, time
now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
began, *_ = struct.unpack("5q", open(sys.argv[1], "rb").read(40))
due = (now - began) // 1000000 - 1
deadline = time.monotonic() + 60
while True:
    ticks = struct.unpack("5q", open(sys.argv[1], "rb").read(40))[1]
    if ticks >= due or time.monotonic() > deadline:
        break
    time.sleep(0.02)
print(max(0, due - ticks))
PYTHON
}

# child_goes_on PID ENDED: another child has ended, and was told of.
child_goes_on() {
    local ended
    read -r _ _ _ _ ended < <(account "$1")
    [ "$ended" -gt "$2" ]
}

check_signals() {
    local name=$1 kinds=$2 pid=$3 ticks profs ended
    assert_eq "$name: no tick of the timer is lost" 0 "$(ticks_missing "$pid")"
    read -r _ ticks profs _ ended < <(account "$pid")
    [[ $kinds != *child* ]] || check "$name: no SIGCHLD is lost" wait_for 15 child_goes_on "$pid" "$ended"
    echo "# $name: $ticks ticks of a timer, $profs of SIGPROF, $ended children"
}

echo "# | program | cycles | first: away / in all, ms | others: away p50 / p90 / p99 / max | in all p50 / p90 / p99 / max |"

# ---- load -------------------------------------------------------------------------------------

free_port() {
    /usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

answers() {
    curl -sf --max-time 20 "http://127.0.0.1:$port/item?n=7" 2>"$TEST_DIR/curl.err" | grep -qx "7 $((7 * 7919))"
}

answers_or_dead() {
    answers || ! running "$server"
}

load_begin() {
    wrk -t 1 -c 8 -d 36000s --timeout 60s -s "$live/load.lua" "http://127.0.0.1:$port" >"$TEST_DIR/load" 2>&1 &
    load=$!
    on_exit stop_process "$load" INT
}

# load_end WHAT: it has gone well.
load_end() {
    stop_process "$load" INT || true
    assert_eq "$1: no request failed, and no answer was wrong" "failed 0 " "$(grep '^failed' "$TEST_DIR/load")"
    requests=$(sed -n 's/^answered //p' "$TEST_DIR/load")
    assert_eq "$1: there were answers" 1 $((requests > 0))
}

# ---- a server ---------------------------------------------------------------------------------

# serve NAME KINDS COMMAND...: starts it with these signals, PORT in its place. Sets server, pid.
serve() {
    local name=$1 kinds=$2
    shift 2
    for _ in 1 2 3; do
        port=$(free_port)
        setsid env FLYING="$flying:$kinds" LD_PRELOAD="$BUILD/victims/flying.so" "${@//PORT/$port}" \
            <"$TEST_DIR/never" >"$TEST_DIR/$name.log" 2>&1 &
        server=$!
        on_exit stop_process "$server"
        wait_for 30 answers_or_dead || true
        ! running "$server" || return 0
    done
    not_ok "$name starts" "$(tail -n 20 "$TEST_DIR/$name.log")"
    return 1
}

# cycles TIMES: prints how many failed.
cycles() {
    "$lib/attach.py" cycle "$pid" "$1" "$TEST_DIR/times"
}

# What a program maps for itself comes and goes by a few; what a cycle left would be CYCLES.
keeps() {
    attach_keeps "$1" "$pid" $((64 + CYCLES / 4)) "${held[@]}"
}

took() {
    "$lib/attach.py" table "$1" "$TEST_DIR/times" | sed 's/^/# /'
}

children() {
    curl -sf --max-time 20 "http://127.0.0.1:$port/children"
}

has_children() {
    [ "$(children)" -gt "$1" ]
}

# examine NAME KINDS: attached to under load, and left.
examine() {
    local name=$1 kinds=$2 failed
    load_begin
    sleep 0.3
    load_end "$name, never attached to"
    : >"$TEST_DIR/times"
    load_begin
    failed=$(cycles 2)
    load_end "$name, twice"
    read -ra held < <(attach_holds "$pid")
    load_begin
    failed=$((failed + $(cycles $((CYCLES - 2)))))
    load_end "$name, then"
    assert_eq "$name: attached, counted and detached $CYCLES times" 0 "$failed"
    keeps "$name"
    check_signals "$name" "$kinds" "$pid"
    [ "$3" = - ] || check "$name: its own children's ends are told" wait_for 15 has_children "$(children)"
    check "$name: answers" answers
    took "$name"
    echo "# $name: $requests requests of the last load"
}

# live NAME PROGRAM KINDS CHILDREN ENDS COMMAND...: one server, if PROGRAM is installed. KINDS of signals,
# CHILDREN: it has some of its own; ENDS with that status when it is told to.
live() {
    local name=$1 program=$2 kinds=$3 own=$4 ends=$5 status=0
    shift 5
    [[ $name = *$ONLY* ]] || return 0
    if ! command -v "$program" >/dev/null; then
        skip "$name" "$program is not installed"
        return 0
    fi
    serve "$name" "$kinds" "$@" || return 0
    pid=$server
    [[ $name != gunicorn* ]] || pid=$(pgrep -P "$server" | head -n 1)
    examine "$name" "$kinds" "$own"
    running "$pid" || not_ok "$name: lives"
    stop_process "$server" || status=$?
    assert_eq "$name: ends as it would have" "$ends" "$status"
}

live gunicorn-sync gunicorn timer,prof - 0 gunicorn -w 1 --chdir "$live" -b 127.0.0.1:PORT app:wsgi
live gunicorn-gthread gunicorn timer,prof - 0 gunicorn -w 1 --threads 4 --chdir "$live" \
    -b 127.0.0.1:PORT app:wsgi
live uvicorn uvicorn timer,prof,child - 0 uvicorn --app-dir "$live" --host 127.0.0.1 --port PORT \
    --log-level warning app:asgi
# PHP's own handler of SIGPROF ends a script that has run for too long.
live php php timer,child - 143 php -S 127.0.0.1:PORT "$live/app.php"
live webrick ruby timer,prof children 0 ruby "$live/webrick.rb" PORT
live puma puma timer,prof children 143 puma -q -e production -t 4:4 -w 0 -b tcp://127.0.0.1:PORT "$live/items.ru"
if [[ node != *$ONLY* ]]; then
    :
elif node_missing=$("$live/../../drivers/node.sh" "$BUILD/node" | tail -n 1); then
    export NODE_PATH
    NODE_PATH=$(<"$BUILD/node/path")
    # It gives the classic signals their defaults as it starts: SIGPROF would end it.
    live node "$BUILD/node/node" timer children 143 "$BUILD/node/node" "$live/app.js" PORT
else
    skip node "$node_missing"
fi

# ---- pgbench ----------------------------------------------------------------------------------

pulses() {
    sql 'SELECT sum(n) FROM pulse'
}

beats() {
    [ "$(pulses)" -gt "$1" ] || ! running "$pid"
}

# bench MODE CLIENTS: each in a thread of its own. Its alarm ends it.
bench() {
    local name=pgbench-$1 clients=$2 before status=0 failed
    [[ $name = *$ONLY* ]] || return 0
    before=$(pulses)
    setsid env FLYING="$flying:timer,prof,child" LD_PRELOAD="$BUILD/victims/flying.so" pgbench -M "$1" -n -c "$clients" \
        -j "$clients" -T 36000 -f "$live/pgbench.sql" >"$TEST_DIR/$name.log" 2>&1 &
    pid=$!
    on_exit stop_process "$pid" ALRM
    wait_for 30 beats "$before"
    : >"$TEST_DIR/times"
    failed=$(cycles 2)
    read -ra held < <(attach_holds "$pid")
    failed=$((failed + $(cycles $((CYCLES - 2)))))
    assert_eq "$name: attached, counted and detached $CYCLES times" 0 "$failed"
    keeps "$name"
    check_signals "$name" timer,child "$pid"
    check "$name: goes on" wait_for 15 beats "$(pulses)"
    took "$name"
    stop_process "$pid" ALRM || status=$?
    assert_eq "$name: ends well" "0 number of failed transactions: 0 (0.000%)" \
        "$status $(grep '^number of failed' "$TEST_DIR/$name.log")"
    assert_eq "$name: each transaction is done, once" $(($(pulses) - before)) \
        "$(sed -n 's/^number of transactions actually processed: //p' "$TEST_DIR/$name.log")"
}

for mode in prepared simple extended; do
    bench "$mode" 64
done
