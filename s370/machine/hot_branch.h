/* Branching (GA22-7000, "General Instructions"). */
#ifndef S370_MACHINE_HOT_BRANCH_H
#define S370_MACHINE_HOT_BRANCH_H

#include "s370/machine/body.h"

static inline bool selected(const struct s370_cpu *cpu, unsigned mask)
{
    return mask << cpu->psw.cc & 8;
}

BODY(bc)
{
    if (selected(cpu, d->r1))
        s370_branch(cpu, s370_ea2(cpu, d));
    return 0;
}

/* R2 = 0: no branch. */
BODY(bcr)
{
    if (d->r2 && selected(cpu, d->r1))
        s370_branch(cpu, cpu->gr[d->r2]);
    return 0;
}

BODY(bct)
{
    uint32_t target = s370_ea2(cpu, d);

    if (--cpu->gr[d->r1])
        s370_branch(cpu, target);
    return 0;
}

BODY(bctr)
{
    uint32_t target = cpu->gr[d->r2];

    if (--cpu->gr[d->r1] && d->r2)
        s370_branch(cpu, target);
    return 0;
}

/* Bits 32-63 of the BC-mode PSW, in both modes; of an executed instruction
 * the ILC is EXECUTE's. */
static inline uint32_t link_information(const struct s370_cpu *cpu)
{
    return (uint32_t)cpu->ilc / 2 << 30 | (uint32_t)cpu->psw.cc << 28 |
           (uint32_t)cpu->psw.program_mask << 24 | cpu->psw.ia;
}

BODY(bal)
{
    uint32_t target = s370_ea2(cpu, d);

    cpu->gr[d->r1] = link_information(cpu);
    s370_branch(cpu, target);
    return 0;
}

BODY(balr)
{
    uint32_t target = cpu->gr[d->r2];

    cpu->gr[d->r1] = link_information(cpu);
    if (d->r2)
        s370_branch(cpu, target);
    return 0;
}

/* The comparand is the odd register of the pair that R3 names, or R3 itself
 * when it is odd, as it was before the addition. */
static inline bool index_high(struct s370_cpu *cpu,
                              const struct s370_decoded *d)
{
    int32_t comparand = (int32_t)cpu->gr[d->r2 | 1];

    cpu->gr[d->r1] += cpu->gr[d->r2];
    return (int32_t)cpu->gr[d->r1] > comparand;
}

BODY(bxh)
{
    uint32_t target = s370_ea2(cpu, d);

    if (index_high(cpu, d))
        s370_branch(cpu, target);
    return 0;
}

BODY(bxle)
{
    uint32_t target = s370_ea2(cpu, d);

    if (!index_high(cpu, d))
        s370_branch(cpu, target);
    return 0;
}

BODY(spm)
{
    cpu->psw.cc = cpu->gr[d->r1] >> 28 & 3;
    cpu->psw.program_mask = cpu->gr[d->r1] >> 24 & 0xF;
    return 0;
}

#endif
