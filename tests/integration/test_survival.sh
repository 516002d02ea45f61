#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What was recorded outlives the process, however that ends, and is bounded: killed in the middle of
# its calls, out of memory, in storms of forks and threads, on a disk that is full, with its file
# taken away. The truth is what the victims themselves keep account of (tests/victims/tally.c).
#
# time limit: 600
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
run_dir=$TEST_DIR/perfspy
account=$TEST_DIR/account
export PERFSPY_DIR=$run_dir

# sums: how many calls the victims have begun, and how many they have ended.
sums() {
    /usr/bin/python3 - "$account" <<'PYTHON'
import struct, sys
data = open(sys.argv[1], "rb").read()
pairs = [struct.unpack_from("QQ", data, at) for at in range(0, len(data), 64)]
print(sum(p[0] for p in pairs), sum(p[1] for p in pairs))
PYTHON
}

# counted PID...: the calls of the statement in these processes.
counted() {
    "$PERFSPY_CTL" stats "${@/#/-p}" --json |
        jq '[.operations[] | select(.statement == "select ?") | .calls] | add // 0'
}

# tally VICTIM MODE NUMBER: starts one, watched, and waits until each of its threads has made a
# thousand calls, or until it has ended.
tally() {
    rm -f "$TEST_DIR/out"
    LD_PRELOAD=$PERFSPY_PRELOAD "$victims/$1" "$account" "dbname=$PGDATABASE" "$2" "$3" \
        <"${4:-/dev/null}" >"$TEST_DIR/out" 2>&1 &
    victim=$!
    wait_for 60 grep -qs ready "$TEST_DIR/out" || not_ok "$1 $2 is not ready" "$(<"$TEST_DIR/out")"
}

# is_the_truth WHAT: what the dead victim's region counts is between the calls begun and ended.
is_the_truth() {
    local begun ended calls
    read -r begun ended < <(sums)
    calls=$(counted "$victim")
    if [ "$ended" -le "$calls" ] && [ "$calls" -le "$begun" ] && [ "$ended" -gt 1000 ]; then
        ok "$1: $ended <= $calls <= $begun"
    else
        not_ok "$1" "ended $ended, counted $calls, begun $begun"
    fi
}

# ---- killed in the middle ----------------------------------------------------------------------

# Against a stand-in for libpq the calls are millions a second, against the server they are real.
for program in tally-bound tally; do
    tally "$program" run 4
    sleep 0.5 # so that there are many; nothing depends on how many
    kill -KILL "$victim"
    wait "$victim" || true
    is_the_truth "$program, killed in the middle of its calls"
    assert_eq "$program: it is dead" dead \
        "$("$PERFSPY_CTL" ps -p "$victim" --json | jq -r '.processes[0].state')"
done

ulimit -c 0
for how in abort segv exit; do
    tally tally-bound "$how" 4
    wait "$victim" || true
    is_the_truth "ended by $how"
done

# memory_cgroup: makes a control group of 50 MiB below the first place that lets us, of either version,
# and prints it.
memory_cgroup() {
    local place dir
    for place in memory.max:/sys/fs/cgroup memory.limit_in_bytes:/sys/fs/cgroup/memory; do
        dir=${place#*:}/perfspy-test-$$
        case $(stat -f -c %T "${place#*:}" 2>/dev/null) in
        cgroup2fs | cgroupfs) ;;
        *) continue ;;
        esac
        mkdir "$dir" 2>/dev/null || continue
        if [ -w "$dir/cgroup.procs" ] && [ -w "$dir/${place%%:*}" ] &&
            echo 50M >"$dir/${place%%:*}"; then
            echo "$dir"
            return
        fi
        rmdir "$dir"
    done
}

cgroup=$(memory_cgroup)
if [ -n "$cgroup" ] && [ -z "${SAN:-}" ]; then
    on_exit rmdir "$cgroup"
    (
        echo 0 >"$cgroup/cgroup.procs" # this subshell, and what it becomes
        LD_PRELOAD=$PERFSPY_PRELOAD exec "$victims/tally-bound" "$account" x hog 2
    ) >"$TEST_DIR/out" 2>&1 &
    victim=$!
    status=0
    wait "$victim" || status=$?
    assert_eq "the kernel kills what goes beyond its memory" 137 "$status"
    is_the_truth "out of memory"
else
    skip "out of memory" "no memory cgroup of our own here"
fi

# ---- what it was doing, and for how long ---------------------------------------------------------

# seen_after SECONDS: the region's last sign of life is from then or later. The process is stopped for
# the look: asked over its socket it would give one for that.
stopped() {
    [ "$(process_field "$victim" 3)" = T ]
}
seen_after() {
    local seen
    kill -STOP "$victim"
    wait_for 15 stopped
    seen=$("$PERFSPY_CTL" ps -p "$victim" --json | jq -r '.processes[0].last_seen | fromdate')
    kill -CONT "$victim"
    sleep 0.2
    [ "$seen" -ge "$1" ]
}

# sleeps: whether perfspy-ctl lists the statement, and leaves what it says.
sleeps() {
    "$PERFSPY_CTL" inflight -p "$victim" --json >"$TEST_DIR/inflight.json" &&
        jq -e '.connections[0].statement == "select pg_sleep(?)"' "$TEST_DIR/inflight.json" \
            >/dev/null
}

before=$EPOCHREALTIME
LD_PRELOAD=$PERFSPY_PRELOAD psql -XqAtc 'SELECT pg_sleep(900)' >/dev/null 2>&1 &
victim=$!
wait_for 15 sleeps || true
known=${EPOCHREALTIME%.*}
check "while a statement is under way the last sign of life is fresh" \
    wait_for 10 seen_after $((known + 3))
kill -KILL "$victim"
wait "$victim" || true
after=$EPOCHREALTIME
check "a dead process tells what it died in" sleeps
assert_json "and for how long, to the second" "$TEST_DIR/inflight.json" \
    '.connections[0] | .dead and .elapsed_ms >= 2000 and .elapsed_ms <= ($after - $before) * 1000' \
    --argjson before "$before" --argjson after "$after"

# ---- storms --------------------------------------------------------------------------------------

# pids: of those that have left a region.
pids() {
    find "$run_dir" -name '*.region' -printf '%f\n' | cut -d - -f 1
}

# left: regions, sockets, and files half made.
left() {
    find "$run_dir" -name '*.region' | wc -l
    find "$run_dir" -name '*.sock' | wc -l
    find "$run_dir" -name '*.new' | wc -l
}

rm -rf "$run_dir"
PERFSPY_KEEP=1000 LD_PRELOAD=$PERFSPY_PRELOAD "$victims/tally" "$account" "dbname=$PGDATABASE" \
    storm 300
mapfile -t children < <(pids)
assert_eq "300 children, half of them with a call: none is lost" "150 150 150" \
    "$(sums) $(counted "${children[@]}")"
assert_eq "those that made no call left nothing" "150 150 0" "$(left | xargs)"
LD_PRELOAD=$PERFSPY_PRELOAD "$victims/tally-bound" "$account" x storm 1000
assert_eq "1,000 more: of the dead 32 are kept, and the last one" "33 33 0" "$(left | xargs)"

rm -rf "$run_dir"
mkfifo "$TEST_DIR/in"
exec 8<>"$TEST_DIR/in"
tally tally-bound churn 5000 "$TEST_DIR/in"
read -r _ first _ < <(grep before "$TEST_DIR/out")
read -r _ last _ < <(grep after "$TEST_DIR/out")
assert_eq "threads that come and go: every call is counted" "5000 5000 5000" \
    "$(sums) $(counted "$victim")"
if [ -n "${SAN:-}" ]; then
    skip "memory stays what it was" "a sanitizer keeps what was freed"
else
    assert_eq "memory stays what it was ($first, then $last KiB)" 1 $((last - first < 512))
fi
assert_eq "there are two threads and one region" "2 1 1 0" \
    "$(find /proc/"$victim"/task -mindepth 1 -maxdepth 1 | wc -l) $(left | xargs)"
kill -KILL "$victim"
wait "$victim" || true

for threads in 80 200; do
    tally tally-bound crowd "$threads"
    wait "$victim"
    assert_eq "$threads threads at once, more than shards: every call is counted" \
        "$((threads * 500)) $((threads * 500))" "$(sums | cut -d ' ' -f 1) $(counted "$victim")"
done

# ---- pruning -------------------------------------------------------------------------------------

# short: a process that lives for one call; leaves its id in $victim.
short() {
    env "$@" LD_PRELOAD="$PERFSPY_PRELOAD" "$victims/tally-bound" "$account" x churn 1 </dev/null \
        >"$TEST_DIR/out" &
    victim=$!
    wait "$victim"
}
regions() {
    find "$run_dir" -name '*.region' | wc -l
}

rm -rf "$run_dir"
for _ in 1 2 3 4 5 6 7 8; do
    short PERFSPY_KEEP=3
done
assert_eq "PERFSPY_KEEP=3: three dead and the last" 4 "$(regions)"
short PERFSPY_KEEP=0
assert_eq "PERFSPY_KEEP=0: the last only" 1 "$(regions)"
old=$(find "$run_dir" -name '*.region')
touch -d '9 days ago' "$old" # as that of a service that ran for nine days, and died now
short PERFSPY_KEEP=5
assert_eq "age is counted from the last sign of life, not from the file's time" 1 \
    "$([ -e "$old" ] && echo 1)"
sleep 2.1
short PERFSPY_KEEP_AGE=1s
assert_eq "PERFSPY_KEEP_AGE=1s: the last only" 1 "$(regions)"
short PERFSPY_KEEP=many PERFSPY_KEEP_AGE=7
assert_eq "what is not understood is said" \
    'PERFSPY_KEEP is not a number from 0 to 1000; PERFSPY_KEEP_AGE is not a time such as 90s, 30m, 12h or 7d, of at most 3650d' \
    "$("$PERFSPY_CTL" ps -p "$victim" --json | jq -r '.processes[0].problem')"

# ---- the file goes away --------------------------------------------------------------------------

rm -rf "$run_dir"
tally tally run 2
rm "$run_dir"/*.region
read -r begun _ < <(sums)
more() {
    local now
    read -r _ now < <(sums)
    [ "$now" -gt $((begun + 1000)) ]
}
check "without its file the program goes on" wait_for 15 more
answers() {
    [ "$(counted "$victim")" -gt "$begun" ]
}
check "and still answers" wait_for 15 answers
kill -KILL "$victim"
wait "$victim" || true

# ---- no room --------------------------------------------------------------------------------------

# A tmpfs that is full before all statements have their place: a SIGBUS, if it were touched unasked.
mkdir -m 700 "$TEST_DIR/disk"
unshare=(unshare --mount)
[ "$(id -u)" -eq 0 ] || unshare=(unshare --mount --map-root-user)
if "${unshare[@]}" mount -t tmpfs -o size=1m,mode=700 none "$TEST_DIR/disk" 2>/dev/null; then
    for ((i = 0; i < 1800; i++)); do
        echo "SELECT 1 AS c$i;"
    done >"$TEST_DIR/many.sql"
    cat >"$TEST_DIR/on-small-disk" <<'SH'
#!/bin/sh
mount -t tmpfs -o size=2500k,mode=700 none "$PERFSPY_DIR" || exit 1
LD_PRELOAD=$1 psql -XqAt -v ON_ERROR_STOP=1 -f "$2" -o "$4.out" &
pid=$!
wait $pid
status=$?
env - "PERFSPY_DIR=$PERFSPY_DIR" "$3" stats -p $pid --json >"$4.stats"
env - "PERFSPY_DIR=$PERFSPY_DIR" "$3" ps -p $pid >"$4.ps"
exit $status
SH
    chmod +x "$TEST_DIR/on-small-disk"
    PERFSPY_DIR=$TEST_DIR/disk check "a file system that fills up does not harm the program" \
        "${unshare[@]}" "$TEST_DIR/on-small-disk" "$PERFSPY_PRELOAD" "$TEST_DIR/many.sql" \
        "$PERFSPY_CTL" "$TEST_DIR/full"
    assert_eq "it got all its answers" 1800 "$(wc -l <"$TEST_DIR/full.out")"
    assert_json "all of them are counted, some under \"other\"" "$TEST_DIR/full.stats" \
        '([.operations[] | select(.operation | startswith("libpq.") | not) | .calls] | add) == 1800
         and ([.operations[] | select(.operation == "other (sql)") | .calls] | add) > 0'
    assert_match "and ps says why" 'no room on the file system' "$(<"$TEST_DIR/full.ps")"
else
    skip "a file system that fills up" "no mount namespaces here"
fi

# On tmpfs a region takes what is used of it, not what it might use.
if [ "$(stat -f -c %T /dev/shm)" = tmpfs ] && shm=$(mktemp -d /dev/shm/perfspy-test.XXXXXX); then
    on_exit rm -rf "$shm"
    PERFSPY_DIR=$shm tally tally-bound run 2
    read -r size blocks < <(stat -c '%s %b' "$shm"/*.region)
    assert_eq "on tmpfs most of a region is not there ($((blocks / 2)) of $((size / 1024)) KiB)" 1 \
        $((blocks * 512 < size / 2))
    kill -KILL "$victim"
    wait "$victim" || true
else
    skip "on tmpfs" "no tmpfs here"
fi
