/* Kernels into storage: what they find there, and what a damaged one is told.
 */
#include "base/bytes.h"
#include "tests/kernel_image.h"
#include "x86vmm/pc/load.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { STORAGE = 32 << 20, FILE_MAX = 64 << 10 };

static struct rig {
    uint8_t *storage;
    struct mem_map mem;
    struct load_plan plan;
    struct x86_state state;
    struct diag diag;
    uint8_t file[FILE_MAX];
} rig;

static void set_up(void)
{
    memset(&rig, 0, sizeof(rig));
    rig.storage = calloc(1, STORAGE);
    ck_assert_ptr_nonnull(rig.storage);
    ck_assert(
        !mem_add(&rig.mem, &(struct mem_slot){0, 0xA0000, rig.storage, 0}));
    ck_assert(
        !mem_add(&rig.mem, &(struct mem_slot){0x100000, STORAGE - 0x100000,
                                              rig.storage + 0x100000, 0}));
    rig.plan = (struct load_plan){.kernel = {"kernel", rig.file, FILE_MAX},
                                  .mem = &rig.mem,
                                  .storage = STORAGE};
}

static void tear_down(void)
{
    free(rig.storage);
    rig.storage = NULL;
}

static void loads(void)
{
    enum status st = load_kernel(&rig.plan, &rig.state, &rig.diag);

    ck_assert_msg(!st, "%s", rig.diag.text);
}

static void fails(const char *words)
{
    ck_assert_int_eq(load_kernel(&rig.plan, &rig.state, &rig.diag),
                     STATUS_BAD_INPUT);
    ck_assert_msg(strstr(rig.diag.text, words), "'%s' lacks '%s'",
                  rig.diag.text, words);
    ck_assert_msg(!strncmp(rig.diag.text, "kernel: ", 8), "%s", rig.diag.text);
}

static void is_flat(bool bits64, uint64_t entry)
{
    ck_assert_uint_eq(rig.state.rip, entry);
    ck_assert_uint_eq(x86_code_bits(&rig.state), bits64 ? 64 : 32);
    ck_assert_uint_eq(!(rig.state.cr0 & X86_CR0_PG), !bits64);
    ck_assert_uint_eq(rig.state.cr0 & X86_CR0_PE, X86_CR0_PE);
    ck_assert_uint_eq(rig.state.rflags, X86_FLAG_ONE);
    ck_assert_uint_eq(rig.state.seg[X86_DS].limit, UINT32_MAX);
    ck_assert_uint_eq(x86_cpl(&rig.state), 0);
}

/* ---- Files ---- */

static const uint8_t code[] = {0xB8, 1, 2, 3, 4, 0xF4};

/* An ELF of 64 bits: one segment, in the file at 1000h, for 200000h, with as
 * many zeros behind; and Xen's note, another one's before it. */
static void make_elf64(void)
{
    const struct kernel_part p = {.entry = UINT64_C(0xFFFFFFFF80200000),
                                  .linear = UINT64_C(0xFFFFFFFF80200000),
                                  .physical = 0x200000,
                                  .offset = 0x1000,
                                  .size = sizeof(code),
                                  .room = 2 * sizeof(code)};
    uint8_t *f = rig.file;

    kernel_elf64(f, &p, 0x800, 0x40);
    store_le32(f + 0x800, 4);
    store_le32(f + 0x804, 1);
    store_le32(f + 0x808, 18);
    memcpy(f + 0x80C, "GNU", 4);
    kernel_xen_note(f + 0x814, 0x200001);
    memcpy(f + p.offset, code, sizeof(code));
    rig.plan.kernel.size = p.offset + sizeof(code);
}

static void make_elf32(void)
{
    const struct kernel_part p = {.entry = 0x400002,
                                  .linear = 0x400000,
                                  .physical = 0x400000,
                                  .offset = 0x200,
                                  .size = sizeof(code),
                                  .room = 0x100};

    kernel_elf32(rig.file, &p);
    memcpy(rig.file + p.offset, code, sizeof(code));
    rig.plan.kernel.size = p.offset + sizeof(code);
}

static void make_bzimage(void)
{
    kernel_bzimage(rig.file, 3, 0x1000000, 0x100000);
    memcpy(rig.file + 0x800 + 0x200, code, sizeof(code));
    rig.plan.kernel.size = 0x1000;
}

/* ---- What is loaded ---- */

START_TEST(boot_sector_is_at_7c00)
{
    memcpy(rig.file, code, sizeof(code));
    rig.file[510] = 0x55;
    rig.file[511] = 0xAA;
    rig.plan.kernel.size = 512;
    loads();
    ck_assert_mem_eq(rig.storage + 0x7C00, rig.file, 512);
    ck_assert_uint_eq(rig.state.rip, 0x7C00);
    ck_assert(x86_real_mode(&rig.state));
}
END_TEST

START_TEST(flat_image_is_at_1_mib)
{
    memcpy(rig.file, code, sizeof(code));
    rig.plan.kernel.size = sizeof(code);
    loads();
    ck_assert_mem_eq(rig.storage + 0x100000, code, sizeof(code));
    ck_assert_uint_eq(rig.state.rip, 0x100000);
    ck_assert_uint_eq(x86_code_bits(&rig.state), 64);
}
END_TEST

START_TEST(pvh_finds_its_start_info)
{
    static const uint8_t module[] = "a module";
    const uint8_t *info;

    make_elf64();
    memset(rig.storage + 0x200000, 0xEE, 32);
    rig.plan.append = "quiet";
    rig.plan.initrd = (struct load_file){"initrd", module, sizeof(module)};
    loads();
    is_flat(false, 0x200001);
    ck_assert_mem_eq(rig.storage + 0x200000, code, sizeof(code));
    for (unsigned i = sizeof(code); i < 2 * sizeof(code); i++)
        ck_assert_uint_eq(rig.storage[0x200000 + i], 0);
    ck_assert_uint_eq(rig.storage[0x200000 + 2 * sizeof(code)], 0xEE);
    info = rig.storage + rig.state.gpr[X86_RBX];
    ck_assert_uint_eq(load_le32(info), 0x336EC578);
    ck_assert_uint_eq(load_le32(info + 4), 1);
    ck_assert_str_eq((char *)rig.storage + load_le64(info + 24), "quiet");
    ck_assert_uint_eq(load_le32(info + 12), 1);
    const uint8_t *m = rig.storage + load_le64(info + 16);
    ck_assert_uint_eq(load_le64(m + 8), sizeof(module));
    ck_assert_uint_eq(load_le64(m), STORAGE - 4096);
    ck_assert_mem_eq(rig.storage + load_le64(m), module, sizeof(module));
    const uint8_t *map = rig.storage + load_le64(info + 40);
    ck_assert_uint_eq(load_le32(info + 48), 4);
    ck_assert_uint_eq(load_le64(map + 3 * 24), 0x100000);
    ck_assert_uint_eq(load_le64(map + 3 * 24 + 8), STORAGE - 0x100000);
    ck_assert_uint_eq(load_le32(map + 3 * 24 + 16), 1);
}
END_TEST

START_TEST(multiboot_elf_finds_its_info)
{
    const uint8_t *info;

    make_elf32();
    kernel_multiboot(rig.file + 0x100, 3);
    loads();
    is_flat(false, 0x400002);
    ck_assert_mem_eq(rig.storage + 0x400000, code, sizeof(code));
    ck_assert_uint_eq(rig.state.gpr[X86_RAX], 0x2BADB002);
    info = rig.storage + rig.state.gpr[X86_RBX];
    ck_assert_uint_eq(load_le32(info) & 8, 0); /* no modules */
    ck_assert_uint_eq(load_le32(info + 8), STORAGE / 1024 - 1024);
    ck_assert_str_eq((char *)rig.storage + load_le32(info + 16), "");
    ck_assert_str_eq((char *)rig.storage + load_le32(info + 64), "Trapline");
}
END_TEST

START_TEST(multiboot_tells_its_addresses)
{
    static const uint32_t addresses[] = {0x300040, 0x300000, 0x300080, 0x300100,
                                         0x300044};

    kernel_multiboot(rig.file + 0x40, 0x10003);
    for (unsigned i = 0; i < 5; i++)
        store_le32(rig.file + 0x4C + 4 * i, addresses[i]);
    memcpy(rig.file + 0x70, code, sizeof(code));
    memset(rig.storage + 0x300000, 0xEE, 0x200);
    rig.plan.kernel.size = 0x200;
    loads();
    is_flat(false, 0x300044);
    ck_assert_mem_eq(rig.storage + 0x300070, code, sizeof(code));
    ck_assert_uint_eq(rig.storage[0x300080], 0);
    ck_assert_uint_eq(rig.storage[0x3000FF], 0);
    ck_assert_uint_eq(rig.storage[0x300100], 0xEE);
    store_le32(rig.file + 0x4C, 0x300000); /* the header is not there */
    store_le32(rig.file + 0x50, 0x300040);
    fails("offset 4c");
}
END_TEST

START_TEST(linux_finds_its_zero_page)
{
    static const uint8_t module[] = "a RAM disk";
    const uint8_t *params;

    make_bzimage();
    rig.plan.append = "console=ttyS0";
    rig.plan.initrd = (struct load_file){"initrd", module, sizeof(module)};
    loads();
    is_flat(true, 0x1000200);
    ck_assert_mem_eq(rig.storage + 0x1000200, code, sizeof(code));
    params = rig.storage + rig.state.gpr[X86_RSI];
    ck_assert_mem_eq(params + 0x202, "HdrS", 4);
    ck_assert_uint_eq(params[0x210], 0xFF);
    ck_assert_uint_eq(load_le32(params + 0x218), STORAGE - 4096);
    ck_assert_uint_eq(load_le32(params + 0x21C), sizeof(module));
    ck_assert_str_eq((char *)rig.storage + load_le32(params + 0x228),
                     "console=ttyS0");
    ck_assert_uint_eq(params[0x1E8], 4);
    ck_assert_uint_eq(load_le64(params + 0x2D0 + 60), 0x100000);
    /* 3 GiB and a half are mapped to themselves. */
    const uint8_t *pml4 = rig.storage + rig.state.cr3;
    const uint8_t *pdpt = rig.storage + (load_le64(pml4) & ~0xFFFull);
    const uint8_t *directory = rig.storage + (load_le64(pdpt + 24) & ~0xFFFull);
    ck_assert_uint_eq(load_le64(directory + 8 * 256), 0xE0000083);
    ck_assert_uint_eq(rig.state.seg[X86_CS].selector, 0x10);
    ck_assert_uint_eq(rig.state.seg[X86_DS].selector, 0x18);
}
END_TEST

/* ---- What is refused ---- */

/* Its header says how much code there is, in paragraphs (syssize). */
START_TEST(a_bzimage_must_be_whole)
{
    enum { FROM = 0x800, CODE = 0x2000 };

    make_bzimage();
    ck_assert_uint_eq((rig.file[0x1F1] + 1u) * 512, FROM);
    store_le32(rig.file + 0x1F4, CODE / 16);
    rig.plan.kernel.size = FROM + CODE - 16;
    fails("offset 800: the file ends within the kernel's code");
    rig.plan.kernel.size = FROM + CODE - 15; /* the size is rounded up */
    loads();
    rig.plan.kernel.size = 0x263;
    fails("the file ends within the kernel's header");
}
END_TEST

START_TEST(an_elf_must_be_whole)
{
    make_elf64();
    size_t whole = rig.plan.kernel.size;
    for (size_t n = 4; n < whole; n += n < 200 ? 1 : 97) {
        rig.plan.kernel.size = n;
        fails("offset");
    }
    rig.plan.kernel.size = whole;
    loads();
}
END_TEST

/* One field changed to what cannot be. */
static const struct {
    unsigned at, bytes;
    uint64_t value;
    const char *words;
} damage[] = {
    {4, 1, 3, "offset 4: "},
    {16, 2, 1, "offset 10: "},
    {18, 2, 40, "offset 12: "},
    {32, 8, UINT64_MAX - 8, "program headers"},
    {54, 2, 8, "offset 36: "},
    {64 + 8, 8, UINT64_MAX, "the file ends"},
    {64 + 24, 8, STORAGE, "no place at 2000000"},
    {64 + 24, 8, 0x9FFFF, "no place at 9ffff"},
    {64 + 24, 8, 0x1000, "no place at 1000"},
    {64 + 24, 8, UINT64_MAX - 2, "contradict"},
    {64 + 32, 8, 100, "contradict"},
    {64 + 40, 8, UINT64_MAX, "contradict"},
    {64 + 40, 8, 1ull << 40, "no place"},
    {64, 4, 2, "nothing to load"},
    {0x820, 1, 'Y', "PVH"},
};

START_TEST(a_damaged_elf_is_refused)
{
    make_elf64();
    for (unsigned i = 0; i < damage[_i].bytes; i++)
        rig.file[damage[_i].at + i] = (uint8_t)(damage[_i].value >> 8 * i);
    fails(damage[_i].words);
}
END_TEST

/* Its code begins without the 200h bytes in front of the 64-bit entry. */
START_TEST(bzimage_without_64_bits_begins_with_32)
{
    make_bzimage();
    rig.file[0x236] = 0;
    memcpy(rig.file + 0x800, code, sizeof(code));
    rig.plan.append = "quiet";
    loads();
    ck_assert_uint_eq(rig.state.rip, 0x1000000);
    ck_assert_mem_eq(rig.storage + 0x1000000, code, sizeof(code));
    ck_assert_uint_eq(x86_code_bits(&rig.state), 32);
    ck_assert_uint_eq(rig.state.cr0 & X86_CR0_PG, 0);
    ck_assert_uint_eq(rig.state.seg[X86_CS].selector, 0x10);
    ck_assert_uint_eq(rig.state.seg[X86_SS].selector, 0x18);
    ck_assert_uint_eq(
        load_le32(rig.storage + rig.state.gpr[X86_RSI] + 0x1F1 + 0x11),
        0x53726448);
    ck_assert_uint_eq(rig.state.gpr[X86_RBX], 0);
}
END_TEST

START_TEST(a_damaged_bzimage_is_refused)
{
    make_bzimage();
    rig.file[0x206] = 0x0B;
    fails("offset 206: ");
    make_bzimage();
    rig.file[0x211] = 0;
    fails("offset 211: ");
    make_bzimage();
    store_le64(rig.file + 0x258, UINT64_MAX - 0xFFF);
    fails("offset 258: ");
    make_bzimage();
    store_le32(rig.file + 0x260, STORAGE);
    fails("no place at 1000000");
    make_bzimage();
    rig.plan.kernel.size = 0xA00;
    fails("offset 800: ");
}
END_TEST

START_TEST(what_has_no_room_is_refused)
{
    uint8_t *big = calloc(1, STORAGE);
    char line[5000];

    ck_assert_ptr_nonnull(big);
    make_elf64();
    rig.plan.initrd =
        (struct load_file){"initrd", big, STORAGE - 0x200000 - 4096};
    loads();
    rig.plan.initrd.size += 4097;
    ck_assert_int_eq(load_kernel(&rig.plan, &rig.state, &rig.diag),
                     STATUS_BAD_INPUT);
    ck_assert_msg(!strncmp(rig.diag.text, "initrd: ", 8), "%s", rig.diag.text);
    rig.plan.initrd.size = 0;
    memset(line, 'x', sizeof(line));
    line[4095] = '\0';
    rig.plan.append = line;
    loads();
    line[4095] = 'x';
    line[4096] = '\0';
    ck_assert_int_eq(load_kernel(&rig.plan, &rig.state, &rig.diag),
                     STATUS_BAD_INPUT);
    make_elf32();
    kernel_multiboot(rig.file + 0x100, 7); /* it wants a video mode */
    rig.plan.append = NULL;
    fails("offset 104");
    free(big);
}
END_TEST

Suite *suite_x86_loader(void)
{
    Suite *s = suite_create("x86_loader");
    TCase *t = tcase_create("x86_loader");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, boot_sector_is_at_7c00);
    tcase_add_test(t, flat_image_is_at_1_mib);
    tcase_add_test(t, pvh_finds_its_start_info);
    tcase_add_test(t, multiboot_elf_finds_its_info);
    tcase_add_test(t, multiboot_tells_its_addresses);
    tcase_add_test(t, linux_finds_its_zero_page);
    tcase_add_test(t, a_bzimage_must_be_whole);
    tcase_add_test(t, an_elf_must_be_whole);
    tcase_add_loop_test(t, a_damaged_elf_is_refused, 0, ARRAY_LEN(damage));
    tcase_add_test(t, bzimage_without_64_bits_begins_with_32);
    tcase_add_test(t, a_damaged_bzimage_is_refused);
    tcase_add_test(t, what_has_no_room_is_refused);
    suite_add_tcase(s, t);
    return s;
}
