/* monitor/: what the dispatcher does with each verdict, and that no event is
 * lost or taken twice.  That the framework works with a toy shows that it knows
 * neither wing. */
#include "tests/toy.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* ---- Verdicts ---- */

static const struct {
    enum verdict verdict;
    uint64_t pc; /* afterwards, from 100 */
    const char *log;
    bool waiting;
    enum vm_state state;
    enum turn turn;
} verdicts[] = {
    {VERDICT_RESUME, 0x100, "", false, VM_READY, TURN_EXIT},
    {VERDICT_ADVANCE, 0x102, "", false, VM_READY, TURN_EXIT},
    {VERDICT_REFLECT, 0x100, ", reflect 22", false, VM_READY, TURN_EXIT},
    {VERDICT_WAIT, 0x100, "", true, VM_READY, TURN_EXIT},
    {VERDICT_STOP, 0x100, "", false, VM_STOPPED, TURN_STOPPED},
    {VERDICT_FAIL, 0x100, "", false, VM_FAILED, TURN_STOPPED},
};

START_TEST(test_only_the_verdict_acts)
{
    struct toy toy, *t = toy_start(&toy);
    char log[128];

    ck_assert_int_eq(toy_play(t, toy_sensitive(1, verdicts[_i].verdict)),
                     verdicts[_i].turn);
    snprintf(log, sizeof(log), "load 7, interpret 1%s, store 7",
             verdicts[_i].log);
    ck_assert_str_eq(t->log, log);
    ck_assert_uint_eq(t->pc, verdicts[_i].pc);
    ck_assert_int_eq(t->vm.vcpu.waiting, verdicts[_i].waiting);
    ck_assert_int_eq(t->vm.state, verdicts[_i].state);
    const struct trace_event *e = trace_ring_at(&t->ring, 0);
    ck_assert_str_eq(e->verdict, verdict_word(verdicts[_i].verdict));
    ck_assert_str_eq(e->insn, "FREE");
    ck_assert_uint_eq(e->pc, 0x100);
    vm_end(&t->vm);
}
END_TEST

START_TEST(test_suppression_saves_the_next_address)
{
    struct toy toy, *t = toy_start(&toy);
    struct vm_exit x = toy_sensitive(1, VERDICT_REFLECT);

    x.event.past_insn = true;
    toy_play(t, x);
    ck_assert_uint_eq(t->pc, 0x102);
}
END_TEST

START_TEST(test_privilege_is_the_guests_own)
{
    struct toy toy, *t = toy_start(&toy);

    t->supervisor = false;
    toy_play(t, toy_sensitive(0, VERDICT_ADVANCE));
    ck_assert_str_eq(t->log, "load 7, reflect bad, store 7");
    t->log[0] = '\0';
    t->supervisor = true;
    toy_play(t, toy_sensitive(0, VERDICT_ADVANCE));
    ck_assert_str_eq(t->log, "load 7, interpret 0, store 7");
    ck_assert_uint_eq(t->vm.vcpu.intervened, 2);
}
END_TEST

START_TEST(test_a_missing_interpreter_is_said)
{
    struct toy toy, *t = toy_start(&toy);

    ck_assert_int_eq(toy_play(t, toy_sensitive(2, VERDICT_ADVANCE)),
                     TURN_STOPPED);
    ck_assert_int_eq(t->vm.state, VM_FAILED);
    ck_assert_str_eq(t->vm.diag.text, "no interpreter for NONE");
}
END_TEST

static const struct {
    enum exit_reason reason;
    enum vm_state state;
    const char *verdict;
} reasons[] = {
    {EXIT_FAULT, VM_READY, "reflect"},
    {EXIT_TRAP, VM_READY, "reflect"},
    {EXIT_HALT, VM_READY, "wait"},
    {EXIT_TIMER, VM_READY, "resume"},
    {EXIT_STEP, VM_READY, "resume"},
    {EXIT_SETTLED, VM_READY, "resume"},
    {EXIT_SHUTDOWN, VM_STOPPED, "stop"},
    {EXIT_ENTRY_FAILED, VM_FAILED, "fail"},
    {EXIT_UNKNOWN, VM_FAILED, "fail"},
    {EXIT_IO, VM_READY, "advance"},
    {EXIT_MMIO, VM_READY, "advance"},
    {EXIT_HYPERCALL, VM_READY, "advance"},
    {EXIT_INTERRUPT, VM_READY, "resume"},
    {EXIT_WINDOW, VM_READY, "resume"},
};

START_TEST(test_each_reason_has_its_handler)
{
    struct toy toy, *t = toy_start(&toy);
    struct vm_exit x = {.reason = reasons[_i].reason, .ran = 1, .raw = 9};

    if (x.reason == EXIT_IO || x.reason == EXIT_MMIO)
        x.io.size = 1;
    toy_play(t, x);
    ck_assert_int_eq(t->vm.state, reasons[_i].state);
    ck_assert_str_eq(trace_ring_at(&t->ring, 0)->verdict, reasons[_i].verdict);
    ck_assert_int_eq(t->vm.diag.text[0] != '\0',
                     reasons[_i].state == VM_FAILED);
}
END_TEST

START_TEST(test_an_engine_that_fails_stops_its_vm)
{
    struct toy toy, *t = toy_start(&toy);

    t->run_status = STATUS_HOST_FAILED;
    ck_assert_int_eq(vcpu_once(&t->vm.vcpu), TURN_STOPPED);
    ck_assert_int_eq(t->vm.state, VM_FAILED);
    ck_assert_int_eq(vcpu_once(&t->vm.vcpu), TURN_STOPPED);
}
END_TEST

/* ---- I/O and calls ---- */

struct port {
    uint8_t wrote[8];
    unsigned count;
    uint64_t next;
};

static void port_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    struct port *p = dev;

    (void)offset, (void)size;
    if (write && p->count < sizeof(p->wrote))
        p->wrote[p->count++] = (uint8_t)*value;
    if (!write)
        *value = p->next++;
}

START_TEST(test_io_goes_through_the_bus)
{
    struct toy toy, *t = toy_start(&toy);
    struct port port = {.next = 0x41};
    uint8_t data[6] = {'a', 'b', 'c'};
    struct bus_device d = {BUS_PORT, 0x3f8, 0x3ff, "port", port_io, &port};
    struct vm_exit x = {.reason = EXIT_IO, .ran = 1, .insn_len = 2};

    ck_assert_int_eq(bus_add(&t->vm.bus, &d), STATUS_OK);
    x.io = (struct exit_io){0x3f8, 0, 1, true, 3, data}; /* REP OUTS */
    toy_play(t, x);
    ck_assert_uint_eq(port.count, 3);
    ck_assert_mem_eq(port.wrote, "abc", 3);
    x.io = (struct exit_io){0x3f8, 0, 2, false, 3, data}; /* REP INS, words */
    toy_play(t, x);
    ck_assert_mem_eq(data, "A\0B\0C\0", 6);
    x.io = (struct exit_io){0x3f8, 'z', 1, true, 1, NULL};
    toy_play(t, x);
    ck_assert_uint_eq(port.wrote[3], 'z');
    ck_assert_uint_eq(t->pc, 0x106);
}
END_TEST

START_TEST(test_hypercalls)
{
    struct toy toy, *t = toy_start(&toy);
    struct vm_exit x = {.reason = EXIT_HYPERCALL, .ran = 1, .insn_len = 4};

    x.event.code = 0x15; /* what an undefined call is on the toy */
    x.call.number = 99;
    toy_play(t, x);
    ck_assert_str_eq(t->log, "reflect 15");
    x.call.number = 3;
    ck_assert_int_eq(toy_play(t, x), TURN_STOPPED);
    ck_assert_int_eq(t->vm.state, VM_STOPPED);
}
END_TEST

/* ---- Events ---- */

START_TEST(test_posted_events_wait_for_the_mask)
{
    struct toy toy, *t = toy_start(&toy);
    struct vcpu *v = &t->vm.vcpu;

    t->masked = true;
    ck_assert_int_eq(event_post(v, &(struct vm_event){.code = 1}), STATUS_OK);
    ck_assert_int_eq(event_post(v, &(struct vm_event){.code = 2}), STATUS_OK);
    ck_assert_int_eq(event_post(v, &(struct vm_event){.kind = 1, .code = 3}),
                     STATUS_OK);
    t->level = 4;
    ck_assert_int_eq(vcpu_once(v), TURN_EVENT);
    ck_assert_int_eq(vcpu_once(v), TURN_EXIT);
    ck_assert_str_eq(t->log, "reflect 3"); /* the one that cannot be masked */
    t->masked = false;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(vcpu_once(v), TURN_EVENT);
    ck_assert_int_eq(vcpu_once(v), TURN_EXIT);
    ck_assert_str_eq(t->log, "reflect 3, reflect 1, reflect 2, reflect 4");
}
END_TEST

START_TEST(test_event_queue_is_bounded)
{
    struct toy toy, *t = toy_start(&toy);
    struct vm_event e;

    for (unsigned i = 0; i < EVENT_QUEUE_MAX; i++)
        ck_assert_int_eq(event_post(&t->vm.vcpu, &(struct vm_event){.code = i}),
                         STATUS_OK);
    ck_assert_int_eq(event_post(&t->vm.vcpu, &(struct vm_event){.code = 99}),
                     STATUS_NO_MEMORY);
    for (unsigned i = 0; i < EVENT_QUEUE_MAX; i++) {
        ck_assert(event_take(&t->vm.vcpu, &e));
        ck_assert_uint_eq(e.code, i);
    }
    ck_assert(!event_take(&t->vm.vcpu, &e));
}
END_TEST

/* ---- Time ---- */

static void raise_level(void *owner, uint64_t arg)
{
    ((struct toy *)owner)->level = (unsigned)arg;
}

START_TEST(test_a_wait_skips_to_what_is_next)
{
    struct toy toy, *t = toy_start(&toy);
    struct vcpu *v = &t->vm.vcpu;

    ck_assert_int_eq(clock_after(&t->vm.clock, 5000, raise_level, t, 0xc),
                     STATUS_OK);
    toy_play(t, (struct vm_exit){.reason = EXIT_HALT, .ran = 10});
    ck_assert(v->waiting);
    ck_assert_int_eq(vcpu_once(v), TURN_EVENT); /* time passes */
    ck_assert_uint_eq(t->vm.clock.now, 5000);
    ck_assert_uint_eq(v->insns, 10); /* and no instruction ran */
    ck_assert_int_eq(vcpu_once(v), TURN_EVENT);
    ck_assert_str_eq(t->log, "reflect c");
    ck_assert(!v->waiting);
}
END_TEST

START_TEST(test_a_wait_for_nothing_is_idle_or_the_end)
{
    struct toy toy, *t = toy_start(&toy);

    toy_play(t, (struct vm_exit){.reason = EXIT_HALT, .ran = 1});
    ck_assert_int_eq(vcpu_once(&t->vm.vcpu), TURN_IDLE);
    ck_assert_int_eq(t->vm.state, VM_READY);
    t->wakes = false;
    ck_assert_int_eq(vcpu_once(&t->vm.vcpu), TURN_STOPPED);
    ck_assert_int_eq(t->vm.state, VM_STOPPED);
}
END_TEST

START_TEST(test_budget_ends_where_somebody_wants_back)
{
    struct toy toy, *t = toy_start(&toy);
    struct vcpu *v = &t->vm.vcpu;

    t->vm.stop_after = 1500;
    ck_assert_int_eq(clock_after(&t->vm.clock, 300, raise_level, t, 0),
                     STATUS_OK);
    ck_assert_int_eq(vcpu_once(v), TURN_EXIT);
    ck_assert_uint_eq(v->insns, 300); /* the clock's event */
    ck_assert_int_eq(vcpu_once(v), TURN_EXIT);
    ck_assert_uint_eq(v->insns, 1300); /* the slice */
    ck_assert_int_eq(vcpu_once(v), TURN_EXIT);
    ck_assert_uint_eq(v->insns, 1500); /* the limit, exactly */
    ck_assert_int_eq(vcpu_once(v), TURN_STOPPED);
    ck_assert_uint_eq(v->insns, 1500);
    ck_assert_uint_eq(t->vm.clock.now, 1500);
}
END_TEST

START_TEST(test_stepping_runs_one)
{
    struct toy toy, *t = toy_start(&toy);

    t->vm.vcpu.stepping = true;
    vcpu_once(&t->vm.vcpu);
    ck_assert_uint_eq(t->vm.vcpu.insns, 1);
}
END_TEST

START_TEST(test_machines_share_the_time)
{
    static struct toy toys[3];
    struct vm *vms[3];
    volatile bool interrupted = false;

    for (int i = 0; i < 3; i++) {
        toy_start(&toys[i]);
        toys[i].vm.id = (unsigned)i + 1;
        toys[i].vm.stop_after = 1000 * (uint64_t)(i + 1);
        toys[i].vm.slice = 100;
        vms[i] = &toys[i].vm;
    }
    ck_assert_int_eq(vmm_run(vms, 3, &interrupted), TURN_STOPPED);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(vms[i]->vcpu.insns, 1000 * (uint64_t)(i + 1));
    toys[0].vm.stop_after = 0;
    interrupted = true;
    vmm_run(vms, 3, &interrupted);
    ck_assert_uint_eq(vms[0]->vcpu.insns, 1000);
}
END_TEST

START_TEST(test_one_that_fails_does_not_stop_the_others)
{
    static struct toy toys[2];
    struct vm *vms[2] = {&toys[0].vm, &toys[1].vm};
    volatile bool interrupted = false;

    toy_start(&toys[0])->run_status = STATUS_HOST_FAILED;
    toy_start(&toys[1])->vm.stop_after = 5000;
    vmm_run(vms, 2, &interrupted);
    ck_assert_int_eq(vms[0]->state, VM_FAILED);
    ck_assert_uint_eq(vms[1]->vcpu.insns, 5000);
}
END_TEST

/* ---- Words ---- */

START_TEST(test_every_reason_and_verdict_has_words)
{
    for (int i = 0; i < EXIT_REASON_COUNT; i++) {
        ck_assert_uint_gt(strlen(exit_reason_name(i)), 1);
        ck_assert_uint_gt(strlen(exit_reason_words(i)), 5);
        ck_assert_ptr_nonnull(toy_handlers[i].handle);
    }
    for (int i = 0; i < VERDICT_COUNT; i++)
        ck_assert_uint_gt(strlen(verdict_word(i)), 3);
    ck_assert_str_eq(exit_reason_name(EXIT_REASON_COUNT), "?");
    ck_assert_str_eq(verdict_word(VERDICT_COUNT), "?");
}
END_TEST

static void add_dispatcher_tests(TCase *t)
{
    tcase_add_loop_test(t, test_only_the_verdict_acts, 0, ARRAY_LEN(verdicts));
    tcase_add_test(t, test_suppression_saves_the_next_address);
    tcase_add_test(t, test_privilege_is_the_guests_own);
    tcase_add_test(t, test_a_missing_interpreter_is_said);
    tcase_add_loop_test(t, test_each_reason_has_its_handler, 0,
                        ARRAY_LEN(reasons));
    tcase_add_test(t, test_an_engine_that_fails_stops_its_vm);
    tcase_add_test(t, test_io_goes_through_the_bus);
    tcase_add_test(t, test_hypercalls);
    tcase_add_test(t, test_posted_events_wait_for_the_mask);
    tcase_add_test(t, test_event_queue_is_bounded);
    tcase_add_test(t, test_a_wait_skips_to_what_is_next);
    tcase_add_test(t, test_a_wait_for_nothing_is_idle_or_the_end);
    tcase_add_test(t, test_budget_ends_where_somebody_wants_back);
    tcase_add_test(t, test_stepping_runs_one);
    tcase_add_test(t, test_machines_share_the_time);
    tcase_add_test(t, test_one_that_fails_does_not_stop_the_others);
    tcase_add_test(t, test_every_reason_and_verdict_has_words);
}

Suite *suite_monitor(void)
{
    Suite *s = suite_create("monitor");
    TCase *d = tcase_create("dispatcher");

    add_dispatcher_tests(d);
    suite_add_tcase(s, d);
    return s;
}
