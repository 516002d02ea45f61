#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs tests and says how many checks passed:
#
#   BUILD=build run-tests.sh TEST...       V=1 shows all output; T=PATTERN selects by name
#
# A test is a cmocka program or a script; both report in the TAP format. Each runs by itself, in a
# directory of its own and with a time limit, and has to end all that it started. Those in
# tests/integration have a database each on one private PostgreSQL. The last line is
# `N passed, M failed`, and the exit status is 0 only where nothing failed.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.."
# What the caller has set for perfspy's own use has no say in the tests.
for name in "${!PERFSPY_@}"; do
    [ "$name" = PERFSPY_TEST_RUN ] || unset "$name"
done
pattern=${T:-} verbose=${V:-0}
# Scripts that call make, or this, start one of their own.
unset MAKEFLAGS MFLAGS MAKELEVEL T V
ulimit -c 0
# shellcheck source=tests/integration/lib/run.sh
. tests/integration/lib/run.sh

unit_limit=120 script_limit=300
# What a test killed may take this long to be gone, on a machine that has other things to do.
straggler_limit=${STRAGGLER_LIMIT:-15}
slower=$([ -n "${SAN:-}" ] && echo 4 || echo 1)
passed=0 failed=0 skipped=0 number=0
failures=()

if [ -t 1 ]; then
    red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    red='' green='' plain=''
fi

test_name() {
    local name=${1#"$BUILD"/}
    name=${name#"${BUILD#"$PWD"/}"/}
    name=${name#tests/}
    echo "${name%.sh}"
}

time_limit() {
    local limit=$unit_limit
    if [[ $1 == *.sh ]]; then
        limit=$(sed -n 's/^# time limit: \([0-9]*\)$/\1/p' "$1")
        limit=${limit:-$script_limit}
    fi
    echo $((limit * slower))
}

# Prints `PASSED FAILED SKIPPED PLANNED` of a log; PLANNED is empty where the test made no plan.
count_results() {
    awk '
        /^(not )?ok .*# SKIP/ { skipped++; next }
        /^ok /                { passed++ }
        /^not ok /            { failed++ }
        /^1\.\.[0-9]+$/       { planned += substr($0, 4); plan = 1 }
        END { print passed + 0, failed + 0, skipped + 0, plan ? planned + 0 : "" }' "$1"
}

# What is wrong with a test as a whole, beside its failed checks; empty if nothing is.
judge_end() {
    local status=$1 ok=$2 bad=$3 skip=$4 planned=$5 limit=$6
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        echo "did not end within $limit s"
    elif [ "$status" -gt 128 ]; then
        echo "was ended by signal $(kill -l "$status")"
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "ended with status $status"
    elif [ -n "$planned" ] && [ "$planned" -ne $((ok + bad + skip)) ]; then
        echo "planned $planned checks and made $((ok + bad + skip))"
    elif [ $((ok + bad + skip)) -eq 0 ]; then
        echo "made no check"
    fi
}

# Processes that a test left behind: they are named, counted as a failure, and ended.
end_stragglers() {
    local mark=$1 pids pid deadline=$((SECONDS + straggler_limit))
    while mapfile -t pids < <(run_processes "$mark") && [ "${#pids[@]}" -gt 0 ]; do
        [ "$SECONDS" -gt "$deadline" ] || { sleep 0.05 && continue; }
        for pid in "${pids[@]}"; do
            echo "left process $pid running: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        done
        run_kill "$mark"
        return
    done
}

# run_child DIR LIMIT LOG COMMAND...: in the test's own directory and environment.
run_child() {
    local dir=$1 limit=$2 log=$3 leaks=1
    shift 3
    # Scripts load the library into programs that leak on their own account.
    [[ $1 != *.sh ]] || leaks=0
    mkdir -p "$dir/tmp" "$dir/xdg"
    mkdir -m 700 "$dir/perfspy"
    env PERFSPY_TEST_RUN="$PERFSPY_TEST_RUN/$number" TEST_DIR="$dir" TMPDIR="$dir/tmp" \
        XDG_RUNTIME_DIR="$dir/xdg" PERFSPY_DIR="$dir/perfspy" CMOCKA_MESSAGE_OUTPUT=TAP \
        ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=$leaks}" \
        TSAN_OPTIONS="${TSAN_OPTIONS:-die_after_fork=0}" \
        timeout -k 5 "$limit" "$@" </dev/null >"$log" 2>&1 &
    wait $!
}

# A script of tests/integration: a database of its own, for as long as it runs.
run_integration() {
    local database=${2//[!a-z0-9]/_} status=0
    [ -d "$RUN_DIR/pg" ] || pg_start "$RUN_DIR/pg"
    psql -qXc "CREATE DATABASE $database"
    PGDATABASE=$database run_child "$RUN_DIR/$number" "$3" "$4" "$1" || status=$?
    psql -qXc "DROP DATABASE IF EXISTS $database WITH (FORCE)"
    return "$status"
}

run_test() {
    local file=$1 name limit log status=0 ok bad skip planned problem stragglers
    local started=${EPOCHREALTIME/./} took
    name=$(test_name "$file")
    limit=$(time_limit "$file")
    log=$BUILD/test-logs/$name.log
    number=$((number + 1))
    mkdir -p "${log%/*}"
    if [[ $file == tests/integration/* ]]; then
        run_integration "$file" "$name" "$limit" "$log" || status=$?
    else
        run_child "$RUN_DIR/$number" "$limit" "$log" "$file" || status=$?
    fi
    stragglers=$(end_stragglers "$PERFSPY_TEST_RUN/$number")
    read -r ok bad skip planned < <(count_results "$log")
    problem=$(judge_end "$status" "$ok" "$bad" "$skip" "$planned" "$limit")
    problem+=${problem:+${stragglers:+$'\n'}}$stragglers
    [ -z "$problem" ] || bad=$((bad + 1))
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    took=$(((${EPOCHREALTIME/./} - started) / 100000))
    report "$name" "$ok" "$bad" "$skip" "$took" "$problem" "$log"
    rm -rf "${RUN_DIR:?}/$number"
}

report() {
    local name=$1 ok=$2 bad=$3 skip=$4 took=$5 problem=$6 log=$7 word=ok colour=$green
    [ "$bad" -eq 0 ] || word=FAIL colour=$red
    printf '  %s%-4s%s  %-44s %4d checks%s  %3d.%d s\n' "$colour" "$word" "$plain" "$name" \
        $((ok + bad)) "$([ "$skip" -eq 0 ] || echo ", $skip skipped")" \
        $((took / 10)) $((took % 10))
    if [ "$bad" -gt 0 ]; then
        failures+=("$name")
        [ -z "$problem" ] || printf '%s\n' "$problem" | sed "s|^|        $name |"
    fi
    if [ "$bad" -gt 0 ] || [ "$verbose" = 1 ]; then
        tail -n 200 "$log" | sed 's/^/        /'
    fi
}

selected=()
for file in "$@"; do
    case $(test_name "$file") in
        *$pattern*) selected+=("$file") ;;
    esac
done
[ "${#selected[@]}" -gt 0 ] || {
    echo "run-tests: no test has '$pattern' in its name" >&2
    exit 1
}

run_begin
before=$BUILD/left-before.$$
"$here/leftovers.sh" list >"$before"
for file in "${selected[@]}"; do
    run_test "$file"
done

run_finish
if ! env -u PERFSPY_TEST_RUN LEFT_MARK="$PERFSPY_TEST_RUN" LEFT_DIR="$RUN_DIR" \
    LEFT_SINCE="$(process_field $$ 22)" LEFT_BEFORE="$before" "$here/leftovers.sh" check; then
    failed=$((failed + 1))
    failures+=("leftovers")
fi
rm -f "$before"
[ "$failed" -eq 0 ] || printf 'failed: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
