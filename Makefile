# Trapline.  `make`, `make check`, `make V=1`, `make CC=clang`.
CC      ?= gcc
BUILD   ?= build
CSTD    := -std=c11
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wvla \
           -Wpointer-arith -Wmissing-prototypes
OPT     ?= -O2 -g
SANFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
           -fno-omit-frame-pointer
CPPFLAGS += -I. -D_GNU_SOURCE -MMD -MP
Q       := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

LIB_SRC  := $(wildcard base/*.c monitor/*.c s370/*/*.c x86vmm/*/*.c)
CLI_SRC  := $(wildcard cli/*.c)
TEST_SRC := $(wildcard tests/*.c)

obj       = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

.PHONY: all check clean
all: $(BUILD)/trapline

$(BUILD)/trapline: $(call obj,opt,$(LIB_SRC) $(CLI_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) -o $@ $^ $(LDLIBS)

$(BUILD)/opt/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(WARN) $(OPT) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/san/%.o: %.c
	$(call say,CC-SAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(WARN) $(SANFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Every tests/test_NAME.c defines `Suite *suite_NAME(void)`; nothing to register.
$(BUILD)/suites.inc: $(wildcard tests/test_*.c)
	$(Q)mkdir -p $(@D)
	$(Q)for s in $(patsubst tests/test_%.c,%,$(wildcard tests/test_*.c)); \
	    do echo "SUITE($$s)"; done > $@
$(BUILD)/san/tests/main.o: CPPFLAGS += -I$(BUILD) $(shell pkg-config --cflags check)
$(BUILD)/san/tests/main.o: $(BUILD)/suites.inc

$(BUILD)/check: $(call obj,san,$(LIB_SRC) $(TEST_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANFLAGS) -o $@ $^ $(shell pkg-config --libs check) $(LDLIBS)

check: $(BUILD)/trapline $(BUILD)/check
	$(Q)$(BUILD)/check

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
