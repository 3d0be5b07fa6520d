/* Segment registers, RFLAGS, and what is the processor's own (Intel SDM vol. 2,
 * by name). */
#include "base/bytes.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/cpuid.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/segment.h"

/* ---- Segment registers ---- */

/* From SS on the next instruction is undisturbed: it sets SP. */
static int load(struct x86_cpu *cpu, unsigned seg, uint64_t selector)
{
    if (seg == X86_CS)
        return x86_raise(cpu, X86_EXC_UD);
    TRY(x86_load_segment(cpu, (enum x86_seg)seg, (uint16_t)selector));
    if (seg == X86_SS)
        cpu->shadow = cpu->shadow_ss = true;
    return X86_SYNC;
}

int op_mov_sreg(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v;

    if (op->operand[0].kind != X86_SREG) {
        TRY(x86_get(cpu, op, 1, &v));
        return x86_put(cpu, op, 0, v);
    }
    if (op->operand[0].reg == X86_CS)
        return x86_raise(cpu, X86_EXC_UD);
    TRY(x86_get(cpu, op, 1, &v));
    return load(cpu, op->operand[0].reg, v);
}

/* With 32-bit operands only the selector is stored, as processors since the
 * 80386 do; 64-bit ones are extended with zeros. */
int op_push_sreg(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t sp = (x86_sp(cpu) - op->size) & cpu->sp_mask;
    uint16_t selector = cpu->state.seg[op->operand[0].reg].selector;

    TRY(x86_write(cpu, X86_SS, sp, op->size == 8 ? 8 : 2, selector));
    x86_set_sp(cpu, sp);
    return 0;
}

int op_pop_sreg(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_stack s = x86_stack_now(cpu);
    uint64_t v;
    int code;

    TRY(x86_stack_pop(cpu, &s, op->size, &v));
    code = load(cpu, op->operand[0].reg, v);
    if (code != X86_FAULT)
        x86_stack_keep(cpu, &s);
    return code;
}

static enum x86_seg loaded_by(const struct x86_op *op)
{
    switch (op->id) {
    case X86_INSN_LDS:
        return X86_DS;
    case X86_INSN_LES:
        return X86_ES;
    case X86_INSN_LFS:
        return X86_FS;
    case X86_INSN_LGS:
        return X86_GS;
    default:
        return X86_SS;
    }
}

int op_load_far(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint16_t selector;
    uint64_t offset;

    TRY(x86_far_pointer(cpu, op, size, &offset, &selector));
    TRY(x86_load_segment(cpu, loaded_by(op), selector));
    x86_set_gpr(cpu, op->operand[0].reg, size, offset);
    return X86_SYNC;
}

/* ---- RFLAGS ---- */

static unsigned iopl(const struct x86_cpu *cpu)
{
    return (cpu->state.rflags & X86_FLAG_IOPL) >> 12;
}

/* CLI, STI; for a virtual-8086 program also PUSHF and POPF. */
static int check_iopl(struct x86_cpu *cpu)
{
    return !x86_real_mode(&cpu->state) && cpu->cpl > iopl(cpu)
               ? x86_raise_gp(cpu)
               : 0;
}

int op_cli(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    TRY(check_iopl(cpu));
    cpu->state.rflags &= ~X86_FLAG_IF;
    return X86_SYNC;
}

int op_sti(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    TRY(check_iopl(cpu));
    cpu->shadow = !(cpu->state.rflags & X86_FLAG_IF);
    cpu->state.rflags |= X86_FLAG_IF;
    return X86_SYNC;
}

int op_pushf(struct x86_cpu *cpu, const struct x86_op *op)
{
    if (cpu->state.rflags & X86_FLAG_VM)
        TRY(check_iopl(cpu));
    return x86_push(cpu, op->size,
                    x86_flags_get(cpu) & ~(X86_FLAG_VM | X86_FLAG_RF));
}

/* RF is cleared; VM, VIF and VIP stay as they are, at CPL 0, too (SDM vol. 2,
 * POPF, table of its effect). */
int op_popf(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_stack s = x86_stack_now(cpu);
    uint64_t which = x86_flags_writable(cpu, op->size) & ~X86_FLAG_RF, v;

    if (cpu->state.rflags & X86_FLAG_VM)
        TRY(check_iopl(cpu));
    TRY(x86_stack_pop(cpu, &s, op->size, &v));
    x86_stack_keep(cpu, &s);
    v = (x86_flags_get(cpu) & ~which) | (v & which) | X86_FLAG_ONE;
    x86_flags_set(cpu, v);
    x86_mode_changed(cpu);
    return X86_SYNC;
}

/* SDM vol. 2, CLAC, STAC: not known to a virtual-8086 program either. */
static int set_ac(struct x86_cpu *cpu, uint64_t ac)
{
    if (cpu->cpl)
        return x86_raise(cpu, X86_EXC_UD);
    cpu->state.rflags = (cpu->state.rflags & ~X86_FLAG_AC) | ac;
    x86_mode_changed(cpu);
    return 0;
}

int op_clac(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return set_ac(cpu, 0);
}

int op_stac(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return set_ac(cpu, X86_FLAG_AC);
}

/* ---- The processor ---- */

int op_hlt(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)cpu;
    (void)op;
    return X86_HALT;
}

/* Caches and the order of accesses are not modelled: there is one processor,
 * and it does one thing after the other. */
int op_nop_system(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)cpu;
    (void)op;
    return 0;
}

/* Checked as a load of the byte is. */
int op_clflush(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v;

    return x86_read(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), 1, &v);
}

int op_invlpg(struct x86_cpu *cpu, const struct x86_op *op)
{
    const struct x86_segment *s = &cpu->state.seg[op->seg];
    uint64_t linear = x86_offset(cpu, op);

    if (cpu->code_bits != 64)
        linear = (uint32_t)(linear + s->base);
    else if (op->seg == X86_FS || op->seg == X86_GS)
        linear += s->base;
    x86_tlb_invalidate(cpu, linear);
    return X86_SYNC;
}

/* ---- EDX:EAX ---- */

static void set_pair(struct x86_cpu *cpu, uint64_t v)
{
    cpu->state.gpr[X86_RAX] = (uint32_t)v;
    cpu->state.gpr[X86_RDX] = v >> 32;
}

int op_rdmsr(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v;

    (void)op;
    TRY(x86_msr_read(cpu, (uint32_t)cpu->state.gpr[X86_RCX], &v));
    set_pair(cpu, v);
    return 0;
}

int op_wrmsr(struct x86_cpu *cpu, const struct x86_op *op)
{
    const uint64_t *r = cpu->state.gpr;

    (void)op;
    TRY(x86_msr_write(cpu, (uint32_t)r[X86_RCX],
                      (uint32_t)r[X86_RAX] | r[X86_RDX] << 32));
    return X86_SYNC;
}

int op_rdtsc(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    if (cpu->cpl && (cpu->state.cr4 & X86_CR4_TSD))
        return x86_raise_gp(cpu);
    set_pair(cpu, x86_tsc(cpu));
    return 0;
}

int op_rdtscp(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(op_rdtsc(cpu, op));
    cpu->state.gpr[X86_RCX] = cpu->msrs->tsc_aux;
    return 0;
}

/* The profile has no counters, but another vendor's part may bring some. */
int op_rdpmc(struct x86_cpu *cpu, const struct x86_op *op)
{
    const uint64_t pce = 0x100;
    uint32_t n = (uint32_t)cpu->state.gpr[X86_RCX];
    uint64_t value;

    (void)op;
    if (!cpu->assist || n >= cpu->assist->counters ||
        (cpu->cpl && !(cpu->state.cr4 & pce)))
        return x86_raise_gp(cpu);
    TRY(x86_msr_read(cpu, cpu->assist->first_counter + n, &value));
    cpu->state.gpr[X86_RAX] = (uint32_t)value;
    cpu->state.gpr[X86_RDX] = value >> 32;
    return 0;
}

/* ---- CPUID ---- the profile, with what the machine around the processor and
 * its parts add. */

int op_cpuid(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t *r = cpu->state.gpr;
    const struct x86_cpuid_world world = {
        .vendor = cpu->world.vendor,
        .apic = cpu->world.apic && (cpu->msrs->apic_base & X86_APIC_ENABLED),
        .wide = cpu->code_bits == 64};
    struct x86_cpuid_row row =
        x86_cpuid_in((uint32_t)r[X86_RAX], (uint32_t)r[X86_RCX], &world);

    (void)op;
    if (cpu->assist)
        cpu->assist->cpuid(cpu, (uint32_t)r[X86_RAX], &row);
    r[X86_RAX] = row.eax;
    r[X86_RBX] = row.ebx;
    r[X86_RCX] = row.ecx;
    r[X86_RDX] = row.edx;
    return 0;
}
