# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The same loop of PQexecPrepared bare, under perfspy, and under what else can time a call of an
# unmodified program: bpftrace's pair of uprobe and uretprobe with a histogram, uftrace's record of
# the calls through the PLT, ltrace. Sourced by measure/tracers.sh and measure/queries.sh, which say
# where the loop finds libpq:
#
#   LOOP_LIBPQ   the library's file     LOOP_PATH   its directory, for the loader; empty: the system's
#
# A tracer that did not see the calls is not reported: its time would be that of doing nothing.

LOOP=$BUILD/bench/hook_calls

# loop_env ...: the loop's environment; a tracer passes it on.
loop_env() {
    env ${LOOP_PATH:+LD_LIBRARY_PATH="$LOOP_PATH"} "$@"
}

# Each run_X CALLS ROUNDS prints the least of the rounds, in nanoseconds a call.
run_bare() {
    loop_env "$LOOP" prepared "$@" | cut -d ' ' -f 1
}

run_perfspy() {
    as_variant watched
    loop_env "${VARIANT_ENV[@]}" "$LOOP" prepared "$@" | cut -d ' ' -f 1
}

run_bpftrace() {
    local log=$BENCH_DIR/bpftrace.log program
    program="uprobe:$LOOP_LIBPQ:PQexecPrepared { @start[tid] = nsecs; }
        uretprobe:$LOOP_LIBPQ:PQexecPrepared /@start[tid]/ {
            @ns = hist(nsecs - @start[tid]); @seen = count(); delete(@start[tid]); }
        END { clear(@start); clear(@ns); }"
    loop_env bpftrace -e "$program" -c "$LOOP prepared $*" >"$log" 2>&1 || return 1
    grep -q '^@seen: [1-9]' "$log" || return 1
    sed -n 's/^\([0-9.]*\) [0-9.]*$/\1/p' "$log"
}

run_uftrace() {
    local data=$BENCH_DIR/uftrace status=0
    rm -rf "$data"
    loop_env uftrace record --force --no-event -F PQexecPrepared -d "$data" \
        "$LOOP" prepared "$@" 2>"$BENCH_DIR/uftrace.log" | cut -d ' ' -f 1 || status=1
    uftrace report -d "$data" 2>>"$BENCH_DIR/uftrace.log" | grep -q ' PQexecPrepared$' || status=1
    rm -rf "$data"
    return "$status"
}

run_ltrace() {
    local trace=$BENCH_DIR/ltrace.out
    loop_env ltrace -e PQexecPrepared -o "$trace" "$LOOP" prepared "$@" \
        2>"$BENCH_DIR/ltrace.log" | cut -d ' ' -f 1 || return 1
    grep -q 'PQexecPrepared(' "$trace"
}

# usable METRIC TRACER: it is there, and a try of it worked; else says why not.
usable() {
    if ! has "$2"; then
        skip "$1.$2" "there is no $2"
    elif [ "$2" = bpftrace ] && [ "$(id -u)" -ne 0 ]; then
        skip "$1.$2" 'bpftrace wants to be root'
    elif ! "run_$2" 100 1 >"$BENCH_DIR/try" 2>&1; then
        skip "$1.$2" "$2 saw no call here: $(tail -n 1 "$BENCH_DIR/$2.log")"
    else
        return 0
    fi
    return 1
}

# run_all METRIC CALLS INNER TRACER...: samples METRIC.TRACER for each, the least of INNER rounds of so
# many CALLS in a process. What takes long to start or to run is content with fewer.
run_all() {
    local metric=$1 calls=$2 inner=$3 round tracer tracers=() n
    for tracer in "${@:4}"; do
        case $tracer in
            bpftrace | uftrace | ltrace) usable "$metric" "$tracer" || continue ;;
        esac
        tracers+=("$tracer")
    done
    for ((round = 1; round <= ROUNDS; round++)); do
        in_turn "$round" "${tracers[@]}"
        for tracer in "${TURN[@]}"; do
            n=$calls
            case $tracer in
                ltrace) n=$((calls < 100 ? calls : 100)) ;&
                bpftrace | uftrace) [ "$round" -le 5 ] || continue ;;
            esac
            sample "$metric.$tracer" "$("run_$tracer" "$n" "$inner")"
        done
    done
}
