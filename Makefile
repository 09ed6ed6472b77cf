# Doorward. `make help` lists the targets.
# Plain GNU make: sources by wildcard, dependencies by -MMD, libraries by pkg-config.

SHELL   := /bin/bash
CC      ?= gcc
PREFIX  ?= /usr/local
BUILD   ?= build
VERSION := 0.1.0

# TLS to the store, where hiredis was built with it (Debian 13 and newer).
HIREDIS_SSL = $(shell pkg-config --exists 'hiredis_ssl >= 1' 2>/dev/null && echo hiredis_ssl)
PKGS     = fcgi hiredis $(HIREDIS_SSL) libjwt json-c inih libsodium libcrypto libcrypt libutf8proc
# Only doorwardctl speaks HTTP.
PKGS_CTL:= libcurl
# Debian packages: to build and run; to test (the real web servers, a browser).
DEPS_BUILD := gcc make pkg-config libfcgi-dev libhiredis-dev libjwt-dev libjson-c-dev libinih-dev \
	libsodium-dev libssl-dev libcrypt-dev libutf8proc-dev libcurl4-openssl-dev
DEPS_DEMO  := redis-server redis-tools apache2 apache2-utils lighttpd lighttpd-mod-openssl lighttpd-modules-lua \
	libapache2-mod-fcgid nginx fcgiwrap caddy openssl curl python3
DEPS_TEST  := $(DEPS_DEMO) php-fpm clang clang-tidy clang-format libclang-rt-dev iptables iproute2 stunnel4 lua5.1 python3-jwt python3-cryptography python3-selenium \
	chromium chromium-driver firefox-esr node-typescript fonts-dejavu-core fonts-droid-fallback default-jre-headless $(if $(shell command -v npm),,npm) man-db mandoc
DEPS_BENCH := wrk valgrind strace
DEPS_MEMCHECK := valgrind

WARN    := -std=c11 -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wwrite-strings \
	-Wmissing-prototypes -Wstrict-prototypes -Wswitch-enum -Wvla -Wformat=2 -Wformat-security \
	-Wframe-larger-than=16384 -Wundef -Wpointer-arith -Werror
HARDEN  := -fstack-protector-strong -fPIE -fno-strict-overflow -fvisibility=hidden -D_FORTIFY_SOURCE=2 -fno-common
LDHARD  := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
SANFLAGS:= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# Evaluated only when something is compiled, so that `make help` and `make deps` need no library.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) $(PKGS_CTL))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))
CTL_LIBS   = $(shell pkg-config --libs $(PKGS_CTL))

CPPFLAGS += -Iapp -I$(BUILD)/gen -D_GNU_SOURCE $(if $(HIREDIS_SSL),-DDOORWARD_HIREDIS_SSL) -DDOORWARD_VERSION='"$(VERSION)"' -DDOORWARD_PREFIX='"$(PREFIX)"'
# clang's own needs another linker.
LTO      := $(if $(findstring clang,$(CC)),,-flto=auto -fno-plt)
CFLAGS   ?= -O2 -g $(LTO)
ALL_CFLAGS  = $(CFLAGS) $(WARN) $(HARDEN) -pthread $(PKG_CFLAGS)
TEST_CFLAGS = -O1 -g -fvisibility=hidden $(WARN) -pthread $(PKG_CFLAGS) $(SANFLAGS) -DDOORWARD_TESTING -Itests -Itests/unit
LIBS        = $(PKG_LIBS) -pthread

SOURCES := $(wildcard app/base/*.c app/http/*.c app/store/*.c app/auth/*.c app/endpoints/*.c) app/routes.c
CTL     := $(wildcard app/ctl/*.c) app/admin.c
SCRIPTS := $(wildcard app/store/scripts/*.lua)
LIB_OBJ := $(SOURCES:%.c=$(BUILD)/%.o)
SAN_OBJ := $(SOURCES:%.c=$(BUILD)/san/%.o)
CTL_OBJ := $(CTL:%.c=$(BUILD)/%.o)
CTL_SAN := $(CTL:%.c=$(BUILD)/san/%.o)
UNIT    := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN:= $(UNIT:tests/unit/%.c=$(BUILD)/unit/%)
GEN     := $(BUILD)/gen/scripts.h $(BUILD)/gen/english.h

.DELETE_ON_ERROR:
.PHONY: all deps deps-demo deps-test deps-bench deps-memcheck demo test unit flow tsan fuzz memcheck allocations lint browser faults bench scale callgrind format install clean help sanitized

# What is built waits for the packages it needs, and uses every core.
PROGRAMS := $(BUILD)/doorward $(BUILD)/doorwardctl
MAKE_IT   = +@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

all: deps ## build the two programs into build/
	$(MAKE_IT) $(PROGRAMS)

$(BUILD)/doorward: $(BUILD)/app/serve.o $(LIB_OBJ)
	@echo 'link $@'
	@$(CC) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LIBS)
$(BUILD)/doorwardctl: $(CTL_OBJ) $(LIB_OBJ)
	@echo 'link $@'
	@$(CC) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LIBS) $(CTL_LIBS)

$(BUILD)/app/%.o: app/%.c Makefile | $(GEN)
	@mkdir -p $(@D)
	@echo 'cc   $@'
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The Lua scripts become C strings, one a line of the script; nothing generated is committed.
$(BUILD)/gen/scripts.h: $(SCRIPTS) Makefile
	@mkdir -p $(@D)
	@{ echo '/* Made from app/store/scripts by make. */'; \
	for s in $(sort $(SCRIPTS)); do \
		echo "static const char script_$$(basename $$s .lua)[] ="; \
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $$s; echo ';'; \
	done; } > $@

# So does the file of the English sentences, which are there without it.
$(BUILD)/gen/english.h: languages/en.json Makefile
	@mkdir -p $(@D)
	@{ echo '/* Made from $< by make. */'; echo 'static const char english[] ='; \
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $<; echo ';'; } > $@

# The same programs and one program per unit test, under AddressSanitizer and UBSan.
$(BUILD)/san/app/%.o: app/%.c Makefile | $(GEN)
	@mkdir -p $(@D)
	@echo 'cc   $@'
	@$(CC) $(CPPFLAGS) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/san/libdoorward.a: $(SAN_OBJ)
	@rm -f $@
	@ar rcs $@ $^
$(BUILD)/san/doorward: $(BUILD)/san/app/serve.o $(BUILD)/san/libdoorward.a
	@echo 'link $@'
	@$(CC) $(SANFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/san/doorwardctl: $(CTL_SAN) $(BUILD)/san/libdoorward.a
	@echo 'link $@'
	@$(CC) $(SANFLAGS) -o $@ $^ $(LIBS) $(CTL_LIBS)
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/san/libdoorward.a tests/unit/check.h
	@mkdir -p $(@D)
	@echo 'cc   $@'
	@$(CC) $(CPPFLAGS) $(TEST_CFLAGS) -MMD -MP -o $@ $< $(BUILD)/san/libdoorward.a $(LIBS)
sanitized: $(BUILD)/san/doorward $(BUILD)/san/doorwardctl

# Fuzzing: one program per parser of untrusted input, with clang's fuzzer; and the same programs built
# to repeat their corpus, which `make test` runs.
FUZZ     := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ:tests/fuzz/%.c=$(BUILD)/fuzz/%)
REPLAY   := $(FUZZ:tests/fuzz/%.c=$(BUILD)/replay/%)
FUZZ_CFLAGS = -O1 -g -pthread $(PKG_CFLAGS) $(SANFLAGS) -DDOORWARD_TESTING -Itests
$(BUILD)/fuzz/app/%.o: app/%.c Makefile | $(GEN)
	@mkdir -p $(@D)
	@echo 'clang $@'
	@clang $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
$(BUILD)/fuzz/libdoorward.a: $(SOURCES:%.c=$(BUILD)/fuzz/%.o)
	@rm -f $@
	@ar rcs $@ $^
$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/fuzz/libdoorward.a tests/fuzz/fuzz.h tests/fuzz/ring.h
	@echo 'clang $@'
	@clang $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< $(BUILD)/fuzz/libdoorward.a $(LIBS)
$(BUILD)/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(BUILD)/san/libdoorward.a tests/fuzz/fuzz.h tests/fuzz/ring.h
	@mkdir -p $(@D)
	@echo 'cc   $@'
	@$(CC) $(CPPFLAGS) $(TEST_CFLAGS) -o $@ $< tests/fuzz/replay.c $(BUILD)/san/libdoorward.a $(LIBS)

# What the benchmark needs in C; "inside" is the product without its main function.
BENCH_BIN := $(addprefix $(BUILD)/bench/,drive null raw argon inside)
$(BUILD)/bench/inside: $(LIB_OBJ)
$(BENCH_BIN): $(BUILD)/bench/%: tests/bench/%.c Makefile | $(GEN)
	@mkdir -p $(@D)
	@echo 'cc   $@'
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -o $@ $< $(filter %.o,$^) $(LIBS)

deps: ## install the Debian packages that building needs and that are missing
	@tests/support/deps $(DEPS_BUILD)
deps-demo: ## install what the demo needs
	@tests/support/deps $(DEPS_BUILD) $(DEPS_DEMO)
deps-test: ## install what the tests need
	@tests/support/deps $(DEPS_BUILD) $(DEPS_TEST)

deps-bench: ## install what the benchmark needs, besides what the tests need
	@tests/support/deps $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_BENCH)

deps-memcheck: ## install what make memcheck needs, besides what the tests need
	@tests/support/deps $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_MEMCHECK)

SERVER ?= apache
PORT   ?= 8443
demo: deps-demo ## start Redis, Doorward and a web server on localhost: SERVER=apache|apache-fcgid|lighttpd|nginx|caddy PORT=8443 SETTINGS="section.key=value ..."
	$(MAKE_IT) $(PROGRAMS)
	@exec tests/support/demo --server "$(SERVER)" --port "$(PORT)" --build "$(BUILD)" -- $(SETTINGS)

test: deps-test ## unit, scenario and browser tests: ONLY=word to run some, REDIS_SERVER=valkey-server with another Redis
	$(MAKE_IT) $(PROGRAMS) sanitized $(UNIT_BIN) $(REPLAY)
	@tests/support/run_tests "$(BUILD)" "$(ONLY)"
unit: deps-test ## the unit tests, and the corpora of the fuzz targets, only
	$(MAKE_IT) $(UNIT_BIN) $(REPLAY)
	@tests/support/run_tests "$(BUILD)" "$(ONLY)" unit
flow: deps-test ## the scenario tests behind real web servers only
	$(MAKE_IT) $(PROGRAMS) sanitized
	@tests/support/run_tests "$(BUILD)" "$(ONLY)" flow
browser: deps-test ## the tests in headless Chromium only
	$(MAKE_IT) $(PROGRAMS)
	@tests/support/run_tests "$(BUILD)" "$(ONLY)" browser

faults: deps-bench ## each fault with traffic running, and a table of what came of it: FAULTS=quick, ONLY=word; writes build/faults.json
	$(MAKE_IT) $(PROGRAMS) $(BUILD)/faults/allocations.so
	@DOORWARD_BUILD="$(BUILD)" FAULTS="$(FAULTS)" ONLY="$(ONLY)" exec /usr/bin/python3 tests/faults/run.py

bench: deps-bench ## what a check costs, beside other ways: BENCH=quick, ONLY=word, PEERS=folder; writes build/bench.json
	$(MAKE_IT) $(PROGRAMS) $(BENCH_BIN)
	@DOORWARD_BUILD="$(BUILD)" BENCH="$(BENCH)" ONLY="$(ONLY)" exec /usr/bin/python3 tests/bench/bench.py
scale: deps-bench ## what many nodes and a Redis Cluster cost: SCALE=quick, ONLY=word; writes build/scale.json
	$(MAKE_IT) $(PROGRAMS) $(BUILD)/bench/drive
	@DOORWARD_BUILD="$(BUILD)" SCALE="$(SCALE)" ONLY="$(ONLY)" exec /usr/bin/python3 tests/bench/scale.py
callgrind: deps-bench ## instructions, allocations and system calls of one check; writes docs/performance.svg
	$(MAKE_IT) $(PROGRAMS) $(BUILD)/bench/drive
	@DOORWARD_BUILD="$(BUILD)" exec /usr/bin/python3 tests/bench/callgrind --picture

# What several threads share: unit tests, and checks through the gateway, under ThreadSanitizer.
TSAN := $(addprefix $(BUILD)/tsan/unit/,base/test_queue auth/test_gate auth/test_mirror auth/test_rotation store/test_store)
tsan: deps-test ## the tests of what threads share, under ThreadSanitizer
	+@$(MAKE) --no-print-directory -j$(shell nproc) BUILD=$(BUILD)/tsan CC=clang \
		SANFLAGS="-fsanitize=thread -fno-omit-frame-pointer" sanitized $(TSAN)
	@set -e; export TSAN_OPTIONS="halt_on_error=1 exitcode=66"; for t in $(TSAN); do echo "$$t"; $$t; done; \
	DOORWARD_BUILD=$(BUILD)/tsan python3 tests/flow/25-gateway.py

# Stands before libc in the program as it is shipped, and lets its allocations fail.
$(BUILD)/faults/allocations.so: tests/faults/allocations.c Makefile
	@mkdir -p $(@D)
	@echo 'cc   $@'
	@$(CC) -D_GNU_SOURCE $(CFLAGS) $(WARN) -shared -fPIC -o $@ $<
allocations: deps-test ## each allocation fails once, in every kind of request: ONLY=word for some kinds, ALLOCATIONS=full for each pass of a loop
	$(MAKE_IT) $(PROGRAMS) $(BUILD)/faults/allocations.so
	@DOORWARD_BUILD="$(BUILD)" ALLOCATIONS="$(ALLOCATIONS)" exec /usr/bin/python3 tests/faults/allocations.py $(ONLY)

FUZZ_SECONDS ?= 60
fuzz: deps-test ## each parser of untrusted input for FUZZ_SECONDS=60 under clang's fuzzer: ONLY=word to run some
	$(MAKE_IT) $(FUZZ_BIN)
	@tests/fuzz/run "$(BUILD)" "$(FUZZ_SECONDS)" "$(ONLY)"
MEMCHECK_REQUESTS ?= 10000
memcheck: deps-memcheck ## MEMCHECK_REQUESTS=10000 mixed requests under valgrind: no error, no leak, no growth
	+@$(MAKE) --no-print-directory -j$(shell nproc) BUILD=$(BUILD)/memcheck CFLAGS="-O1 -g" $(BUILD)/memcheck/doorward $(BUILD)/memcheck/doorwardctl
	@DOORWARD_BUILD="$(BUILD)/memcheck" MEMCHECK_REQUESTS="$(MEMCHECK_REQUESTS)" exec /usr/bin/python3 tests/memcheck/memcheck.py

lint: deps-test ## include direction, seams, headers alone, symbol names, settings in step, function size, clang
	$(MAKE_IT) $(PROGRAMS)
	@tests/lint/run "$(BUILD)"
format: ## clang-format over all C files
	clang-format -i $$(find app tests -name '*.[ch]')

install: all ## install into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/doorward $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 755 $(BUILD)/doorward $(BUILD)/doorwardctl $(DESTDIR)$(PREFIX)/sbin/
	cp -r templates languages www $(DESTDIR)$(PREFIX)/share/doorward/
	install -m 644 doorward.conf.example apache.conf.example apache-fcgid.conf.example lighttpd.conf.example lighttpd-strip.lua lighttpd-cache.lua nginx.conf.example Caddyfile.example systemd/doorward.service systemd/doorward-authorizer.socket systemd/doorward-responder.socket $(DESTDIR)$(PREFIX)/share/doorward/
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
clean: ## remove build/
	rm -rf $(BUILD)
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-10s %s\n", $$1, $$2 }'

-include $(LIB_OBJ:.o=.d) $(SAN_OBJ:.o=.d) $(SOURCES:%.c=$(BUILD)/fuzz/%.d) $(UNIT_BIN:=.d) $(BUILD)/app/serve.d $(BUILD)/san/app/serve.d $(CTL_OBJ:.o=.d) $(CTL_SAN:.o=.d)
