#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Checks on the built library that it is a well-mannered guest:
#   - it exports exactly the hooks of preload/hooks/hooks.def
#   - it needs libc only, has no text relocation, is bound and made read-only before it runs, and
#     has its thread-local storage in the static block (access never allocates)
#   - it asks for no executable stack, and its objects say that they have landing pads
#   - nothing in it may end the program, print, or start another one
#   - nothing in it calls a function that it interposes
#   - only what runs outside the hot path may allocate
#
#   BUILD=build check-symbols.sh
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.."
build=${BUILD:-build}
library=$build/libperfspy.so
objects=$build/lib
hooks=preload/hooks/hooks.def
bad=0

# What would end, disturb or speak for the host program.
forbidden='exit|_exit|_Exit|quick_exit|abort|__assert_fail|__assert|atexit|err|errx|warn|warnx|perror
printf|vprintf|fprintf|vfprintf|dprintf|vdprintf|puts|fputs|putchar|fputc|putc|__printf_chk
__fprintf_chk|__vfprintf_chk|stdout|stderr|system|popen|fork|vfork|posix_spawn|posix_spawnp|execl
execle|execlp|execv|execve|execvp|setenv|putenv|unsetenv|signal|chdir|fchdir|umask|setlocale'
forbidden=${forbidden//$'\n'/|}

# What allocates, itself or inside libc.
allocating='malloc|calloc|realloc|reallocarray|free|strdup|strndup|__strdup|asprintf|vasprintf
__asprintf_chk|aligned_alloc|posix_memalign|memalign|valloc|getline|getdelim|open_memstream
fopen|fopen64|fdopen|fmemopen|opendir|fdopendir|scandir|getcwd|realpath|qsort|qsort_r|getaddrinfo'
allocating=${allocating//$'\n'/|}

# What may allocate: files that run while rules are loaded, in the helper thread, or once for each
# copy of libpq; and the functions that make and unmake a whole object.
cold_files='preload/(shared/rules[^/]*|shared/history[^/]*|publish/[^/]*|runtime/libpq\.c)'
cold_functions='spy_[a-z0-9_]+_(new|renew|free|open|close)'

# libyaml, linked in, asserts that it is called properly, and allocates for the rules parser.
libyaml='__assert_fail|malloc|realloc|free|strdup|fread|fwrite|ferror|__sprintf_chk|sprintf'

# What each object has to say of itself in a note, so that the loader leaves a program's landing
# pads and shadow stack in force.
case $("${CC:-cc}" -dumpmachine) in
    x86_64-*) marks='IBT, SHSTK' ;;
    aarch64-*) marks='BTI, PAC' ;;
    *) marks='' ;;
esac

complain() {
    echo "$1"
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/    /'
    bad=1
}

complain_if() {
    [ -z "$2" ] || complain "$1" "$2"
}

# Lines `FUNCTION NAME`: what the code of an object, or of an archive's members, refers to, and
# where. Relocations, unlike the list of undefined symbols, also name what a file defines itself
# and calls: one wrapper calling another, which is never inlined since what is exported may be
# replaced.
references() {
    objdump -dr --no-show-raw-insn "$1" | awk '
        /^[0-9a-f]+ <.*>:$/ { function_name = $2; gsub(/[<>:]|\..*/, "", function_name) }
        $2 ~ /^R_/          { name = $3; sub(/[-+@].*/, "", name); print function_name, name }' |
        sort -u
}

# Of those lines on standard input, the ones whose name is one of the given; as `NAME in FUNCTION`.
referring_to() {
    awk -v names="^($1)\$" '$2 ~ names { print $2 " in " $1 }'
}

check_exports() {
    local difference
    difference=$(diff <(tr '|' '\n' <<<"$hooked") \
        <(nm -D --defined-only "$library" | awk '{ print $NF }' | sort) |
        sed -n 's/^</in the hook list, not exported:/p; s/^>/exported, not in the hook list:/p' ||
        true)
    complain_if "$library has to export exactly what $hooks names:" "$difference"
}

check_dynamic() {
    local dynamic needed
    dynamic=$(readelf -dW "$library")
    needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic" | grep -vx 'libc\.so\.6' || true)
    complain_if "$library may need libc.so.6 only (link others in statically); it needs:" "$needed"
    ! grep -q TEXTREL <<<"$dynamic" ||
        complain "$library has text relocations: compile all of it with -fPIC"
    grep -q 'BIND_NOW\|FLAGS_1.*NOW' <<<"$dynamic" ||
        complain "$library is bound lazily: link with -z now"
    grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" ||
        complain "$library could be unloaded under its own hooks: link with -z nodelete"
    readelf -lW "$library" | grep -q 'GNU_STACK.* RW ' ||
        complain "$library asks for an executable stack: its assembly lacks .note.GNU-stack"
    readelf -lW "$library" | grep -q GNU_RELRO ||
        complain "$library has no RELRO segment: link with -z relro"
    if readelf -lW "$library" | grep -q ' TLS ' && ! grep -q STATIC_TLS <<<"$dynamic"; then
        complain "$library has thread-local storage outside the static block:" \
            "compile with -ftls-model=initial-exec"
    fi
}

check_undefined() {
    local undefined
    undefined=$(nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }')
    complain_if "$library itself may not call what it interposes (runtime/sys.h has system calls):" \
        "$(grep -xE "$hooked" <<<"$undefined" || true)"
    complain_if "$library may not call, whoever in it does:" \
        "$(grep -xE "$forbidden" <<<"$undefined" | grep -vxE "$libyaml" || true)"
}

# Every object of ours by itself: says which file and which function it is.
check_object() {
    local object=$1 source lines
    source=${object#"$objects/"}
    source=$(ls "${source%.o}".[cS])
    lines=$(references "$object")
    complain_if "$source calls what the library interposes (runtime/sys.h has system calls):" \
        "$(referring_to "$hooked" <<<"$lines")"
    complain_if "$source calls what a guest must not:" "$(referring_to "$forbidden" <<<"$lines")"
    [ -z "$marks" ] || readelf -nW "$object" | grep -q "$marks" ||
        complain "$source has no $marks mark: the library would switch that off in its host"
    [[ $source =~ ^$cold_files$ ]] || complain_if "$source may run in a hook and allocates:" \
        "$(referring_to "$allocating" <<<"$lines" | grep -vE " in ($cold_functions)\$" || true)"
}

check_objects() {
    local object
    while IFS= read -r object; do
        check_object "$object"
    done < <(find "$objects/preload" -name '*.o' | LC_ALL=C sort)
}

# What is linked in from outside must not come back through our own wrappers.
check_linked_in() {
    local file
    for file in "$("${CC:-cc}" -print-file-name=libyaml.a)" "$objects"/llhttp/*.o; do
        complain_if "$file calls what the library interposes:" \
            "$(references "$file" | referring_to "$hooked")"
    done
}

[ -f "$library" ] || { echo "check-symbols: there is no $library; run make first" && exit 1; }
hooked=$("$here/hook-names.sh" "$hooks" | tr '\n' '|')
hooked=${hooked%|}
check_exports
check_dynamic
check_undefined
check_objects
check_linked_in
exit "$bad"
