#include "s370/engine/trap_shadow.h"

#include "base/bytes.h"
#include "s370/machine/dat.h"

enum {
    SEGMENTS = 256, /* of 64K: all that 24 bits address */
    SEGMENT_ENTRY = 4,
    PAGES_A_SEGMENT = 32,
    PAGE_TABLE = PAGES_A_SEGMENT * 2,
    SEGMENT_BITS = 16,
    PAGE_BITS = 11
};

static const uint32_t page_table_full = 0xF0000000; /* sixteen sixteenths */
static const uint32_t segment_invalid = 0x00000001;
static const uint16_t page_invalid = 0x0004;

static uint8_t *segment_entry(const struct trap_vm *t, uint32_t segment)
{
    return t->machine->storage.bytes + t->shadow + segment * SEGMENT_ENTRY;
}

static uint32_t page_table(const struct trap_vm *t, uint32_t segment)
{
    return t->shadow + SEGMENTS * SEGMENT_ENTRY + segment * PAGE_TABLE;
}

enum status trap_shadow_init(struct vm *vm)
{
    struct trap_vm *t = vm->backing;
    struct allocator *a = t->machine->allocator;
    uint64_t at;

    enum status st =
        allocator_keep(a, SEGMENTS * (SEGMENT_ENTRY + PAGE_TABLE), 64, &at);
    if (st)
        return diag_set(&vm->diag, st, "shadow tables: %s", a->diag.text);
    t->shadow = (uint32_t)at;
    t->shadow_cr1 = (SEGMENTS / 16 - 1) << 24 | t->shadow;
    t->shadow_filled = true;
    trap_shadow_drop(t);
    return STATUS_OK;
}

void trap_shadow_drop(struct trap_vm *t)
{
    if (!t->shadow_filled)
        return;
    for (uint32_t i = 0; i < SEGMENTS; i++)
        store_be32(segment_entry(t, i), segment_invalid);
    t->shadow_filled = false;
}

/* A segment's first entry since the tables were dropped. */
static void open_segment(struct trap_vm *t, uint32_t segment)
{
    uint8_t *entries = t->machine->storage.bytes + page_table(t, segment);

    for (unsigned i = 0; i < PAGES_A_SEGMENT; i++)
        store_be16(entries + i * 2, page_invalid);
    store_be32(segment_entry(t, segment),
               page_table_full | page_table(t, segment));
    t->shadow_filled = true;
}

int trap_shadow_fill(struct trap_vm *t, const struct s370_vcpu *g,
                     uint32_t logical)
{
    struct s370_dat tables = {&g->storage, g->prefix, g->cr[0], g->cr[1]};
    uint32_t segment = logical >> SEGMENT_BITS;
    uint32_t page = logical >> PAGE_BITS & (PAGES_A_SEGMENT - 1);
    uint8_t *host = t->machine->storage.bytes;
    uint32_t guest_real;
    uint8_t cc;

    int code = s370_dat_walk(&tables, logical, &guest_real, &cc);
    if (code)
        return code;
    uint32_t absolute = s370_real_to_absolute(guest_real, g->prefix);
    if (absolute >= g->storage.size)
        return S370_PGM_ADDRESSING;
    uint32_t real = (uint32_t)(g->storage.bytes - host) + absolute;
    if (load_be32(segment_entry(t, segment)) & segment_invalid)
        open_segment(t, segment);
    store_be16(host + page_table(t, segment) + page * 2,
               (uint16_t)(real >> PAGE_BITS << 3));
    return 0;
}
