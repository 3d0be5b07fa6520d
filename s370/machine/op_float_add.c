/* Floating-point ADD, SUBTRACT, COMPARE (GA22-7000, "Floating-Point
 * Instructions"). */
#include "s370/machine/access.h"
#include "s370/machine/hfp.h"

enum { NORMALIZED = 0, UNNORMALIZED = 1, SUBTRACT = 2 };

/* Shift the fraction that belongs to the smaller characteristic to the right;
 * the last digit shifted out stays as the guard digit, those before it are
 * lost.  Both fractions have a guard digit after this. */
static void align(struct hfp *a, struct hfp *b, unsigned length)
{
    struct hfp *low = a->characteristic < b->characteristic ? a : b;
    struct hfp *high = low == a ? b : a;
    unsigned shift = (unsigned)(high->characteristic - low->characteristic);

    a->fraction <<= 4;
    b->fraction <<= 4;
    low->fraction = shift > length ? 0 : low->fraction >> (4 * shift);
    low->characteristic = high->characteristic;
}

/* The intermediate sum: length + 1 digits, and a carry perhaps.  Its sign
 * follows the rules of algebra; a zero is positive. */
static struct hfp intermediate_sum(struct hfp a, struct hfp b, unsigned length)
{
    align(&a, &b, length);
    struct hfp sum = a.fraction >= b.fraction ? a : b;
    const struct hfp *less = a.fraction >= b.fraction ? &b : &a;
    if (a.negative == b.negative)
        sum.fraction += less->fraction;
    else
        sum.fraction -= less->fraction;
    if (sum.fraction == 0)
        sum.negative = false;
    return sum;
}

/* A zero fraction: with the significance mask the intermediate characteristic
 * stays and an interruption follows, else the result is a true zero. */
static int finish_zero(struct s370_cpu *cpu, unsigned r, enum hfp_length length,
                       int characteristic)
{
    struct hfp zero = {.characteristic = characteristic};

    cpu->psw.cc = 0;
    if (cpu->psw.program_mask & S370_PM_SIGNIFICANCE) {
        hfp_put(cpu, r, length, &zero);
        return S370_PGM_SIGNIFICANCE;
    }
    hfp_put_true_zero(cpu, r, length);
    return 0;
}

/* The guard digit takes part in normalization; an unnormalized sum is cut
 * without it, and is zero by its own digits. */
static int add(struct s370_cpu *cpu, const struct s370_decoded *d,
               enum hfp_length length, unsigned how)
{
    struct hfp a, b;

    TRY(hfp_operands(cpu, d, length, &a, &b));
    if (how & SUBTRACT)
        b.negative = !b.negative;
    struct hfp sum = intermediate_sum(a, b, length);
    if (sum.fraction >> (how & UNNORMALIZED ? 4 : 0) == 0)
        return finish_zero(cpu, d->r1, length, sum.characteristic);
    if (sum.fraction >> (4 * (length + 1))) { /* carry */
        sum.fraction >>= 4;
        sum.characteristic++;
    } else if (!(how & UNNORMALIZED)) {
        hfp_normalize(&sum, length + 1u);
    }
    sum.fraction >>= 4;
    int code = hfp_finish(cpu, d->r1, length, &sum);
    bool zeroed = !code && sum.characteristic < 0; /* masked underflow */
    cpu->psw.cc = zeroed ? 0 : sum.negative ? 1 : 2;
    return code;
}

/* By the rules of a normalized subtraction, guard digit included. */
static int compare(struct s370_cpu *cpu, const struct s370_decoded *d,
                   enum hfp_length length)
{
    struct hfp a, b;

    TRY(hfp_operands(cpu, d, length, &a, &b));
    b.negative = !b.negative;
    struct hfp difference = intermediate_sum(a, b, length);
    cpu->psw.cc = difference.fraction == 0 ? 0 : difference.negative ? 1 : 2;
    return 0;
}

#define BODY(name, call)                                              \
    int op_##name(struct s370_cpu *cpu, const struct s370_decoded *d) \
    {                                                                 \
        return call;                                                  \
    }

/* The register and the storage form differ in the second operand only, which
 * hfp_operands takes from where the instruction's length says. */
BODY(ae, add(cpu, d, HFP_SHORT, NORMALIZED))
BODY(aer, add(cpu, d, HFP_SHORT, NORMALIZED))
BODY(ad, add(cpu, d, HFP_LONG, NORMALIZED))
BODY(adr, add(cpu, d, HFP_LONG, NORMALIZED))
BODY(axr, add(cpu, d, HFP_EXTENDED, NORMALIZED))
BODY(se, add(cpu, d, HFP_SHORT, NORMALIZED | SUBTRACT))
BODY(ser, add(cpu, d, HFP_SHORT, NORMALIZED | SUBTRACT))
BODY(sd, add(cpu, d, HFP_LONG, NORMALIZED | SUBTRACT))
BODY(sdr, add(cpu, d, HFP_LONG, NORMALIZED | SUBTRACT))
BODY(sxr, add(cpu, d, HFP_EXTENDED, NORMALIZED | SUBTRACT))
BODY(au, add(cpu, d, HFP_SHORT, UNNORMALIZED))
BODY(aur, add(cpu, d, HFP_SHORT, UNNORMALIZED))
BODY(aw, add(cpu, d, HFP_LONG, UNNORMALIZED))
BODY(awr, add(cpu, d, HFP_LONG, UNNORMALIZED))
BODY(su, add(cpu, d, HFP_SHORT, UNNORMALIZED | SUBTRACT))
BODY(sur, add(cpu, d, HFP_SHORT, UNNORMALIZED | SUBTRACT))
BODY(sw, add(cpu, d, HFP_LONG, UNNORMALIZED | SUBTRACT))
BODY(swr, add(cpu, d, HFP_LONG, UNNORMALIZED | SUBTRACT))
BODY(ce, compare(cpu, d, HFP_SHORT))
BODY(cer, compare(cpu, d, HFP_SHORT))
BODY(cd, compare(cpu, d, HFP_LONG))
BODY(cdr, compare(cpu, d, HFP_LONG))
