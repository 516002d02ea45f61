#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Prints the names of all interposed functions, sorted, one a line:
#
#   hook-names.sh preload/hooks/hooks.def
#
# The list has a row KIND(name) for each, the kinds being those below; comments in C's two styles.
# It is the only list: export map and checks are made from it.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: hook-names.sh HOOKS.DEF" >&2 && exit 64; }
[ -r "$1" ] || { echo "hook-names: cannot read $1" >&2 && exit 1; }

# Comments become a blank, which keeps what stands on both sides apart.
names=$(tr '\n' '\1' <"$1" | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/| |g' | tr '\1' '\n' |
    sed 's|//.*||' | sed -nE 's/^[[:space:]]*(LIBC|LIBPQ|OPENSSL|GNUTLS)\([[:space:]]*([A-Za-z_0-9]+).*/\2/p' | sort)
[ -n "$names" ] || { echo "hook-names: $1 has no row LIBC(name) or the like" >&2 && exit 1; }
twice=$(uniq -d <<<"$names" | tr '\n' ' ')
[ -z "$twice" ] || { echo "hook-names: in $1 more than once: $twice" >&2 && exit 1; }
echo "$names"
