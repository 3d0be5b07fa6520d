#include "x86vmm/vtx/vmcs.h"

#include "base/bytes.h"
#include "base/table.h"

const struct vmcs_field_desc vmcs_fields[VMCS_FIELD_COUNT] = {
#define FIELD(encoding, name, section, words) {encoding, #name, section, words},
#include "x86vmm/vtx/vmcs.def"
#undef FIELD
};

_Static_assert(VMCS_AT_FIELDS + 8 * VMCS_FIELD_COUNT <= VMCS_REGION,
               "a region holds all fields");

/* Rows are in the order of their encodings. */
enum vmcs_field vmcs_find(uint64_t encoding)
{
    unsigned low = 0, high = VMCS_FIELD_COUNT;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (vmcs_fields[middle].encoding < encoding)
            low = middle + 1;
        else
            high = middle;
    }
    return low < VMCS_FIELD_COUNT && vmcs_fields[low].encoding == encoding
               ? (enum vmcs_field)low
               : VMCS_FIELD_COUNT;
}

enum vmcs_field vmcs_named(const char *name, size_t n)
{
    unsigned i = 0;

    while (i < VMCS_FIELD_COUNT && !table_name_is(vmcs_fields[i].name, name, n))
        i++;
    return (enum vmcs_field)i;
}

unsigned vmcs_width(enum vmcs_field f)
{
    static const uint8_t widths[4] = {16, 64, 32, 64};

    return widths[vmcs_fields[f].encoding >> 13 & 3];
}

enum vmcs_kind vmcs_kind(enum vmcs_field f)
{
    return (enum vmcs_kind)(vmcs_fields[f].encoding >> 10 & 3);
}

const char *vmcs_kind_words(enum vmcs_kind kind)
{
    static const char *const words[VMCS_KIND_COUNT] = {
        "control", "read-only", "guest state", "host state"};

    return words[kind];
}

static uint64_t rights_of(uint16_t attr)
{
    return (attr & 0xFFu) | (uint64_t)(attr & 0xF00u) << 4 |
           (attr & X86_ATTR_UNUSABLE ? 0x10000 : 0);
}

void vmcs_put_segments(struct vmcs *v, const struct x86_state *s)
{
    for (unsigned i = 0; i < X86_SEG_COUNT; i++) {
        v->field[VMCS_GUEST_ES_SELECTOR + i] = s->seg[i].selector;
        v->field[VMCS_GUEST_ES_BASE + i] = s->seg[i].base;
        v->field[VMCS_GUEST_ES_LIMIT + i] = s->seg[i].limit;
        v->field[VMCS_GUEST_ES_RIGHTS + i] = rights_of(s->seg[i].attr);
    }
    v->field[VMCS_GUEST_GDTR_BASE] = s->gdt.base;
    v->field[VMCS_GUEST_GDTR_LIMIT] = s->gdt.limit;
    v->field[VMCS_GUEST_IDTR_BASE] = s->idt.base;
    v->field[VMCS_GUEST_IDTR_LIMIT] = s->idt.limit;
}

void vmcs_load(struct vmcs *v, const uint8_t *region)
{
    v->launched = load_le32(region + VMCS_AT_LAUNCHED) == 1;
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        vmcs_set(v, (enum vmcs_field)i,
                 load_le64(region + VMCS_AT_FIELDS + 8 * i));
}

void vmcs_store(const struct vmcs *v, uint8_t *region)
{
    store_le32(region + VMCS_AT_LAUNCHED, v->launched);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        store_le64(region + VMCS_AT_FIELDS + 8 * i, v->field[i]);
}
