/* Dynamic address translation (GA22-7000, "Dynamic Address Translation"). */
#include "s370/machine/dat.h"
#include "base/bits.h"
#include "base/bytes.h"
#include "s370/machine/cpu.h"

/* The formats of CR0 bits 8-12.  Any other is a translation-specification
 * exception. */
struct format {
    unsigned page_bits;    /* of the byte index: 11 or 12 */
    unsigned segment_bits; /* of page and byte index: 16 or 20 */
};

static bool format_of(uint32_t cr0, struct format *f)
{
    uint32_t page = ibm32(cr0, 8, 9), segment = ibm32(cr0, 10, 12);

    f->page_bits = page == 1 ? 11 : 12;
    f->segment_bits = segment == 0 ? 16 : 20;
    return (page == 1 || page == 2) && (segment == 0 || segment == 2);
}

/* The entry's `len` bytes at a real address, in absolute storage. */
static const uint8_t *entry_at(const struct s370_dat *t, uint32_t real,
                               unsigned len)
{
    uint32_t a = s370_real_to_absolute(real & S370_ADDRESS_MASK, t->prefix);

    if (a > t->storage->size - len)
        return NULL;
    return t->storage->bytes + a;
}

/* Segment-table entry of the address.  With a code, *real is where the entry
 * is or would be, and *cc as LOAD REAL ADDRESS wants it. */
static int find_segment(const struct s370_dat *t, const struct format *f,
                        uint32_t logical, uint32_t *entry, uint32_t *real,
                        uint8_t *cc)
{
    uint32_t cr1 = t->cr1, index = logical >> f->segment_bits;

    *real = ((cr1 & 0xFFFFC0) + index * 4) & S370_ADDRESS_MASK;
    if (index >> 4 > cr1 >> 24) {
        *cc = 3;
        return S370_PGM_SEGMENT_TRANSLATION;
    }
    const uint8_t *p = entry_at(t, *real, 4);
    if (!p)
        return S370_PGM_ADDRESSING;
    *entry = load_be32(p);
    if (*entry & 1) {
        *cc = 1;
        return S370_PGM_SEGMENT_TRANSLATION;
    }
    return *entry & 0x0F000006 ? S370_PGM_TRANSLATION_SPEC : 0;
}

/* Page-table entry, of the table that the segment-table entry names. */
static int find_page(const struct s370_dat *t, const struct format *f,
                     uint32_t segment, uint32_t logical, uint32_t *frame,
                     uint32_t *real, uint8_t *cc)
{
    unsigned index_bits = f->segment_bits - f->page_bits;
    uint32_t index = logical >> f->page_bits & ((1u << index_bits) - 1);
    uint32_t invalid = f->page_bits == 11 ? 4 : 8;

    *real = ((segment & 0xFFFFF8) + index * 2) & S370_ADDRESS_MASK;
    if (index >> (index_bits - 4) > segment >> 28) {
        *cc = 3;
        return S370_PGM_PAGE_TRANSLATION;
    }
    const uint8_t *p = entry_at(t, *real, 2);
    if (!p)
        return S370_PGM_ADDRESSING;
    uint32_t entry = load_be16(p);
    if (entry & invalid) {
        *cc = 2;
        return S370_PGM_PAGE_TRANSLATION;
    }
    if (entry & (invalid - 2)) /* bits between it and bit 15 */
        return S370_PGM_TRANSLATION_SPEC;
    *frame = (entry & ~(2 * invalid - 1)) << 8;
    return 0;
}

int s370_dat_walk(const struct s370_dat *t, uint32_t logical, uint32_t *real,
                  uint8_t *cc)
{
    struct format f;
    uint32_t segment = 0, frame = 0;

    logical &= S370_ADDRESS_MASK;
    *cc = 0;
    if (!format_of(t->cr0, &f))
        return S370_PGM_TRANSLATION_SPEC;
    int code = find_segment(t, &f, logical, &segment, real, cc);
    if (!code)
        code = find_page(t, &f, segment, logical, &frame, real, cc);
    if (!code)
        *real = frame | (logical & ((1u << f.page_bits) - 1));
    return code;
}

int s370_translate(struct s370_cpu *cpu, uint32_t logical, uint32_t *real,
                   uint8_t *cc)
{
    struct s370_dat t = {cpu->storage, cpu->prefix, cpu->cr[0], cpu->cr[1]};

    return s370_dat_walk(&t, logical, real, cc);
}
