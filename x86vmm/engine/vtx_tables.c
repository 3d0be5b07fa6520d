/* What the VMCS points to, in the modelled machine's storage above the guest's:
 * page 0 the MSR bitmaps, page 1 the root of the EPT paging structures, then
 * the others (Intel SDM vol. 3, "MSR-Bitmap Address", "EPT Translation
 * Mechanism"). */
#include "base/bytes.h"
#include "x86vmm/engine/vtx_host.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 4096,
    EPT_RX = 5,
    EPT_RWX = 7,
    EPT_LARGE = 0x80,
    EPT_WRITE_BACK = 6 << 3,
    EPTP_FOUR_LEVELS = 3 << 3 | 6
};
#define LARGE  UINT64_C(0x200000)
#define REGION UINT64_C(0x40000000)

/* The guest's own: the processor has nobody else to keep them for. */
static const uint32_t own_msrs[] = {
    0x10,       0x174,      0x175,      0x176,      /* TSC SYSENTER_* */
    0x1A0,      0x277,                              /* MISC_ENABLE PAT */
    0xC0000080, 0xC0000081, 0xC0000082, 0xC0000083, /* EFER *STAR */
    0xC0000084, 0xC0000100, 0xC0000101, 0xC0000102, /* FMASK *_BASE */
    0xC0000103                                      /* TSC_AUX */
};

uint64_t vtx_msr_bitmap(void)
{
    return VTX_TABLES;
}

uint64_t vtx_ept_pointer(void)
{
    return (VTX_TABLES + PAGE) | EPTP_FOUR_LEVELS;
}

/* A clear bit does not exit: reads in the first half, writes in the second,
 * low MSRs and C000_0000 on in each. */
static void make_bitmap(uint8_t *map)
{
    memset(map, 0xFF, PAGE);
    for (size_t i = 0; i < ARRAY_LEN(own_msrs); i++) {
        unsigned n = own_msrs[i] & 0x1FFF;
        unsigned at = (own_msrs[i] >> 31 ? 1024 : 0) + n / 8;

        map[at] &= (uint8_t) ~(1u << n % 8);
        map[at + 2048] &= (uint8_t) ~(1u << n % 8);
    }
}

struct maker {
    uint8_t *tables;
    uint64_t used; /* pages */
};

/* The entry for gpa at this level (0: of 4-KiB pages), with tables made on the
 * way. */
static uint8_t *entry_at(struct maker *m, uint64_t gpa, unsigned level)
{
    uint8_t *table = m->tables + PAGE;

    for (unsigned at = 3;; at--) {
        uint8_t *entry = table + 8 * (gpa >> (12 + 9 * at) & 511);

        if (at == level)
            return entry;
        if (!load_le64(entry))
            store_le64(entry, (VTX_TABLES + PAGE * m->used++) | EPT_RWX);
        table =
            m->tables + ((load_le64(entry) & ~UINT64_C(0xFFF)) - VTX_TABLES);
    }
}

static void map_slot(struct maker *m, const struct mem_slot *s)
{
    uint64_t end = s->gpa + s->size,
             rights =
                 (s->flags & MEM_READ_ONLY ? EPT_RX : EPT_RWX) | EPT_WRITE_BACK;

    for (uint64_t gpa = s->gpa; gpa < end;) {
        bool large = gpa % LARGE == 0 && end - gpa >= LARGE;

        store_le64(entry_at(m, gpa, large),
                   gpa | rights | (large ? EPT_LARGE : 0));
        gpa += large ? LARGE : PAGE;
    }
}

/* At most: one page of level 2, and for each slot those of its GiBs and of its
 * two ends. */
static uint64_t pages_for(const struct mem_map *mem)
{
    uint64_t n = 3;

    for (unsigned i = 0; i < mem->count; i++)
        n += mem->slots[i].size / REGION + 2 + 2;
    return n;
}

enum status vtx_make_tables(struct vm *vm)
{
    struct vtx_machine *m = vm->backing;
    struct maker maker;

    m->bytes = (size_t)(pages_for(&vm->mem) * PAGE);
    m->tables = calloc(1, m->bytes);
    if (!m->tables)
        return diag_set(&vm->diag, STATUS_NO_MEMORY, "no memory for EPT");
    maker = (struct maker){m->tables, 2};
    make_bitmap(m->tables);
    for (unsigned i = 0; i < vm->mem.count; i++)
        map_slot(&maker, &vm->mem.slots[i]);
    if (mem_add(&m->mem,
                &(struct mem_slot){VTX_TABLES, m->bytes, m->tables, 0}))
        return diag_set(&vm->diag, STATUS_BAD_INPUT, "too many slots");
    return STATUS_OK;
}
