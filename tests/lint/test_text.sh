#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The text check finds what a file must not have, and names the file and the line.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$tree/preload/shared" "$tree/tests/fixtures"
licence='/* SPDX-License-Identifier: MIT */'

# case_of FILE TEXT: the verdict on the tree with that file in it.
case_of() {
    printf '%b' "$2" >"$tree/$1"
    verdict check-text.sh
    rm "$tree/$1"
}

# refuses WHAT FILE TEXT REGEX
refuses() {
    assert_refused "$1" "$4" "$(case_of "$2" "$3")"
}

lines() {
    echo "$licence"
    seq -f '/* %g */' "$(($1 - 1))"
}

c=preload/shared/a.c
assert_eq 'accepted: a clean file' passed "$(case_of $c "$licence\n")"
assert_eq 'accepted: white space in a fixture' passed "$(case_of tests/fixtures/a 'x \t\n')"
assert_match 'noted: more than 400 lines' '^note: .*a.c has 401 lines.*passed$' \
    "$(case_of $c "$(lines 401)\n")"
refuses 'more than 600 lines' $c "$(lines 601)\n" 'a.c has 601 lines; at most 600'
refuses 'no licence' $c 'int a;\n' 'a.c: the first line .* SPDX'
refuses 'a tab' $c "$licence\n\tint a;\n" 'a.c:2:'
refuses 'white space at the end' $c "$licence\nint a; \n" 'a.c:2:'
refuses 'no newline at the end' $c "$licence" 'a.c: no newline'
refuses 'what is left to be done' $c "$licence\n/* TO""DO */\n" 'a.c:2:'
refuses 'a home directory' README.md "see /home""/me/x\n" 'README.md:1:'
refuses 'the place of this tree' README.md "see $tree/build\n" 'README.md:1:'
