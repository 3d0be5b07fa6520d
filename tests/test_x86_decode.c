/* Decoding for the modelled x86 processor: what becomes of the bytes. */
#include "x86vmm/machine/op.h"

#include <check.h>

enum { NONE = X86_NO_REG };

static const struct form {
    const char *bytes;
    unsigned n, bits;
    int code; /* what x86_op_decode returns */
    unsigned id, size, asize, seg, base, index, scale;
    int64_t disp;
    uint64_t imm;
    unsigned flags;
} forms[] = {
    {"\x01\xD8", 2, 64, 0, X86_INSN_ADD, 4, 8, X86_DS, NONE, NONE, 0, 0, 0, 0},
    {"\x01\xD8", 2, 16, 0, X86_INSN_ADD, 2, 2, X86_DS, NONE, NONE, 0, 0, 0, 0},
    {"\x66\x01\xD8", 3, 64, 0, X86_INSN_ADD, 2, 8, X86_DS, NONE, NONE, 0, 0, 0,
     0},
    {"\x00\xD8", 2, 64, 0, X86_INSN_ADD, 1, 8, X86_DS, NONE, NONE, 0, 0, 0, 0},
    {"\x48\x8B\x44\x8B\x10", 5, 64, 0, X86_INSN_MOV, 8, 8, X86_DS, 3, 1, 2,
     0x10, 0, 0},
    {"\x8B\x45\xFC", 3, 32, 0, X86_INSN_MOV, 4, 4, X86_SS, 5, NONE, 0, -4, 0,
     0},
    {"\x3E\x8B\x45\xFC", 4, 32, 0, X86_INSN_MOV, 4, 4, X86_DS, 5, NONE, 0, -4,
     0, 0},
    {"\x3E\x8B\x45\xFC", 4, 64, 0, X86_INSN_MOV, 4, 8, X86_SS, 5, NONE, 0, -4,
     0, 0}, /* only FS and GS count in 64-bit mode */
    {"\x64\x8B\x04\x25\x08\0\0\0", 8, 64, 0, X86_INSN_MOV, 4, 8, X86_FS, NONE,
     NONE, 0, 8, 0, 0},
    {"\x8B\x05\x04\0\0\0", 6, 64, 0, X86_INSN_MOV, 4, 8, X86_DS, NONE, NONE, 0,
     4, 0, X86_RIP_RELATIVE},
    {"\x8B\x05\x04\0\0\0", 6, 32, 0, X86_INSN_MOV, 4, 4, X86_DS, NONE, NONE, 0,
     4, 0, 0},
    {"\x8B\x02", 2, 16, 0, X86_INSN_MOV, 2, 2, X86_SS, 5, 6, 0, 0, 0, 0},
    {"\xA1\x34\x12", 3, 16, 0, X86_INSN_MOV, 2, 2, X86_DS, NONE, NONE, 0,
     0x1234, 0, 0},
    {"\x83\xC0\xFF", 3, 64, 0, X86_INSN_ADD, 4, 8, X86_DS, NONE, NONE, 0, 0,
     UINT64_MAX, 0},
    {"\x6A\x80", 2, 64, 0, X86_INSN_PUSH, 8, 8, X86_DS, NONE, NONE, 0, 0,
     (uint64_t)-128, 0},
    {"\xEB\xFE", 2, 64, 0, X86_INSN_JMP, 8, 8, X86_DS, NONE, NONE, 0, 0,
     (uint64_t)-2, X86_ENDS},
    {"\xF3\xA4", 2, 64, 0, X86_INSN_MOVSB, 1, 8, X86_DS, NONE, NONE, 0, 0, 0,
     X86_REP | X86_ENDS},
    {"\x26\xF2\xA7", 3, 32, 0, X86_INSN_CMPSD_STRING, 4, 4, X86_ES, NONE, NONE,
     0, 0, 0, X86_REPNE | X86_ENDS},
    {"\xF0\x01\x18", 3, 64, 0, X86_INSN_ADD, 4, 8, X86_DS, 0, NONE, 0, 0, 0,
     X86_LOCK},
    {"\x67\x41\x00\x04\x6D\x27\x80\x33\x15", 9, 64, 0, X86_INSN_ADD, 1, 4,
     X86_DS, NONE, 5, 1, 0x15338027, 0, 0}, /* REX.B makes no base */
    {"\xF3\x0F\xBC\xC8", 4, 64, 0, X86_INSN_BSF, 4, 8, X86_DS, NONE, NONE, 0, 0,
     0, 0}, /* no TZCNT here */
    {.bytes = "\xF0\x01\xD8",
     .n = 3,
     .bits = 64,
     .code = -2},                                      /* LOCK and a register */
    {.bytes = "\x06", .n = 1, .bits = 64, .code = -2}, /* PUSH ES */
    {.bytes = "\xF3\x0F\xB8\xC8",
     .n = 4,
     .bits = 64,
     .code = -2}, /* no POPCNT here */
    {.bytes = "\xC5\xF8\x77", .n = 3, .bits = 64, .code = -2}, /* no AVX here */
    {.bytes = "\x8B", .n = 1, .bits = 64, .code = -1},
    {.bytes = "\x48\xB8\x01\x02", .n = 4, .bits = 64, .code = -1},
    {"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x01\xD8", 15, 64, 0,
     X86_INSN_ADD, 2, 8, X86_DS, NONE, NONE, 0, 0, 0, 0},
    {.bytes = "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x01",
     .n = 15,
     .bits = 64,
     .code = -3},
};

START_TEST(decodes)
{
    const struct form *f = &forms[_i];
    struct x86_op op;
    int code = x86_op_decode((const uint8_t *)f->bytes, f->n, f->bits, &op);

    ck_assert_int_eq(code, f->code);
    if (code)
        return;
    ck_assert_uint_eq(op.id, f->id);
    ck_assert_uint_eq(op.len, f->n);
    ck_assert_uint_eq(op.size, f->size);
    ck_assert_uint_eq(op.asize, f->asize);
    ck_assert_uint_eq(op.base, f->base);
    ck_assert_uint_eq(op.index, f->index);
    ck_assert_uint_eq(op.scale, f->scale);
    ck_assert_int_eq(op.disp, f->disp);
    ck_assert_uint_eq(op.imm, f->imm);
    ck_assert_uint_eq(op.flags, f->flags);
    ck_assert_uint_eq(op.seg, f->seg);
}
END_TEST

Suite *suite_x86_decode(void)
{
    Suite *s = suite_create("x86_decode");
    TCase *t = tcase_create("decode");

    tcase_add_loop_test(t, decodes, 0, (int)ARRAY_LEN(forms));
    suite_add_tcase(s, t);
    return s;
}
