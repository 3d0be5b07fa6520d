/* Shifts, rotations and single bits (Intel SDM vol. 2, each instruction's
 * page).  Flags that the manual leaves undefined are chosen beside the body. */
#include "x86vmm/machine/form.h"

enum { CF = 1, OF = 0x800 };

static uint64_t cut(uint64_t v, unsigned size)
{
    return x86_cut(v, size);
}

static int64_t sign(uint64_t v, unsigned size)
{
    return x86_sign(v, size);
}

static bool bit(uint64_t v, unsigned n)
{
    return v >> n & 1;
}

/* Operand 0, and the count in the last operand, cut to 5 bits, or 6. */
static int get_counted(struct x86_cpu *cpu, const struct x86_op *op,
                       uint64_t *a, unsigned *count)
{
    uint64_t n;

    TRY(x86_get_rmw(cpu, op, a));
    TRY(x86_get(cpu, op, op->count - 1u, &n));
    *count = n & (op->operand[0].size == 8 ? 63 : 31);
    return 0;
}

/* ---- Shifts ---- no flag changes where the count is 0.  OF, undefined for
 * counts other than 1, is what the rule for 1 gives. */

enum shift { LEFT, RIGHT, ARITHMETIC };

TEMPLATE int shift(struct x86_cpu *cpu, const struct x86_op *op,
                   struct x86_form f, enum shift how)
{
    unsigned bits = 8 * f.size, n;
    bool carry, overflow;
    uint64_t a, r, count;
    uint8_t *at;

    TRY(x86_open(cpu, op, f, &at, &a));
    TRY(x86_take(cpu, op, 1, f.from, 1, &count));
    n = count & (f.size == 8 ? 63 : 31);
    if (!n)
        return x86_shut(cpu, op, f, at, a);
    if (how == LEFT) {
        r = cut(a << n, f.size);
        carry = n <= bits && bit(a, bits - n);
        overflow = bit(r, bits - 1) != carry;
    } else if (how == RIGHT) {
        r = a >> n;
        carry = bit(a, n - 1);
        overflow = bit(a, bits - 1);
    } else {
        int64_t v = sign(a, f.size);

        r = cut((uint64_t)(v >> n), f.size);
        carry = bit((uint64_t)v, n - 1);
        overflow = false;
    }
    TRY(x86_shut(cpu, op, f, at, r));
    x86_flags_result(cpu, f.size, r, carry, overflow);
    return 0;
}

TEMPLATE int shl(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return shift(cpu, op, f, LEFT);
}

TEMPLATE int shr(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return shift(cpu, op, f, RIGHT);
}

TEMPLATE int sar(struct x86_cpu *cpu, const struct x86_op *op,
                 struct x86_form f)
{
    return shift(cpu, op, f, ARITHMETIC);
}

X86_FAST(op_shl, shl)
X86_FAST(op_shr, shr)
X86_FAST(op_sar, sar)

x86_body x86_fast_shift(const struct x86_op *op)
{
    struct x86_op like = *op; /* the count's size does not matter */

    like.operand[1].size = like.operand[0].size;
    int form = x86_form_index(&like);

    if (form < 0)
        return NULL;
    switch (op->id) {
    case X86_INSN_SHL:
        return shl_forms[form];
    case X86_INSN_SHR:
        return shr_forms[form];
    case X86_INSN_SAR:
        return sar_forms[form];
    default:
        return NULL;
    }
}

static int put_shifted(struct x86_cpu *cpu, const struct x86_op *op, uint64_t r,
                       bool carry, bool overflow)
{
    TRY(x86_put(cpu, op, 0, r));
    x86_flags_result(cpu, op->operand[0].size, r, carry, overflow);
    return 0;
}

/* Of 16 bits a count above 16 is undefined: here the first operand comes in
 * again. */
static uint64_t joined_right(uint64_t low, uint64_t high, unsigned bits,
                             unsigned n)
{
    unsigned __int128 both = (unsigned __int128)high << bits | low;

    if (bits == 16)
        both |= (unsigned __int128)low << 32;
    return (uint64_t)(both >> n);
}

int op_shld(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size, bits = 8 * size, n;
    uint64_t a, b, r;

    TRY(get_counted(cpu, op, &a, &n));
    TRY(x86_get(cpu, op, 1, &b));
    if (!n)
        return x86_put(cpu, op, 0, a);
    r = bits == 16 ? (a << 32 | b << 16 | a) >> (32 - n)
                   : a << n | b >> (bits - n);
    r = cut(r, size);
    bool carry = n <= bits ? bit(a, bits - n) : bit(b, 2 * bits - n);
    return put_shifted(cpu, op, r, carry, bit(a ^ r, bits - 1));
}

int op_shrd(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size, bits = 8 * size, n;
    uint64_t a, b, r;

    TRY(get_counted(cpu, op, &a, &n));
    TRY(x86_get(cpu, op, 1, &b));
    if (!n)
        return x86_put(cpu, op, 0, a);
    r = cut(joined_right(a, b, bits, n), size);
    bool carry = joined_right(a, b, bits, n - 1) & 1;
    return put_shifted(cpu, op, r, carry, bit(a ^ r, bits - 1));
}

/* ---- Rotations ---- CF and OF alone change, and only if the count is not 0.
 * OF, undefined for counts other than 1, is what the rule for 1 gives. */

static int put_rotated(struct x86_cpu *cpu, const struct x86_op *op, uint64_t r,
                       bool carry, bool overflow)
{
    TRY(x86_put(cpu, op, 0, r));
    uint64_t f = x86_flags_get(cpu) & ~(uint64_t)(CF | OF);

    x86_flags_set(cpu, f | (carry ? CF : 0) | (overflow ? OF : 0));
    return 0;
}

static uint64_t rotated_left(uint64_t a, unsigned bits, unsigned n)
{
    n %= bits;
    return n ? (a << n | a >> (bits - n)) & BITS_MASK(bits) : a;
}

int op_rol(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned bits = 8u * op->operand[0].size, n;
    uint64_t a, r;

    TRY(get_counted(cpu, op, &a, &n));
    if (!n)
        return x86_put(cpu, op, 0, a);
    r = rotated_left(a, bits, n);
    return put_rotated(cpu, op, r, r & 1, bit(r, bits - 1) != (r & 1));
}

int op_ror(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned bits = 8u * op->operand[0].size, n;
    uint64_t a, r;

    TRY(get_counted(cpu, op, &a, &n));
    if (!n)
        return x86_put(cpu, op, 0, a);
    r = rotated_left(a, bits, bits - n % bits);
    bool top = bit(r, bits - 1);
    return put_rotated(cpu, op, r, top, top != bit(r, bits - 2));
}

/* The operand and CF, one bit wider, go round. */
static int rotate_carry(struct x86_cpu *cpu, const struct x86_op *op, bool left)
{
    unsigned bits = 8u * op->operand[0].size, n;
    uint64_t a;

    TRY(get_counted(cpu, op, &a, &n));
    n %= bits + 1;
    bool carry = x86_carry(cpu);
    if (!n)
        return x86_put(cpu, op, 0, a);
    if (!left)
        n = bits + 1 - n;
    unsigned __int128 wide = (unsigned __int128)carry << bits | a;
    wide = wide << n | wide >> (bits + 1 - n);
    uint64_t r = (uint64_t)wide & BITS_MASK(bits);
    carry = wide >> bits & 1;
    return put_rotated(cpu, op, r, carry,
                       bit(r, bits - 1) != (left ? carry : bit(r, bits - 2)));
}

int op_rcl(struct x86_cpu *cpu, const struct x86_op *op)
{
    return rotate_carry(cpu, op, true);
}

int op_rcr(struct x86_cpu *cpu, const struct x86_op *op)
{
    return rotate_carry(cpu, op, false);
}

/* ---- Single bits ---- CF is the bit; OF SF AF PF, undefined, stay. */

enum change { KEEP, SET, RESET, COMPLEMENT };

static uint64_t changed(uint64_t a, uint64_t mask, enum change c)
{
    return c == SET ? a | mask : c == RESET ? a & ~mask : a ^ mask;
}

/* A bit string in memory: the offset in a register is signed and not cut to
 * the operand. */
static int change_string(struct x86_cpu *cpu, const struct x86_op *op,
                         enum change change)
{
    unsigned size = op->operand[0].size, bits = 8 * size;
    enum x86_seg seg = (enum x86_seg)op->seg;
    uint64_t at = x86_offset(cpu, op), a, n;

    TRY(x86_get(cpu, op, 1, &n));
    if (op->operand[1].kind != X86_IMM)
        at += (uint64_t)(sign(n, size) >> (size == 8   ? 6
                                           : size == 4 ? 5
                                                       : 4)) *
              size;
    at = cut(at, op->asize);
    uint64_t mask = UINT64_C(1) << n % bits;
    if (change != KEEP)
        TRY(x86_check_write(cpu, seg, at, size));
    TRY(x86_read(cpu, seg, at, size, &a));
    if (change != KEEP)
        TRY(x86_write(cpu, seg, at, size, changed(a, mask, change)));
    x86_set_carry(cpu, a & mask);
    return 0;
}

static int change_bit(struct x86_cpu *cpu, const struct x86_op *op,
                      enum change change)
{
    uint64_t a, n;

    if (op->operand[0].kind == X86_MEM)
        return change_string(cpu, op, change);
    TRY(x86_get(cpu, op, 0, &a));
    TRY(x86_get(cpu, op, 1, &n));
    uint64_t mask = UINT64_C(1) << n % (8u * op->operand[0].size);
    if (change != KEEP)
        TRY(x86_put(cpu, op, 0, changed(a, mask, change)));
    x86_set_carry(cpu, a & mask);
    return 0;
}

int op_bt(struct x86_cpu *cpu, const struct x86_op *op)
{
    return change_bit(cpu, op, KEEP);
}

int op_bts(struct x86_cpu *cpu, const struct x86_op *op)
{
    return change_bit(cpu, op, SET);
}

int op_btr(struct x86_cpu *cpu, const struct x86_op *op)
{
    return change_bit(cpu, op, RESET);
}

int op_btc(struct x86_cpu *cpu, const struct x86_op *op)
{
    return change_bit(cpu, op, COMPLEMENT);
}

/* ZF: there is none, and the destination, undefined, stays.  The other flags
 * are undefined: as of a logical operation. */
static int scan(struct x86_cpu *cpu, const struct x86_op *op, bool reverse)
{
    uint64_t v;

    TRY(x86_get(cpu, op, 1, &v));
    x86_flags_logic(cpu, op->operand[1].size, v);
    if (!v)
        return 0;
    return x86_put(
        cpu, op, 0,
        (uint64_t)(reverse ? 63 - __builtin_clzll(v) : __builtin_ctzll(v)));
}

int op_bsf(struct x86_cpu *cpu, const struct x86_op *op)
{
    return scan(cpu, op, false);
}

int op_bsr(struct x86_cpu *cpu, const struct x86_op *op)
{
    return scan(cpu, op, true);
}
