#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching on arm64. An emulator of programs has no ptrace, so a whole machine is emulated, with
# Debian's kernel and no more than the programs that it takes (lib/arm64_guest.sh). `make
# test-arm64-attach` runs this; ARM64_BUILD, ARM64_SYSROOT and ARM64_MACHINE say where what it
# needs has been built. ARM64_CPU is another processor to emulate.
# time limit: 600
. "$(dirname "$0")/lib/check.sh"

root=$TEST_DIR/root
image=$TEST_DIR/image

# into DIR FILE...
into() {
    mkdir -p "$root/$1"
    cp -L "${@:2}" "$root/$1"
}

# The loader, and what PROGRAM... need, as far as the sysroot has it.
libraries() {
    local name path
    into lib "$ARM64_SYSROOT/lib/ld-linux-aarch64.so.1"
    for name in libc.so.6 libm.so.6 libgcc_s.so.1 "$@"; do
        path=$(find "$ARM64_SYSROOT" -name "$name" -print -quit)
        into lib "${path:?$name is not in the sysroot}"
    done
}

mkdir -p "$root"/{proc,dev}
into bin "$ARM64_MACHINE/bin/busybox"
ln -s busybox "$root/bin/sh"
install -m 755 tests/integration/lib/arm64_guest.sh "$root/init"
into here "$ARM64_BUILD"/{libperfspy.so,perfspy-ctl,unit/ctl/test_inject,unit/ctl/test_inject_aarch64} \
    "$ARM64_BUILD"/victims/{attached,joined-lazy,joined-table,kept,kept.so,libpq-a1b2.so.5,libpq-c3d4.so.5}
into "here/${ARM64_BUILD#"$PWD/"}" "$ARM64_BUILD/libperfspy.so"
libraries libyaml-0.so.2 libjansson.so.4 libmicrohttpd.so.12 libnettle.so.8 libgnutls.so.30 \
    libp11-kit.so.0 libidn2.so.0 libunistring.so.2 libtasn1.so.6 libhogweed.so.6 libgmp.so.10 \
    libffi.so.8 libcmocka.so.0
into lib "$ARM64_BUILD/bench/plain/libpq.so.5"
(cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 >"$image"

timeout 540 qemu-system-aarch64 -M virt -cpu "${ARM64_CPU:-cortex-a57}" -smp 2 -m 512 -nodefaults \
    -nographic -serial "file:$TEST_DIR/serial" -no-reboot -kernel "$ARM64_MACHINE"/boot/vmlinuz-* -initrd "$image" \
    -append 'console=ttyAMA0 quiet panic=-1' </dev/null || true
tr -d '\r' <"$TEST_DIR/serial" >"$TEST_DIR/console"

while read -r line; do
    case $line in
        'ok - '*) ok "${line#ok - }" ;;
        'not ok - '*) not_ok "${line#not ok - }" ;;
        *) echo "# $line" ;;
    esac
done <"$TEST_DIR/console"
check "the machine came to its end" grep -qx over "$TEST_DIR/console"
