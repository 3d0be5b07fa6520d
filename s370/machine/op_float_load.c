/* Floating-point loads, stores, sign control, rounding and halving
 * (GA22-7000, "Floating-Point Instructions").
 *
 * Operands in storage need no alignment (the byte-oriented-operand feature). */
#include "s370/machine/access.h"
#include "s370/machine/hfp.h"

/* ---- LOAD and STORE: bits as they stand ---- */

static bool valid(unsigned r)
{
    return hfp_register_valid(r, HFP_LONG);
}

static void put_short(struct s370_cpu *cpu, unsigned r, uint32_t word)
{
    uint64_t *f = &cpu->fpr[r / 2];

    *f = (uint64_t)word << 32 | (*f & 0xFFFFFFFF);
}

static uint32_t get_short(const struct s370_cpu *cpu, unsigned r)
{
    return (uint32_t)(cpu->fpr[r / 2] >> 32);
}

int op_ler(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    if (!valid(d->r1) || !valid(d->r2))
        return S370_PGM_SPECIFICATION;
    put_short(cpu, d->r1, get_short(cpu, d->r2));
    return 0;
}

int op_le(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t word;

    if (!valid(d->r1))
        return S370_PGM_SPECIFICATION;
    TRY(s370_load32(cpu, s370_ea2(cpu, d), &word));
    put_short(cpu, d->r1, word);
    return 0;
}

int op_ldr(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    if (!valid(d->r1) || !valid(d->r2))
        return S370_PGM_SPECIFICATION;
    cpu->fpr[d->r1 / 2] = cpu->fpr[d->r2 / 2];
    return 0;
}

int op_ld(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint64_t doubleword;

    if (!valid(d->r1))
        return S370_PGM_SPECIFICATION;
    TRY(s370_load64(cpu, s370_ea2(cpu, d), &doubleword));
    cpu->fpr[d->r1 / 2] = doubleword;
    return 0;
}

int op_ste(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    if (!valid(d->r1))
        return S370_PGM_SPECIFICATION;
    return s370_store32(cpu, s370_ea2(cpu, d), get_short(cpu, d->r1));
}

int op_std(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    if (!valid(d->r1))
        return S370_PGM_SPECIFICATION;
    return s370_store64(cpu, s370_ea2(cpu, d), cpu->fpr[d->r1 / 2]);
}

/* ---- LOAD AND TEST, COMPLEMENT, NEGATIVE, POSITIVE ---- */

enum sign_rule { SIGN_KEPT, SIGN_CHANGED, SIGN_MINUS, SIGN_PLUS };

/* The sign is set even when the fraction is zero; the characteristic is kept,
 * and nothing is normalized. */
static int load_signed(struct s370_cpu *cpu, const struct s370_decoded *d,
                       enum hfp_length length, enum sign_rule rule)
{
    if (!valid(d->r1) || !valid(d->r2))
        return S370_PGM_SPECIFICATION;
    struct hfp v = hfp_get(cpu, d->r2, length);
    if (rule == SIGN_CHANGED)
        v.negative = !v.negative;
    else if (rule != SIGN_KEPT)
        v.negative = rule == SIGN_MINUS;
    hfp_put(cpu, d->r1, length, &v);
    cpu->psw.cc = v.fraction == 0 ? 0 : v.negative ? 1 : 2;
    return 0;
}

#define LOAD_SIGNED(name, length, rule)                               \
    int op_##name(struct s370_cpu *cpu, const struct s370_decoded *d) \
    {                                                                 \
        return load_signed(cpu, d, length, rule);                     \
    }

LOAD_SIGNED(lter, HFP_SHORT, SIGN_KEPT)
LOAD_SIGNED(ltdr, HFP_LONG, SIGN_KEPT)
LOAD_SIGNED(lcer, HFP_SHORT, SIGN_CHANGED)
LOAD_SIGNED(lcdr, HFP_LONG, SIGN_CHANGED)
LOAD_SIGNED(lner, HFP_SHORT, SIGN_MINUS)
LOAD_SIGNED(lndr, HFP_LONG, SIGN_MINUS)
LOAD_SIGNED(lper, HFP_SHORT, SIGN_PLUS)
LOAD_SIGNED(lpdr, HFP_LONG, SIGN_PLUS)

/* ---- LOAD ROUNDED ---- */

/* Add the first bit that is dropped to the last one that stays; a carry out of
 * the fraction moves it one digit to the right.  No normalization. */
static int load_rounded(struct s370_cpu *cpu, const struct s370_decoded *d,
                        enum hfp_length from, enum hfp_length to)
{
    if (!valid(d->r1) || !hfp_register_valid(d->r2, from))
        return S370_PGM_SPECIFICATION;
    struct hfp v = hfp_get(cpu, d->r2, from);
    unsigned dropped = 4 * (unsigned)(from - to);
    v.fraction = (v.fraction >> dropped) + (v.fraction >> (dropped - 1) & 1);
    if (v.fraction >> (4 * to)) {
        v.fraction >>= 4;
        v.characteristic++;
    }
    hfp_put(cpu, d->r1, to, &v);
    return v.characteristic > 0x7F ? S370_PGM_EXPONENT_OVERFLOW : 0;
}

int op_lrer(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return load_rounded(cpu, d, HFP_LONG, HFP_SHORT);
}

int op_lrdr(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return load_rounded(cpu, d, HFP_EXTENDED, HFP_LONG);
}

/* ---- HALVE ---- */

/* The bit shifted out is kept in a guard digit while the quotient is
 * normalized.  The condition code stays. */
static int halve(struct s370_cpu *cpu, const struct s370_decoded *d,
                 enum hfp_length length)
{
    if (!valid(d->r1) || !valid(d->r2))
        return S370_PGM_SPECIFICATION;
    struct hfp v = hfp_get(cpu, d->r2, length);
    if (v.fraction == 0) {
        hfp_put_true_zero(cpu, d->r1, length);
        return 0;
    }
    v.fraction = v.fraction << 4 >> 1;
    hfp_normalize(&v, length + 1u);
    v.fraction >>= 4;
    return hfp_finish(cpu, d->r1, length, &v);
}

int op_her(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return halve(cpu, d, HFP_SHORT);
}

int op_hdr(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return halve(cpu, d, HFP_LONG);
}
