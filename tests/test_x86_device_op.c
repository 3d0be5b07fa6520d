/* device_op.c beside decode.c: the same bytes are the same instruction. */
#include "x86vmm/machine/device_op.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    x86_body body;
} table[] = {
#define OP(name, priv, body, title) {#name, body},
#include "x86vmm/machine/op.def"
#undef OP
};

/* In front of the opcode; the first byte is how many. */
static const uint8_t prefixes[][4] = {
    {0},
    {1, 0x66},
    {1, 0x67},
    {2, 0x66, 0x67},
    {1, 0xF3},
    {1, 0xF2},
    {1, 0x26},
    {1, 0x2E},
    {1, 0x64},
    {2, 0x65, 0x66},
    {1, 0xF0},
    {2, 0xF3, 0x67},
    {3, 0x64, 0xF3, 0x66},
    /* REX, in 64-bit code */
    {1, 0x48},
    {1, 0x40},
    {1, 0x47},
    {2, 0x67, 0x4F},
    {2, 0xF3, 0x49},
    {2, 0x66, 0x42},
    {2, 0x2E, 0x44},
};
static const unsigned widths[] = {16, 32, 64};

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void bytes_words(const uint8_t *b, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        sprintf(out + 3 * i, "%02x ", b[i]);
}

static void op_words(const struct x86_op *op, char *out, size_t cap)
{
    int n =
        snprintf(out, cap,
                 "%s len %u flags %x size %u asize %u seg %u base %u "
                 "index %u scale %u detail %u disp %llx imm %llx:",
                 table[op->id].name, op->len, op->flags, op->size, op->asize,
                 op->seg, op->base, op->index, op->scale, op->detail,
                 (unsigned long long)op->disp, (unsigned long long)op->imm);

    for (unsigned i = 0; i < op->count; i++)
        n +=
            snprintf(out + n, cap - (size_t)n, " %u/%u/%u", op->operand[i].kind,
                     op->operand[i].reg, op->operand[i].size);
}

static bool same(const struct x86_op *a, const struct x86_op *b)
{
    struct x86_op one = *a, other = *b;

    one.body = other.body = NULL; /* decode.c takes one for the form */
    return !memcmp(&one, &other, sizeof(one)) && a->body == table[a->id].body;
}

static void differ(const uint8_t *bytes, unsigned bits,
                   const struct x86_op *mine, const struct x86_op *theirs)
{
    char a[256], b[256], words[64];

    op_words(mine, a, sizeof(a));
    op_words(theirs, b, sizeof(b));
    bytes_words(bytes, 15, words);
    ck_abort_msg("%s in %u bits:\n%s, not\n%s", words, bits, a, b);
}

/* Both, if the first knows it; seen[]: which instructions those are. */
static void compare(const uint8_t *bytes, unsigned bits, unsigned *seen)
{
    struct x86_op mine, theirs;

    if (!x86_device_op(bytes, 15, bits, &mine) ||
        x86_op_decode(bytes, 15, bits, &theirs))
        return;
    seen[mine.id]++;
    if (!same(&mine, &theirs))
        differ(bytes, bits, &mine, &theirs);
}

static void compare_opcodes(const uint8_t *prefix, unsigned bits, bool two,
                            unsigned *seen)
{
    uint64_t seed = prefix[0] + bits + two;

    for (unsigned opcode = 0; opcode < 256; opcode++)
        for (unsigned modrm = 0; modrm < 0xC0; modrm++) {
            uint8_t bytes[16];
            unsigned at = prefix[0];

            for (unsigned i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)next_random(&seed);
            memcpy(bytes, prefix + 1, at);
            if (two)
                bytes[at++] = 0x0F;
            bytes[at++] = (uint8_t)opcode;
            bytes[at] = (uint8_t)modrm;
            compare(bytes, bits, seen);
        }
}

static void compare_all(const uint8_t *prefix, unsigned *seen)
{
    bool rex = prefix[0] && (prefix[prefix[0]] & 0xF0) == 0x40;

    for (unsigned i = rex ? 2 : 0; i < ARRAY_LEN(widths); i++) {
        compare_opcodes(prefix, widths[i], false, seen);
        compare_opcodes(prefix, widths[i], true, seen);
    }
}

START_TEST(decoders_agree)
{
    unsigned seen[X86_INSN_COUNT] = {0}, known = 0;

    compare_all(prefixes[_i], seen);
    for (unsigned i = 0; i < X86_INSN_COUNT; i++)
        known += seen[i];
    ck_assert_uint_gt(known, 2000);
}
END_TEST

/* Rows that no bytes reach would be dead. */
START_TEST(each_row_is_reached)
{
    static const uint16_t rows[] = {
#define DEVICE_OP(opcode, mask, group, name, body, form) X86_INSN_##name,
#include "x86vmm/machine/device_op.def"
#undef DEVICE_OP
    };
    unsigned seen[X86_INSN_COUNT] = {0};

    compare_all(prefixes[0], seen);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(seen[rows[i]], "%s was not met", table[rows[i]].name);
}
END_TEST

Suite *suite_x86_device_op(void)
{
    Suite *s = suite_create("x86_device_op");
    TCase *t = tcase_create("decoders");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, decoders_agree, 0, ARRAY_LEN(prefixes));
    tcase_add_test(t, each_row_is_reached);
    suite_add_tcase(s, t);
    return s;
}
