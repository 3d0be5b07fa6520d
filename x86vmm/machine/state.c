#include "x86vmm/machine/state.h"

#include "base/format.h"

static const struct reg_desc rows[] = {
#define REG(text, group_name, width, member)       \
    {.group = X86_GROUP_##group_name,              \
     .bits = width,                                \
     .offset = offsetof(struct x86_state, member), \
     .name = text},
#include "x86vmm/machine/regs.def"
#undef REG
};

const struct reg_table x86_regs = {rows, ARRAY_LEN(rows)};

void x86_state_reset(struct x86_state *s)
{
    *s = (struct x86_state){.rflags = X86_FLAG_ONE,
                            .cr0 = X86_CR0_ET,
                            .gdt = {0, 0xFFFF},
                            .idt = {0, 0xFFFF}};
    /* Family 15, as CPUID leaf 1 says: RESET leaves the signature in EDX. */
    s->gpr[X86_RDX] = 0xF00;
    for (unsigned i = 0; i < X86_SEG_COUNT; i++)
        s->seg[i] = (struct x86_segment){.limit = 0xFFFF,
                                         .attr = X86_ATTR_P | X86_ATTR_S | 3};
    s->seg[X86_CS].attr = X86_ATTR_P | X86_ATTR_S | 0xB;
    s->seg[X86_LDTR].attr = X86_ATTR_P | 2;
    s->seg[X86_TR].attr = X86_ATTR_P | 0xB;
}

void x86_state_power_on(struct x86_state *s)
{
    struct x86_segment *cs = &s->seg[X86_CS];

    x86_state_reset(s);
    s->cr0 = 0x60000010; /* CD NW ET */
    cs->selector = 0xF000;
    cs->base = 0xFFFF0000;
    s->rip = 0xFFF0;
}

static const char *mode_word(const struct x86_state *s)
{
    if (x86_real_mode(s))
        return "real";
    if (s->efer & X86_EFER_LMA)
        return x86_code_bits(s) == 64 ? "long" : "compat";
    if (s->rflags & X86_FLAG_VM)
        return "v86";
    return x86_code_bits(s) == 32 ? "prot32" : "prot16";
}

void x86_state_words(const struct x86_state *s, char *out, size_t cap)
{
    format(out, cap, "%s %04x:%llx fl %06llx", mode_word(s),
           (unsigned)s->seg[X86_CS].selector, (unsigned long long)s->rip,
           (unsigned long long)s->rflags);
}
