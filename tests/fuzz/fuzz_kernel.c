/* Any bytes as a kernel, a command line and an initrd: refused with the file's
 * name, or loaded where storage is, with a processor that can begin. */
#include "tests/fuzz/fuzz.h"

#include "base/bytes.h"
#include "x86vmm/pc/load.h"

#include <stdlib.h>
#include <string.h>

enum { STORAGE = 2 << 20, SAMPLE = 0x400, LINUX_SAMPLE = 0xC00 };

static uint8_t elf64[SAMPLE], elf32[SAMPLE], multiboot[SAMPLE];
static uint8_t linux_image[LINUX_SAMPLE], boot_sector[512];

const struct fuzz_seed fuzz_seeds[] = {
    {elf64, SAMPLE},     {elf32, SAMPLE},
    {multiboot, SAMPLE}, {linux_image, LINUX_SAMPLE},
    {boot_sector, 512},  {NULL, 0}};

static void make_elf64(void)
{
    static const uint8_t magic[] = {0x7F, 'E', 'L', 'F', 2, 1, 1};
    uint8_t *f = elf64, *p = f + 64;

    memcpy(f, magic, sizeof(magic));
    store_le16(f + 16, 2);
    store_le16(f + 18, 62);
    store_le64(f + 24, 0x100000);
    store_le64(f + 32, 64);
    store_le16(f + 54, 56);
    store_le16(f + 56, 2);
    store_le32(p, 1);
    store_le64(p + 8, 0x200);
    store_le64(p + 16, 0x100000);
    store_le64(p + 24, 0x100000);
    store_le64(p + 32, 0x100);
    store_le64(p + 40, 0x1000);
    p += 56;
    store_le32(p, 4);
    store_le64(p + 8, 0x100);
    store_le64(p + 32, 0x14);
    store_le32(f + 0x100, 4);
    store_le32(f + 0x104, 4);
    store_le32(f + 0x108, 18);
    memcpy(f + 0x10C, "Xen", 4);
    store_le32(f + 0x110, 0x100000);
}

static void make_multiboot(uint8_t *f, uint32_t flags)
{
    store_le32(f, 0x1BADB002);
    store_le32(f + 4, flags);
    store_le32(f + 8, -(0x1BADB002 + flags));
}

static void make_elf32(void)
{
    static const uint8_t magic[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
    uint8_t *f = elf32, *p = f + 52;

    memcpy(f, magic, sizeof(magic));
    store_le16(f + 16, 2);
    store_le16(f + 18, 3);
    store_le32(f + 24, 0x100000);
    store_le32(f + 28, 52);
    store_le16(f + 42, 32);
    store_le16(f + 44, 1);
    store_le32(p, 1);
    store_le32(p + 4, 0x200);
    store_le32(p + 8, 0x100000);
    store_le32(p + 12, 0x100000);
    store_le32(p + 16, 0x100);
    store_le32(p + 20, 0x200);
    make_multiboot(f + 0x80, 3);
}

static void make_addresses(void)
{
    static const uint32_t addresses[] = {0x110040, 0x110000, 0x110200, 0x110400,
                                         0x110044};

    make_multiboot(multiboot + 0x40, 0x10003);
    for (unsigned i = 0; i < 5; i++)
        store_le32(multiboot + 0x4C + 4 * i, addresses[i]);
}

static void make_linux(void)
{
    uint8_t *f = linux_image;

    f[0x1F1] = 1;
    f[0x201] = 0x62;
    memcpy(f + 0x202, "HdrS", 4);
    store_le16(f + 0x206, 0x20F);
    f[0x211] = 1;
    store_le32(f + 0x22C, 0x7FFFFFFF);
    f[0x234] = 1;
    store_le16(f + 0x236, 1);
    store_le32(f + 0x238, 2047);
    store_le64(f + 0x258, 0x100000);
    store_le32(f + 0x260, 0x10000);
}

__attribute__((constructor)) static void make_samples(void)
{
    make_elf64();
    make_elf32();
    make_addresses();
    make_linux();
    store_le16(boot_sector + 510, 0xAA55);
}

/* The initrd is the kernel's own end, so that both come from the input. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static uint8_t low[0xA0000], high[STORAGE - 0x100000];
    struct mem_map mem = {.count = 0};
    struct load_plan plan = {.kernel = {"kernel", bytes, len},
                             .initrd = {"initrd", bytes + len / 2, len / 2},
                             .append = "quiet",
                             .mem = &mem,
                             .storage = STORAGE};
    struct x86_state state;
    struct diag diag = {""};

    if (!mem_add(&mem, &(struct mem_slot){0, 0xA0000, low, 0}) &&
        !mem_add(&mem,
                 &(struct mem_slot){0x100000, STORAGE - 0x100000, high, 0})) {
        enum status st = load_kernel(&plan, &state, &diag);

        if (st ? !*diag.text : !(state.rflags & X86_FLAG_ONE))
            abort();
    }
    return 0;
}
