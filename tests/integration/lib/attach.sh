# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What a process that is attached to holds. Needs check.sh.

# attach_holds PID: what cycles must not add to: threads, descriptors, mappings.
attach_holds() {
    echo "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)" \
        "$(find "/proc/$1/fd" -mindepth 1 | wc -l)" "$(wc -l <"/proc/$1/maps")"
}

attach_holds_no_more() {
    local threads fds maps slack=$2
    read -r threads fds maps < <(attach_holds "$1" 2>/dev/null)
    shift 2
    [ -n "$maps" ] && [ "$threads" -le "$1" ] && [ "$fds" -le "$2" ] && [ "$maps" -le $(($3 + slack)) ]
}

# attach_keeps WHAT PID SLACK THREADS FDS MAPPINGS: a check that it holds no more than it did, but
# for SLACK mappings that it makes for itself.
attach_keeps() {
    local what=$1 pid=$2 slack=$3
    shift 3
    if wait_for 15 attach_holds_no_more "$pid" "$slack" "$@"; then
        ok "$what: holds no more threads, descriptors and mappings"
    else
        not_ok "$what: holds no more threads, descriptors and mappings" \
            "after the second cycle: $*" "at the end: $(attach_holds "$pid")"
    fi
    echo "# $what: threads, descriptors, mappings: $*, then $(attach_holds "$pid")"
}
