/* Interrupts by instruction, and fast system calls (Intel SDM vol. 2, by
 * name).  Far JMP and CALL are in far.c, returns in iret.c. */
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/segment.h"

enum { OF = 0x800 };

/* ---- Interrupts ---- */

static int interrupt(struct x86_cpu *cpu, unsigned vector, bool software)
{
    cpu->fault = (struct x86_fault){
        .vector = (uint8_t)vector, .software = software, .trap = true};
    return X86_FAULT;
}

int op_int(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t flags = cpu->state.rflags;

    if ((flags & X86_FLAG_VM) && (flags & X86_FLAG_IOPL) != X86_FLAG_IOPL)
        return x86_raise_gp(cpu);
    interrupt(cpu, (uint8_t)op->imm, true);
    cpu->fault.plain_int = true;
    return X86_FAULT;
}

int op_int3(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return interrupt(cpu, X86_EXC_BP, true);
}

int op_into(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    if (!(x86_flags_get(cpu) & OF))
        return 0;
    return interrupt(cpu, X86_EXC_OF, true);
}

/* Of hardware: the gate's DPL is not looked at. */
int op_int1(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    interrupt(cpu, X86_EXC_DB, false);
    cpu->fault.int1 = true;
    return X86_FAULT;
}

int op_ud(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return x86_raise(cpu, X86_EXC_UD);
}

int op_bound(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->size, shift = 64 - size * 8;
    uint64_t at = x86_offset(cpu, op), low, high, v;
    uint64_t next =
        op->asize == 4 ? (uint32_t)(at + size) : (uint16_t)(at + size);

    TRY(x86_read(cpu, (enum x86_seg)op->seg, at, size, &low));
    TRY(x86_read(cpu, (enum x86_seg)op->seg, next, size, &high));
    TRY(x86_get(cpu, op, 0, &v));
    if ((int64_t)(v << shift) < (int64_t)(low << shift) ||
        (int64_t)(v << shift) > (int64_t)(high << shift))
        return x86_raise(cpu, X86_EXC_BR);
    return 0;
}

/* ---- Fast system calls ---- they load no descriptors. */

static void set_flat(struct x86_cpu *cpu, uint64_t cs, uint64_t ss,
                     unsigned cpl, bool wide)
{
    unsigned common = X86_ATTR_P | X86_ATTR_S | X86_ATTR_G | cpl << 5;
    struct x86_state *s = &cpu->state;

    s->seg[X86_CS] = (struct x86_segment){
        .limit = UINT32_MAX,
        .selector = (uint16_t)((cs & ~UINT64_C(3)) | cpl),
        .attr = (uint16_t)(common | 0xB | (wide ? X86_ATTR_L : X86_ATTR_DB))};
    s->seg[X86_SS] =
        (struct x86_segment){.limit = UINT32_MAX,
                             .selector = (uint16_t)((ss & ~UINT64_C(3)) | cpl),
                             .attr = (uint16_t)(common | 3 | X86_ATTR_DB)};
    x86_mode_changed(cpu);
}

/* These two are traced by TF as they leave it: one that the mask clears does
 * not trap in the kernel, one that SYSRET restores does behind the call. */
static void trace(struct x86_cpu *cpu)
{
    cpu->traced = false;
    if (cpu->state.rflags & X86_FLAG_TF)
        cpu->debug_hits |= X86_DR6_BS;
}

int op_syscall(struct x86_cpu *cpu, const struct x86_op *op)
{
    const struct x86_msrs *m = cpu->msrs;
    struct x86_state *s = &cpu->state;
    uint64_t flags = x86_flags_get(cpu), cs = m->star >> 32 & 0xFFFC;

    (void)op;
    if (!(s->efer & X86_EFER_SCE) || cpu->code_bits != 64)
        return x86_raise(cpu, X86_EXC_UD);
    s->gpr[X86_RCX] = cpu->next_rip;
    s->gpr[11] = flags;
    x86_flags_set(cpu, (flags & ~(m->fmask | X86_FLAG_RF)) | X86_FLAG_ONE);
    trace(cpu);
    cpu->next_rip = m->lstar;
    set_flat(cpu, cs, cs + 8, 0, true);
    return X86_SYNC;
}

int op_sysret(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_state *s = &cpu->state;
    uint64_t base = cpu->msrs->star >> 48, to = s->gpr[X86_RCX];
    bool wide = op->size == 8;

    if (!(s->efer & X86_EFER_SCE) || cpu->code_bits != 64)
        return x86_raise(cpu, X86_EXC_UD);
    if (cpu->cpl || (wide && !x86_canonical(to)))
        return x86_raise_gp(cpu);
    x86_flags_set(cpu, (s->gpr[11] & 0x3C7FD7 & ~X86_FLAG_RF) | X86_FLAG_ONE);
    trace(cpu);
    cpu->next_rip = wide ? to : (uint32_t)to;
    set_flat(cpu, base + (wide ? 16 : 0), base + 8, 3, wide);
    return X86_SYNC;
}

int op_sysenter(struct x86_cpu *cpu, const struct x86_op *op)
{
    const struct x86_msrs *m = cpu->msrs;
    struct x86_state *s = &cpu->state;
    bool wide = x86_long_mode(cpu);

    (void)op;
    if (x86_real_mode(s) || !(m->sysenter_cs & 0xFFFC))
        return x86_raise_gp(cpu);
    x86_flags_set(cpu, x86_flags_get(cpu) &
                           ~(X86_FLAG_VM | X86_FLAG_IF | X86_FLAG_RF));
    s->gpr[X86_RSP] = wide ? m->sysenter_esp : (uint32_t)m->sysenter_esp;
    cpu->next_rip = wide ? m->sysenter_eip : (uint32_t)m->sysenter_eip;
    set_flat(cpu, m->sysenter_cs, m->sysenter_cs + 8, 0, wide);
    return X86_SYNC;
}

int op_sysexit(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_state *s = &cpu->state;
    uint64_t base = cpu->msrs->sysenter_cs, to = s->gpr[X86_RDX];
    uint64_t stack = s->gpr[X86_RCX];
    bool wide = op->size == 8;

    if (x86_real_mode(s) || cpu->cpl || !(base & 0xFFFC))
        return x86_raise_gp(cpu);
    if (wide && (!x86_canonical(to) || !x86_canonical(stack)))
        return x86_raise_gp(cpu);
    s->gpr[X86_RSP] = wide ? stack : (uint32_t)stack;
    cpu->next_rip = wide ? to : (uint32_t)to;
    set_flat(cpu, base + (wide ? 32 : 16), base + (wide ? 40 : 24), 3, wide);
    return X86_SYNC;
}

int op_swapgs(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t *base = &cpu->state.seg[X86_GS].base, was = *base;

    (void)op;
    if (cpu->cpl)
        return x86_raise_gp(cpu);
    *base = cpu->msrs->kernel_gs_base;
    cpu->msrs->kernel_gs_base = was;
    return 0;
}
