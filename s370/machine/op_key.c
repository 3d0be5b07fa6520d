/* Storage keys and the PSW key (GA22-7000, "System-Control Instructions"). */
#include "s370/machine/access.h"

/* The key of the 2K block at a real address, or NULL when there is no such
 * block.  Keys belong to absolute storage, so the address is prefixed; it is
 * never translated. */
static uint8_t *key_at(struct s370_cpu *cpu, uint32_t real)
{
    uint32_t a = s370_real_to_absolute(real & S370_ADDRESS_MASK, cpu->prefix);

    return a < cpu->storage->size ? &cpu->storage->keys[a / S370_BLOCK] : NULL;
}

int op_ssk(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t block = cpu->gr[d->r2];

    if (block & 0xF)
        return S370_PGM_SPECIFICATION;
    uint8_t *key = key_at(cpu, block);
    if (!key)
        return S370_PGM_ADDRESSING;
    *key = cpu->gr[d->r1] & (S370_KEY_ACCESS | S370_KEY_FETCH |
                             S370_KEY_REFERENCE | S370_KEY_CHANGE);
    s370_tlb_purge(cpu);
    return S370_SYNC;
}

/* In BC mode reference and change bits are not shown: bits 29-31 are zeros. */
int op_isk(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t block = cpu->gr[d->r2];

    if (block & 0xF)
        return S370_PGM_SPECIFICATION;
    const uint8_t *key = key_at(cpu, block);
    if (!key)
        return S370_PGM_ADDRESSING;
    unsigned shown = S370_KEY_ACCESS | S370_KEY_FETCH;
    if (cpu->psw.ec)
        shown |= S370_KEY_REFERENCE | S370_KEY_CHANGE;
    cpu->gr[d->r1] = (cpu->gr[d->r1] & 0xFFFFFF00) | (*key & shown);
    return S370_DONE;
}

int op_rrb(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint8_t *key = key_at(cpu, s370_ea2(cpu, d));

    if (!key)
        return S370_PGM_ADDRESSING;
    cpu->psw.cc =
        (*key & S370_KEY_REFERENCE ? 2 : 0) | (*key & S370_KEY_CHANGE ? 1 : 0);
    *key &= (uint8_t)~S370_KEY_REFERENCE;
    s370_tlb_purge(cpu);
    return S370_SYNC;
}

int op_spka(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    cpu->psw.key = s370_ea2(cpu, d) >> 4 & 0xF;
    s370_context_changed(cpu);
    return S370_SYNC;
}

int op_ipk(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    (void)d;
    cpu->gr[2] = (cpu->gr[2] & 0xFFFFFF00) | (uint32_t)cpu->psw.key << 4;
    return S370_DONE;
}
