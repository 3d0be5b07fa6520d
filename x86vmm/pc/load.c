#include "x86vmm/pc/load.h"

#include "base/bytes.h"
#include "x86vmm/machine/mode.h"
#include "x86vmm/pc/board.h"
#include "x86vmm/pc/mp_table.h"

#include <string.h>

enum { PAGE = 4096, ROM_BEGIN = 0xF0000 };

static const char *const titles[LOAD_KINDS] = {
    [LOAD_REAL] = "boot sector",           [LOAD_FLAT] = "flat image",
    [LOAD_MULTIBOOT] = "Multiboot kernel", [LOAD_PVH] = "PVH kernel",
    [LOAD_LINUX] = "Linux kernel",
};

const char *load_kind_title(enum load_kind kind)
{
    return kind < LOAD_KINDS ? titles[kind] : "?";
}

enum load_kind load_kind(const struct load_file *f)
{
    static const uint8_t elf[4] = {0x7F, 'E', 'L', 'F'};

    if (load_linux_is(f))
        return LOAD_LINUX;
    if (load_multiboot_find(f) >= 0)
        return LOAD_MULTIBOOT;
    if (f->size >= sizeof(elf) && !memcmp(f->bytes, elf, sizeof(elf)))
        return LOAD_PVH;
    return x86_mode_of_image(f->bytes, f->size) == X86_MODE_REAL ? LOAD_REAL
                                                                 : LOAD_FLAT;
}

/* ---- Parts ---- */

enum status load_check(const struct load_file *f, uint64_t offset, uint64_t n,
                       const char *what, struct diag *diag)
{
    if (offset <= f->size && n <= f->size - offset)
        return STATUS_OK;
    return diag_set(diag, STATUS_BAD_INPUT,
                    "%s: offset %llx: the file ends within %s", f->name,
                    (unsigned long long)offset, what);
}

/* Below this there are tables of ours. */
static uint64_t lowest(const struct load_file *f)
{
    return load_linux_is(f) ? LOAD_LOW_END : LOAD_LOW_END_32;
}

enum status load_copy(const struct load_plan *plan, const struct load_file *f,
                      uint64_t offset, uint64_t n, uint64_t gpa, uint64_t room,
                      struct diag *diag)
{
    enum status st = load_check(f, offset, n, "a part to be loaded", diag);
    uint8_t *to;

    if (st)
        return st;
    room = room < n ? n : room;
    if (!room)
        return STATUS_OK;
    to = room <= plan->storage && gpa >= lowest(f)
             ? mem_at(plan->mem, gpa, room)
             : NULL;
    if (!to)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: offset %llx: %llu bytes have no place at %llx in "
                        "storage of %llu MiB",
                        f->name, (unsigned long long)offset,
                        (unsigned long long)room, (unsigned long long)gpa,
                        (unsigned long long)(plan->storage >> 20));
    memcpy(to, f->bytes + offset, (size_t)n);
    memset(to + n, 0, (size_t)(room - n));
    return STATUS_OK;
}

enum status load_command(const struct load_plan *plan, struct diag *diag)
{
    const char *text = plan->append ? plan->append : "";
    size_t n = strlen(text) + 1;
    uint8_t *to = mem_at(plan->mem, LOAD_COMMAND, LOAD_COMMAND_MAX);

    if (!to || n > LOAD_COMMAND_MAX)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "a command line of %llu characters: at most %d",
                        (unsigned long long)n - 1, LOAD_COMMAND_MAX - 1);
    memcpy(to, text, n);
    return STATUS_OK;
}

enum status load_initrd(const struct load_plan *plan, uint64_t floor,
                        uint64_t limit, uint64_t *gpa, struct diag *diag)
{
    const struct load_file *f = &plan->initrd;
    uint64_t end = min_u64(limit, plan->storage) & ~(uint64_t)(PAGE - 1);

    *gpa = 0;
    if (!f->bytes || !f->size)
        return STATUS_OK;
    if (f->size > end || ((end - f->size) & ~(uint64_t)(PAGE - 1)) < floor)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: %llu bytes have no room between the kernel's end "
                        "at %llx and %llx",
                        f->name, (unsigned long long)f->size,
                        (unsigned long long)floor, (unsigned long long)end);
    *gpa = (end - f->size) & ~(uint64_t)(PAGE - 1);
    return load_copy(plan, f, 0, f->size, *gpa, 0, diag);
}

void load_ranges(const struct load_plan *plan,
                 struct load_range ranges[LOAD_RANGES])
{
    enum { RAM = 1, RESERVED = 2 };

    ranges[0] = (struct load_range){0, PC_EBDA, RAM};
    ranges[1] = (struct load_range){PC_EBDA, PC_LOW_END - PC_EBDA, RESERVED};
    ranges[2] =
        (struct load_range){ROM_BEGIN, PC_HIGH_BEGIN - ROM_BEGIN, RESERVED};
    ranges[3] =
        (struct load_range){PC_HIGH_BEGIN, plan->storage - PC_HIGH_BEGIN, RAM};
}

/* ---- The processor's state ---- */

/* Selectors: Linux's boot protocol wants code at 10h and data at 18h.  To the
 * others it is all the same, but kernels that set up a table of their own and
 * forget CS (xv6) are used to 8 and 10h. */
enum { SEL_LINUX_CODE = 0x10, SEL_CODE = 8, SEL_STEP = 8, GDT_SIZE = 0x20 };
enum {
    ATTR_CODE = X86_ATTR_P | X86_ATTR_S | X86_ATTR_G | 0xB,
    ATTR_DATA = X86_ATTR_P | X86_ATTR_S | X86_ATTR_G | X86_ATTR_DB | 3
};

/* Intel SDM vol. 3, "Segment Descriptors": base 0, limit 4 GiB. */
static uint64_t descriptor(uint16_t attr)
{
    return 0xFFFF | (uint64_t)(attr & 0xFF) << 40 | UINT64_C(0xF) << 48 |
           (uint64_t)(attr >> 8 & 0xF) << 52;
}

/* Intel SDM vol. 3, "4-Level Paging": 2-MiB pages. */
static void make_pages(struct x86_state *s, uint8_t *pages)
{
    enum { P_RW = 3, LARGE = 0x80 };

    memset(pages, 0, 2 * PAGE);
    store_le64(pages, (LOAD_PAGES + PAGE) | P_RW);
    for (uint64_t i = 0; i < 4; i++)
        store_le64(pages + PAGE + 8 * i, (LOAD_PAGES + (2 + i) * PAGE) | P_RW);
    for (uint64_t i = 0; i < 4 * 512; i++)
        store_le64(pages + 2 * PAGE + 8 * i, i << 21 | LARGE | P_RW);
    s->cr3 = LOAD_PAGES;
    s->cr4 = X86_CR4_PAE;
    s->efer = X86_EFER_LME | X86_EFER_LMA;
    s->cr0 |= X86_CR0_PG;
}

enum status load_enter(const struct load_plan *plan, struct x86_state *s,
                       enum load_entry how, uint64_t entry, struct diag *diag)
{
    uint8_t *gdt = mem_at(plan->mem, LOAD_GDT, LOAD_LOW_END - LOAD_GDT);
    bool bits64 = how == LOAD_ENTRY_LINUX_64;
    uint16_t code = ATTR_CODE | (bits64 ? X86_ATTR_L : X86_ATTR_DB);
    uint16_t cs = how == LOAD_ENTRY_32 ? SEL_CODE : SEL_LINUX_CODE;
    uint16_t ds = cs + SEL_STEP;

    if (!gdt)
        return diag_set(diag, STATUS_BAD_INPUT, "no storage for tables");
    memset(gdt, 0, GDT_SIZE);
    store_le64(gdt + cs, descriptor(code));
    store_le64(gdt + ds, descriptor(ATTR_DATA));
    x86_state_reset(s);
    s->gdt = (struct x86_table_reg){LOAD_GDT, GDT_SIZE - 1};
    s->idt = (struct x86_table_reg){0, 0};
    for (unsigned i = X86_ES; i <= X86_GS; i++)
        s->seg[i] = (struct x86_segment){
            .limit = UINT32_MAX, .selector = ds, .attr = ATTR_DATA};
    s->seg[X86_CS].selector = cs;
    s->seg[X86_CS].attr = code;
    s->cr0 = X86_CR0_PE | X86_CR0_ET;
    if (bits64)
        make_pages(s, gdt + (LOAD_PAGES - LOAD_GDT));
    s->rip = entry;
    return STATUS_OK;
}

/* ---- Images without headers ---- */

static enum status load_image(const struct load_plan *plan,
                              struct x86_state *state, struct diag *diag)
{
    const struct load_file *f = &plan->kernel;
    enum x86_mode mode = x86_mode_of_image(f->bytes, f->size);
    uint64_t at = x86_load_at(mode);
    uint8_t *to = mem_at(plan->mem, at, f->size);

    if (!to)
        return diag_set(
            diag, STATUS_BAD_INPUT, "%s: %llu bytes have no place at %llx%s",
            f->name, (unsigned long long)f->size, (unsigned long long)at,
            mode == X86_MODE_REAL ? ": a whole disk wants firmware to start it"
                                  : "");
    memcpy(to, f->bytes, f->size);
    enum status st = x86_mode_enter(mode, state, plan->mem, at);
    return st ? diag_set(diag, st, "%s: it cannot start", f->name) : st;
}

enum status load_kernel(const struct load_plan *plan, struct x86_state *state,
                        struct diag *diag)
{
    const struct load_file *f = &plan->kernel;

    if (!f->bytes || !f->size)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: the file is empty",
                        f->name);
    switch (load_kind(f)) {
    case LOAD_LINUX:
        return load_linux(plan, state, diag);
    case LOAD_MULTIBOOT:
        return load_multiboot(plan, state, diag);
    case LOAD_PVH:
        return load_pvh(plan, state, diag);
    default:
        return load_image(plan, state, diag);
    }
}
