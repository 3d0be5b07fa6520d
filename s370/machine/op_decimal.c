/* Decimal arithmetic (GA22-7000, "Decimal Instructions").
 *
 * Access exceptions and data exceptions have no priority among themselves
 * ("Multiple Program-Interruption Conditions": letters show none); here an
 * operand is fetched and judged before the next one, first operand first.
 * A data exception may terminate an operation; ours always suppresses it. */
#include "s370/machine/access.h"
#include "s370/machine/decimal.h"

/* The two fields of an instruction with two lengths. */
struct operands {
    uint32_t a1, a2;
    unsigned bytes1, bytes2;
    struct decimal v1, v2;
};

static int fetch(struct s370_cpu *cpu, uint32_t a, unsigned bytes,
                 struct decimal *v)
{
    uint8_t field[DECIMAL_BYTES_MAX];

    TRY(s370_load_bytes(cpu, a, bytes, field));
    return decimal_unpack(field, bytes, v) ? 0 : S370_PGM_DATA;
}

static int store(struct s370_cpu *cpu, uint32_t a, unsigned bytes,
                 const struct decimal *v)
{
    uint8_t field[DECIMAL_BYTES_MAX];

    decimal_pack(v, field, bytes);
    return s370_store_bytes(cpu, a, bytes, field);
}

static void locate(const struct s370_cpu *cpu, const struct s370_decoded *d,
                   struct operands *o)
{
    o->a1 = s370_ea1(cpu, d);
    o->a2 = s370_ea2(cpu, d);
    o->bytes1 = d->r1 + 1u;
    o->bytes2 = d->r2 + 1u;
}

/* Fields may overlap only with rightmost bytes that coincide ("Data
 * Exception", 2).  Improper overlap needs no test of its own: it puts the sign
 * of one operand among the digits of the other. */
static int fetch_both(struct s370_cpu *cpu, struct operands *o)
{
    TRY(fetch(cpu, o->a1, o->bytes1, &o->v1));
    return fetch(cpu, o->a2, o->bytes2, &o->v2);
}

static uint8_t sign_cc(const struct decimal *v)
{
    return v->magnitude == 0 ? 0 : v->negative ? 1 : 2;
}

/* The end of an operation that may overflow: digits are lost when `lost`, and
 * a zero is positive unless digits were lost. */
static int finish(struct s370_cpu *cpu, uint32_t a, unsigned bytes,
                  struct decimal *v, bool lost)
{
    if (v->magnitude == 0 && !lost)
        v->negative = false;
    TRY(store(cpu, a, bytes, v));
    cpu->psw.cc = lost ? 3 : sign_cc(v);
    if (lost && (cpu->psw.program_mask & S370_PM_DECIMAL))
        return S370_PGM_DECIMAL_OVERFLOW;
    return 0;
}

static int finish_sum(struct s370_cpu *cpu, const struct operands *o,
                      struct decimal *v)
{
    bool lost = v->magnitude >= decimal_power(decimal_digits(o->bytes1));

    return finish(cpu, o->a1, o->bytes1, v, lost);
}

static struct decimal sum(const struct decimal *a, const struct decimal *b)
{
    struct decimal v = *a;

    if (a->negative == b->negative) {
        v.magnitude = a->magnitude + b->magnitude;
    } else if (a->magnitude >= b->magnitude) {
        v.magnitude = a->magnitude - b->magnitude;
    } else {
        v.magnitude = b->magnitude - a->magnitude;
        v.negative = b->negative;
    }
    return v;
}

int op_ap(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct operands o;

    locate(cpu, d, &o);
    TRY(fetch_both(cpu, &o));
    struct decimal v = sum(&o.v1, &o.v2);
    return finish_sum(cpu, &o, &v);
}

int op_sp(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct operands o;

    locate(cpu, d, &o);
    TRY(fetch_both(cpu, &o));
    o.v2.negative = !o.v2.negative;
    struct decimal v = sum(&o.v1, &o.v2);
    return finish_sum(cpu, &o, &v);
}

int op_cp(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct operands o;

    locate(cpu, d, &o);
    TRY(fetch_both(cpu, &o));
    o.v2.negative = !o.v2.negative;
    struct decimal v = sum(&o.v1, &o.v2);
    cpu->psw.cc = sign_cc(&v);
    return 0;
}

/* How far the second operand's rightmost byte is to the right of the first
 * operand's, in the circle of 2 ** 24 addresses. */
static uint32_t to_the_right(const struct operands *o)
{
    return (o->a2 + o->bytes2 - o->a1 - o->bytes1) & S370_ADDRESS_MASK;
}

/* Only the second operand is judged.  The first one may overlap it when it
 * ends at the same byte or to the right of it. */
int op_zap(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct operands o;

    locate(cpu, d, &o);
    TRY(fetch(cpu, o.a2, o.bytes2, &o.v2));
    uint32_t right = to_the_right(&o);
    if (right != 0 && right < o.bytes2)
        return S370_PGM_DATA;
    return finish_sum(cpu, &o, &o.v2);
}

/* The multiplier and divisor have at most 15 digits and are shorter than the
 * first operand. */
static bool lengths_allowed(const struct operands *o)
{
    return o->bytes2 <= 8 && o->bytes2 < o->bytes1;
}

/* The multiplicand has as many bytes of zeros on the left as the multiplier
 * has bytes, so that the product always fits. The sign of a zero product is
 * by the rules of algebra too. */
int op_mp(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct operands o;

    locate(cpu, d, &o);
    if (!lengths_allowed(&o))
        return S370_PGM_SPECIFICATION;
    TRY(fetch_both(cpu, &o));
    unsigned room = decimal_digits(o.bytes1 - o.bytes2);
    if (o.v1.magnitude >= decimal_power(room))
        return S370_PGM_DATA;
    struct decimal product = {o.v1.magnitude * o.v2.magnitude,
                              o.v1.negative != o.v2.negative};
    return store(cpu, o.a1, o.bytes1, &product);
}

/* Quotient on the left, remainder of the divisor's length on the right, with
 * the dividend's sign; both signs stand even when the value is zero. */
int op_dp(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct operands o;
    uint8_t field[DECIMAL_BYTES_MAX];

    locate(cpu, d, &o);
    if (!lengths_allowed(&o))
        return S370_PGM_SPECIFICATION;
    TRY(fetch_both(cpu, &o));
    unsigned left = o.bytes1 - o.bytes2;
    if (o.v2.magnitude == 0 ||
        o.v1.magnitude / o.v2.magnitude >= decimal_power(decimal_digits(left)))
        return S370_PGM_DECIMAL_DIVIDE;
    struct decimal quotient = {o.v1.magnitude / o.v2.magnitude,
                               o.v1.negative != o.v2.negative};
    struct decimal remainder = {o.v1.magnitude % o.v2.magnitude, o.v1.negative};
    decimal_pack(&quotient, field, left);
    decimal_pack(&remainder, field + left, o.bytes2);
    return s370_store_bytes(cpu, o.a1, o.bytes1, field);
}

/* Left by `count` digits within a field of `digits`; true: nonzero digits were
 * lost. */
static bool shift_left(struct decimal *v, unsigned count, unsigned digits)
{
    unsigned __int128 kept = 0;

    if (count < digits)
        kept = v->magnitude % decimal_power(digits - count);
    bool lost = kept != v->magnitude;
    v->magnitude = kept ? kept * decimal_power(count) : 0;
    return lost;
}

/* Right by 1..32 digits; the rounding digit is added to the last one shifted
 * out. */
static void shift_right(struct decimal *v, unsigned count, unsigned rounding)
{
    v->magnitude /= decimal_power(count - 1);
    v->magnitude = (v->magnitude + rounding) / 10;
}

/* D2 is a shift count of six bits: 0-31 left, 32-63 right by 64 less it. */
int op_srp(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea1(cpu, d);
    unsigned bytes = d->r1 + 1u, rounding = d->r2;
    unsigned count = s370_ea2(cpu, d) & 0x3F;
    struct decimal v;
    bool lost = false;

    TRY(fetch(cpu, a, bytes, &v));
    if (rounding > 9)
        return S370_PGM_DATA;
    if (count < 32)
        lost = shift_left(&v, count, decimal_digits(bytes));
    else
        shift_right(&v, 64 - count, rounding);
    return finish(cpu, a, bytes, &v, lost);
}
