/* What is known of the mode beforehand. */
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/debug.h"

/* How far a segment goes for 8 bytes, if it goes up from 0 and no access is to
 * be looked at more closely. */
static uint64_t fast_end(const struct x86_cpu *cpu, unsigned seg,
                         enum x86_access access)
{
    const struct x86_segment *s = &cpu->state.seg[seg];

    if (x86_aligns(cpu) || x86_debug_watches_data(cpu))
        return 0;
    if (cpu->code_bits == 64)
        return UINT64_MAX;
    if (!x86_segment_allows(cpu, s, access) || x86_segment_down(s) ||
        s->limit < 7)
        return 0;
    return s->limit - UINT64_C(6);
}

static void set_fast(struct x86_cpu *cpu)
{
    for (unsigned i = X86_ES; i <= X86_GS; i++) {
        struct x86_fast_segment *f = &cpu->fast[i];
        bool flat = cpu->code_bits == 64 && i != X86_FS && i != X86_GS;

        f->base_mask = flat ? 0 : UINT64_MAX;
        f->end[0] = fast_end(cpu, i, X86_READ);
        f->end[1] = fast_end(cpu, i, X86_WRITE);
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
