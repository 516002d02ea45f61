#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What a statement costs more with the library than without: against a stand-in for libpq that takes
# no time, linked as Debian does (it calls its own functions by way of the library) and as Ubuntu
# does. Prints nanoseconds, and judges nothing:
#
#   bare      without the library
#   watched   with it; `added` is the difference
#   dormant   added where it is loaded and off (PERFSPY_ENABLED=0). A call of the plain one passes five
#             wrappers, an asynchronous statement three
#   instr     instructions added, by callgrind where that is there: a number without noise. The clock
#             is read in the vDSO then, as it is on machines without a counter to trust.
#
# All run in turns on one processor, several times, and the least of each counts. The rules have
# what is asked last, behind nine others or 999.
#
#   BUILD=build pq.sh
set -euo pipefail

TURNS=${TURNS:-5}
BUILD=$(readlink -f "${BUILD:-build}")
dir=$(mktemp -d "$BUILD/bench/pq.XXXXXX")
trap 'rm -rf "$dir"' EXIT
export PERFSPY_DIR=$dir
cpu=$(awk '/^Cpus_allowed_list/ { n = split($2, part, /[,-]/); print part[n] }' /proc/self/status)

# rules COUNT: a file with so many
rules() {
    printf 'version: 1\noperations:\n'
    for ((i = 1; i < $1; i++)); do
        printf '  - name: other.n%d\n    sql: SELECT c%d FROM t%d WHERE id = ?\n' "$i" "$i" "$i"
    done
    printf '  - name: parts_crud.get_part\n    sql: SELECT * FROM parts WHERE id = ?\n'
    printf '  - name: parts_crud.list_parts\n    sql: SELECT ... FROM parts WHERE organisation_id = ? ...\n'
}

# least FILE: of its numbers
least() {
    sort -n "$1" | head -n 1
}

less() {
    awk -v a="$1" -v b="$2" -v f="$3" 'BEGIN { printf f, b - a }'
}

bare() {
    taskset -c "$cpu" "$BUILD/bench/pq_calls" "$@"
}

watched() {
    LD_PRELOAD=$BUILD/libperfspy.so bare "$@"
}

# instructions PRELOAD HOW: a call, as the difference of two runs of different length
instructions() {
    local of=()
    for rounds in 1 5; do
        LD_PRELOAD=$1 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
            "$BUILD/bench/pq_calls" "$2" "$rounds" >/dev/null 2>"$dir/log"
        of+=("$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$dir/log")")
    done
    echo $(((of[1] - of[0]) / 8000))
}

added_instructions() {
    if ! command -v valgrind >/dev/null; then
        echo -
        return
    fi
    echo $(($(instructions "$BUILD/libperfspy.so" "$1") - $(instructions '' "$1")))
}

# row LINKED RULES HOW WHAT
row() {
    export LD_LIBRARY_PATH=$BUILD/bench/$1 PERFSPY_RULES=$dir/rules-$2.yml
    rm -f "$dir"/of.*
    for ((turn = 0; turn < TURNS; turn++)); do
        bare "$3" >>"$dir/of.bare"
        watched "$3" >>"$dir/of.watched"
        PERFSPY_ENABLED=0 watched "$3" >>"$dir/of.dormant"
    done
    local bare watched
    bare=$(least "$dir/of.bare")
    watched=$(least "$dir/of.watched")
    printf '%-9s %6s %-30s %8s %8s %8s %8s %8s\n' "$1" "$2" "$4" "$bare" "$watched" \
        "$(less "$bare" "$watched" %.1f)" "$(less "$bare" "$(least "$dir/of.dormant")" %.1f)" \
        "$(added_instructions "$3")"
}

rules 10 >"$dir/rules-10.yml"
rules 1000 >"$dir/rules-1000.yml"
printf '%-9s %6s %-30s %8s %8s %8s %8s %8s\n' \
    libpq rules statement bare watched added dormant instr
for linked in plain symbolic; do
    row "$linked" 10 prepared 'PQexecPrepared'
    row "$linked" 10 async 'PQsendQueryPrepared, fetched'
    row "$linked" 10 exec 'PQexec, 200 bytes'
done
row plain 1000 prepared 'PQexecPrepared'
row plain 1000 exec 'PQexec, 200 bytes'
