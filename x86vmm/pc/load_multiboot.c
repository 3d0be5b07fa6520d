/* Multiboot 1 (The Multiboot Specification 0.6.96, "Specification"). */
#include "base/bytes.h"
#include "x86vmm/pc/load.h"

#include <string.h>

enum {
    SEARCH = 8192,
    HEADER = 12,
    HEADER_ADDRESSES = 32,
    FLAG_ADDRESSES = 0x10000,
    FLAGS_KNOWN = 0x10003, /* pages aligned, storage told, addresses */
    FLAGS_NEEDED = 0xFFFF
};
#define MAGIC      UINT32_C(0x1BADB002)
#define LOADED     UINT32_C(0x2BADB002)
#define INFO_FLAGS UINT32_C(0x24D) /* storage, line, modules, map, name */

int64_t load_multiboot_find(const struct load_file *f)
{
    for (size_t at = 0; at + HEADER <= f->size && at < SEARCH; at += 4) {
        const uint8_t *p = f->bytes + at;

        if (load_le32(p) == MAGIC &&
            MAGIC + load_le32(p + 4) + load_le32(p + 8) == 0)
            return (int64_t)at;
    }
    return -1;
}

/* A kernel that tells its addresses in the header.  *end is where it ends. */
static enum status load_addresses(const struct load_plan *plan, uint64_t at,
                                  uint64_t *entry, uint64_t *end,
                                  struct diag *diag)
{
    const struct load_file *f = &plan->kernel;
    enum status st =
        load_check(f, at, HEADER_ADDRESSES, "the Multiboot header", diag);

    if (st)
        return st;
    const uint8_t *p = f->bytes + at;
    uint32_t header = load_le32(p + 12), load = load_le32(p + 16);
    uint32_t load_end = load_le32(p + 20), bss_end = load_le32(p + 24);
    uint64_t before = (uint64_t)header - load;
    if (load > header || before > at || (load_end && load_end < load) ||
        (bss_end && bss_end < load))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: offset %llx: the Multiboot header's addresses "
                        "contradict each other",
                        f->name, (unsigned long long)at + 12);
    uint64_t from = at - before;
    uint64_t n = load_end ? load_end - load : f->size - from;
    *entry = load_le32(p + 28);
    *end = load + (bss_end && bss_end - load > n ? bss_end - load : n);
    return load_copy(plan, f, from, n, load, *end - load, diag);
}

enum {
    INFO_MODULES = 0x100, /* in the page of the info */
    INFO_MAP = 0x200,
    INFO_NAME = 0x400,
    MAP_ENTRY = 24
};

static void put_info(const struct load_plan *plan, uint8_t *info,
                     uint64_t initrd)
{
    struct load_range ranges[LOAD_RANGES];

    load_ranges(plan, ranges);
    memset(info, 0, 0x1000);
    store_le32(info, INFO_FLAGS & ~(initrd ? 0u : 8u));
    store_le32(info + 4, 639);
    store_le32(info + 8, (uint32_t)(plan->storage / 1024 - 1024));
    store_le32(info + 16, LOAD_COMMAND);
    store_le32(info + 20, initrd ? 1 : 0);
    store_le32(info + 24, LOAD_INFO + INFO_MODULES);
    store_le32(info + 44, LOAD_RANGES * MAP_ENTRY);
    store_le32(info + 48, LOAD_INFO + INFO_MAP);
    store_le32(info + 64, LOAD_INFO + INFO_NAME);
    store_le32(info + INFO_MODULES, (uint32_t)initrd);
    store_le32(info + INFO_MODULES + 4, (uint32_t)(initrd + plan->initrd.size));
    store_le32(info + INFO_MODULES + 8, LOAD_INFO + INFO_NAME);
    for (unsigned i = 0; i < LOAD_RANGES; i++) {
        uint8_t *p = info + INFO_MAP + (size_t)i * MAP_ENTRY;

        store_le32(p, MAP_ENTRY - 4);
        store_le64(p + 4, ranges[i].first);
        store_le64(p + 12, ranges[i].size);
        store_le32(p + 20, ranges[i].type);
    }
    memcpy(info + INFO_NAME, "Trapline", 9);
}

enum status load_multiboot(const struct load_plan *plan, struct x86_state *s,
                           struct diag *diag)
{
    const struct load_file *f = &plan->kernel;
    uint64_t at = (uint64_t)load_multiboot_find(f), entry = 0, end = 0, initrd;
    uint8_t *info = mem_at(plan->mem, LOAD_INFO, 0x1000);
    uint32_t flags = load_le32(f->bytes + at + 4);
    struct load_elf elf;
    enum status st;

    if (flags & FLAGS_NEEDED & ~FLAGS_KNOWN)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: offset %llx: it wants more of its loader than "
                        "there is here: flags %x",
                        f->name, (unsigned long long)at + 4, flags);
    if (flags & FLAG_ADDRESSES) {
        st = load_addresses(plan, at, &entry, &end, diag);
    } else {
        st = load_elf(plan, &elf, diag);
        entry = elf.entry;
        end = elf.end;
    }
    if (!st)
        st = load_command(plan, diag);
    if (!st)
        st = load_initrd(plan, end, UINT64_MAX, &initrd, diag);
    if (!st)
        st = load_enter(plan, s, LOAD_ENTRY_32, entry, diag);
    if (st)
        return st;
    put_info(plan, info, initrd);
    s->gpr[X86_RAX] = LOADED;
    s->gpr[X86_RBX] = LOAD_INFO;
    return STATUS_OK;
}
