/* What is known of the mode beforehand. */
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/debug.h"

/* How far a segment goes for 8 bytes, if it goes up from 0. */
static uint64_t end_of(const struct x86_segment *s)
{
    return x86_segment_down(s) || s->limit < 7 ? 0 : s->limit - UINT64_C(6);
}

static void set_fast(struct x86_cpu *cpu)
{
    bool closely = x86_aligns(cpu) || x86_debug_watches_data(cpu);

    for (unsigned i = X86_ES; i <= X86_GS; i++) {
        const struct x86_segment *s = &cpu->state.seg[i];
        struct x86_fast_segment *f = &cpu->fast[i];
        bool wide = cpu->code_bits == 64;
        uint64_t end = closely ? 0 : wide ? UINT64_MAX : end_of(s);

        f->base_mask = wide && i != X86_FS && i != X86_GS ? 0 : UINT64_MAX;
        f->end[0] = wide || x86_segment_allows(cpu, s, X86_READ) ? end : 0;
        f->end[1] = wide || x86_segment_allows(cpu, s, X86_WRITE) ? end : 0;
    }
}

void x86_mode_changed(struct x86_cpu *cpu)
{
    const struct x86_state *s = &cpu->state;
    bool real = x86_real_mode(s), v86 = s->rflags & X86_FLAG_VM;

    cpu->cpl = (uint8_t)(real ? 0 : v86 ? 3 : x86_cpl(s));
    cpu->user = cpu->cpl == 3 ? X86_TLB_USER : 0;
    cpu->code_bits = (uint8_t)x86_code_bits(s);
    cpu->stack_64 = cpu->code_bits == 64;
    cpu->stack_32 = s->seg[X86_SS].attr & X86_ATTR_DB;
    cpu->rip_mask = cpu->code_bits == 64 ? UINT64_MAX : UINT32_MAX;
    cpu->linear_mask = cpu->rip_mask;
    cpu->sp_mask = cpu->stack_64   ? UINT64_MAX
                   : cpu->stack_32 ? UINT32_MAX
                                   : UINT16_MAX;
    set_fast(cpu);
    if (UNLIKELY(cpu->opened) && !(s->rflags & X86_FLAG_AC))
        x86_tlb_close(cpu);
}
