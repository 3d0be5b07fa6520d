/* Test ROMs.  tests/guests.sh fetches and assembles barotto/test386.asm;
 * TRAPLINE_TEST386 names another ROM of it, assembled with POST_PORT 0x190 and
 * OUT_PORT 0xE9, with its test386-EE-reference.txt in the same folder. */
#include "tests/skip.h"
#include "tests/x86_guest.h"
#include "tests/x86_rom.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a few lines: out 0x190, 1; "ok" to 0xE9; out 0x190, FF; hlt. */
START_TEST(own_rom)
{
    static const uint8_t program[] = {
        0xBA, 0x90, 0x01, 0xB0, 0x01, 0xEE, 0xB0, 'o',  0xE6,
        0xE9, 0xB0, 'k',  0xE6, 0xE9, 0xB0, 0xFF, 0xEE, 0xF4,
    };
    static const uint8_t jump[] = {0xEA, 0x00, 0x00, 0x00, 0xF0};
    uint8_t *rom = calloc(1, 0x10000);

    ck_assert_ptr_nonnull(rom);
    memcpy(rom, program, sizeof(program));
    memcpy(rom + 0xFFF0, jump, sizeof(jump));
    struct x86_rom *m = x86_rom_new(rom, 0x10000, 0x190, 0xE9);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(x86_run(&m->cpu, 100), X86_HALT);
    ck_assert_uint_eq(m->posts, 2);
    ck_assert_uint_eq(m->trail[0], 1);
    ck_assert_uint_eq(m->post, 0xFF);
    ck_assert_str_eq(m->text, "ok");
    ck_assert_ptr_null(x86_rom_new(rom, 0x8000, 0x190, 0xE9));
    x86_rom_free(m);
    free(rom);
}
END_TEST

/* All of a file, with a 0 behind it; NULL: it cannot be read. */
static char *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    enum { MOST = 1 << 24 };
    char *bytes = f ? calloc(1, MOST + 1) : NULL;

    if (bytes)
        *size = fread(bytes, 1, MOST, f);
    if (f)
        fclose(f);
    return bytes;
}

static char *reference_of(const char *rom)
{
    static const char name[] = "test386-EE-reference.txt";
    const char *slash = strrchr(rom, '/');
    int folder = slash ? (int)(slash - rom + 1) : 0;
    char path[4096];
    size_t size;

    snprintf(path, sizeof(path), "%.*s%s", folder, rom, name);
    return slurp(path, &size);
}

/* The first line in which two texts differ, from 1; 0: none. */
static unsigned differ(const char *a, const char *b)
{
    unsigned line = 1;

    while (*a && *a == *b) {
        line += *a == '\n';
        a++, b++;
    }
    return *a == *b ? 0 : line;
}

START_TEST(test386)
{
    const char *named = getenv("TRAPLINE_TEST386");
    char path[4096];
    size_t size = 0;

    if (named)
        snprintf(path, sizeof(path), "%s", named);
    else
        x86_guest_path("test386/test386.bin", path, sizeof(path));
    if (!named && access(path, F_OK)) {
        skip_test("no ROM of test386.asm: `make guests` fetches it");
        return;
    }
    char *rom = slurp(path, &size), *want = reference_of(path);
    ck_assert_msg(rom != NULL, "%s: cannot be read", path);
    ck_assert_msg(want != NULL, "%s: no reference beside it", path);
    struct x86_rom *m = x86_rom_new((const uint8_t *)rom, size, 0x190, 0xE9);
    ck_assert_msg(m != NULL, "%s: not a ROM of 64 or 128 KiB", path);
    ck_assert_int_eq(x86_run(&m->cpu, 200000000), X86_HALT);
    ck_assert_msg(m->post == 0xFF, "stopped at POST %02X, RIP %llx", m->post,
                  (unsigned long long)m->cpu.state.rip);
    ck_assert_ptr_nonnull(m->text);
    ck_assert_msg(!differ(m->text, want), "line %u is not the reference's",
                  differ(m->text, want));
    x86_rom_free(m);
    free(rom);
    free(want);
}
END_TEST

Suite *suite_x86_rom(void);

Suite *suite_x86_rom(void)
{
    Suite *s = suite_create("x86_rom");
    TCase *t = tcase_create("rom");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, own_rom);
    tcase_add_test(t, test386);
    suite_add_tcase(s, t);
    return s;
}
