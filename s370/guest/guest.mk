# Guests of the System/370 wing: our own assembler makes each .s an IPL tape,
# with its listing beside it; configurations go where the tapes are.  Built for
# another processor it needs an emulator: make EMULATOR=qemu-s390x.
EMULATOR    ?=
S370_GUESTS := $(patsubst %.s,$(BUILD)/%.aws,$(wildcard s370/guest/*.s)) \
               $(patsubst %,$(BUILD)/%,$(wildcard s370/guest/*.conf))

all: $(S370_GUESTS)

$(BUILD)/s370/guest/%.aws: s370/guest/%.s $(BUILD)/trapline
	$(call say,S370,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(EMULATOR) $(BUILD)/trapline asm $< --format ipl --output $@ \
	    --listing $(@:.aws=.lst) --xref

$(BUILD)/s370/guest/%.conf: s370/guest/%.conf
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@
