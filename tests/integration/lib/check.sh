# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What a test script begins with:
#
#   . "$(dirname "$0")/lib/check.sh"
#
# A script runs under the test runner (`make test T=name`), in a directory of its own (TEST_DIR)
# and with a database of its own (libpq's environment says which). It reports each check as a line
# `ok - what` or `not ok - what`; it goes on after a failed check, and ends, failed, at a command
# that fails unexpectedly. `# time limit: SECONDS` on a line of the script replaces the default.

set -Eeuo pipefail

: "${TEST_DIR:?run this through make test T=NAME}"
CHECK_LIB=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/integration/lib/process.sh
. "$CHECK_LIB/process.sh"
# shellcheck source=tests/integration/lib/parts.sh
. "$CHECK_LIB/parts.sh"

CHECKS_FAILED=0

check_stopped() {
    not_ok "$1:$2 ended early" "command failed with status $3: $4"
}

check_end() {
    local status=$?
    trap - ERR
    set +e
    run_cleanups
    [ "$status" -eq 0 ] && [ "$CHECKS_FAILED" -gt 0 ] && status=1
    exit "$status"
}

# In a subshell the failure is reported by the command that the subshell is.
trap '[ "$BASH_SUBSHELL" -gt 0 ] || check_stopped "${BASH_SOURCE[0]##*/}" "$LINENO" "$?" "$BASH_COMMAND"' ERR
trap check_end EXIT
trap 'exit 143' TERM

ok() {
    echo "ok - $1"
}

# not_ok WHAT [DETAIL...]
not_ok() {
    CHECKS_FAILED=$((CHECKS_FAILED + 1))
    echo "not ok - $1"
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/#   /'
}

# skip WHAT REASON: the check cannot be made on this machine.
skip() {
    echo "ok - $1 # SKIP $2"
}

# check WHAT COMMAND...: the command succeeds; its output is shown if it does not.
check() {
    local what=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    if [ "$status" -eq 0 ]; then
        ok "$what"
    else
        not_ok "$what" "status $status from: $*" "$output"
    fi
}

# check_fails WHAT COMMAND...: the command fails.
check_fails() {
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        not_ok "$what" "status 0 from: $*" "$output"
    else
        ok "$what"
    fi
}

# assert_eq WHAT WANT GOT
assert_eq() {
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        not_ok "$1" "want: $2" "got:  $3"
    fi
}

# assert_match WHAT REGEX TEXT: an extended regular expression, anywhere in the text.
assert_match() {
    if [[ $3 =~ $2 ]]; then
        ok "$1"
    else
        not_ok "$1" "want a match of: $2" "got: $3"
    fi
}

# assert_status WHAT WANT COMMAND...: the command ends with that exit status.
assert_status() {
    local what=$1 want=$2 output status=0
    shift 2
    output=$("$@" 2>&1) || status=$?
    if [ "$status" = "$want" ]; then
        ok "$what"
    else
        not_ok "$what" "want status $want, got $status from: $*" "$output"
    fi
}

# json FILE FILTER [JQ-ARGUMENT...]: what the filter gives, as plain text.
json() {
    jq -r "${@:3}" "$2" "$1"
}

# assert_json WHAT FILE FILTER [JQ-ARGUMENT...]: the filter is true of the document. Where there is none
# jq succeeds, and says nothing.
assert_json() {
    local what=$1 file=$2 filter=$3 said
    shift 3
    if said=$(jq -e "$@" "$filter" "$file" 2>/dev/null) && [ -n "$said" ]; then
        ok "$what"
    else
        not_ok "$what" "not true: $filter" "of: $(jq -c . "$file" 2>&1 | cut -c 1-2000)"
    fi
}

# sql TEXT: what the test's database answers, columns separated by |.
sql() {
    psql -XqAt -v ON_ERROR_STOP=1 -c "$1"
}
