/* Protection, delivery, tasks, control: the modelled x86 processor beside the
 * manual. */
#include "base/bytes.h"
#include "tests/x86_system.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/segment.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* ---- Vectors ---- */

#define NONE UINT64_C(0xFFFFFFFFFFFF0001)
#define ANY  UINT64_C(0xFFFFFFFFFFFF0002)

static const struct vector {
    enum sys_mode mode;
    unsigned cpl, iopl;
    int vector;
    uint64_t error, rax;
    const char *text, *hex;
} vectors[] = {
#define VECTOR(mode, cpl, iopl, vector, error, rax, text, hex) \
    {SYS_##mode, cpl, iopl, vector, error, rax, text, hex},
#include "tests/vectors/x86/system.def"
#undef VECTOR
};

static unsigned word_of(const struct x86_bare *m)
{
    return x86_real_mode(&m->cpu.state)       ? 2
           : m->cpu.state.efer & X86_EFER_LMA ? 8
                                              : 4;
}

/* With an error code, CS comes third on the handler's stack, else second. */
static void check_frame(struct x86_bare *m, const struct vector *v, uint16_t cs)
{
    unsigned size = word_of(m), at = v->error == NONE ? 1 : 2;

    ck_assert_msg((sys_stack(m, at, size) & 0xFFFF) == cs,
                  "%s: the frame's CS is %llx, not %x", v->text,
                  (unsigned long long)sys_stack(m, at, size), cs);
    if (v->error != NONE)
        ck_assert_msg(sys_stack(m, 0, size) == v->error,
                      "%s: error code %llx, not %llx", v->text,
                      (unsigned long long)sys_stack(m, 0, size),
                      (unsigned long long)v->error);
}

static void start(struct x86_bare *m, const struct vector *v)
{
    sys_enter(m, v->mode, v->cpl);
    m->cpu.state.rflags |= v->iopl << 12;
    sys_program(m, v->hex);
}

/* One at a time, as x86_run does many. */
static enum x86_outcome step_all(struct x86_bare *m)
{
    enum x86_outcome end = X86_NEXT;

    for (unsigned i = 0; i < 1000 && end == X86_NEXT; i++)
        end = x86_step(&m->cpu);
    return end;
}

static void check_vector(struct x86_bare *m, struct x86_bare *other,
                         const struct vector *v)
{
    start(m, v);
    start(other, v);
    uint16_t cs = m->cpu.state.seg[X86_CS].selector;
    enum x86_outcome end = sys_run(m);

    ck_assert_msg(end == X86_HALT, "%s: did not halt but %d at %llx", v->text,
                  end, (unsigned long long)m->cpu.state.rip);
    ck_assert_msg(sys_vector(m) == v->vector,
                  "%s (mode %d, CPL %u): vector %d, not %d", v->text, v->mode,
                  v->cpl, sys_vector(m), v->vector);
    if (v->vector != 3 && v->mode != SYS_REAL)
        check_frame(m, v, cs);
    if (v->rax != ANY)
        ck_assert_msg(m->cpu.state.gpr[X86_RAX] == v->rax,
                      "%s: RAX is %llx, not %llx", v->text,
                      (unsigned long long)m->cpu.state.gpr[X86_RAX],
                      (unsigned long long)v->rax);
    ck_assert_int_eq(step_all(other), X86_HALT);
    ck_assert_msg(
        !memcmp(&m->cpu.state, &other->cpu.state, sizeof(m->cpu.state)) &&
            !memcmp(m->storage, other->storage, BARE_STORAGE),
        "%s: a run and steps differ", v->text);
}

START_TEST(vectors_hold)
{
    enum sys_mode mode = (enum sys_mode)_i;
    struct x86_bare *m = sys_new(mode, 0), *other = sys_new(mode, 0);
    unsigned tried = 0;

    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        if (vectors[i].mode == mode) {
            check_vector(m, other, &vectors[i]);
            tried++;
        }
    ck_assert_uint_ge(tried, 2);
    x86_bare_free(m);
    x86_bare_free(other);
}
END_TEST

/* ---- Delivery ---- */

static struct x86_bare *run_program(enum sys_mode mode, unsigned cpl,
                                    const char *hex)
{
    struct x86_bare *m = sys_new(mode, cpl);

    sys_program(m, hex);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    return m;
}

/* INT 80 from CPL 3: SS, RSP, RFLAGS, CS, RIP on the TSS's stack. */
START_TEST(inward_frames)
{
    struct x86_bare *m = run_program(SYS_PROTECTED, 3, "CD80");

    ck_assert_uint_eq(x86_sp(&m->cpu), SYS_STACK0 - 20);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 2);
    ck_assert_uint_eq(sys_stack(m, 1, 4), SEL_CODE3 | 3);
    ck_assert_uint_eq(sys_stack(m, 3, 4), SYS_USER);
    ck_assert_uint_eq(sys_stack(m, 4, 4), SEL_DATA3 | 3);
    ck_assert_uint_eq(m->cpu.cpl, 0);
    x86_bare_free(m);
    m = run_program(SYS_LONG, 3, "CD80");
    ck_assert_uint_eq(x86_sp(&m->cpu), SYS_STACK0 - 40);
    ck_assert_uint_eq(sys_stack(m, 0, 8), BARE_CODE + 2);
    ck_assert_uint_eq(sys_stack(m, 3, 8), SYS_USER);
    ck_assert_uint_eq(m->cpu.state.seg[X86_SS].selector, 0);
    x86_bare_free(m);
}
END_TEST

/* In long mode the frame begins at a multiple of 16, and tells RSP. */
START_TEST(long_frames_are_aligned)
{
    struct x86_bare *m = run_program(SYS_LONG, 0, "4883EC03 CD80");

    ck_assert_uint_eq(m->cpu.state.gpr[X86_RSP], BARE_STACK - 16 - 40);
    ck_assert_uint_eq(sys_stack(m, 3, 8), BARE_STACK - 3);
    ck_assert_uint_eq(m->cpu.state.seg[X86_SS].selector, SEL_DATA0);
    x86_bare_free(m);
}
END_TEST

START_TEST(interrupt_stack_table)
{
    struct x86_bare *m = sys_new(SYS_LONG, 0);

    sys_gate(m, 0x80, SEL_CODE_64, SYS_HANDLERS + 0x800, 0xEE, 1);
    sys_program(m, "CD80");
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RSP], SYS_STACK1 - 40);
    x86_bare_free(m);
}
END_TEST

/* A compatibility program's interrupt goes to 64-bit code. */
START_TEST(compatibility_frames)
{
    struct x86_bare *m = run_program(SYS_COMPAT, 3, "CD80");

    ck_assert_uint_eq(m->cpu.code_bits, 64);
    ck_assert_uint_eq(sys_stack(m, 1, 8), SEL_CODE3 | 3);
    x86_bare_free(m);
}
END_TEST

/* A virtual-8086 program's segments are saved, and null in the handler. */
START_TEST(v86_frames)
{
    struct x86_bare *m = run_program(SYS_V86, 3, "CC");

    ck_assert_uint_eq(x86_sp(&m->cpu), SYS_STACK0 - 36);
    ck_assert(sys_stack(m, 2, 4) & X86_FLAG_VM);
    for (unsigned i = 5; i < 9; i++) /* ES DS FS GS */
        ck_assert_uint_eq(sys_stack(m, i, 4), BARE_CODE >> 4);
    ck_assert(!(m->cpu.state.rflags & X86_FLAG_VM));
    ck_assert_uint_eq(m->cpu.state.seg[X86_DS].selector, 0);
    x86_bare_free(m);
}
END_TEST

/* ... and IRET brings it back: the handler of INT3 is CF; the next is HLT. */
START_TEST(v86_returns)
{
    struct x86_bare *m = sys_new(SYS_V86, 3);

    m->storage[SYS_HANDLERS + 16 * 3] = 0xCF;
    sys_program(m, "CC 8CD8 CC F4");
    ck_assert_int_eq(sys_run(m), X86_HALT); /* HLT is not for CPL 3 */
    ck_assert_int_eq(sys_vector(m), X86_EXC_GP);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RAX], BARE_CODE >> 4);
    ck_assert_uint_eq(sys_stack(m, 1, 4), 4);
    x86_bare_free(m);
}
END_TEST

/* Interrupt gates clear IF, trap gates leave it. */
START_TEST(gates_and_the_interrupt_flag)
{
    struct x86_bare *m = run_program(SYS_PROTECTED, 0, "FB CD80");

    ck_assert(!(m->cpu.state.rflags & X86_FLAG_IF));
    x86_bare_free(m);
    m = sys_new(SYS_PROTECTED, 0);
    sys_gate(m, 0x80, SEL_CODE, SYS_HANDLERS + 0x800, 0xEF, 0);
    sys_program(m, "FB CD80");
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert(m->cpu.state.rflags & X86_FLAG_IF);
    x86_bare_free(m);
}
END_TEST

/* A 16-bit gate saves words. */
START_TEST(gates_of_16_bits)
{
    struct x86_bare *m = sys_new(SYS_PROTECTED, 0);

    sys_gate(m, 0x80, SEL_CODE, SYS_HANDLERS + 0x800, 0xE6, 0);
    sys_program(m, "CD80");
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(x86_sp(&m->cpu), BARE_STACK - 6);
    ck_assert_uint_eq(sys_stack(m, 1, 2), SEL_CODE);
    x86_bare_free(m);
}
END_TEST

/* #GP whose gate is not present: a double fault; if that has none either, a
 * shutdown. */
START_TEST(double_and_triple_faults)
{
    struct x86_bare *m = sys_new(SYS_PROTECTED, 0);

    sys_gate(m, X86_EXC_GP, SEL_CODE, 0, 0x0E, 0);
    sys_program(m, "B802000000 0F22E0 B8000000FF 0F22E0");
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DF);
    ck_assert_uint_eq(sys_stack(m, 0, 4), 0);
    x86_bare_free(m);
    m = sys_new(SYS_PROTECTED, 0);
    sys_gate(m, X86_EXC_GP, SEL_CODE, 0, 0x0E, 0);
    sys_gate(m, X86_EXC_DF, SEL_CODE, 0, 0x0E, 0);
    sys_program(m, "B8000000FF 0F22E0");
    ck_assert_int_eq(sys_run(m), X86_SHUTDOWN);
    x86_bare_free(m);
}
END_TEST

/* #UD and #NP in turn are two exceptions, not a double one; EXT is set. */
START_TEST(benign_faults_come_in_turn)
{
    struct x86_bare *m = sys_new(SYS_PROTECTED, 0);

    sys_gate(m, X86_EXC_UD, SEL_CODE, 0, 0x0E, 0);
    sys_program(m, "0F0B");
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_NP);
    ck_assert_uint_eq(sys_stack(m, 0, 4), X86_EXC_UD * 8 + 2 + 1);
    x86_bare_free(m);
}
END_TEST

/* An instruction's fault saves RF, INT n does not. */
START_TEST(resume_flag_is_saved)
{
    struct x86_bare *m = run_program(SYS_PROTECTED, 0, "0F0B");

    ck_assert(sys_stack(m, 2, 4) & X86_FLAG_RF);
    x86_bare_free(m);
    m = run_program(SYS_PROTECTED, 0, "CD80");
    ck_assert(!(sys_stack(m, 2, 4) & X86_FLAG_RF));
    x86_bare_free(m);
}
END_TEST

/* With CR4.UMIP the five that tell where tables are need CPL 0; SLDT and STR
 * are not known to a virtual-8086 program at all. */
static const struct telling {
    const char *hex; /* the operand at DS:[0] */
    int v86;
} telling[] = {{"0F01 06 0000", X86_EXC_GP},
               {"0F01 0E 0000", X86_EXC_GP},
               {"0F00 06 0000", X86_EXC_UD},
               {"0F01 26 0000", X86_EXC_GP},
               {"0F00 0E 0000", X86_EXC_UD}};

static void check_telling(const struct telling *t, enum sys_mode mode,
                          unsigned cpl, bool umip, int vector)
{
    struct x86_bare *m = sys_new(mode, cpl);
    char hex[40];

    m->cpu.state.cr4 |= umip ? X86_CR4_UMIP : 0;
    m->cpu.state.gpr[X86_RSI] = BARE_DATA;
    if (mode == SYS_V86)
        snprintf(hex, sizeof(hex), "%s CC", t->hex);
    else /* the same ModRM without a displacement: [rsi] */
        snprintf(hex, sizeof(hex), "%.7s CC", t->hex);
    sys_program(m, hex);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_msg(sys_vector(m) == vector, "%s, mode %d, CPL %u: %d, not %d",
                  hex, mode, cpl, sys_vector(m), vector);
    x86_bare_free(m);
}

START_TEST(umip)
{
    const struct telling *t = &telling[_i];
    static const enum sys_mode modes[] = {SYS_PROTECTED, SYS_LONG, SYS_COMPAT};

    for (unsigned i = 0; i < ARRAY_LEN(modes); i++) {
        check_telling(t, modes[i], 0, true, X86_EXC_BP);
        check_telling(t, modes[i], 3, false, X86_EXC_BP);
        check_telling(t, modes[i], 3, true, X86_EXC_GP);
    }
    check_telling(t, SYS_V86, 3, true, t->v86);
}
END_TEST

/* That there is no DR4 is said before that it is not for this CPL. */
START_TEST(debug_registers_that_are_none)
{
    static const enum sys_mode modes[] = {SYS_PROTECTED, SYS_V86, SYS_LONG};

    for (unsigned i = 0; i < 2 * ARRAY_LEN(modes); i++) {
        struct x86_bare *m = sys_new(modes[i / 2], 3);

        m->cpu.state.cr4 |= i % 2 ? X86_CR4_DE : 0;
        sys_program(m, "0F21E0");
        ck_assert_int_eq(sys_run(m), X86_HALT);
        ck_assert_int_eq(sys_vector(m), i % 2 ? X86_EXC_UD : X86_EXC_GP);
        x86_bare_free(m);
    }
}
END_TEST

/* The second page fault's address is in CR2, although it has become a double
 * fault (SDM vol. 3, "Interrupt 14"). */
START_TEST(address_of_a_double_fault)
{
    struct x86_bare *m = sys_new(SYS_LONG, 0);

    sys_gate(m, X86_EXC_DF, SEL_CODE_64, SYS_HANDLERS + 16 * X86_EXC_DF, 0x8E,
             1);
    m->cpu.state.gpr[X86_RSP] = UINT64_C(0x6000000040);
    sys_program(m, "A0 0000000070000000"); /* mov al, [7000000000h] */
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DF);
    ck_assert_uint_eq(m->cpu.state.cr2, UINT64_C(0x6000000038));
    x86_bare_free(m);
}
END_TEST

/* RF that IRET has loaded is there for the next instruction, also behind the
 * trap that single-steps IRET. */
START_TEST(resume_flag_outlasts_a_trap)
{
    struct x86_bare *m = sys_new(SYS_PROTECTED, 0);
    uint64_t sp = BARE_STACK - 12;

    store_le32(m->storage + sp, BARE_CODE + 1);
    store_le32(m->storage + sp + 4, SEL_CODE);
    store_le32(m->storage + sp + 8, X86_FLAG_RF | X86_FLAG_ONE);
    m->cpu.state.gpr[X86_RSP] = sp;
    m->cpu.state.rflags |= X86_FLAG_TF;
    sys_program(m, "CF");
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 1);
    ck_assert(sys_stack(m, 2, 4) & X86_FLAG_RF);
    x86_bare_free(m);
}
END_TEST

/* INT3's frame meets a breakpoint, and so does that of the debug exception: it
 * comes twice before its handler's first instruction. */
START_TEST(breakpoints_in_frames)
{
    struct x86_bare *m = sys_new(SYS_PROTECTED, 0);
    uint64_t sp = m->cpu.state.gpr[X86_RSP] & ~UINT64_C(7);

    m->cpu.state.gpr[X86_RSP] = sp;
    m->cpu.dr[0] = sp - 16;
    m->cpu.dr[7] = 0x90401; /* eight bytes, writes */
    sys_program(m, "CC");
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(m->cpu.state.gpr[X86_RSP], sp - 36);
    ck_assert_uint_eq(sys_stack(m, 0, 4), SYS_HANDLERS + 16 * X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 3, 4), SYS_HANDLERS + 16 * 3);
    x86_bare_free(m);
}
END_TEST

/* A return that faults by its EIP has not loaded SS: its descriptor is as it
 * was. */
START_TEST(segments_of_a_return_that_faults)
{
    struct x86_bare *m = sys_new(SYS_LONG, 0);
    const uint8_t *rights = m->storage + SYS_GDT + SEL_DATA3 + 5;

    /* To a compatible segment of 64 KiB, beyond its limit. */
    sys_descriptor(m, SEL_CODE3, 0, 0xFFFF, 0x4FA);
    sys_descriptor(m, SEL_DATA3, 0, 0xFFFF, 0x4F2);
    sys_program(m, "6A2B 6800800300 9C 6A23 6800000100 48CF");
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_GP);
    ck_assert_uint_eq(sys_stack(m, 0, 8), 0);
    ck_assert_uint_eq(*rights, 0xF2);
    x86_bare_free(m);
}
END_TEST

static void vectors_of(TCase *t)
{
    tcase_add_loop_test(t, vectors_hold, 0, SYS_MODE_COUNT);
}

static void delivery_of(TCase *t)
{
    tcase_add_test(t, inward_frames);
    tcase_add_test(t, long_frames_are_aligned);
    tcase_add_test(t, interrupt_stack_table);
    tcase_add_test(t, compatibility_frames);
    tcase_add_test(t, v86_frames);
    tcase_add_test(t, v86_returns);
    tcase_add_test(t, gates_and_the_interrupt_flag);
    tcase_add_test(t, gates_of_16_bits);
    tcase_add_test(t, double_and_triple_faults);
    tcase_add_test(t, benign_faults_come_in_turn);
    tcase_add_test(t, resume_flag_is_saved);
    tcase_add_test(t, debug_registers_that_are_none);
    tcase_add_test(t, address_of_a_double_fault);
    tcase_add_test(t, resume_flag_outlasts_a_trap);
    tcase_add_test(t, segments_of_a_return_that_faults);
    tcase_add_test(t, breakpoints_in_frames);
    tcase_add_loop_test(t, umip, 0, (int)ARRAY_LEN(telling));
}

Suite *suite_x86_system(void);

Suite *suite_x86_system(void)
{
    Suite *s = suite_create("x86_system");
    TCase *t = tcase_create("vectors"), *d = tcase_create("delivery");

    tcase_set_timeout(t, 30);
    vectors_of(t);
    delivery_of(d);
    suite_add_tcase(s, t);
    suite_add_tcase(s, d);
    return s;
}
