#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs what the given groups of packages.txt name and this machine lacks:
#
#   deps.sh GROUP...        e.g. deps.sh build libraries tests
#
# Only apt-get is run with privilege (as root, or through sudo), and nothing at all where nothing
# is missing. Installing a server here neither creates nor starts one: the tests bring their own, and
# what was there before is left alone.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
list=$here/packages.txt
cluster_conf=/etc/postgresql-common/createcluster.conf
start_policy=/usr/sbin/policy-rc.d

die() {
    printf 'deps: %s\n' "$@" >&2
    exit 1
}

# The packages of one group, one a line.
group_packages() {
    awk -v group="[$1]" '
        /^#/ || NF == 0 { next }
        /^\[/           { here = ($1 == group); found = found || here; next }
        here            { print $1 }
        END             { exit !found }' "$list"
}

# Those of the given packages that are not installed, one a line. (dpkg-query fails where it has
# never heard of one.)
missing_packages() {
    local installed
    installed=$({ dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true; } |
        awk '$2 == "installed" { print $1 }')
    printf '%s\n' "$@" | grep -vxF -e "$installed" || true
}

find_privilege() {
    privilege=()
    if [ "$(id -u)" -eq 0 ]; then
        return
    fi
    if ! command -v sudo >/dev/null; then
        die "these packages are missing: ${missing[*]}" \
            "this is neither root nor is there sudo; as root: apt-get install ${missing[*]}"
    fi
    privilege=(sudo)
    if [ ! -t 0 ] && ! sudo -n true 2>/dev/null; then
        die "these packages are missing: ${missing[*]}" \
            "sudo wants a password and there is no terminal to ask; run 'make deps' from one"
    fi
}

# Says nothing unless it fails: then all that apt-get said.
apt() {
    local output
    if ! output=$("${privilege[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" 2>&1 </dev/null); then
        printf '%s\n' "$output" >&2
        return 1
    fi
}

install() {
    apt install --no-install-recommends "$@" ||
        die "apt-get could not install: $*" "its own messages stand above"
}

restore_cluster_conf() {
    "${privilege[@]}" mv -f "$cluster_conf.perfspy-saved" "$cluster_conf"
}

# Debian's postgresql-15 makes and starts a cluster `main` on its first installation, unless this
# setting, which postgresql-common owns, says no. It is put back as it was.
install_postgresql() {
    install postgresql-common
    "${privilege[@]}" cp -p "$cluster_conf" "$cluster_conf.perfspy-saved"
    trap restore_cluster_conf EXIT
    echo 'create_main_cluster = false' | "${privilege[@]}" tee -a "$cluster_conf" >/dev/null
    install "$@"
    restore_cluster_conf
    trap - EXIT
}

restore_start_policy() {
    if [ -e "$start_policy.perfspy-saved" ]; then
        "${privilege[@]}" mv -f "$start_policy.perfspy-saved" "$start_policy"
    else
        "${privilege[@]}" rm -f "$start_policy"
    fi
}

# Debian starts and enables a service when it is installed, unless this program, which belongs to
# whoever runs the machine, says no: 101 means "not allowed". It is put back as it was. Enabling
# is undone at once; nothing else but the first installation does it.
install_services() {
    [ ! -e "$start_policy" ] ||
        "${privilege[@]}" mv -f "$start_policy" "$start_policy.perfspy-saved"
    trap restore_start_policy EXIT
    printf '#!/bin/sh\nexit 101\n' | "${privilege[@]}" tee "$start_policy" >/dev/null
    "${privilege[@]}" chmod 755 "$start_policy"
    install "$@"
    for service in "${@%-light}"; do # nginx-light is the service nginx
        "${privilege[@]}" env PATH="$PATH:/usr/sbin" update-rc.d "$service" disable
    done
    restore_start_policy
    trap - EXIT
}

[ $# -gt 0 ] || die "usage: deps.sh GROUP...  (groups are in $list)"
command -v apt-get >/dev/null ||
    die "this machine has no apt-get; perfspy is built on Debian 12" \
        "the packages it needs are listed in tools/scripts/packages.txt"

wanted=()
for group in "$@"; do
    packages=$(group_packages "$group") || die "packages.txt has no group [$group]"
    mapfile -t -O "${#wanted[@]}" wanted <<<"$packages"
done
list_missing=$(missing_packages "${wanted[@]}")
[ -n "$list_missing" ] || exit 0

# One at a time on a machine: what is put aside below must not be put aside twice. Whoever had to
# wait may find the work done.
exec {lock}</usr/sbin
flock "$lock"
list_missing=$(missing_packages "${wanted[@]}")
[ -n "$list_missing" ] || exit 0
mapfile -t missing <<<"$list_missing"

find_privilege
echo "deps: installing, which may take a few minutes: ${missing[*]}"
apt update || echo "deps: apt-get update failed; trying with the lists at hand" >&2

server=() services=() others=()
for package in "${missing[@]}"; do
    case $package in
        postgresql-15) server+=("$package") ;;
        prometheus | prometheus-alertmanager | nginx-light | haproxy) services+=("$package") ;;
        *) others+=("$package") ;;
    esac
done
[ "${#others[@]}" -eq 0 ] || install "${others[@]}"
[ "${#server[@]}" -eq 0 ] || install_postgresql "${server[@]}"
[ "${#services[@]}" -eq 0 ] || install_services "${services[@]}"
