/* s370/asm: the assembler.  The vectors are plain text under
 * tests/vectors/asm. */
#include "tests/asm_bench.h"
#include "tests/command.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS "tests/vectors/asm/"

/* ---- Listings ---- */

static const char *const listings[] = {"twice", "language", "columns"};

/* The first line in which the two texts differ. */
static unsigned first_difference(const char *x, const char *y)
{
    unsigned line = 1;

    for (; *x && *x == *y; x++, y++)
        line += *x == '\n';
    return line;
}

START_TEST(test_listing_is_as_expected)
{
    struct s370_buffer source = {0}, golden = {0}, listing = {0};
    char path[128], name[64];

    snprintf(path, sizeof(path), VECTORS "%s.s", listings[_i]);
    snprintf(name, sizeof(name), "%s.s", listings[_i]);
    asm_bench_read(path, &source);
    struct assembly *a =
        asm_bench_assemble(name, (char *)source.bytes, source.len);
    snprintf(path, sizeof(path), VECTORS "%s.lst", listings[_i]);
    asm_bench_read(path, &golden);
    s370_asm_listing(a, true, &listing);
    s370_buffer_put(&listing, "", 1);
    ck_assert_msg(
        !strcmp((char *)listing.bytes, (char *)golden.bytes), "%s:%u differs",
        path, first_difference((char *)listing.bytes, (char *)golden.bytes));
    s370_asm_free(a);
    s370_buffer_free(&source);
    s370_buffer_free(&golden);
    s370_buffer_free(&listing);
}
END_TEST

/* ---- Constants ---- */

static void check_constant(unsigned line, const char *operand, const char *hex)
{
    char text[1024], got[512] = "";
    size_t n = 0;

    snprintf(text, sizeof(text),
             "A        START 0\n         DC    %s\nX        EQU   A,4\n"
             "         END\n",
             operand);
    struct s370_buffer image = asm_bench_image(text);
    for (size_t i = 0; i < image.len && n + 3 < sizeof(got); i++)
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%02X", image.bytes[i]);
    ck_assert_msg(!strcmp(got, hex),
                  VECTORS "constants.txt:%u: %s is %s, not %s", line, operand,
                  got, hex);
    s370_buffer_free(&image);
}

START_TEST(test_constants)
{
    FILE *f = fopen(VECTORS "constants.txt", "r");
    char text[512];
    unsigned line = 0, checked = 0;

    ck_assert(f != NULL);
    while (fgets(text, sizeof(text), f)) {
        char *tab = strchr(text, '\t');

        line++;
        if (*text == '#' || !tab)
            continue;
        *tab = '\0';
        tab[1 + strcspn(tab + 1, "\n")] = '\0';
        check_constant(line, text, tab + 1);
        checked++;
    }
    fclose(f);
    ck_assert_uint_gt(checked, 300);
}
END_TEST

/* ---- Errors ---- */

struct error_case {
    char name[128], source[4096], expected[4096];
    unsigned line;
};

static void check_errors(const struct error_case *c)
{
    struct assembly *a =
        asm_bench_assemble("test", c->source, strlen(c->source));
    char got[4096] = "";
    size_t n = 0;

    for (const struct s370_asm_message *m = s370_asm_messages(a); m;
         m = m->next)
        n +=
            (size_t)snprintf(got + n, sizeof(got) - n, "%u:%u: %s%s\n", m->line,
                             m->column, m->warning ? "warning: " : "", m->text);
    ck_assert_msg(!strcmp(got, c->expected),
                  VECTORS "errors.txt:%u: %s\ngot\n%sexpected\n%s", c->line,
                  c->name, got, c->expected);
    s370_asm_free(a);
}

START_TEST(test_errors)
{
    FILE *f = fopen(VECTORS "errors.txt", "r");
    static struct error_case c;
    char text[256];
    unsigned line = 0, checked = 0;

    ck_assert(f != NULL);
    while (fgets(text, sizeof(text), f)) {
        line++;
        if (*text == '#') {
            c = (struct error_case){.line = line};
            snprintf(c.name, sizeof(c.name), "%.100s", text + 2);
        } else if (*text == '|') {
            strcat(c.source, text + 1);
        } else if (*text != '\n') {
            strcat(c.expected, text);
        } else if (*c.source) {
            check_errors(&c);
            checked++;
        }
    }
    fclose(f);
    ck_assert_uint_gt(checked, 25);
}
END_TEST

START_TEST(test_thousands_of_errors_are_cut_short)
{
    struct s370_buffer text = {0};
    unsigned n = 0;

    for (unsigned i = 0; i < 5000; i++)
        s370_buffer_say(&text, "         LR    1\n");
    struct assembly *a =
        asm_bench_assemble("test", (const char *)text.bytes, text.len);
    for (const struct s370_asm_message *m = s370_asm_messages(a); m;
         m = m->next)
        n++;
    ck_assert_uint_gt(n, 100);
    ck_assert_uint_lt(n, 1000);
    ck_assert_uint_eq(s370_asm_errors(a), 5000);
    s370_asm_free(a);
    s370_buffer_free(&text);
}
END_TEST

/* ---- Object programs ---- */

START_TEST(test_core_is_flat)
{
    struct s370_buffer b = asm_bench_image("A        START X'100'\n"
                                           "         DC    X'01'\n"
                                           "         DS    F\n"
                                           "         DC    V(B)\n"
                                           "B        CSECT\n"
                                           "         DC    A(*)\n"
                                           "         END\n");
    static const uint8_t expected[] = {1, 0,    0, 0, 0, 0, 0, 0, 0, 0,
                                       1, 0x10, 0, 0, 0, 0, 0, 0, 1, 0x10};

    ck_assert_uint_eq(b.len, sizeof(expected));
    ck_assert_mem_eq(b.bytes, expected, sizeof(expected));
    s370_buffer_free(&b);
}
END_TEST

static enum status core_of(const char *text, struct diag *d)
{
    struct assembly *a = asm_bench_assemble("test", text, strlen(text));
    struct s370_buffer image = {0};
    uint32_t origin;
    enum status st = s370_asm_core(a, &image, &origin, d);

    s370_buffer_free(&image);
    s370_asm_free(a);
    return st;
}

START_TEST(test_core_refuses)
{
    struct diag d;

    ck_assert_int_eq(core_of("         DC    V(X)\n         END\n", &d),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(d.text, "X is external"));
    ck_assert_int_eq(core_of("         END\n", &d), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(d.text, "no code"));
    ck_assert_int_eq(core_of("         LR\n         END\n", &d),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(d.text, "1 error"));
}
END_TEST

/* One program of a name whose whole deck is known, card by card. */
START_TEST(test_deck)
{
    static const char source[] = "PROG     START 0\n"
                                 "         BR    14\n"
                                 "         ENTRY NAME\n"
                                 "NAME     DC    A(PROG),V(FOO)\n"
                                 "         END   PROG\n";
    static const char *const cards[] = {
        "02C5E2C4404040404040003040400001" /* ESD, 48 bytes, ESDID 1 */
        "D7D9D6C740404040000000004000000C" /* SD PROG 0, 12 bytes */
        "C6D6D640404040400240404040404040",
        "02E3E7E340000000404000024040000107FE",
        "02E3E7E3400000044040000840400001" /* TXT at 4, 8 bytes */
        "0000000000000000",
        "02D9D3C4404040404040001040404040" /* RLD, 16 bytes */
        "000100010C000004000200011C000008",
        "02C5D5C4400000004040404040400001"};
    struct assembly *a = asm_bench_assemble("test", source, strlen(source));
    struct s370_buffer deck = {0};
    struct diag d;

    ck_assert_int_eq(s370_asm_deck(a, &deck, &d), STATUS_OK);
    ck_assert_uint_eq(deck.len, 80 * ARRAY_LEN(cards));
    for (size_t i = 0; i < ARRAY_LEN(cards); i++)
        for (size_t k = 0; cards[i][2 * k]; k++) {
            unsigned byte;

            ck_assert_int_eq(sscanf(cards[i] + 2 * k, "%2x", &byte), 1);
            if (i == 0 && k >= 40 && k < 48)
                continue; /* an item without address and length */
            ck_assert_msg(deck.bytes[80 * i + k] == byte,
                          "card %zu, column %zu: %02X, not %02X", i + 1, k + 1,
                          deck.bytes[80 * i + k], byte);
        }
    s370_buffer_free(&deck);
    s370_asm_free(a);
}
END_TEST

/* A program of several blocks, whose entry lies in the last one. */
static const char far_program[] = "A        START 0\n"
                                  "         DC    X'00040000',A(FAR)\n"
                                  "         ORG   A+X'40'\n"
                                  "         DS    2F\n"
                                  "CAW      DS    F\n"
                                  "         ORG   A+100000\n"
                                  "FAR      BALR  12,0\n"
                                  "         USING *,12\n"
                                  "         LA    1,WRITE\n"
                                  "         ST    1,72\n"
                                  "         SIO   X'01F'\n"
                                  "WAIT     TIO   X'01F'\n"
                                  "         BC    7,WAIT\n"
                                  "         LPSW  STOP\n"
                                  "STOP     DC    0D'0',X'0002000000000FED'\n"
                                  "WRITE    CCW   9,TEXT,X'20',L'TEXT\n"
                                  "TEXT     DC    C'FROM FAR AWAY'\n"
                                  "         END\n";

START_TEST(test_ipl_tape_of_several_blocks)
{
    command_file("far.s", far_program, strlen(far_program));
    const struct command *c = command_run(
        command_folder(), "asm far.s --format ipl --output far.aws");
    ck_assert_msg(c->status == 0, "%s", c->err);
    c = command_run(command_folder(), "run far.aws --on bare");
    ck_assert_msg(c->status == 0, "%s", c->err);
    ck_assert_msg(strstr(c->out, "FROM FAR AWAY"), "%s", c->out);
    ck_assert_msg(strstr(c->err, "00000FED"), "%s", c->err);
    command_clean();
}
END_TEST

START_TEST(test_ipl_from_cards)
{
    static const char config[] = "MAINSIZE 1\n001F 3215-C\n"
                                 "000C 3505 far.cards ebcdic\n";

    command_file("far.s", far_program, strlen(far_program));
    command_file("far.conf", config, strlen(config));
    const struct command *c = command_run(
        command_folder(), "asm far.s --format cards --output far.cards");
    ck_assert_msg(c->status == 0, "%s", c->err);
    c = command_run(command_folder(), "run far.conf");
    ck_assert_msg(c->status == 0, "%s", c->err);
    ck_assert_msg(strstr(c->out, "FROM FAR AWAY"), "%s", c->out);
    ck_assert_msg(strstr(c->err, "00000FED"), "%s", c->err);
    command_clean();
}
END_TEST

/* ---- The sample guests ---- */

/* Bare and under the monitor the guest prints the very same; and it prints
 * what it should, but for who was first and how long it took. */
static void check_guest(const char *name, const char *input)
{
    struct s370_buffer golden = {0};
    char path[128];

    snprintf(path, sizeof(path), VECTORS "%s.console", name);
    asm_bench_read(path, &golden);
    ck_assert_int_eq(
        command_run(NULL, "asm s370/guest/%s.s --format ipl --output %s/%s.aws",
                    name, command_folder(), name)
            ->status,
        0);
    const struct command *c = command_run(
        command_folder(),
        "printf '%s' >in; $T run %s.aws --on bare <in >bare && "
        "$T run %s.aws --on trap <in >trap && cmp bare trap && "
        "sed 's/[0-9]* TIME SLICES/N TIME SLICES/; s/  *[0-9]* MS/ N MS/' "
        "bare | LC_ALL=C sort -s -k 1,1",
        input, name, name);
    ck_assert_msg(c->status == 0, "%s%s", c->out, c->err);
    ck_assert_msg(!strcmp(c->out, (char *)golden.bytes), "%s:%u differs:\n%s",
                  path, first_difference(c->out, (char *)golden.bytes), c->out);
    s370_buffer_free(&golden);
    command_clean();
}

START_TEST(test_guest_multi)
{
    check_guest("multi", "");
}
END_TEST

START_TEST(test_guest_calc)
{
    check_guest("calc", "12 + 34\\n999999999999999*999999999999999\\n7 - 9\\n"
                        "100/7\\n5/0\\nhello\\n 8/ 2\\n0-0\\n1 + 2 3\\n"
                        "1234567890123456 + 1\\nend\\n");
}
END_TEST

/* ---- The command ---- */

START_TEST(test_command)
{
    static const char source[] = "         LR    1,2\n         LX    3\n"
                                 "         END\n";

    command_file("bad.s", source, strlen(source));
    command_file("COUNT.mac", "         LA    9,9\n", 20);
    const struct command *c = command_run(command_folder(), "asm bad.s");
    ck_assert_int_eq(c->status, 2);
    ck_assert_str_eq(c->err, "trapline: bad.s:2:10: LX is not an operation\n");
    c = command_run(command_folder(), "asm nothere.s");
    ck_assert_int_eq(c->status, 2);
    ck_assert_ptr_nonnull(strstr(c->err, "trapline: nothere.s: No such file"));
    c = command_run(command_folder(), "asm bad.s --format elf");
    ck_assert_int_eq(c->status, 2);
    c = command_run(command_folder(),
                    "printf ' COPY COUNT\\n END\\n' | $T asm - --listing -");
    ck_assert_msg(c->status == 0, "%s", c->err);
    ck_assert_ptr_nonnull(strstr(c->out, "000000 4190 0009"));
    c = command_run(command_folder(),
                    "printf '\\7\\376' | $T dis - --origin 1000 --plain");
    ck_assert_msg(c->status == 0, "%s", c->err);
    ck_assert_str_eq(c->out, "         START 4096\n         BR    14\n"
                             "         END\n");
    command_clean();
}
END_TEST

Suite *suite_s370_asm(void)
{
    Suite *s = suite_create("s370_asm");
    TCase *t = tcase_create("s370_asm");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_listing_is_as_expected, 0, ARRAY_LEN(listings));
    tcase_add_test(t, test_constants);
    tcase_add_test(t, test_errors);
    tcase_add_test(t, test_thousands_of_errors_are_cut_short);
    tcase_add_test(t, test_core_is_flat);
    tcase_add_test(t, test_core_refuses);
    tcase_add_test(t, test_deck);
    tcase_add_test(t, test_ipl_tape_of_several_blocks);
    tcase_add_test(t, test_ipl_from_cards);
    tcase_add_test(t, test_guest_multi);
    tcase_add_test(t, test_guest_calc);
    tcase_add_test(t, test_command);
    suite_add_tcase(s, t);
    return s;
}
