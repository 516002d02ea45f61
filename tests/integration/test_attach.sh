#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to programs that run, and leaving them: what they do is the same, all of it, and what is
# seen from then on is counted to the last statement and request.
# time limit: 600
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
dsn="dbname=$PGDATABASE"
ATTACH_OPTIONS=(--rules rules/parts.yml)
# Under load, of signals, and of tools that are killed; make soak-attach has more.
CYCLES=${ATTACH_CYCLES:-10}
SIGNALS=${ATTACH_CYCLES:+20000} SIGNALS=${SIGNALS:-3000}
KILLS=${ATTACH_CYCLES:+150} KILLS=${KILLS:-24}

protections() {
    awk '$6 ~ /^\// { print $1, $2, $6 }' "/proc/$VICTIM/maps" | sort
}

critical() {
    "$PERFSPY_CTL" stats -p "$VICTIM" --json >"$STATS"
    json "$STATS" '[.operations[].levels.critical] | add // 0'
}

begin "$victims/joined-now" "$dsn"
attach_first
detach >/dev/null
ends_well "the first"

# ---- however its calls are linked -------------------------------------------------------------

one='select ?, generate_series(?, ?)'
for how in lazy now table; do
    begin "$victims/joined-$how" "$dsn"
    protections >"$TEST_DIR/before"
    tell 'exec 3'
    check "$how: attach" attach
    tell 'exec 5'
    assert_eq "$how: what came after is counted" 5 "$(calls_of "$one")"
    tell open
    assert_eq "$how: a new connection" 1 "$(calls_of libpq.connect)"
    check "$how: detach" detach
    tell 'exec 4'
    tell close
    assert_eq "$how: what came after that is not" 5 "$(calls_of "$one")"
    check "$how: no thread of ours" wait_for 10 has_threads 1
    assert_eq "$how: no page of a file is protected otherwise" "" "$(comm -23 "$TEST_DIR/before" <(protections))"
    check "$how: attach again" attach
    tell 'exec 2'
    assert_eq "$how: and it goes on" 7 "$(calls_of "$one")"
    assert_status "$how: twice is refused" 77 attach
    ends_well "$how"
    assert_match "$how: with the same results" 'done exec 2: rows=42 failures=0' "$(tail -n 1 "$TEST_DIR/out")"
done

# ---- in the middle of something ---------------------------------------------------------------

# middle WHAT FIRST SECOND: attached to between these two steps; nothing is counted that was not seen
# from its beginning, but the statements after it are.
middle() {
    begin "$victims/joined-now" "$dsn"
    tell "$2"
    attach >/dev/null
    tell "$3"
    tell 'exec 2'
    assert_eq "$1: what came after it is counted, and nothing else" "2 $4" \
        "$(calls_of "$one") $(json "$STATS" '[.operations[].calls] | add - 2')"
    assert_eq "$1: nothing took long" 0 "$(critical)"
    ends_well "$1"
}

middle "results under way" send get 0
middle "a pipeline" pipe sync 0
middle "a COPY" copy end 0
middle "a statement prepared before" prepare run 1

# ---- waits and signals ------------------------------------------------------------------------

# cycles TIMES: attaches and detaches as often, or until the victim ends; sets FAILED.
cycles() {
    local i
    FAILED=0
    for ((i = 0; i < $1; i++)); do
        attach >"$TEST_DIR/attach.log" 2>&1 && detach >>"$TEST_DIR/attach.log" 2>&1 && continue
        wait_for 1 process_ended "$VICTIM" && break
        FAILED=$((FAILED + 1))
        sed 's/^/# /' "$TEST_DIR/attach.log"
    done
}

no_thread_of_ours() {
    ! grep -qsx perfspy "/proc/$VICTIM"/task/*/comm
}

# quiet_cycles TIMES: the same, each when the one before has come to its end in the program, too.
quiet_cycles() {
    local i failed=0
    for ((i = 0; i < $1; i++)); do
        cycles 1
        failed=$((failed + FAILED))
        wait_for 10 no_thread_of_ours
    done
    FAILED=$failed
}

for kind in read recv epoll poll ppoll select sleep sem vector; do
    begin "$victims/attached" wait "$kind"
    cycles 2
    kill "$VICTIM"
    assert_eq "waiting in $kind: attached and detached" 0 "$FAILED"
    ends_well "waiting in $kind"
done

begin "$victims/attached" wait busy read recv epoll poll ppoll select sleep sem
cycles "$CYCLES"
kill "$VICTIM"
assert_eq "threads in all of them: attached and detached $CYCLES times" 0 "$FAILED"
ends_well "threads in all of them"

begin "$victims/attached" signals "$SIGNALS"
cycles 1000
assert_eq "signals come all the while: attached and detached" 0 "$FAILED"
ends_well "no signal is lost"

# A program that never waits is left alone.
begin "$victims/attached" wait busy
before="$(attach_holds "$VICTIM") $(protections)"
says "one that never waits" 77 'no thread of process .* was found waiting in a system call' attach --timeout 300ms
assert_eq "one that never waits: as it was" "$before" "$(attach_holds "$VICTIM") $(protections)"
kill "$VICTIM"
ends_well "one that never waits"

# Nor are all of its threads gone through where there is no time for it: each is followed for 20 ms.
if command -v strace >/dev/null; then
    # shellcheck disable=SC2046 # one word a thread
    begin "$victims/attached" wait $(printf 'busy %.0s' {1..100})
    status=0
    strace -qq -o "$TEST_DIR/seized" -e trace=ptrace -e signal=none \
        "$PERFSPY_CTL" attach "$VICTIM" --timeout 300ms >"$TEST_DIR/said" 2>&1 || status=$?
    assert_eq "a hundred that never wait: refused" 77 "$status"
    assert_eq "a hundred that never wait: within its time, or so many were looked at" 1 \
        $(($(grep -c PTRACE_SEIZE "$TEST_DIR/seized") <= 50))
    kill "$VICTIM"
    ends_well "a hundred that never wait"
fi

# Hundreds of threads.
# shellcheck disable=SC2046
begin "$victims/attached" wait $(printf 'sleep %.0s' {1..300}) busy
quiet_cycles 2
read -ra held < <(attach_holds "$VICTIM")
quiet_cycles 12
assert_eq "hundreds of threads: attached and detached" 0 "$FAILED"
attach_keeps "hundreds of threads" "$VICTIM" 4 "${held[@]}" # an arena of malloc's, or two
kill "$VICTIM"
ends_well "hundreds of threads"

# Another thread is in the dynamic loader: nothing is done, and all that was prepared is undone.
begin env SLOW_LIBRARY="$victims/slow.so" "$victims/attached" wait sleep load
wait_for 10 grep -q slow.so "/proc/$VICTIM/maps"
protections >"$TEST_DIR/before"
before=$(wc -l <"/proc/$VICTIM/maps")
says "a thread in the loader" 77 "holds the dynamic loader's lock; nothing was changed" attach --timeout 500ms
assert_eq "a thread in the loader: as it was" "$before $(<"$TEST_DIR/before")" \
    "$(wc -l <"/proc/$VICTIM/maps") $(protections)"
kill "$VICTIM"
ends_well "a thread in the loader"

# ---- the tool is killed -----------------------------------------------------------------------

# At whatever moment: the process comes back by itself, attached or not.
begin "$victims/attached" wait read recv ppoll sleep sem
before=$(blocked)
killed=0
for ((i = 0; i < KILLS; i++)); do
    "$PERFSPY_CTL" attach "$VICTIM" >/dev/null 2>&1 &
    tool=$!
    sleep "0.00$((RANDOM % 8))$((RANDOM % 10))"
    kill "-$([ $((i % 3)) = 0 ] && echo INT || echo KILL)" "$tool" 2>/dev/null || true
    wait "$tool" 2>/dev/null || killed=$((killed + 1))
    wait_for 10 at_rest "$before"
done
check "attach when the tool was killed ($killed times)" attach
check "and detach" detach
check "no signal is left blocked, no thread is left" wait_for 10 at_rest "$before"
kill "$VICTIM"
ends_well "when the tool was killed"

# ---- a program of many objects, and what it loads later ----------------------------------------

cat >"$TEST_DIR/drive.py" <<'END'
import sys
print("ready", flush=True)
for line in sys.stdin:
    if line == "import\n":
        import psycopg2
        connection = psycopg2.connect(sys.argv[1])
    else:
        cursor = connection.cursor()
        for i in range(int(line)):
            cursor.execute("SELECT %s + 1", (i,))
            assert cursor.fetchone() == (i + 1,)
    print("done", flush=True)
END
begin /usr/bin/python3 "$TEST_DIR/drive.py" "$dsn"
check "python: attach" attach
tell import
tell 9
assert_eq "python: a driver that came after is seen" "9 1" \
    "$(calls_of 'select ? + ?') $(calls_of libpq.connect)"
check "python: detach" detach
tell 7
check "python: attach again" attach
tell 5
assert_eq "python: and it goes on" 14 "$(calls_of 'select ? + ?')"
ends_well "python"

begin /usr/bin/python3 "$TEST_DIR/drive.py" "$dsn"
tell import
tell 3
attach >/dev/null
tell 6
assert_eq "python: a driver and a connection that were there are seen" 6 "$(calls_of 'select ? + ?')"
ends_well "python, with its driver"

# ---- a service under load ---------------------------------------------------------------------

parts_init --parts 200 >"$TEST_DIR/init.log" 2>&1
parts_start -- --pool 3 --threads 2
parts_login
VICTIM=$SERVER_PID
check "service: attach" attach
for ((i = 0; i < 12; i++)); do
    parts_call GET "/parts/$((i + 1))" >/dev/null
done
parts_await_requests "$VICTIM" 12
assert_eq "service: requests, and statements that were prepared before, are counted" "12 12" \
    "$(calls_of api.get_part) $(calls_of prepared:get_part)"
check "service: detach" detach

cat >"$TEST_DIR/load.lua" <<END
wrk.headers["Authorization"] = "Bearer $PARTS_TOKEN"
done = function(summary)
    local e = summary.errors
    print("failed " .. e.connect + e.read + e.write + e.status + e.timeout)
end
END
wrk -t 1 -c 8 -d "$((3 + CYCLES / 10))s" --timeout 60s -s "$TEST_DIR/load.lua" "$SERVER_URL/parts/1" >"$TEST_DIR/load" &
load=$!
cycles "$CYCLES"
wait "$load"
assert_eq "under load: attached and detached $CYCLES times" 0 "$FAILED"
assert_eq "under load: no request failed" "failed 0" "$(grep '^failed' "$TEST_DIR/load")"
assert_eq "under load: no call took long" 0 "$(critical)"
parts_ends "the service ends as it would have"

# ---- what is refused --------------------------------------------------------------------------

says "no process" 69 'there is no process 4194303' "$PERFSPY_CTL" attach 4194303
says "no number" 64 '"parts_server" is not a process id' "$PERFSPY_CTL" attach parts_server
if [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then
    says "a thread of the kernel" 77 'thread of the kernel' "$PERFSPY_CTL" attach 2
fi
for kind in static musl; do
    "$victims/$kind" wait >/dev/null &
    VICTIM=$!
    on_exit stop_process "$VICTIM"
    wait_for 10 grep -qx "$kind" "/proc/$VICTIM/comm"
    says "$kind" 77 'statically linked|musl' attach
done

begin "$victims/attached" wait read
kill -STOP "$VICTIM"
wait_for 10 is_in_state T
says "stopped" 77 'is stopped: let it go on first' attach
kill -CONT "$VICTIM"
if command -v strace >/dev/null; then
    strace -o /dev/null -p "$VICTIM" 2>/dev/null &
    tracer=$!
    wait_for 10 grep -q "^TracerPid:.$tracer" "/proc/$VICTIM/status"
    says "traced" 77 "is being traced by process $tracer" attach
    stop_process "$tracer" || true
fi
if [ "$(id -u)" = 0 ]; then
    says "another user's" 77 'belongs to user 0: only that user and root' \
        setpriv --reuid=65534 --clear-groups "$(readlink -f "$PERFSPY_CTL")" attach "$VICTIM"
fi
printf 'version: 1\noperations: 7\n' >"$TEST_DIR/bad.yml"
says "rules with an error" 1 'bad.yml:2:' attach --rules "$TEST_DIR/bad.yml"
kill "$VICTIM"
ends_well "what was refused"

# ---- in mount and PID namespaces of its own ----------------------------------------------------

# Where the file of the library is not to be seen: it is loaded from memory.
cat >"$TEST_DIR/inside.sh" <<'END'
mount --bind /dev/null "$2" && exec "$1" wait read poll
END
if unshare --mount --pid --fork true 2>/dev/null; then
    begin unshare --mount --pid --fork --mount-proc bash "$TEST_DIR/inside.sh" "$victims/attached" "$PERFSPY_LIB"
    VICTIM=$(pgrep -x -P "$BEGUN" attached)
    check "namespaces: attach" attach
    assert_json "namespaces: it is found" <("$PERFSPY_CTL" stats -p "$VICTIM" --json) \
        '.processes[0].mode == "attach"'
    check "namespaces: detach" detach
    kill "$VICTIM"
    ends_well "namespaces"
fi
