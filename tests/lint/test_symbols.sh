#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The symbol check finds each way in which the library could misbehave in a stranger's process.
# Every case is a small library, built by the project's own Makefile from one or two files.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

if [ -n "${SAN:-}" ]; then
    skip 'the symbol check' 'the small libraries are not built with a sanitizer'
    exit 0
fi

mkdir -p "$tree"/preload/{hooks,record,shared}
cp Makefile "$tree/"

cat >"$tree/preload/hooks/hooks.def" <<'LIST'
/* Rows: LIBC(name) and LIBPQ(name). LIBC(in_a_comment) is none. */
LIBC(close)
LIBC(recv) // as is LIBC(this)
LIBC(dlsym)
LIBPQ(PQexec)
LIST
cat >"$tree/preload/hooks/hooks.c" <<'CODE'
#define EXPORTED __attribute__((visibility("default")))
EXPORTED int close(int fd);
EXPORTED long recv(int fd);
EXPORTED void *dlsym(void *handle, const char *name);
EXPORTED void *PQexec(void);
EXPORTED int close(int fd) { return fd; }
EXPORTED long recv(int fd) { return fd; }
EXPORTED void *dlsym(void *handle, const char *name) { return name ? handle : 0; }
#ifdef CALL_EACH_OTHER
EXPORTED void *PQexec(void) { return (void *)recv(3); }
#else
EXPORTED void *PQexec(void) { return 0; }
#endif
CODE

# case_of FILE TEXT [MAKE-ARGUMENT...]: the verdict on the library built with that file in it.
case_of() {
    local file=$1 text=$2
    shift 2
    rm -rf "$tree"/build/{lib/preload,libperfspy.so} "$tree"/preload/{record,shared}/*.c
    [ -z "$file" ] || echo "$text" >"$tree/preload/$file"
    make -s -C "$tree" BUILD=build build/libperfspy.so "$@" >"$TEST_DIR/make.log" 2>&1 ||
        { cat "$TEST_DIR/make.log" && return; }
    BUILD=build verdict check-symbols.sh
}

# refuses WHAT MESSAGE FILE TEXT [MAKE-ARGUMENT...]
refuses() {
    assert_refused "$1" "$2" "$(case_of "${@:3}")"
}

accepts() {
    assert_eq "accepted: $1" passed "$(case_of "${@:2}")"
}

allocates='#include <stdlib.h>
void *f(void);
void *f(void) { return malloc(1); }'
has_tls='__attribute__((tls_model(MODEL))) static __thread int x;
__attribute__((constructor)) static void f(void) { __atomic_add_fetch(&x, 1, 0); }'
shared='-shared -Wl,-soname,libperfspy.so'
careful='-Wl,-z,defs -Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro'

accepts 'a well-mannered library' '' ''
accepts 'cold code that allocates' shared/rules_x.c "$allocates"
accepts 'an object that is made' record/x.c "${allocates//f(/spy_x_open(}"
accepts 'thread-local storage in the static block' record/x.c "${has_tls/MODEL/\"initial-exec\"}"

refuses 'an allocation on the hot path' \
    'preload/record/x.c may run in a hook and allocates:.*malloc in f' record/x.c "$allocates"
refuses 'ending the program' 'preload/record/x.c calls what a guest must not:.*exit' record/x.c \
    'void exit(int); void f(void); void f(void) { exit(1); }'
refuses 'an assertion' 'must not:.*__assert_fail' record/x.c \
    '#include <assert.h>
    void f(int x); void f(int x) { assert(x); }'
refuses 'a print' 'must not:.*puts' record/x.c \
    '#include <stdio.h>
    void f(void); void f(void) { puts("x"); }'
refuses 'a call of what is interposed' 'record/x.c calls what the library interposes.*close in f' \
    record/x.c 'int close(int); int f(void); int f(void) { return close(3); }'
refuses 'a look-up by the interposed dlsym' 'record/x.c calls what the library interposes.*dlsym in f' \
    record/x.c '#include <dlfcn.h>
    void *f(void); void *f(void) { return dlsym(RTLD_NEXT, "close"); }'
refuses 'a call between wrappers' 'hooks/hooks.c calls what the library interposes.*recv in PQexec' '' '' \
    OPT='-O2 -DCALL_EACH_OTHER'

refuses 'thread-local storage that allocates' 'outside the static block' record/x.c \
    "${has_tls/MODEL/\"global-dynamic\"}"
refuses 'a text relocation' 'has text relocations' record/x.c \
    'static int x;
    __attribute__((constructor, used)) static void f(void)
    { __asm__ volatile("jmp 1f; .quad %c0; 1:" :: "i"(&x)); }'
refuses 'a second library' 'may need libc.so.6 only .*libm.so.6' '' '' \
    LIB_LDFLAGS="$shared $careful -Wl,--no-as-needed -lm"
refuses 'an object without landing pads' 'hooks/hooks.c has no .* mark' '' '' GUARDED=
refuses 'an executable stack' 'executable stack' '' '' LIB_LDFLAGS="$shared $careful -Wl,-z,execstack"
refuses 'lazy binding' 'bound lazily' '' '' LIB_LDFLAGS="$shared ${careful/-z,now/-z,lazy}"
refuses 'no RELRO' 'no RELRO' '' '' LIB_LDFLAGS="$shared ${careful/-z,relro/-z,norelro}"
refuses 'unloading' 'could be unloaded' '' '' LIB_LDFLAGS="$shared ${careful/-Wl,-z,nodelete/}"

case_of '' '' >"$TEST_DIR/clean"
sed -i '/recv/d' "$tree/preload/hooks/hooks.def"
assert_refused 'an export without a row' 'exported, not in the hook list: recv' \
    "$(BUILD=build verdict check-symbols.sh)"
echo 'LIBC(recv) LIBC(send)' | tr ' ' '\n' >>"$tree/preload/hooks/hooks.def"
refuses 'a row without a wrapper' 'in the hook list, not exported: send' '' ''
echo 'LIBPQ(recv)' >>"$tree/preload/hooks/hooks.def"
refuses 'a row that stands twice' 'more than once: recv' '' ''
