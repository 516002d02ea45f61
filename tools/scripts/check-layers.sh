#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Checks on the #include lines that data runs one way: which folder may know of which, and which
# library may be used where. The table below is the architecture; a new folder is a new row.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
cd "$here/../.."

# Folder: the folders of preload/ that it may include from, beside itself.
layers='
preload/hooks     observe runtime
preload/observe   classify record runtime shared
preload/classify  shared
preload/record    shared runtime
preload/publish   record shared runtime
preload/runtime   shared
preload/shared
preload           hooks observe classify record publish runtime shared
tools/ctl         shared
tools/validate    shared ctl
parts_app
'

# Header of a library beside libc: the files that may include it (a pattern for the whole path).
# Tests may include what they like.
libraries='
yaml.h        preload/shared/rules[^/]*
llhttp.h      preload/observe/http1[^/]*
xxhash.h      preload/shared/sql[^/]*|preload/classify/[^/]*
libpq-fe.h    preload/(hooks|observe|runtime)/[^/]*|parts_app/[^/]*
jansson.h     tools/(ctl|validate)/[^/]*|parts_app/[^/]*
microhttpd.h  tools/ctl/serve_http.c|parts_app/[^/]*
pcap/bpf.h    tools/ctl/seccomp.c
nettle/memops.h tools/ctl/tokens.c
nettle/sha2.h tools/ctl/tokens.c
curl/curl.h   tools/[^/]*/[^/]*
ncurses.h     tools/ctl/[^/]*
crypt.h       parts_app/[^/]*
'

# All else in angle brackets has to be the C library's, the compiler's or the kernel's.
libc='assert complex ctype dirent dlfcn elf endian err errno fcntl features fenv float fnmatch
getopt glob grp iconv inttypes langinfo libgen limits link locale malloc math mqueue netdb poll
pthread pwd sched search semaphore setjmp signal spawn stdalign stdarg stdatomic stdbool stddef
stdint stdio stdlib stdnoreturn string strings sysexits syslog termios tgmath threads time ucontext
unistd utime wchar wctype wordexp cpuid immintrin x86intrin'

check_includes() {
    # shellcheck disable=SC2046 # file names of the tree hold no blanks
    awk -v layers="$layers" -v libraries="$libraries" -v libc="$libc" '
        function complain(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }

        function allowed_text(folder) {
            return may[folder] == "" ? "its own files only" : "its own files and those of" may[folder]
        }

        # "folder/file.h": by the table. A name without a folder is one of the same folder.
        function check_own(name, target) {
            if (name ~ /\.\./) {
                complain("\"" name "\": write the path from the top, without \"..\"")
                return
            }
            if (name !~ /\//) {
                if (folder ~ /^preload\//)
                    complain("\"" name "\": write the folder too, \"" short "/" name "\"")
                return
            }
            target = name
            sub(/\/[^\/]*$/, "", target)
            if (target != short && index(may[folder] " ", " " target " ") == 0)
                complain("\"" name "\": " folder " may include " allowed_text(folder))
        }

        function check_library(name, word) {
            word = name
            sub(/\.h$/, "", word)
            if (name ~ /^(sys|linux|arpa|asm|net|netinet|gnu)\// || word in system_header)
                return
            if (!(name in where))
                complain("<" name ">: no header of libc and no library that perfspy uses; both " \
                         "are listed in tools/scripts/check-layers.sh")
            else if (FILENAME !~ "^(" where[name] ")$")
                complain("<" name ">: only for " where[name])
        }

        BEGIN {
            count = split(layers, rows, "\n")
            for (i = 1; i <= count; i++) {
                folder = rows[i]
                sub(/ .*/, "", folder)
                text = rows[i]
                if (!sub(/^[^ ]+ +/, "", text))
                    text = ""
                if (folder != "") {
                    known[folder] = 1
                    may[folder] = text == "" ? "" : " " text
                }
            }
            count = split(libraries, rows, "\n")
            for (i = 1; i <= count; i++)
                if (split(rows[i], field, / +/) == 2)
                    where[field[1]] = field[2]
            count = split(libc, rows, /[ \n]+/)
            for (i = 1; i <= count; i++)
                system_header[rows[i]] = 1
        }

        FNR == 1 {
            folder = short = FILENAME
            sub(/\/[^\/]*$/, "", folder)
            short = folder
            sub(/^.*\//, "", short)
            if (!(folder in known))
                complain(folder "/ has no row in the table of tools/scripts/check-layers.sh")
        }

        (folder in known) && match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]+/) {
            name = substr($0, RSTART, RLENGTH)
            own = name ~ /"/
            sub(/^[^"<]*["<]/, "", name)
            if (own)
                check_own(name)
            else
                check_library(name)
        }

        END { exit bad }' $("$here/sources.sh" c h def | grep -E '^(preload|tools|parts_app)/')
}

# The service is the program that perfspy watches: it must not know that there is such a thing.
check_service() {
    ! grep -rniE 'perfspy|\bspy_|LD_PRELOAD' parts_app ||
        { echo 'parts_app/ must know nothing of perfspy: take the lines above out' && return 1; }
}

status=0
check_includes || status=1
check_service || status=1
exit "$status"
