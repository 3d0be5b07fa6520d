/* Status switching: the PSW and its masks, and the instructions that ask for
 * an interruption (GA22-7000, "System-Control Instructions", "General
 * Instructions"). */
#include "s370/machine/access.h"

/* A new system mask is in force.  One that EC mode does not allow is an
 * exception after the change, with the ILC of the instruction. */
static int mask_changed(struct s370_cpu *cpu)
{
    s370_context_changed(cpu);
    return s370_psw_valid(&cpu->psw) ? S370_SYNC : S370_PGM_SPECIFICATION;
}

int op_ssm(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint8_t mask;

    if (cpu->cr[0] & S370_CR0_SSM_SUPPRESSION)
        return S370_PGM_SPECIAL_OPERATION;
    TRY(s370_load8(cpu, s370_ea2(cpu, d), &mask));
    cpu->psw.system_mask = mask;
    return mask_changed(cpu);
}

int op_stnsm(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    TRY(s370_store8(cpu, s370_ea1(cpu, d), cpu->psw.system_mask));
    cpu->psw.system_mask &= d->imm;
    return mask_changed(cpu);
}

int op_stosm(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    TRY(s370_store8(cpu, s370_ea1(cpu, d), cpu->psw.system_mask));
    cpu->psw.system_mask |= d->imm;
    return mask_changed(cpu);
}

/* A PSW that must not be used is loaded all the same; whoever fetches the next
 * instruction finds it ("Exceptions Associated with the PSW"). */
int op_lpsw(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d);
    uint64_t psw;
    uint8_t bytes[8];

    if (a & 7)
        return S370_PGM_SPECIFICATION;
    TRY(s370_load64(cpu, a, &psw));
    store_be64(bytes, psw);
    s370_psw_load(&cpu->psw, bytes);
    s370_context_changed(cpu);
    return S370_SYNC;
}

int op_svc(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    cpu->svc_code = d->imm;
    return S370_SVC;
}

/* CR8 bits 16-31 are the masks of classes 0-15. */
int op_monc(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    if (d->imm & 0xF0)
        return S370_PGM_SPECIFICATION;
    if (!(cpu->cr[8] & 0x8000u >> d->imm))
        return S370_DONE;
    cpu->monitor_class = d->imm;
    cpu->monitor_code = s370_ea1(cpu, d);
    return S370_PGM_MONITOR_EVENT;
}

/* Diagnostic functions are a model's own, and this model has none: every code
 * is refused. */
int op_diag(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    (void)cpu;
    (void)d;
    return S370_PGM_SPECIFICATION;
}
