#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Debian's node with its libpq, below a directory:
#
#   node.sh DIR        afterwards DIR/node runs scripts, with NODE_PATH as DIR/path says
#
# They are unpacked and not installed: Debian's node-libpq needs Debian's nodejs, and a machine that
# has node from elsewhere would have to give that up. What libnode looks for in fixed places is in
# packages.txt.
#
# Exit status 77 where they cannot be had; the last line then says why.
set -euo pipefail

packages=(libnode108 node-libpq node-bindings node-file-uri-to-path)
seconds=60 # who asks is a test with a time limit of its own

[ $# -eq 1 ] || {
    echo "usage: node.sh DIR" >&2
    exit 64
}

unavailable() {
    echo "Debian's node cannot be had: $*"
    exit 77
}

here=$(dirname "$(readlink -f "$0")")
mkdir -p "$1"
dir=$(cd "$1" && pwd)
exec {lock}<"$dir"
flock -w "$seconds" "$lock" || unavailable "another run of this script is still busy with it"
[ ! -e "$dir/path" ] || exit 0

rm -rf "$dir/download" "$dir/files"
mkdir "$dir/download"
cd "$dir/download"
timeout -k 5 "$seconds" apt-get -q download "${packages[@]}" >"$dir/log" 2>&1 </dev/null ||
    unavailable "$(grep '^E: ' "$dir/log" | tail -n 1 || echo "apt-get did not deliver")"
for package in *.deb; do
    dpkg-deb -x "$package" "$dir/files"
done
rm -rf "$dir/download"

libnode=("$dir"/files/usr/lib/*/libnode.so.108)
"${CC:-cc}" "$here/node.c" "${libnode[0]}" -Wl,-rpath,"${libnode[0]%/*}" -o "$dir/node"
path=$dir/files/usr/share/nodejs:${libnode[0]%/*}/nodejs
NODE_PATH=$path "$dir/node" -e 'require("libpq")' >"$dir/log" 2>&1 </dev/null ||
    unavailable "$(head -n 1 "$dir/log")"
echo "$path" >"$dir/path"
