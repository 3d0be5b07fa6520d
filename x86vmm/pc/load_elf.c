/* ELF executables, as their specification has them (System V ABI, "Object
 * Files"): only what a boot loader needs. */
#include "base/bytes.h"
#include "x86vmm/pc/load.h"

#include <string.h>

enum {
    ELF_HEADER_32 = 52,
    ELF_HEADER_64 = 64,
    SEGMENT_32 = 32,
    SEGMENT_64 = 56,
    CLASS_32 = 1,
    CLASS_64 = 2,
    LITTLE = 1,
    TYPE_EXECUTABLE = 2,
    TYPE_SHARED = 3,
    MACHINE_386 = 3,
    MACHINE_X86_64 = 62,
    PT_LOAD = 1,
    PT_NOTE = 4,
    NOTE_HEADER = 12,
    NOTE_PHYS32_ENTRY = 18 /* xen/include/public/elfnote.h */
};

struct header {
    bool is_64;
    uint64_t entry, segments; /* offset of the program headers */
    uint32_t size, count;
};

struct segment {
    uint32_t type;
    uint64_t offset, virtual_address, physical, in_file, in_storage;
};

static enum status bad(const struct load_file *f, uint64_t offset,
                       const char *words, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "%s: offset %llx: %s", f->name,
                    (unsigned long long)offset, words);
}

static enum status read_header(const struct load_file *f, struct header *h,
                               struct diag *diag)
{
    const uint8_t *b = f->bytes;
    enum status st = load_check(f, 0, ELF_HEADER_32, "the ELF header", diag);

    if (st)
        return st;
    if (memcmp(b, "\177ELF", 4) != 0) /* it has a Multiboot header, though */
        return bad(f, 0,
                   "neither an ELF nor a kernel that tells its addresses; a "
                   "whole disk wants firmware to start it",
                   diag);
    h->is_64 = b[4] == CLASS_64;
    if ((b[4] != CLASS_32 && !h->is_64) || b[5] != LITTLE)
        return bad(f, 4, "not an ELF of 32 or 64 bits, little-endian", diag);
    st = load_check(f, 0, h->is_64 ? ELF_HEADER_64 : ELF_HEADER_32,
                    "the ELF header", diag);
    if (st)
        return st;
    uint16_t type = load_le16(b + 16), machine = load_le16(b + 18);
    if (type != TYPE_EXECUTABLE && type != TYPE_SHARED)
        return bad(f, 16, "not an executable", diag);
    if (machine != MACHINE_386 && machine != MACHINE_X86_64)
        return bad(f, 18, "not for an x86 processor", diag);
    h->entry = h->is_64 ? load_le64(b + 24) : load_le32(b + 24);
    h->segments = h->is_64 ? load_le64(b + 32) : load_le32(b + 28);
    h->size = load_le16(b + (h->is_64 ? 54 : 42));
    h->count = load_le16(b + (h->is_64 ? 56 : 44));
    if (h->size < (h->is_64 ? SEGMENT_64 : SEGMENT_32))
        return bad(f, h->is_64 ? 54 : 42, "program headers are too small",
                   diag);
    return load_check(f, h->segments, (uint64_t)h->size * h->count,
                      "the program headers", diag);
}

static struct segment read_segment(const struct load_file *f,
                                   const struct header *h, uint32_t i)
{
    const uint8_t *p = f->bytes + h->segments + (uint64_t)i * h->size;

    if (h->is_64)
        return (struct segment){load_le32(p),      load_le64(p + 8),
                                load_le64(p + 16), load_le64(p + 24),
                                load_le64(p + 32), load_le64(p + 40)};
    return (struct segment){load_le32(p),      load_le32(p + 4),
                            load_le32(p + 8),  load_le32(p + 12),
                            load_le32(p + 16), load_le32(p + 20)};
}

static uint64_t padded(uint64_t n)
{
    return (n + 3) & ~UINT64_C(3);
}

/* Xen's note among those of a segment: sizes of name and description, type;
 * then both, padded. */
static enum status find_note(const struct load_file *f, const struct segment *s,
                             struct load_elf *elf, struct diag *diag)
{
    uint64_t at = s->offset, end = s->offset + s->in_file;
    enum status st = load_check(f, at, s->in_file, "a segment of notes", diag);

    if (st)
        return st;
    while (end - at >= NOTE_HEADER) {
        const uint8_t *p = f->bytes + at;
        uint64_t name = padded(load_le32(p)), size = load_le32(p + 4);

        if (name + padded(size) > end - at - NOTE_HEADER)
            return STATUS_OK; /* a last note that is cut: not ours */
        if (load_le32(p + 8) == NOTE_PHYS32_ENTRY && load_le32(p) == 4 &&
            !memcmp(p + NOTE_HEADER, "Xen", 4) && size >= 4)
            elf->pvh = load_le32(p + NOTE_HEADER + name);
        at += NOTE_HEADER + name + padded(size);
    }
    return STATUS_OK;
}

static enum status each_segment(const struct load_plan *plan,
                                const struct load_file *f,
                                const struct segment *s, struct load_elf *elf,
                                struct diag *diag)
{
    if (s->type == PT_NOTE)
        return find_note(f, s, elf, diag);
    if (s->type != PT_LOAD || !s->in_storage)
        return STATUS_OK;
    if (s->in_file > s->in_storage || s->physical + s->in_storage < s->physical)
        return bad(f, s->offset, "a segment's sizes contradict each other",
                   diag);
    if (elf->entry - s->virtual_address < s->in_storage)
        elf->entry += s->physical - s->virtual_address;
    elf->first = min_u64(elf->first, s->physical);
    if (s->physical + s->in_storage > elf->end)
        elf->end = s->physical + s->in_storage;
    if (!plan)
        return STATUS_OK;
    return load_copy(plan, f, s->offset, s->in_file, s->physical, s->in_storage,
                     diag);
}

/* Without a plan nothing is loaded. */
static enum status walk(const struct load_plan *plan, const struct load_file *f,
                        struct load_elf *elf, struct diag *diag)
{
    struct header h = {.count = 0};
    enum status st = read_header(f, &h, diag);

    *elf = (struct load_elf){.first = UINT64_MAX};
    if (st)
        return st;
    elf->entry = h.entry;
    for (uint32_t i = 0; i < h.count && !st; i++) {
        struct segment s = read_segment(f, &h, i);

        st = each_segment(plan, f, &s, elf, diag);
    }
    if (!st && !elf->end)
        st = bad(f, h.segments, "there is nothing to load", diag);
    return st;
}

enum status load_elf_look(const struct load_file *f, struct load_elf *elf,
                          struct diag *diag)
{
    return walk(NULL, f, elf, diag);
}

enum status load_elf(const struct load_plan *plan, struct load_elf *elf,
                     struct diag *diag)
{
    return walk(plan, &plan->kernel, elf, diag);
}

/* ---- PVH ---- (Xen, docs/misc/pvh.pandoc; public/arch-x86/hvm/start_info.h)
 */

enum {
    INFO_MAGIC = 0x336EC578,
    INFO_MODULES = 0x40,
    INFO_RANGES = 0x80,
    RANGE_SIZE = 24
};

static void put_info(const struct load_plan *plan, uint8_t *info,
                     uint64_t initrd)
{
    struct load_range ranges[LOAD_RANGES];

    load_ranges(plan, ranges);
    memset(info, 0, 0x1000);
    store_le32(info, INFO_MAGIC);
    store_le32(info + 4, 1); /* version */
    store_le32(info + 12, initrd ? 1 : 0);
    store_le64(info + 16, LOAD_INFO + INFO_MODULES);
    store_le64(info + 24, LOAD_COMMAND);
    store_le64(info + 40, LOAD_INFO + INFO_RANGES);
    store_le32(info + 48, LOAD_RANGES);
    store_le64(info + INFO_MODULES, initrd);
    store_le64(info + INFO_MODULES + 8, plan->initrd.size);
    for (unsigned i = 0; i < LOAD_RANGES; i++) {
        uint8_t *p = info + INFO_RANGES + (size_t)i * RANGE_SIZE;

        store_le64(p, ranges[i].first);
        store_le64(p + 8, ranges[i].size);
        store_le32(p + 16, ranges[i].type);
    }
}

enum status load_pvh(const struct load_plan *plan, struct x86_state *s,
                     struct diag *diag)
{
    uint8_t *info = mem_at(plan->mem, LOAD_INFO, 0x1000);
    struct load_elf elf;
    uint64_t initrd;
    enum status st = load_elf_look(&plan->kernel, &elf, diag);

    if (!st && !elf.pvh)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: an ELF with neither a Multiboot header nor Xen's "
                        "note of a 32-bit entry (PVH)",
                        plan->kernel.name);
    if (!st)
        st = load_elf(plan, &elf, diag);
    if (!st)
        st = load_command(plan, diag);
    if (!st)
        st = load_initrd(plan, elf.end, UINT64_MAX, &initrd, diag);
    if (!st)
        st = load_enter(plan, s, LOAD_ENTRY_32, elf.pvh, diag);
    if (st)
        return st;
    put_info(plan, info, initrd);
    s->gpr[X86_RBX] = LOAD_INFO;
    return STATUS_OK;
}
