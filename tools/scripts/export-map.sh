#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Prints the linker's version script of libperfspy.so: the hooks, and nothing else.
#
#   export-map.sh preload/hooks/hooks.def > build/perfspy.map
set -euo pipefail

names=$("$(dirname "$0")/hook-names.sh" "$@")
echo '{'
echo '  global:'
# shellcheck disable=SC2086 # one word a name
printf '    %s;\n' $names
echo '  local: *;'
echo '};'
