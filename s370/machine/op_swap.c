/* Interlocked updates (GA22-7000, "General Instructions").  Between CPU and
 * channels they are atomic because a channel works between instructions. */
#include "s370/machine/access.h"
#include "s370/machine/body.h"

int op_ts(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct s370_span s;

    TRY(s370_span_open(cpu, s370_ea2(cpu, d), 1, true, &s));
    cpu->psw.cc = *s.part[0] >> 7;
    *s.part[0] = 0xFF;
    return 0;
}

/* The second operand is a store-type one even when the comparison is
 * unequal and it stays as it is. */
int op_cs(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t v, a = s370_ea2(cpu, d);

    if (a & 3)
        return S370_PGM_SPECIFICATION;
    TRY(s370_check_store(cpu, a, 4));
    TRY(s370_load32(cpu, a, &v));
    cpu->psw.cc = v != cpu->gr[d->r1];
    if (cpu->psw.cc == 0)
        return s370_store32(cpu, a, cpu->gr[d->r2]);
    cpu->gr[d->r1] = v;
    return 0;
}

int op_cds(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d);
    uint64_t v;

    if ((d->r1 & 1) || (d->r2 & 1) || (a & 7))
        return S370_PGM_SPECIFICATION;
    TRY(s370_check_store(cpu, a, 8));
    TRY(s370_load64(cpu, a, &v));
    cpu->psw.cc = v != s370_pair(cpu, d->r1);
    if (cpu->psw.cc == 0)
        return s370_store64(cpu, a, s370_pair(cpu, d->r2));
    s370_set_pair(cpu, d->r1, v);
    return 0;
}
