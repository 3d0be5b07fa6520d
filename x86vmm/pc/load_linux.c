/* A bzImage by the 64-bit boot protocol, or by the 32-bit one if it has no
 * 64-bit entry (Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel
 * Header", "32-bit Boot Protocol", "64-bit Boot Protocol", and
 * zero-page.rst). */
#include "base/bytes.h"
#include "x86vmm/pc/load.h"

#include <string.h>

/* Offsets in the file, and in boot_params, which holds the same header. */
enum {
    SETUP_SECTS = 0x1F1,
    CODE_SIZE = 0x1F4, /* syssize: of the code, in paragraphs */
    MAGIC = 0x202,
    VERSION = 0x206,
    LOADER = 0x210,
    LOAD_FLAGS = 0x211,
    RAMDISK = 0x218,
    RAMDISK_SIZE = 0x21C,
    COMMAND_LINE = 0x228,
    RAMDISK_MAX = 0x22C,
    XLOADFLAGS = 0x236,
    COMMAND_LINE_SIZE = 0x238,
    PREFERRED = 0x258,
    INIT_SIZE = 0x260,
    HEADER_END = 0x264,
    E820_COUNT = 0x1E8,
    E820_TABLE = 0x2D0,
    E820_ENTRY = 20
};
enum {
    VERSION_NEEDED = 0x20C,
    LOADED_HIGH = 1,
    KERNEL_64 = 1,
    ENTRY_64 = 0x200,
    LOADER_UNKNOWN = 0xFF,
    SETUP_SECTS_DEFAULT = 4,
    PARAGRAPH = 16,
    SECTOR = 512
};

bool load_linux_is(const struct load_file *f)
{
    return f->size >= MAGIC + 4 && !memcmp(f->bytes + MAGIC, "HdrS", 4);
}

static enum status bad(const struct load_file *f, unsigned offset,
                       const char *words, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "%s: offset %x: %s", f->name,
                    offset, words);
}

static enum status check_header(const struct load_plan *plan, struct diag *diag)
{
    const struct load_file *f = &plan->kernel;
    const uint8_t *b = f->bytes;
    size_t line = plan->append ? strlen(plan->append) : 0;
    enum status st = load_check(f, 0, HEADER_END, "the kernel's header", diag);

    if (st)
        return st;
    if (load_le16(b + VERSION) < VERSION_NEEDED)
        return bad(f, VERSION, "a boot protocol older than 2.12", diag);
    if (!(b[LOAD_FLAGS] & LOADED_HIGH))
        return bad(f, LOAD_FLAGS, "a kernel to be loaded low (zImage)", diag);
    if (line > load_le32(b + COMMAND_LINE_SIZE))
        return bad(f, COMMAND_LINE_SIZE,
                   "the command line is longer than it takes", diag);
    return STATUS_OK;
}

static bool has_64(const struct load_file *f)
{
    return load_le16(f->bytes + XLOADFLAGS) & KERNEL_64;
}

/* Where it begins, from the start of its code. */
static unsigned entry(const struct load_file *f)
{
    return has_64(f) ? ENTRY_64 : 0;
}

/* The code behind the setup sectors, to where the kernel would have it; it
 * needs `room` bytes there before it can tell where it wants to be. */
static enum status load_code(const struct load_plan *plan, uint64_t *at,
                             uint64_t *end, struct diag *diag)
{
    const struct load_file *f = &plan->kernel;
    const uint8_t *b = f->bytes;
    uint64_t sectors = b[SETUP_SECTS] ? b[SETUP_SECTS] : SETUP_SECTS_DEFAULT;
    uint64_t from = (sectors + 1) * SECTOR, room = load_le32(b + INIT_SIZE);
    /* Rounded up: the last paragraph may be cut. */
    uint64_t code = (uint64_t)load_le32(b + CODE_SIZE) * PARAGRAPH;

    code -= min_u64(code, PARAGRAPH - 1);
    enum status st = load_check(f, from, entry(f) + 1, "the setup code", diag);

    if (!st)
        st = load_check(f, from, code, "the kernel's code", diag);
    if (st)
        return st;
    *at = load_le64(b + PREFERRED);
    if (room < f->size - from)
        room = f->size - from;
    *end = *at + room;
    if (*end < *at || *end > UINT32_MAX)
        return bad(f, PREFERRED, "an address above 4 GiB", diag);
    return load_copy(plan, f, from, f->size - from, *at, room, diag);
}

static void put_params(const struct load_plan *plan, uint8_t *params,
                       uint64_t code, uint64_t initrd)
{
    const uint8_t *b = plan->kernel.bytes;
    struct load_range ranges[LOAD_RANGES];
    /* The header ends where the jump in it says. */
    size_t header = (size_t)MAGIC + b[MAGIC - 1];

    if (header > E820_TABLE)
        header = E820_TABLE;
    if (header > plan->kernel.size)
        header = plan->kernel.size;
    memset(params, 0, 0x1000);
    if (header > SETUP_SECTS)
        memcpy(params + SETUP_SECTS, b + SETUP_SECTS, header - SETUP_SECTS);
    params[LOADER] = LOADER_UNKNOWN;
    store_le32(params + 0x214, (uint32_t)code); /* code32_start */
    store_le32(params + RAMDISK, (uint32_t)initrd);
    store_le32(params + RAMDISK_SIZE, initrd ? (uint32_t)plan->initrd.size : 0);
    store_le32(params + COMMAND_LINE, LOAD_COMMAND);
    load_ranges(plan, ranges);
    params[E820_COUNT] = LOAD_RANGES;
    for (unsigned i = 0; i < LOAD_RANGES; i++) {
        uint8_t *p = params + E820_TABLE + (size_t)i * E820_ENTRY;

        store_le64(p, ranges[i].first);
        store_le64(p + 8, ranges[i].size);
        store_le32(p + 16, ranges[i].type);
    }
}

enum status load_linux(const struct load_plan *plan, struct x86_state *s,
                       struct diag *diag)
{
    uint8_t *params = mem_at(plan->mem, LOAD_PARAMS, 0x1000);
    uint64_t at = 0, end = 0, initrd = 0;
    enum status st = check_header(plan, diag);

    if (!st)
        st = load_code(plan, &at, &end, diag);
    if (!st)
        st = load_command(plan, diag);
    if (!st)
        st = load_initrd(plan, end,
                         (uint64_t)load_le32(plan->kernel.bytes + RAMDISK_MAX) +
                             1,
                         &initrd, diag);
    if (!st)
        st = load_enter(plan, s,
                        has_64(&plan->kernel) ? LOAD_ENTRY_LINUX_64
                                              : LOAD_ENTRY_LINUX_32,
                        at + entry(&plan->kernel), diag);
    if (st)
        return st;
    put_params(plan, params, at, initrd);
    s->gpr[X86_RSI] = LOAD_PARAMS;
    return STATUS_OK;
}
