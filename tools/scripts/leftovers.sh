#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Proves that a run left nothing behind outside the build directory:
#
#   leftovers.sh list     what lies in perfspy's default places now
#   leftovers.sh check    prints what is left; fails if anything is
#
# `check` takes from the environment: BUILD; LEFT_MARK and LEFT_DIR, the run's mark and its scratch
# directory (tests/integration/lib/run.sh; not as arguments, or it would find itself); LEFT_SINCE,
# when the run began in clock ticks since boot; LEFT_BEFORE, a file with what `list` printed before it.
set -euo pipefail

# shellcheck source=tests/integration/lib/run.sh
. "$(dirname "$(readlink -f "$0")")/../../tests/integration/lib/run.sh"

# Where perfspy puts files if nobody tells it otherwise.
list_files() {
    find /run/perfspy /tmp/perfspy-[0-9]* /dev/shm/perfspy* "${XDG_RUNTIME_DIR:-/nowhere}/perfspy" \
        2>/dev/null | sort || true
}

# works_below PID DIR: by its current directory or by what it was called with.
works_below() {
    [[ $(readlink "/proc/$1/cwd") == "$2"/* ]] || grep -aqsF "$2/" "/proc/$1/cmdline"
}

# A program of this build that no run has marked.
is_unmarked_product() {
    [[ $(readlink "/proc/$1/exe") == "$BUILD"/* ]] &&
        ! grep -qsz '^PERFSPY_TEST_RUN=' "/proc/$1/environ"
}

processes_left() {
    local pid ticks
    run_processes "$LEFT_MARK"
    for pid in $(cd /proc && echo [0-9]*); do
        ticks=$(process_field "$pid" 22)
        if [ "${ticks:-0}" -ge "$LEFT_SINCE" ] &&
            { works_below "$pid" "$LEFT_DIR" || is_unmarked_product "$pid"; }; then
            echo "$pid"
        fi
    done 2>/dev/null
}

# Files that were not there before and belong to no live process (which is not the run's any more).
files_left() {
    local file pid
    while IFS= read -r file; do
        pid=${file##*/} pid=${pid%%[!0-9]*}
        if [ -z "$pid" ] || [ ! -d "/proc/$pid" ]; then
            echo "$file"
        fi
    done < <(comm -13 "$LEFT_BEFORE" <(list_files))
    [ ! -e "$LEFT_DIR" ] || echo "$LEFT_DIR"
}

# Says which processes are left, and ends those that are the run's beyond doubt.
report_processes() {
    local pid
    while read -r pid; do
        echo "left running: process $pid, $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        ! works_below "$pid" "$LEFT_DIR" || kill -s KILL "$pid" || true
    done < <(processes_left | sort -un)
}

check() {
    local left
    left=$(
        report_processes
        sed -n "s|.* \($LEFT_DIR/.*\)|left open: socket \1|p" /proc/net/unix
        files_left | sed 's/^/left in place: /'
    )
    [ -z "$left" ] || echo "$left"
    [ -z "$left" ]
}

case ${1:-} in
    list) list_files ;;
    check) check ;;
    *)
        echo "usage: leftovers.sh list|check" >&2
        exit 64
        ;;
esac
