/* Instructions, and deliveries, that leave the guest in their midst: they are
 * begun again, or executed by the monitor, and must not find what they have
 * stored themselves.  Each beside the same on the bare processor. */
#include "skip.h"
#include "tests/x86_hostile_vm.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/op.h"

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

Suite *suite_x86_midway(void)
{
    Suite *s = suite_create("x86_midway");
    TCase *t = tcase_create("midway");

    tcase_add_loop_test(t, enter_copies_what_was_there, 0, ENGINES);
    tcase_add_loop_test(t, delivery_reads_its_gate_once, 0, ENGINES);
    tcase_add_loop_test(t, far_call_reads_its_descriptor_once, 0, ENGINES);
    tcase_add_loop_test(t, step_over_pop_ss_ends_with_int3, 0, ENGINES);
    tcase_add_loop_test(t, repetition_meets_its_breakpoint_once, 0, ENGINES);
    tcase_add_loop_test(t, trap_of_a_frame_outlives_the_turn, 0, ENGINES);
    suite_add_tcase(s, t);
    return s;
}
