/* Binary and decimal arithmetic (Intel SDM vol. 2, each instruction's page).
 * Flags that the manual leaves undefined are chosen beside the body. */
#include "x86vmm/machine/form.h"

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };

static uint64_t cut(uint64_t v, unsigned size)
{
    return x86_cut(v, size);
}

static int64_t sign(uint64_t v, unsigned size)
{
    return x86_sign(v, size);
}

/* ---- Two operands ---- */

TEMPLATE int sum(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f, bool carry)
{
    uint64_t a, b, r;
    uint8_t *at;

    TRY(x86_open(cpu, op, f, &at, &a));
    TRY(x86_take(cpu, op, 1, f.from, f.size, &b));
    r = cut(a + b + carry, f.size);
    TRY(x86_shut(cpu, op, f, at, r));
    x86_flags_add(cpu, f.size, a, b, r);
    return 0;
}

TEMPLATE int difference(struct x86_cpu *cpu, const struct x86_op *op,
                        struct x86_form f, bool borrow)
{
    uint64_t a, b, r;
    uint8_t *at;

    TRY(x86_open(cpu, op, f, &at, &a));
    TRY(x86_take(cpu, op, 1, f.from, f.size, &b));
    r = cut(a - b - borrow, f.size);
    TRY(x86_shut(cpu, op, f, at, r));
    x86_flags_sub(cpu, f.size, a, b, r);
    return 0;
}

TEMPLATE int add(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return sum(cpu, op, f, false);
}

TEMPLATE int adc(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return sum(cpu, op, f, x86_carry(cpu));
}

TEMPLATE int sub(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return difference(cpu, op, f, false);
}

TEMPLATE int sbb(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return difference(cpu, op, f, x86_carry(cpu));
}

TEMPLATE int cmp(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    uint64_t a, b;

    TRY(x86_take(cpu, op, 0, f.to, f.size, &a));
    TRY(x86_take(cpu, op, 1, f.from, f.size, &b));
    x86_flags_sub(cpu, f.size, a, b, cut(a - b, f.size));
    return 0;
}

X86_FAST(op_add, add)
X86_FAST(op_adc, adc)
X86_FAST(op_sub, sub)
X86_FAST(op_sbb, sbb)
X86_FAST(op_cmp, cmp)

/* ---- Logic ---- */

enum logic { AND, OR, XOR };

TEMPLATE int logic(struct x86_cpu *cpu, const struct x86_op *op,
                   struct x86_form f, enum logic how)
{
    uint64_t a, b, r;
    uint8_t *at;

    TRY(x86_open(cpu, op, f, &at, &a));
    TRY(x86_take(cpu, op, 1, f.from, f.size, &b));
    r = how == AND ? a & b : how == OR ? a | b : a ^ b;
    TRY(x86_shut(cpu, op, f, at, r));
    x86_flags_logic(cpu, f.size, r);
    return 0;
}

TEMPLATE int both(struct x86_cpu *cpu, const struct x86_op *op,
                  struct x86_form f)
{
    return logic(cpu, op, f, AND);
}

TEMPLATE int either(struct x86_cpu *cpu, const struct x86_op *op,
                    struct x86_form f)
{
    return logic(cpu, op, f, OR);
}

TEMPLATE int differ(struct x86_cpu *cpu, const struct x86_op *op,
                    struct x86_form f)
{
    return logic(cpu, op, f, XOR);
}

TEMPLATE int test(struct x86_cpu *cpu, const struct x86_op *op,
                  struct x86_form f)
{
    uint64_t a, b;

    TRY(x86_take(cpu, op, 0, f.to, f.size, &a));
    TRY(x86_take(cpu, op, 1, f.from, f.size, &b));
    x86_flags_logic(cpu, f.size, a & b);
    return 0;
}

X86_FAST(op_and, both)
X86_FAST(op_or, either)
X86_FAST(op_xor, differ)
X86_FAST(op_test, test)

/* ---- One operand ---- */

/* INC and DEC leave CF as it is. */
TEMPLATE int inc(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    bool carry = x86_carry(cpu);
    uint64_t a, r;
    uint8_t *at;

    TRY(x86_open(cpu, op, f, &at, &a));
    r = cut(a + 1, f.size);
    TRY(x86_shut(cpu, op, f, at, r));
    x86_flags_add(cpu, f.size, a, 1, r);
    x86_set_carry(cpu, carry);
    return 0;
}

TEMPLATE int dec(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    bool carry = x86_carry(cpu);
    uint64_t a, r;
    uint8_t *at;

    TRY(x86_open(cpu, op, f, &at, &a));
    r = cut(a - 1, f.size);
    TRY(x86_shut(cpu, op, f, at, r));
    x86_flags_sub(cpu, f.size, a, 1, r);
    x86_set_carry(cpu, carry);
    return 0;
}

TEMPLATE int neg(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    uint64_t a, r;
    uint8_t *at;

    TRY(x86_open(cpu, op, f, &at, &a));
    r = cut(-a, f.size);
    TRY(x86_shut(cpu, op, f, at, r));
    x86_flags_sub(cpu, f.size, 0, a, r);
    return 0;
}

TEMPLATE int invert(struct x86_cpu *cpu, const struct x86_op *op,
                    struct x86_form f)
{
    uint64_t a;
    uint8_t *at;

    TRY(x86_open(cpu, op, f, &at, &a));
    return x86_shut(cpu, op, f, at, cut(~a, f.size));
}

X86_FAST_ONE(op_inc, inc)
X86_FAST_ONE(op_dec, dec)
X86_FAST_ONE(op_neg, neg)
X86_FAST_ONE(op_not, invert)

/* ---- Multiplication and division ---- */

/* The upper half of a product goes to rDX, or with bytes to AH. */
static void put_wide(struct x86_cpu *cpu, unsigned size, uint64_t low,
                     uint64_t high)
{
    if (size == 1) {
        x86_set_gpr(cpu, X86_RAX, 2, cut(low, 1) | cut(high, 1) << 8);
        return;
    }
    x86_set_gpr(cpu, X86_RAX, size, low);
    x86_set_gpr(cpu, X86_RDX, size, high);
}

/* CF and OF: the upper half matters.  SF, ZF, PF, which are undefined, follow
 * the lower half, and AF is clear. */
static inline void flags_of_product(struct x86_cpu *cpu, unsigned size,
                                    uint64_t low, bool matters)
{
    x86_flags_result(cpu, size, cut(low, size), matters, matters);
}

int op_mul(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    unsigned __int128 p;
    uint64_t b, high;

    TRY(x86_get(cpu, op, 0, &b));
    p = (unsigned __int128)x86_gpr(cpu, X86_RAX, size) * b;
    high = cut((uint64_t)(p >> (size * 8)), size);
    put_wide(cpu, size, (uint64_t)p, high);
    flags_of_product(cpu, size, (uint64_t)p, high);
    return 0;
}

static int imul_wide(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint64_t b;
    __int128 p;

    TRY(x86_get(cpu, op, 0, &b));
    p = (__int128)sign(x86_gpr(cpu, X86_RAX, size), size) * sign(b, size);
    put_wide(cpu, size, (uint64_t)p, (uint64_t)(p >> (size * 8)));
    flags_of_product(cpu, size, (uint64_t)p, p != sign((uint64_t)p, size));
    return 0;
}

/* The factors are the destination and operand 1, or operands 1 and 2. */
TEMPLATE int product(struct x86_cpu *cpu, const struct x86_op *op,
                     struct x86_form f, bool three)
{
    uint64_t a, b, r;
    bool lost;

    if (three)
        TRY(x86_take(cpu, op, 2, X86_IMM, f.size, &a));
    else
        TRY(x86_take(cpu, op, 0, X86_REG, f.size, &a));
    TRY(x86_take(cpu, op, 1, f.from, f.size, &b));
    __int128 p = (__int128)sign(a, f.size) * sign(b, f.size);
    r = cut((uint64_t)p, f.size);
    lost = p != sign(r, f.size);
    x86_set_gpr(cpu, op->operand[0].reg, f.size, r);
    flags_of_product(cpu, f.size, r, lost);
    return 0;
}

TEMPLATE int imul_two(struct x86_cpu *cpu, const struct x86_op *op,
                      struct x86_form f)
{
    return product(cpu, op, f, false);
}

TEMPLATE int imul_three(struct x86_cpu *cpu, const struct x86_op *op,
                        struct x86_form f)
{
    return product(cpu, op, f, true);
}

int op_imul(struct x86_cpu *cpu, const struct x86_op *op)
{
    if (op->count == 1)
        return imul_wide(cpu, op);
    return product(cpu, op, x86_form_of(op), op->count == 3);
}

X86_FORM_BODY(imul_two, rr, REG, REG, 4)
X86_FORM_BODY(imul_two, rr, REG, REG, 8)
X86_FORM_BODY(imul_two, rm, REG, MEM, 8)
X86_FORM_BODY(imul_three, rr, REG, REG, 4)
X86_FORM_BODY(imul_three, rr, REG, REG, 8)
X86_FORM_BODY(imul_three, rm, REG, MEM, 8)

static x86_body fast_imul(const struct x86_op *op)
{
    bool wide = op->operand[0].size == 8, three = op->count == 3;
    bool reg = op->operand[1].kind == X86_REG;

    if (op->count == 1 || (!wide && (!reg || op->operand[0].size != 4)))
        return NULL;
    if (three)
        return !wide ? imul_three_rr4 : reg ? imul_three_rr8 : imul_three_rm8;
    return !wide ? imul_two_rr4 : reg ? imul_two_rr8 : imul_two_rm8;
}

static void get_wide(const struct x86_cpu *cpu, unsigned size, uint64_t *low,
                     uint64_t *high)
{
    uint64_t ax = cpu->state.gpr[X86_RAX];

    *low = cut(ax, size);
    *high = size == 1 ? ax >> 8 & 0xFF : x86_gpr(cpu, X86_RDX, size);
}

/* All flags are undefined after a division; they stay. */
int op_div(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint64_t b, low, high;

    TRY(x86_get(cpu, op, 0, &b));
    get_wide(cpu, size, &low, &high);
    if (high >= b) /* the quotient does not fit; and b = 0 */
        return x86_raise(cpu, X86_EXC_DE);
    unsigned __int128 n = (unsigned __int128)high << (size * 8) | low;
    put_wide(cpu, size, (uint64_t)(n / b), (uint64_t)(n % b));
    return 0;
}

int op_idiv(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint64_t raw, low, high;
    unsigned __int128 n, q;

    TRY(x86_get(cpu, op, 0, &raw));
    get_wide(cpu, size, &low, &high);
    int64_t b = sign(raw, size);
    bool negative = sign(high, size) < 0;
    n = (unsigned __int128)(__int128)sign(high, size) << (size * 8) | low;
    if (negative)
        n = -n;
    if (!b)
        return x86_raise(cpu, X86_EXC_DE);
    uint64_t magnitude = b < 0 ? -(uint64_t)b : (uint64_t)b;
    q = n / magnitude;
    uint64_t r = (uint64_t)(n % magnitude);
    uint64_t most = (UINT64_C(1) << (size * 8 - 1)) - (negative == (b < 0));
    if (q > most)
        return x86_raise(cpu, X86_EXC_DE);
    uint64_t quotient = (uint64_t)q;
    put_wide(cpu, size, negative == (b < 0) ? quotient : -quotient,
             negative ? -r : r);
    return 0;
}

/* ---- Decimal ---- SF, ZF, PF by AL; OF, which is undefined, clear. */

static void put_decimal(struct x86_cpu *cpu, uint8_t al, bool adjust,
                        bool carry)
{
    uint64_t f;

    x86_set_gpr(cpu, X86_RAX, 1, al);
    x86_flags_logic(cpu, 1, al);
    f = x86_flags_get(cpu) & ~(uint64_t)(CF | AF);
    x86_flags_set(cpu, f | (adjust ? AF : 0) | (carry ? CF : 0));
}

static int adjust_packed(struct x86_cpu *cpu, bool subtract)
{
    uint64_t f = x86_flags_get(cpu);
    uint8_t old = (uint8_t)cpu->state.gpr[X86_RAX], al = old;
    bool carry = f & CF, adjust = (old & 0xF) > 9 || (f & AF), out = carry;
    uint8_t six = subtract ? (uint8_t)-6 : 6;

    if (adjust) {
        al = (uint8_t)(al + six);
        out = carry || (subtract ? old < 6 : old > 0xF9);
    }
    if (old > 0x99 || carry) {
        al = (uint8_t)(al + 16 * six);
        out = true;
    } else if (!subtract) {
        out = false;
    }
    put_decimal(cpu, al, adjust, out);
    return 0;
}

int op_daa(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return adjust_packed(cpu, false);
}

int op_das(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return adjust_packed(cpu, true);
}

/* AAA adds 106h to AX, AAS subtracts 6 from it and 1 from AH. */
static int adjust_unpacked(struct x86_cpu *cpu, int by)
{
    uint64_t f = x86_flags_get(cpu);
    uint16_t ax = (uint16_t)cpu->state.gpr[X86_RAX];
    bool adjust = (ax & 0xF) > 9 || (f & AF);

    if (adjust)
        ax = (uint16_t)(ax + by);
    x86_set_gpr(cpu, X86_RAX, 2, ax);
    put_decimal(cpu, ax & 0xF, adjust, adjust);
    return 0;
}

int op_aaa(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return adjust_unpacked(cpu, 0x106);
}

int op_aas(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return adjust_unpacked(cpu, -0x106);
}

int op_aam(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint8_t al = (uint8_t)cpu->state.gpr[X86_RAX], by = (uint8_t)op->imm;

    if (!by)
        return x86_raise(cpu, X86_EXC_DE);
    x86_set_gpr(cpu, X86_RAX, 2, (uint64_t)(al / by) << 8 | al % by);
    put_decimal(cpu, al % by, false, false);
    return 0;
}

int op_aad(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint16_t ax = (uint16_t)cpu->state.gpr[X86_RAX];
    uint8_t al = (uint8_t)((ax >> 8) * (uint8_t)op->imm + ax);

    x86_set_gpr(cpu, X86_RAX, 2, al);
    put_decimal(cpu, al, false, false);
    return 0;
}

/* ---- Common forms ---- */

x86_body x86_fast_arith(const struct x86_op *op)
{
    static const struct {
        enum x86_op_id id;
        unsigned operands;
        const x86_body *forms;
    } rows[] = {{X86_INSN_ADD, 2, add_forms},   {X86_INSN_ADC, 2, adc_forms},
                {X86_INSN_SUB, 2, sub_forms},   {X86_INSN_SBB, 2, sbb_forms},
                {X86_INSN_CMP, 2, cmp_forms},   {X86_INSN_AND, 2, both_forms},
                {X86_INSN_OR, 2, either_forms}, {X86_INSN_XOR, 2, differ_forms},
                {X86_INSN_TEST, 2, test_forms}, {X86_INSN_INC, 1, inc_forms},
                {X86_INSN_DEC, 1, dec_forms},   {X86_INSN_NEG, 1, neg_forms},
                {X86_INSN_NOT, 1, invert_forms}};
    int form = x86_form_index(op);

    if (op->id == X86_INSN_IMUL)
        return fast_imul(op);
    for (size_t i = 0; form >= 0 && i < ARRAY_LEN(rows); i++)
        if (rows[i].id == op->id && rows[i].operands == op->count)
            return rows[i].forms[form];
    return NULL;
}
