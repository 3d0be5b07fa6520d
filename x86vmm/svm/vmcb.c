#include "x86vmm/svm/vmcb.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/table.h"

const struct vmcb_field_desc vmcb_fields[VMCB_FIELD_COUNT] = {
#define FIELD(offset, size, name, area, section, words) \
    {offset, size, VMCB_AREA_##area, #name, section, words},
#include "x86vmm/svm/vmcb.def"
#undef FIELD
};

enum vmcb_field vmcb_named(const char *name, size_t n)
{
    unsigned i = 0;

    while (i < VMCB_FIELD_COUNT && !table_name_is(vmcb_fields[i].name, name, n))
        i++;
    return (enum vmcb_field)i;
}

const char *vmcb_area_words(enum vmcb_area area)
{
    static const char *const words[VMCB_AREA_COUNT] = {
        "control", "control", "exit", "state", "VMLOAD", "not used"};

    return words[area];
}

void vmcb_set(struct vmcb *v, enum vmcb_field f, uint64_t value)
{
    v->field[f] = value & BITS_MASK(8 * vmcb_fields[f].size);
}

/* ---- In storage ---- */

static uint64_t load(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;

    switch (size) {
    case 8:
        return load_le64(at);
    case 4:
        return load_le32(at);
    case 2:
        return load_le16(at);
    default:
        while (size-- > 0)
            value = value << 8 | at[size];
        return value;
    }
}

static void store(uint8_t *at, unsigned size, uint64_t value)
{
    switch (size) {
    case 8:
        store_le64(at, value);
        return;
    case 4:
        store_le32(at, (uint32_t)value);
        return;
    case 2:
        store_le16(at, (uint16_t)value);
        return;
    default:
        for (unsigned i = 0; i < size; i++)
            at[i] = (uint8_t)(value >> (8 * i));
    }
}

void vmcb_load(struct vmcb *v, const uint8_t *page)
{
    for (unsigned i = 0; i < VMCB_FIELD_COUNT; i++) {
        const struct vmcb_field_desc *f = &vmcb_fields[i];

        v->field[i] =
            page ? load(page + f->offset, f->size) : BITS_MASK(8 * f->size);
    }
}

void vmcb_store(const struct vmcb *v, unsigned areas, uint8_t *page)
{
    for (unsigned i = 0; i < VMCB_FIELD_COUNT; i++) {
        const struct vmcb_field_desc *f = &vmcb_fields[i];

        if (areas >> f->area & 1)
            store(page + f->offset, f->size, v->field[i]);
    }
}

/* ---- Segments ---- */

enum vmcb_field vmcb_segment(enum x86_seg seg)
{
    static const uint8_t rows[X86_SEG_COUNT] = {
        VMCB_ES_SELECTOR,   VMCB_CS_SELECTOR, VMCB_SS_SELECTOR,
        VMCB_DS_SELECTOR,   VMCB_FS_SELECTOR, VMCB_GS_SELECTOR,
        VMCB_LDTR_SELECTOR, VMCB_TR_SELECTOR};

    return (enum vmcb_field)rows[seg];
}

enum { ATTR_ALL = 0xFFF };

/* CS is taken for present. */
static uint16_t attributes(enum x86_seg seg, uint64_t given)
{
    uint16_t a = given & ATTR_ALL;

    return seg == X86_CS || (a & X86_ATTR_P) ? a : a | X86_ATTR_UNUSABLE;
}

/* 48 bits, the upper ones as bit 47. */
static uint64_t canonical(uint64_t base)
{
    return (uint64_t)((int64_t)(base << 16) >> 16);
}

struct x86_segment vmcb_get_segment(const struct vmcb *v, enum x86_seg seg)
{
    const uint64_t *row = &v->field[vmcb_segment(seg)];

    return (struct x86_segment){.selector = (uint16_t)row[0],
                                .attr = attributes(seg, row[VMCB_ATTRIB]),
                                .limit = (uint32_t)row[VMCB_LIMIT],
                                .base = canonical(row[VMCB_BASE])};
}

void vmcb_put_segment(struct vmcb *v, enum x86_seg seg,
                      const struct x86_segment *s)
{
    uint64_t *row = &v->field[vmcb_segment(seg)];
    bool usable = !(s->attr & X86_ATTR_UNUSABLE);

    row[0] = s->selector;
    row[VMCB_ATTRIB] = s->attr & (usable ? ATTR_ALL : ATTR_ALL & ~X86_ATTR_P);
    row[VMCB_LIMIT] = s->limit;
    row[VMCB_BASE] = s->base;
}
