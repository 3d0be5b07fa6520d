/* From a logical address to host storage, with everything on the way:
 * translation, prefixing, addressing, protection, reference and change. */
#include "s370/machine/access.h"

static void forget(struct s370_tlb_entry *e, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        e[i] = (struct s370_tlb_entry){~0u, ~0u, NULL};
}

void s370_tlb_purge(struct s370_cpu *cpu)
{
    cpu->generation += S370_CONTEXT_GENERATION;
    if (cpu->generation / S370_CONTEXT_GENERATION == 0xFF) {
        cpu->generation = 0;
        forget(cpu->tlb, S370_TLB_ENTRIES);
        forget(cpu->fetch, S370_FETCH_ENTRIES);
    }
    s370_context_changed(cpu);
}

/* A key, the translation and the PER mask are in the tag, so that coming back
 * to them finds the old entries; new tables or a new prefix are rarer and
 * forget everything. */
void s370_context_changed(struct s370_cpu *cpu)
{
    const struct s370_psw *psw = &cpu->psw;
    uint32_t context = psw->key & S370_CONTEXT_KEY;

    if (psw->ec && (psw->system_mask & S370_MASK_DAT))
        context |= S370_CONTEXT_DAT;
    if (psw->ec && (psw->system_mask & S370_MASK_PER))
        context |= S370_CONTEXT_PER;
    cpu->context = context | cpu->generation;
    if (cpu->made_prefix == cpu->prefix && cpu->made_cr1 == cpu->cr[1] &&
        !((cpu->made_cr0 ^ cpu->cr[0]) &
          (S370_CR0_PAGE_SIZE | S370_CR0_SEGMENT_SIZE)))
        return;
    cpu->made_prefix = cpu->prefix;
    cpu->made_cr0 = cpu->cr[0];
    cpu->made_cr1 = cpu->cr[1];
    s370_tlb_purge(cpu);
}

/* Where the logical address is in absolute storage, if the access is allowed
 * (GA22-7000, "Protection"; the PSW key 0 matches every key). */
static int resolve(struct s370_cpu *cpu, uint32_t a, bool write,
                   uint32_t *absolute)
{
    uint32_t real = a;
    uint8_t cc;

    if (s370_psw_dat(&cpu->psw)) {
        int code = s370_translate(cpu, a, &real, &cc);
        if (code) {
            cpu->translation_address = a;
            return code;
        }
    }
    *absolute = s370_real_to_absolute(real, cpu->prefix);
    if (*absolute >= cpu->storage->size)
        return S370_PGM_ADDRESSING;
    uint8_t key = cpu->storage->keys[*absolute / S370_BLOCK];
    if (cpu->psw.key == 0 || key >> 4 == cpu->psw.key)
        return 0;
    return write || (key & S370_KEY_FETCH) ? S370_PGM_PROTECTION : 0;
}

int s370_tlb_fill(struct s370_cpu *cpu, uint32_t a, bool write,
                  struct s370_tlb_entry **out)
{
    uint32_t block, tag, absolute = 0;

    a &= S370_ADDRESS_MASK;
    block = a / S370_BLOCK * S370_BLOCK;
    struct s370_tlb_entry *e = s370_tlb_at(cpu, a);
    TRY(resolve(cpu, a, write, &absolute));
    tag = block | cpu->context;
    uint8_t *key = &cpu->storage->keys[absolute / S370_BLOCK];
    uint8_t *host = cpu->storage->bytes + absolute / S370_BLOCK * S370_BLOCK;
    *key |= write ? S370_KEY_REFERENCE | S370_KEY_CHANGE : S370_KEY_REFERENCE;
    if (e->read_tag != tag || e->host != host)
        e->write_tag = ~0u;
    if (write)
        e->write_tag = cpu->context & S370_CONTEXT_PER ? ~0u : tag;
    e->read_tag = tag;
    e->host = host;
    *out = e;
    return 0;
}

int s370_fetch_fill(struct s370_cpu *cpu, uint32_t a,
                    struct s370_tlb_entry **out)
{
    struct s370_tlb_entry *e = s370_fetch_at(cpu, a);
    uint32_t absolute = 0;

    TRY(resolve(cpu, a, false, &absolute));
    cpu->storage->keys[absolute / S370_BLOCK] |= S370_KEY_REFERENCE;
    e->read_tag = a / S370_BLOCK * S370_BLOCK | cpu->context;
    e->host = cpu->storage->bytes + absolute / S370_BLOCK * S370_BLOCK;
    *out = e;
    return 0;
}

/* A valid entry that allows stores says so; otherwise the rules do. */
int s370_check_block(struct s370_cpu *cpu, uint32_t a, bool write)
{
    uint32_t absolute;

    a &= S370_ADDRESS_MASK;
    const struct s370_tlb_entry *e = s370_tlb_at(cpu, a);
    uint32_t tag = a / S370_BLOCK * S370_BLOCK | cpu->context;
    if (e->write_tag == tag || (!write && e->read_tag == tag))
        return 0;
    return resolve(cpu, a, write, &absolute);
}
