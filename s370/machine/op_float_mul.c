/* Floating-point MULTIPLY and DIVIDE (GA22-7000, "Floating-Point
 * Instructions").
 *
 * Operands are normalized first; a fraction of zero makes the result a true
 * zero, with no exponent exception.  The condition code stays. */
#include "s370/machine/access.h"
#include "s370/machine/hfp.h"

/* ---- MULTIPLY ---- */

/* Operands of `from` digits give an exact product of twice as many; put it in
 * `to` digits, normalized. */
static int put_product(struct s370_cpu *cpu, unsigned r, enum hfp_length from,
                       enum hfp_length to, struct hfp *a, struct hfp *b)
{
    unsigned digits = 2u * from;

    if (a->fraction == 0 || b->fraction == 0) {
        hfp_put_true_zero(cpu, r, to);
        return 0;
    }
    hfp_normalize(a, from);
    hfp_normalize(b, from);
    struct hfp product = {.fraction = a->fraction * b->fraction,
                          .characteristic =
                              a->characteristic + b->characteristic - 64,
                          .negative = a->negative != b->negative};
    hfp_normalize(&product, digits);
    if (digits > to)
        product.fraction >>= 4 * (digits - to);
    else
        product.fraction <<= 4 * (to - digits);
    return hfp_finish(cpu, r, to, &product);
}

static int multiply(struct s370_cpu *cpu, const struct s370_decoded *d,
                    enum hfp_length length)
{
    struct hfp a, b;

    TRY(hfp_operands(cpu, d, length, &a, &b));
    return put_product(cpu, d->r1, length, HFP_LONG, &a, &b);
}

int op_me(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return multiply(cpu, d, HFP_SHORT);
}

int op_mer(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return multiply(cpu, d, HFP_SHORT);
}

int op_md(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return multiply(cpu, d, HFP_LONG);
}

int op_mdr(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return multiply(cpu, d, HFP_LONG);
}

/* Long to extended: R1 receives a pair and must be able to. */
static int multiply_widening(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct hfp a, b;

    if (!hfp_register_valid(d->r1, HFP_EXTENDED))
        return S370_PGM_SPECIFICATION;
    TRY(hfp_operands(cpu, d, HFP_LONG, &a, &b));
    return put_product(cpu, d->r1, HFP_LONG, HFP_EXTENDED, &a, &b);
}

int op_mxd(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return multiply_widening(cpu, d);
}

int op_mxdr(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return multiply_widening(cpu, d);
}

/* The leftmost 29 of the 56 digits of a product of two extended fractions,
 * which is the result and a guard digit: long by long multiplication, where
 * the product of the low-order parts only carries. */
static unsigned __int128 product_29(unsigned __int128 a, unsigned __int128 b)
{
    const uint64_t mask = UINT64_C(0x00FFFFFFFFFFFFFF);
    uint64_t a1 = (uint64_t)(a >> 56), a0 = (uint64_t)a & mask;
    uint64_t b1 = (uint64_t)(b >> 56), b0 = (uint64_t)b & mask;
    unsigned __int128 middle = (unsigned __int128)a1 * b0 +
                               (unsigned __int128)a0 * b1 +
                               ((unsigned __int128)a0 * b0 >> 56);

    return ((unsigned __int128)a1 * b1 << 4) + (middle >> 52);
}

int op_mxr(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct hfp a, b;

    TRY(hfp_operands(cpu, d, HFP_EXTENDED, &a, &b));
    if (a.fraction == 0 || b.fraction == 0) {
        hfp_put_true_zero(cpu, d->r1, HFP_EXTENDED);
        return 0;
    }
    hfp_normalize(&a, HFP_EXTENDED);
    hfp_normalize(&b, HFP_EXTENDED);
    struct hfp product = {.fraction = product_29(a.fraction, b.fraction),
                          .characteristic =
                              a.characteristic + b.characteristic - 64,
                          .negative = a.negative != b.negative};
    hfp_normalize(&product, HFP_EXTENDED + 1);
    product.fraction >>= 4;
    return hfp_finish(cpu, d->r1, HFP_EXTENDED, &product);
}

/* ---- DIVIDE ---- */

/* Normalized fractions give a quotient between 1/16 and 16: a dividend that
 * is not less than the divisor is moved one digit to the right, so that no
 * postnormalization is needed. */
static int divide(struct s370_cpu *cpu, const struct s370_decoded *d,
                  enum hfp_length length)
{
    struct hfp a, b;
    unsigned shift = 4u * length;

    TRY(hfp_operands(cpu, d, length, &a, &b));
    if (b.fraction == 0)
        return S370_PGM_FLOAT_DIVIDE;
    if (a.fraction == 0) {
        hfp_put_true_zero(cpu, d->r1, length);
        return 0;
    }
    hfp_normalize(&a, length);
    hfp_normalize(&b, length);
    struct hfp quotient = {.characteristic =
                               a.characteristic - b.characteristic + 64,
                           .negative = a.negative != b.negative};
    if (a.fraction >= b.fraction) {
        shift -= 4;
        quotient.characteristic++;
    }
    quotient.fraction = (a.fraction << shift) / b.fraction;
    return hfp_finish(cpu, d->r1, length, &quotient);
}

int op_de(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return divide(cpu, d, HFP_SHORT);
}

int op_der(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return divide(cpu, d, HFP_SHORT);
}

int op_dd(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return divide(cpu, d, HFP_LONG);
}

int op_ddr(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return divide(cpu, d, HFP_LONG);
}
