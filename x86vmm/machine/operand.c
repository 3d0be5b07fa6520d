/* Operands of bodies as numbers. */
#include "x86vmm/machine/op.h"

int x86_get(struct x86_cpu *cpu, const struct x86_op *op, unsigned i,
            uint64_t *value)
{
    const struct x86_operand *o = &op->operand[i];

    switch (o->kind) {
    case X86_REG:
        *value = x86_gpr(cpu, o->reg, o->size);
        return 0;
    case X86_REG_HI:
        *value = cpu->state.gpr[o->reg] >> 8 & 0xFF;
        return 0;
    case X86_MEM:
        return x86_read(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                        o->size, value);
    case X86_SREG:
        *value = cpu->state.seg[o->reg].selector;
        return 0;
    default:
        *value = op->imm;
        return 0;
    }
}

int x86_put(struct x86_cpu *cpu, const struct x86_op *op, unsigned i,
            uint64_t value)
{
    const struct x86_operand *o = &op->operand[i];

    switch (o->kind) {
    case X86_REG:
        x86_set_gpr(cpu, o->reg, o->size, value);
        return 0;
    case X86_REG_HI: {
        uint64_t *r = &cpu->state.gpr[o->reg];

        *r = (*r & ~UINT64_C(0xFF00)) | (value & 0xFF) << 8;
        return 0;
    }
    default:
        return x86_write(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                         o->size, value);
    }
}

int x86_get_rmw(struct x86_cpu *cpu, const struct x86_op *op, uint64_t *value)
{
    if (op->operand[0].kind == X86_MEM)
        TRY(x86_check_write(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                            op->operand[0].size));
    return x86_get(cpu, op, 0, value);
}
