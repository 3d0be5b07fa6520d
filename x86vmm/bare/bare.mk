# The monitor on bare metal: an image for a PC, by an x86 compiler.  Elsewhere
# name one: make X86_CC=x86_64-linux-gnu-gcc; without it the image is left out,
# and whoever needs it says so.
x86_only    = $(if $(findstring x86_64,$(shell $(1) -dumpmachine 2>/dev/null)),$(1))
X86_CC     ?= $(or $(call x86_only,$(CC)),$(call x86_only,gcc))
X86_OBJCOPY ?= objcopy
BARE_FLAGS := $(CSTD) $(WARN) -I. -Ix86vmm/bare/include -O2 -g -ffreestanding -fno-pic -fno-pie \
              -fno-stack-protector -fno-asynchronous-unwind-tables \
              -fcf-protection=none -mno-red-zone -mgeneral-regs-only -ffunction-sections -fdata-sections -MMD -MP
BARE_SHARED := $(wildcard base/*.c monitor/*.c x86vmm/exit/*.c x86vmm/dev/*.c \
      x86vmm/vm/*.c) \
    $(addprefix x86vmm/pc/,board.c mp_table.c load.c load_elf.c load_linux.c \
      load_multiboot.c) \
    $(addprefix x86vmm/machine/,insn.c length.c translate.c state.c \
      exception.c cpuid.c mode.c cpu_mode.c device_op.c form.c access.c \
      paging.c segment.c stack.c flags.c debug.c interrupt.c task.c operand.c \
      op_data.c op_arith.c op_shift.c op_string.c own_msr.c decode_absent.c) \
    $(addprefix x86vmm/vtx/,vmcs.c control.c exit.c entry_check.c sample.c) \
    $(addprefix x86vmm/svm/,vmcb.c exit.c vmrun_check.c sample.c) \
    $(addprefix x86vmm/engine/,vmcb_state.c vmcs_state.c)
BARE_OBJECTS := $(patsubst %,$(BUILD)/bare/%.o,$(basename \
    $(wildcard x86vmm/bare/*.S x86vmm/bare/*.c) $(BARE_SHARED)))
BARE_IMAGE := $(BUILD)/x86vmm/bare/monitor.img
BARE_ELF   := $(BARE_IMAGE:.img=.elf)

ifneq ($(X86_CC),)
all: $(BARE_IMAGE)
else
all: no-bare-image
endif

.PHONY: no-bare-image
no-bare-image:
	@echo "  SKIP     the monitor on bare metal: $(CC) compiles for no x86"

$(BUILD)/bare/%.o: %.c $(BUILD)/bare.flags
	$(call say,CC-BARE,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(X86_CC) $(BARE_FLAGS) -c -o $@ $<

$(BUILD)/bare/%.o: %.S x86vmm/bare/layout.h $(BUILD)/bare.flags
	$(call say,AS-BARE,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(X86_CC) -E -P -x assembler-with-cpp -I. -o $(@:.o=.s) $<
	$(Q)$(X86_AS) --64 -o $@ $(@:.o=.s)

$(BARE_ELF): x86vmm/bare/image.ld $(BARE_OBJECTS)
	$(call say,LD-BARE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(X86_LD) -m elf_x86_64 -nostdlib --no-warn-rwx-segments -z max-page-size=4096 -T $< \
	    -o $@ $(BARE_OBJECTS)

$(BARE_IMAGE): $(BARE_ELF)
	$(call say,IMAGE,$@)
	$(Q)$(X86_OBJCOPY) -O binary $< $@

-include $(BARE_OBJECTS:.o=.d)
