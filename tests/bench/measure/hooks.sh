#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the wrappers of libpq's calls add, against a stand-in for libpq that takes no time: linked as
# Debian does (plain: it calls its own functions by way of the library) and as Ubuntu does (symbolic).
# A sample is the least of a process's rounds; the processes of the variants take turns.
#
# Instructions a call come from callgrind, which is not disturbed by anything.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/../lib.sh"

kinds=(connect exec literals params prepare prepared send_prepared send_params consume flush
    copy_in copy_out)
variants=(bare watched dormant)
sampled_kinds=(exec prepared send_prepared)
calls=$(scaled 2000 100) inner=$(scaled 15 3)

# call LINKED KIND VARIANT
call() {
    as_variant "$3"
    env LD_LIBRARY_PATH="$BUILD/bench/$1" "${VARIANT_ENV[@]}" \
        "$BUILD/bench/hook_calls" "$2" "$calls" "$inner" | cut -d ' ' -f 1
}

# time_calls PREFIX LINKED KIND...: in all variants.
time_calls() {
    local prefix=$1 linked=$2 round kind variant
    for ((round = 1; round <= ROUNDS; round++)); do
        in_turn "$round" "${variants[@]}"
        for kind in "${@:3}"; do
            for variant in "${TURN[@]}"; do
                sample "$prefix.$kind.$variant" "$(call "$linked" "$kind" "$variant")"
            done
        done
    done
}

# count_instructions KIND VARIANT: of one call, in the steady state.
count_instructions() {
    local calls=400 log=$BENCH_DIR/callgrind.log
    as_variant "$2"
    env LD_LIBRARY_PATH="$BUILD/bench/plain" "${VARIANT_ENV[@]}" valgrind --tool=callgrind \
        --callgrind-out-file=/dev/null --toggle-collect=measured \
        "$BUILD/bench/hook_calls" "$1" "$calls" 1 >"$BENCH_DIR/ignored" 2>"$log" || return 1
    awk -v calls="$calls" '/Collected/ { print $NF / calls; found = 1 } END { exit !found }' "$log"
}

# count_kind KIND VARIANT...
count_kind() {
    local variant count
    for variant in "${@:2}"; do
        count=$(count_instructions "$1" "$variant") || return 1
        sample "hooks.$1.$variant.instructions" "$count"
    done
}

count_all() {
    local kind
    for kind in "${kinds[@]}"; do
        for variant in "${variants[@]}"; do
            count=$(count_instructions "$kind" "$variant") || {
                skip hooks.instructions "valgrind could not: $(tail -n 1 "$BENCH_DIR/callgrind.log")"
                return
            }
            sample "hooks.$kind.$variant.instructions" "$count"
        done
    done
}

time_calls hooks plain "${kinds[@]}"
time_calls hooks.symbolic symbolic prepared literals send_prepared
variants=(sampled)
time_calls hooks plain "${sampled_kinds[@]}"
if has valgrind; then
    variants=(bare watched dormant)
    count_all
    kinds=("${sampled_kinds[@]}") variants=(sampled)
    count_all
else
    skip hooks.instructions 'there is no valgrind'
fi
