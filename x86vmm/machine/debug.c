#include "x86vmm/machine/debug.h"

#include "x86vmm/machine/msr.h"

/* Kinds of breakpoint: R/W field of DR7. */
enum { ON_FETCH, ON_WRITE, ON_PORT, ON_ACCESS };

struct breakpoint {
    uint64_t first, last;
    unsigned kind;
    bool on;
};

static struct breakpoint get(const struct x86_cpu *cpu, unsigned i)
{
    static const uint8_t lengths[] = {1, 2, 8, 4};
    uint64_t dr7 = cpu->dr[7], length = lengths[dr7 >> (18 + 4 * i) & 3];
    uint64_t first = cpu->dr[i] & ~(length - 1);

    return (struct breakpoint){.first = first,
                               .last = first + length - 1,
                               .kind = dr7 >> (16 + 4 * i) & 3,
                               .on = dr7 >> (2 * i) & 3};
}

static bool any(const struct x86_cpu *cpu, bool code)
{
    for (unsigned i = 0; (cpu->dr[7] & X86_DR7_ENABLED) && i < 4; i++) {
        struct breakpoint b = get(cpu, i);

        if (b.on && (b.kind == ON_FETCH) == code)
            return true;
    }
    return false;
}

bool x86_debug_watches_code(const struct x86_cpu *cpu)
{
    return any(cpu, true);
}

bool x86_debug_watches_data(const struct x86_cpu *cpu)
{
    return any(cpu, false);
}

/* DR6 tells of all that match, enabled or not, once an enabled one does. */
static uint32_t hits(const struct x86_cpu *cpu, uint64_t at, size_t size,
                     unsigned kinds)
{
    uint64_t last = at + size - 1;
    bool enabled = false;
    uint32_t found = 0;

    for (unsigned i = 0; i < 4; i++) {
        struct breakpoint b = get(cpu, i);

        if (!(kinds >> b.kind & 1) || last < b.first || at > b.last)
            continue;
        found |= 1u << i;
        enabled = enabled || b.on;
    }
    return enabled ? found : 0;
}

int x86_debug_fetch(struct x86_cpu *cpu)
{
    const struct x86_state *s = &cpu->state;
    uint64_t at = s->rip;
    uint32_t found;

    if (!(cpu->dr[7] & X86_DR7_ENABLED) || (s->rflags & X86_FLAG_RF))
        return 0;
    if (cpu->code_bits != 64)
        at = (uint32_t)(at + s->seg[X86_CS].base);
    found = hits(cpu, at, 1, 1u << ON_FETCH);
    if (!found)
        return 0;
    cpu->fault = (struct x86_fault){
        .vector = X86_EXC_DB, .keep_rf = true, .debug = found};
    return X86_FAULT;
}

void x86_debug_access(struct x86_cpu *cpu, uint64_t linear, size_t size,
                      bool write)
{
    unsigned kinds = 1u << ON_ACCESS | (write ? 1u << ON_WRITE : 0);

    if (cpu->dr[7] & X86_DR7_ENABLED)
        cpu->debug_hits |= hits(cpu, linear, size, kinds);
}

void x86_debug_port(struct x86_cpu *cpu, unsigned port, unsigned size)
{
    if ((cpu->dr[7] & X86_DR7_ENABLED) && (cpu->state.cr4 & X86_CR4_DE))
        cpu->debug_hits |= hits(cpu, port, size, 1u << ON_PORT);
}

int x86_debug_trap(struct x86_cpu *cpu, bool traced)
{
    uint32_t found = cpu->debug_hits | (traced ? X86_DR6_BS : 0);

    if (cpu->held & X86_HELD_BREAKPOINTS) /* they are lost */
        found &= ~UINT32_C(0xF);
    cpu->debug_hits = 0;
    if (!found)
        return 0;
    /* Processors save RF as it is (an EPYC), though within a repeated string
     * instruction it should be 1 (SDM vol. 3, 18.3.1.1). */
    cpu->repeats_at = X86_NO_REPEAT;
    cpu->fault =
        (struct x86_fault){.vector = X86_EXC_DB, .trap = true, .debug = found};
    return X86_FAULT;
}

void x86_debug_delivered(struct x86_cpu *cpu, uint32_t found)
{
    cpu->debugctl &= ~X86_DEBUGCTL_OWN;
    if (!found)
        return;
    if (found & ~X86_DR6_BD)
        cpu->dr[6] &= ~UINT64_C(0xF);
    cpu->dr[6] |= found;
    cpu->dr[7] &= ~(uint64_t)X86_DR7_GD;
}

/* ---- Branches ---- */

void x86_debug_record(struct x86_cpu *cpu, uint64_t from, uint64_t to)
{
    cpu->msrs->branch_from = from;
    cpu->msrs->branch_to = to;
}

void x86_debug_interrupted(struct x86_cpu *cpu, uint64_t from)
{
    struct x86_msrs *m = cpu->msrs;

    if (!(cpu->debugctl & X86_DEBUGCTL_LBR))
        return;
    m->before_from = m->branch_from;
    m->before_to = m->branch_to;
    x86_debug_record(cpu, from, cpu->state.rip);
}
