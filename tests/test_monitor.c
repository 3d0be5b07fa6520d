/* monitor/: what the dispatcher does with each verdict, who owns what, and
 * that no event is lost or taken twice.
 *
 * The architecture here is a toy of our own: its engine plays exits from a
 * list.  That the framework works with it shows that it knows neither wing. */
#include "monitor/allocator.h"
#include "monitor/dispatcher.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { POOL = 0x10000, TAPE_MAX = 16 };

/* ---- A toy processor ---- */

struct toy {
    uint64_t pc;
    bool supervisor, masked, wakes;
    char log[256];                 /* what was done to the guest, in words */
    struct vm_exit tape[TAPE_MAX]; /* what the engine plays, in turn */
    unsigned count, next;
    unsigned level; /* take_pending delivers it once when > 0 */
    enum status run_status;
    struct trace trace;
    struct trace_event seen[8];
    struct trace_ring ring;
    struct vm vm;
};

static struct toy *toy_of(const struct vcpu *v)
{
    return v->arch;
}

static void say(struct toy *t, const char *word, uint64_t n)
{
    size_t used = strlen(t->log);

    snprintf(t->log + used, sizeof(t->log) - used, "%s%s %llx",
             used ? ", " : "", word, (unsigned long long)n);
}

static enum status ok_vm(struct vm *vm)
{
    (void)vm;
    return STATUS_OK;
}

static void no_vm(struct vm *vm)
{
    (void)vm;
}

static enum status ok_vcpu(struct vcpu *v)
{
    (void)v;
    return STATUS_OK;
}

static void no_vcpu(struct vcpu *v)
{
    (void)v;
}

static enum status map(struct vm *vm, const struct mem_slot *s)
{
    say(toy_of(&vm->vcpu), "map", s->gpa);
    return STATUS_OK;
}

static enum status run(struct vcpu *v, struct vm_exit *x)
{
    struct toy *t = toy_of(v);

    if (t->run_status)
        return t->run_status;
    if (t->next == t->count) { /* the tape is at its end: it only computes */
        *x = (struct vm_exit){.reason = EXIT_TIMER, .ran = v->budget};
        t->pc += v->budget;
        x->pc = t->pc;
        return STATUS_OK;
    }
    *x = t->tape[t->next++];
    x->pc = t->pc;
    return STATUS_OK;
}

static enum status load(struct vcpu *v, uint32_t groups)
{
    if (groups)
        say(toy_of(v), "load", groups);
    return STATUS_OK;
}

static enum status store(struct vcpu *v, uint32_t groups)
{
    if (groups)
        say(toy_of(v), "store", groups);
    return STATUS_OK;
}

static const struct engine_ops toy_engine = {.name = "toy",
                                             .title = "plays exits",
                                             .vm_init = ok_vm,
                                             .vm_fini = no_vm,
                                             .vcpu_init = ok_vcpu,
                                             .vcpu_fini = no_vcpu,
                                             .map = map,
                                             .run = run,
                                             .load_regs = load,
                                             .store_regs = store};

static uint64_t toy_pc(const struct vcpu *v)
{
    return toy_of(v)->pc;
}

static void toy_set_pc(struct vcpu *v, uint64_t pc)
{
    toy_of(v)->pc = pc;
}

static bool toy_supervisor(const struct vcpu *v)
{
    return toy_of(v)->supervisor;
}

static enum status toy_reflect(struct vcpu *v, const struct vm_event *e)
{
    say(toy_of(v), "reflect", e->code);
    return STATUS_OK;
}

static bool toy_take_pending(struct vcpu *v, struct vm_event *e)
{
    struct toy *t = toy_of(v);

    if (!t->level || t->masked)
        return false;
    *e = (struct vm_event){.code = t->level};
    t->level = 0;
    return true;
}

static bool toy_accepts(const struct vcpu *v, const struct vm_event *e)
{
    return !toy_of(v)->masked || e->kind == 1; /* kind 1 cannot be masked */
}

static bool toy_can_wake(const struct vcpu *v)
{
    return toy_of(v)->wakes;
}

static size_t toy_disasm(const uint8_t *b, size_t n, uint64_t pc, char *out,
                         size_t cap)
{
    (void)b, (void)n, (void)pc;
    snprintf(out, cap, "TOY");
    return 1;
}

static void toy_show_state(const struct vcpu *v, char *out, size_t cap)
{
    snprintf(out, cap, "pc=%llx", (unsigned long long)toy_of(v)->pc);
}

static void toy_show_event(const struct vm_event *e, char *out, size_t cap)
{
    snprintf(out, cap, "event %x", e->code);
}

static const struct insn_desc toy_insns[] = {
    {.id = 0, .length = 2, .privilege = PRIV_P, .name = "PRIV"},
    {.id = 1, .length = 2, .privilege = PRIV_U, .name = "FREE"},
    {.id = 2, .length = 2, .privilege = PRIV_P, .name = "NONE"},
};
static const struct insn_table toy_table = {toy_insns, ARRAY_LEN(toy_insns)};

static const struct guest_isa toy_isa = {.name = "toy",
                                         .insns = &toy_table,
                                         .pc_digits = 4,
                                         .privileged_event = {.code = 0xbad},
                                         .pc = toy_pc,
                                         .set_pc = toy_set_pc,
                                         .virtual_supervisor = toy_supervisor,
                                         .reflect = toy_reflect,
                                         .take_pending = toy_take_pending,
                                         .accepts = toy_accepts,
                                         .can_wake = toy_can_wake,
                                         .disasm = toy_disasm,
                                         .show_state = toy_show_state,
                                         .show_event = toy_show_event};

/* An interpreter that decides what the exit's immediate byte says. */
static enum verdict interpret(struct vcpu *v, struct vm_exit *x)
{
    say(toy_of(v), "interpret", x->insn->id);
    return (enum verdict)x->op.imm;
}

static const interpreter_fn toy_interpreters[] = {interpret, interpret, NULL};

static const struct handler_row toy_handlers[EXIT_REASON_COUNT] = {
    [EXIT_SENSITIVE] = {dispatch_sensitive, 0x7},
    [EXIT_IO] = {handle_bus, 0},
    [EXIT_MMIO] = {handle_bus, 0},
    [EXIT_FAULT] = {handle_reflect, 0},
    [EXIT_TRAP] = {handle_reflect, 0},
    [EXIT_HYPERCALL] = {handle_hypercall, 0},
    [EXIT_HALT] = {handle_wait, 0},
    [EXIT_INTERRUPT] = {handle_resume, 0},
    [EXIT_WINDOW] = {handle_resume, 0},
    [EXIT_TIMER] = {handle_resume, 0},
    [EXIT_STEP] = {handle_resume, 0},
    [EXIT_SHUTDOWN] = {handle_stop, 0},
    [EXIT_ENTRY_FAILED] = {handle_fail, 0},
    [EXIT_UNKNOWN] = {handle_fail, 0},
};

static struct toy *toy_start(struct toy *t)
{
    *t = (struct toy){.pc = 0x100, .supervisor = true, .wakes = true};
    trace_ring_init(&t->ring, t->seen, ARRAY_LEN(t->seen));
    trace_attach(&t->trace, &t->ring.sink);
    t->vm.id = 1;
    t->vm.isa = &toy_isa;
    t->vm.engine = &toy_engine;
    t->vm.handlers = toy_handlers;
    t->vm.interpreters = toy_interpreters;
    t->vm.trace = &t->trace;
    t->vm.slice = 1000;
    t->vm.vcpu.arch = t;
    clock_init(&t->vm.clock);
    ck_assert_int_eq(vm_start(&t->vm), STATUS_OK);
    return t;
}

static struct vm_exit sensitive(unsigned insn, enum verdict verdict)
{
    struct vm_exit x = {.reason = EXIT_SENSITIVE, .ran = 1, .insn_len = 2};

    x.insn = &toy_insns[insn];
    x.op.imm = (uint8_t)verdict;
    x.event.code = 0x22;
    return x;
}

static enum turn play(struct toy *t, struct vm_exit x)
{
    t->tape[t->count++] = x;
    return vcpu_once(&t->vm.vcpu);
}

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

    ck_assert_int_eq(play(t, sensitive(1, verdicts[_i].verdict)),
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
    struct vm_exit x = sensitive(1, VERDICT_REFLECT);

    x.event.past_insn = true;
    play(t, x);
    ck_assert_uint_eq(t->pc, 0x102);
}
END_TEST

START_TEST(test_privilege_is_the_guests_own)
{
    struct toy toy, *t = toy_start(&toy);

    t->supervisor = false;
    play(t, sensitive(0, VERDICT_ADVANCE));
    ck_assert_str_eq(t->log, "load 7, reflect bad, store 7");
    t->log[0] = '\0';
    t->supervisor = true;
    play(t, sensitive(0, VERDICT_ADVANCE));
    ck_assert_str_eq(t->log, "load 7, interpret 0, store 7");
    ck_assert_uint_eq(t->vm.vcpu.intervened, 2);
}
END_TEST

START_TEST(test_a_missing_interpreter_is_said)
{
    struct toy toy, *t = toy_start(&toy);

    ck_assert_int_eq(play(t, sensitive(2, VERDICT_ADVANCE)), TURN_STOPPED);
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
    play(t, x);
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
    play(t, x);
    ck_assert_uint_eq(port.count, 3);
    ck_assert_mem_eq(port.wrote, "abc", 3);
    x.io = (struct exit_io){0x3f8, 0, 2, false, 3, data}; /* REP INS, words */
    play(t, x);
    ck_assert_mem_eq(data, "A\0B\0C\0", 6);
    x.io = (struct exit_io){0x3f8, 'z', 1, true, 1, NULL};
    play(t, x);
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
    play(t, x);
    ck_assert_str_eq(t->log, "reflect 15");
    x.call.number = 3;
    ck_assert_int_eq(play(t, x), TURN_STOPPED);
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
    play(t, (struct vm_exit){.reason = EXIT_HALT, .ran = 10});
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

    play(t, (struct vm_exit){.reason = EXIT_HALT, .ran = 1});
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

/* ---- The allocator ---- */

static uint8_t pool[POOL];

static struct vm a_vm(unsigned id)
{
    return (struct vm){.id = id, .name = "toy"};
}

START_TEST(test_no_byte_has_two_owners)
{
    struct allocator a;
    struct vm one = a_vm(1), two = a_vm(2);
    uint64_t at;

    memset(pool, 0xee, sizeof(pool));
    allocator_init(&a, pool, POOL, 500);
    ck_assert_int_eq(allocator_keep(&a, 0x100, 16, &at), STATUS_OK);
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0, 0x4000, 0x1000),
                     STATUS_OK);
    ck_assert_int_eq(allocator_give_storage(&a, &two, 0, 0x4000, 0x1000),
                     STATUS_OK);
    for (uint64_t i = 0; i < POOL; i++) {
        unsigned owners = 0;

        for (unsigned who = 0; who <= 2; who++)
            owners += allocator_owns(&a, who, i, 1);
        ck_assert_uint_le(owners, 1);
        ck_assert_int_eq(pool[i], owners ? 0 : 0xee); /* given zeroed */
    }
    uint64_t first = (uint64_t)(mem_at(&one.mem, 0, 1) - pool);
    ck_assert_uint_eq(first % 0x1000, 0);
    ck_assert(allocator_owns(&a, 1, first, 0x4000));
    ck_assert(!allocator_owns(&a, 1, first, 0x4001));
    ck_assert(!allocator_owns(&a, 1, first, UINT64_MAX));
}
END_TEST

START_TEST(test_what_is_taken_back_is_given_anew)
{
    struct allocator a;
    struct vm one = a_vm(1), two = a_vm(2);

    allocator_init(&a, pool, POOL, 500);
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0, POOL / 2, 1),
                     STATUS_OK);
    ck_assert_int_eq(allocator_give_storage(&a, &two, 0, POOL / 2, 1),
                     STATUS_OK);
    uint8_t *was = mem_at(&one.mem, 0, 1);
    memset(was, 0x5a, POOL / 2);
    ck_assert_int_eq(allocator_give_storage(&a, &two, POOL, 1, 1),
                     STATUS_NO_MEMORY);
    allocator_reclaim(&a, &one);
    ck_assert_ptr_null(mem_at(&one.mem, 0, 1));
    struct vm three = a_vm(3);
    ck_assert_int_eq(allocator_give_storage(&a, &three, 0, POOL / 2, 1),
                     STATUS_OK);
    ck_assert_ptr_eq(mem_at(&three.mem, 0, 1), was);
    ck_assert_int_eq(was[0], 0); /* nothing of its last owner */
    ck_assert_int_eq(was[POOL / 2 - 1], 0);
}
END_TEST

START_TEST(test_bad_grants_are_refused_in_words)
{
    static const struct {
        uint64_t size, align;
        enum status expect;
    } rows[] = {{0, 1, STATUS_BAD_INPUT},
                {1, 0, STATUS_BAD_INPUT},
                {POOL + 1, 1, STATUS_NO_MEMORY},
                {UINT64_MAX, 1, STATUS_NO_MEMORY},
                {UINT64_MAX - 1, 0x1000, STATUS_NO_MEMORY}};
    struct allocator a;
    struct vm one = a_vm(1);
    struct bus_device d = {BUS_PORT, 1, 1, "port", port_io, NULL};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        allocator_init(&a, pool, POOL, 500);
        ck_assert_msg(allocator_give_storage(&a, &one, 0, rows[i].size,
                                             rows[i].align) == rows[i].expect,
                      "row %zu", i);
        ck_assert_uint_gt(strlen(a.diag.text), 10);
        ck_assert_uint_eq(a.count, 0);
    }
    ck_assert_int_eq(allocator_give_device(&a, &one, &d), STATUS_OK);
    ck_assert_int_eq(allocator_give_device(&a, &one, &d), STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(a.diag.text, "taken"));
    allocator_give_time(&a, &one);
    ck_assert_uint_eq(one.slice, 500);
}
END_TEST

START_TEST(test_storage_that_overlaps_is_not_granted)
{
    struct allocator a;
    struct vm one = a_vm(1);

    allocator_init(&a, pool, POOL, 500);
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0, 0x1000, 1), STATUS_OK);
    ck_assert_int_eq(allocator_give_storage(&a, &one, 0xfff, 0x1000, 1),
                     STATUS_BAD_INPUT);
    ck_assert_uint_eq(a.count, 1);
    ck_assert_uint_eq(one.mem.count, 1);
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
    TCase *a = tcase_create("allocator");

    add_dispatcher_tests(d);
    tcase_add_test(a, test_no_byte_has_two_owners);
    tcase_add_test(a, test_what_is_taken_back_is_given_anew);
    tcase_add_test(a, test_bad_grants_are_refused_in_words);
    tcase_add_test(a, test_storage_that_overlaps_is_not_granted);
    suite_add_tcase(s, d);
    suite_add_tcase(s, a);
    return s;
}
