/* s370/asm: the assembler and the disassembler.  The vectors are plain text
 * under tests/vectors/asm. */
#include "base/bytes.h"
#include "s370/asm/asm.h"
#include "s370/asm/dis.h"
#include "s370/machine/disasm.h"
#include "s370/machine/operand.h"
#include "tests/command.h"
#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS "tests/vectors/asm/"

static void read_whole(const char *path, struct s370_buffer *b)
{
    FILE *f = fopen(path, "rb");
    char block[4096];
    size_t n;

    ck_assert_msg(f != NULL, "%s: cannot open", path);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        s370_buffer_put(b, block, n);
    fclose(f);
    s370_buffer_put(b, "", 1);
    b->len--;
}

static struct assembly *assemble(const char *name, const char *text, size_t len)
{
    struct assembly *a;

    ck_assert_int_eq(s370_assemble(name, text, len, NULL, &a), STATUS_OK);
    return a;
}

/* A source without errors, as its image. */
static struct s370_buffer image_of(const char *text)
{
    struct assembly *a = assemble("test", text, strlen(text));
    const struct s370_asm_message *m = s370_asm_messages(a);
    struct s370_buffer image = {0};
    struct diag d = {""};
    uint32_t origin;

    ck_assert_msg(!m, "%u:%u: %s in\n%.2000s", m ? m->line : 0,
                  m ? m->column : 0, m ? m->text : "", text);
    ck_assert_msg(s370_asm_core(a, &image, &origin, &d) == STATUS_OK, "%s",
                  d.text);
    s370_asm_free(a);
    return image;
}

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) +
                   UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

/* ---- Listings ---- */

static const char *const listings[] = {"twice", "language"};

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
    read_whole(path, &source);
    struct assembly *a = assemble(name, (char *)source.bytes, source.len);
    snprintf(path, sizeof(path), VECTORS "%s.lst", listings[_i]);
    read_whole(path, &golden);
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
    struct s370_buffer image = image_of(text);
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
    struct assembly *a = assemble("test", c->source, strlen(c->source));
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
    struct assembly *a = assemble("test", (const char *)text.bytes, text.len);
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

/* ---- Round trips ---- */

static uint64_t random_insn(const struct insn_desc *row)
{
    struct s370_operand operands[S370_OPERANDS_MAX];
    unsigned n = s370_format_operands(row->format, operands);
    uint64_t insn = s370_opcode_put(row->opcode);

    for (unsigned i = 0; i < n; i++) {
        const struct s370_field f[] = {operands[i].field, operands[i].base,
                                       operands[i].index, operands[i].length};

        for (size_t k = 0; k < ARRAY_LEN(f); k++)
            if (f[k].width && random_below(4)) /* sometimes 0: none */
                insn = s370_field_put(insn, f[k], random_below(1u << 16));
    }
    return insn;
}

static void put_insn(struct s370_buffer *b, const struct insn_desc *row)
{
    uint64_t insn = random_insn(row);
    unsigned length = s370_format_length(row->format);

    for (unsigned i = 0; i < length; i++)
        s370_buffer_put(b, &(uint8_t){(uint8_t)(insn >> (40 - 8 * i))}, 1);
}

static void check_round_trip(const struct s370_buffer *image,
                             const struct s370_dis_options *options)
{
    struct s370_buffer text = {0};
    struct diag d = {""};

    ck_assert_msg(s370_dis(image->bytes, image->len, options, &text, &d) ==
                      STATUS_OK,
                  "%s", d.text);
    s370_buffer_put(&text, "", 1);
    struct s370_buffer again = image_of((const char *)text.bytes);
    ck_assert_uint_eq(again.len, image->len);
    for (size_t i = 0; i < image->len; i++)
        ck_assert_msg(again.bytes[i] == image->bytes[i], "byte %zX differs", i);
    s370_buffer_free(&again);
    s370_buffer_free(&text);
}

static struct s370_dis_options no_bases(uint32_t origin)
{
    struct s370_dis_options o = {.origin = origin};

    for (unsigned i = 0; i < 16; i++)
        o.bases[i] = -1;
    return o;
}

START_TEST(test_every_instruction_comes_back)
{
    struct s370_dis_options o = no_bases(0x1000);
    struct s370_buffer image = {0};

    random_state = 11;
    for (size_t i = 0; i < s370_insns.count; i++)
        for (unsigned k = 0; k < 40; k++)
            put_insn(&image, &s370_insns.rows[i]);
    check_round_trip(&image, &o);
    o.plain = true;
    check_round_trip(&image, &o);
    s370_buffer_free(&image);
}
END_TEST

START_TEST(test_random_bytes_come_back)
{
    static const uint32_t origins[] = {0, 0x800, 0x10000, 0xFE0000};
    struct s370_dis_options o = no_bases(origins[_i]);
    struct s370_buffer image = {0};

    random_state = 12 + (unsigned)_i;
    for (unsigned i = 0; i < 6001; i++)
        s370_buffer_put(&image, &(uint8_t){(uint8_t)random_below(256)}, 1);
    memset(image.bytes + 300, 0, 1001);
    check_round_trip(&image, &o);
    o.bases[12] = (int32_t)origins[_i] + 2; /* so that there are labels */
    o.bases[11] = (int32_t)origins[_i] + 4098;
    o.bases[3] = (int32_t)origins[_i] + 2;
    check_round_trip(&image, &o);
    s370_buffer_free(&image);
}
END_TEST

START_TEST(test_dis_gives_labels)
{
    static const uint8_t code[] = {0x47, 0xF0, 0xC0, 0x06, 0x07, 0x00,
                                   0x07, 0x00, 0x46, 0x10, 0xC0, 0x02};
    struct s370_dis_options o = no_bases(0);
    struct s370_buffer text = {0};
    struct diag d;

    o.plain = true;
    o.bases[12] = 2;
    ck_assert_int_eq(s370_dis(code, sizeof(code), &o, &text, &d), STATUS_OK);
    s370_buffer_put(&text, "", 1);
    ck_assert_str_eq((char *)text.bytes, "         START 0\n"
                                         "         USING *-0,0\n"
                                         "         USING *-0+2,12\n"
                                         "         B     L000008\n"
                                         "L000004  NOPR  0\n"
                                         "         NOPR  0\n"
                                         "L000008  BCT   1,L000004\n"
                                         "         END\n");
    s370_buffer_free(&text);
}
END_TEST

START_TEST(test_dis_refuses)
{
    struct s370_dis_options o = no_bases(4);
    struct s370_buffer text = {0};
    struct diag d;

    ck_assert_int_eq(s370_dis((const uint8_t *)"AB", 2, &o, &text, &d),
                     STATUS_BAD_INPUT);
    o.origin = 0xFFFFF8;
    ck_assert_int_eq(s370_dis((const uint8_t *)"123456789", 9, &o, &text, &d),
                     STATUS_BAD_INPUT);
    s370_buffer_free(&text);
}
END_TEST

/* ---- One instruction's line ---- */

static const struct {
    uint8_t bytes[6];
    const char *text;
} lines[] = {
    {{0x07, 0xFE}, "BR    14"},
    {{0x07, 0x00}, "NOPR  0"},
    {{0x47, 0x80, 0xF0, 0x04}, "BE    4(,15)"},
    {{0x47, 0xD0, 0x12, 0x34}, "BNH   564(,1)"},
    {{0x47, 0x30, 0x00, 0x10}, "BC    3,X'010'"},
    {{0x58, 0x21, 0x00, 0x00}, "L     2,0(1)"},
    {{0x58, 0x21, 0x30, 0x08}, "L     2,8(1,3)"},
    {{0x41, 0x10, 0x00, 0x05}, "LA    1,5"},
    {{0x90, 0xEC, 0xD0, 0x0C}, "STM   14,12,12(13)"},
    {{0x89, 0x10, 0x00, 0x04}, "SLL   1,4"},
    {{0x82, 0x00, 0x00, 0x38}, "LPSW  X'038'"},
    {{0x9C, 0x00, 0x00, 0x0E}, "SIO   X'00E'"},
    {{0x9C, 0x01, 0x00, 0x0E}, "SIOF  X'00E'"},
    {{0x92, 0xC1, 0x10, 0x00}, "MVI   0(1),X'C1'"},
    {{0xBF, 0x17, 0x10, 0x00}, "ICM   1,7,0(1)"},
    {{0xD2, 0x0F, 0x10, 0x00, 0x20, 0x04}, "MVC   0(16,1),4(2)"},
    {{0xFA, 0x77, 0xF0, 0x28, 0xF0, 0x28}, "AP    40(8,15),40(8,15)"},
    {{0xF0, 0x35, 0x10, 0x00, 0x00, 0x3F}, "SRP   0(4,1),63,5"},
    {{0x0A, 0x07}, "SVC   7"},
    {{0x04, 0x30}, "SPM   3"},
    {{0xB2, 0x0B, 0x00, 0x00}, "IPK"},
    {{0xB2, 0xFF, 0x00, 0x00}, "DC    X'B2FF0000'"},
    {{0x00, 0x00}, "DC    X'0000'"},
};

START_TEST(test_line_of_an_instruction)
{
    const uint8_t *bytes = lines[_i].bytes;
    char text[S370_DISASM_SIZE];
    size_t length = s370_insn_len(bytes[0]);

    ck_assert_uint_eq(s370_disasm(bytes, 6, 0, text, sizeof(text)), length);
    ck_assert_str_eq(text, lines[_i].text);
    ck_assert(s370_disasm_exact(bytes, 6));
    for (size_t n = 0; n < length; n++) { /* too few bytes: what there is */
        ck_assert_uint_eq(s370_disasm(bytes, n, 0, text, sizeof(text)), n);
        ck_assert(n ? !strncmp(text, "DC    X'", 8) : !*text);
    }
    for (size_t cap = 0; cap < sizeof(text); cap++) {
        memset(text, '#', sizeof(text));
        s370_disasm(bytes, 6, 0, text, cap);
        ck_assert(cap == sizeof(text) || text[cap] == '#');
    }
}
END_TEST

START_TEST(test_ignored_bits_are_not_exact)
{
    static const uint8_t spm[] = {0x04, 0x35}, sll[] = {0x89, 0x15, 0, 4};
    static const uint8_t ssm[] = {0x80, 0x01, 0, 0}, sio[] = {0x9C, 2, 0, 9};
    char text[S370_DISASM_SIZE];

    ck_assert(!s370_disasm_exact(spm, 2));
    ck_assert(!s370_disasm_exact(sll, 4));
    ck_assert(!s370_disasm_exact(ssm, 4));
    ck_assert(!s370_disasm_exact(sio, 4));
    s370_disasm(sll, 4, 0, text, sizeof(text));
    ck_assert_str_eq(text, "SLL   1,4");
}
END_TEST

/* ---- Against another assembler ---- */

/* The instruction with all its numbers written out. */
static void write_plainly(const struct insn_desc *row, uint64_t insn, char *out,
                          size_t cap)
{
    struct s370_operand operands[S370_OPERANDS_MAX];
    unsigned n = s370_format_operands(row->format, operands);
    size_t len = (size_t)snprintf(out, cap, "%s ", row->name);

    for (unsigned i = 0; i < n; i++) {
        const struct s370_operand *o = &operands[i];
        unsigned first = s370_field_get(insn, o->index);

        if (o->length.width)
            first = s370_field_get(insn, o->length) + 1;
        len += (size_t)snprintf(out + len, cap - len, "%s%u", i ? "," : "",
                                s370_field_get(insn, o->field));
        if (o->kind != S370_OPERAND_STORAGE)
            continue;
        if (o->index.width || o->length.width)
            len += (size_t)snprintf(out + len, cap - len, "(%u,%u)", first,
                                    s370_field_get(insn, o->base));
        else
            len += (size_t)snprintf(out + len, cap - len, "(%u)",
                                    s370_field_get(insn, o->base));
    }
}

enum { SLOT = 8, PER_ROW = 6, CASES_MAX = 300 * PER_ROW };

struct gnu {
    char line[CASES_MAX][48];
    bool refused[CASES_MAX];
    unsigned count;
};

/* GNU as does not know every instruction: it says so, and we ask again without
 * those lines.  Each has a slot of 8 bytes. */
static bool run_gnu(struct gnu *g, struct s370_buffer *object)
{
    struct s370_buffer text = {0};
    bool complained = false;

    for (unsigned i = 0; i < g->count; i++)
        s370_buffer_say(&text, " .org %u; %s\n", i * SLOT,
                        g->refused[i] ? "" : g->line[i]);
    s370_buffer_say(&text, " .org %u\n", g->count * SLOT);
    command_file("gnu.s", text.bytes, text.len);
    s370_buffer_free(&text);
    const struct command *c = command_run(
        command_folder(), ": $T; tr A-Z a-z <gnu.s >gnu2.s; "
                          "s390x-linux-gnu-as -m31 -mesa -march=g5 gnu2.s "
                          "-o gnu.o 2>gnu.err; cat gnu.err >&2; test -s "
                          "gnu.err || s390x-linux-gnu-objcopy -O binary "
                          "-j .text gnu.o gnu.bin");
    for (const char *p = c->err; (p = strstr(p, "gnu2.s:")) != NULL; p++) {
        unsigned line = (unsigned)strtoul(p + 7, NULL, 10);

        if (line < 1 || line > g->count || g->refused[line - 1])
            continue;
        g->refused[line - 1] = true;
        complained = true;
    }
    char path[512];
    snprintf(path, sizeof(path), "%s/gnu.bin", command_folder());
    if (!complained)
        read_whole(path, object);
    return !complained;
}

static void check_against_gnu(const struct gnu *g, const uint8_t *object)
{
    unsigned compared = 0;

    for (unsigned i = 0; i < g->count; i++) {
        char text[128];

        if (g->refused[i])
            continue;
        snprintf(text, sizeof(text), "         %s\n         END\n", g->line[i]);
        struct s370_buffer ours = image_of(text);
        ck_assert_msg(!memcmp(ours.bytes, object + i * SLOT, ours.len),
                      "%s: %02X%02X%02X.. is %02X%02X%02X.. with GNU",
                      g->line[i], ours.bytes[0], ours.bytes[1],
                      ours.len > 2 ? ours.bytes[2] : 0, object[i * SLOT],
                      object[i * SLOT + 1], object[i * SLOT + 2]);
        s370_buffer_free(&ours);
        compared++;
    }
    ck_assert_uint_gt(compared, 100 * PER_ROW);
}

/* GNU as wants registers that exist, and even ones where a pair is meant. */
static uint64_t sane_insn(const struct insn_desc *row)
{
    struct s370_operand operands[S370_OPERANDS_MAX];
    unsigned n = s370_format_operands(row->format, operands);
    bool is_float = row->opcode < 0x80 && (row->opcode & 0x20);
    uint64_t insn = random_insn(row);

    for (unsigned i = 0; i < n; i++)
        if (operands[i].kind == S370_OPERAND_REGISTER)
            insn &= ~s370_field_put(0, operands[i].field, is_float ? 11 : 1);
    return insn;
}

START_TEST(test_encodings_agree_with_gnu)
{
    static struct gnu g;
    struct s370_buffer object = {0};

    if (system("s390x-linux-gnu-as --version >/dev/null 2>&1") != 0) {
        skip_test("no s390x-linux-gnu-as: encodings were not compared with it");
        return;
    }
    random_state = 13;
    for (size_t i = 0; i < s370_insns.count; i++) {
        for (unsigned k = 0; k < PER_ROW; k++)
            write_plainly(&s370_insns.rows[i], sane_insn(&s370_insns.rows[i]),
                          g.line[g.count++], sizeof(g.line[0]));
    }
    for (unsigned tries = 0; tries < 8 && !run_gnu(&g, &object); tries++)
        ;
    ck_assert_msg(object.len == g.count * SLOT, "%.2000s",
                  command_run(NULL, ": $T; head -c 2000 %s/gnu.err; ls -l %s",
                              command_folder(), command_folder())
                      ->out);
    check_against_gnu(&g, object.bytes);
    s370_buffer_free(&object);
    command_clean();
}
END_TEST

/* ---- Object programs ---- */

START_TEST(test_core_is_flat)
{
    struct s370_buffer b = image_of("A        START X'100'\n"
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
    struct assembly *a = assemble("test", text, strlen(text));
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
    struct assembly *a = assemble("test", source, strlen(source));
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

/* ---- The sample guests ---- */

/* Bare and under the monitor the guest prints the very same; and it prints
 * what it should, but for who was first and how long it took. */
static void check_guest(const char *name, const char *input)
{
    struct s370_buffer golden = {0};
    char path[128];

    snprintf(path, sizeof(path), VECTORS "%s.console", name);
    read_whole(path, &golden);
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
    tcase_add_test(t, test_every_instruction_comes_back);
    tcase_add_loop_test(t, test_random_bytes_come_back, 0, 4);
    tcase_add_test(t, test_dis_gives_labels);
    tcase_add_test(t, test_dis_refuses);
    tcase_add_loop_test(t, test_line_of_an_instruction, 0, ARRAY_LEN(lines));
    tcase_add_test(t, test_ignored_bits_are_not_exact);
    tcase_add_test(t, test_encodings_agree_with_gnu);
    tcase_add_test(t, test_core_is_flat);
    tcase_add_test(t, test_core_refuses);
    tcase_add_test(t, test_deck);
    tcase_add_test(t, test_ipl_tape_of_several_blocks);
    tcase_add_test(t, test_guest_multi);
    tcase_add_test(t, test_guest_calc);
    tcase_add_test(t, test_command);
    suite_add_tcase(s, t);
    return s;
}
