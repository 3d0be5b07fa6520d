/* Program-event recording (GA22-7000, "Program-Event Recording").
 *
 * CR9 bits 0-3 ask for the events and bits 16-31 name the general registers;
 * CR10 and CR11 bound the storage area, which wraps when it starts behind its
 * end. */
#include "s370/machine/per.h"

#include "base/bits.h"

static bool asked(const struct s370_cpu *cpu, unsigned event)
{
    return cpu->cr[9] >> 24 & event;
}

bool s370_per_covers(const uint32_t cr[16], uint32_t a, uint32_t len)
{
    uint32_t start = cr[10] & S370_ADDRESS_MASK;
    uint32_t size = (cr[11] - start) & S370_ADDRESS_MASK; /* less one */

    return ((a - start) & S370_ADDRESS_MASK) <= size ||
           ((start - a) & S370_ADDRESS_MASK) < len;
}

/* The first byte of the instruction decides; of an EXECUTE that of itself and
 * that of its target, each of which is fetched. */
void s370_per_fetch(struct s370_cpu *cpu)
{
    if (asked(cpu, S370_PER_FETCH) &&
        s370_per_covers(cpu->cr, cpu->per_address, 1))
        cpu->per_code |= S370_PER_FETCH;
}

void s370_per_fetch_target(struct s370_cpu *cpu, uint32_t a)
{
    if (asked(cpu, S370_PER_FETCH) && s370_per_covers(cpu->cr, a, 1))
        cpu->per_code |= S370_PER_FETCH;
}

/* Every successful branch counts, wherever it goes. */
void s370_per_branch(struct s370_cpu *cpu)
{
    if (asked(cpu, S370_PER_BRANCH))
        cpu->per_code |= S370_PER_BRANCH;
}

void s370_per_store(struct s370_cpu *cpu, uint32_t a, uint32_t len)
{
    if (asked(cpu, S370_PER_STORE) && len && s370_per_covers(cpu->cr, a, len))
        cpu->per_code |= S370_PER_STORE;
}

/* ---- General-register alteration ---- */

static unsigned one(unsigned r)
{
    return 1u << (r & 15);
}

static unsigned pair(unsigned r)
{
    return one(r) | one(r + 1);
}

static unsigned range(unsigned first, unsigned last)
{
    unsigned set = one(first);

    for (unsigned r = first; r != last; r = (r + 1) & 15)
        set |= one(r + 1);
    return set;
}

static unsigned changed(const struct s370_cpu *cpu, const uint32_t before[16])
{
    unsigned set = 0;

    for (unsigned r = 0; r < 16; r++)
        if (cpu->gr[r] != before[r])
            set |= one(r);
    return set;
}

/* Which general registers an instruction replaces, besides those whose value
 * it changes: one that gets the value that it had is altered all the same.
 * What EDIT AND MARK did cannot be told from its condition code; of it only a
 * changed register 1 counts. */
enum replaced {
    NONE,
    R1,         /* whenever it is completed */
    PAIR,       /* R1 and the one after it */
    PAIRS,      /* R1, R2 and the ones after them */
    RANGE,      /* R1 to R3 */
    GR2,        /* register 2 */
    R1_IF_CC,   /* R1 unless the condition code is 0 */
    PAIR_IF_CC, /* alike */
    R12_IF_CC,  /* registers 1 and 2, alike */
    R1_IF_CC1,  /* R1 when the condition code is 1 */
    R1_IF_MASK  /* R1 unless the mask is 0 */
};

static const uint8_t replaces[S370_OP_COUNT] = {
    [S370_OP_BAL] = R1,         [S370_OP_BALR] = R1,
    [S370_OP_BCT] = R1,         [S370_OP_BCTR] = R1,
    [S370_OP_BXH] = R1,         [S370_OP_BXLE] = R1,
    [S370_OP_LPR] = R1,         [S370_OP_LNR] = R1,
    [S370_OP_LTR] = R1,         [S370_OP_LCR] = R1,
    [S370_OP_NR] = R1,          [S370_OP_OR] = R1,
    [S370_OP_XR] = R1,          [S370_OP_LR] = R1,
    [S370_OP_AR] = R1,          [S370_OP_SR] = R1,
    [S370_OP_ALR] = R1,         [S370_OP_SLR] = R1,
    [S370_OP_N] = R1,           [S370_OP_O] = R1,
    [S370_OP_X] = R1,           [S370_OP_L] = R1,
    [S370_OP_A] = R1,           [S370_OP_S] = R1,
    [S370_OP_AL] = R1,          [S370_OP_SL] = R1,
    [S370_OP_LA] = R1,          [S370_OP_IC] = R1,
    [S370_OP_LH] = R1,          [S370_OP_AH] = R1,
    [S370_OP_SH] = R1,          [S370_OP_MH] = R1,
    [S370_OP_CVB] = R1,         [S370_OP_SRL] = R1,
    [S370_OP_SLL] = R1,         [S370_OP_SRA] = R1,
    [S370_OP_SLA] = R1,         [S370_OP_ISK] = R1,
    [S370_OP_LRA] = R1,         [S370_OP_MR] = PAIR,
    [S370_OP_DR] = PAIR,        [S370_OP_M] = PAIR,
    [S370_OP_D] = PAIR,         [S370_OP_SRDL] = PAIR,
    [S370_OP_SLDL] = PAIR,      [S370_OP_SRDA] = PAIR,
    [S370_OP_SLDA] = PAIR,      [S370_OP_MVCL] = PAIRS,
    [S370_OP_CLCL] = PAIRS,     [S370_OP_LM] = RANGE,
    [S370_OP_IPK] = GR2,        [S370_OP_CS] = R1_IF_CC,
    [S370_OP_CDS] = PAIR_IF_CC, [S370_OP_TRT] = R12_IF_CC,
    [S370_OP_SIGP] = R1_IF_CC1, [S370_OP_ICM] = R1_IF_MASK,
};

static unsigned replaced(const struct s370_cpu *cpu,
                         const struct s370_decoded *d)
{
    unsigned cc = cpu->psw.cc;

    switch ((enum replaced)replaces[d->op]) {
    case R1:
        return one(d->r1);
    case PAIR:
        return pair(d->r1);
    case PAIRS:
        return pair(d->r1) | pair(d->r2);
    case RANGE:
        return range(d->r1, d->r2);
    case GR2:
        return one(2);
    case R1_IF_CC:
        return cc ? one(d->r1) : 0;
    case PAIR_IF_CC:
        return cc ? pair(d->r1) : 0;
    case R12_IF_CC:
        return cc ? pair(1) : 0;
    case R1_IF_CC1:
        return cc == 1 ? one(d->r1) : 0;
    case R1_IF_MASK:
        return d->r2 ? one(d->r1) : 0;
    case NONE:
        break;
    }
    return 0;
}

void s370_per_registers(struct s370_cpu *cpu, const struct s370_decoded *d,
                        const uint32_t before[16])
{
    unsigned set;

    if (!asked(cpu, S370_PER_REGISTER))
        return;
    set = replaced(cpu, d) | changed(cpu, before);
    for (unsigned r = 0; r < 16; r++)
        if ((set & one(r)) && ibm32(cpu->cr[9], 16 + r, 16 + r))
            cpu->per_code |= S370_PER_REGISTER;
}
