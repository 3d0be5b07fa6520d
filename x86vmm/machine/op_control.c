/* Control and debug registers (Intel SDM vol. 2, MOV to and from them, LMSW,
 * SMSW, CLTS; vol. 3, "Control Registers", "Initializing IA-32e Mode"). */
#include "base/bits.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/paging.h"
#include "x86vmm/machine/segment.h"

#define CR0_OWN UINT64_C(0xE005003F) /* PG CD NW AM WP NE ET TS EM MP PE */
#define CR0_MSW UINT64_C(0xF)        /* TS EM MP PE */

/* ---- With hardware assistance ---- */

uint64_t x86_cr4_own(const struct x86_cpu *cpu)
{
    return X86_CR4_OWN | (cpu->assist ? cpu->assist->cr4 : 0);
}

static bool may_set(const struct x86_cpu *cpu, unsigned reg, uint64_t value)
{
    return !cpu->assist || !cpu->assist->may_set ||
           cpu->assist->may_set(cpu, reg, value);
}

/* ---- What they take ---- */

bool x86_has_creg(unsigned reg)
{
    return reg == 0 || (reg >= 2 && reg <= 4) || reg == 8;
}

static bool takes(const struct x86_cpu *cpu, unsigned reg, uint64_t value)
{
    switch (reg) {
    case 0:
        return !(value >> 32) && may_set(cpu, 0, value) &&
               (!(value & X86_CR0_PG) || (value & X86_CR0_PE)) &&
               (!(value & X86_CR0_NW) || (value & X86_CR0_CD));
    case 3:
        return !x86_long_mode(cpu) || !(value >> X86_PHYSICAL_BITS);
    case 4:
        return !(value & ~x86_cr4_own(cpu)) && may_set(cpu, 4, value) &&
               (!x86_long_mode(cpu) || (value & X86_CR4_PAE));
    case 8:
        return !(value >> 4);
    default:
        return true;
    }
}

int x86_check_creg(struct x86_cpu *cpu, unsigned reg, uint64_t value)
{
    if (!x86_has_creg(reg))
        return x86_raise(cpu, X86_EXC_UD);
    return takes(cpu, reg, value) ? 0 : x86_raise_gp(cpu);
}

/* ---- CR0 ---- */

/* Long mode begins and ends with paging. */
static int switch_paging(struct x86_cpu *cpu, uint64_t cr0)
{
    struct x86_state *s = &cpu->state;
    const struct x86_segment *cs = &s->seg[X86_CS];

    if (!(cr0 & X86_CR0_PG)) {
        if (cpu->code_bits == 64)
            return x86_raise_gp(cpu);
        s->efer &= ~X86_EFER_LMA;
        return 0;
    }
    if (!(s->efer & X86_EFER_LME))
        return 0;
    if (!(s->cr4 & X86_CR4_PAE) || (cs->attr & X86_ATTR_L) ||
        !(s->seg[X86_TR].attr & 8))
        return x86_raise_gp(cpu);
    s->efer |= X86_EFER_LMA;
    return 0;
}

static int set_cr0(struct x86_cpu *cpu, uint64_t value)
{
    struct x86_state *s = &cpu->state;
    uint64_t changed;

    TRY(x86_check_creg(cpu, 0, value));
    value = (value & CR0_OWN) | X86_CR0_ET;
    changed = value ^ s->cr0;
    /* PAE paging's pointers are loaded where it begins. */
    if ((changed & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) &&
        (value & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE) &&
        !(s->efer & X86_EFER_LME))
        TRY(x86_load_pdptes(cpu, s->cr3));
    if (changed & X86_CR0_PG)
        TRY(switch_paging(cpu, value));
    s->cr0 = value;
    if (changed & (X86_CR0_PG | X86_CR0_PE | X86_CR0_WP))
        x86_tlb_flush(cpu, true);
    x86_mode_changed(cpu);
    return X86_SYNC;
}

int op_lmsw(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v, cr0 = cpu->state.cr0;

    TRY(x86_get(cpu, op, 0, &v));
    v = (v & CR0_MSW) | (cr0 & X86_CR0_PE); /* PE is only set */
    return set_cr0(cpu, (cr0 & ~CR0_MSW) | v);
}

int op_smsw(struct x86_cpu *cpu, const struct x86_op *op)
{
    return x86_put(cpu, op, 0, cpu->state.cr0);
}

int op_clts(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    cpu->state.cr0 &= ~X86_CR0_TS;
    return X86_SYNC;
}

/* ---- CR3, CR4, CR8 ---- */

static int set_cr3(struct x86_cpu *cpu, uint64_t value)
{
    struct x86_state *s = &cpu->state;

    TRY(x86_check_creg(cpu, 3, value));
    if ((s->cr0 & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE) && !x86_long_mode(cpu))
        TRY(x86_load_pdptes(cpu, value));
    s->cr3 = value;
    x86_tlb_flush(cpu, false);
    return X86_SYNC;
}

static int set_cr4(struct x86_cpu *cpu, uint64_t value)
{
    struct x86_state *s = &cpu->state;
    uint64_t changed = value ^ s->cr4;
    bool paged = changed & (X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE |
                            X86_CR4_SMEP | X86_CR4_SMAP);
    bool pointers =
        changed & (X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP);

    TRY(x86_check_creg(cpu, 4, value));
    if (pointers && (s->cr0 & X86_CR0_PG) && (value & X86_CR4_PAE) &&
        !x86_long_mode(cpu))
        TRY(x86_load_pdptes(cpu, s->cr3));
    s->cr4 = value;
    if (paged)
        x86_tlb_flush(cpu, true);
    x86_mode_changed(cpu);
    return X86_SYNC;
}

int x86_set_creg(struct x86_cpu *cpu, unsigned reg, uint64_t value)
{
    switch (reg) {
    case 0:
        return set_cr0(cpu, value);
    case 2:
        cpu->state.cr2 = value;
        return 0;
    case 3:
        return set_cr3(cpu, value);
    case 4:
        return set_cr4(cpu, value);
    case 8:
        TRY(x86_check_creg(cpu, 8, value));
        cpu->state.cr8 = value;
        if (cpu->world.apic_changed)
            cpu->world.apic_changed(cpu->world.who);
        return X86_SYNC;
    default:
        return x86_raise(cpu, X86_EXC_UD);
    }
}

int op_mov_creg(struct x86_cpu *cpu, const struct x86_op *op)
{
    const struct x86_state *s = &cpu->state;
    bool to = op->operand[0].kind == X86_CREG;
    unsigned reg = op->operand[to ? 0 : 1].reg;
    const uint64_t values[9] = {
        [0] = s->cr0, [2] = s->cr2, [3] = s->cr3, [4] = s->cr4, [8] = s->cr8};
    uint64_t v;

    if (!x86_has_creg(reg))
        return x86_raise(cpu, X86_EXC_UD);
    if (!to)
        return x86_put(cpu, op, 0, values[reg]);
    TRY(x86_get(cpu, op, 1, &v));
    return x86_set_creg(cpu, reg, v);
}

/* ---- Debug registers ---- */

static int set_dreg(struct x86_cpu *cpu, unsigned reg, uint64_t value)
{
    if (reg >= 6 && value >> 32)
        return x86_raise_gp(cpu);
    if (reg == 6)
        value = (value & 0xE00F) | X86_DR6_ONES;
    else if (reg == 7)
        value = (value & 0xFFFF23FF) | X86_DR7_ONE;
    cpu->dr[reg] = value;
    x86_mode_changed(cpu);
    return X86_SYNC;
}

int op_mov_dreg(struct x86_cpu *cpu, const struct x86_op *op)
{
    bool to = op->operand[0].kind == X86_DREG;
    unsigned reg = op->operand[to ? 0 : 1].reg;
    uint64_t v;

    if (reg > 7 || (reg / 2 == 2 && (cpu->state.cr4 & X86_CR4_DE)))
        return x86_raise(cpu, X86_EXC_UD);
    if (cpu->cpl)
        return x86_raise_gp(cpu);
    reg = reg / 2 == 2 ? reg + 2 : reg;
    if (cpu->dr[7] & X86_DR7_GD) {
        x86_raise(cpu, X86_EXC_DB);
        cpu->fault.debug = X86_DR6_BD;
        return X86_FAULT;
    }
    if (!to)
        return x86_put(cpu, op, 0, cpu->dr[reg]);
    TRY(x86_get(cpu, op, 1, &v));
    return set_dreg(cpu, reg, v);
}
