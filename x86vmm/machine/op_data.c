/* Moves, exchanges, conversions and the stack (Intel SDM vol. 2, each
 * instruction's page). */
#include "x86vmm/machine/form.h"

static int64_t sign(uint64_t v, unsigned size)
{
    return x86_sign(v, size);
}

static uint64_t cut(uint64_t v, unsigned size)
{
    return x86_cut(v, size);
}

/* ---- Moves ---- */

TEMPLATE int mov(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    uint64_t v;

    TRY(x86_take(cpu, op, 1, f.from, f.size, &v));
    return x86_give(cpu, op, f, v);
}

X86_FAST(op_mov, mov)

/* The source is narrower. */
TEMPLATE int widen(struct x86_cpu *cpu, const struct x86_op *op,
                   struct x86_form f, unsigned size, bool is_signed)
{
    uint64_t v;

    TRY(x86_take(cpu, op, 1, f.from, size, &v));
    return x86_give(cpu, op, f, is_signed ? (uint64_t)sign(v, size) : v);
}

int op_movzx(struct x86_cpu *cpu, const struct x86_op *op)
{
    return widen(cpu, op, x86_form_of(op), op->operand[1].size, false);
}

int op_movsx(struct x86_cpu *cpu, const struct x86_op *op)
{
    return widen(cpu, op, x86_form_of(op), op->operand[1].size, true);
}

#define WIDEN(name, from, to, size, is_signed)                            \
    static int name(struct x86_cpu *cpu, const struct x86_op *op)         \
    {                                                                     \
        return widen(cpu, op, (struct x86_form){X86_REG, from, to}, size, \
                     is_signed);                                          \
    }
WIDEN(movzx_r4r1, X86_REG, 4, 1, false)
WIDEN(movzx_r4m1, X86_MEM, 4, 1, false)
WIDEN(movzx_r4r2, X86_REG, 4, 2, false)
WIDEN(movzx_r4m2, X86_MEM, 4, 2, false)
WIDEN(movsx_r8r4, X86_REG, 8, 4, true)
WIDEN(movsx_r8m4, X86_MEM, 8, 4, true)

TEMPLATE int lea(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return x86_give(cpu, op, f, x86_offset(cpu, op));
}

int op_lea(struct x86_cpu *cpu, const struct x86_op *op)
{
    return lea(cpu, op, x86_form_of(op));
}

X86_FORM_BODY(lea, rm, REG, MEM, 4)
X86_FORM_BODY(lea, rm, REG, MEM, 8)

/* The source is read, and the upper half of a 64-bit register cleared, whether
 * the condition holds or not. */
TEMPLATE int cmov(struct x86_cpu *cpu, const struct x86_op *op,
                  struct x86_form f)
{
    uint64_t from, to;

    TRY(x86_take(cpu, op, 1, f.from, f.size, &from));
    TRY(x86_take(cpu, op, 0, f.to, f.size, &to));
    return x86_give(cpu, op, f, x86_condition(cpu, op->detail) ? from : to);
}

TEMPLATE int set(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return x86_give(cpu, op, f, x86_condition(cpu, op->detail));
}

X86_FAST(op_cmov, cmov)
X86_FAST_ONE(op_set, set)

int op_xlat(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t at = cpu->state.gpr[X86_RBX] + x86_gpr(cpu, X86_RAX, 1), v;

    TRY(x86_read(cpu, (enum x86_seg)op->seg, cut(at, op->asize), 1, &v));
    x86_set_gpr(cpu, X86_RAX, 1, v);
    return 0;
}

int op_extend(struct x86_cpu *cpu, const struct x86_op *op)
{
    int64_t v = sign(cpu->state.gpr[X86_RAX], op->size / 2u);

    x86_set_gpr(cpu, X86_RAX, op->size, (uint64_t)v);
    return 0;
}

int op_spread(struct x86_cpu *cpu, const struct x86_op *op)
{
    bool negative = sign(cpu->state.gpr[X86_RAX], op->size) < 0;

    x86_set_gpr(cpu, X86_RDX, op->size, negative ? UINT64_MAX : 0);
    return 0;
}

/* Of 16 bits it is undefined: 0, as processors do. */
int op_bswap(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned reg = op->operand[0].reg, size = op->operand[0].size;
    uint64_t v = cpu->state.gpr[reg];

    v = size == 8 ? __builtin_bswap64(v)
                  : __builtin_bswap32(size == 4 ? (uint32_t)v : 0);
    x86_set_gpr(cpu, reg, size, v);
    return 0;
}

/* ---- Exchanges ---- */

/* Memory first: its address may need the old register. */
static int put_both(struct x86_cpu *cpu, const struct x86_op *op, uint64_t v0,
                    uint64_t v1)
{
    unsigned first = op->operand[0].kind == X86_MEM ? 0 : 1;

    TRY(x86_put(cpu, op, first, first ? v1 : v0));
    return x86_put(cpu, op, !first, first ? v0 : v1);
}

/* Memory is reached for writing at once: so is its page fault. */
int op_xchg(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t a, b;

    if (op->operand[1].kind == X86_MEM)
        TRY(x86_check_write(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                            op->operand[1].size));
    TRY(x86_get_rmw(cpu, op, &a));
    TRY(x86_get(cpu, op, 1, &b));
    return put_both(cpu, op, b, a);
}

int op_xadd(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint64_t a, b, r;

    TRY(x86_get_rmw(cpu, op, &a));
    TRY(x86_get(cpu, op, 1, &b));
    r = cut(a + b, size);
    TRY(put_both(cpu, op, r, a));
    x86_flags_add(cpu, size, a, b, r);
    return 0;
}

/* A destination in memory is written in any case, with what it was if they
 * differ; a register keeps even its upper half then. */
int op_cmpxchg(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint64_t a = x86_gpr(cpu, X86_RAX, size), b, from;

    TRY(x86_get_rmw(cpu, op, &b));
    TRY(x86_get(cpu, op, 1, &from));
    if (a == b || op->operand[0].kind == X86_MEM)
        TRY(x86_put(cpu, op, 0, a == b ? from : b));
    if (a != b)
        x86_set_gpr(cpu, X86_RAX, size, b);
    x86_flags_sub(cpu, size, a, b, cut(a - b, size));
    return 0;
}

enum { ZF = 0x40 };

static void set_zero(struct x86_cpu *cpu, bool zero)
{
    x86_flags_set(cpu, (x86_flags_get(cpu) & ~(uint64_t)ZF) | (zero ? ZF : 0));
}

/* rDX:rAX against two halves of `size` bytes each; rCX:rBX if equal. */
static int exchange_pair(struct x86_cpu *cpu, const struct x86_op *op,
                         unsigned size)
{
    enum x86_seg seg = (enum x86_seg)op->seg;
    uint64_t at = x86_offset(cpu, op), low, high;
    uint8_t bytes[16];

    TRY(x86_check_write(cpu, seg, at, 2 * size));
    TRY(x86_read_bytes(cpu, seg, at, 2 * size, bytes));
    low = x86_load(bytes, size);
    high = x86_load(bytes + size, size);
    bool same = low == x86_gpr(cpu, X86_RAX, size) &&
                high == x86_gpr(cpu, X86_RDX, size);
    x86_store(bytes, size, same ? cpu->state.gpr[X86_RBX] : low);
    x86_store(bytes + size, size, same ? cpu->state.gpr[X86_RCX] : high);
    TRY(x86_write_bytes(cpu, seg, at, 2 * size, bytes));
    if (!same) {
        x86_set_gpr(cpu, X86_RAX, size, low);
        x86_set_gpr(cpu, X86_RDX, size, high);
    }
    set_zero(cpu, same);
    return 0;
}

int op_cmpxchg8b(struct x86_cpu *cpu, const struct x86_op *op)
{
    return exchange_pair(cpu, op, 4);
}

int op_cmpxchg16b(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t at = x86_offset(cpu, op);

    if (op->seg == X86_FS || op->seg == X86_GS)
        at += cpu->state.seg[op->seg].base;
    if (at % 16)
        return x86_raise_gp(cpu);
    return exchange_pair(cpu, op, 8);
}

/* ---- The stack ---- */

TEMPLATE int push(struct x86_cpu *cpu, const struct x86_op *op,
                  struct x86_form f)
{
    uint64_t v;

    TRY(x86_take(cpu, op, 0, f.to, f.size, &v));
    return x86_push(cpu, f.size, v);
}

/* The slot is as wide as the operand size, what is pushed may be an immediate
 * byte. */
int op_push(struct x86_cpu *cpu, const struct x86_op *op)
{
    return push(cpu, op, (struct x86_form){op->operand[0].kind, 0, op->size});
}

X86_FORM_BODY(push, r, REG, NONE, 4)
X86_FORM_BODY(push, r, REG, NONE, 8)

/* rSP counts up before the destination's address is made of it, and before
 * POP to rSP itself. */
TEMPLATE int pop(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    uint64_t old = cpu->state.gpr[X86_RSP], v;
    int code;

    TRY(x86_pop(cpu, f.size, &v));
    x86_set_sp(cpu, x86_sp(cpu) + f.size);
    code = x86_give(cpu, op, f, v);
    if (UNLIKELY(code))
        cpu->state.gpr[X86_RSP] = old;
    return code;
}

int op_pop(struct x86_cpu *cpu, const struct x86_op *op)
{
    return pop(cpu, op, (struct x86_form){op->operand[0].kind, 0, op->size});
}

X86_FORM_BODY(pop, r, REG, NONE, 4)
X86_FORM_BODY(pop, r, REG, NONE, 8)

static uint64_t slot(const struct x86_cpu *cpu, const struct x86_op *op, int n)
{
    return (x86_sp(cpu) + (uint64_t)(int64_t)(n * op->size)) & cpu->sp_mask;
}

int op_pusha(struct x86_cpu *cpu, const struct x86_op *op)
{
    for (int i = 0; i < 8; i++)
        TRY(x86_check_write(cpu, X86_SS, slot(cpu, op, -1 - i), op->size));
    for (int i = 0; i < 8; i++)
        TRY(x86_write(cpu, X86_SS, slot(cpu, op, -1 - i), op->size,
                      cpu->state.gpr[i]));
    x86_set_sp(cpu, slot(cpu, op, -8));
    return 0;
}

int op_popa(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v[8];

    for (int i = 0; i < 8; i++)
        TRY(x86_read(cpu, X86_SS, slot(cpu, op, i), op->size, &v[7 - i]));
    x86_set_sp(cpu, slot(cpu, op, 8));
    for (unsigned i = 0; i < 8; i++)
        if (i != X86_RSP)
            x86_set_gpr(cpu, i, op->size, v[i]);
    return 0;
}

/* Not by the short way: what it stores may have to be undone. */
static int push_frame(struct x86_cpu *cpu, unsigned size, uint64_t value)
{
    uint64_t sp = (x86_sp(cpu) - size) & cpu->sp_mask;

    TRY(x86_write_slow(cpu, X86_SS, sp, size, value));
    x86_set_sp(cpu, sp);
    return 0;
}

/* Copies of the enclosing procedures' frame pointers, then this one's own. */
static int push_frames(struct x86_cpu *cpu, const struct x86_op *op,
                       unsigned level, uint64_t frame)
{
    uint64_t at = cpu->state.gpr[X86_RBP], v;

    for (unsigned i = 1; i < level; i++) {
        at = (at - op->size) & cpu->sp_mask;
        TRY(x86_read(cpu, X86_SS, at, op->size, &v));
        TRY(push_frame(cpu, op->size, v));
    }
    return level ? push_frame(cpu, op->size, frame) : 0;
}

/* The last check is of SDM vol. 2, ENTER: a write to where the stack pointer
 * ends must be possible. */
static int make_frame(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t frame, sp;

    TRY(push_frame(cpu, op->size, cpu->state.gpr[X86_RBP]));
    frame = x86_gpr(cpu, X86_RSP, op->size); /* all of a 16-bit stack's ESP */
    TRY(push_frames(cpu, op, op->imm2 & 31, frame));
    sp = (x86_sp(cpu) - (op->imm & 0xFFFF)) & cpu->sp_mask;
    TRY(x86_check_write(cpu, X86_SS, sp, op->size));
    x86_set_sp(cpu, sp);
    x86_set_gpr(cpu, X86_RBP, op->size, frame);
    return 0;
}

int op_enter(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t old = cpu->state.gpr[X86_RSP];
    int code;

    x86_stores_begin(cpu);
    code = x86_stores_end(cpu, make_frame(cpu, op));
    if (code)
        cpu->state.gpr[X86_RSP] = old;
    return code;
}

int op_leave(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t frame = cpu->state.gpr[X86_RBP] & cpu->sp_mask, v;

    TRY(x86_read(cpu, X86_SS, frame, op->size, &v));
    x86_set_sp(cpu, frame + op->size);
    x86_set_gpr(cpu, X86_RBP, op->size, v);
    return 0;
}

/* ---- Common forms ---- */

static x86_body fast_widen(const struct x86_op *op)
{
    static const struct {
        uint16_t id;
        uint8_t to, kind, size;
        x86_body body;
    } rows[] = {{X86_INSN_MOVZX, 4, X86_REG, 1, movzx_r4r1},
                {X86_INSN_MOVZX, 4, X86_MEM, 1, movzx_r4m1},
                {X86_INSN_MOVZX, 4, X86_REG, 2, movzx_r4r2},
                {X86_INSN_MOVZX, 4, X86_MEM, 2, movzx_r4m2},
                {X86_INSN_MOVSXD, 8, X86_REG, 4, movsx_r8r4},
                {X86_INSN_MOVSXD, 8, X86_MEM, 4, movsx_r8m4}};
    const struct x86_operand *o = op->operand;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].id == op->id && rows[i].to == o[0].size &&
            rows[i].kind == o[1].kind && rows[i].size == o[1].size)
            return rows[i].body;
    return NULL;
}

x86_body x86_fast_data(const struct x86_op *op)
{
    bool r8 = op->operand[0].size == 8, r4 = op->operand[0].size == 4;
    bool reg = op->operand[0].kind == X86_REG;
    int form = x86_form_index(op);

    if (op->id == X86_INSN_MOV)
        return form < 0 ? NULL : mov_forms[form];
    if (op->id >= X86_INSN_CMOVO && op->id <= X86_INSN_CMOVNLE)
        return form < 0 ? NULL : cmov_forms[form];
    if (op->id >= X86_INSN_SETO && op->id <= X86_INSN_SETNLE)
        return form < 0 ? NULL : set_forms[form];
    if (op->id == X86_INSN_LEA)
        return r8 ? lea_rm8 : r4 ? lea_rm4 : NULL;
    if (op->id == X86_INSN_PUSH && reg && op->operand[0].size == op->size)
        return r8 ? push_r8 : r4 ? push_r4 : NULL;
    if (op->id == X86_INSN_POP && reg && op->operand[0].size == op->size)
        return r8 ? pop_r8 : r4 ? pop_r4 : NULL;
    return fast_widen(op);
}
