/* The second level of translation: the guest's storage at the same addresses
 * of the modelled machine.  Tables lie in its storage above the guest's:
 * bitmaps first, the root, then the others.  The paging structures of EPT and
 * of nested paging have the same shape (Intel SDM vol. 3, "The Extended Page
 * Table Mechanism"; AMD APM vol. 2, "Nested Paging"), and differ in their bits.
 */
#include "base/bytes.h"
#include "x86vmm/engine/model_host.h"

#include <stdlib.h>

#define LARGE  UINT64_C(0x200000)
#define REGION UINT64_C(0x40000000)

struct maker {
    const struct model_table_form *form;
    uint8_t *tables;
    uint64_t used; /* pages */
};

/* The entry for gpa at this level (0: of 4-KiB pages), with tables made on the
 * way. */
static uint8_t *entry_at(struct maker *m, uint64_t gpa, unsigned level)
{
    uint8_t *table = m->tables + MODEL_PAGE * (size_t)m->form->front;

    for (unsigned at = 3;; at--) {
        uint8_t *entry = table + 8 * (gpa >> (12 + 9 * at) & 511);

        if (at == level)
            return entry;
        if (!load_le64(entry))
            store_le64(entry, (MODEL_TABLES + MODEL_PAGE * m->used++) |
                                  m->form->table);
        table =
            m->tables + ((load_le64(entry) & ~UINT64_C(0xFFF)) - MODEL_TABLES);
    }
}

static void map_slot(struct maker *m, const struct mem_slot *s)
{
    const struct model_table_form *form = m->form;
    uint64_t end = s->gpa + s->size,
             bits = s->flags & MEM_READ_ONLY ? form->fixed : form->page;

    for (uint64_t gpa = s->gpa; gpa < end;) {
        bool large = gpa % LARGE == 0 && end - gpa >= LARGE;

        store_le64(entry_at(m, gpa, large),
                   gpa | bits | (large ? form->large : 0));
        gpa += large ? LARGE : MODEL_PAGE;
    }
}

/* At most: what is in front, the root, one page of level 2, and for each slot
 * those of its GiBs and of its two ends. */
static uint64_t pages_for(const struct mem_map *mem, unsigned front)
{
    uint64_t n = front + 2;

    for (unsigned i = 0; i < mem->count; i++)
        n += mem->slots[i].size / REGION + 2 + 2;
    return n;
}

enum status model_make_tables(struct vm *vm,
                              const struct model_table_form *form)
{
    struct model_machine *m = vm->backing;
    struct maker maker;

    uint64_t pages = pages_for(&vm->mem, form->front);

    m->bytes = (size_t)((pages + form->spare) * MODEL_PAGE);
    m->spare = MODEL_TABLES + pages * MODEL_PAGE;
    m->tables = calloc(1, m->bytes);
    if (!m->tables)
        return diag_set(&vm->diag, STATUS_NO_MEMORY,
                        "no memory for the tables of storage");
    maker = (struct maker){form, m->tables, form->front + 1};
    for (unsigned i = 0; i < vm->mem.count; i++)
        map_slot(&maker, &vm->mem.slots[i]);
    if (mem_add(&m->mem,
                &(struct mem_slot){MODEL_TABLES, m->bytes, m->tables, 0}))
        return diag_set(&vm->diag, STATUS_BAD_INPUT, "too many slots");
    return STATUS_OK;
}
