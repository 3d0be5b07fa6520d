/* Control registers and translation (GA22-7000, "System-Control
 * Instructions"). */
#include "s370/machine/access.h"
#include "s370/machine/channel.h"

static unsigned control_count(const struct s370_decoded *d)
{
    return ((d->r2 - d->r1) & 15u) + 1;
}

/* All 32 bits of every register are kept, also those of facilities that this
 * machine does not have.  With an access exception no register is changed. */
int op_lctl(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d);
    unsigned n = control_count(d);
    uint8_t words[64];

    if (a & 3)
        return S370_PGM_SPECIFICATION;
    TRY(s370_load_bytes(cpu, a, n * 4, words));
    for (unsigned i = 0; i < n; i++)
        cpu->cr[(d->r1 + i) & 15] = load_be32(words + 4 * i);
    s370_context_changed(cpu);
    if (cpu->channels)
        s370_channels_multiplex(cpu->channels,
                                cpu->cr[0] & S370_CR0_BLOCK_MULTIPLEX);
    return S370_SYNC;
}

int op_stctl(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d);
    unsigned n = control_count(d);
    uint8_t words[64];

    if (a & 3)
        return S370_PGM_SPECIFICATION;
    for (unsigned i = 0; i < n; i++)
        store_be32(words + 4 * i, cpu->cr[(d->r1 + i) & 15]);
    return s370_store_bytes(cpu, a, n * 4, words);
}

/* Condition codes 1 to 3 come with the real address of the table entry that
 * was invalid, or beyond its table. */
int op_lra(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t real;
    uint8_t cc;
    int code = s370_translate(cpu, s370_ea2(cpu, d), &real, &cc);

    if (code && !s370_is_translation_exception((unsigned)code))
        return code;
    cpu->gr[d->r1] = real;
    cpu->psw.cc = cc;
    return S370_DONE;
}

int op_ptlb(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    (void)d;
    s370_tlb_purge(cpu);
    return S370_SYNC;
}
