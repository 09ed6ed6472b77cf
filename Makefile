# Doorward. `make help` lists the targets.
# Plain GNU make: sources by wildcard, dependencies by -MMD, libraries by pkg-config.

SHELL   := /bin/bash
CC      ?= gcc
PREFIX  ?= /usr/local
BUILD   ?= build
VERSION := 0.1.0

PKGS    := fcgi hiredis libjwt json-c inih libsodium libcrypto libcrypt libutf8proc
# Debian packages: to build and run; to test (the real web servers, a browser).
DEPS_BUILD := gcc make pkg-config libfcgi-dev libhiredis-dev libjwt-dev libjson-c-dev libinih-dev \
	libsodium-dev libssl-dev libcrypt-dev libutf8proc-dev
DEPS_DEMO  := redis-server redis-tools apache2 apache2-utils lighttpd lighttpd-mod-openssl lighttpd-modules-lua \
	libapache2-mod-fcgid nginx fcgiwrap openssl curl python3
DEPS_TEST  := $(DEPS_DEMO) clang clang-tidy clang-format libclang-rt-dev lua5.1 faketime python3-jwt python3-cryptography python3-selenium \
	chromium chromium-driver fonts-dejavu-core man-db mandoc

WARN    := -std=c11 -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wwrite-strings \
	-Wmissing-prototypes -Wstrict-prototypes -Wswitch-enum -Wvla -Wformat=2 -Wformat-security \
	-Wframe-larger-than=16384 -Wundef -Wpointer-arith -Werror
HARDEN  := -fstack-protector-strong -fPIE -fno-strict-overflow -fvisibility=hidden -D_FORTIFY_SOURCE=2 -fno-common
LDHARD  := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
SANFLAGS:= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# Evaluated only when something is compiled, so that `make help` and `make deps` need no library.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))

CPPFLAGS += -Iapp -I$(BUILD)/gen -D_GNU_SOURCE -DDOORWARD_VERSION='"$(VERSION)"' -DDOORWARD_PREFIX='"$(PREFIX)"'
CFLAGS   ?= -O2 -g
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
GEN     := $(BUILD)/gen/scripts.h

.DELETE_ON_ERROR:
.PHONY: all deps deps-demo deps-test demo test unit flow lint browser bench format install clean help sanitized

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
	@$(CC) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LIBS)

$(BUILD)/app/%.o: app/%.c Makefile | $(GEN)
	@mkdir -p $(@D)
	@echo 'cc   $@'
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The Lua scripts become C strings, one a line of the script; nothing generated is committed.
$(GEN): $(SCRIPTS) Makefile
	@mkdir -p $(@D)
	@{ echo '/* Made from app/store/scripts by make. */'; \
	for s in $(sort $(SCRIPTS)); do \
		echo "static const char script_$$(basename $$s .lua)[] ="; \
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $$s; echo ';'; \
	done; } > $@

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
	@$(CC) $(SANFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/san/libdoorward.a tests/unit/check.h
	@mkdir -p $(@D)
	@echo 'cc   $@'
	@$(CC) $(CPPFLAGS) $(TEST_CFLAGS) -MMD -MP -o $@ $< $(BUILD)/san/libdoorward.a $(LIBS)
sanitized: $(BUILD)/san/doorward $(BUILD)/san/doorwardctl

deps: ## install the Debian packages that building needs and that are missing
	@tests/support/deps $(DEPS_BUILD)
deps-demo: ## install what the demo needs
	@tests/support/deps $(DEPS_BUILD) $(DEPS_DEMO)
deps-test: ## install what the tests need
	@tests/support/deps $(DEPS_BUILD) $(DEPS_TEST)

SERVER ?= apache
PORT   ?= 8443
demo: deps-demo ## start Redis, Doorward and a web server on localhost: SERVER=apache|lighttpd|nginx PORT=8443 SETTINGS="section.key=value ..."
	$(MAKE_IT) $(PROGRAMS)
	@exec tests/support/demo --server "$(SERVER)" --port "$(PORT)" --build "$(BUILD)" -- $(SETTINGS)

test: deps-test ## unit, scenario and browser tests: ONLY=word to run some
	$(MAKE_IT) $(PROGRAMS) sanitized $(UNIT_BIN)
	@tests/support/run_tests "$(BUILD)" "$(ONLY)"
unit: deps-test ## the unit tests only
	$(MAKE_IT) $(UNIT_BIN)
	@tests/support/run_tests "$(BUILD)" "$(ONLY)" unit
flow: deps-test ## the scenario tests behind real web servers only
	$(MAKE_IT) $(PROGRAMS) sanitized
	@tests/support/run_tests "$(BUILD)" "$(ONLY)" flow
browser: deps-test ## the tests in headless Chromium only
	$(MAKE_IT) $(PROGRAMS)
	@tests/support/run_tests "$(BUILD)" "$(ONLY)" browser

lint: deps-test ## include direction, seams, headers alone, symbol names, settings in step, function size, clang
	$(MAKE_IT) $(PROGRAMS)
	@tests/lint/run "$(BUILD)"
format: ## clang-format over all C files
	clang-format -i $$(find app tests -name '*.[ch]')

install: all ## install into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/doorward $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 755 $(BUILD)/doorward $(BUILD)/doorwardctl $(DESTDIR)$(PREFIX)/sbin/
	cp -r templates www $(DESTDIR)$(PREFIX)/share/doorward/
	install -m 644 doorward.conf.example apache.conf.example apache-fcgid.conf.example lighttpd.conf.example lighttpd-strip.lua nginx.conf.example systemd/doorward.service systemd/doorward.socket $(DESTDIR)$(PREFIX)/share/doorward/
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
clean: ## remove build/
	rm -rf $(BUILD)
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-10s %s\n", $$1, $$2 }'

-include $(LIB_OBJ:.o=.d) $(SAN_OBJ:.o=.d) $(UNIT_BIN:=.d) $(BUILD)/app/serve.d $(CTL_OBJ:.o=.d) $(CTL_SAN:.o=.d)
