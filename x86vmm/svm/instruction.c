/* VMRUN and its kin (AMD APM vol. 3, by name; vol. 2, 15.5, 15.17). */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/segment.h"
#include "x86vmm/svm/part.h"

/* The physical address in rAX; false: #GP. */
static bool address_in_rax(const struct x86_cpu *cpu, const struct x86_op *op,
                           uint64_t *address)
{
    *address = x86_gpr(cpu, X86_RAX, op->asize);
    return !(*address & (VMCB_PAGE - 1)) && !(*address >> X86_PHYSICAL_BITS);
}

uint8_t *svm_page_to_write(struct x86_cpu *cpu, uint64_t address)
{
    const struct mem_slot *slot = mem_find(cpu->world.mem, address, VMCB_PAGE);

    if (!slot || (slot->flags & MEM_READ_ONLY))
        return NULL;
    x86_code_written(cpu, address, VMCB_PAGE);
    return slot->host + (address - slot->gpa);
}

/* ---- VMRUN ---- */

/* 15.5.1: to the host save area; VMRUN is behind. */
static void keep_host(struct x86_cpu *cpu)
{
    struct svm *t = svm_of(cpu);
    uint8_t *page = svm_page_to_write(cpu, t->hsave_pa);
    struct vmcb host;

    t->host_if = cpu->state.rflags & X86_FLAG_IF;
    t->host_tf = x86_debug_steps(cpu, cpu->state.rflags);
    if (!page)
        return;
    vmcb_load(&host, page);
    svm_save_state(cpu, &host);
    svm_save_branches(cpu, &host);
    host.field[VMCB_RIP] = cpu->next_rip;
    host.field[VMCB_G_PAT] = cpu->msrs->pat;
    vmcb_store(&host, 1 << VMCB_AREA_STATE, page);
}

/* The monitor's mode, whose format nested page tables have. */
static struct svm_nested nested_mode(const struct x86_state *s)
{
    struct svm_nested n = {.levels = 2,
                           .entry = 4,
                           .nxe = s->efer & X86_EFER_NXE,
                           .pse = s->cr4 & X86_CR4_PSE,
                           .smep = s->cr4 & X86_CR4_SMEP};

    if (s->efer & X86_EFER_LMA)
        n.levels = 4;
    else if (s->cr4 & X86_CR4_PAE)
        n.levels = 3;
    else
        return n;
    n.entry = 8;
    return n;
}

/* What #VMEXIT writes of a VMCB that has not been entered. */
static int refuse(struct x86_cpu *cpu)
{
    const struct svm *t = svm_of(cpu);
    uint8_t *page = svm_page_to_write(cpu, t->address);

    if (page)
        vmcb_store(t->v, 1 << VMCB_AREA_EXIT, page);
    svm_set_gif(cpu, false);
    return X86_SYNC;
}

static int vmrun(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct svm *t = svm_of(cpu);
    uint64_t address;
    int code;

    if (!address_in_rax(cpu, op, &address) || !t->hsave_pa)
        return x86_raise_gp(cpu);
    vmcb_load(&t->own, mem_at(cpu->world.mem, address, VMCB_PAGE));
    t->address = address;
    t->v = &t->own;
    t->outside = false;
    if (!svm_check(cpu, cpu->state.cr0 & X86_CR0_PG))
        return refuse(cpu);
    keep_host(cpu);
    t->nested = nested_mode(&cpu->state);
    code = svm_go(cpu);
    cpu->next_rip = cpu->state.rip;
    return code;
}

/* ---- VMLOAD, VMSAVE ---- */

static int vmload(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct vmcb v;
    uint64_t address;

    if (!address_in_rax(cpu, op, &address))
        return x86_raise_gp(cpu);
    vmcb_load(&v, mem_at(cpu->world.mem, address, VMCB_PAGE));
    svm_load_more(cpu, &v);
    return X86_SYNC;
}

static int vmsave(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct vmcb v;
    uint64_t address;
    uint8_t *page;

    if (!address_in_rax(cpu, op, &address))
        return x86_raise_gp(cpu);
    page = svm_page_to_write(cpu, address);
    if (!page)
        return X86_SYNC;
    svm_save_more(cpu, &v);
    vmcb_store(&v, 1 << VMCB_AREA_MORE, page);
    return X86_SYNC;
}

/* ---- The others ---- */

static int stgi(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    svm_set_gif(cpu, true);
    return X86_SYNC;
}

static int clgi(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    svm_set_gif(cpu, false);
    return X86_SYNC;
}

/* Translations of an ASID that are not kept need not be dropped. */
static int invlpga(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t linear = x86_gpr(cpu, X86_RAX, op->asize);
    uint32_t asid = (uint32_t)cpu->state.gpr[X86_RCX];

    if (asid == (cpu->guest ? svm_of(cpu)->kept.asid : 0))
        x86_tlb_invalidate(cpu, linear);
    return X86_SYNC;
}

/* There is no monitor to call. */
static int undefined(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return x86_raise(cpu, X86_EXC_UD);
}

static const struct {
    uint16_t id;
    bool defined; /* it has conditions; else it is undefined by itself */
    int (*body)(struct x86_cpu *cpu, const struct x86_op *op);
} rows[] = {
    {X86_INSN_VMRUN, true, vmrun},     {X86_INSN_VMLOAD, true, vmload},
    {X86_INSN_VMSAVE, true, vmsave},   {X86_INSN_VMMCALL, false, undefined},
    {X86_INSN_STGI, true, stgi},       {X86_INSN_CLGI, true, clgi},
    {X86_INSN_INVLPGA, true, invlpga},
};

/* VMRUN's operand is checked before its intercept; so are those of VMLOAD and
 * VMSAVE (15.9). */
static bool operand_holds(const struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t address;

    return (op->id != X86_INSN_VMRUN && op->id != X86_INSN_VMLOAD &&
            op->id != X86_INSN_VMSAVE) ||
           address_in_rax(cpu, op, &address);
}

int svm_instruction(struct x86_cpu *cpu, const struct x86_op *op)
{
    const struct vmcb *v = cpu->guest ? svm_of(cpu)->v : NULL;
    unsigned i = 0;
    bool exits;

    while (i < ARRAY_LEN(rows) && rows[i].id != op->id)
        i++;
    if (i == ARRAY_LEN(rows)) /* another vendor's; SKINIT */
        return x86_raise(cpu, X86_EXC_UD);
    exits = v && vmcb_has(v, svm_intercept_of(op));
    if (rows[i].defined) {
        if (x86_is_8086(cpu) || !(cpu->state.efer & SVM_EFER_SVME))
            return x86_raise(cpu, X86_EXC_UD);
        if (cpu->cpl || (exits && !operand_holds(cpu, op)))
            return x86_raise_gp(cpu);
    }
    if (!exits)
        return rows[i].body(cpu, op);
    return svm_exits(
        cpu, op, SVM_EXIT_INTERCEPTS + (uint64_t)svm_intercept_of(op),
        op->id == X86_INSN_INVLPGA ? x86_gpr(cpu, X86_RAX, op->asize) : 0, 0);
}
