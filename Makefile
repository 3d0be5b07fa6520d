# Trapline.  `make`, `make check`, `make V=1`, `make CC=clang`.
#
# Nothing is registered here: a .c file in a folder of ours is found by its
# place, a test suite by its name.  All that is made goes below $(BUILD).

# make's built-in CC is `cc`; take gcc unless somebody said otherwise.
ifeq ($(origin CC),default)
CC       := gcc
endif
BUILD    ?= build
OPT      ?= -O2 -g
PREFIX   ?= /usr/local

CSTD     := -std=c11
WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
            -Wmissing-prototypes -Wpointer-arith -Wvla
SANITIZE := -O1 -g -fsanitize=address,undefined \
            -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE
COMPILE   = $(CC) $(CSTD) $(WARN) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c

# Lines of command are shown with V=1, one word and a file name without.
Q        := $(if $(V),,@)
say       = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

# Zydis decodes the modelled x86 processor's instructions.  Does this compiler
# find it?  Where not, all else is built, and that processor says so.
ifeq ($(origin ZYDIS),undefined)
ZYDIS    := $(shell echo 'int main(void) { return ZydisGetVersion() >> 48 < 4; }' | \
             $(CC) $(CPPFLAGS) $(LDFLAGS) -include Zydis/Zydis.h -x c - \
             -o /dev/null -lZydis -lZycore 2>/dev/null && echo yes)
endif
LDLIBS   += $(if $(ZYDIS),-lZydis -lZycore)
DECODER  := x86vmm/machine/decode$(if $(ZYDIS),,_absent).c

LIB      := $(wildcard base/*.c monitor/*.c s370/*.c s370/*/*.c x86vmm/*/*.c \
             popek-goldberg/*/*.c)
LIB      := $(filter-out x86vmm/machine/decode% x86vmm/bare/%,$(LIB)) $(DECODER)
MAIN     := cli/main.c
CLI      := $(filter-out $(MAIN),$(wildcard cli/*.c))
# Test suites; `make check-unit SUITES="base monitor"` builds only these.
SUITES   := $(sort $(patsubst tests/test_%.c,%,$(wildcard tests/test_*.c)))
TESTS    := $(filter-out tests/test_%.c,$(wildcard tests/*.c)) \
            $(SUITES:%=tests/test_%.c) \
            $(filter-out %/main.c,$(wildcard tests/oracle/*.c \
            tests/x86_host/*.c))
# Layers that must work with no C library under them (see tests/freestanding.sh).
BARE     := $(wildcard base/*.c monitor/*.c x86vmm/exit/*.c x86vmm/dev/*.c)

# Fuzzers of files, which share a mutator, and the one of hostile guests.
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(filter-out \
             %/fuzz_main.c %/fuzz_guest.c %/fuzz_x86.c,$(wildcard tests/fuzz/fuzz_*.c)))

object    = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

.PHONY: all
all: $(BUILD)/trapline

# The wings' guests: what they need is said beside them.
-include s370/guest/guest.mk x86vmm/guest/guest.mk x86vmm/bare/bare.mk

# ---- The command, fast ----

$(BUILD)/trapline: $(call object,fast,$(MAIN)) $(BUILD)/fast/lib.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/fast/%.o: %.c $(BUILD)/fast.flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(OPT) -o $@ $<

# The machines that `trapline check` knows by name are built in, as texts.
ISA      := $(wildcard popek-goldberg/isa/*.isa)
MACHINES := $(BUILD)/popek-goldberg/language/machines.inc
$(MACHINES): $(ISA) $(BUILD)/isa.flags
	$(Q)mkdir -p $(@D)
	$(Q)for f in $(ISA); do \
	    printf 'MACHINE("%s",\n' $$(basename $$f .isa); \
	    sed 's/["\\]/\\&/g; s/.*/"&\\n"/' $$f; echo ')'; done > $@
$(call object,fast,popek-goldberg/language/machines.c): $(MACHINES)
$(call object,san,popek-goldberg/language/machines.c): $(MACHINES)

# The fast driver is one switch: where its cases begin matters to the
# processor's prediction, by a quarter on some.  (clang has no such option.)
ifeq ($(findstring clang,$(CC)),)
$(BUILD)/fast/s370/machine/run.o: CFLAGS += -falign-jumps=32 -falign-loops=32
endif

# The commands stand in the library too, for the tests.
$(BUILD)/fast/lib.a: $(call object,fast,$(LIB) $(CLI)) $(BUILD)/decoder.flags
$(BUILD)/san/lib.a:  $(call object,san,$(LIB) $(CLI)) $(BUILD)/decoder.flags
%/lib.a:
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rc $@ $(filter %.o,$^)

# ---- The same and the tests, under the sanitizers ----

# Only when it is needed: a machine that builds the command may lack Check.
CHECK_CFLAGS = $(shell pkg-config --cflags check)
CHECK_LIBS   = $(shell pkg-config --libs check)

$(BUILD)/san/%.o: %.c $(BUILD)/san.flags
	$(call say,CC-SAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(SANITIZE) -o $@ $<

# A suite's function is named by suites.inc alone: no header declares it.
$(call object,san,$(TESTS)): CPPFLAGS += $(CHECK_CFLAGS) -Wno-missing-prototypes
$(BUILD)/san/tests/main.o: $(BUILD)/suites.inc

# SUITE(name) for each tests/test_NAME.c, which defines suite_NAME().
$(BUILD)/suites.inc: $(BUILD)/suites.flags
	$(Q)printf 'SUITE(%s)\n' $(SUITES) > $@

$(BUILD)/check: $(call object,san,$(TESTS)) $(BUILD)/san/lib.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LDLIBS)

$(BUILD)/trapline-san: $(call object,san,$(MAIN)) $(BUILD)/san/lib.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The command under the sanitizers is the one that the tests run.
# A line with make's own name in it is run for `make -n`, too; there it is to be
# printed.
DRY       = $(if $(findstring n,$(firstword -$(MAKEFLAGS))),echo)
.PHONY: check check-unit
check: all $(BUILD)/trapline-san $(BUILD)/check $(BUILD)/oracle $(FUZZERS) \
       $(BUILD)/x86-oracle $(BUILD)/fuzz_guest $(BUILD)/fuzz_x86 \
       $(BUILD)/kvm-bench
	$(Q)$(DRY) BUILD=$(BUILD) MAKE="$(MAKE)" tests/check.sh

check-unit: all $(BUILD)/trapline-san $(BUILD)/check
	$(Q)BUILD=$(BUILD) $(BUILD)/check

# tests/expected anew, from what ran: read the difference before you commit.
.PHONY: expected
expected: all $(BUILD)/trapline-san $(BUILD)/check
	$(Q)BUILD=$(BUILD) $(BUILD)/check | awk '$$3 ~ /^passed/ && $$1 ~ /^[a-z]/ \
	    { print $$1, $$2 + $$4 + $$6 }' | sort > $(BUILD)/expected.new
	$(Q)mv $(BUILD)/expected.new tests/expected
	$(Q)git --no-pager diff --stat tests/expected

# ---- Beside the suites: the oracle, fuzzers, the bench ----

ORACLE   := $(wildcard tests/oracle/*.c)
BENCH    := $(wildcard tests/bench/*.c) tests/oracle/hercules.c
$(BUILD)/oracle: $(call object,fast,$(ORACLE)) $(BUILD)/fast/lib.a
$(BUILD)/bench:  $(call object,fast,$(BENCH)) $(BUILD)/fast/lib.a
X86_BENCH := $(wildcard tests/x86_bench/*.c)
$(BUILD)/x86-bench: $(call object,fast,$(X86_BENCH)) $(BUILD)/fast/lib.a
X86_HOST := $(wildcard tests/x86_host/*.c) tests/x86_bare.c
$(BUILD)/x86-host-oracle: $(call object,fast,$(X86_HOST)) $(BUILD)/fast/lib.a
# x86-rom ROM: a test ROM on the modelled x86 processor.
X86_ROM := $(wildcard tests/x86_rom/*.c) tests/x86_rom.c
$(BUILD)/x86-rom: $(call object,fast,$(X86_ROM)) $(BUILD)/fast/lib.a
# kvm-bench ROUNDS: exits a second on /dev/kvm, beside a bare loop, and on the
# modelled processor.
KVM_BENCH := $(wildcard tests/kvm_bench/*.c)
$(BUILD)/kvm-bench: $(call object,fast,$(KVM_BENCH)) $(BUILD)/fast/lib.a
# x86-mutants KERNEL INITRD: monitors with a mistake.
X86_MUTANTS := $(wildcard tests/x86_compare/*.c) tests/x86_mutants.c
$(BUILD)/x86-mutants: $(call object,fast,$(X86_MUTANTS)) $(BUILD)/fast/lib.a
$(BUILD)/oracle $(BUILD)/bench $(BUILD)/x86-bench $(BUILD)/x86-host-oracle \
$(BUILD)/x86-rom $(BUILD)/kvm-bench $(BUILD)/x86-mutants:
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Random system programs for the modelled x86 processor, Bochs and QEMU: one
# image for all, where there is an assembler for x86.
X86_ORACLE := $(wildcard tests/x86_oracle/*.c)
$(BUILD)/x86-oracle: $(call object,fast,$(X86_ORACLE)) $(BUILD)/fast/lib.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(LDLIBS)
ifeq ($(shell echo cpuid | $(X86_AS) --64 -o /dev/null - 2>&1 || echo no),)
$(BUILD)/x86-oracle: | $(BUILD)/tests/x86_oracle/image.bin
endif
$(BUILD)/tests/x86_oracle/image.bin: tests/x86_oracle/image.S \
                tests/x86_oracle/layout.h tests/x86_oracle/image.ld
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -I. -o $(@:.bin=.s) $<
	$(Q)$(X86_AS) --64 -o $(@:.bin=.o) $(@:.bin=.s)
	$(Q)$(X86_LD) -m elf_x86_64 --oformat binary -e 0 \
	    -T tests/x86_oracle/image.ld -o $@ $(@:.bin=.o)

# FUZZER [RUNS [SEED [SECONDS]]]; fuzz_guest, fuzz_x86 [SECONDS [SEED]]
$(FUZZERS): $(BUILD)/fuzz_%: $(BUILD)/san/tests/fuzz/fuzz_%.o \
            $(BUILD)/san/tests/fuzz/fuzz_main.o $(BUILD)/san/lib.a
$(BUILD)/fuzz_kernel: $(BUILD)/san/tests/kernel_image.o
HOSTILE  := tests/fuzz/fuzz_guest.c tests/s370_hostile.c tests/s370_pair.c \
            tests/s370_random.c
$(BUILD)/fuzz_guest: $(call object,san,$(HOSTILE)) $(BUILD)/san/lib.a
HOSTILE_X86 := tests/fuzz/fuzz_x86.c tests/x86_hostile.c \
    tests/x86_hostile_vm.c tests/x86_hostile_judge.c \
    tests/x86_hostile_monitor.c tests/x86_hostile_arrival.c \
    tests/x86_system.c tests/x86_bare.c
$(BUILD)/fuzz_x86: $(call object,san,$(HOSTILE_X86)) $(BUILD)/san/lib.a
$(FUZZERS) $(BUILD)/fuzz_guest $(BUILD)/fuzz_x86:
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: oracle x86-oracle x86-host-oracle fuzz bench x86-bench levels-bench bare-bench \
        kvm-bench kvm-check kvm-model-check check-slow bare-check linux-check \
        svm-check cross cross-suites
# Random instruction cases against Hercules; tests/oracle/README.md.
CASES        ?= 1000000
ORACLE_CASES ?= $(CASES)
oracle: $(BUILD)/oracle
	$(Q)$(BUILD)/oracle --cases $(ORACLE_CASES)

# Random system programs on it, on Bochs and on QEMU.
X86_CASES    ?= 5000
SEED         ?= 1
x86-oracle: $(BUILD)/x86-oracle
	$(Q)$(BUILD)/x86-oracle $(BUILD)/tests/x86_oracle/image.bin \
	    $(BUILD)/x86-oracle.run --cases $(X86_CASES) --seed $(SEED)

# Random instructions on the modelled x86 processor and on this host's own.
x86-host-oracle: $(BUILD)/x86-host-oracle
	$(Q)$(BUILD)/x86-host-oracle --cases $(CASES) --float $(CASES)

# Each fuzzer takes FUZZ_SECONDS; those of files end at FUZZ_RUNS, if that is
# before.
FUZZ_RUNS    ?= 100000000
FUZZ_SECONDS ?= 600
FUZZ_SEED    ?= 1
fuzz: $(FUZZERS) $(BUILD)/fuzz_guest $(BUILD)/fuzz_x86
	$(Q)for f in $(FUZZERS); do echo "== $$f"; \
	    $$f $(FUZZ_RUNS) $(FUZZ_SEED) $(FUZZ_SECONDS) || exit 1; done
	$(Q)for f in $(BUILD)/fuzz_guest $(BUILD)/fuzz_x86; do echo "== $$f"; \
	    $$f $(FUZZ_SECONDS) $(FUZZ_SEED) || exit 1; done

# Speed, beside Hercules, Bochs and QEMU where they are installed; ROUNDS=1 for
# a first look.
ROUNDS   ?= 5
bench: all $(BUILD)/bench x86-bench kvm-bench
	$(Q)$(BUILD)/bench --rounds $(ROUNDS) --program $(BUILD)/trapline

x86-bench: all $(BUILD)/x86-bench
	$(Q)BUILD=$(BUILD) ROUNDS=$(ROUNDS) tests/x86_bench/run.sh
	$(Q)BUILD=$(BUILD) ROUNDS=$(ROUNDS) tests/x86_bench/levels.sh

# Of it, what a level of monitors costs.
levels-bench: all
	$(Q)BUILD=$(BUILD) ROUNDS=$(ROUNDS) tests/x86_bench/levels.sh

# An exit of the monitor on bare metal, beside the least of loops.
bare-bench: all
	$(Q)BUILD=$(BUILD) ROUNDS=$(ROUNDS) tests/x86_bench/exits.sh

# A host without a usable /dev/kvm is no failure.
kvm-bench: $(BUILD)/kvm-bench
	$(Q)$(BUILD)/kvm-bench $(ROUNDS) || [ $$? = 77 ]

kvm-check: all $(BUILD)/check $(BUILD)/kvm-bench
	$(Q)BUILD=$(BUILD) tests/kvm/run-in-qemu.sh

# Linux's own KVM on the modelled VT-x and AMD-V.
kvm-model-check: all
	$(Q)BUILD=$(BUILD) tests/kvm/run-in-model.sh

# Debian on the /dev/kvm of Bochs' VT-x, and what else takes minutes.
check-slow: all bare-check $(BUILD)/check
	$(Q)BUILD=$(BUILD) TRAPLINE_SLOW=1 $(BUILD)/check x86_guests
	$(Q)BUILD=$(BUILD) tests/kvm/run-in-bochs.sh

# Debian under the monitor on bare metal, on QEMU, the model and Bochs.
bare-check: all
	$(Q)BUILD=$(BUILD) tests/linux/bare.sh

# A kernel of Debian's and a shell, for a user: build/vmlinuz, build/initrd.gz.
.PHONY: initrd
initrd: all
	$(Q)BUILD=$(BUILD) KERNEL="$(KERNEL)" tests/linux/initrd.sh

# What others have written, for the suites x86_guests and x86_rom.
.PHONY: guests
guests:
	$(Q)./setup guests
	$(Q)BUILD=$(BUILD) X86_CC="$(X86_CC)" tests/guests.sh

# Debian's kernel on the bare PC, to a shell.
linux-check: all $(BUILD)/x86-mutants
	$(Q)BUILD=$(BUILD) tests/linux/boot.sh
	$(Q)BUILD=$(BUILD) tests/linux/compare.sh vtx svm mutants

# A monitor on AMD-V: the modelled one beside Bochs' and QEMU's.
svm-check: all
	$(Q)BUILD=$(BUILD) X86_CC="$(X86_CC)" tests/svm/run.sh

# The command built for other processors must write the same bytes.
cross: all
	$(Q)$(DRY) BUILD=$(BUILD) MAKE="$(MAKE)" tests/cross.sh

# The suites there.
cross-suites: all
	$(Q)$(DRY) BUILD=$(BUILD) MAKE="$(MAKE)" tests/cross.sh --suites

# ---- Other ways to look at it ----

.PHONY: lint freestanding demo
lint: $(BUILD)/check
	$(Q)BUILD=$(BUILD) CPPFLAGS="$(CPPFLAGS)" WARN="$(CSTD) $(WARN)" \
	    tests/lint.sh

freestanding:
	$(Q)BUILD=$(BUILD) CC="$(CC)" WARN="$(CSTD) $(WARN)" \
	    tests/freestanding.sh $(BARE)

demo: all
	$(Q)BUILD=$(BUILD) ./demo --built

# ---- House-keeping ----

.PHONY: install clean
SAMPLES = $(wildcard $(BUILD)/s370/guest/*.conf $(BUILD)/s370/guest/*.aws \
                     $(BUILD)/x86vmm/guest/*.bin \
                     $(BUILD)/x86vmm/bare/*.img $(BUILD)/x86vmm/bare/*.elf)
MAN = $(DESTDIR)$(PREFIX)/share/man
install: all
	install -D -m 755 $(BUILD)/trapline $(DESTDIR)$(PREFIX)/bin/trapline
	for f in $(SAMPLES:$(BUILD)/%=%); do install -D -m 644 $(BUILD)/$$f \
	    $(DESTDIR)$(PREFIX)/share/trapline/$$f || exit 1; done
	cli/manual.sh $(BUILD)/trapline $(BUILD)/man
	install -D -m 644 $(BUILD)/man/*.1 popek-goldberg/trapline-*.1 \
	    -t $(MAN)/man1
	install -D -m 644 popek-goldberg/trapline-isa.5 -t $(MAN)/man5
	install -D -m 644 popek-goldberg/isa.nanorc \
	    -t $(DESTDIR)$(PREFIX)/share/nano
	install -D -m 644 popek-goldberg/isa.vim \
	    -t $(DESTDIR)$(PREFIX)/share/vim/vimfiles/syntax

clean:
	rm -rf $(BUILD)

# A file that changes only when what is written into it changes, so that other
# flags, another compiler or a file that came or went build anew.
FLAGS_fast   := $(CC) $(CSTD) $(WARN) $(CPPFLAGS) $(CFLAGS) $(OPT)
FLAGS_san    := $(CC) $(CSTD) $(WARN) $(CPPFLAGS) $(CFLAGS) $(SANITIZE)
FLAGS_suites := $(SUITES)
FLAGS_isa    := $(ISA)
FLAGS_decoder := $(DECODER)
FLAGS_bare   := $(X86_CC) $(BARE_FLAGS) $(X86_AS) $(X86_LD)

.PHONY: always
$(patsubst FLAGS_%,$(BUILD)/%.flags,$(filter FLAGS_%,$(.VARIABLES))): \
$(BUILD)/%.flags: always
	@mkdir -p $(@D)
	@echo '$(FLAGS_$*)' | cmp -s - $@ || echo '$(FLAGS_$*)' > $@

.DELETE_ON_ERROR:

-include $(patsubst %.o,%.d,\
    $(call object,fast,$(LIB) $(CLI) $(MAIN) $(ORACLE) $(BENCH) $(X86_BENCH) \
                         $(X86_HOST) $(X86_ORACLE) $(X86_ROM) $(KVM_BENCH) \
                         $(X86_MUTANTS)) \
    $(call object,san,$(LIB) $(CLI) $(MAIN) $(TESTS) $(wildcard tests/fuzz/*.c)))
