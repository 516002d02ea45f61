# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of the static checks share: a check's verdict on a small tree of the test's own.

# shellcheck source=tests/integration/lib/check.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib/check.sh"

tree=$TEST_DIR/tree
mkdir -p "$tree/tools"
cp -r tools/scripts "$tree/tools/"

# verdict CHECK: what the check says of the tree; the last line is `passed` if it lets it pass.
verdict() {
    if "$tree/tools/scripts/$1" 2>&1; then
        echo passed
    fi
}

# assert_refused WHAT REGEX SAID: the check said so, and did not let it pass.
assert_refused() {
    local said=$3
    [[ $said != *passed ]] || said="the check let it pass"
    assert_match "refused: $1" "$2" "$said"
}
