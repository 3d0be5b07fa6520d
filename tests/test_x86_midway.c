/* Instructions, and deliveries, that leave the guest in their midst: they are
 * begun again, or executed or completed by the monitor, and must not find what
 * they have stored themselves.  Each beside the same on the bare processor. */
#include "base/bytes.h"
#include "skip.h"
#include "tests/x86_hostile_vm.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/paging.h"

#include <check.h>
#include <string.h>

static const struct engine_ops *const engines[] = {&engine_vtx, &engine_svm};
enum { ENGINES = 2, ONE = 1, MANY = 1000000 };

/* Run `insns` of it abreast, in turns of `slice`. */
static void is_alike(struct x86_bare *m, const struct engine_ops *engine,
                     uint64_t insns, uint64_t slice)
{
    struct hostile_pair *p = hostile_pair_of(engine, m, slice);
    char words[HOSTILE_WORDS] = "";

    for (uint64_t i = 1; i <= insns; i++)
        ck_assert_msg(hostile_pair_run(p, i, NULL, 0, words),
                      "%s, instruction %u: %s", engine->name, (unsigned)i,
                      words);
    hostile_pair_free(p);
}

/* In protected mode, with what is at 0 all different. */
static struct x86_bare *protected(const char *program)
{
    struct x86_bare *m = sys_new(SYS_PROTECTED, 0);

    for (unsigned i = 0; i < 0x100; i++)
        m->storage[i] = (uint8_t)(i + 1);
    sys_program(m, program);
    return m;
}

static bool no_decoder(void)
{
    if (!x86_op_decode_available())
        skip_test("%s", X86_NO_DECODER);
    return !x86_op_decode_available();
}

/* ENTER's frame begins at 20h and goes on at FFFFFFFCh, where nothing is; the
 * frame pointers that it copies lie below its first stores. */
START_TEST(enter_copies_what_was_there)
{
    if (no_decoder())
        return;
    struct x86_bare *m = protected("BC20000000 BD10000000 C800001B F4");

    is_alike(m, engines[_i], 3, MANY);
}
END_TEST

/* The frame of #UD: RFLAGS at 0, over the gate that leads to its handler; then
 * CS where nothing is.  RF is saved as set. */
START_TEST(delivery_reads_its_gate_once)
{
    if (no_decoder())
        return;
    struct x86_bare *m = protected("BC04000000 0F0B");

    sys_gate(m, 6, SEL_CODE, SYS_HANDLERS, 0x8E, 0);
    memcpy(m->storage, m->storage + SYS_IDT + 6 * 8, 8);
    m->cpu.state.idt.base = (uint32_t) - (6 * 8);
    is_alike(m, engines[_i], 2, MANY);
}
END_TEST

/* A frame whose first word is stored where nothing is, and the others at the
 * end of storage: what they return to.  The stack is at 100004h. */
static const char *const events[] = {"CD21 F4", "CC F4",   "F1 F4",
                                     "CE F4",   "0F0B F4", "8EDA F4"};

START_TEST(frames_tell_where_to_return)
{
    enum { OVERFLOW = 0x800 };

    if (no_decoder())
        return;
    for (unsigned i = 0; i < ENGINES; i++) {
        struct x86_bare *m = protected(events[_i]);

        m->cpu.state.gpr[X86_RSP] = BARE_STORAGE + 4;
        m->cpu.state.gpr[X86_RDX] = SEL_ABSENT; /* MOV DS, EDX */
        m->cpu.state.rflags |= OVERFLOW;
        is_alike(m, engines[i], 2, MANY);
    }
}
END_TEST

/* A far CALL: CS at 0, over the limit in the descriptor that it has loaded; EIP
 * where nothing is. */
START_TEST(far_call_reads_its_descriptor_once)
{
    if (no_decoder())
        return;
    struct x86_bare *m = protected("BC04000000 9A00B800000800 F4");

    sys_descriptor(m, SEL_CODE, 0, 0xFFFF,
                   X86_ATTR_P | X86_ATTR_S | X86_ATTR_DB | 0xB);
    memcpy(m->storage, m->storage + SYS_GDT + SEL_CODE, 8);
    m->cpu.state.gdt.base = (uint32_t)-SEL_CODE;
    is_alike(m, engines[_i], 2, MANY);
}
END_TEST

/* POP SS with TF set, then INT3, which clears it: no step trap is left over for
 * the handler. */
START_TEST(step_over_pop_ss_ends_with_int3)
{
    if (no_decoder())
        return;
    struct x86_bare *m = sys_new(SYS_REAL, 0);

    sys_program(m, "17 CC");
    memcpy(m->storage + SYS_HANDLERS + 16 * 3, "\x90\x90\xF4", 3);
    m->cpu.state.rflags |= X86_FLAG_TF;
    is_alike(m, engines[_i], 4, ONE);
}
END_TEST

/* Breakpoints: 0 on this instruction, or 1 on a write of these two bytes. */
static void watch(struct x86_bare *m, uint64_t code, uint64_t data)
{
    m->cpu.dr[0] = code;
    m->cpu.dr[1] = data;
    m->cpu.dr[7] = X86_DR7_ONE | (code ? 1 : 0) | (data ? 0x500004 : 0);
    x86_mode_changed(&m->cpu);
}

/* A repeated instruction with RF set and a breakpoint on it: that is not met
 * when it goes on. */
START_TEST(repetition_meets_its_breakpoint_once)
{
    if (no_decoder())
        return;
    struct x86_bare *m = protected("F3AA F4");

    m->cpu.state.gpr[X86_RCX] = 3;
    m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    m->cpu.state.rflags |= X86_FLAG_RF;
    watch(m, BARE_CODE, 0);
    struct x86_bare *plain = protected("F3AA F4");
    plain->cpu.state = m->cpu.state;
    watch(plain, BARE_CODE, 0);
    ck_assert_int_eq(sys_run(plain), X86_HALT);
    ck_assert_int_eq(sys_vector(plain), -1);
    x86_bare_free(plain);
    is_alike(m, engines[_i], 4, ONE);
}
END_TEST

/* A frame that meets a breakpoint: its trap comes before the interrupt that
 * ends the turn there. */
START_TEST(trap_of_a_frame_outlives_the_turn)
{
    if (no_decoder())
        return;
    struct x86_bare *m = sys_new(SYS_REAL, 0);

    sys_program(m, "0F0B");
    memcpy(m->storage + SYS_HANDLERS + 16 * 6, "\x90\x90\xF4", 3);
    watch(m, 0, m->cpu.state.gpr[X86_RSP] - 2);
    is_alike(m, engines[_i], 3, ONE);
}
END_TEST

/* ---- Completed by the monitor ---- ports read as ones. */

/* IN of four bytes clears the upper half of RAX, narrower ones leave it. */
START_TEST(in_is_as_wide_as_it_is)
{
    if (no_decoder())
        return;
    struct x86_bare *m = sys_new(SYS_LONG, 0);

    sys_program(m, "48B88877665544332211 E461 66E561 E561 F4");
    is_alike(m, engines[_i], 5, MANY);
}
END_TEST

/* CPUID and RDMSR clear the upper halves of what they write.  An MSR that is
 * the processor's own, and one that is the platform's: the revision of
 * microcode. */
static const struct {
    const char *code;
    uint32_t eax, ecx;
} halves[] = {{"0FA2 F4", 0, 0},
              {"0FA2 F4", 1, 0},
              {"0FA2 F4", 0x80000001, 0},
              {"0F32 F4", 0, 0xC0000082},
              {"0F32 F4", 0, 0x8B}};

START_TEST(upper_halves_are_cleared)
{
    const uint64_t high = UINT64_C(0x1234567800000000);

    if (no_decoder())
        return;
    for (unsigned i = 0; i < ENGINES; i++) {
        struct x86_bare *m = sys_new(SYS_LONG, 0);
        uint64_t *gpr = m->cpu.state.gpr;

        sys_program(m, halves[_i].code);
        gpr[X86_RAX] = high | halves[_i].eax;
        gpr[X86_RCX] = high | halves[_i].ecx;
        gpr[X86_RBX] = gpr[X86_RDX] = high;
        is_alike(m, engines[i], 2, MANY);
    }
}
END_TEST

/* A breakpoint on port 61h, and who meets it: Intel SDM vol. 3, "Debug
 * Registers", R/W 10 with CR4.DE.  DX is 61h. */
static const struct {
    const char *code;
    bool hits;
} at_ports[] = {
    {"E461 90 F4", true},     /* in al, 61h */
    {"E561 90 F4", true},     /* in eax, 61h */
    {"66E560 90 F4", true},   /* in ax, 60h: its second byte */
    {"E55E 90 F4", true},     /* in eax, 5Eh: its last byte */
    {"E55D 90 F4", false},    /* in eax, 5Dh */
    {"E462 90 F4", false},    /* in al, 62h */
    {"E661 90 F4", true},     /* out 61h, al */
    {"EF 90 F4", true},       /* out dx, eax */
    {"66E762 90 F4", false},  /* out 62h, ax */
    {"6C 90 F4", true},       /* insb */
    {"F36C 90 F4", true},     /* rep insb: the first of three */
    {"F366 6F 90 F4", true},  /* rep outsw */
    {"EC 8ED0 90 F4", true},  /* in al, dx; mov ss, eax */
    {"8CD0 8ED0 EC F4", true} /* ...; mov ss, eax; in al, dx */
};

static struct x86_bare *port_watcher(const char *code)
{
    struct x86_bare *m = protected(code);

    m->cpu.state.gpr[X86_RDX] = 0x61;
    m->cpu.state.gpr[X86_RCX] = 3;
    m->cpu.state.gpr[X86_RSI] = m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    m->cpu.state.cr4 |= X86_CR4_DE;
    m->cpu.dr[0] = 0x61;
    m->cpu.dr[7] = X86_DR7_ONE | 0x20001;
    x86_mode_changed(&m->cpu);
    return m;
}

START_TEST(ports_have_breakpoints)
{
    if (no_decoder())
        return;
    struct x86_bare *m = port_watcher(at_ports[_i].code);

    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), at_ports[_i].hits ? X86_EXC_DB : -1);
    x86_bare_free(m);
    for (unsigned i = 0; i < ENGINES; i++) {
        is_alike(port_watcher(at_ports[_i].code), engines[i], 5, MANY);
        is_alike(port_watcher(at_ports[_i].code), engines[i], 5, ONE);
    }
}
END_TEST

/* REP INS of more elements than devices are asked for at once. */
static const struct {
    const char *code;
    unsigned count;
} longs[] = {
    {"F36C F4", 1024},   {"F36C F4", 2500}, {"F3666D F4", 512},
    {"F3666D F4", 1100}, {"F36D F4", 256},  {"F36D F4", 257},
    {"F36D F4", 900},
};

START_TEST(strings_are_longer_than_the_buffer)
{
    enum { TO = 0x20000 };
    char words[HOSTILE_WORDS] = "";

    if (no_decoder())
        return;
    for (unsigned i = 0; i < ENGINES; i++) {
        struct x86_bare *m = protected(longs[_i].code);

        m->cpu.state.gpr[X86_RCX] = longs[_i].count;
        m->cpu.state.gpr[X86_RDI] = TO;
        struct hostile_pair *p = hostile_pair_of(engines[i], m, MANY);
        ck_assert_msg(hostile_pair_run(p, longs[_i].count + 1, NULL, 0, words),
                      "%s: %s", engines[i]->name, words);
        ck_assert_uint_eq(m->cpu.state.gpr[X86_RCX], 0);
        ck_assert_uint_eq(m->storage[TO + longs[_i].count - 1], 0xFF);
        hostile_pair_free(p);
    }
}
END_TEST

/* CPUID in the last two bytes of a segment of 4 GiB: on at 0. */
START_TEST(offsets_wrap_around)
{
    enum { AT = 0x20000 };

    if (no_decoder())
        return;
    struct x86_bare *m = sys_new(SYS_PROTECTED, 0);

    memcpy(m->storage + AT, "\x0F\xA2\x40\xF4", 4); /* ...; inc eax; hlt */
    m->cpu.state.seg[X86_CS].base = AT + 2;
    m->cpu.state.rip = UINT32_MAX - 1;
    x86_mode_changed(&m->cpu);
    is_alike(m, engines[_i], 3, MANY);
}
END_TEST

/* PAE paging's pointers are loaded with CR3: neither a store there nor an exit
 * changes them (Intel SDM vol. 3, 4.4.1).  AMD-V reads them at each walk. */
START_TEST(pointers_outlive_an_exit)
{
    enum { DIRECTORY = X86_MODE_PAGES + 0x1000, LARGE = 0x83 };

    if (no_decoder())
        return;
    /* mov dword [pointer 1], 0; cpuid; mov al, [40020000h]; hlt */
    struct x86_bare *m =
        protected("C705 08100000 00000000 0FA2 A0 00000240 F4");

    memset(m->storage + X86_MODE_PAGES, 0, 0x2000);
    for (unsigned i = 0; i < 4; i++)
        store_le64(m->storage + X86_MODE_PAGES + 8 * i, DIRECTORY | 1);
    for (unsigned i = 0; i < 512; i++)
        store_le64(m->storage + DIRECTORY + 8 * i, i << 21 | LARGE);
    m->storage[BARE_DATA] = 0x55;
    m->cpu.state.cr4 |= X86_CR4_PAE;
    m->cpu.state.cr0 |= X86_CR0_PG;
    m->cpu.state.cr3 = X86_MODE_PAGES;
    ck_assert(!x86_load_pdptes(&m->cpu, X86_MODE_PAGES));
    x86_mode_changed(&m->cpu);
    is_alike(m, &engine_vtx, 4, _i ? ONE : MANY);
}
END_TEST

/* A page that is read-only is a device's to write: it stays as it is, whoever
 * writes, and wherever it was read before. */
static const char *const to_roms[] = {
    "A100800000 A300800000 A100800000 F4", /* mov eax, [8000h]; back; again */
    "A300800000 A100800000 F4",            /* mov [8000h], eax; back */
    "FF0500800000 A100800000 F4",          /* inc dword [8000h] */
    "BC02800000 50 A1FE7F0000 F4",         /* push eax, half of it there */
    "BFFE7F0000 AB A100800000 F4",         /* stosd, half of it there */
};

START_TEST(read_only_storage_stays)
{
    enum { ROM = 0x8000, PAGE = 0x1000 };

    if (no_decoder())
        return;
    for (unsigned i = 0; i < ENGINES; i++) {
        struct x86_bare *m = protected(to_roms[_i]);
        const struct mem_slot slots[] = {
            {0, ROM, m->storage, 0},
            {ROM, PAGE, m->storage + ROM, MEM_READ_ONLY},
            {ROM + PAGE, BARE_STORAGE - ROM - PAGE, m->storage + ROM + PAGE,
             0}};

        m->mem.count = 0;
        for (unsigned k = 0; k < ARRAY_LEN(slots); k++)
            ck_assert(!mem_add(&m->mem, &slots[k]));
        m->cpu.state.gpr[X86_RAX] = 0x12345678;
        is_alike(m, engines[i], 3, MANY);
    }
}
END_TEST

Suite *suite_x86_midway(void)
{
    Suite *s = suite_create("x86_midway");
    TCase *t = tcase_create("midway");

    tcase_add_loop_test(t, enter_copies_what_was_there, 0, ENGINES);
    tcase_add_loop_test(t, delivery_reads_its_gate_once, 0, ENGINES);
    tcase_add_loop_test(t, frames_tell_where_to_return, 0, ARRAY_LEN(events));
    tcase_add_loop_test(t, far_call_reads_its_descriptor_once, 0, ENGINES);
    tcase_add_loop_test(t, step_over_pop_ss_ends_with_int3, 0, ENGINES);
    tcase_add_loop_test(t, repetition_meets_its_breakpoint_once, 0, ENGINES);
    tcase_add_loop_test(t, trap_of_a_frame_outlives_the_turn, 0, ENGINES);
    tcase_add_loop_test(t, in_is_as_wide_as_it_is, 0, ENGINES);
    tcase_add_loop_test(t, upper_halves_are_cleared, 0, ARRAY_LEN(halves));
    tcase_add_loop_test(t, ports_have_breakpoints, 0, ARRAY_LEN(at_ports));
    tcase_add_loop_test(t, strings_are_longer_than_the_buffer, 0,
                        ARRAY_LEN(longs));
    tcase_add_loop_test(t, offsets_wrap_around, 0, ENGINES);
    tcase_add_loop_test(t, pointers_outlive_an_exit, 0, 2);
    tcase_add_loop_test(t, read_only_storage_stays, 0, ARRAY_LEN(to_roms));
    suite_add_tcase(s, t);
    return s;
}
