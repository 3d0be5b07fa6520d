/* Segment and page tables in real storage (GA22-7000, "Dynamic Address
 * Translation"): 64K segments of sixteen 4K pages, one set for each guest,
 * from guest real to real addresses. */
#include "s370/engine/trap_map.h"

#include "base/bytes.h"

enum {
    PAGE = 4096,
    SEGMENT = 65536,
    SEGMENT_ENTRY = 4,
    PAGE_ENTRY = 2,
    PAGES_A_SEGMENT = 16,
    PAGE_TABLE = PAGES_A_SEGMENT * PAGE_ENTRY,
    /* CR1 counts the segment table's length in this many entries. */
    SEGMENTS_A_UNIT = 16
};

static const uint32_t page_table_full = 0xF0000000; /* sixteen sixteenths */
static const uint32_t segment_invalid = 0x00000001;
static const uint16_t page_invalid = 0x0008;

static struct trap_vm *trap(const struct vm *vm)
{
    return vm->backing;
}

/* Where the entry of a guest page is in real storage. */
static uint8_t *page_entry(const struct trap_vm *t, uint32_t guest_real)
{
    uint32_t tables = t->tables + t->segments * SEGMENT_ENTRY;

    return t->machine->storage.bytes + tables + guest_real / PAGE * PAGE_ENTRY;
}

static void write_segments(const struct trap_vm *t, uint32_t valid)
{
    uint8_t *entry = t->machine->storage.bytes + t->tables;
    uint32_t pages = t->tables + t->segments * SEGMENT_ENTRY;

    for (uint32_t i = 0; i < t->segments; i++, entry += SEGMENT_ENTRY) {
        uint32_t origin = pages + i * PAGE_TABLE;

        store_be32(entry,
                   i < valid ? page_table_full | origin : segment_invalid);
    }
}

enum status trap_map_init(struct vm *vm, uint64_t size)
{
    struct trap_vm *t = trap(vm);
    struct allocator *a = t->machine->allocator;
    uint32_t valid = (uint32_t)((size + SEGMENT - 1) / SEGMENT);
    uint64_t at;

    t->segments =
        (valid + SEGMENTS_A_UNIT - 1) / SEGMENTS_A_UNIT * SEGMENTS_A_UNIT;
    uint64_t bytes = (uint64_t)t->segments * (SEGMENT_ENTRY + PAGE_TABLE);
    enum status st = allocator_keep(a, bytes, 64, &at);
    if (st)
        return diag_set(&vm->diag, st, "translation tables: %s", a->diag.text);
    t->tables = (uint32_t)at;
    t->cr1 = (t->segments / SEGMENTS_A_UNIT - 1) << 24 | t->tables;
    t->prefix = 0;
    write_segments(t, valid);
    for (uint32_t i = 0; i < t->segments * PAGES_A_SEGMENT; i++)
        store_be16(page_entry(t, i * PAGE), page_invalid);
    return STATUS_OK;
}

enum status trap_map_slot(struct vm *vm, const struct mem_slot *slot)
{
    struct trap_vm *t = trap(vm);
    struct s370_storage *real = &t->machine->storage;
    uint64_t at = (uint64_t)(slot->host - real->bytes);

    if (slot->gpa % PAGE || slot->size % PAGE || at % PAGE ||
        slot->gpa + slot->size > (uint64_t)t->segments * SEGMENT ||
        !allocator_owns(t->machine->allocator, vm->id, at, slot->size))
        return diag_set(&vm->diag, STATUS_BAD_INPUT,
                        "storage at %llx is not made of the guest's own pages",
                        (unsigned long long)slot->gpa);
    for (uint32_t i = 0; i < slot->size; i += PAGE)
        store_be16(page_entry(t, (uint32_t)slot->gpa + i),
                   (uint16_t)((at + i) / PAGE << 4));
    return STATUS_OK;
}

static void exchange(const struct trap_vm *t, uint32_t a, uint32_t b)
{
    uint8_t *pa = page_entry(t, a), *pb = page_entry(t, b);
    uint16_t entry = load_be16(pa);

    store_be16(pa, load_be16(pb));
    store_be16(pb, entry);
}

void trap_map_prefix(struct vm *vm, uint32_t prefix)
{
    struct trap_vm *t = trap(vm);

    exchange(t, 0, t->prefix);
    exchange(t, 0, prefix);
    t->prefix = prefix;
}
