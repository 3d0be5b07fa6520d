/* The monitor's interpreters against the bare machine: the same random guest
 * on both, in lockstep. */
#include "base/bytes.h"
#include "monitor/dispatcher.h"
#include "s370/exit/interpreter.h"
#include "s370/exit/isa.h"
#include "tests/s370_random.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int scaled(int cases)
{
    const char *times = getenv("TRAPLINE_TIMES");

    return times ? cases * atoi(times) : cases;
}

/* Run one random guest; a difference is printed whole. */
static uint64_t run_case(uint64_t seed, const struct random_mix *mix,
                         uint64_t limit)
{
    struct random r = random_seed(seed);
    struct s370_image im;
    struct lockstep_report report;
    struct lockstep_options o = {.limit = limit, .sample = 1 + seed % 3 * 20};
    struct diag d;

    random_guest(&r, mix, &im);
    struct lockstep_guest g = s370_image_guest(&im);
    ck_assert_int_eq(lockstep_run(&g, &o, &report, &d), STATUS_OK);
    if (!report.same) {
        fprintf(stderr, "seed %llu:\n", (unsigned long long)seed);
        lockstep_print(stderr, &report);
    }
    s370_image_fini(&im);
    ck_assert_msg(report.same, "seed %llu: %s differs after %s at %06X",
                  (unsigned long long)seed, report.what, report.insn,
                  report.pc);
    return report.insns;
}

/* The nth privileged row; their number when there is none. */
static unsigned privileged(unsigned nth, unsigned *row)
{
    unsigned count = 0;

    for (*row = 0; *row < S370_OP_COUNT; ++*row)
        if (s370_insns.rows[*row].privilege == PRIV_P && count++ == nth)
            break;
    return count;
}

START_TEST(test_every_interpreter)
{
    unsigned row;
    uint64_t insns = 0;

    privileged((unsigned)_i, &row);
    const struct insn_desc *d = &s370_insns.rows[row];
    struct random_mix mix = {.privileged = 50, .only = (int)row};
    for (int i = 0; i < scaled(20); i++)
        insns += run_case((uint64_t)(row * 100000 + (unsigned)i), &mix, 400);
    ck_assert_msg(insns > 500, "%s: only %llu instructions ran", d->name,
                  (unsigned long long)insns);
}
END_TEST

START_TEST(test_mixtures)
{
    struct random_mix mix = {.privileged = (unsigned)_i * 20, .only = -1};

    for (int i = 0; i < scaled(60); i++)
        run_case((uint64_t)(9000000 + _i * 100000 + i), &mix, 2000);
}
END_TEST

START_TEST(test_program_events)
{
    struct random_mix mix = {.privileged = 40, .only = -1, .per = true};

    for (int i = 0; i < scaled(100); i++)
        run_case((uint64_t)(20000000 + i), &mix, 600);
}
END_TEST

/* Guests that translate: by shadow tables under the monitor. */
START_TEST(test_translation)
{
    struct random_mix mix = {
        .privileged = 30, .only = -1, .translation = true, .per = _i};

    for (int i = 0; i < scaled(100); i++)
        run_case((uint64_t)(40000000 + _i * 100000 + i), &mix, 1000);
}
END_TEST

START_TEST(test_random_bytes)
{
    struct random_mix mix = {.only = -1, .wild = true};

    for (int i = 0; i < scaled(100); i++)
        run_case((uint64_t)(30000000 + i), &mix, 600);
}
END_TEST

/* A trap that the engine settles by itself is seen all the same: each page of
 * the guest's is filled into the shadow tables when it is first touched. */
static char seen[256];

static void note_fills(struct trace_sink *sink, const struct trace_event *e)
{
    size_t n = strlen(seen);

    (void)sink;
    if (e->kind == TRACE_MEM)
        snprintf(seen + n, sizeof(seen) - n, "%llu %06llx %s %s %c\n",
                 (unsigned long long)e->insns, (unsigned long long)e->pc,
                 e->text, e->reason, e->mode_after);
}

/* L 1,4(,2) twice, and SVC 0; its new PSW is a disabled wait. */
static const uint8_t program[] = {0x58, 0x10, 0x20, 0x04, 0x58,
                                  0x10, 0x20, 0x04, 0x0A, 0x00};
enum { SEGMENTS = 0x8000, PAGES = 0x9000 };

static struct vm *translating_guest(struct s370_vmm *vmm)
{
    struct diag d = {""};
    struct vm *vm = s370_vmm_add(vmm, "shadow", 64 << 10, &d);

    ck_assert_msg(vm != NULL, "%s", d.text);
    struct s370_guest_state s;
    ck_assert_int_eq(s370_vm_state(vm, &s), STATUS_OK);
    memcpy(s.storage.bytes + 0x3000, program, sizeof(program));
    store_be64(s.storage.bytes + S370_PSA_SVC_NEW, UINT64_C(2) << 48);
    store_be32(s.storage.bytes + SEGMENTS, 0xF0000000u | PAGES);
    store_be16(s.storage.bytes + PAGES + 2, 0x0030); /* 001000 is 003000 */
    store_be16(s.storage.bytes + PAGES + 4, 0x0050); /* 002000 is 005000 */
    s.cr[0] = 0x00800000; /* 4K pages, 64K segments */
    s.cr[1] = SEGMENTS;
    s.gr[2] = 0x2000;
    s.psw = (struct s370_psw){
        .ec = true, .system_mask = S370_MASK_DAT, .ia = 0x1000};
    ck_assert_int_eq(s370_vm_set_state(vm, &s), STATUS_OK);
    return vm;
}

START_TEST(test_shadow_fills_are_traced)
{
    const volatile bool interrupted = false;
    struct trace trace = {0};
    struct trace_sink sink = {.emit = note_fills};
    struct diag d = {""};

    trace_attach(&trace, &sink);
    struct s370_vmm *vmm = s370_vmm_new(1 << 20, &trace, &d);
    ck_assert_msg(vmm != NULL, "%s", d.text);
    struct vm *vm = translating_guest(vmm);
    ck_assert_int_eq(vmm_run(&vm, 1, &interrupted), TURN_STOPPED);
    ck_assert_uint_eq(vm->vcpu.insns, 3);
    ck_assert_uint_eq(vm->vcpu.exits, 1);
    s370_vmm_free(vmm);
    ck_assert_str_eq(seen, "0 001000 001000 -> 003000 fill S\n"
                           "0 001000 002004 -> 005004 fill S\n");
}
END_TEST

START_TEST(test_every_reason_has_a_handler)
{
    for (unsigned r = 0; r < EXIT_REASON_COUNT; r++)
        ck_assert_msg(s370_handlers[r].handle, "%s", exit_reason_name(r));
}
END_TEST

/* In an enabled wait, with location 80 at zero. */
static struct vm *waiting_guest(struct s370_vmm *vmm)
{
    struct diag d = {""};
    struct vm *vm = s370_vmm_add(vmm, "waiter", 64 << 10, &d);
    struct s370_guest_state s;

    ck_assert_msg(vm != NULL, "%s", d.text);
    ck_assert_int_eq(s370_vm_state(vm, &s), STATUS_OK);
    store_be64(s.storage.bytes + S370_PSA_EXTERNAL_NEW, UINT64_C(2) << 48);
    s.psw = (struct s370_psw){.system_mask = S370_MASK_EXTERNAL, .wait = true};
    ck_assert_int_eq(s370_vm_set_state(vm, &s), STATUS_OK);
    return vm;
}

/* The code of the external interruption: bits 16-31 of the old PSW. */
static unsigned external_code(struct vm *vm)
{
    return load_be16(mem_at(&vm->mem, S370_PSA_EXTERNAL_OLD + 2, 2));
}

START_TEST(test_the_operator_has_keys)
{
    const volatile bool interrupted = false;
    struct diag d = {""};
    struct s370_vmm *vmm = s370_vmm_new(1 << 20, NULL, &d);

    ck_assert_msg(vmm != NULL, "%s", d.text);
    struct vm *timed = waiting_guest(vmm), *vm = waiting_guest(vmm);
    ck_assert_int_eq(vmm_run(&timed, 1, &interrupted), TURN_STOPPED);
    ck_assert_uint_eq(external_code(timed), S370_EXT_INTERVAL_TIMER);
    s370_vm_interval_switch(vm, false);
    ck_assert_int_eq(vmm_run(&vm, 1, &interrupted), TURN_IDLE);
    s370_vm_interrupt_key(vm);
    ck_assert_int_eq(vmm_run(&vm, 1, &interrupted), TURN_STOPPED);
    ck_assert_uint_eq(external_code(vm), S370_EXT_INTERRUPT_KEY);
    s370_vmm_free(vmm);
}
END_TEST

START_TEST(test_every_privileged_row_has_an_interpreter)
{
    for (unsigned i = 0; i < S370_OP_COUNT; i++) {
        const struct insn_desc *d = &s370_insns.rows[i];
        bool needed = d->privilege != PRIV_U;

        ck_assert_msg(!needed || s370_interpreters[i], "%s has none", d->name);
        ck_assert_msg(needed || !s370_interpreters[i],
                      "%s never leaves the problem state", d->name);
    }
}
END_TEST

Suite *suite_s370_monitor(void)
{
    Suite *s = suite_create("s370_monitor");
    TCase *t = tcase_create("lockstep");

    unsigned none;

    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, test_every_interpreter, 0,
                        (int)privileged(S370_OP_COUNT, &none));
    tcase_add_loop_test(t, test_mixtures, 0, 5);
    tcase_add_test(t, test_program_events);
    tcase_add_loop_test(t, test_translation, 0, 2);
    tcase_add_test(t, test_random_bytes);
    tcase_add_test(t, test_shadow_fills_are_traced);
    tcase_add_test(t, test_the_operator_has_keys);
    tcase_add_test(t, test_every_reason_has_a_handler);
    tcase_add_test(t, test_every_privileged_row_has_an_interpreter);
    suite_add_tcase(s, t);
    return s;
}
