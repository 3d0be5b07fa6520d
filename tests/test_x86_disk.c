/* A PC's disk, register by register, as ATA has them. */
#include "base/bytes.h"
#include "tests/port_io.h"
#include "x86vmm/dev/dev_ide.h"

#include <check.h>
#include <string.h>

enum { DISK_SECTORS = 5000 };

static struct rig {
    struct clock clock;
    struct x86_platform platform;
    struct pic pic;
    struct ide ide;
    uint8_t disk[DISK_SECTORS * IDE_SECTOR];
    bool broken;
} rig;

enum { R_DATA, R_ERROR, R_COUNT, R_LOW, R_MIDDLE, R_HIGH, R_DEVICE, R_STATUS };

static bool disk_read(void *who, uint64_t sector, uint8_t bytes[IDE_SECTOR])
{
    (void)who;
    memcpy(bytes, rig.disk + sector * IDE_SECTOR, IDE_SECTOR);
    return !rig.broken;
}

static bool disk_write(void *who, uint64_t sector,
                       const uint8_t bytes[IDE_SECTOR])
{
    (void)who;
    memcpy(rig.disk + sector * IDE_SECTOR, bytes, IDE_SECTOR);
    return !rig.broken;
}

static void ide_set_up(void)
{
    struct ide_medium m[2] = {
        {DISK_SECTORS, disk_read, disk_write, NULL, NULL}};

    memset(&rig, 0, sizeof(rig));
    clock_init(&rig.clock);
    pic_begin(&rig.pic, &rig.platform);
    ide_init(&rig.ide, &rig.clock, &rig.platform, m);
    for (unsigned i = 0; i < DISK_SECTORS; i++)
        store_le32(rig.disk + (size_t)i * IDE_SECTOR, i);
}

static uint8_t ide_get(unsigned reg)
{
    return (uint8_t)port_get(ide_io, &rig.ide, reg, 1);
}

static void ide_put(unsigned reg, uint8_t value)
{
    port_put(ide_io, &rig.ide, reg, 1, value);
}

/* An LBA of 28 bits and a command. */
static void ide_command(uint32_t sector, uint8_t count, uint8_t command)
{
    ide_put(R_DEVICE, (uint8_t)(0xE0 | sector >> 24));
    ide_put(R_COUNT, count);
    ide_put(R_LOW, (uint8_t)sector);
    ide_put(R_MIDDLE, (uint8_t)(sector >> 8));
    ide_put(R_HIGH, (uint8_t)(sector >> 16));
    ide_put(R_STATUS, command);
}

/* It is busy; then it interrupts. */
static uint8_t ide_wait(void)
{
    ck_assert_uint_eq(port_get(ide_control_io, &rig.ide, 0, 1) & 0x80, 0x80);
    ck_assert(!pic_pending(&rig.pic));
    clock_advance(&rig.clock, IDE_LATENCY);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x76);
    ck_assert_uint_ne(rig.platform.raised, 0);
    uint8_t status = ide_get(R_STATUS);
    ck_assert_uint_eq(rig.platform.raised, 0);
    return status;
}

static uint32_t ide_sector(void)
{
    uint32_t first = (uint32_t)port_get(ide_io, &rig.ide, R_DATA, 4);

    for (unsigned i = 4; i < IDE_SECTOR; i += 2)
        port_get(ide_io, &rig.ide, R_DATA, 2);
    return first;
}

START_TEST(ide_identifies)
{
    uint8_t words[IDE_SECTOR];

    ide_set_up();
    ide_command(0, 0, 0xEC);
    ck_assert_int_eq(pic_acknowledge(&rig.pic), 0x76);
    ck_assert_uint_eq(ide_get(R_STATUS), 0x58);
    for (unsigned i = 0; i < IDE_SECTOR; i += 2)
        store_le16(words + i, (uint16_t)port_get(ide_io, &rig.ide, R_DATA, 2));
    ck_assert_uint_eq(ide_get(R_STATUS), 0x50);
    ck_assert_uint_eq(load_le16(words), 0x40);
    ck_assert_uint_eq(load_le32(words + 120), DISK_SECTORS);
    ck_assert_uint_eq(load_le64(words + 200), DISK_SECTORS);
    ck_assert_mem_eq(words + 54, "rTpailend si k  ", 16);
}
END_TEST

START_TEST(ide_reads_sectors)
{
    ide_set_up();
    ide_command(77, 3, 0x20);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(ide_wait(), 0x58);
        ck_assert_uint_eq(ide_sector(), 77 + i);
    }
    ck_assert_uint_eq(ide_get(R_STATUS), 0x50);
    ck_assert_uint_eq(ide_get(R_LOW), 79);
    ck_assert_uint_eq(rig.clock.next, CLOCK_NEVER);
}
END_TEST

START_TEST(ide_reads_by_48_bits_in_blocks)
{
    ide_set_up();
    ide_command(0, 8, 0xC6); /* eight sectors a block */
    ck_assert_uint_eq(ide_get(R_STATUS), 0x50);
    ide_put(R_DEVICE, 0x40);
    ide_put(R_COUNT, 0);
    ide_put(R_COUNT, 10);
    for (unsigned reg = R_LOW; reg <= R_HIGH; reg++) {
        ide_put(reg, 0);
        ide_put(reg, (uint8_t)(0x1234 >> 8 * (reg - R_LOW)));
    }
    pic_acknowledge(&rig.pic);
    ide_put(R_STATUS, 0x29);
    for (unsigned i = 0; i < 10; i++) {
        if (i % 8 == 0)
            ck_assert_uint_eq(ide_wait(), 0x58);
        if (i == 0x1388 - 0x1234)
            break;
        ck_assert_uint_eq(ide_sector(), 0x1234 + i);
    }
    ck_assert_uint_eq(ide_get(R_STATUS), 0x50);
}
END_TEST

START_TEST(ide_writes_sectors)
{
    ide_set_up();
    ide_command(4000, 2, 0x30);
    for (unsigned n = 0; n < 2; n++) {
        ck_assert_uint_eq(port_get(ide_control_io, &rig.ide, 0, 1), 0x58);
        for (unsigned i = 0; i < IDE_SECTOR; i += 4)
            port_put(ide_io, &rig.ide, R_DATA, 4, 0xA0B0C0D0 + n);
        ck_assert_uint_eq(ide_wait(), n ? 0x50 : 0x58);
    }
    ck_assert_uint_eq(load_le32(rig.disk + 4000 * IDE_SECTOR), 0xA0B0C0D0);
    ck_assert_uint_eq(load_le32(rig.disk + 4001 * IDE_SECTOR + 508),
                      0xA0B0C0D1);
}
END_TEST

START_TEST(ide_reads_by_cylinder_head_sector)
{
    ide_set_up();
    ide_command(0, 17, 0x91); /* 17 sectors; heads: the device's low bits */
    ide_put(R_DEVICE, 0xA3);  /* 4 heads */
    ide_put(R_COUNT, 17);
    ide_put(R_STATUS, 0x91);
    ck_assert_uint_eq(ide_get(R_STATUS), 0x50);
    ide_put(R_DEVICE, 0xA2);
    ide_put(R_COUNT, 1);
    ide_put(R_LOW, 5);
    ide_put(R_MIDDLE, 9);
    ide_put(R_HIGH, 0);
    pic_acknowledge(&rig.pic);
    ide_put(R_STATUS, 0x21);
    ck_assert_uint_eq(ide_wait(), 0x58);
    ck_assert_uint_eq(ide_sector(), (9 * 4 + 2) * 17 + 4);
}
END_TEST

START_TEST(ide_says_what_is_wrong)
{
    ide_set_up();
    ide_command(DISK_SECTORS - 1, 2, 0x20);
    ck_assert_uint_eq(ide_get(R_STATUS), 0x51);
    ck_assert_uint_eq(ide_get(R_ERROR), 0x10);
    ide_command(0, 0, 0xA1); /* packets: no */
    ck_assert_uint_eq(ide_get(R_STATUS), 0x51);
    ck_assert_uint_eq(ide_get(R_ERROR), 4);
    ide_command(0, 1, 0xC4); /* blocks of no size */
    ck_assert_uint_eq(ide_get(R_STATUS), 0x51);
    rig.broken = true;
    pic_acknowledge(&rig.pic);
    ide_command(3, 1, 0x20);
    ck_assert_uint_eq(ide_wait(), 0x51);
    ck_assert_uint_eq(ide_get(R_ERROR), 0x40);
}
END_TEST

START_TEST(ide_has_a_second_device)
{
    struct ide_medium m[2] = {{DISK_SECTORS, disk_read, disk_write, NULL, NULL},
                              {50, disk_read, disk_write, NULL, NULL}};

    ide_set_up();
    ide_init(&rig.ide, &rig.clock, &rig.platform, m);
    ide_command(60, 1, 0x20);
    ck_assert_uint_eq(ide_wait(), 0x58);
    ck_assert_uint_eq(ide_sector(), 60);
    ide_command(0, 1, 0x20);
    ide_wait();
    ide_sector();
    ide_put(R_DEVICE, 0xF0);
    ide_put(R_LOW, 49);
    ide_put(R_STATUS, 0x20);
    ck_assert_uint_eq(ide_wait(), 0x58);
    ck_assert_uint_eq(ide_sector(), 49);
    ide_put(R_LOW, 50);
    ide_put(R_STATUS, 0x20);
    ck_assert_uint_eq(ide_get(R_STATUS), 0x51);
    ck_assert_uint_eq(ide_get(R_ERROR), 0x10);
}
END_TEST

START_TEST(ide_resets_and_has_one_device)
{
    ide_set_up();
    ide_put(R_DEVICE, 0xB0);
    ck_assert_uint_eq(ide_get(R_STATUS), 0);
    ide_put(R_STATUS, 0xEC);
    ck_assert(!pic_pending(&rig.pic));
    ide_command(5, 1, 0x20);
    port_put(ide_control_io, &rig.ide, 0, 1, 4);
    ck_assert_uint_eq(ide_get(R_STATUS), 0x80);
    port_put(ide_control_io, &rig.ide, 0, 1, 2);
    ck_assert_uint_eq(ide_get(R_STATUS), 0x50);
    ck_assert_uint_eq(ide_get(R_ERROR), 1);
    ck_assert_uint_eq(rig.clock.next, CLOCK_NEVER);
    ide_command(5, 1, 0xEC); /* nIEN: silent */
    ck_assert(!pic_pending(&rig.pic));
}
END_TEST

Suite *suite_x86_disk(void)
{
    Suite *s = suite_create("x86_disk");
    TCase *t = tcase_create("x86_disk");

    tcase_add_test(t, ide_identifies);
    tcase_add_test(t, ide_reads_sectors);
    tcase_add_test(t, ide_reads_by_48_bits_in_blocks);
    tcase_add_test(t, ide_writes_sectors);
    tcase_add_test(t, ide_reads_by_cylinder_head_sector);
    tcase_add_test(t, ide_says_what_is_wrong);
    tcase_add_test(t, ide_has_a_second_device);
    tcase_add_test(t, ide_resets_and_has_one_device);
    suite_add_tcase(s, t);
    return s;
}
