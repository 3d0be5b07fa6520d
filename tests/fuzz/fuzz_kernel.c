/* Any bytes as a kernel, a command line and an initrd: refused with the file's
 * name, or loaded where storage is, with a processor that can begin. */
#include "tests/fuzz/fuzz.h"

#include "base/bytes.h"
#include "tests/kernel_image.h"
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

static void make_addresses(void)
{
    static const uint32_t addresses[] = {0x110040, 0x110000, 0x110200, 0x110400,
                                         0x110044};

    kernel_multiboot(multiboot + 0x40, 0x10003);
    for (unsigned i = 0; i < 5; i++)
        store_le32(multiboot + 0x4C + 4 * i, addresses[i]);
}

__attribute__((constructor)) static void make_samples(void)
{
    const struct kernel_part plain = {0x100000, 0x100000, 0x100000,
                                      0x200,    0x100,    0x1000};

    kernel_elf64(elf64, &plain, 0x100, KERNEL_XEN_NOTE);
    kernel_xen_note(elf64 + 0x100, 0x100000);
    kernel_elf32(elf32, &plain);
    kernel_multiboot(elf32 + 0x80, 3);
    make_addresses();
    kernel_bzimage(linux_image, 1, 0x100000, 0x10000);
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
