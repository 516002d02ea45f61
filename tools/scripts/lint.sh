#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs all static checks, each to its end, and fails if any of them did.
#
#   BUILD=build lint.sh
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
scripts=tools/scripts
failed=()

run() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        printf '  ok    %s\n' "$name"
    else
        printf '  FAIL  %s\n' "$name"
        failed+=("$name")
    fi
    [ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/        /'
}

check_format() {
    "$scripts/sources.sh" c h | xargs -r clang-format --dry-run -Werror ||
        { echo "make format puts it right" && return 1; }
}

check_shell() {
    { "$scripts/sources.sh" sh && echo .ci/run; } | xargs -r shellcheck -x
}

run layers "$scripts/check-layers.sh"
if [ -z "${SAN:-}" ]; then
    run symbols "$scripts/check-symbols.sh"
else
    echo "  skip  symbols (a sanitizer's build has the sanitizer's own)"
fi
run text "$scripts/check-text.sh"
run format check_format
run shell check_shell

if [ "${#failed[@]}" -gt 0 ]; then
    echo "lint: failed: ${failed[*]}"
    exit 1
fi
echo "lint: all checks passed"
