#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Unpacks Debian's arm64 packages into a directory of their own: nothing is installed, and the
# machine stays of one architecture.
#
#   arm64-sysroot.sh DIR            what the library, the tool and the tests' programs are built with
#                                   and run on, e.g. arm64-sysroot.sh build/arm64/sysroot
#   arm64-sysroot.sh DIR machine    a kernel, without its modules, and a shell for it
set -euo pipefail

[ $# -eq 1 ] || [ "$*" = "$1 machine" ] || { echo "usage: arm64-sysroot.sh DIR [machine]" >&2 && exit 64; }
packages=(libc6-dev libgcc-s1 libpq-dev libyaml-dev libxxhash-dev libjansson-dev libmicrohttpd-dev
    nettle-dev libpcap0.8-dev libcmocka-dev)

mkdir -p "$1"
sysroot=$(readlink -f "$1")
apt=$sysroot.apt
rm -rf "$apt" "${sysroot:?}"
mkdir -p "$sysroot" "$apt"/{state/lists,cache/archives}/partial
: >"$apt/status" # in which nothing is installed
settings=(-o Dir::State="$apt/state" -o Dir::Cache="$apt/cache" -o Dir::State::status="$apt/status"
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root
    -o Acquire::Languages=none)
apt_get() {
    apt-get -qq "${settings[@]}" "$@" >&2
}

# The one that linux-image-arm64 stands for today.
kernel_package() {
    apt-cache "${settings[@]}" depends linux-image-arm64 | awk '/Depends: linux-image-/ { print $2; exit }'
}

apt_get update
if [ $# -eq 1 ]; then
    apt_get -y --no-install-recommends --download-only install "${packages[@]}"
else
    kernel=$(kernel_package)
    (cd "$apt/cache/archives" && apt_get download "$kernel" busybox-static)
fi
for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$sysroot" --exclude='./lib/modules/*'
done
rm -rf "$apt"
