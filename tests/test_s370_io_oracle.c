/* Our devices and channels beside Hercules 3.13: the programs of
 * tests/oracle/io_program.def on both, and all that is left of them. */
#include "base/bytes.h"
#include "tests/io_oracle.h"
#include "tests/oracle/hercules.h"
#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { TEST_SECONDS = 90 };

static struct mode {
    struct outcome ours, theirs;
} modes[2]; /* by TEST I/O, by interruptions */

static void run_both(void)
{
    for (unsigned i = 0; i < 2 && hercules_installed(); i++)
        io_run(i, &modes[i].ours, &modes[i].theirs);
}

static void forget_both(void)
{
    for (unsigned i = 0; i < 2; i++) {
        io_forget(&modes[i].ours);
        io_forget(&modes[i].theirs);
    }
}

/* ---- Comparing ---- */

/* Unit and channel status of all that the case was told. */
static uint16_t all_status(const uint8_t *c)
{
    uint16_t status = c[CASE_CC] == 1 ? load_be16(c + CASE_CSW + 4) : 0;

    for (unsigned i = 0; i < c[CASE_COUNT]; i++)
        status |= load_be16(c + CASE_CSWS + 8 * i + 4);
    return status;
}

/* FIELD_* that differ. */
static unsigned compare_case(const uint8_t *a, const uint8_t *b)
{
    uint16_t status = all_status(a) ^ all_status(b);
    unsigned fields = 0, n = a[CASE_COUNT];

    fields |= a[CASE_CC] != b[CASE_CC] ? FIELD_CC : 0;
    fields |= memcmp(a + CASE_CSW, b + CASE_CSW, 8) ? FIELD_CSW : 0;
    fields |= status & 0xFF00 ? FIELD_UNIT : 0;
    fields |= status & 0x00FF ? FIELD_CHANNEL : 0;
    fields |= a[CASE_COUNT] != b[CASE_COUNT] ? FIELD_SPLIT : 0;
    fields |= memcmp(a + DATA, b + DATA, 4) ? FIELD_DATA : 0;
    fields |= memcmp(a + DATA + 4, b + DATA + 4, IO_CASE_SIZE - DATA - 4)
                  ? FIELD_TAIL
                  : 0;
    if (b[CASE_COUNT] < n)
        n = b[CASE_COUNT];
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *x = a + CASE_CSWS + 8 * i, *y = b + CASE_CSWS + 8 * i;

        fields |= memcmp(x, y, 4) ? FIELD_ADDRESS : 0;
        fields |= memcmp(x + 4, y + 4, 2) && !status ? FIELD_SPLIT : 0;
        fields |= memcmp(x + 6, y + 6, 2) ? FIELD_RESIDUAL : 0;
    }
    return fields;
}

static void show_case(const char *who, const uint8_t *c)
{
    fprintf(stderr, "  %-8s cc %u %016llX;", who, c[CASE_CC],
            (unsigned long long)load_be64(c + CASE_CSW));
    for (unsigned i = 0; i < c[CASE_COUNT]; i++)
        fprintf(stderr, " %016llX",
                (unsigned long long)load_be64(c + CASE_CSWS + 8 * i));
    fputc('\n', stderr);
}

static void show_data(const uint8_t *a, const uint8_t *b)
{
    for (unsigned i = DATA; i < IO_CASE_SIZE; i++)
        if (a[i] != b[i]) {
            fprintf(stderr, "  data from +%u:\n    ", i - DATA);
            for (unsigned k = i; k < i + 24 && k < IO_CASE_SIZE; k++)
                fprintf(stderr, "%02X", a[k]);
            fprintf(stderr, "\n    ");
            for (unsigned k = i; k < i + 24 && k < IO_CASE_SIZE; k++)
                fprintf(stderr, "%02X", b[k]);
            fputc('\n', stderr);
            return;
        }
}

static bool skipped(void)
{
    if (!hercules_installed())
        skip_test("no hercules: apt-get install hercules");
    return !hercules_installed();
}

START_TEST(test_programs_end_alike)
{
    const struct mode *m = &modes[_i];
    unsigned wrong = 0;

    if (skipped())
        return;
    ck_assert_uint_eq(m->ours.wait, 0);
    ck_assert_uint_eq(m->theirs.wait, 0);
    for (unsigned i = 0; i < io_program_count; i++) {
        const uint8_t *a = m->ours.storage + io_case(i);
        const uint8_t *b = m->theirs.storage + io_case(i);
        unsigned fields = compare_case(a, b);

        if (!(fields & ~io_differences[io_programs[i].difference].fields))
            continue;
        wrong++;
        fprintf(stderr, "%06X %s: fields %03X\n", io_case(i),
                io_programs[i].name, fields);
        show_case("ours", a);
        show_case("Hercules", b);
        if (fields & (FIELD_DATA | FIELD_TAIL))
            show_data(a, b);
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* Taking status either way: just the fields that the row says, and no row
 * for nothing. */
START_TEST(test_differences_are_there)
{
    unsigned used[DIFFERENCES] = {0};

    if (skipped())
        return;
    for (unsigned i = 0; i < io_program_count; i++) {
        enum difference d = io_programs[i].difference;
        unsigned fields = 0;

        for (unsigned k = 0; k < ARRAY_LEN(modes); k++)
            fields |= compare_case(modes[k].ours.storage + io_case(i),
                                   modes[k].theirs.storage + io_case(i));
        used[d]++;
        ck_assert_msg(fields == io_differences[d].fields,
                      "%06X %s: fields %03X differ; %s says %03X", io_case(i),
                      io_programs[i].name, fields, io_differences[d].name,
                      io_differences[d].fields);
    }
    for (unsigned i = 0; i < DIFFERENCES; i++)
        ck_assert_msg(used[i], "%s explains nothing", io_differences[i].name);
}
END_TEST

/* What was read at fixed places.  "data beyond the end of storage" stores
 * bytes as long as there is storage; Hercules none (our choice). */
START_TEST(test_storage_is_alike)
{
    const struct mode *m = &modes[_i];

    if (skipped())
        return;
    ck_assert_mem_eq(m->ours.storage + AT_CHANNEL_ID,
                     m->theirs.storage + AT_CHANNEL_ID, 4);
    for (uint32_t at = AREA; at < STORAGE - BEYOND; at++)
        if (m->ours.storage[at] != m->theirs.storage[at])
            ck_abort_msg("storage differs at %06X: %02X, %02X", at,
                         m->ours.storage[at], m->theirs.storage[at]);
}
END_TEST

/* ---- Files ---- */

static size_t without_blanks(const uint8_t *bytes, size_t len)
{
    while (len && bytes[len - 1] == ' ')
        len--;
    return len;
}

/* Leave out what may differ. */
static void reduce(struct file *f, unsigned columns, bool forms)
{
    size_t n = 0;
    unsigned column = 0;

    for (size_t i = 0; i < f->len; i++) {
        uint8_t c = f->bytes[i];

        if (forms && c == '\f')
            continue;
        if (columns && c == '\n')
            n = without_blanks(f->bytes, n);
        column = c == '\n' ? 0 : column + 1;
        if (!columns || column <= columns)
            f->bytes[n++] = columns && c > 0x7E ? ' ' : c;
    }
    f->len = n;
}

static bool same(const struct file *a, const struct file *b)
{
    return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

static void show_difference(const char *name, const struct file *a,
                            const struct file *b)
{
    size_t i = 0;

    while (i < a->len && i < b->len && a->bytes[i] == b->bytes[i])
        i++;
    ck_abort_msg("%s (%zu and %zu bytes) differs from %zu on", name, a->len,
                 b->len, i);
}

START_TEST(test_files_are_alike)
{
    unsigned which = (unsigned)_i / 2, columns = io_files[which].columns;
    struct mode *m = &modes[_i % 2];
    struct file *a = &m->ours.files[which], *b = &m->theirs.files[which];

    if (skipped())
        return;
    ck_assert_uint_gt(a->len, 0);
    if (columns || io_files[which].forms) {
        ck_assert_msg(!same(a, b), "%s does not differ", io_files[which].name);
        reduce(a, columns, io_files[which].forms);
        reduce(b, columns, io_files[which].forms);
    }
    if (!same(a, b))
        show_difference(io_files[which].name, a, b);
}
END_TEST

Suite *suite_s370_io_oracle(void)
{
    Suite *s = suite_create("s370/dev beside Hercules");
    TCase *t = tcase_create("io oracle");

    tcase_add_unchecked_fixture(t, run_both, forget_both);
    tcase_set_timeout(t, TEST_SECONDS);
    tcase_add_loop_test(t, test_programs_end_alike, 0, 2);
    tcase_add_test(t, test_differences_are_there);
    tcase_add_loop_test(t, test_storage_is_alike, 0, 2);
    tcase_add_loop_test(t, test_files_are_alike, 0, 2 * IO_FILES);
    suite_add_tcase(s, t);
    return s;
}
