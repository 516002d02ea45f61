#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Brings the SQL of PostgreSQL 15's own tests onto this machine, once:
#
#   sql-corpus.sh DIR        afterwards the files are in DIR/sql, and DIR/version says of what
#
# It is taken from Debian's source package postgresql-15: from the mirrors that this machine's apt
# uses and through the proxies that it uses, verified as apt verifies it, against the keyring that
# Debian brought. apt gets a configuration of its own below DIR: no root is needed, and nothing of
# the system's is written or changed.
#
# Exit status 77 where the files cannot be had; the last line then says why. What was fetched stays
# in DIR, and the next run goes on from there.
set -euo pipefail

package=postgresql-15
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
seconds=45 # for all of it: who asks is a test with a time limit of its own

[ $# -eq 1 ] || {
    echo "usage: sql-corpus.sh DIR" >&2
    exit 64
}

unavailable() {
    echo "the SQL of PostgreSQL's tests cannot be had: $*"
    exit 77
}

# Where this system's apt finds its packages, as lines of a sources.list.
source_lines() {
    local codename uri release component
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # apt-get fills these in
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 2>/dev/null | sort -u |
        while read -r uri release component; do
            case $release in
                "$codename" | "$codename-updates" | "$codename-security" | stable* | oldstable*)
                    echo "deb-src [signed-by=$keyring] $uri $release $component"
                    ;;
            esac
        done
}

# The file that stands above the system's apt.conf: other places to write, nothing unverified, and
# none of the commands that the system wants run after an update.
write_configuration() {
    cat <<EOF
Dir::Etc::sourcelist "$dir/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$dir/apt/lists";
Dir::Cache "$dir/apt/cache";
APT::Sandbox::User "";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Acquire::Retries "1";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF
}

# apt TOOL ARGUMENT...: one of apt's tools with that configuration, within what is left of the time.
apt() {
    local tool=$1 left=$((deadline - SECONDS))
    shift
    [ "$left" -gt 0 ] || return 124
    LC_ALL=C timeout -k 5 "$left" "$tool" -q -c "$dir/apt/apt.conf" "$@" </dev/null
}

# What apt complained of last, on one line.
complaint() {
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "the mirrors did not deliver within $seconds s; run it again, it goes on from there"
    else
        grep -E '^[EW]: ' "$dir/apt/log" | grep -v 'index files failed' | tail -n 1 | cut -c4-200 |
            grep . || echo "apt-get failed without a word"
    fi
}

# The newest version whose source a mirror has, into DIR/download. (A mirror may list a version, in
# its security suite above all, and not carry it.)
download() {
    local version
    rm -rf "$dir/download"
    mkdir "$dir/download"
    cd "$dir/download"
    while read -r version; do
        if apt apt-get source --download-only --tar-only "$package=$version" >>"$dir/apt/log" 2>&1
        then
            echo "$package $version" >"$dir/download/version"
            return
        fi
    done < <(apt apt-cache showsrc "$package" 2>/dev/null | sed -n 's/^Version: //p' | sort -rVu)
    unavailable "$(complaint)"
}

unpack() {
    local archives
    archives=("$dir/download/"*.orig.tar.*)
    rm -rf "$dir/unpacked"
    mkdir "$dir/unpacked"
    tar -xf "${archives[0]}" -C "$dir/unpacked" --strip-components=1 --wildcards '*/sql/*.sql' ||
        unavailable "${archives[0]##*/} could not be unpacked"
    mv "$dir/download/version" "$dir/version"
    mv "$dir/unpacked" "$dir/sql"
    rm -rf "$dir/download" "$dir/apt"
}

mkdir -p "$1"
dir=$(cd "$1" && pwd)
exec {lock}<"$dir"
flock -w "$seconds" "$lock" || unavailable "another run of this script is still busy with it"
[ ! -d "$dir/sql" ] || exit 0

deadline=$((SECONDS + seconds))
command -v apt-get >/dev/null || unavailable "this machine has no apt-get"
[ -r "$keyring" ] || unavailable "there is no $keyring to verify it with"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
write_configuration >"$dir/apt/apt.conf"
source_lines >"$dir/apt/sources.list"
[ -s "$dir/apt/sources.list" ] || unavailable "apt is not configured for Debian's own packages"
# One mirror that fails need not be the one that has it.
apt apt-get update >"$dir/apt/log" 2>&1 || true
download
unpack
