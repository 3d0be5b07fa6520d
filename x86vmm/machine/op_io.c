/* Ports (Intel SDM vol. 1, "Input/Output"; vol. 2, IN, OUT, INS, OUTS).  A
 * device may raise its interrupt by what it is told: all end a block. */
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/segment.h"

enum { IO_MAP = 102 /* its offset is here in a TSS */ };

/* SDM vol. 1, "I/O Permission Bit Map": two bytes are read, even where one
 * would do. */
int x86_io_allowed(struct x86_cpu *cpu, unsigned port, unsigned size)
{
    const struct x86_segment *tr = &cpu->state.seg[X86_TR];
    uint64_t flags = cpu->state.rflags;
    unsigned iopl = (flags & X86_FLAG_IOPL) >> 12, at, mask;
    uint8_t bytes[2];

    if (x86_real_mode(&cpu->state) ||
        (!(flags & X86_FLAG_VM) && cpu->cpl <= iopl))
        return 0;
    if ((tr->attr & X86_ATTR_UNUSABLE) || !(tr->attr & 8) ||
        tr->limit < IO_MAP + 1)
        return x86_raise_gp(cpu);
    TRY(x86_read_linear(cpu, tr->base + IO_MAP, 2, X86_AS_SYSTEM, bytes));
    at = load_le16(bytes) + port / 8;
    if (at + 1 > tr->limit)
        return x86_raise_gp(cpu);
    TRY(x86_read_linear(cpu, tr->base + at, 2, X86_AS_SYSTEM, bytes));
    mask = ((1u << size) - 1) << (port % 8);
    return load_le16(bytes) & mask ? x86_raise_gp(cpu) : 0;
}

static uint64_t port_in(struct x86_cpu *cpu, unsigned port, unsigned size)
{
    uint64_t v = 0;

    x86_debug_port(cpu, port, size);
    bus_access(cpu->world.bus, BUS_PORT, port, size, false, &v);
    return v;
}

static void port_out(struct x86_cpu *cpu, unsigned port, unsigned size,
                     uint64_t v)
{
    x86_debug_port(cpu, port, size);
    v &= size == 4 ? UINT32_MAX : (UINT64_C(1) << 8 * size) - 1;
    bus_access(cpu->world.bus, BUS_PORT, port, size, true, &v);
}

/* Operand i: DX, or a byte in the instruction. */
static unsigned port_of(const struct x86_cpu *cpu, const struct x86_op *op,
                        unsigned i)
{
    return op->operand[i].kind == X86_IMM ? (uint8_t)op->imm
                                          : (uint16_t)cpu->state.gpr[X86_RDX];
}

int op_in(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size, port = port_of(cpu, op, 1);

    TRY(x86_io_allowed(cpu, port, size));
    x86_set_gpr(cpu, X86_RAX, size, port_in(cpu, port, size));
    return X86_SYNC;
}

int op_out(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[1].size, port = port_of(cpu, op, 0);

    TRY(x86_io_allowed(cpu, port, size));
    port_out(cpu, port, size, cpu->state.gpr[X86_RAX]);
    return X86_SYNC;
}

/* ---- Strings ---- one element an execution; a repeated one that is not done
 * goes to itself. */

static unsigned element(const struct x86_op *op)
{
    return op->size > 4 ? 4 : op->size;
}

static bool is_done(const struct x86_cpu *cpu, const struct x86_op *op)
{
    return (op->flags & (X86_REP | X86_REPNE)) &&
           !x86_gpr(cpu, X86_RCX, op->asize);
}

static void next_element(struct x86_cpu *cpu, const struct x86_op *op,
                         unsigned reg)
{
    uint64_t step = element(op);

    if (cpu->state.rflags & X86_FLAG_DF)
        step = -step;
    x86_set_gpr(cpu, reg, op->asize, cpu->state.gpr[reg] + step);
    if (!(op->flags & (X86_REP | X86_REPNE)))
        return;
    x86_set_gpr(cpu, X86_RCX, op->asize, cpu->state.gpr[X86_RCX] - 1);
    if (x86_gpr(cpu, X86_RCX, op->asize)) {
        cpu->next_rip = cpu->state.rip;
        cpu->repeats_at = cpu->ran;
    }
}

int op_ins(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned port = (uint16_t)cpu->state.gpr[X86_RDX], size = element(op);
    uint64_t to = x86_gpr(cpu, X86_RDI, op->asize);

    TRY(x86_io_allowed(cpu, port, size));
    if (is_done(cpu, op))
        return 0;
    TRY(x86_check_write(cpu, X86_ES, to, size));
    TRY(x86_write(cpu, X86_ES, to, size, port_in(cpu, port, size)));
    next_element(cpu, op, X86_RDI);
    return X86_SYNC;
}

int op_outs(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned port = (uint16_t)cpu->state.gpr[X86_RDX], size = element(op);
    uint64_t v;

    TRY(x86_io_allowed(cpu, port, size));
    if (is_done(cpu, op))
        return 0;
    TRY(x86_read(cpu, (enum x86_seg)op->seg, x86_gpr(cpu, X86_RSI, op->asize),
                 size, &v));
    port_out(cpu, port, size, v);
    next_element(cpu, op, X86_RSI);
    return X86_SYNC;
}
