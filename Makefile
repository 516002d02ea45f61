# SPDX-License-Identifier: MIT
#
# perfspy: one non-recursive Makefile. `make help` lists targets and variables.

SAN   ?=
BUILD ?= build$(if $(SAN),-$(SAN))
CC    ?= cc
V     ?= 0
T     ?=
ROUNDS ?=
Q     := $(if $(filter 1,$(V)),,@)
say    = $(if $(filter 1,$(V)),,@printf '  %-6s %s\n' $(1) $(2))

VERSION := 0.1.0

# Where the SQL of PostgreSQL's own tests is kept once it has been fetched, for all builds.
CORPUS ?= build/corpus

comma := ,

.DELETE_ON_ERROR:
.SUFFIXES:

ifneq ($(filter-out address undefined thread,$(SAN)),)
$(error SAN=$(SAN) is no sanitizer that this build knows: address, undefined or thread)
endif

# ---------------------------------------------------------------------------------------------
# Flags

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
            -Wpointer-arith -Wwrite-strings -Wundef -Werror=implicit-function-declaration
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
OPT      ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -DSPY_VERSION='"$(VERSION)"' -MMD -MP
CFLAGS   += -std=gnu11 $(OPT) $(WARN) $(SANFLAGS)
LDFLAGS  += $(SANFLAGS)

# Which machine it is built for. Its landing pads and shadow stack: a library without them would
# switch them off in a program that has them. A machine that has no compiler yet is asked itself.
ARCH       := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null || uname -m)))
GUARDED    := $(if $(filter x86_64,$(ARCH)),-fcf-protection=full,-mbranch-protection=standard)

# The instructions stay those of any x86-64, but they are chosen for today's processors: without it
# every struct that is cleared or copied costs a `rep stos`, some 10 ns each.
TUNED      := $(if $(filter x86_64,$(ARCH)),-mtune=skylake)

PQ_CFLAGS := -I$(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)

# llhttp: Debian's node-llhttp ships the generated C sources; they are built, not copied in.
LLHTTP_SRC := /usr/share/llhttp
LLHTTP_INC := /usr/share/include/llhttp

# The library lives in a stranger's process: everything hidden, TLS without allocation, unwindable
# frames for cancellation, and no fortified or built-in replacements of what it interposes.
LIB_CFLAGS := -fPIC $(GUARDED) $(TUNED) -fvisibility=hidden -ftls-model=initial-exec -fexceptions \
              -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=0 \
              $(PQ_CFLAGS) -I$(LLHTTP_INC) -Ipreload
# llhttp calls abort() where its generator proved that control never comes.
LLHTTP_CFLAGS := -O2 -g -fPIC $(GUARDED) -fvisibility=hidden -ffunction-sections -w \
                 -Dabort=__builtin_unreachable -I$(LLHTTP_INC)
LIB_LDFLAGS   := -shared -Wl,-soname,libperfspy.so -Wl,-z,defs -Wl,-z,nodelete -Wl,-z,now \
                 -Wl,-z,relro -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,-Bsymbolic-functions
TOOL_CFLAGS   := -Ipreload -Itools
CTL_LIBS      := -lyaml -ljansson -lmicrohttpd -lnettle -lm -Wl,-Bstatic -lpcap -Wl,-Bdynamic
VAL_LIBS      := -lcurl -lyaml -ljansson -lm -lpthread
PARTS_CFLAGS  := $(PQ_CFLAGS) -Iparts_app
TEST_CFLAGS   := -Ipreload -Itools -Itests $(PQ_CFLAGS) -I$(LLHTTP_INC) \
                 -DSPY_TEST_BUILD='"$(BUILD)"' -DSPY_TEST_CORPUS='"$(CORPUS)"'

# ---------------------------------------------------------------------------------------------
# Sources: every .c of a folder belongs to that folder's product

LIB_SRCS    := $(wildcard preload/*.c preload/*/*.c)
LIB_ASM     := $(wildcard preload/*/*_$(ARCH).S)
SHARED_SRCS := $(wildcard preload/shared/*.c)
CTL_SRCS    := $(wildcard tools/ctl/*.c)
VAL_SRCS    := $(wildcard tools/validate/*.c)
PARTS_SRCS  := $(wildcard parts_app/*.c)
UNIT_SRCS   := $(wildcard tests/unit/*/test_*.c)
TEST_SCRIPTS := $(wildcard tests/lint/test_*.sh tests/integration/test_*.sh)

LIB_OBJS    := $(LIB_SRCS:%.c=$(BUILD)/lib/%.o) $(LIB_ASM:%.S=$(BUILD)/lib/%.o)
LLHTTP_OBJS := $(addprefix $(BUILD)/lib/llhttp/,api.o http.o llhttp.o)
CTL_OBJS    := $(CTL_SRCS:%.c=$(BUILD)/tool/%.o) $(SHARED_SRCS:%.c=$(BUILD)/tool/%.o)
VAL_OBJS    := $(VAL_SRCS:%.c=$(BUILD)/tool/%.o)
PARTS_OBJS  := $(PARTS_SRCS:%.c=$(BUILD)/parts/%.o)
UNIT_BINS   := $(UNIT_SRCS:tests/unit/%.c=$(BUILD)/unit/%)

PRODUCTS := $(BUILD)/libperfspy.so $(BUILD)/perfspy-ctl $(BUILD)/parts-validate \
            $(BUILD)/parts_server

.PHONY: all
all: $(PRODUCTS) ## build the library, the tools and parts_server (the default)

# ---------------------------------------------------------------------------------------------
# Packages: installed once, before the first file is compiled; the stamp makes the rest wait

$(BUILD)/.deps: tools/scripts/packages.txt tools/scripts/deps.sh
	@mkdir -p $(@D)
	$(Q)tools/scripts/deps.sh build libraries tests
	@touch $@

$(BUILD)/.deps-lint: tools/scripts/packages.txt tools/scripts/deps.sh | $(BUILD)/.deps
	$(Q)tools/scripts/deps.sh lint
	@touch $@

.PHONY: deps
deps: ## install the Debian packages that are missing (as root or by sudo)
	$(Q)tools/scripts/deps.sh build libraries tests lint

# ---------------------------------------------------------------------------------------------
# The library

$(BUILD)/lib/%.o: %.c Makefile | $(BUILD)/.deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LIB_CFLAGS) -c $< -o $@

$(BUILD)/lib/%.o: %.S Makefile | $(BUILD)/.deps
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LIB_CFLAGS) -c $< -o $@

# The sources are no prerequisites: on a fresh machine they are not there before .deps is made.
$(LLHTTP_OBJS): $(BUILD)/lib/llhttp/%.o: Makefile | $(BUILD)/.deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LLHTTP_CFLAGS) $(SANFLAGS) -c $(LLHTTP_SRC)/$*.c -o $@

# The export list is generated from the one hook list: nothing else leaves the library.
$(BUILD)/perfspy.map: preload/hooks/hooks.def tools/scripts/export-map.sh tools/scripts/hook-names.sh
	$(call say,MAP,$@)
	@mkdir -p $(@D)
	$(Q)tools/scripts/export-map.sh $< > $@

$(BUILD)/libperfspy.so: $(LIB_OBJS) $(LLHTTP_OBJS) $(BUILD)/perfspy.map
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $(LIB_LDFLAGS) -Wl,--version-script=$(BUILD)/perfspy.map \
	    $(LIB_OBJS) $(LLHTTP_OBJS) -Wl,-Bstatic -lyaml -Wl,-Bdynamic -o $@

# ---------------------------------------------------------------------------------------------
# Tools and the service

$(BUILD)/tool/%.o: %.c Makefile | $(BUILD)/.deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(TOOL_CFLAGS) -c $< -o $@

$(BUILD)/perfspy-ctl: $(CTL_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(CTL_LIBS) -o $@

# It reads watched processes and prints tables as perfspy-ctl does: by the same objects, as far as it
# needs them.
$(BUILD)/parts-validate: $(VAL_OBJS) $(BUILD)/libctl.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(VAL_LIBS) -o $@

$(BUILD)/parts/%.o: %.c Makefile | $(BUILD)/.deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PARTS_CFLAGS) -c $< -o $@

$(BUILD)/parts_server: $(PARTS_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lmicrohttpd -lpq -ljansson -lcrypt -lpthread -o $@

# ---------------------------------------------------------------------------------------------
# Unit tests: tests/unit/FOLDER/test_X.c mirrors preload/FOLDER/X.c. They link the library's own
# objects without the wrappers, so that a test process is not interposed by what it tests.
# tests/unit/ctl/test_X.c mirrors tools/ctl/X.c and links the tool's objects instead; so does
# tests/unit/validate/test_X.c with tools/validate/X.c.

UNIT_LIB := $(BUILD)/libunit.a
CTL_LIB  := $(BUILD)/libctl.a
VAL_LIB  := $(BUILD)/libvalidate.a

$(UNIT_LIB): $(filter-out $(BUILD)/lib/preload/perfspy.o $(BUILD)/lib/preload/hooks/%,$(LIB_OBJS)) \
             $(LLHTTP_OBJS)
$(CTL_LIB): $(filter-out $(BUILD)/tool/tools/ctl/main.o,$(CTL_OBJS))
$(VAL_LIB): $(filter-out $(BUILD)/tool/tools/validate/main.o,$(VAL_OBJS))
$(UNIT_LIB) $(CTL_LIB) $(VAL_LIB):
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# What a single test needs beside the common libraries.
$(addprefix $(BUILD)/unit/shared/test_sql_,oracle corpus trees): LIBS_EXTRA := -lpg_query

$(BUILD)/unit/ctl/%: tests/unit/ctl/%.c $(CTL_LIB) Makefile
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $(LDFLAGS) $< $(CTL_LIB) \
	    -lcmocka $(CTL_LIBS) -lpthread $(LIBS_EXTRA) -o $@

# The library's own objects come last: they are the oracle that some of these are held against.
$(BUILD)/unit/validate/%: tests/unit/validate/%.c $(VAL_LIB) $(CTL_LIB) $(UNIT_LIB) Makefile
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $(LDFLAGS) $< $(VAL_LIB) $(CTL_LIB) $(UNIT_LIB) \
	    -lcmocka $(VAL_LIBS) $(LIBS_EXTRA) -o $@

$(BUILD)/unit/%: tests/unit/%.c $(UNIT_LIB) Makefile
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $(LDFLAGS) $< $(UNIT_LIB) \
	    -lcmocka -lyaml -lm -lpthread $(LIBS_EXTRA) -o $@

# Victims: small programs that the integration tests watch. They are strangers, and built as such,
# with nothing of perfspy. (GCC 12's sanitizers that are only preloaded into a program can start up in
# its first malloc. If newlocale() calls that, under glibc's locale lock, their dlsym() fails and its
# translated message unlocks that lock: the next freelocale() hangs, perfspy or not. In a program
# built with a sanitizer that starts first; so they are, too.) libpq-*.so.5 are two stand-ins for
# libpq, each with a driver; one of them calls itself directly, as Ubuntu's libpq does.
VICTIM_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE $(WARN) $(SANFLAGS) $(PQ_CFLAGS)
VICTIM_DIR    := $(BUILD)/victims
VICTIMS       := $(addprefix $(VICTIM_DIR)/,queries guest copies libpq-a1b2.so.5 \
                 libpq-c3d4.so.5 plugin-a1b2.so plugin-c3d4.so pointers pointers-bound \
                 lookup lookup-bound plugins/lookup.so plugins/lookup-bound.so plugins/beside.so \
                 plugins/around.so shim.so symbolic/libpq.so.5 libpq-9f8e.so.5 static static-pie musl)

$(VICTIM_DIR)/queries: tests/victims/queries.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lpq -lpthread -o $@

$(VICTIM_DIR)/guest: $(wildcard tests/victims/guest*.[ch]) Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $(filter %.c,$^) -lpq -lpthread -o $@

$(VICTIM_DIR)/copies: tests/victims/copies.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -o $@

$(VICTIM_DIR)/libpq-%.so.5: tests/victims/standin.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared -DCOPY='"$*"' -Wl,-soname,$(@F) \
	    $(if $(filter c3d4,$*),-Wl$(comma)-Bsymbolic-functions) $< -o $@

$(VICTIM_DIR)/plugin-%.so: tests/victims/plugin.c $(VICTIM_DIR)/libpq-%.so.5 Makefile
	$(call say,VICTIM,$@)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared $< $(VICTIM_DIR)/libpq-$*.so.5 -Wl,-rpath,'$$ORIGIN' -o $@

# Programs that do with libpq what real ones do; the last is made for libpq 17, and has a stand-in.
VICTIMS += $(addprefix $(VICTIM_DIR)/,calls manners connects sandbox captured hot console order.so modern \
             libpq-17.so.5)

$(addprefix $(VICTIM_DIR)/,calls manners connects sandbox captured hot console): $(VICTIM_DIR)/%: tests/victims/%.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lpq -lpthread -o $@

$(VICTIM_DIR)/order.so: tests/victims/order.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared $< -lpq -o $@

$(VICTIM_DIR)/libpq-17.so.5: $(wildcard tests/victims/standin17*.[ch]) Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared -Wl,-soname,$(@F) $(filter %.c,$^) -o $@

$(VICTIM_DIR)/modern: tests/victims/modern.c $(VICTIM_DIR)/libpq-17.so.5 Makefile
	$(call say,VICTIM,$@)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< $(VICTIM_DIR)/libpq-17.so.5 -Wl,-rpath,'$$ORIGIN' -o $@

# Programs that somebody attaches to; `joined` is built as programs are linked.
ifeq ($(ARCH),x86_64)
VICTIMS += $(VICTIM_DIR)/nolibc32
endif
JOINED   := $(addprefix $(VICTIM_DIR)/joined-,lazy now table)
VICTIMS  += $(addprefix $(VICTIM_DIR)/,attached refusing gate nolibc slow.so late.so flying.so) $(JOINED)

$(VICTIM_DIR)/refusing: VICTIM_CFLAGS += -Itools
$(VICTIM_DIR)/refusing: tools/ctl/seccomp_calls.h
$(addprefix $(VICTIM_DIR)/,attached refusing gate): $(VICTIM_DIR)/%: tests/victims/%.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lm -lpthread -o $@

VICTIMS += $(VICTIM_DIR)/borrowed $(VICTIM_DIR)/storm
$(VICTIM_DIR)/borrowed $(VICTIM_DIR)/storm: $(VICTIM_DIR)/%: tests/victims/%.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lpthread -Wl,-z,now -o $@

$(VICTIM_DIR)/nolibc: tests/victims/nolibc.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(WARN) -ffreestanding -nostdlib -fPIE -pie $< -o $@

# For x86-64 kernels that run 32-bit programs.
$(VICTIM_DIR)/nolibc32: tests/victims/nolibc.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(WARN) -m32 -ffreestanding -nostdlib -static $< -o $@

$(VICTIM_DIR)/slow.so $(VICTIM_DIR)/flying.so: $(VICTIM_DIR)/%.so: tests/victims/%.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared $< -o $@

$(VICTIM_DIR)/late.so: tests/victims/late.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared $< -lpq -o $@

VICTIMS += $(VICTIM_DIR)/kept $(VICTIM_DIR)/kept.so
$(VICTIM_DIR)/kept: tests/victims/kept.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIE -pie -Wl,-z,now -Wl,-z,relro $< -o $@

$(VICTIM_DIR)/kept.so: tests/victims/kept.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared -DPLUGIN $< -o $@

$(VICTIM_DIR)/joined-lazy:  JOINED_FLAGS := -fplt -Wl,-z,lazy -Wl,-z,norelro
$(VICTIM_DIR)/joined-now:   JOINED_FLAGS := -fno-plt -fPIE -pie -Wl,-z,now -Wl,-z,relro
$(VICTIM_DIR)/joined-table: JOINED_FLAGS := -fPIE -pie -DTABLE
$(JOINED): tests/victims/joined.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $(JOINED_FLAGS) $< -lpq -o $@

# Victims that keep account of their own statements.
ACCOUNTANTS := $(addprefix $(VICTIM_DIR)/,async pipeline pipeline_ends batch copy random)
VICTIMS     += $(ACCOUNTANTS)

$(ACCOUNTANTS): $(VICTIM_DIR)/%: tests/victims/%.c $(wildcard tests/victims/*.h) Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lpq -lpthread -o $@

# One that dies while it counts; against a real server, and against a stand-in that is faster.
VICTIMS += $(addprefix $(VICTIM_DIR)/,tally tally-bound)

$(VICTIM_DIR)/tally: tests/victims/tally.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lpq -lpthread -o $@

# Servers: on libmicrohttpd, and by every call that sockets have.
VICTIMS += $(addprefix $(VICTIM_DIR)/,microhttpd sockets many tls_openssl tls_gnutls)

$(VICTIM_DIR)/many: tests/victims/many.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -o $@

$(VICTIM_DIR)/sockets: tests/victims/sockets.c tests/victims/sockets_calls.h Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -o $@

$(VICTIM_DIR)/microhttpd: tests/victims/microhttpd.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lmicrohttpd -o $@

$(VICTIM_DIR)/tls_openssl: TLS_LIBS := -lssl -lcrypto
$(VICTIM_DIR)/tls_gnutls: TLS_LIBS := -lgnutls
$(VICTIM_DIR)/tls_%: tests/victims/tls_%.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< $(TLS_LIBS) -o $@

# The -bound ones are linked to a stand-in of their own. beside.so is found by a RUNPATH only.
$(VICTIM_DIR)/pointers $(VICTIM_DIR)/lookup: $(VICTIM_DIR)/%: tests/victims/%.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -o $@

$(VICTIM_DIR)/%-bound: tests/victims/%.c $(VICTIM_DIR)/libpq-a1b2.so.5 Makefile
	$(call say,VICTIM,$@)
	$(Q)$(CC) $(VICTIM_CFLAGS) -DBOUND $< $(VICTIM_DIR)/libpq-a1b2.so.5 -Wl,-rpath,'$$ORIGIN' -o $@

$(VICTIM_DIR)/plugins/lookup.so: tests/victims/lookup.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared -DPLUGIN $< -Wl,-rpath,'$$ORIGIN' -o $@

$(VICTIM_DIR)/plugins/lookup-bound.so: tests/victims/lookup.c $(VICTIM_DIR)/libpq-c3d4.so.5 Makefile
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared -DPLUGIN -DBOUND $< $(VICTIM_DIR)/libpq-c3d4.so.5 \
	    -Wl,-rpath,'$$ORIGIN:$$ORIGIN/..' -o $@

$(VICTIM_DIR)/shim.so: tests/victims/shim.c $(VICTIM_DIR)/libpq-c3d4.so.5 Makefile
	$(call say,VICTIM,$@)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared $< -Wl,--no-as-needed $(VICTIM_DIR)/libpq-c3d4.so.5 \
	    -Wl,-rpath,'$$ORIGIN' -o $@

# Brings a libpq into the scope of a plugin that does not ask for one itself.
$(VICTIM_DIR)/plugins/around.so: $(VICTIM_DIR)/plugins/lookup.so $(VICTIM_DIR)/libpq-c3d4.so.5 Makefile
	$(call say,VICTIM,$@)
	$(Q)$(CC) -shared -x c /dev/null -x none -Wl,--no-as-needed -L$(@D) -l:lookup.so \
	    -L$(VICTIM_DIR) -l:libpq-c3d4.so.5 -Wl,-rpath,'$$ORIGIN:$$ORIGIN/..' -o $@

$(VICTIM_DIR)/plugins/beside.so: Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared -x c /dev/null -o $@

# libpq anew, from its static parts: as Ubuntu links it, so that its functions call each other
# directly, where no preload gets between; and under another name.
PQ_LIBDIR   = $(shell pg_config --libdir)
PG_LIBDIR   = /usr/lib/postgresql/15/lib
PQ_NEEDS    = $(shell objdump -p $(PQ_LIBDIR)/libpq.so | sed -n 's/.*NEEDED *\(.*\)/-l:\1/p')
RELINKED    = -shared -Wl,-soname,$(@F) -Wl,-z,defs \
              -Wl,--exclude-libs,libpgcommon_shlib.a:libpgport_shlib.a \
              -Wl,--whole-archive $(PQ_LIBDIR)/libpq.a -Wl,--no-whole-archive \
              $(PG_LIBDIR)/libpgcommon_shlib.a $(PG_LIBDIR)/libpgport_shlib.a $(PQ_NEEDS) -lm

$(VICTIM_DIR)/symbolic/libpq.so.5: Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -Wl,-Bsymbolic-functions $(RELINKED) -o $@

# A program with libpq inside.
VICTIMS += $(VICTIM_DIR)/console-static
$(VICTIM_DIR)/console-static: tests/victims/console.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< $(PQ_LIBDIR)/libpq.a $(PG_LIBDIR)/libpgcommon_shlib.a \
	    $(PG_LIBDIR)/libpgport_shlib.a $(PQ_NEEDS) -lm -lpthread -o $@

$(VICTIM_DIR)/libpq-9f8e.so.5: Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(RELINKED) -o $@

# Programs that nothing can be preloaded into, whatever the other victims are built with.
$(VICTIM_DIR)/static $(VICTIM_DIR)/static-pie: $(VICTIM_DIR)/%: tests/victims/hello.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(WARN) -$* $< -o $@

$(VICTIM_DIR)/musl: tests/victims/hello.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)musl-gcc -O2 $(WARN) $< -o $@

# What the drivers' test shares with the library: how statements are written.
NORMALISE := $(BUILD)/drivers/normalise

$(NORMALISE): tests/drivers/normalise.c $(UNIT_LIB) Makefile
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $(LDFLAGS) $< $(UNIT_LIB) -o $@

# Benchmarks: they print, and fail nothing for being slow. The programs called bench_* measure
# themselves; the others are measured, against a stand-in for libpq that is linked in two ways, or
# against the real one.
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c)) \
                  $(addprefix $(BUILD)/bench/,hook_calls operations plain/libpq.so.5 symbolic/libpq.so.5)

$(BUILD)/bench/bench_%: tests/bench/bench_%.c tests/bench/bench.h $(UNIT_LIB) Makefile
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $(LDFLAGS) $< $(UNIT_LIB) -lyaml -lm -o $@

$(BUILD)/bench/%/libpq.so.5: $(wildcard tests/bench/pq_standin*.[ch]) Makefile | $(BUILD)/.deps
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared -Wl,-soname,$(@F) \
	    $(if $(filter symbolic,$*),-Wl$(comma)-Bsymbolic-functions) $(filter %.c,$^) -o $@

$(BUILD)/bench/hook_calls: tests/bench/hook_calls.c tests/bench/bench.h \
    $(BUILD)/bench/plain/libpq.so.5 Makefile
	$(call say,BENCH,$@)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< $(BUILD)/bench/plain/libpq.so.5 -o $@

$(BUILD)/bench/operations: tests/bench/operations.c Makefile | $(BUILD)/.deps
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lpq -lpthread -o $@

# What cannot be installed is skipped, and said so.
$(BUILD)/.deps-bench: tools/scripts/packages.txt tools/scripts/deps.sh | $(BUILD)/.deps
	$(Q)if tools/scripts/deps.sh bench; then touch $@; else echo 'bench: going on without'; fi

.PHONY: bench
bench: $(PRODUCTS) $(BENCH_PROGRAMS) $(BUILD)/.deps-bench ## measure what perfspy costs, or with T=PATTERN some of it
	@BUILD=$(BUILD) T='$(T)' CC='$(CC)' ROUNDS='$(ROUNDS)' tests/bench/run.sh

# Puts what make bench measured last into the page that tells of it.
.PHONY: bench-readme
bench-readme:
	$(Q)sed -i -e '/^<!-- results -->$$/,/^<!-- end -->$$/{//!d}' \
	    -e '/^<!-- results -->$$/r $(BUILD)/bench.md' tests/bench/README.md

run_tests = BUILD=$(BUILD) SAN=$(SAN) V=$(V) T='$(T)' CC='$(CC)' tools/scripts/run-tests.sh

.PHONY: test unit
test: $(PRODUCTS) $(UNIT_BINS) $(VICTIMS) $(NORMALISE) $(if $(SAN),,$(BENCH_PROGRAMS)) ## build and run all tests, or with T=PATTERN those so named
	@$(run_tests) $(UNIT_BINS) $(TEST_SCRIPTS)

# One looks at the library itself.
$(BUILD)/unit/ctl/test_inject: | $(BUILD)/libperfspy.so

unit: $(UNIT_BINS) ## build and run the unit tests only
	@$(run_tests) $(UNIT_BINS)

.PHONY: stress soak
stress: $(BUILD)/unit/record/test_stress ## 64 threads record ten million calls each, counted exactly
	$(Q)SPY_STRESS=1 $<

MINUTES ?= 10
soak: $(PRODUCTS) ## a watched service under load for MINUTES: a table of what it holds, which stays the same
	@SOAK_SECONDS=$$(($(MINUTES) * 60)) BUILD=$(BUILD) SAN=$(SAN) V=1 T=test_soak CC='$(CC)' \
	    tools/scripts/run-tests.sh tests/integration/test_soak.sh

CYCLES ?= 1000
.PHONY: soak-attach
soak-attach: $(PRODUCTS) $(VICTIMS) ## attach and detach CYCLES times under load, to the service and other people's programs; and be killed, or the process stopped, at each step
	@ATTACH_CYCLES=$(CYCLES) KILL_STRIDE=1 STOP_STRIDE=1 BUILD=$(BUILD) SAN=$(SAN) V=1 T='$(T)' CC='$(CC)' \
	    tools/scripts/run-tests.sh tests/integration/test_attach.sh \
	    tests/integration/test_attach_live.sh tests/integration/test_attach_killed.sh \
	    tests/integration/test_attach_stopped.sh

# The library for another machine, in an emulator.
ARM64      := $(BUILD)/arm64
ARM64_ROOT := $(ARM64)/sysroot
ARM64_UNIT := $(addprefix unit/ctl/,test_inject test_inject_aarch64)
ARM64_SELF := libperfspy.so perfspy-ctl $(ARM64_UNIT) \
              $(addprefix victims/,lookup lookup-bound pointers pointers-bound copies \
              queries guest plugin-a1b2.so plugin-c3d4.so plugins/lookup.so plugins/lookup-bound.so \
              plugins/beside.so plugins/around.so)

$(ARM64_ROOT)/.done: tools/scripts/arm64-sysroot.sh tools/scripts/packages.txt | $(BUILD)/.deps
	$(call say,UNPACK,$(@D))
	$(Q)tools/scripts/deps.sh arm64
	$(Q)tools/scripts/arm64-sysroot.sh $(@D)
	@touch $@

.PHONY: test-arm64
test-arm64: $(BUILD)/perfspy-ctl $(ARM64_ROOT)/.done ## build for arm64 and run that in an emulator
	$(Q)$(MAKE) --no-print-directory BUILD=$(ARM64) CC='aarch64-linux-gnu-gcc --sysroot=$(abspath $(ARM64_ROOT))' \
	    $(addprefix $(ARM64)/,$(ARM64_SELF))
	@ARM64_BUILD=$(abspath $(ARM64)) ARM64_SYSROOT=$(abspath $(ARM64_ROOT)) \
	    $(run_tests) tests/integration/arm64.sh

# Attaching there, for which a whole machine is emulated.
ARM64_MACHINE := $(ARM64)/machine
ARM64_ATTACH  := libperfspy.so perfspy-ctl $(ARM64_UNIT) bench/plain/libpq.so.5 \
                 $(addprefix victims/,attached joined-lazy joined-table kept kept.so libpq-a1b2.so.5 \
                 libpq-c3d4.so.5)

$(ARM64_MACHINE)/.done: tools/scripts/arm64-sysroot.sh tools/scripts/packages.txt | $(BUILD)/.deps
	$(call say,UNPACK,$(@D))
	$(Q)tools/scripts/deps.sh arm64-machine
	$(Q)tools/scripts/arm64-sysroot.sh $(@D) machine
	@touch $@

.PHONY: test-arm64-attach
test-arm64-attach: $(ARM64_ROOT)/.done $(ARM64_MACHINE)/.done ## boot arm64 in an emulator and attach to programs there
	$(Q)$(MAKE) --no-print-directory BUILD=$(ARM64) CC='aarch64-linux-gnu-gcc --sysroot=$(abspath $(ARM64_ROOT))' \
	    $(addprefix $(ARM64)/,$(ARM64_ATTACH))
	@ARM64_BUILD=$(abspath $(ARM64)) ARM64_SYSROOT=$(abspath $(ARM64_ROOT)) \
	    ARM64_MACHINE=$(abspath $(ARM64_MACHINE)) $(run_tests) tests/integration/arm64_attach.sh

# ---------------------------------------------------------------------------------------------
# Checks, demo

.PHONY: lint format demo
lint: $(BUILD)/libperfspy.so $(BUILD)/.deps-lint ## check layers, symbols, format, sizes, scripts
	@BUILD=$(BUILD) SAN=$(SAN) tools/scripts/lint.sh

format: $(BUILD)/.deps-lint ## put all C files into the project's format
	$(Q)tools/scripts/sources.sh c h | xargs clang-format -i

demo: $(PRODUCTS) ## the whole product at work on a real service, in half a minute
	@BUILD=$(BUILD) SAN=$(SAN) CC='$(CC)' tools/scripts/demo.sh

# ---------------------------------------------------------------------------------------------
# Installation, where Debian would put it

PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR   = $(PREFIX)/bin
LIBDIR   = $(PREFIX)/lib/$(shell $(CC) -print-multiarch)
DATADIR  = $(PREFIX)/share

INSTALLED = $(LIBDIR)/libperfspy.so $(BINDIR)/perfspy-ctl $(BINDIR)/parts-validate \
            $(BINDIR)/parts_server $(DATADIR)/man/man1/perfspy-ctl.1.gz \
            $(DATADIR)/man/man1/parts-validate.1.gz \
            $(DATADIR)/bash-completion/completions/perfspy-ctl

# What the tools tell about themselves.
TOLD = $(addprefix $(BUILD)/,perfspy-ctl.1.gz parts-validate.1.gz perfspy-ctl.bash)

# The loader looks a name without a slash up in its cache; DESTDIR is somebody else's root.
refresh_loader = $(if $(DESTDIR),,if [ "$$(id -u)" -eq 0 ]; then PATH="$$PATH:/sbin" ldconfig; fi)

$(BUILD)/perfspy-ctl.1.gz: $(BUILD)/perfspy-ctl
	$(Q)$< help --man > $(BUILD)/perfspy-ctl.1
	$(Q)gzip -9 -n -f $(BUILD)/perfspy-ctl.1

$(BUILD)/parts-validate.1.gz: $(BUILD)/parts-validate
	$(Q)$< --man > $(BUILD)/parts-validate.1
	$(Q)gzip -9 -n -f $(BUILD)/parts-validate.1

$(BUILD)/perfspy-ctl.bash: $(BUILD)/perfspy-ctl
	$(Q)$< help --completion bash > $@

.PHONY: install uninstall
install: $(PRODUCTS) $(TOLD) ## install below PREFIX
	$(Q)install -D -m 644 $(BUILD)/libperfspy.so $(DESTDIR)$(LIBDIR)/libperfspy.so
	$(Q)install -D -m 755 $(BUILD)/perfspy-ctl $(DESTDIR)$(BINDIR)/perfspy-ctl
	$(Q)install -D -m 755 $(BUILD)/parts-validate $(DESTDIR)$(BINDIR)/parts-validate
	$(Q)install -D -m 755 $(BUILD)/parts_server $(DESTDIR)$(BINDIR)/parts_server
	$(Q)install -D -m 644 $(BUILD)/perfspy-ctl.1.gz $(DESTDIR)$(DATADIR)/man/man1/perfspy-ctl.1.gz
	$(Q)install -D -m 644 $(BUILD)/parts-validate.1.gz \
	    $(DESTDIR)$(DATADIR)/man/man1/parts-validate.1.gz
	$(Q)install -D -m 644 $(BUILD)/perfspy-ctl.bash \
	    $(DESTDIR)$(DATADIR)/bash-completion/completions/perfspy-ctl
	$(Q)install -D -m 644 -t $(DESTDIR)$(DATADIR)/perfspy/rules rules/*
	$(Q)install -D -m 644 -t $(DESTDIR)$(DATADIR)/perfspy tools/openapi.yaml
	$(Q)$(refresh_loader)

uninstall: ## take away what install put there
	$(Q)rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	$(Q)rm -rf $(DESTDIR)$(DATADIR)/perfspy
	$(Q)$(refresh_loader)

# ---------------------------------------------------------------------------------------------

.PHONY: clean help
clean: ## remove the build directory
	rm -rf $(BUILD)

help: ## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	    while IFS='|' read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'Variables:'
	@printf '  %-16s %s\n' \
	    V=1 'show whole commands, and the output of all tests' \
	    T=PATTERN 'run only the tests, or measurements, with PATTERN in their names' \
	    ROUNDS=N 'rounds of each measurement of make bench (default: 10)' \
	    MINUTES=N 'how long make soak lasts (default: 10)' \
	    CYCLES=N 'how often make soak-attach does it to each program (default: 1000)' \
	    SAN=KIND 'build with a sanitizer (address, undefined, thread), into build-KIND' \
	    BUILD=DIR 'build into another directory' \
	    CORPUS=DIR 'keep the SQL that a test fetches there (default: build/corpus)' \
	    OPT=FLAGS 'optimisation (default: -O2 -g)' \
	    PREFIX=DIR 'install below DIR (default: /usr/local)' \
	    DESTDIR=DIR 'stage the installation in DIR, for packaging'

-include $(LIB_OBJS:.o=.d) $(CTL_OBJS:.o=.d) $(VAL_OBJS:.o=.d) $(PARTS_OBJS:.o=.d) $(UNIT_BINS:=.d)
