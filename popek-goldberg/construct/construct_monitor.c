#include "popek-goldberg/construct/construct_monitor.h"

#include "monitor/dispatcher.h"
#include "popek-goldberg/construct/construct_engine.h"
#include "popek-goldberg/judge/map.h"

#include <assert.h>
#include <string.h>

enum { ALL = 1 }; /* registers: one group */

static struct construct_monitor *monitor_of(const struct vcpu *v)
{
    return v->arch;
}

/* ---- The virtual machine, and what it runs on ---- */

/* What of a PSW may be unpredictable for guest and hardware alike. */
static const uint64_t shared = 1u << ISA_PC | 1u << ISA_BASE | 1u << ISA_BOUND;

static void carry(const struct isa_state *from, struct isa_state *to,
                  unsigned i)
{
    to->v[i] = from->v[i];
    to->unknown &= ~(UINT64_C(1) << i);
    to->unknown |= from->unknown & UINT64_C(1) << i;
}

/* Base and bound are as A gave them, unless the guest has changed the real
 * ones without a trap. */
static void take(struct construct_monitor *c)
{
    struct construct_psw psw =
        c->trapped ? c->host->old : construct_psw(c->host);
    const struct isa *isa = c->design->isa;
    struct isa_state *g = &c->guest.s;

    for (unsigned i = 0; i < isa->element_count; i++)
        if (pg_is_carried(isa, i) && i != ISA_PC)
            carry(&c->host->s, g, i);
    g->unknown = (g->unknown & ~shared) | (psw.unknown & shared);
    g->v[ISA_PC] = psw.v[ISA_PC];
    if (psw.v[ISA_BASE] != c->base) {
        c->base = psw.v[ISA_BASE];
        g->v[ISA_BASE] = c->base - isa->monitor_words;
    }
    if (psw.v[ISA_BOUND] != c->bound)
        c->bound = g->v[ISA_BOUND] = psw.v[ISA_BOUND];
}

void construct_observe(struct construct_monitor *c)
{
    if (c->outer)
        construct_observe(c->outer);
    take(c);
}

static struct construct_psw real_psw(const struct construct_monitor *c)
{
    return (struct construct_psw){.v = {[ISA_MODE] = ISA_USER,
                                        [ISA_PC] = c->guest.s.v[ISA_PC],
                                        [ISA_BASE] = c->base,
                                        [ISA_BOUND] = c->bound},
                                  .unknown = c->guest.s.unknown & shared};
}

/* The program's own: it goes straight to the hardware that is under all
 * monitors.  (A monitor in a virtual machine would need privilege for a clock
 * or a duplicate, and cost the outer one more than is counted.) */
static void put_carried(struct construct_monitor *c, const struct isa_state *s)
{
    const struct isa *isa = c->design->isa;

    for (unsigned i = 0; i < isa->element_count; i++)
        if (pg_is_carried(isa, i) && i != ISA_PC)
            carry(s, &c->host->s, i);
    if (c->outer)
        put_carried(c->outer, s);
}

/* What is the monitor's; it is so from the beginning, and stays. */
static void put_resources(struct construct_monitor *c)
{
    const struct isa *isa = c->design->isa;
    bool share = c->design->mutation == CONSTRUCT_RESOURCES;

    for (unsigned i = ISA_BUILT_IN; i < isa->element_count; i++) {
        const struct isa_element *e = &isa->elements[i];
        uint64_t own = c->guest.s.v[i];

        if (e->kind == ISA_KIND_RESOURCE && !share)
            c->host->s.v[i] = e->monitor[ISA_FULL];
        else if (e->kind == ISA_KIND_SWITCH && e->enforced)
            c->host->s.v[i] = pg_setting_value(c->design->j, i);
        else if (e->kind == ISA_KIND_SWITCH || e->kind == ISA_KIND_RESOURCE)
            c->host->s.v[i] = own;
    }
}

void construct_enter(struct construct_monitor *c)
{
    struct construct_psw psw = real_psw(c);

    put_carried(c, &c->guest.s);
    put_resources(c);
    construct_load_psw(c->host, &psw);
    c->trapped = false;
}

enum status construct_resume(struct construct_monitor *c)
{
    struct construct_monitor *outer = c->outer;

    c->interventions++;
    if (!outer) {
        construct_enter(c);
        return STATUS_OK;
    }
    put_carried(c, &c->guest.s);
    c->trapped = false;
    outer->psw = real_psw(c);
    outer->loading = true;
    (void)vcpu_once(&outer->vm.vcpu);
    if (outer->vm.state == VM_FAILED)
        return diag_set(&c->vm.diag, STATUS_UNSUPPORTED, "%s",
                        outer->vm.diag.text);
    if (c->design->mutation == CONSTRUCT_RESOURCES)
        put_resources(c);
    construct_observe(outer);
    return STATUS_OK;
}

/* ---- A, the allocator ---- */

/* Where in the host's words the virtual machine's begin. */
static uint64_t first_word(const struct construct_monitor *c)
{
    const struct mem_slot *slot = &c->vm.mem.slots[0];

    return (uint64_t)(slot->host - c->allocator.pool) /
           sizeof(struct construct_word);
}

/* Does R reach the virtual machine's words only? */
static bool confined(const struct construct_monitor *c)
{
    uint64_t q = c->host->s.q, size = sizeof(struct construct_word);
    uint64_t room = c->base < q ? q - c->base : 0;
    uint64_t n = c->bound < room ? c->bound : room;

    return !n ||
           allocator_owns(&c->allocator, c->vm.id, c->base * size, n * size);
}

/* A base so high that there is no room for k more reaches no word: the end of
 * storage does as well. */
void construct_allocate(struct construct_monitor *c)
{
    enum construct_mutation m = c->design->mutation;
    unsigned width = c->design->isa->address_width[ISA_FULL];
    uint64_t last = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
    uint64_t k = first_word(c) + (m == CONSTRUCT_SHIFT_K);
    uint64_t base = c->guest.s.v[ISA_BASE];

    c->asked = true;
    c->base = base <= last - k ? base + k : c->host->s.q;
    c->bound = c->guest.s.v[ISA_BOUND] + (m == CONSTRUCT_BOUND);
    if (m == CONSTRUCT_NO_COMPOSE)
        c->base = base;
    assert(m == CONSTRUCT_SHIFT_K || m == CONSTRUCT_BOUND ||
           m == CONSTRUCT_NO_COMPOSE || confined(c));
}

/* ---- v_i, the interpretive routines ---- */

static bool changes_control(const struct isa *isa, const struct isa_state *a,
                            const struct isa_state *b)
{
    for (unsigned i = 0; i < isa->element_count; i++)
        if (i != ISA_PC &&
            (i < ISA_BUILT_IN || isa_is_control(isa->elements[i].kind)) &&
            a->v[i] != b->v[i])
            return true;
    return false;
}

/* A mistake: the guest's addresses are taken for real ones. */
static void store_unmoved(struct construct_monitor *c,
                          const struct isa_state *s)
{
    uint64_t base = c->guest.s.v[ISA_BASE];
    struct isa_state before;

    construct_window(&c->guest, &before);
    for (unsigned i = 0; i < ISA_CELLS; i++)
        if (s->mem[i] != before.mem[i])
            c->host->word[base + i].value = s->mem[i];
    c->guest.s = *s;
}

/* What the description says of the instruction, done to the virtual machine:
 * one routine serves, for the description is data. */
enum verdict construct_v(struct vcpu *v, struct vm_exit *x)
{
    struct construct_monitor *c = monitor_of(v);
    struct construct_machine *g = &c->guest;
    const uint64_t *s = g->s.v;
    const struct construct_word *w =
        construct_reach(g, s[ISA_BASE], s[ISA_BOUND], s[ISA_PC]);
    uint64_t mode = s[ISA_MODE];
    struct isa_result r;

    c->did = CONSTRUCT_EMULATED;
    x->event.code = 0; /* a memory trap */
    if (!w || !w->insn)
        return VERDICT_REFLECT;
    construct_execute(g, w->insn, &r);
    x->event.code = r.trap;
    if (r.ending == ISA_TRAPPED)
        return VERDICT_REFLECT;
    if (r.ending == ISA_ANYTHING)
        return VERDICT_RESUME; /* nothing is anything, too */
    bool asks = changes_control(c->design->isa, &g->s, &r.state);
    if (c->design->mutation == CONSTRUCT_PLACE)
        store_unmoved(c, &r.state);
    else
        construct_commit(g, &r.state);
    if (c->design->mutation == CONSTRUCT_MODE)
        g->s.v[ISA_MODE] = mode;
    if (asks)
        construct_allocate(c);
    return VERDICT_RESUME;
}

/* The guest is a monitor itself, and lets its own guest run. */
enum verdict construct_v_psw(struct vcpu *v, struct vm_exit *x)
{
    struct construct_monitor *c = monitor_of(v);

    (void)x;
    c->did = CONSTRUCT_EMULATED;
    construct_load_psw(&c->guest, &c->psw);
    construct_allocate(c);
    return VERDICT_RESUME;
}

/* ---- D, the dispatcher: what it decides of each kind of exit ---- */

/* A trap that is not about privilege: the guest's own, unless the instruction
 * has a v_i, which finds out what the virtual machine makes of it. */
static enum verdict handle_trap(struct vcpu *v, struct vm_exit *x)
{
    interpreter_fn interpret =
        x->insn ? v->vm->interpreters[x->insn->id] : NULL;

    return interpret ? interpret(v, x) : VERDICT_REFLECT;
}

static enum verdict handle_lost(struct vcpu *v, struct vm_exit *x)
{
    (void)x;
    return vm_fail(v->vm,
                   monitor_of(v)->ended == CONSTRUCT_ANYTHING
                       ? "the hardware did not trap, and may do anything, to "
                         "the monitor's words too"
                       : "the program runs a word that is none of its own");
}

const struct handler_row construct_handlers[EXIT_REASON_COUNT] = {
    [EXIT_SENSITIVE] = {dispatch_sensitive, ALL},
    [EXIT_IO] = {handle_fail, 0},
    [EXIT_MMIO] = {handle_fail, 0},
    [EXIT_FAULT] = {handle_trap, ALL},
    [EXIT_TRAP] = {handle_trap, ALL},
    [EXIT_HYPERCALL] = {handle_fail, 0},
    [EXIT_HALT] = {handle_fail, 0},
    [EXIT_INTERRUPT] = {handle_resume, 0},
    [EXIT_WINDOW] = {handle_resume, 0},
    [EXIT_TIMER] = {handle_resume, 0}, /* no trap: the monitor did not run */
    [EXIT_STEP] = {handle_resume, 0},
    [EXIT_SETTLED] = {handle_resume, 0},
    [EXIT_SHUTDOWN] = {handle_fail, 0},
    [EXIT_ENTRY_FAILED] = {handle_fail, 0},
    [EXIT_UNKNOWN] = {handle_lost, 0},
};

/* ---- What the dispatcher asks of the architecture ---- */

static uint64_t get_pc(const struct vcpu *v)
{
    return monitor_of(v)->guest.s.v[ISA_PC];
}

static void set_pc(struct vcpu *v, uint64_t pc)
{
    monitor_of(v)->guest.s.v[ISA_PC] = pc;
}

static bool virtual_supervisor(const struct vcpu *v)
{
    return monitor_of(v)->guest.s.v[ISA_MODE] == ISA_SUPERVISOR;
}

static enum status reflect(struct vcpu *v, const struct vm_event *e)
{
    struct construct_monitor *c = monitor_of(v);
    uint64_t mode = c->guest.s.v[ISA_MODE];

    c->did = CONSTRUCT_REFLECTED;
    construct_trap(&c->guest, e->code);
    if (c->design->mutation == CONSTRUCT_MODE)
        c->guest.s.v[ISA_MODE] = mode;
    construct_allocate(c);
    return STATUS_OK;
}

static bool take_pending(struct vcpu *v, struct vm_event *e)
{
    (void)v, (void)e;
    return false; /* the machine has no interrupts */
}

static bool accepts(const struct vcpu *v, const struct vm_event *e)
{
    (void)v, (void)e;
    return true;
}

static bool can_wake(const struct vcpu *v)
{
    (void)v;
    return false;
}

/* The tracer's questions are not answered: these machines are not traced. */
const struct guest_isa construct_guest = {
    .pc_digits = 4,
    .pc = get_pc,
    .set_pc = set_pc,
    .virtual_supervisor = virtual_supervisor,
    .reflect = reflect,
    .take_pending = take_pending,
    .accepts = accepts,
    .can_wake = can_wake,
};

/* ---- At the beginning ---- */

static void make_vm(struct construct_monitor *c, unsigned id)
{
    c->vm = (struct vm){.id = id,
                        .name = c->design->isa->name,
                        .isa = &c->design->guest,
                        .engine = c->outer ? &construct_engine_virtual
                                           : &construct_engine_real,
                        .handlers = c->design->handlers,
                        .interpreters = c->design->v};
    clock_init(&c->vm.clock);
    c->vm.vcpu.arch = c;
}

enum status construct_boot(const struct construct_design *design,
                           struct construct_machine *host,
                           struct construct_monitor *outer,
                           struct construct_monitor *c)
{
    uint64_t size = sizeof(struct construct_word), at;
    uint64_t k = design->isa->monitor_words;

    *c = (struct construct_monitor){
        .design = design, .host = host, .outer = outer};
    make_vm(c, outer ? outer->vm.id + 1 : 1);
    allocator_init(&c->allocator, (uint8_t *)host->word, host->s.q * size, 1);
    enum status st = allocator_keep(&c->allocator, k * size, size, &at);
    if (st == STATUS_OK)
        st = allocator_give_storage(&c->allocator, &c->vm, 0,
                                    (host->s.q - k) * size, size);
    if (st != STATUS_OK)
        return st;
    allocator_give_time(&c->allocator, &c->vm);
    /* Where a trap of the host lands: CP, of which D comes first. */
    host->new = (struct construct_psw){
        .v = {[ISA_MODE] = ISA_SUPERVISOR, [ISA_BOUND] = host->s.q}};
    return vm_start(&c->vm);
}
