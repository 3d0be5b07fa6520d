/* Software of others on the bare PC: kvm-unit-tests, xv6, FreeDOS,
 * memtest86+.
 *
 * The images are no part of the project: tests/guests.sh fetches and builds
 * them in BUILD/guests.  TRAPLINE_X86_GUESTS names another folder with
 *   kvm-unit-tests/x86_64/NAME.flat, kvm-unit-tests/i386/NAME.flat
 *   xv6/bootblock, xv6/kernel, xv6/xv6.img, xv6/fs.img
 *   memtest86+/memtest86+x64.bin, memtest86+/memtest86+ia32.bin
 *   seabios/bios.bin, seabios/bios-256k.bin
 *   freedos/freedos.boot.disk.SIZE.img, 160K to 1.4MB
 *
 * Nine starts of FreeDOS are most of the suite's time: without TRAPLINE_SLOW in
 * the environment (`make check-slow` sets it) it starts once from the smallest
 * disk and once from the largest, with one firmware each. */
#include "tests/skip.h"
#include "tests/x86_guest.h"
#include "x86vmm/svm/svm.h"
#include "x86vmm/vtx/vtx.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION UINT64_C(1000000)

/* ---- kvm-unit-tests ---- */

static void out(struct pc *pc, uint16_t port, uint8_t byte)
{
    uint64_t value = byte;

    ck_assert(bus_access(&pc->bus, BUS_PORT, port, 1, true, &value));
}

/* The 8259As as a PC's firmware leaves them: vectors 8 and 70h. */
static void set_up_pic(struct pc *pc)
{
    static const uint8_t rows[][2] = {
        {0x20, 0x11}, {0x21, 8}, {0x21, 4}, {0x21, 1},    {0xA0, 0x11},
        {0xA1, 0x70}, {0xA1, 2}, {0xA1, 1}, {0x21, 0xB8}, {0xA1, 0x84}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        out(pc, rows[i][0], rows[i][1]);
}

static struct x86_guest *new_unit_test(const char *folder, const char *name,
                                       const char *append)
{
    char path[128];
    struct x86_guest_plan plan = {
        .kernel = path,
        .append = append,
        .module = "NR_CPUS=1\nMEMSIZE=256\nTEST_DEVICE=0\nBOOTLOADER=1\n",
        .apic = true,
        .test_device = true};

    snprintf(path, sizeof(path), "kvm-unit-tests/%s/%s.flat", folder, name);
    struct x86_guest *g = x86_guest_new(&plan);
    if (!g)
        return NULL;
    set_up_pic(g->pc);
    return g;
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;

    for (; (text = strstr(text, word)); text++)
        n++;
    return n;
}

/* No FAIL, so many PASS, and its exit code is 0. */
static void check_unit_test(const struct x86_guest *g, const char *name,
                            unsigned passes)
{
    const char *failed = strstr(g->text, "FAIL");

    ck_assert_msg(!failed, "%s: %.200s", name, failed);
    ck_assert_msg(count(g->text, "PASS") == passes,
                  "%s: %u of %u passed:\n%.2000s", name, count(g->text, "PASS"),
                  passes, g->text);
    ck_assert_msg(g->pc->platform.stopped && !g->pc->platform.exit_code,
                  "%s: it ended with code %u:\n%s", name,
                  g->pc->platform.exit_code, g->text);
}

static const struct unit_test {
    const char *folder, *name;
    unsigned passes;
} unit_tests[] = {
    {"x86_64", "realmode", 127}, {"x86_64", "debug", 25},
    {"x86_64", "emulator", 149}, {"x86_64", "eventinj", 13},
    {"x86_64", "idt_test", 4},   {"x86_64", "ioapic", 19},
    {"x86_64", "la57", 49},      {"x86_64", "memory", 4},
    {"x86_64", "pcid", 2},       {"x86_64", "rmap_chain", 1},
    {"x86_64", "setjmp", 10},    {"x86_64", "smptest", 1},
    {"x86_64", "syscall", 1},    {"x86_64", "tsc", 3},
    {"x86_64", "smap", 18},      {"x86_64", "umip", 21},
    {"x86_64", "xsave", 4},      {"i386", "cmpxchg8b", 1},
    {"i386", "emulator", 84},    {"i386", "eventinj", 15},
    {"i386", "realmode", 127},   {"i386", "setjmp", 10},
    {"i386", "taskswitch", 0},   {"i386", "taskswitch2", 13},
    {"i386", "tsc", 3},          {"i386", "smap", 18},
    {"i386", "umip", 21},        {"x86_64", "msr", 1052},
    {"i386", "msr", 1052},
};

START_TEST(unit_test_passes)
{
    const struct unit_test *t = &unit_tests[_i];
    struct x86_guest *g = new_unit_test(t->folder, t->name, NULL);

    if (!g)
        return;
    g->pc->board.test.pulses = !strcmp(t->name, "realmode");
    (void)x86_guest_wait(g, "\x01never", 20 * MILLION);
    check_unit_test(g, t->name, t->passes);
    x86_guest_free(g);
}
END_TEST

/* Monitors, on a processor with AMD-V or VT-x.  Of svm.flat not those that
 * measure, or want an SMI, or a processor without RDTSCP; of vmx.flat, which is
 * long, a few. */
static const struct {
    const char *name, *append;
    unsigned passes;
    bool vtx;
} monitors[] = {
    {"vmx",
     "vmx_mtf_test vmx_preemption_timer_zero_test preemption_timer "
     "debug_controls MSR_switch vmx_cr_load_test",
     23, true},
    {"svm_npt", NULL, 135, false},
    {"svm",
     "-latency* -svm_vmrun_errata_test "
     "-svm_intr_intercept_mix_smi -svm_unsupported*",
     359, false},
};

START_TEST(monitor_test_passes)
{
    struct x86_guest *g =
        new_unit_test("x86_64", monitors[_i].name, monitors[_i].append);
    struct svm *svm = malloc(sizeof(*svm));
    struct vtx *vtx = malloc(sizeof(*vtx));

    if (g && svm && vtx) {
        if (monitors[_i].vtx)
            vtx_attach(vtx, &g->pc->cpu);
        else
            svm_attach(svm, &g->pc->cpu);
        (void)x86_guest_wait(g, "\x01never", 400 * MILLION);
        check_unit_test(g, monitors[_i].name, monitors[_i].passes);
        x86_guest_free(g);
    }
    free(vtx);
    free(svm);
}
END_TEST

/* ---- xv6 ---- */

static void check_xv6(const char *kernel, bool firmware)
{
    struct x86_guest *g = x86_guest_new(
        &(struct x86_guest_plan){.kernel = kernel,
                                 .firmware = firmware,
                                 .disks = {"xv6/xv6.img", "xv6/fs.img"},
                                 .apic = true});

    if (!g)
        return;
    ck_assert_msg(x86_guest_wait(g, "init: starting sh", 400 * MILLION) &&
                      x86_guest_wait(g, "$ ", 20 * MILLION),
                  "no shell:\n%s", g->text);
    x86_guest_type(g, "echo one two | wc > three");
    ck_assert_msg(x86_guest_wait(g, "$ ", 20 * MILLION), "%s", g->text);
    x86_guest_type(g, "cat three");
    ck_assert_msg(x86_guest_wait(g, "1 2 8 ", 20 * MILLION), "%s", g->text);
    x86_guest_free(g);
}

/* Its own boot sector brings it from the disk into protected mode. */
START_TEST(xv6_boots_from_its_disk)
{
    check_xv6("xv6/bootblock", false);
}
END_TEST

START_TEST(xv6_boots_by_multiboot)
{
    check_xv6("xv6/kernel", false);
}
END_TEST

/* Firmware finds the disk, and starts from it. */
START_TEST(seabios_boots_xv6)
{
    check_xv6("seabios/bios.bin", true);
}
END_TEST

/* ---- FreeDOS ---- */

/* To its prompt; a directory, and a file written and read back. */
static void check_freedos(const char *firmware, const char *disk)
{
    struct x86_guest *g = x86_guest_new(&(struct x86_guest_plan){
        .kernel = firmware, .firmware = true, .disks = {NULL, NULL, disk}});

    if (!g)
        return;
    ck_assert_msg(x86_guest_wait(g, "ECHO OFF", 100 * MILLION) &&
                      x86_guest_wait(g, "A:\\>", 20 * MILLION),
                  "no prompt:\n%s", g->text);
    x86_guest_type(g, "DIR");
    ck_assert_msg(x86_guest_wait(g, "COMMAND  COM        66,090", 50 * MILLION),
                  "%s", g->text);
    ck_assert_msg(x86_guest_wait(g, "A:\\>", 20 * MILLION), "%s", g->text);
    x86_guest_type(g, "COPY CONFIG.SYS B.TXT");
    ck_assert_msg(x86_guest_wait(g, "A:\\>", 100 * MILLION), "%s", g->text);
    x86_guest_type(g, "TYPE B.TXT");
    ck_assert_msg(x86_guest_wait(g, "FILES", 50 * MILLION), "%s", g->text);
    x86_guest_free(g);
}

static const char *const freedos_disks[] = {"160K", "180K", "320K",  "360K",
                                            "640K", "720K", "1200K", "1.4MB"};

START_TEST(freedos_boots_from_a_floppy)
{
    char disk[64];

    if (_i && !getenv("TRAPLINE_SLOW")) {
        skip_test("FreeDOS from a disk of %s: in make check-slow",
                  freedos_disks[_i]);
        return;
    }
    snprintf(disk, sizeof(disk), "freedos/freedos.boot.disk.%s.img",
             freedos_disks[_i]);
    check_freedos("seabios/bios.bin", disk);
}
END_TEST

/* Firmware of 256 KiB runs in the lower half of its copy, too. */
START_TEST(larger_firmware_boots)
{
    check_freedos("seabios/bios-256k.bin",
                  "freedos/freedos.boot.disk.1.4MB.img");
}
END_TEST

/* ---- memtest86+ ---- */

/* By the 64-bit boot protocol, and by the 32-bit one. */
START_TEST(memtest_finds_no_error)
{
    struct x86_guest *g = x86_guest_new(
        &(struct x86_guest_plan){.kernel = _i ? "memtest86+/memtest86+ia32.bin"
                                              : "memtest86+/memtest86+x64.bin",
                                 .append = "console=ttyS0,115200"});

    if (!g)
        return;
    ck_assert_msg(x86_guest_wait(g, "walking ones", 500 * MILLION), "%s",
                  g->text);
    ck_assert_msg(x86_guest_wait(g, "Errors: 0", 100 * MILLION), "%s", g->text);
    x86_guest_free(g);
}
END_TEST

Suite *suite_x86_guests(void)
{
    enum { SECONDS = 300 };
    Suite *s = suite_create("x86_guests");
    TCase *tc = tcase_create("guests");

    tcase_set_timeout(tc, SECONDS);
    tcase_add_loop_test(tc, unit_test_passes, 0, ARRAY_LEN(unit_tests));
    tcase_add_loop_test(tc, monitor_test_passes, 0, ARRAY_LEN(monitors));
    tcase_add_test(tc, xv6_boots_from_its_disk);
    tcase_add_test(tc, xv6_boots_by_multiboot);
    tcase_add_test(tc, seabios_boots_xv6);
    tcase_add_loop_test(tc, freedos_boots_from_a_floppy, 0,
                        ARRAY_LEN(freedos_disks));
    tcase_add_test(tc, larger_firmware_boots);
    tcase_add_loop_test(tc, memtest_finds_no_error, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
