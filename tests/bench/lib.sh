# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What a measurement (measure/NAME.sh) begins with. It runs under run.sh, with BENCH_DIR to itself, and
# says on standard output, in lines of words separated by tabs, what report.py makes tables of:
#
#   sample SERIES VALUE       one round; series with as many rounds are paired in their order
#   skip   METRIC REASON      METRIC and those below it (METRIC.x) cannot be measured here
#
# ROUNDS is how many rounds there are to be. With BENCH_TINY each is as short as it can be: then the
# numbers mean nothing, and all that is seen is whether everything runs.

# shellcheck disable=SC2034 # what is set is for the measurements

set -Eeuo pipefail

: "${BENCH_DIR:?run this through make bench T=NAME}"
BENCH_LIB=$(dirname "${BASH_SOURCE[0]}")/../integration/lib
# shellcheck source=tests/integration/lib/process.sh
. "$BENCH_LIB/process.sh"

export PERFSPY_DIR=$BENCH_DIR/perfspy
mkdir -m 700 "$PERFSPY_DIR"

# One core for what is measured: the last that this process may use.
BENCH_CORE=$(taskset -cp $$ | sed 's/.*[^0-9]//')
export BENCH_CORE
PIN=(taskset -c "$BENCH_CORE")

# Which rules are in force: the statement and the request of the programs are operations of them.
BENCH_RULES=$BENCH_DIR/rules.yml

# write_rules NUMBER: a file of so many rules, half for SQL and half for HTTP; those that match are
# the last.
write_rules() {
    local i
    echo 'version: 1'
    echo 'operations:'
    for ((i = 2; i < $1 / 2; i++)); do
        printf -- '  - {name: crud.other_%d, sql: "SELECT ... FROM other_%d WHERE id = ?"}\n' "$i" "$i"
        printf -- '  - {name: api.other_%d, http: "GET /other_%d/{id}"}\n' "$i" "$i"
    done
    cat <<'RULES'
  - name: crud.get_part
    sql: SELECT ... FROM parts WHERE id = ?
  - name: crud.find_parts
    sql: SELECT ... FROM parts WHERE organisation_id = ? AND ...
  - {name: api.get_part, http: "GET /parts/{id}"}
  - {name: api.get_parts, http: GET /parts/}
RULES
}

write_rules 10 >"$BENCH_RULES"

# The same, with hardly a call timed.
BENCH_SAMPLED=$BENCH_DIR/sampled.yml
sed 's,^    sql: .*,&\n    sample: 1/1024,' "$BENCH_RULES" >"$BENCH_SAMPLED"

sample() {
    printf 'sample\t%s\t%s\n' "$1" "$2"
}

skip() {
    printf 'skip\t%s\t%s\n' "$1" "$2"
}

# has TOOL: the machine has it. BENCH_WITHOUT lists tools to do without.
has() {
    [[ " ${BENCH_WITHOUT:-} " != *" $1 "* ]] && command -v "$1" >/dev/null
}

# as_variant VARIANT: sets VARIANT_ENV to what env(1) has to set for a program to run bare, watched,
# watched with hardly a call timed (sampled), or watched by a dormant library. What a control differs
# from bare by is the noise.
as_variant() {
    case $1 in
        bare | control) VARIANT_ENV=() ;;
        watched) VARIANT_ENV=(LD_PRELOAD="$BUILD/libperfspy.so" PERFSPY_RULES="$BENCH_RULES") ;;
        sampled) VARIANT_ENV=(LD_PRELOAD="$BUILD/libperfspy.so" PERFSPY_RULES="$BENCH_SAMPLED") ;;
        dormant) VARIANT_ENV=(LD_PRELOAD="$BUILD/libperfspy.so" PERFSPY_ENABLED=0) ;;
    esac
}

# in_turn ROUND WORD...: sets TURN to the words, in the other direction every other round, so that
# what drifts does not fall on the same one always.
in_turn() {
    local round=$1 word
    shift
    TURN=()
    for word in "$@"; do
        if ((round % 2)); then TURN+=("$word"); else TURN=("$word" "${TURN[@]}"); fi
    done
}

# scaled FULL TINY
scaled() {
    if [ -n "${BENCH_TINY:-}" ]; then echo "$2"; else echo "$1"; fi
}

# at_most NUMBER: so many rounds, or fewer if fewer are wanted: for what takes long.
at_most() {
    echo $((ROUNDS < $1 ? ROUNDS : $1))
}
