#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A thousand rules against ten: a statement seen before, one with new literals, an HTTP exchange.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/../lib.sh"

calls=$(scaled 2000 100) inner=$(scaled 15 3)
write_rules 1000 >"$BENCH_DIR/rules-1000.yml"
write_rules 10 >"$BENCH_DIR/rules-10.yml"
"$BUILD/perfspy-ctl" rules check "$BENCH_DIR/rules-1000.yml" >&2

# watched RULES COMMAND...
watched() {
    env LD_PRELOAD="$BUILD/libperfspy.so" PERFSPY_RULES="$BENCH_DIR/rules-$1.yml" "${@:2}"
}

call() {
    LD_LIBRARY_PATH=$BUILD/bench/plain watched "$1" "$BUILD/bench/hook_calls" "$2" "$calls" "$inner" |
        cut -d ' ' -f 1
}

exchange() {
    watched "$1" "${PIN[@]}" "$BUILD/bench/bench_calls" | awk -F '\t' '$2 == "sockets.exchange.watched" &&
        (least == "" || $3 < least) { least = $3 } END { print least }'
}

for ((round = 1; round <= ROUNDS; round++)); do
    in_turn "$round" 10 1000
    for rules in "${TURN[@]}"; do
        sample "rules.exec.$rules" "$(call "$rules" exec)"
        sample "rules.literals.$rules" "$(call "$rules" literals)"
        [ "$round" -gt 4 ] || sample "rules.exchange.$rules" "$(exchange "$rules")"
    done
done
