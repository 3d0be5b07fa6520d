# Guests of the x86 wing: flat binaries from the host's assembler, where that
# is one for x86.  Elsewhere name one: make X86_AS=x86_64-linux-gnu-as
# X86_LD=x86_64-linux-gnu-ld; without it the guests are left out, and the
# tests that need them say so.
X86_AS     ?= as
X86_LD     ?= ld
X86_GUESTS := $(patsubst %.S,$(BUILD)/%.bin,$(wildcard x86vmm/guest/*.S \
              tests/x86_compare/*.S))

ifeq ($(shell echo cpuid | $(X86_AS) --64 -o /dev/null - 2>&1 || echo no),)
all: $(X86_GUESTS)
x86-bench: $(BUILD)/tests/x86_bench/loops.img
else
all: no-x86-guests
endif

.PHONY: no-x86-guests
no-x86-guests:
	@echo "  SKIP     x86 guests: $(X86_AS) is no assembler for x86"

# A boot sector (its name says real) is loaded at 7C00, all others at 1 MiB.
$(X86_GUESTS): $(BUILD)/%.bin: %.S x86vmm/guest/pc.inc
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -I. -o $(@:.bin=.s) $<
	$(Q)$(X86_AS) --64 -o $(@:.bin=.o) $(@:.bin=.s)
	$(Q)$(X86_LD) -m elf_x86_64 --oformat binary -e start \
	    -Ttext $(if $(findstring -real,$@),0x7C00,0x100000) -o $@ $(@:.bin=.o)

# What `make x86-bench` runs: a disk that a PC boots.
$(BUILD)/tests/x86_bench/loops.img: tests/x86_bench/loops.S \
                                   tests/x86_bench/turns.h x86vmm/guest/pc.inc
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -I. -o $(@:.img=.s) $<
	$(Q)$(X86_AS) --32 -o $(@:.img=.o) $(@:.img=.s)
	$(Q)$(X86_LD) -m elf_i386 --oformat binary -e start -Ttext 0x7C00 \
	    -o $@ $(@:.img=.o)
