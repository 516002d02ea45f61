#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Random sequences of libpq's calls: what is counted is what a model of the program's own counts. A
# difference is traced to the seeds that show it, with what they did.
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/wants.sh
. "$(dirname "$0")/lib/wants.sh"

WANTS_NO_BYTES=1
seeds=400

# random FIRST SEEDS [trace]: runs them watched; prints what is wrong, nothing if nothing is.
random() {
    local status=0
    WANTS=$TEST_DIR/wants LD_PRELOAD=$PERFSPY_PRELOAD "$BUILD/victims/random" \
        "dbname=$PGDATABASE" "$@" >"$TEST_DIR/out" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        echo "seeds $1..: status $status: $(tail -n 3 "$TEST_DIR/out")"
        return
    fi
    "$PERFSPY_CTL" stats -p "$(sed -n 's/^pid\t//p' "$TEST_DIR/wants")" --json >"$WANTS_STATS"
    differences "$TEST_DIR/wants"
    times_that_do_not_add_up
}

found=$(random 1 "$seeds")
assert_eq "$seeds random sequences are counted as they were" "" "$found"
[ -n "$found" ] || exit 0

shown=0
for ((seed = 1; seed <= seeds && shown < 2; seed++)); do
    found=$(random "$seed" 1 trace)
    if [ -n "$found" ]; then
        shown=$((shown + 1))
        not_ok "seed $seed" "$found" "$(cat "$TEST_DIR/out")"
    fi
done
