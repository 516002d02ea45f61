#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# needs: postgresql
#
# parts_server under load, without perfspy and with it: CPU of the server a request, and the median
# and 99th percentile of what the client waits. Servers of equal settings stand side by side and
# are driven in turn, forwards and backwards, in runs of a fifth of a second, so that what changes on
# the machine falls on all of them; they are started anew for each round. A sample is a run. One of
# them is a second one without perfspy: what it differs by is no one's doing.
#
# The machine's noise is larger than what is looked for, unless it has nothing else to do and there are
# many rounds. So callgrind counts instructions, too: those of the process itself, without the kernel's.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/../lib.sh"
TEST_DIR=$BENCH_DIR
# shellcheck source=tests/integration/lib/parts.sh
. "$BENCH_LIB/parts.sh"

requests=$(scaled 2500 100) runs=$(scaled 8 2)
variants=(bare watched control)
BENCH_RULES=rules/parts.yml
trap run_cleanups EXIT

if ! has h2load; then
    skip parts 'there is no h2load'
    exit 0
fi

# Nanoseconds that the threads of a process have run.
cpu_ns() {
    cat "/proc/$1/task/"*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# start VARIANT [COMMAND...]: sets PID_VARIANT, URL_VARIANT and TOKEN_VARIANT. The command is what the
# service is to run under.
start() {
    as_variant "$1"
    start_server "${VARIANT_ENV[@]}" "${@:2}" "$PARTS_SERVER" --listen 127.0.0.1:0 \
        --dsn "dbname=$PGDATABASE" --threads 4 --pool 4 || return 1
    parts_login
    declare -g "PID_$1=$SERVER_PID" "URL_$1=$SERVER_URL" "TOKEN_$1=$PARTS_TOKEN"
}

# drive VARIANT: prints the median and the 99th percentile of the times of the answers, in
# microseconds. All of them have to be good ones.
drive() {
    local url=URL_$1 token=TOKEN_$1
    rm -f "$BENCH_DIR/log"
    sed "s|^|${!url}|" "$BENCH_DIR/paths" >"$BENCH_DIR/urls"
    h2load --h1 -t 1 -c 4 -n "$requests" -i "$BENCH_DIR/urls" --log-file="$BENCH_DIR/log" \
        -H "Authorization: Bearer ${!token}" >"$BENCH_DIR/h2load"
    if [ "$(awk '$2 == 200' "$BENCH_DIR/log" | wc -l)" -ne "$requests" ]; then
        echo "parts: not all of $requests requests got their part:" >&2
        cat "$BENCH_DIR/h2load" >&2
        return 1
    fi
    cut -f 3 "$BENCH_DIR/log" | sort -n | awk '{ t[NR] = $1 }
        END { print t[int((NR + 1) * 0.5)], t[int((NR + 1) * 0.99)] }'
}

# run VARIANT
run() {
    local pid=PID_$1 before after p50 p99
    before=$(cpu_ns "${!pid}")
    read -r p50 p99 < <(drive "$1")
    after=$(cpu_ns "${!pid}")
    sample "parts.cpu.$1" "$(awk -v ns=$((after - before)) -v n="$requests" 'BEGIN { print ns / n / 1e3 }')"
    sample "parts.p50.$1" "$p50"
    sample "parts.p99.$1" "$p99"
}

# collect VARIANT REQUESTS: sets COLLECTED to the instructions of a service from its start to its end.
collect() {
    local requests=$2
    start "$1" valgrind --tool=callgrind --callgrind-out-file=/dev/null --fair-sched=try || return 1
    drive "$1" >"$BENCH_DIR/ignored" || return 1
    run_cleanups
    COLLECTED=$(awk '/Collected/ { print $NF }' "$SERVER_LOG")
    [ -n "$COLLECTED" ]
}

# What 500 requests more take, a request.
count_instructions() {
    local variant few
    for variant in bare watched; do
        if collect "$variant" 100 && few=$COLLECTED && collect "$variant" 600; then
            sample "parts.instructions.$variant" $(((COLLECTED - few) / 500))
        else
            skip parts.instructions 'the service does not run under valgrind'
            return
        fi
    done
}

parts_init --parts 1000 >"$BENCH_DIR/init.log" 2>&1
printf '/parts/%d\n' {1..1000} >"$BENCH_DIR/paths"
for ((round = 1; round <= ROUNDS; round++)); do
    in_turn "$round" "${variants[@]}"
    for variant in "${TURN[@]}"; do
        start "$variant"
        drive "$variant" >"$BENCH_DIR/ignored"
    done
    for ((i = 1; i <= runs; i++)); do
        in_turn "$i" "${variants[@]}"
        for variant in "${TURN[@]}"; do
            run "$variant"
        done
    done
    run_cleanups
done
if has valgrind; then
    count_instructions
else
    skip parts.instructions 'there is no valgrind'
fi
