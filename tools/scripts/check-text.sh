#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Checks what every file of the tree has to keep to: length, licence line, white space, and no
# trace of the machine that it was written on.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.."

warn_lines=400 max_lines=600
bad=0

complain() {
    printf '%s\n' "$@"
    bad=1
}

# grep_all PATTERN FILE...: the lines that match, with file and number; none is no error.
grep_all() {
    local pattern=$1
    shift
    [ $# -eq 0 ] || grep -nIHE -e "$pattern" "$@" || true
}

report() {
    local what=$1 lines=$2
    [ -z "$lines" ] || complain "$what" "$lines"
}

# Fixtures are data: their white space is their own.
mapfile -t all < <("$here/sources.sh" | grep -v '^tests/fixtures/')
mapfile -t c < <("$here/sources.sh" c h)
mapfile -t code < <("$here/sources.sh" c h sh lua)

for file in "${code[@]}"; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt "$max_lines" ]; then
        complain "$file has $lines lines; at most $max_lines: split it by what it does"
    elif [ "$lines" -gt "$warn_lines" ]; then
        echo "note: $file has $lines lines; aim below $warn_lines"
    fi
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
        complain "$file: the first line (in a script the second) has to be SPDX-License-Identifier: MIT"
done

report 'tabs in C (four spaces instead):' "$(grep_all $'\t' "${c[@]}")"
report 'white space at the end of a line:' "$(grep_all '[[:space:]]$' "${all[@]}")"
report 'left to be done (finish it, or say so in an issue):' \
    "$(grep_all '\b(TO''DO|FIX''ME|XX''X)\b' "${code[@]}")"

# Where somebody's machine shows: this tree's own place, and home directories.
top=$(printf '%s' "$PWD" | sed 's/[][\.*^$+?(){}|]/\\&/g')
homes='/(home|Users)/[A-Za-z]|/root[/]'
report 'paths of one machine (write relative ones, or variables):' \
    "$(grep_all "(^|[^A-Za-z0-9_.-])($top/|$homes)" "${all[@]}")"

for file in "${all[@]}"; do
    [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || complain "$file: no newline at the end"
done
exit "$bad"
