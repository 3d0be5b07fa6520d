/* s370/asm: the disassembler, and encodings as others see them. */
#include "s370/asm/dis.h"
#include "s370/machine/disasm.h"
#include "s370/machine/operand.h"
#include "tests/asm_bench.h"
#include "tests/command.h"
#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) +
                   UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

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
    struct s370_buffer again = asm_bench_image((const char *)text.bytes);
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
        asm_bench_read(path, object);
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
        struct s370_buffer ours = asm_bench_image(text);
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

Suite *suite_s370_dis(void)
{
    Suite *s = suite_create("s370_dis");
    TCase *t = tcase_create("s370_dis");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_every_instruction_comes_back);
    tcase_add_loop_test(t, test_random_bytes_come_back, 0, 4);
    tcase_add_test(t, test_dis_gives_labels);
    tcase_add_test(t, test_dis_refuses);
    tcase_add_loop_test(t, test_line_of_an_instruction, 0, ARRAY_LEN(lines));
    tcase_add_test(t, test_ignored_bits_are_not_exact);
    tcase_add_test(t, test_encodings_agree_with_gnu);
    suite_add_tcase(s, t);
    return s;
}
