/* x87: loads, stores, moves, constants (Intel SDM vol. 1, 8.3.3, 8.3.4). */
#include "x86vmm/machine/fpu.h"
#include "x86vmm/machine/wide.h"

static int read80(struct x86_cpu *cpu, const struct x86_op *op, void *bytes)
{
    return x86_read_bytes(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), 10,
                          bytes);
}

static int write80(struct x86_cpu *cpu, const struct x86_op *op,
                   const void *bytes)
{
    return x86_write_bytes(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), 10,
                           bytes);
}

static int write_value(struct x86_cpu *cpu, const struct x86_op *op,
                       uint64_t value)
{
    return x86_write(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                     op->operand[0].size, value);
}

/* ---- Loads ---- */

static int load_memory(struct x86_cpu *cpu, const struct x86_op *op,
                       struct x86_real_env *env, struct x86_f80 *v)
{
    unsigned size = op->operand[0].size;
    struct x86_real r;
    uint8_t bytes[10];
    uint64_t bits;

    if (size == 10) {
        TRY(read80(cpu, op, bytes));
        *v = (struct x86_f80){load_le64(bytes), load_le16(bytes + 8)};
        return 0;
    }
    TRY(x86_read(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), size, &bits));
    r = size == 4 ? x86_real_get32(env, (uint32_t)bits)
                  : x86_real_get64(env, bits);
    env->precision = 64;
    *v = x86_real_put80(x86_real_convert(env, &x86_extended, r));
    return 0;
}

int op_fld(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    unsigned i = op->operand[0].reg;
    struct x86_f80 v;

    TRY(x86_fpu_enter(cpu));
    if (op->operand[0].kind == X86_MEM) {
        TRY(load_memory(cpu, op, &env, &v));
        x86_fpu_push(cpu, op, &env, v);
        return 0;
    }
    v = *x86_fpu_st(cpu, i);
    if (x86_fpu_empty(cpu, i)) {
        x86_fpu_note(cpu, op);
        if (!x86_fpu_stack_fault(cpu, false))
            return 0;
        x86_fpu_turn(cpu, -1);
        x86_fpu_set(cpu, 0, x86_real_put80(x86_real_indefinite()));
        return 0;
    }
    x86_fpu_push(cpu, op, &env, v);
    return 0;
}

int op_fild(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    unsigned size = op->operand[0].size;
    uint64_t v;

    TRY(x86_fpu_enter(cpu));
    TRY(x86_read(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), size, &v));
    v = size == 2 ? (uint64_t)(int16_t)v : size == 4 ? (uint64_t)(int32_t)v : v;
    x86_fpu_push(cpu, op, &env, x86_real_put80(x86_real_get_int((int64_t)v)));
    return 0;
}

int op_fbld(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    uint8_t bcd[10];

    TRY(x86_fpu_enter(cpu));
    TRY(read80(cpu, op, bcd));
    x86_fpu_push(cpu, op, &env, x86_real_put80(x86_real_from_bcd(bcd)));
    return 0;
}

/* ---- Constants ---- 128 bits of each, rounded as RC says. */

static int constant(struct x86_cpu *cpu, const struct x86_op *op,
                    struct x86_wide w)
{
    struct x86_real_env env = x86_fpu_env(cpu), round = env;

    TRY(x86_fpu_enter(cpu));
    round.precision = 64;
    x86_fpu_push(cpu, op, &env,
                 x86_real_put80(x86_real_round(&round, &x86_extended, w)));
    return 0;
}

#define CONSTANT(name, exponent, high, low)                                   \
    int op_##name(struct x86_cpu *cpu, const struct x86_op *op)               \
    {                                                                         \
        return constant(                                                      \
            cpu, op, x86_wide_make(exponent, UINT64_C(high), UINT64_C(low))); \
    }

CONSTANT(fld1, 0, 0x8000000000000000, 0)
CONSTANT(fldpi, 1, 0xC90FDAA22168C234, 0xC4C6628B80DC1CD1)
CONSTANT(fldl2e, 0, 0xB8AA3B295C17F0BB, 0xBE87FED0691D3E89)
CONSTANT(fldl2t, 1, 0xD49A784BCD1B8AFE, 0x492BF6FF4DAFDB4D)
CONSTANT(fldlg2, -2, 0x9A209A84FBCFF798, 0x8F8959AC0B7C9178)
CONSTANT(fldln2, -1, 0xB17217F7D1CF79AB, 0xC9E3B39803F2F6AF)

int op_fldz(struct x86_cpu *cpu, const struct x86_op *op)
{
    return constant(cpu, op, (struct x86_wide){.negative = false});
}

/* ---- Stores ---- */

/* ST(0) as the operand's format has it; false: nothing is to be stored. */
static bool to_format(struct x86_cpu *cpu, unsigned size, uint64_t *bits)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    struct x86_real r = x86_real_indefinite();
    const unsigned after = X86_FP_OE | X86_FP_UE;
    bool go_on;

    if (x86_fpu_empty(cpu, 0)) {
        go_on = x86_fpu_stack_fault(cpu, false);
    } else {
        r = x86_real_get80(*x86_fpu_st(cpu, 0));
        r.denormal = false; /* no DE here: it becomes less than that */
        r = x86_real_convert(&env, size == 4 ? &x86_single : &x86_double, r);
        if (env.flags & ~env.masks & after) {
            env.flags &= (uint8_t)~X86_FP_PE;
            env.up = false;
        }
        go_on = x86_fpu_settle(cpu, &env) && !(env.flags & ~env.masks & after);
    }
    *bits = size == 4 ? x86_real_put32(r) : x86_real_put64(r);
    return go_on;
}

static int store_register(struct x86_cpu *cpu, const struct x86_op *op,
                          bool pop)
{
    struct x86_f80 v = *x86_fpu_st(cpu, 0);

    x86_fpu_note(cpu, op);
    if (x86_fpu_empty(cpu, 0)) {
        if (!x86_fpu_stack_fault(cpu, false))
            return 0;
        v = x86_real_put80(x86_real_indefinite());
    } else {
        x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
    }
    x86_fpu_set(cpu, op->operand[0].reg, v);
    if (pop)
        x86_fpu_pop(cpu);
    return 0;
}

static int store80(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_f80 v = *x86_fpu_st(cpu, 0);
    bool empty = x86_fpu_empty(cpu, 0);
    uint8_t bytes[10];

    if (empty)
        v = x86_real_put80(x86_real_indefinite());
    store_le64(bytes, v.significand);
    store_le16(bytes + 8, v.exponent);
    if (!empty || (cpu->fpu.control & X86_FP_IE))
        TRY(write80(cpu, op, bytes));
    x86_fpu_note(cpu, op);
    x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
    if (!empty || x86_fpu_stack_fault(cpu, false))
        x86_fpu_pop(cpu);
    return 0;
}

/* The status word must not change if storage faults. */
static int store_memory(struct x86_cpu *cpu, const struct x86_op *op, bool pop)
{
    uint16_t before = cpu->fpu.status, after;
    uint64_t bits;
    bool go_on = to_format(cpu, op->operand[0].size, &bits);

    after = cpu->fpu.status;
    if (go_on) {
        cpu->fpu.status = before;
        TRY(write_value(cpu, op, bits));
        cpu->fpu.status = after;
    }
    x86_fpu_note(cpu, op);
    if (go_on && pop)
        x86_fpu_pop(cpu);
    return 0;
}

static int store(struct x86_cpu *cpu, const struct x86_op *op, bool pop)
{
    TRY(x86_fpu_enter(cpu));
    if (op->operand[0].kind != X86_MEM)
        return store_register(cpu, op, pop);
    if (op->operand[0].size == 10)
        return store80(cpu, op);
    return store_memory(cpu, op, pop);
}

int op_fst(struct x86_cpu *cpu, const struct x86_op *op)
{
    return store(cpu, op, false);
}

int op_fstp(struct x86_cpu *cpu, const struct x86_op *op)
{
    return store(cpu, op, true);
}

/* D9 D8+i, of no manual's: a pop that tells of no stack underflow. */
int op_fstpnce(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(x86_fpu_enter(cpu));
    if (!x86_fpu_empty(cpu, 0))
        return store_register(cpu, op, true);
    x86_fpu_note(cpu, op);
    x86_fpu_set(cpu, op->operand[0].reg, *x86_fpu_st(cpu, 0));
    x86_fpu_pop(cpu);
    return 0;
}

/* ---- Stores of integers ---- */

/* An invalid operation stores the most negative one; ST(0) may be empty. */
static bool integer_of(struct x86_cpu *cpu, unsigned size, int64_t *v)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    struct x86_real r = x86_real_indefinite();

    if (x86_fpu_empty(cpu, 0)) {
        *v = x86_real_to_int(&env, r, size * 8);
        return x86_fpu_stack_fault(cpu, false);
    }
    r = x86_real_get80(*x86_fpu_st(cpu, 0));
    *v = x86_real_to_int(&env, r, size * 8);
    return x86_fpu_settle(cpu, &env);
}

static int store_integer(struct x86_cpu *cpu, const struct x86_op *op, bool pop)
{
    uint16_t before, after;
    bool go_on;
    int64_t v;

    TRY(x86_fpu_enter(cpu));
    before = cpu->fpu.status;
    go_on = integer_of(cpu, op->operand[0].size, &v);
    after = cpu->fpu.status;
    if (go_on) {
        cpu->fpu.status = before;
        TRY(write_value(cpu, op, (uint64_t)v));
        cpu->fpu.status = after;
    }
    x86_fpu_note(cpu, op);
    if (go_on && pop)
        x86_fpu_pop(cpu);
    return 0;
}

int op_fist(struct x86_cpu *cpu, const struct x86_op *op)
{
    return store_integer(cpu, op, false);
}

int op_fistp(struct x86_cpu *cpu, const struct x86_op *op)
{
    return store_integer(cpu, op, true);
}

int op_fbstp(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_real_env env = x86_fpu_env(cpu);
    struct x86_real r = x86_real_indefinite();
    bool empty = x86_fpu_empty(cpu, 0), go_on;
    uint8_t bcd[10];

    TRY(x86_fpu_enter(cpu));
    if (!empty)
        r = x86_real_get80(*x86_fpu_st(cpu, 0));
    x86_real_to_bcd(&env, r, bcd);
    if (!(env.flags & ~env.masks & X86_FP_BEFORE))
        TRY(write80(cpu, op, bcd));
    x86_fpu_note(cpu, op);
    go_on = empty ? x86_fpu_stack_fault(cpu, false) : x86_fpu_settle(cpu, &env);
    if (go_on)
        x86_fpu_pop(cpu);
    return 0;
}

/* ---- Between registers ---- */

static void fill_if_empty(struct x86_cpu *cpu, unsigned i)
{
    if (x86_fpu_empty(cpu, i))
        x86_fpu_set(cpu, i, x86_real_put80(x86_real_indefinite()));
}

int op_fxch(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned i = op->count ? op->operand[op->count - 1].reg : 1;
    struct x86_f80 v;

    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
    if (x86_fpu_empty(cpu, 0) || x86_fpu_empty(cpu, i)) {
        if (!x86_fpu_stack_fault(cpu, false))
            return 0;
        fill_if_empty(cpu, 0);
        fill_if_empty(cpu, i);
    }
    v = *x86_fpu_st(cpu, 0);
    x86_fpu_set(cpu, 0, *x86_fpu_st(cpu, i));
    x86_fpu_set(cpu, i, v);
    return 0;
}

/* Bits 3 and 4 of the second byte choose B, E, BE, U; bit 0 of the first one
 * negates (SDM vol. 2, FCMOVcc). */
int op_fcmov(struct x86_cpu *cpu, const struct x86_op *op)
{
    static const uint8_t conditions[] = {2, 4, 6, 10};
    unsigned i = op->operand[1].reg;
    struct x86_f80 v = *x86_fpu_st(cpu, i);
    unsigned cc = conditions[op->imm >> 3 & 3] | (op->imm >> 8 & 1);

    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    if (x86_fpu_empty(cpu, 0) || x86_fpu_empty(cpu, i)) {
        if (!x86_fpu_stack_fault(cpu, false))
            return 0;
        x86_fpu_set(cpu, 0, x86_real_put80(x86_real_indefinite()));
    } else if (x86_condition(cpu, cc)) {
        x86_fpu_set(cpu, 0, v);
    }
    return 0;
}

int op_fincstp(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    x86_fpu_turn(cpu, op->id == X86_INSN_FINCSTP ? 1 : -1);
    x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
    return 0;
}

int op_ffree(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(x86_fpu_enter(cpu));
    x86_fpu_note(cpu, op);
    x86_fpu_set_tag(cpu, op->operand[0].reg, X86_TAG_EMPTY);
    x86_fpu_set_conditions(cpu, X86_FPU_C1, 0);
    if (op->id == X86_INSN_FFREEP)
        x86_fpu_pop(cpu);
    return 0;
}
