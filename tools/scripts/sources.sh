#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Prints the project's files with the given endings, or all of them, one a line: what lies in the
# source tree, build directories and version control aside. Works in a tarball, too.
#
#   sources.sh [ENDING...]        e.g. sources.sh c h
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
endings=()
for ending in "$@"; do
    endings+=(${endings[0]+-o} -name "*.$ending")
done
[ $# -gt 0 ] || endings=(-true)
find . \( -path ./.git -o -path './build*' \) -prune -o -type f ! -name '*.swp' \
    \( "${endings[@]}" \) -print | sed 's|^\./||' | LC_ALL=C sort
