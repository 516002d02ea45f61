#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Unpacks Debian's arm64 packages that the library and the tests' programs are built with and run
# on, into a directory of their own: nothing is installed, and the machine stays of one architecture.
#
#   arm64-sysroot.sh DIR        e.g. arm64-sysroot.sh build/arm64/sysroot
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: arm64-sysroot.sh DIR" >&2 && exit 64; }
packages=(libc6-dev libgcc-s1 libpq-dev libyaml-dev libxxhash-dev)

mkdir -p "$1"
sysroot=$(readlink -f "$1")
apt=$sysroot.apt
rm -rf "$apt" "${sysroot:?}"
mkdir -p "$sysroot" "$apt"/{state/lists,cache/archives}/partial
: >"$apt/status" # in which nothing is installed
apt_get() {
    apt-get -qq -o Dir::State="$apt/state" -o Dir::Cache="$apt/cache" -o Dir::State::status="$apt/status" \
        -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
        -o Acquire::Languages=none "$@" >&2
}

apt_get update
apt_get -y --no-install-recommends --download-only install "${packages[@]}"
for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$sysroot"
done
rm -rf "$apt"
