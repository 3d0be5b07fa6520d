/* EXECUTE (GA22-7000, "General Instructions"). */
#include "s370/machine/access.h"
#include "s370/machine/execute.h"
#include "s370/machine/per.h"

/* The target's ILC and the updated instruction address are EXECUTE's. */
int op_ex(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d);
    struct s370_decoded target;
    uint8_t bytes[6] = {0};

    if (a & 1)
        return S370_PGM_SPECIFICATION;
    TRY(s370_load_bytes(cpu, a, 2, bytes));
    unsigned len = s370_insn_len(bytes[0]);
    if (len > 2)
        TRY(s370_load_bytes(cpu, a + 2, len - 2, bytes + 2));
    if (UNLIKELY(s370_per_on(cpu)))
        s370_per_fetch_target(cpu, a);
    if (d->r1)
        bytes[1] |= (uint8_t)cpu->gr[d->r1];
    s370_decode(bytes, &target);
    if (target.op == S370_OP_EX)
        return S370_PGM_EXECUTE;
    return s370_execute(cpu, &target);
}
