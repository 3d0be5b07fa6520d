/* The core of the modelled x86 processor: segments, code that changes
 * itself, and the bugs that were found once. */
#include "base/bytes.h"
#include "tests/x86_bare.h"
#include "x86vmm/machine/code.h"
#include "x86vmm/machine/paging.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Running a few bytes ---- */

static struct x86_bare *with(enum x86_mode mode, const char *code, size_t n)
{
    struct x86_bare *m = x86_bare_new(mode);

    memcpy(m->storage + BARE_CODE, code, n);
    return m;
}

static void expect_fault(struct x86_bare *m, unsigned vector, uint32_t error)
{
    uint64_t rip = m->cpu.state.rip;

    ck_assert_int_eq(x86_try(&m->cpu), X86_FAULT);
    ck_assert_msg(m->cpu.fault.vector == vector && m->cpu.fault.error == error,
                  "vector %u, error %x", m->cpu.fault.vector,
                  m->cpu.fault.error);
    ck_assert_uint_eq(m->cpu.state.rip, rip);
}

/* ---- Bugs that were found beside the host's processor ---- */

START_TEST(a_page_fault_names_the_next_page_s_first_byte)
{
    /* add [rax], ebx across pages 1 and 2 of 2 MiB, the second absent */
    struct x86_bare *m = with(X86_MODE_LONG, "\x01\x18", 2);

    store_le64(m->storage + X86_MODE_PAGES + 0x2008, 0);
    m->cpu.state.gpr[X86_RAX] = 0x1FFFFE;
    expect_fault(m, X86_EXC_PF, 2);
    ck_assert_uint_eq(m->cpu.fault.cr2, 0x200000);
    x86_bare_free(m);
}
END_TEST

START_TEST(xchg_asks_to_write_at_once)
{
    struct x86_bare *m = with(X86_MODE_LONG, "\x87\x18", 2); /* [rax], ebx */

    store_le64(m->storage + X86_MODE_PAGES + 0x2008, 0);
    m->cpu.state.gpr[X86_RAX] = 0x200000;
    expect_fault(m, X86_EXC_PF, 2);
    x86_bare_free(m);
}
END_TEST

START_TEST(cmpxchg_leaves_an_unequal_register_whole)
{
    struct x86_bare *m = with(X86_MODE_LONG, "\x0F\xB1\xCB", 3); /* ebx, ecx */

    m->cpu.state.gpr[X86_RBX] = UINT64_C(0x2000000005);
    m->cpu.state.gpr[X86_RAX] = UINT64_C(0x7700000006);
    ck_assert_int_eq(x86_try(&m->cpu), X86_NEXT);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RBX], UINT64_C(0x2000000005));
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], 5);
    x86_bare_free(m);
}
END_TEST

/* ---- Segments ---- */

static const struct limit {
    uint32_t limit, attr;
    uint64_t offset;
    unsigned size, access;
    int vector; /* -1: none */
} limits[] = {
    {0xFFF, 0x493, 0xFFC, 4, X86_READ, -1},
    {0xFFF, 0x493, 0xFFD, 4, X86_READ, 13},
    {0xFFF, 0x493, 0xFFF, 1, X86_WRITE, -1},
    {0xFFF, 0x493, 0x1000, 1, X86_WRITE, 13},
    {0xFFF, 0x491, 0, 4, X86_WRITE, 13}, /* read-only */
    {0xFFF, 0x491, 0, 4, X86_READ, -1},
    {0xFFF, 0x49B, 0, 4, X86_READ, -1}, /* code that may be read */
    {0xFFF, 0x49B, 0, 4, X86_WRITE, 13},
    {0xFFF, 0x499, 0, 4, X86_READ, 13},     /* code that may not */
    {0xFFF, 0x497, 0xFFF, 1, X86_READ, 13}, /* expand-down */
    {0xFFF, 0x497, 0x1000, 4, X86_READ, -1},
    {0xFFF, 0x497, 0xFFFFFFFF, 1, X86_READ, -1},
    {0xFFF, 0x097, 0xFFFF, 1, X86_READ, -1},
    {0xFFF, 0x097, 0x10000, 1, X86_READ, 13},
    {3, 0x493, 0, 4, X86_READ, -1},
    {3, 0x493, 0, 8, X86_READ, 13},
    {0xFFFFFFFF, 0x493, 0xFFFFFFFE, 4, X86_READ, 13},
    {0, X86_ATTR_UNUSABLE | 0x493, 0, 1, X86_READ, 13},
};

START_TEST(limits_and_types)
{
    const struct limit *l = &limits[_i];
    static const enum x86_seg segs[] = {X86_DS, X86_SS};

    for (unsigned i = 0; i < ARRAY_LEN(segs); i++) {
        struct x86_bare *m = x86_bare_new(X86_MODE_PROTECTED);
        struct x86_segment *s = &m->cpu.state.seg[segs[i]];
        uint64_t v = 0;
        int code;

        s->limit = l->limit;
        s->attr = (uint16_t)l->attr;
        s->base = 0x20000;
        x86_mode_changed(&m->cpu);
        code = l->access == X86_READ
                   ? x86_read(&m->cpu, segs[i], l->offset, l->size, &v)
                   : x86_write(&m->cpu, segs[i], l->offset, l->size, v);
        ck_assert_int_eq(code ? m->cpu.fault.vector : -1,
                         l->vector == 13 && i ? X86_EXC_SS : l->vector);
        x86_bare_free(m);
    }
}
END_TEST

START_TEST(addresses_that_are_not_canonical)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    uint64_t edge = UINT64_C(0x800000000000), v;

    for (unsigned i = 0; i < 9; i++) {
        int vector = i == 8 ? X86_EXC_PF : X86_EXC_GP;

        ck_assert_int_eq(x86_read(&m->cpu, X86_DS, edge - i, 8, &v), X86_FAULT);
        ck_assert_int_eq(m->cpu.fault.vector, vector);
    }
    ck_assert_int_eq(x86_read(&m->cpu, X86_SS, edge, 8, &v), X86_FAULT);
    ck_assert_int_eq(m->cpu.fault.vector, X86_EXC_SS);
    x86_bare_free(m);
}
END_TEST

START_TEST(alignment)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    uint64_t v;

    x86_bare_user(m);
    m->cpu.state.cr0 |= 0x40000; /* AM */
    ck_assert_int_eq(x86_read(&m->cpu, X86_DS, BARE_DATA + 1, 4, &v), 0);
    m->cpu.state.rflags |= X86_FLAG_AC;
    x86_mode_changed(&m->cpu);
    ck_assert_int_eq(x86_read(&m->cpu, X86_DS, BARE_DATA + 4, 4, &v), 0);
    ck_assert_int_eq(x86_read(&m->cpu, X86_DS, BARE_DATA + 1, 1, &v), 0);
    ck_assert_int_eq(x86_read(&m->cpu, X86_DS, BARE_DATA + 2, 4, &v),
                     X86_FAULT);
    ck_assert_int_eq(m->cpu.fault.vector, X86_EXC_AC);
    /* a pseudo-descriptor, SGDT's: to 4 */
    ck_assert_int_eq(x86_write_bytes(&m->cpu, X86_DS, BARE_DATA + 4, 6, &v), 0);
    ck_assert_int_eq(x86_write_bytes(&m->cpu, X86_DS, BARE_DATA + 2, 6, &v),
                     X86_FAULT);
    x86_bare_free(m);
}
END_TEST

/* ---- Storage that is none ---- */

struct device {
    unsigned count;
    uint64_t offset[4], value[4];
    unsigned size[4];
};

static void on_access(void *who, uint64_t offset, unsigned size, bool write,
                      uint64_t *value)
{
    struct device *d = who;

    d->offset[d->count % 4] = offset;
    d->size[d->count % 4] = size;
    d->value[d->count++ % 4] = write ? *value : 0;
    if (!write)
        *value = UINT64_C(0x1122334455667788);
}

START_TEST(what_is_no_storage_is_the_bus_s)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_PROTECTED);
    struct device d = {0};
    uint64_t v;

    ck_assert_int_eq(bus_add(&m->bus, &(struct bus_device){.space = BUS_MMIO,
                                                           .first = 0xE0000000,
                                                           .last = 0xE0000FFF,
                                                           .name = "test",
                                                           .io = on_access,
                                                           .dev = &d}),
                     STATUS_OK);
    ck_assert_int_eq(x86_read(&m->cpu, X86_DS, 0xE0000010, 4, &v), 0);
    ck_assert_uint_eq(v, 0x55667788);
    ck_assert_int_eq(x86_write(&m->cpu, X86_DS, 0xE0000003, 4, 0xAABBCCDD), 0);
    ck_assert_uint_eq(d.count, 4); /* in pieces that are aligned */
    ck_assert(d.size[1] == 1 && d.offset[1] == 3 && d.value[1] == 0xDD);
    ck_assert(d.size[2] == 2 && d.offset[2] == 4 && d.value[2] == 0xBBCC);
    ck_assert(d.size[3] == 1 && d.offset[3] == 6 && d.value[3] == 0xAA);
    ck_assert_int_eq(x86_read(&m->cpu, X86_DS, 0xD0000000, 2, &v), 0);
    ck_assert_uint_eq(v, 0xFFFF); /* nobody there */
    x86_bare_free(m);
}
END_TEST

START_TEST(rom_swallows_stores)
{
    static uint8_t rom[4096] = {0x90, 0x42};
    struct x86_bare *m = x86_bare_new(X86_MODE_PROTECTED);
    uint64_t v;

    ck_assert_int_eq(
        mem_add(&m->mem, &(struct mem_slot){.gpa = 0xF0000000,
                                            .size = sizeof(rom),
                                            .host = rom,
                                            .flags = MEM_READ_ONLY}),
        STATUS_OK);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(x86_write(&m->cpu, X86_DS, 0xF0000000, 4, 0), 0);
        ck_assert_int_eq(x86_read(&m->cpu, X86_DS, 0xF0000000, 2, &v), 0);
        ck_assert_uint_eq(v, 0x4290);
    }
    m->cpu.state.rip = 0xF0000000; /* code runs there */
    ck_assert_int_eq(x86_run(&m->cpu, 2), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RDX], 0xF01);
    x86_bare_free(m);
}
END_TEST

/* ---- Code that changes itself ---- */

/* Each program counts in EAX; run to its HLT, what is there then? */
static const struct program {
    const char *what, *code;
    unsigned n;
    uint64_t eax;
} programs[] = {
    {"the next instruction of its own block",
     "\xC6\x05\x08\x00\x01\x00\x05" /* mov byte [10008h], 5 */
     "\xB0\x01"                     /* mov al, 1: 1 becomes 5 */
     "\xF4",
     10, 5},
    {"an instruction in a loop, each time",
     "\xB9\x0A\0\0\0"           /* mov ecx, 10 */
     "\x05\x01\0\0\0"           /* 5: add eax, 1 */
     "\xFE\x05\x06\x00\x01\x00" /* inc byte [10006h] */
     "\x49\x75\xF2\xF4",
     20, 55},
    {"its own bytes by REP STOSB",
     "\xBF\x10\x00\x01\x00" /* mov edi, 10010h */
     "\xB9\x04\0\0\0"       /* mov ecx, 4 */
     "\xB0\x40"             /* mov al, 40h: inc eax */
     "\xF3\xAA\x31\xC0"     /* rep stosb; xor eax, eax */
     "\x90\x90\x90\x90\xF4",
     21, 4},
    {"a piece that a push writes",
     "\xBC\x14\x00\x01\x00" /* mov esp, 10014h */
     "\x31\xC0"             /* xor eax, eax */
     "\x68\x40\x40\x40\x40" /* push 40404040h */
     "\x90\x90\x90\x90"     /* at 1000Ch..1000Fh */
     "\x90\x90\x90\x90\xF4",
     21, 4},
};

START_TEST(code_changes_itself)
{
    const struct program *p = &programs[_i];

    for (unsigned stepped = 0; stepped < 2; stepped++) {
        struct x86_bare *m = with(X86_MODE_PROTECTED, p->code, p->n);
        enum x86_outcome end = X86_NEXT;

        while (stepped && end == X86_NEXT)
            end = x86_step(&m->cpu);
        if (!stepped)
            end = x86_run(&m->cpu, 1000);
        ck_assert_int_eq(end, X86_HALT);
        ck_assert_msg(m->cpu.state.gpr[X86_RAX] == p->eax, "%s: %" PRIx64,
                      p->what, m->cpu.state.gpr[X86_RAX]);
        x86_bare_free(m);
    }
}
END_TEST

/* A device's or a loader's store is told; a store by another linear address of
 * the same page is seen. */
START_TEST(stores_from_outside_and_by_another_name)
{
    struct x86_bare *m = with(X86_MODE_LONG, "\x6A\x01\x58\xEB\xFB", 5);

    ck_assert_int_eq(x86_run(&m->cpu, 30), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], 1);
    m->storage[BARE_CODE + 1] = 2;
    x86_code_written(&m->cpu, BARE_CODE + 1, 1);
    ck_assert_int_eq(x86_run(&m->cpu, 30), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], 2);
    x86_bare_map(m, BARE_CODE | 3 /* present, written */);
    ck_assert_int_eq(x86_write(&m->cpu, X86_DS, BARE_PAGE + 1, 1, 3), 0);
    ck_assert_int_eq(x86_run(&m->cpu, 30), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], 3);
    x86_bare_free(m);
}
END_TEST

/* Blocks of the same bytes in code of another width are others. */
START_TEST(blocks_know_their_width)
{
    struct x86_bare *m = with(X86_MODE_PROTECTED, "\xB8\x01\0\x40\0\xF4", 6);

    ck_assert_int_eq(x86_run(&m->cpu, 9), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], 0x400001);
    m->cpu.halted = false;
    m->cpu.state.rip = BARE_CODE;
    m->cpu.state.seg[X86_CS].attr &= (uint16_t)~X86_ATTR_DB;
    x86_mode_changed(&m->cpu);
    ck_assert_int_eq(x86_run(&m->cpu, 2), X86_BUDGET); /* mov ax; inc ax */
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], 0x400002);
    x86_bare_free(m);
}
END_TEST

START_TEST(an_instruction_across_two_pages)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    uint64_t at = BARE_CODE + 0xFFE;

    memcpy(m->storage + at, "\xB8\x01\x02\x03\x04\xEB\xF9", 7);
    m->cpu.state.rip = at;
    ck_assert_int_eq(x86_run(&m->cpu, 9), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], 0x04030201);
    m->storage[at + 4] = 5; /* no word of it: such ones are fetched anew */
    ck_assert_int_eq(x86_run(&m->cpu, 2), X86_BUDGET);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], 0x05030201);
    x86_bare_free(m);
}
END_TEST

static TCase *access_cases(void)
{
    TCase *t = tcase_create("access");

    tcase_add_loop_test(t, limits_and_types, 0, (int)ARRAY_LEN(limits));
    tcase_add_test(t, addresses_that_are_not_canonical);
    tcase_add_test(t, alignment);
    tcase_add_test(t, what_is_no_storage_is_the_bus_s);
    tcase_add_test(t, rom_swallows_stores);
    tcase_add_test(t, a_page_fault_names_the_next_page_s_first_byte);
    tcase_add_test(t, xchg_asks_to_write_at_once);
    tcase_add_test(t, cmpxchg_leaves_an_unequal_register_whole);
    return t;
}

static TCase *code_cases(void)
{
    TCase *t = tcase_create("code");

    tcase_add_loop_test(t, code_changes_itself, 0, (int)ARRAY_LEN(programs));
    tcase_add_test(t, stores_from_outside_and_by_another_name);
    tcase_add_test(t, blocks_know_their_width);
    tcase_add_test(t, an_instruction_across_two_pages);
    return t;
}

Suite *suite_x86_cpu(void)
{
    Suite *s = suite_create("x86_cpu");

    suite_add_tcase(s, code_cases());
    suite_add_tcase(s, access_cases());
    return s;
}
