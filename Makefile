# SPDX-License-Identifier: MIT
#
# perfspy: one non-recursive Makefile. `make help` lists targets and variables.

SAN   ?=
BUILD ?= build$(if $(SAN),-$(SAN))
CC    ?= cc
V     ?= 0
T     ?=
Q     := $(if $(filter 1,$(V)),,@)
say    = $(if $(filter 1,$(V)),,@printf '  %-6s %s\n' $(1) $(2))

VERSION := 0.1.0

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

PQ_CFLAGS := -I$(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)

# llhttp: Debian's node-llhttp ships the generated C sources; they are built, not copied in.
LLHTTP_SRC := /usr/share/llhttp
LLHTTP_INC := /usr/share/include/llhttp

# The library lives in a stranger's process: everything hidden, TLS without allocation, unwindable
# frames for cancellation, and no fortified or built-in replacements of what it interposes.
LIB_CFLAGS := -fPIC -fvisibility=hidden -ftls-model=initial-exec -fexceptions \
              -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=0 \
              $(PQ_CFLAGS) -I$(LLHTTP_INC) -Ipreload
# llhttp calls abort() where its generator proved that control never comes.
LLHTTP_CFLAGS := -O2 -g -fPIC -fvisibility=hidden -ffunction-sections -w \
                 -Dabort=__builtin_unreachable -I$(LLHTTP_INC)
LIB_LDFLAGS   := -shared -Wl,-soname,libperfspy.so -Wl,-z,defs -Wl,-z,nodelete -Wl,-z,now \
                 -Wl,-z,relro -Wl,--gc-sections -Wl,--exclude-libs,ALL
TOOL_CFLAGS   := -Ipreload -Itools
CTL_LIBS      := -lyaml -ljansson -lmicrohttpd -lnettle -lm
VAL_LIBS      := -lcurl -lyaml -ljansson -lm -lpthread
PARTS_CFLAGS  := $(PQ_CFLAGS) -Iparts_app
TEST_CFLAGS   := -Ipreload -Itools -Itests $(PQ_CFLAGS) -I$(LLHTTP_INC) \
                 -DSPY_TEST_BUILD='"$(BUILD)"'

# ---------------------------------------------------------------------------------------------
# Sources: every .c of a folder belongs to that folder's product

LIB_SRCS    := $(wildcard preload/*.c preload/*/*.c)
SHARED_SRCS := $(wildcard preload/shared/*.c)
CTL_SRCS    := $(wildcard tools/ctl/*.c)
VAL_SRCS    := $(wildcard tools/validate/*.c)
PARTS_SRCS  := $(wildcard parts_app/*.c)
UNIT_SRCS   := $(wildcard tests/unit/*/test_*.c)
TEST_SCRIPTS := $(wildcard tests/lint/test_*.sh tests/integration/test_*.sh)

LIB_OBJS    := $(LIB_SRCS:%.c=$(BUILD)/lib/%.o)
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
$(BUILD)/unit/shared/test_sql_oracle: LIBS_EXTRA := -lpg_query

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
# libpq, each with a driver.
VICTIM_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE $(WARN) $(SANFLAGS) $(PQ_CFLAGS)
VICTIM_DIR    := $(BUILD)/victims
VICTIMS       := $(addprefix $(VICTIM_DIR)/,queries guest copies libpq-a1b2.so.5 \
                 libpq-c3d4.so.5 plugin-a1b2.so plugin-c3d4.so)

$(VICTIM_DIR)/queries $(VICTIM_DIR)/guest: $(VICTIM_DIR)/%: tests/victims/%.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -lpq -lpthread -o $@

$(VICTIM_DIR)/copies: tests/victims/copies.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) $< -o $@

$(VICTIM_DIR)/libpq-%.so.5: tests/victims/standin.c Makefile | $(BUILD)/.deps
	$(call say,VICTIM,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared -DCOPY='"$*"' -Wl,-soname,$(@F) $< -o $@

$(VICTIM_DIR)/plugin-%.so: tests/victims/plugin.c $(VICTIM_DIR)/libpq-%.so.5 Makefile
	$(call say,VICTIM,$@)
	$(Q)$(CC) $(VICTIM_CFLAGS) -fPIC -shared $< $(VICTIM_DIR)/libpq-$*.so.5 -Wl,-rpath,'$$ORIGIN' -o $@

# Benchmarks: they print, and judge nothing.
BENCH_BINS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c))

$(BUILD)/bench/%: tests/bench/%.c $(UNIT_LIB) Makefile
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $(LDFLAGS) $< $(UNIT_LIB) -lyaml -lm -o $@

.PHONY: bench
bench: $(BENCH_BINS) ## build and run the benchmarks
	$(Q)set -e; for b in $^; do $$b; done

run_tests = BUILD=$(BUILD) SAN=$(SAN) V=$(V) T='$(T)' CC='$(CC)' tools/scripts/run-tests.sh

.PHONY: test unit
test: $(PRODUCTS) $(UNIT_BINS) $(VICTIMS) ## build and run all tests, or with T=PATTERN those so named
	@$(run_tests) $(UNIT_BINS) $(TEST_SCRIPTS)

unit: $(UNIT_BINS) ## build and run the unit tests only
	@$(run_tests) $(UNIT_BINS)

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
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	    while IFS='|' read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'Variables:'
	@printf '  %-16s %s\n' \
	    V=1 'show whole commands, and the output of all tests' \
	    T=PATTERN 'run only the tests with PATTERN in their names' \
	    SAN=KIND 'build with a sanitizer (address, undefined, thread), into build-KIND' \
	    BUILD=DIR 'build into another directory' \
	    OPT=FLAGS 'optimisation (default: -O2 -g)' \
	    PREFIX=DIR 'install below DIR (default: /usr/local)' \
	    DESTDIR=DIR 'stage the installation in DIR, for packaging'

-include $(LIB_OBJS:.o=.d) $(CTL_OBJS:.o=.d) $(VAL_OBJS:.o=.d) $(PARTS_OBJS:.o=.d) $(UNIT_BINS:=.d)
