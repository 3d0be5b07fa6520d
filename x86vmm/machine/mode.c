#include "x86vmm/machine/mode.h"

#include "x86vmm/machine/page_entry.h"

static const struct {
    const char *name, *title;
} modes[X86_MODE_COUNT] = {
#define MODE(name, word, title) [X86_MODE_##name] = {word, title},
#include "x86vmm/machine/mode.def"
#undef MODE
};

const char *x86_mode_name(enum x86_mode m)
{
    return m < X86_MODE_COUNT ? modes[m].name : "?";
}

const char *x86_mode_title(enum x86_mode m)
{
    return m < X86_MODE_COUNT ? modes[m].title : "?";
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

enum x86_mode x86_mode_parse(const char *word)
{
    enum x86_mode m = 0;

    while (m < X86_MODE_COUNT && !same(word, modes[m].name))
        m++;
    return m;
}

/* Selectors in the table below. */
enum { SEL_CODE32 = 0x08, SEL_DATA = 0x10, SEL_CODE64 = 0x18, GDT_SIZE = 0x20 };

enum {
    ATTR_CODE = X86_ATTR_P | X86_ATTR_S | 0xB, /* execute, read, accessed */
    ATTR_DATA = X86_ATTR_P | X86_ATTR_S | 3
}; /* read, write, accessed */

/* A flat descriptor: base 0, limit 4 GiB (Intel SDM vol. 3, "Segment
 * Descriptors"). */
static uint64_t flat_descriptor(uint16_t attr)
{
    return 0xFFFF | (uint64_t)(attr & 0xFF) << 40 | UINT64_C(0xF) << 48 |
           (uint64_t)(attr >> 8 & 0xF) << 52;
}

static struct x86_segment flat_segment(uint16_t selector, uint16_t attr)
{
    return (struct x86_segment){
        .limit = UINT32_MAX, .selector = selector, .attr = attr};
}

static void make_segments(struct x86_state *s, uint8_t *tables, bool bits64)
{
    uint16_t code32 = ATTR_CODE | X86_ATTR_DB | X86_ATTR_G;
    uint16_t code64 = ATTR_CODE | X86_ATTR_L | X86_ATTR_G;
    uint16_t data = ATTR_DATA | X86_ATTR_DB | X86_ATTR_G;
    uint8_t *gdt = tables + X86_MODE_GDT;

    store_le64(gdt, 0);
    store_le64(gdt + SEL_CODE32, flat_descriptor(code32));
    store_le64(gdt + SEL_DATA, flat_descriptor(data));
    store_le64(gdt + SEL_CODE64, flat_descriptor(code64));
    s->gdt = (struct x86_table_reg){X86_MODE_GDT, GDT_SIZE - 1};
    s->idt = (struct x86_table_reg){0, 0}; /* none: any exception shuts down */
    for (unsigned i = X86_ES; i <= X86_GS; i++)
        s->seg[i] = flat_segment(SEL_DATA, data);
    s->seg[X86_CS] = bits64 ? flat_segment(SEL_CODE64, code64)
                            : flat_segment(SEL_CODE32, code32);
}

enum { PTE_P_RW = PTE_P | PTE_W, PAGE = 0x1000 };

/* Intel SDM vol. 3, "32-Bit Paging": one directory of 4-MiB pages. */
static void make_pages_32(struct x86_state *s, uint8_t *tables)
{
    for (uint32_t i = 0; i < 1024; i++)
        store_le32(tables + X86_MODE_PAGES + 4 * i,
                   i << 22 | PTE_PS | PTE_P_RW);
    s->cr3 = X86_MODE_PAGES;
    s->cr4 |= X86_CR4_PSE;
    s->cr0 |= X86_CR0_PG;
}

/* Intel SDM vol. 3, "4-Level Paging": a PML4, a PDPT, a directory of 2-MiB
 * pages. */
static void make_pages_64(struct x86_state *s, uint8_t *tables)
{
    uint8_t *pml4 = tables + X86_MODE_PAGES;
    uint8_t *pdpt = pml4 + PAGE, *directory = pdpt + PAGE;

    __builtin_memset(pml4, 0, 2 * PAGE);
    store_le64(pml4, (X86_MODE_PAGES + PAGE) | PTE_P_RW);
    store_le64(pdpt, (X86_MODE_PAGES + 2 * PAGE) | PTE_P_RW);
    for (uint64_t i = 0; i < 512; i++)
        store_le64(directory + 8 * i, i << 21 | PTE_PS | PTE_P_RW);
    s->cr3 = X86_MODE_PAGES;
    s->cr4 |= X86_CR4_PAE;
    s->efer |= X86_EFER_LME | X86_EFER_LMA;
    s->cr0 |= X86_CR0_PG;
}

enum status x86_mode_enter(enum x86_mode m, struct x86_state *s,
                           const struct mem_map *mem, uint64_t entry)
{
    uint8_t *tables = mem_at(mem, 0, X86_MODE_TABLES_END);

    if (m >= X86_MODE_COUNT || !tables ||
        (m == X86_MODE_REAL && entry > UINT16_MAX))
        return STATUS_BAD_INPUT;
    x86_state_reset(s);
    s->rip = entry;
    s->gpr[X86_RSP] = X86_MODE_STACK;
    if (m == X86_MODE_REAL)
        return STATUS_OK;
    s->cr0 |= X86_CR0_PE | X86_CR0_NE;
    make_segments(s, tables, m == X86_MODE_LONG);
    if (m == X86_MODE_PAGED)
        make_pages_32(s, tables);
    else if (m == X86_MODE_LONG)
        make_pages_64(s, tables);
    return STATUS_OK;
}

enum x86_mode x86_mode_of_image(const uint8_t *bytes, uint64_t size)
{
    return size >= X86_BOOT_SECTOR && bytes[510] == 0x55 && bytes[511] == 0xAA
               ? X86_MODE_REAL
               : X86_MODE_LONG;
}
