/* Most accesses to devices in storage are moves to or from a register. Hardware
 * tells the address and the kind of access, and has made all checks before; the
 * instruction, which has just been fetched, tells the rest. */
#include "base/bits.h"
#include "x86vmm/engine/model_host.h"
#include "x86vmm/machine/code.h"
#include "x86vmm/machine/debug.h"

/* The instruction at RIP as the processor has fetched it, from a translation
 * that it still has; NULL: not so, or it may be in two pages. */
static const struct x86_op *fetched(struct x86_cpu *cpu)
{
    const struct x86_block *b;
    uint64_t linear;

    if (x86_fetch_linear(cpu, 0, &linear) ||
        linear % X86_PAGE > X86_PAGE - X86_INSN_MAX ||
        x86_tlb_slot(cpu, linear, X86_FETCH)->tag[0] !=
            x86_tlb_tag(linear, cpu->user) ||
        x86_code_block(cpu, &b))
        return NULL;
    return b->ops;
}

static bool is_load(const struct x86_op *op)
{
    return op->operand[0].kind == X86_REG && op->operand[1].kind == X86_MEM;
}

static bool is_store(const struct x86_op *op)
{
    return op->operand[0].kind == X86_MEM &&
           (op->operand[1].kind == X86_REG || op->operand[1].kind == X86_IMM);
}

bool model_is_lone_move(struct x86_cpu *cpu, const struct x86_op *op,
                        uint64_t *linear)
{
    if ((op->id != X86_INSN_MOV && op->id != X86_INSN_MOVZX &&
         op->id != X86_INSN_MOVSX) ||
        (!is_load(op) && !is_store(op)))
        return false;
    *linear = x86_fast_linear(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op));
    return *linear % X86_PAGE + op->operand[is_load(op)].size <= X86_PAGE;
}

/* Does this move make this access, as its only one? */
static bool makes(struct x86_cpu *cpu, const struct x86_op *op, bool write,
                  uint64_t gpa)
{
    uint64_t linear;

    if (is_store(op) != write)
        return false;
    cpu->next_rip = (cpu->state.rip + op->len) & cpu->rip_mask;
    return model_is_lone_move(cpu, op, &linear) &&
           linear % X86_PAGE == gpa % X86_PAGE;
}

bool model_move(struct vcpu *v, struct vm_exit *x, const struct model_told *t)
{
    struct model_vcpu *c = model_vcpu(v);
    struct x86_cpu *cpu = &c->cpu;
    struct model_access *a = &c->outside.wanted;
    const uint64_t gpa = t->access.gpa, page = gpa & ~(uint64_t)(X86_PAGE - 1);
    const struct x86_op *op;

    if (!t->access.known || c->inner || cpu->masked ||
        (cpu->dr[7] & X86_DR7_ENABLED) ||
        mem_find(&v->vm->mem, page, X86_PAGE) || !(op = fetched(cpu)) ||
        !makes(cpu, op, t->access.write, gpa))
        return false;
    *a = (struct model_access){.space = BUS_MMIO,
                               .addr = gpa,
                               .size = op->operand[!t->access.write].size,
                               .write = t->access.write};
    if (a->write && x86_get(cpu, op, 1, &a->value))
        return false;
    c->move = *op;
    model_access_exit(v, x);
    c->completion = MODEL_MOVE;
    c->port = -1;
    c->exit_len = x->insn_len = op->len;
    return true;
}

void model_complete_move(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    const struct x86_op *op = &c->move;
    unsigned to = op->operand[0].reg, size = op->operand[0].size;
    uint64_t value = load_le64(c->data) & BITS_MASK(8 * c->size);

    if (!is_load(op))
        return;
    if (op->id == X86_INSN_MOVSX)
        value = (uint64_t)x86_sign(value, c->size);
    x86_set_gpr(&c->cpu, to, size, value);
    model_arch(v)->gpr[to] = c->cpu.state.gpr[to];
}
