#include "x86vmm/machine/flags.h"

static uint64_t lazy_bits(const struct x86_flags *f)
{
    uint64_t r = 0;

    r |= x86_lazy_top(f, f->carries) ? X86_FLAG_CF : 0;
    r |= x86_lazy_parity(f) ? X86_FLAG_PF : 0;
    r |= f->carries & 8 ? X86_FLAG_AF : 0;
    r |= !f->result ? X86_FLAG_ZF : 0;
    r |= x86_lazy_top(f, f->result) ? X86_FLAG_SF : 0;
    r |= x86_lazy_overflow(f) ? X86_FLAG_OF : 0;
    return r;
}

uint64_t x86_flags_get(struct x86_cpu *cpu)
{
    if (cpu->flags.lazy) {
        cpu->state.rflags = (cpu->state.rflags & ~(uint64_t)X86_FLAGS_LAZY) |
                            lazy_bits(&cpu->flags);
        cpu->flags.lazy = false;
    }
    return cpu->state.rflags;
}

uint64_t x86_flags_between(struct x86_cpu *cpu)
{
    return x86_flags_get(cpu) | (cpu->repeats_at == cpu->ran ? X86_FLAG_RF : 0);
}

void x86_flags_set(struct x86_cpu *cpu, uint64_t rflags)
{
    cpu->flags.lazy = false;
    cpu->state.rflags = rflags;
}
