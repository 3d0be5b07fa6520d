/* Decoding, disassembly, paging, modes, and the completeness of tables. */
#include "base/bytes.h"
#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/deliver.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/length.h"
#include "x86vmm/machine/mode.h"
#include "x86vmm/machine/translate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- decoding ---- */

static const struct {
    const char *bytes;
    unsigned len, bits;
    const char *text; /* NULL: not one of the table */
} codes[] = {
    {"\x0F\xA2", 2, 64, "CPUID"},
    {"\xF4", 1, 16, "HLT"},
    {"\x0F\x30", 2, 64, "WRMSR"},
    {"\x0F\x32", 2, 32, "RDMSR"},
    {"\x0F\x01\xC1", 3, 64, "VMCALL"},
    {"\x0F\x01\xD9", 3, 64, "VMMCALL"},
    {"\xE4\x21", 2, 16, "IN AL,0x21"},
    {"\xE5\x21", 2, 16, "IN AX,0x21"},
    {"\xE5\x21", 2, 32, "IN EAX,0x21"},
    {"\x66\xE5\x21", 3, 16, "IN EAX,0x21"},
    {"\x66\xE5\x21", 3, 64, "IN AX,0x21"},
    {"\xE6\xF4", 2, 64, "OUT 0xF4,AL"},
    {"\xE7\xF4", 2, 64, "OUT 0xF4,EAX"},
    {"\xEC", 1, 16, "IN AL,DX"},
    {"\xED", 1, 64, "IN EAX,DX"},
    {"\xEE", 1, 64, "OUT DX,AL"},
    {"\x66\xEF", 2, 32, "OUT DX,AX"},
    {"\x48\xEF", 2, 64, "OUT DX,EAX"},
    {"\x66\x48\xEF", 3, 64, "OUT DX,AX"},
    {"\x6C", 1, 16, "INSB"},
    {"\xF3\x6C", 2, 16, "REP INSB"},
    {"\xF3\x6D", 2, 16, "REP INSW"},
    {"\xF3\x66\x6D", 3, 16, "REP INSD"},
    {"\x66\xF2\x2E\x6F", 4, 64, "REP OUTSW"},
    {"\x67\xF3\x6E", 3, 64, "REP OUTSB"},
    {"\x48\xEF", 2, 32, NULL},     /* DEC EAX */
    {"\x48\x66\xEF", 3, 64, NULL}, /* REX not before the opcode */
    {"\xF0\x0F\xA2", 3, 64, NULL}, /* LOCK: #UD */
    {"\x0F\xA3", 2, 64, NULL},
    {"\x0F\x01\xC2", 3, 64, "VMLAUNCH"},
    {"\x0F\x01\xC5", 3, 64, NULL},
    {"\x0F\xC7\x33", 3, 64, NULL}, /* VMPTRLD: the processor's to decode */
    {"\x90", 1, 64, NULL},
    {"\x0F", 1, 64, NULL}, /* cut off */
    {"\xE4", 1, 64, NULL},
    {"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xF4", 15, 64,
     "HLT"},
    {"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xF4", 16, 64,
     NULL}, /* longer than any instruction */
};

START_TEST(decodes)
{
    char text[32];

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        size_t n = x86_disasm((const uint8_t *)codes[i].bytes, codes[i].len,
                              codes[i].bits, text, sizeof(text));

        ck_assert_msg(!strcmp(text, codes[i].text ? codes[i].text : ""),
                      "code %zu is %s", i, text);
        ck_assert_uint_eq(n, codes[i].text ? codes[i].len : 0);
    }
}
END_TEST

START_TEST(disassembles_into_any_buffer)
{
    for (size_t cap = 0; cap < 16; cap++) {
        char *text = malloc(cap ? cap : 1); /* its end is watched */

        x86_disasm((const uint8_t *)"\xE7\xF4", 2, 64, text, cap);
        if (cap)
            ck_assert_uint_lt(strlen(text), cap);
        free(text);
    }
}
END_TEST

START_TEST(decodes_any_bytes)
{
    uint32_t seed = 1;
    uint8_t bytes[20];

    for (unsigned round = 0; round < 50000; round++) {
        struct x86_decoded d;

        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(seed >> 24);
        }
        size_t n = seed % sizeof(bytes);
        x86_decode(bytes, n, 16u << seed % 3, &d);
        ck_assert(!d.insn == !d.len && d.len <= n && d.len <= X86_INSN_MAX);
    }
}
END_TEST

static const struct {
    const char *bytes;
    unsigned len, bits; /* len 0: none is found */
} lengths[] = {
    {"\x90", 1, 64},
    {"\xB8\1\2\3\4", 5, 32},
    {"\xB8\1\2\3\4", 3, 16},
    {"\x66\xB8\1\2\3\4", 6, 16},
    {"\x48\xB8\1\2\3\4\5\6\7\x8", 10, 64}, /* mov rax, imm64 */
    {"\x66\x48\xB8\1\2\3\4\5\6\7\x8", 11, 64},
    {"\xA0\1\2", 3, 16}, /* mov al, moffs */
    {"\xA0\1\2\3\4", 5, 32},
    {"\xA0\1\2\3\4\5\6\7\x8", 9, 64},
    {"\x67\xA0\1\2\3\4", 6, 64},
    {"\x8B\x46\1", 3, 16},           /* [bp+1] */
    {"\x8B\x06\1\2", 4, 16},         /* [disp16] */
    {"\x8B\x86\1\2", 4, 16},         /* [bp+disp16] */
    {"\x8B\x05\1\2\3\4", 6, 64},     /* [rip+disp32] */
    {"\x8B\x04\x25\1\2\3\4", 7, 64}, /* [disp32] */
    {"\x8B\x44\x24\1", 4, 64},
    {"\x8B\x84\x24\1\2\3\4", 7, 32},
    {"\xC7\x03\1\2\3\4", 6, 64},
    {"\x66\xC7\x03\1\2", 5, 64},
    {"\xF6\x03\1", 3, 64}, /* test */
    {"\xF6\x13", 2, 64},   /* not */
    {"\xF7\x03\1\2\3\4", 6, 64},
    {"\xF7\xD8", 2, 64},
    {"\xC8\1\2\3", 4, 64},   /* enter */
    {"\x9A\1\2\3\4", 5, 16}, /* call far */
    {"\xEA\1\2\3\4\5\6", 7, 32},
    {"\x0F\x84\1\2\3\4", 6, 64},
    {"\x0F\xBA\xE0\1", 4, 64},
    {"\x0F\x38\x00\xC1", 4, 64},   /* pshufb */
    {"\x0F\x3A\x0F\xC1\1", 5, 64}, /* palignr */
    {"\xF3\x48\xA5", 3, 64},
    {"\xC4\x03", 2, 32},             /* les eax, [ebx] */
    {"\xC4\xE1\xFB\x92\xCB", 0, 64}, /* VEX */
    {"\x8B\x05\1\2\3", 0, 64},       /* cut off */
    {"\x0F\x04", 0, 64},
    {"", 0, 64},
};

START_TEST(measures)
{
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        uint8_t bytes[20] = {0};
        size_t n = lengths[i].len;

        if (!n) /* so many as there are */
            while (n < sizeof(bytes) && lengths[i].bytes[n])
                n++;
        memcpy(bytes, lengths[i].bytes, n);
        ck_assert_msg(x86_length(bytes, lengths[i].len ? sizeof(bytes) : n,
                                 lengths[i].bits) == lengths[i].len,
                      "row %zu", i);
        for (size_t cut = 0; cut < lengths[i].len; cut++)
            ck_assert_uint_eq(x86_length(bytes, cut, lengths[i].bits), 0);
    }
}
END_TEST

/* ---- tables ---- */

START_TEST(sensitive_rows_have_an_interpreter_or_a_reason)
{
    unsigned interpreted = 0;

    for (unsigned op = 0; op < X86_OP_COUNT; op++) {
        const struct insn_desc *row = &x86_insns.rows[op];
        enum exit_reason reason = x86_exit_reason_of(op);

        ck_assert_uint_eq(row->id, op);
        if (row->sensitivity == SENS_INNOCUOUS)
            continue;
        ck_assert_msg(reason < EXIT_REASON_COUNT, "%s is nobody's", row->name);
        ck_assert_msg((reason == EXIT_SENSITIVE) == !!x86_interpreters[op],
                      "%s", row->name);
        interpreted += reason == EXIT_SENSITIVE;
    }
    ck_assert_uint_ge(interpreted, 3);
}
END_TEST

START_TEST(every_reason_has_a_handler)
{
    for (unsigned r = 0; r < EXIT_REASON_COUNT; r++)
        ck_assert_msg(x86_handlers[r].handle, "%s", exit_reason_name(r));
}
END_TEST

START_TEST(registers_lie_in_the_state)
{
    for (size_t i = 0; i < x86_regs.count; i++) {
        const struct reg_desc *r = &x86_regs.rows[i];

        ck_assert_uint_le(r->offset + r->bits / 8, sizeof(struct x86_state));
        ck_assert_uint_lt(r->group, X86_GROUP_COUNT);
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(r->name, x86_regs.rows[k].name);
            ck_assert_uint_ne(r->offset, x86_regs.rows[k].offset);
        }
    }
}
END_TEST

/* A boot sector may have more behind it; the signature is no word of a shorter
 * image. */
START_TEST(an_image_tells_its_mode)
{
    uint8_t image[1024] = {[510] = 0x55, [511] = 0xAA};

    ck_assert_int_eq(x86_mode_of_image(image, 512), X86_MODE_REAL);
    ck_assert_int_eq(x86_mode_of_image(image, 1024), X86_MODE_REAL);
    ck_assert_int_eq(x86_mode_of_image(image, 511), X86_MODE_LONG);
    image[511] = 0;
    ck_assert_int_eq(x86_mode_of_image(image, 1024), X86_MODE_LONG);
    ck_assert_uint_eq(x86_load_at(X86_MODE_REAL), 0x7C00);
    ck_assert_uint_eq(x86_load_at(X86_MODE_PAGED), 0x100000);
}
END_TEST

START_TEST(exceptions)
{
    ck_assert_str_eq(x86_exception_name(13), "GP");
    ck_assert(x86_exception_has_error(13) && !x86_exception_has_error(6));
    ck_assert_ptr_null(x86_exception_name(9));
    ck_assert_ptr_null(x86_exception_name(1000));
}
END_TEST

/* ---- modes and paging ---- */

enum { STORAGE = 0x20000 };

struct rig {
    struct x86_state s;
    struct mem_map mem;
    uint8_t ram[STORAGE];
};

static struct rig *new_rig(enum x86_mode mode)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct mem_slot slot = {.size = STORAGE, .host = r->ram};

    ck_assert_int_eq(mem_add(&r->mem, &slot), STATUS_OK);
    ck_assert_int_eq(x86_mode_enter(mode, &r->s, &r->mem, 0x8000), STATUS_OK);
    return r;
}

START_TEST(modes_have_names)
{
    for (unsigned m = 0; m < X86_MODE_COUNT; m++)
        ck_assert_uint_eq(x86_mode_parse(x86_mode_name(m)), m);
    ck_assert_uint_eq(x86_mode_parse("lon"), X86_MODE_COUNT);
    ck_assert_uint_eq(x86_mode_parse("longer"), X86_MODE_COUNT);
    ck_assert_uint_eq(x86_mode_parse(""), X86_MODE_COUNT);
}
END_TEST

START_TEST(modes_have_widths)
{
    static const unsigned bits[X86_MODE_COUNT] = {16, 32, 32, 64};

    struct rig *r = new_rig(_i);
    ck_assert_uint_eq(x86_code_bits(&r->s), bits[_i]);
    ck_assert_uint_eq(x86_cpl(&r->s), 0);
    ck_assert_uint_eq(x86_real_mode(&r->s), _i == X86_MODE_REAL);
    free(r);
}
END_TEST

START_TEST(modes_need_their_storage)
{
    struct x86_state s;
    uint8_t ram[X86_MODE_TABLES_END - 1];
    struct mem_map mem = {.slots = {{.size = sizeof(ram), .host = ram}},
                          .count = 1};

    ck_assert_int_eq(x86_mode_enter(X86_MODE_LONG, &s, &mem, 0),
                     STATUS_BAD_INPUT);
    struct rig *r = new_rig(X86_MODE_REAL);
    ck_assert_int_eq(x86_mode_enter(X86_MODE_REAL, &r->s, &r->mem, 0x10000),
                     STATUS_BAD_INPUT);
    ck_assert_int_eq(x86_mode_enter(X86_MODE_COUNT, &r->s, &r->mem, 0),
                     STATUS_BAD_INPUT);
    free(r);
}
END_TEST

static void check_gpa(struct rig *r, uint64_t linear, uint64_t want)
{
    uint64_t gpa = 0;

    ck_assert_msg(x86_translate(&r->s, &r->mem, linear, &gpa), "%llx",
                  (unsigned long long)linear);
    ck_assert_uint_eq(gpa, want);
}

static void check_absent(struct rig *r, uint64_t linear)
{
    uint64_t gpa;

    ck_assert_msg(!x86_translate(&r->s, &r->mem, linear, &gpa), "%llx",
                  (unsigned long long)linear);
}

/* INS from rDI on, of words: in a page, before the end of the segment and of
 * the address size, and not over its own code, which is at 8000. */
static const struct {
    enum x86_mode mode;
    bool down;
    uint64_t rdi, mask;
    uint32_t limit; /* of ES; 0: as it is */
    uint16_t attr;  /* more of it: 4, expand-down */
    unsigned room;
} rooms[] = {
    {X86_MODE_LONG, false, 0x9000, UINT64_MAX, 0, 0, 2048},
    {X86_MODE_LONG, false, 0x9FFD, UINT64_MAX, 0, 0, 1},
    {X86_MODE_LONG, false, 0x8001, UINT64_MAX, 0, 0, 1},
    {X86_MODE_LONG, false, 0x800F, UINT64_MAX, 0, 0, 2040},
    {X86_MODE_LONG, true, 0x8013, UINT64_MAX, 0, 0, 2},
    {X86_MODE_LONG, true, 0x9010, UINT64_MAX, 0, 0, 8},
    {X86_MODE_LONG, true, 0x7FFF, UINT64_MAX, 0, 0, 1}, /* into the code */
    {X86_MODE_PROTECTED, false, 0x9000, UINT32_MAX, 0x900F, 0, 8},
    {X86_MODE_PROTECTED, false, 0xFFF0, UINT16_MAX, 0, 0, 8},
    {X86_MODE_PROTECTED, false, 0x9000, UINT32_MAX, 0x8FFF, 4, 2048},
    {X86_MODE_PROTECTED, true, 0x9010, UINT32_MAX, 0x900B, 4, 2},
    {X86_MODE_REAL, false, 0xF000, UINT16_MAX, 0, 0, 2048},
    {X86_MODE_REAL, true, 0x0008, UINT16_MAX, 0, 0, 4},
};

START_TEST(strings_have_room)
{
    struct rig *r = new_rig(rooms[_i].mode);

    r->s.gpr[X86_RDI] = rooms[_i].rdi;
    r->s.rflags |= rooms[_i].down ? 0x400 : 0;
    r->s.seg[X86_ES].attr |= rooms[_i].attr;
    if (rooms[_i].limit)
        r->s.seg[X86_ES].limit = rooms[_i].limit;
    ck_assert_uint_eq(x86_string_room(&r->s, &r->mem, rooms[_i].mask, 2),
                      rooms[_i].room);
    free(r);
}
END_TEST

START_TEST(identity_in_every_mode)
{
    struct rig *r = new_rig(_i);

    check_gpa(r, 0x8000, 0x8000);
    check_gpa(r, 0x12345, 0x12345);
    check_gpa(r, 0x3FFFFFFF, 0x3FFFFFFF);
    if (_i == X86_MODE_LONG)
        check_absent(r, 0x40000000);
    else
        check_gpa(r, 0xFFFFFFFF, 0xFFFFFFFF);
    free(r);
}
END_TEST

START_TEST(small_pages_32)
{
    struct rig *r = new_rig(X86_MODE_PAGED);

    store_le32(r->ram + 0x1000 + 4 * 5, 0x10000 | 3); /* directory, entry 5 */
    store_le32(r->ram + 0x10000 + 4 * 7, 0xABCDE000 | 3);
    check_gpa(r, 5u << 22 | 7u << 12 | 0x123, 0xABCDE123);
    check_absent(r, 5u << 22 | 8u << 12);
    /* bits 20-13 of a 4-MiB entry are bits 39-32 (PSE-36) */
    store_le32(r->ram + 0x1000 + 4 * 6, 0x00C00000 | 0x3u << 13 | 0x83);
    check_gpa(r, 6u << 22 | 0x54321, 0x300C54321);
    r->s.cr4 &= ~X86_CR4_PSE; /* then bit 7 is ignored: a table, outside */
    check_absent(r, 6u << 22);
    free(r);
}
END_TEST

START_TEST(pae_pages)
{
    struct rig *r = new_rig(X86_MODE_PAGED);

    r->s.cr4 |= X86_CR4_PAE;
    r->s.cr3 = 0x10020; /* 32-byte aligned */
    memset(r->ram + 0x10000, 0, 0x4000);
    store_le64(r->ram + 0x10020 + 8 * 3, 0x11000 | 1);
    store_le64(r->ram + 0x11000 + 8 * 1, UINT64_C(0xF00200000) | 0x83);
    store_le64(r->ram + 0x11000 + 8 * 2, 0x12000 | 3);
    store_le64(r->ram + 0x12000 + 8 * 4,
               UINT64_C(1) << 63 | UINT64_C(0x123456000) | 3); /* NX set */
    check_gpa(r, 3u << 30 | 1u << 21 | 0x12345, 0xF00212345);
    check_gpa(r, 3u << 30 | 2u << 21 | 4u << 12 | 0x678, 0x123456678);
    check_absent(r, 3u << 30);
    check_absent(r, 0);
    free(r);
}
END_TEST

START_TEST(long_mode_pages)
{
    struct rig *r = new_rig(X86_MODE_LONG);
    uint64_t high = UINT64_C(0xFFFF800000000000);

    memset(r->ram + 0x10000, 0, 0x4000);
    store_le64(r->ram + 0x1000 + 8 * 256, 0x10000 | 3);
    store_le64(r->ram + 0x10000, UINT64_C(0x80000000) | 0x83); /* 1 GiB */
    store_le64(r->ram + 0x10000 + 8, 0x11000 | 3);
    store_le64(r->ram + 0x11000 + 8 * 511, 0x12000 | 3);
    store_le64(r->ram + 0x12000 + 8 * 511, 0x5000 | 3);
    check_gpa(r, high | 0x12345678, 0x92345678);
    check_gpa(r, high | 0x7FFFFFFF, 0x5FFF);
    check_absent(r, high | 0x7FFFE000);
    store_le64(r->ram + 0x10000 + 16, UINT64_C(0xFFFFFFFFF000) | 3);
    check_absent(r, high | 0x80000000); /* a table outside the storage */
    free(r);
}
END_TEST

START_TEST(fetches_to_the_edge)
{
    struct rig *r = new_rig(X86_MODE_REAL);
    uint8_t bytes[X86_INSN_MAX];

    r->s.seg[X86_CS].base = 0x1FFF0;
    r->s.rip = 0xC;
    r->ram[STORAGE - 4] = 0xF4;
    ck_assert_uint_eq(x86_fetch(&r->s, &r->mem, 0, bytes, sizeof(bytes)), 4);
    ck_assert_uint_eq(bytes[0], 0xF4);
    ck_assert_uint_eq(x86_fetch(&r->s, &r->mem, -4, bytes, 5), 5);
    ck_assert_uint_eq(bytes[4], 0xF4);
    r->s.rip = UINT64_MAX;
    x86_fetch(&r->s, &r->mem, 0, bytes, sizeof(bytes));
    free(r);
}
END_TEST

/* ---- delivery ---- */

static uint64_t stacked(const struct rig *r, unsigned at, unsigned size)
{
    const uint8_t *p = r->ram + r->s.gpr[X86_RSP] + at;

    return size == 2 ? load_le16(p) : size == 4 ? load_le32(p) : load_le64(p);
}

START_TEST(delivers_in_real_mode)
{
    struct rig *r = new_rig(X86_MODE_REAL);

    store_le32(r->ram + 4 * 0x24, 0x10000123); /* 1000:0123 */
    r->s.rflags |= X86_FLAG_IF | X86_FLAG_TF;
    r->s.seg[X86_CS].selector = 0x40;
    r->s.gpr[X86_RSP] = 0x12340000; /* SP wraps, ESP's upper part stays */
    ck_assert(x86_deliver(&r->s, &r->mem, 0x24, true, 7));
    ck_assert_uint_eq(r->s.gpr[X86_RSP], 0x1234FFFA);
    ck_assert_uint_eq(r->s.rip, 0x123);
    ck_assert_uint_eq(r->s.seg[X86_CS].selector, 0x1000);
    ck_assert_uint_eq(r->s.seg[X86_CS].base, 0x10000);
    ck_assert_uint_eq(r->s.rflags, X86_FLAG_ONE);
    r->s.gpr[X86_RSP] &= 0xFFFF;
    ck_assert_uint_eq(stacked(r, 0, 2), 0x8000);
    ck_assert_uint_eq(stacked(r, 2, 2), 0x40);
    ck_assert_uint_eq(stacked(r, 4, 2),
                      X86_FLAG_ONE | X86_FLAG_IF | X86_FLAG_TF);
    r->s.idt.limit = 4 * 0x24 + 2;
    ck_assert(!x86_deliver(&r->s, &r->mem, 0x24, false, 0));
    free(r);
}
END_TEST

/* An interrupt or trap gate to 0xC321. */
static void set_gate(struct rig *r, unsigned vector, uint8_t type)
{
    unsigned size = x86_code_bits(&r->s) == 64 ? 16 : 8;
    uint8_t *gate = r->ram + 0x9000 + size * vector;

    r->s.idt = (struct x86_table_reg){0x9000, (uint16_t)(size * 64 - 1)};
    store_le16(gate, 0xC321);
    store_le16(gate + 2, r->s.seg[X86_CS].selector);
    store_le16(gate + 4, (uint16_t)(type << 8));
}

static void check_gate(enum x86_mode mode, bool error, uint8_t type)
{
    struct rig *r = new_rig(mode);
    bool wide = mode == X86_MODE_LONG;
    unsigned size = wide ? 8 : 4, skip = error ? size : 0;

    set_gate(r, 13, type);
    r->s.gpr[X86_RSP] = 0x7809;
    r->s.rflags |= X86_FLAG_IF;
    ck_assert(x86_deliver(&r->s, &r->mem, 13, error, 0x55));
    ck_assert_uint_eq(r->s.rip, 0xC321);
    ck_assert_uint_eq(r->s.rflags,
                      X86_FLAG_ONE | (type == 0x8F ? X86_FLAG_IF : 0));
    ck_assert_uint_eq(r->s.gpr[X86_RSP],
                      (wide ? 0x7800 - 40u : 0x7809 - 12u) - skip);
    if (error)
        ck_assert_uint_eq(stacked(r, 0, size), 0x55);
    ck_assert_uint_eq(stacked(r, skip, size), 0x8000);
    ck_assert_uint_eq(stacked(r, skip + size, size), r->s.seg[X86_CS].selector);
    ck_assert_uint_eq(stacked(r, skip + 2 * size, size),
                      X86_FLAG_ONE | X86_FLAG_IF);
    if (wide)
        ck_assert_uint_eq(stacked(r, skip + 3 * size, size), 0x7809);
    free(r);
}

START_TEST(delivers_through_gates)
{
    for (enum x86_mode m = X86_MODE_PROTECTED; m <= X86_MODE_LONG; m++) {
        check_gate(m, false, 0x8E);
        check_gate(m, true, 0x8E);
        check_gate(m, false, 0x8F);
    }
}
END_TEST

static void check_left_alone(struct rig *r)
{
    struct x86_state before = r->s;

    ck_assert(!x86_deliver(&r->s, &r->mem, 13, false, 0));
    ck_assert(!memcmp(&before, &r->s, sizeof(before)));
}

START_TEST(leaves_hard_deliveries_alone)
{
    struct rig *r = new_rig(X86_MODE_LONG);

    check_left_alone(r); /* no IDT */
    set_gate(r, 13, 0x0E);
    check_left_alone(r); /* not present */
    set_gate(r, 13, 0x85);
    check_left_alone(r); /* a task gate */
    set_gate(r, 13, 0x9E);
    check_left_alone(r); /* not a system descriptor */
    set_gate(r, 13, 0x8E);
    r->ram[0x9000 + 16 * 13 + 4] = 1;
    check_left_alone(r); /* another stack, by IST */
    r->ram[0x9000 + 16 * 13 + 4] = 0;
    r->ram[0x9000 + 16 * 13 + 2] ^= 8;
    check_left_alone(r); /* another segment */
    r->ram[0x9000 + 16 * 13 + 2] ^= 8;
    r->s.gpr[X86_RSP] = STORAGE + 0x1000;
    check_left_alone(r); /* a stack that is not there */
    r->s.gpr[X86_RSP] = 0x7000;
    r->s.seg[X86_SS].attr |= X86_ATTR_DPL;
    check_left_alone(r); /* from user mode */
    r->s.seg[X86_SS].attr &= (uint16_t)~X86_ATTR_DPL;
    ck_assert(x86_deliver(&r->s, &r->mem, 13, false, 0));
    free(r);
}
END_TEST

Suite *suite_x86_machine(void)
{
    Suite *s = suite_create("x86_machine");
    TCase *c = tcase_create("machine");

    tcase_add_test(c, decodes);
    tcase_add_test(c, disassembles_into_any_buffer);
    tcase_add_test(c, decodes_any_bytes);
    tcase_add_test(c, measures);
    tcase_add_test(c, sensitive_rows_have_an_interpreter_or_a_reason);
    tcase_add_test(c, every_reason_has_a_handler);
    tcase_add_test(c, registers_lie_in_the_state);
    tcase_add_test(c, an_image_tells_its_mode);
    tcase_add_test(c, exceptions);
    tcase_add_test(c, modes_have_names);
    tcase_add_loop_test(c, modes_have_widths, 0, X86_MODE_COUNT);
    tcase_add_test(c, modes_need_their_storage);
    tcase_add_loop_test(c, strings_have_room, 0, ARRAY_LEN(rooms));
    tcase_add_loop_test(c, identity_in_every_mode, 0, X86_MODE_COUNT);
    tcase_add_test(c, small_pages_32);
    tcase_add_test(c, pae_pages);
    tcase_add_test(c, long_mode_pages);
    tcase_add_test(c, fetches_to_the_edge);
    tcase_add_test(c, delivers_in_real_mode);
    tcase_add_test(c, delivers_through_gates);
    tcase_add_test(c, leaves_hard_deliveries_alone);
    suite_add_tcase(s, c);
    return s;
}
