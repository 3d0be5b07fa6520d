/* A PC's floppy disks and DMA, register by register, as the data sheets of
 * the 82077AA and the 8237A have them. */
#include "base/bytes.h"
#include "x86vmm/dev/dev_fdc.h"
#include "x86vmm/dev/dev_fwcfg.h"

#include <check.h>
#include <string.h>

enum {
    SECTORS = 720, /* 360 KiB: 40 cylinders, 2 heads, 9 sectors */
    STORAGE = 0x20000,
    BUFFER = 0x14000,
    OUTPUT = 0, /* registers, from FDC_PORT on */
    MAIN = 2,
    FIFO = 3
};

static struct rig {
    struct clock clock;
    struct x86_platform platform;
    struct mem_map mem;
    struct dma dma;
    struct fdc fdc;
    uint8_t disk[SECTORS * FDC_SECTOR], storage[STORAGE];
    uint64_t written; /* bytes of storage that DMA has told of */
    bool broken;
} rig;

static uint8_t get(bus_io_fn io, void *dev, unsigned reg)
{
    uint64_t value = 0;

    io(dev, reg, 1, false, &value);
    return (uint8_t)value;
}

static void put(bus_io_fn io, void *dev, unsigned reg, uint8_t byte)
{
    uint64_t value = byte;

    io(dev, reg, 1, true, &value);
}

static bool disk_read(void *who, uint64_t sector, uint8_t bytes[IDE_SECTOR])
{
    (void)who;
    ck_assert_uint_lt(sector, SECTORS);
    memcpy(bytes, rig.disk + sector * FDC_SECTOR, FDC_SECTOR);
    return !rig.broken;
}

static bool disk_write(void *who, uint64_t sector,
                       const uint8_t bytes[IDE_SECTOR])
{
    (void)who;
    ck_assert_uint_lt(sector, SECTORS);
    memcpy(rig.disk + sector * FDC_SECTOR, bytes, FDC_SECTOR);
    return !rig.broken;
}

static void told(void *who, uint64_t gpa, size_t n)
{
    (void)who;
    ck_assert_uint_ge(gpa, BUFFER);
    rig.written += n;
}

static uint8_t main_status(void)
{
    return get(fdc_io, &rig.fdc, MAIN);
}

static bool line(void)
{
    return rig.platform.raised >> X86_LINE_FLOPPY & 1;
}

static void command(const char *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(main_status() & 0xC0, 0x80);
        put(fdc_io, &rig.fdc, FIFO, (uint8_t)bytes[i]);
    }
}
#define COMMAND(text) command(text, sizeof(text) - 1)

/* All results, and no more than these. */
static void results(const char *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(main_status() & 0xD0, 0xD0);
        uint8_t byte = get(fdc_io, &rig.fdc, FIFO);
        ck_assert_msg(byte == (uint8_t)bytes[i], "result %u: %02x, not %02x", i,
                      byte, (uint8_t)bytes[i]);
    }
    ck_assert_uint_eq(main_status() & 0xD0, 0x80);
}
#define RESULTS(text) results(text, sizeof(text) - 1)

/* Time goes on to the interrupt. */
static void interrupted(void)
{
    for (unsigned i = 0; i < 1000 && !line(); i++) {
        ck_assert_uint_ne(rig.clock.next, CLOCK_NEVER);
        clock_advance(&rig.clock, rig.clock.next - rig.clock.now);
    }
    ck_assert(line());
}

static void begin(bool read_only)
{
    struct fdc_medium media[FDC_DISKS] = {
        {{SECTORS, disk_read, disk_write, NULL, NULL}, read_only}};

    memset(&rig, 0, sizeof(rig));
    clock_init(&rig.clock);
    ck_assert(
        !mem_add(&rig.mem, &(struct mem_slot){0, STORAGE, rig.storage, 0}));
    dma_init(&rig.dma, &rig.mem);
    rig.dma.written = told;
    fdc_init(&rig.fdc, &rig.clock, &rig.platform, &rig.dma, media);
    for (unsigned i = 0; i < SECTORS; i++)
        store_le32(rig.disk + (size_t)i * FDC_SECTOR, i);
    ck_assert_uint_eq(main_status(), 0);
    put(fdc_io, &rig.fdc, OUTPUT, 0x1C); /* out of reset, motor A */
    interrupted();
    for (unsigned i = 0; i < 4; i++) {
        const char ready[] = {(char)(0xC0 | i), 0};

        COMMAND("\x08");
        results(ready, 2);
    }
    ck_assert(!line());
}

/* Channel 2, n bytes at BUFFER; type: 4 to storage, 8 from there. */
static void channel(unsigned n, uint8_t type)
{
    put(dma_first_io, &rig.dma, 0xC, 0);
    put(dma_first_io, &rig.dma, 4, (uint8_t)BUFFER);
    put(dma_first_io, &rig.dma, 4, (uint8_t)(BUFFER >> 8));
    put(dma_first_io, &rig.dma, 5, (uint8_t)(n - 1));
    put(dma_first_io, &rig.dma, 5, (uint8_t)((n - 1) >> 8));
    put(dma_page_io, &rig.dma, 1, BUFFER >> 16);
    put(dma_first_io, &rig.dma, 0xB, 0x42 | type);
    put(dma_first_io, &rig.dma, 0xA, 2);
}

static void seek(uint8_t cylinder)
{
    const char to[] = {0x0F, 0, (char)cylinder};
    const char at[] = {0x20, (char)cylinder};

    command(to, 3);
    ck_assert_uint_eq(main_status(), 0x81);
    interrupted();
    COMMAND("\x08");
    results(at, 2);
    ck_assert(!line());
}

static uint32_t first_of(unsigned sector)
{
    return load_le32(rig.storage + BUFFER + (size_t)sector * FDC_SECTOR);
}

/* ---- Reading and writing ---- */

START_TEST(reads_by_dma_to_the_end_of_the_count)
{
    begin(false);
    seek(3);
    channel(2 * FDC_SECTOR, 4);
    COMMAND("\x46\x04\x03\x01\x05\x02\x09\x1B\xFF");
    ck_assert_uint_eq(main_status(), 0x10);
    interrupted();
    ck_assert_uint_eq(first_of(0), (3 * 2 + 1) * 9 + 4);
    ck_assert_uint_eq(first_of(1), (3 * 2 + 1) * 9 + 5);
    ck_assert_uint_eq(first_of(2), 0);
    ck_assert_uint_eq(rig.written, 2 * FDC_SECTOR);
    ck_assert_uint_eq(get(dma_first_io, &rig.dma, 8), 4); /* TC, once */
    ck_assert_uint_eq(get(dma_first_io, &rig.dma, 8), 0);
    RESULTS("\x04\x00\x00\x03\x01\x07\x02");
    ck_assert(!line());
}
END_TEST

START_TEST(multi_track_goes_on_under_the_other_head)
{
    begin(false);
    channel(3 * FDC_SECTOR, 4);
    COMMAND("\xC6\x00\x00\x00\x08\x02\x09\x1B\xFF");
    interrupted();
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(first_of(i), 7 + i);
    RESULTS("\x04\x00\x00\x00\x01\x02\x02");
}
END_TEST

START_TEST(the_end_of_the_cylinder_comes_first)
{
    begin(false);
    channel(4 * FDC_SECTOR, 4);
    COMMAND("\x46\x00\x00\x00\x09\x02\x09\x1B\xFF");
    interrupted();
    ck_assert_uint_eq(first_of(0), 8);
    RESULTS("\x40\x80\x00\x01\x00\x01\x02");
}
END_TEST

START_TEST(writes_by_dma_and_fills_the_last_sector)
{
    begin(false);
    for (unsigned i = 0; i < FDC_SECTOR + 4; i++)
        rig.storage[BUFFER + i] = (uint8_t)(i | 1);
    memset(rig.disk, 0xEE, 3 * FDC_SECTOR);
    channel(FDC_SECTOR + 4, 8);
    COMMAND("\x45\x00\x00\x00\x01\x02\x09\x1B\xFF");
    interrupted();
    ck_assert_mem_eq(rig.disk, rig.storage + BUFFER, FDC_SECTOR + 4);
    ck_assert_uint_eq(rig.disk[FDC_SECTOR + 4], 0);
    ck_assert_uint_eq(rig.disk[2 * FDC_SECTOR - 1], 0);
    ck_assert_uint_eq(rig.disk[2 * FDC_SECTOR], 0xEE);
    ck_assert_uint_eq(rig.written, 0);
    RESULTS("\x00\x00\x00\x00\x00\x03\x02");
}
END_TEST

START_TEST(moves_bytes_without_dma_too)
{
    begin(false);
    COMMAND("\x03\xDF\x03"); /* ND */
    COMMAND("\x46\x00\x00\x00\x02\x02\x02\x1B\xFF");
    interrupted();
    for (unsigned i = 0; i < FDC_SECTOR; i++) {
        ck_assert_uint_eq(main_status(), 0xF0);
        ck_assert(line());
        ck_assert_uint_eq(get(fdc_io, &rig.fdc, FIFO), i ? 0 : 1);
    }
    interrupted();
    RESULTS("\x40\x80\x00\x01\x00\x01\x02");
    COMMAND("\x45\x00\x00\x00\x02\x02\x02\x1B\xFF");
    interrupted();
    for (unsigned i = 0; i < FDC_SECTOR; i++) {
        ck_assert_uint_eq(main_status(), 0xB0);
        put(fdc_io, &rig.fdc, FIFO, 0x5A);
    }
    interrupted();
    ck_assert_uint_eq(rig.disk[FDC_SECTOR], 0x5A);
    ck_assert_uint_eq(rig.disk[2 * FDC_SECTOR - 1], 0x5A);
}
END_TEST

/* ---- What goes wrong ---- */

START_TEST(says_which_sector_is_not_there)
{
    begin(true);
    channel(FDC_SECTOR, 4);
    COMMAND("\x46\x00\x00\x00\x0A\x02\x0C\x1B\xFF"); /* sector 10 of 9 */
    interrupted();
    RESULTS("\x40\x04\x00\x00\x00\x0A\x02");
    COMMAND("\x46\x00\x05\x00\x01\x02\x09\x1B\xFF"); /* another cylinder */
    interrupted();
    RESULTS("\x40\x04\x10\x05\x00\x01\x02");
    COMMAND("\x46\x00\x00\x00\x01\x03\x09\x1B\xFF"); /* of 1024 bytes */
    interrupted();
    RESULTS("\x40\x04\x00\x00\x00\x01\x03");
    COMMAND("\x45\x00\x00\x00\x01\x02\x09\x1B\xFF"); /* protected */
    interrupted();
    RESULTS("\x40\x02\x00\x00\x00\x01\x02");
    COMMAND("\x04\x04");
    RESULTS("\x7C");
    put(fdc_rate_io, &rig.fdc, 0, 0); /* 500 kbit/s: no mark is seen */
    COMMAND("\x4A\x00");
    interrupted();
    ck_assert_uint_eq(get(fdc_io, &rig.fdc, FIFO), 0x40);
    ck_assert_uint_eq(get(fdc_io, &rig.fdc, FIFO), 1);
}
END_TEST

START_TEST(a_broken_medium_is_a_data_error)
{
    begin(false);
    rig.broken = true;
    channel(FDC_SECTOR, 4);
    COMMAND("\x46\x00\x00\x00\x01\x02\x09\x1B\xFF");
    interrupted();
    RESULTS("\x40\x20\x20\x00\x00\x01\x02");
    put(dma_first_io, &rig.dma, 0xA, 6); /* masked: nobody takes the data */
    rig.broken = false;
    COMMAND("\x46\x00\x00\x00\x01\x02\x09\x1B\xFF");
    interrupted();
    RESULTS("\x40\x10\x00\x00\x00\x01\x02");
}
END_TEST

/* Without index hole it waits; a reset ends it. */
START_TEST(without_disk_nothing_comes)
{
    begin(false);
    COMMAND("\x07\x01"); /* drive B: where is cylinder 0? */
    interrupted();
    COMMAND("\x08");
    RESULTS("\x71\x00");
    COMMAND("\x46\x01\x00\x00\x01\x02\x09\x1B\xFF");
    ck_assert_uint_eq(main_status(), 0x10);
    ck_assert_uint_eq(rig.clock.next, CLOCK_NEVER);
    put(fdc_io, &rig.fdc, MAIN, 0x82); /* by the data rate register */
    interrupted();
    COMMAND("\x08");
    RESULTS("\xC0\x00");
    COMMAND("\x1F"); /* no command */
    RESULTS("\x80");
}
END_TEST

/* ---- The rest ---- */

START_TEST(changes_are_seen_until_a_step)
{
    begin(false);
    ck_assert_uint_eq(get(fdc_rate_io, &rig.fdc, 0), 0x80);
    seek(1);
    ck_assert_uint_eq(get(fdc_rate_io, &rig.fdc, 0), 0);
    COMMAND("\x07\x00");
    interrupted();
    COMMAND("\x08");
    RESULTS("\x20\x00");
    COMMAND("\x08"); /* nothing more to tell */
    RESULTS("\x80");
}
END_TEST

START_TEST(formats_a_track)
{
    begin(false);
    seek(7);
    for (unsigned i = 0; i < 9; i++) {
        uint8_t *id = rig.storage + BUFFER + (size_t)i * 4;

        id[0] = 7;
        id[1] = 0;
        id[2] = (uint8_t)(9 - i);
        id[3] = 2;
    }
    channel(36, 8);
    COMMAND("\x4D\x00\x02\x09\x50\xF6");
    interrupted();
    for (unsigned i = 0; i < 9 * FDC_SECTOR; i++)
        ck_assert_uint_eq(rig.disk[7 * 18 * FDC_SECTOR + i], 0xF6);
    ck_assert_uint_eq(load_le32(rig.disk + (7 * 18 + 9) * FDC_SECTOR),
                      7 * 18 + 9);
    ck_assert_uint_eq(get(fdc_io, &rig.fdc, FIFO), 0);
}
END_TEST

START_TEST(scans_and_verifies)
{
    begin(false);
    memset(rig.disk, 0x11, 3 * FDC_SECTOR);
    rig.disk[FDC_SECTOR + 9] = 0x12;
    memset(rig.storage + BUFFER, 0x11, 3 * FDC_SECTOR);
    rig.storage[BUFFER + 9] = 0x12;
    channel(3 * FDC_SECTOR, 8);
    COMMAND("\x51\x00\x00\x00\x01\x02\x03\x1B\x01"); /* equal: the third */
    interrupted();
    RESULTS("\x00\x00\x08\x01\x00\x01\x02");
    COMMAND("\x56\x00\x00\x00\x01\x02\x09\x1B\x00");
    interrupted();
    RESULTS("\x00\x00\x00\x01\x00\x01\x02");
}
END_TEST

START_TEST(keeps_its_configuration_locked)
{
    begin(false);
    COMMAND("\x13\x00\x5F\x11"); /* no polling, implied seeks */
    COMMAND("\x94");
    RESULTS("\x10");
    put(fdc_io, &rig.fdc, OUTPUT, 0x18);
    put(fdc_io, &rig.fdc, OUTPUT, 0x1C);
    ck_assert_uint_eq(rig.clock.next, CLOCK_NEVER);
    COMMAND("\x10");
    RESULTS("\x90");
    channel(FDC_SECTOR, 4);
    COMMAND("\x46\x00\x05\x00\x01\x02\x09\x1B\xFF"); /* it goes there */
    interrupted();
    ck_assert_uint_eq(first_of(0), 5 * 18);
    RESULTS("\x00\x00\x00\x05\x00\x02\x02");
    COMMAND("\x0E");
    RESULTS("\x05\x00\x00\x00\x00\x00\x09\x80\x5F\x11");
}
END_TEST

START_TEST(formats_are_by_size)
{
    ck_assert_ptr_null(fdc_format_of(0));
    ck_assert_ptr_null(fdc_format_of(2881));
    ck_assert_uint_eq(fdc_format_of(320)->heads, 1);
    ck_assert_uint_eq(fdc_format_of(2880)->type, 4);
    ck_assert_uint_eq(fdc_format_of(5760)->sectors, 36);
    for (uint64_t n = 0; n < 6000; n++) {
        const struct fdc_format *f = fdc_format_of(n);

        ck_assert(!f || (uint64_t)f->cylinders * f->heads * f->sectors == n);
    }
}
END_TEST

/* ---- DMA ---- */

START_TEST(dma_counts_wraps_and_begins_anew)
{
    uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    bool ended;

    begin(false);
    channel(4, 4);
    put(dma_first_io, &rig.dma, 0xB, 0x56); /* again at the end */
    ck_assert_uint_eq(dma_move(&rig.dma, 2, bytes, 3, &ended), 3);
    ck_assert(!ended);
    ck_assert_uint_eq(get(dma_first_io, &rig.dma, 5), 0);
    ck_assert_uint_eq(get(dma_first_io, &rig.dma, 5), 0);
    ck_assert_uint_eq(dma_move(&rig.dma, 2, bytes + 3, 5, &ended), 1);
    ck_assert(ended);
    ck_assert_uint_eq(dma_move(&rig.dma, 2, bytes + 4, 4, &ended), 4);
    ck_assert_mem_eq(rig.storage + BUFFER, bytes + 4, 4);
    put(dma_first_io, &rig.dma, 0xB, 0x76); /* down */
    ck_assert_uint_eq(dma_move(&rig.dma, 2, bytes, 1, &ended), 1);
    ck_assert_uint_eq(get(dma_first_io, &rig.dma, 4), 0xFF);
    ck_assert_uint_eq(get(dma_first_io, &rig.dma, 4), 0x3F);
    put(dma_first_io, &rig.dma, 8, 4); /* the whole chip off */
    ck_assert_uint_eq(dma_move(&rig.dma, 2, bytes, 1, &ended), 0);
    put(dma_first_io, &rig.dma, 0xD, 0); /* cleared: all masked */
    ck_assert_uint_eq(get(dma_first_io, &rig.dma, 0xF), 0xFF);
}
END_TEST

START_TEST(dma_moves_words_by_the_second_chip)
{
    uint8_t bytes[4] = {1, 2, 3, 4};
    bool ended;

    begin(false);
    put(dma_second_io, &rig.dma, 0x18, 0);
    put(dma_second_io, &rig.dma, 4, (BUFFER & 0x1FFFF) >> 1 & 0xFF);
    put(dma_second_io, &rig.dma, 4, (BUFFER & 0x1FFFF) >> 9);
    put(dma_second_io, &rig.dma, 6, 1);
    put(dma_second_io, &rig.dma, 6, 0);
    put(dma_page_io, &rig.dma, 0xB, 1); /* bit 0 is the address's */
    put(dma_second_io, &rig.dma, 0x16, 0x45);
    put(dma_second_io, &rig.dma, 0x14, 1);
    ck_assert_uint_eq(dma_move(&rig.dma, 5, bytes, 4, &ended), 4);
    ck_assert(ended);
    ck_assert_mem_eq(rig.storage + BUFFER, bytes, 4);
    put(dma_second_io, &rig.dma, 0x14, 4); /* the cascade masked */
    channel(1, 4);
    ck_assert_uint_eq(dma_move(&rig.dma, 2, bytes, 1, &ended), 0);
}
END_TEST

/* Nowhere, and in ROM: lost. */
START_TEST(dma_stays_in_storage)
{
    uint8_t bytes[2] = {7, 7};
    bool ended;

    begin(false);
    channel(2, 8);
    put(dma_page_io, &rig.dma, 1, 0x55);
    ck_assert_uint_eq(dma_move(&rig.dma, 2, bytes, 2, &ended), 2);
    ck_assert_uint_eq(bytes[1], 0xFF);
    channel(2, 4);
    rig.mem.slots[0].flags = MEM_READ_ONLY;
    ck_assert_uint_eq(dma_move(&rig.dma, 2, bytes, 2, &ended), 2);
    ck_assert_uint_eq(rig.storage[BUFFER], 0);
    ck_assert_uint_eq(dma_move(&rig.dma, 9, bytes, 2, &ended), 0);
}
END_TEST

/* ---- Files for firmware ---- */

static void fw_select(struct fwcfg *f, uint16_t item)
{
    uint64_t value = item;

    fwcfg_io(f, 0, 2, true, &value);
}

static uint32_t fw_be(struct fwcfg *f, unsigned n)
{
    uint32_t v = 0;

    while (n--)
        v = v << 8 | get(fwcfg_io, f, 1);
    return v;
}

START_TEST(firmware_finds_its_files)
{
    struct fwcfg f;

    fwcfg_init(&f);
    ck_assert(fwcfg_add_number(&f, "etc/one", 0x3F8, 2));
    ck_assert(fwcfg_add_number(&f, "etc/two", 0x0102030405060708, 8));
    ck_assert(!fwcfg_add_number(&f, "etc/none", 0, 9));
    ck_assert_uint_eq(fw_be(&f, 4), 0x51454D55); /* QEMU */
    ck_assert_uint_eq(fw_be(&f, 2), 0);
    fw_select(&f, 0x19);
    ck_assert_uint_eq(fw_be(&f, 4), 2);
    ck_assert_uint_eq(fw_be(&f, 4), 2); /* size, selector, name */
    ck_assert_uint_eq(fw_be(&f, 4), 0x200000);
    ck_assert_uint_eq(fw_be(&f, 4), 0x6574632F);
    for (unsigned i = 0; i < 52; i++)
        (void)get(fwcfg_io, &f, 1);
    ck_assert_uint_eq(fw_be(&f, 4), 8);
    ck_assert_uint_eq(fw_be(&f, 4), 0x210000);
    fw_select(&f, 0x21);
    ck_assert_uint_eq(fw_be(&f, 4), 0x08070605);
    ck_assert_uint_eq(fw_be(&f, 4), 0x04030201);
    ck_assert_uint_eq(fw_be(&f, 4), 0);
    fw_select(&f, 0x22);
    ck_assert_uint_eq(fw_be(&f, 4), 0);
}
END_TEST

Suite *suite_x86_floppy(void)
{
    Suite *s = suite_create("x86_floppy");
    TCase *t = tcase_create("x86_floppy");

    tcase_add_test(t, reads_by_dma_to_the_end_of_the_count);
    tcase_add_test(t, multi_track_goes_on_under_the_other_head);
    tcase_add_test(t, the_end_of_the_cylinder_comes_first);
    tcase_add_test(t, writes_by_dma_and_fills_the_last_sector);
    tcase_add_test(t, moves_bytes_without_dma_too);
    tcase_add_test(t, says_which_sector_is_not_there);
    tcase_add_test(t, a_broken_medium_is_a_data_error);
    tcase_add_test(t, without_disk_nothing_comes);
    tcase_add_test(t, changes_are_seen_until_a_step);
    tcase_add_test(t, formats_a_track);
    tcase_add_test(t, scans_and_verifies);
    tcase_add_test(t, keeps_its_configuration_locked);
    tcase_add_test(t, formats_are_by_size);
    tcase_add_test(t, dma_counts_wraps_and_begins_anew);
    tcase_add_test(t, dma_moves_words_by_the_second_chip);
    tcase_add_test(t, dma_stays_in_storage);
    tcase_add_test(t, firmware_finds_its_files);
    suite_add_tcase(s, t);
    return s;
}
