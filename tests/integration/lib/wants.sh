# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Holds what is reported of a victim against what the victim knows itself (tests/victims/wants.h):
# the same statements, no more and no fewer, the same counts, and times inside their bounds.

WANTS_STATS=$TEST_DIR/stats.json

# One line for each operation with anything in it, as a victim writes its own.
# shellcheck disable=SC2016
WANTS_COUNTS='.operations[] | select(.calls + .aborted > 0) |
    "\(.statement // .operation)\t\(.calls) \(.errors) \(.aborted) \(.rows) \(.affected) " +
    "\(.params) \(.bytes_in) \(.bytes_out)\([.sqlstate | keys[] | " " + .] | join(""))"'

# Set where a victim does not know the size of results that it is not given.
WANTS_NO_BYTES=

# The states of a line are a set.
sort_states() {
    awk -F '\t' -v no_bytes="$WANTS_NO_BYTES" '{
        n = split($2, v, " "); head = v[1]
        if (no_bytes) v[7] = v[8] = "-"
        for (i = 2; i <= 8; i++) head = head " " v[i]
        for (i = 9; i <= n; i++) for (j = i + 1; j <= n; j++)
            if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
        for (i = 9; i <= n; i++) head = head " " v[i]
        print $1 "\t" head }' | sort
}

# The statements that are not what their victim wants, both ways.
differences() {
    diff <(grep '^counts' "$1" | cut -f 2- | sort_states) \
        <(json "$WANTS_STATS" "$WANTS_COUNTS" | sort_states) |
        sed -n 's/^</want:/p; s/^>/got: /p'
}

# Times of all calls of a statement together; what JSON rounds is a nanosecond a call.
times_outside() {
    local statement field low high value
    grep '^time' "$1" | while IFS=$'\t' read -r _ statement field low high; do
        value=$(json "$WANTS_STATS" '.operations[] | select((.statement // .operation) == $s) |
            .[$f] * .calls' --arg s "$statement" --arg f "${field}_ms")
        awk -v l="$low" -v v="$value" -v h="$high" 'BEGIN { exit !(l - 1e-3 <= v && v <= h + 1e-3) }' ||
            echo "$field of '$statement': $value is not in $low .. $high"
    done
}

# The parts of a call's time are the whole of it, and it was queued before it was answered.
times_that_do_not_add_up() {
    json "$WANTS_STATS" '.operations[] | select(.calls > 0 and .kind == "sql") | select(
        (.wait_ms + .consume_ms - .mean_ms | fabs) > 1e-5 or .queue_ms > .wait_ms + 1e-6) |
        "\(.statement // .operation): \(.queue_ms) \(.wait_ms) \(.consume_ms) \(.mean_ms)"'
}

# compare_wants WHAT FILE: the process that wrote FILE was watched, and all of it is right.
compare_wants() {
    local pid
    pid=$(sed -n 's/^pid\t//p' "$2")
    "$PERFSPY_CTL" stats -p "$pid" --json >"$WANTS_STATS"
    assert_eq "$1: each statement is counted as what it was" "" "$(differences "$2")"
    assert_eq "$1: times are inside what the program measured" "" "$(times_outside "$2")"
    assert_eq "$1: times add up" "" "$(times_that_do_not_add_up)"
}

# watch_wants NAME COMMAND...: runs the victim without and with the library, and compares.
watch_wants() {
    local name=$1 bare=0 watched=0 file
    shift
    rm -f "$TEST_DIR/$name".wants*
    "$@" >"$TEST_DIR/$name.bare" 2>&1 || bare=$?
    WANTS=$TEST_DIR/$name.wants LD_PRELOAD=$PERFSPY_PRELOAD "$@" >"$TEST_DIR/$name.out" 2>&1 ||
        watched=$?
    assert_eq "$name: the program ends as it did" "0 0" "$bare $watched"
    assert_eq "$name: the program notices nothing" "" \
        "$(diff "$TEST_DIR/$name.bare" "$TEST_DIR/$name.out")"
    for file in "$TEST_DIR/$name".wants*; do
        compare_wants "$name${file#"$TEST_DIR/$name.wants"}" "$file"
    done
}
