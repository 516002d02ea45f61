#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# make install puts everything where Debian would, working; make uninstall takes all of it away.
# shellcheck source=tests/integration/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

stage=$TEST_DIR/stage
lib=$stage/usr/lib/$("${CC:-cc}" -print-multiarch)
share=$stage/usr/share

install_as() {
    make -s BUILD="$BUILD" PREFIX=/usr DESTDIR="$stage" "$1"
}

check 'make install' install_as install
assert_eq 'the files, each in its place' "bin/parts-validate
bin/parts_server
bin/perfspy-ctl
${lib#"$stage/usr/"}/libperfspy.so
share/bash-completion/completions/perfspy-ctl
share/man/man1/parts-validate.1.gz
share/man/man1/perfspy-ctl.1.gz
share/perfspy/openapi.yaml
$(find rules -type f -printf 'share/perfspy/%p\n' | LC_ALL=C sort)" \
    "$(cd "$stage/usr" && find . -type f | sed 's|^\./||' | LC_ALL=C sort)"
assert_eq 'the library is no program' 644 "$(stat -c %a "$lib/libperfspy.so")"
check 'the tool runs' "$stage/usr/bin/perfspy-ctl" --version
check 'the validator runs' "$stage/usr/bin/parts-validate" --version
check 'and finds the rules' bash -c 'cd / && "$0" --url http://127.0.0.1:1 --pid 1 2>&1 |
    grep -v "no rules/parts.yml"' "$stage/usr/bin/parts-validate"
check 'the service runs' "$stage/usr/bin/parts_server" --version
assert_eq 'the rules are valid' 0 \
    "$("$stage/usr/bin/perfspy-ctl" rules check "$share/perfspy/rules/parts.yml" >&2; echo $?)"
assert_match 'the manual page' '^\.TH PERFSPY' "$(zcat "$share/man/man1/perfspy-ctl.1.gz" | head -n 1)"
assert_match 'and the validator'"'"'s' '^\.TH PARTS' \
    "$(zcat "$share/man/man1/parts-validate.1.gz" | head -n 1)"
check 'the completion is bash' bash -n "$share/bash-completion/completions/perfspy-ctl"
# shellcheck disable=SC2016 # for the inner shell
assert_match 'and completes a command' benchmarks "$(bash -c '. "$0"
    COMP_WORDS=(perfspy-ctl be) COMP_CWORD=1 COMP_LINE="perfspy-ctl be" COMP_POINT=14
    $(complete -p perfspy-ctl | sed "s/.*-F \([^ ]*\).*/\1/") perfspy-ctl be perfspy-ctl
    echo "${COMPREPLY[@]}"' "$share/bash-completion/completions/perfspy-ctl")"

# The loader complains on standard error about what it cannot preload.
runtime=${PERFSPY_PRELOAD%"$PERFSPY_LIB"}
assert_eq 'LD_PRELOAD finds the library by its name alone' 'hello' \
    "$(LD_LIBRARY_PATH=$lib LD_PRELOAD="${runtime}libperfspy.so" /bin/echo hello 2>&1)"

check 'make uninstall' install_as uninstall
assert_eq 'nothing is left' '' "$(find "$stage" -type f)"
