#include "tests/x86_hostile_vm.h"

#include "base/format.h"
#include "monitor/dispatcher.h"
#include "tests/x86_hostile_arrival.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/paging.h"

#include <stdlib.h>
#include <string.h>

/* So many more instructions until none has an exception pending.  A guest whose
 * handler of #DB meets a breakpoint at its first instruction never comes there.
 */
enum { TRIES = 500, STUCK = 3 };

/* A machine with storage and nothing else. */
struct machine {
    struct vm vm;
    struct x86_state state;
    struct x86_platform platform;
    uint8_t *storage; /* its own allocation: the sanitizer guards its ends */
};

/* As that VT-x is before anything has run on it. */
static void give_vtx(struct vm *vm, const struct vtx *from)
{
    struct vtx *to = &vtx_vcpu(&vm->vcpu)->nested.vtx;

    to->on = from->on;
    to->vmxon = from->vmxon;
    to->current = from->current;
    to->own = from->own;
}

static struct machine *machine_new(const struct engine_ops *engine,
                                   const struct x86_bare *m,
                                   const struct vtx *own, uint64_t slice)
{
    struct machine *h = calloc(1, sizeof(*h));

    h->storage = malloc(BARE_STORAGE);
    memcpy(h->storage, m->storage, BARE_STORAGE);
    h->state = m->cpu.state;
    h->state.interruptible = false;
    h->platform.hides_monitor = true;
    h->platform.own.wanted = own != NULL;
    h->vm = (struct vm){.id = 1,
                        .name = "hostile",
                        .isa = &x86_isa,
                        .engine = engine,
                        .handlers = x86_handlers,
                        .interpreters = x86_interpreters,
                        .arch = &h->platform,
                        .slice = slice,
                        .vcpu.arch = &h->state};
    clock_init(&h->vm.clock);
    for (unsigned i = 0; i < m->mem.count; i++) {
        struct mem_slot slot = m->mem.slots[i];

        slot.host = h->storage + slot.gpa;
        if (mem_add(&h->vm.mem, &slot))
            abort();
    }
    if (vm_start(&h->vm))
        abort();
    memcpy(model_vcpu(&h->vm.vcpu)->cpu.dr, m->cpu.dr, sizeof(m->cpu.dr));
    if (own)
        give_vtx(&h->vm, own);
    return h;
}

static void machine_free(struct machine *h)
{
    vm_end(&h->vm);
    free(h->storage);
    free(h);
}

/* How it ended. */
enum end { WENT_ON, HALTED, SHUT_DOWN };

/* The other one is a virtual machine, or a bare processor that is stepped. */
struct hostile_pair {
    struct hostile_monitor *monitor; /* the bare one's; NULL: no monitor */
    struct x86_bare *bare;
    struct machine *vm; /* or NULL: */
    struct hostile_monitor *stepped_monitor;
    struct x86_bare *stepped;
    struct hostile_controller controllers[2];
    struct hostile_arrival arrivals[HOSTILE_ARRIVALS];
    unsigned arrival_count, arrived;
    bool reads_pointers; /* of PAE paging, at each walk: AMD-V */
    uint64_t at;         /* instructions that it has been run to */
    bool stuck;          /* in #DBs that follow each other, in the last run */
    enum end ends[2];
};

static enum x86_outcome run_once(struct x86_cpu *cpu, uint64_t insns,
                                 bool stepped)
{
    enum x86_outcome out = X86_NEXT;

    if (!stepped)
        return x86_run(cpu, insns > cpu->ran ? insns - cpu->ran : 0);
    while (out == X86_NEXT && cpu->ran < insns)
        out = x86_step(cpu);
    return out;
}

/* What already waits ends a HLT at once. */
static enum end run_bare(struct x86_cpu *cpu, uint64_t insns, bool stepped)
{
    enum x86_outcome out;
    uint64_t ran;

    do {
        ran = cpu->ran;
        out = run_once(cpu, insns, stepped);
    } while (out == X86_HALT && cpu->ran != ran && cpu->ran < insns);
    return out == X86_HALT ? HALTED : out == X86_SHUTDOWN ? SHUT_DOWN : WENT_ON;
}

/* A turn that does not get on is a monitor that hangs: the test's time ends
 * it. */
static enum end run_vm(struct vm *vm, uint64_t insns)
{
    volatile bool interrupted = false;

    if (!insns) /* no limit, to the dispatcher */
        return WENT_ON;
    vm->stop_after = insns;
    vmm_run(&vm, 1, &interrupted);
    return vm->vcpu.waiting         ? HALTED
           : vm->state == VM_FAILED ? SHUT_DOWN
                                    : WENT_ON;
}

/* ---- Comparing ---- */

static bool differ(char *words, const char *what, uint64_t bare, uint64_t vm)
{
    format(words, HOSTILE_WORDS, "%s: %llx on the bare processor, here %llx",
           what, (unsigned long long)bare, (unsigned long long)vm);
    return false;
}

static uint64_t value_of(const struct reg_desc *r, const struct x86_state *s)
{
    const uint8_t *at = (const uint8_t *)s + r->offset;
    uint64_t v64 = 0;
    uint32_t v32 = 0;
    uint16_t v16 = 0;

    memcpy(&v64, at, r->bits == 64 ? 8 : 0);
    memcpy(&v32, at, r->bits == 32 ? 4 : 0);
    memcpy(&v16, at, r->bits == 16 ? 2 : 0);
    return r->bits == 64 ? v64 : r->bits == 32 ? v32 : v16;
}

static bool same_registers(const struct x86_state *a, const struct x86_state *b,
                           char *words)
{
    for (unsigned i = 0; i < x86_regs.count; i++) {
        const struct reg_desc *r = &x86_regs.rows[i];
        uint64_t x = value_of(r, a), y = value_of(r, b);

        if (x != y)
            return differ(words, r->name, x, y);
    }
    return true;
}

static struct x86_cpu *other_cpu(const struct hostile_pair *p)
{
    return p->vm ? &model_vcpu(&p->vm->vm.vcpu)->cpu : &p->stepped->cpu;
}

static bool same_count(const struct hostile_pair *p, char *words)
{
    uint64_t ran = p->bare->cpu.ran,
             insns = p->vm ? p->vm->vm.vcpu.insns : p->stepped->cpu.ran;

    return ran == insns || differ(words, "instructions", ran, insns);
}

/* What VMX instructions see of it. */
static bool same_vtx(const struct vtx *a, const struct vtx *b, char *words)
{
    if (a->on != b->on || a->in_guest != b->in_guest)
        return differ(words, "VMX operation", a->on + a->in_guest,
                      b->on + b->in_guest);
    if (a->current != b->current || a->vmxon != b->vmxon)
        return differ(words, "the current VMCS", a->current, b->current);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        if (a->own.field[i] != b->own.field[i])
            return differ(words, vmcs_fields[i].name, a->own.field[i],
                          b->own.field[i]);
    return true;
}

static struct x86_state state_of(struct x86_bare *m)
{
    struct x86_state state = m->cpu.state;

    state.rflags = x86_flags_between(&m->cpu);
    return state;
}

static bool same(struct hostile_pair *p, char *words)
{
    const uint8_t *a = p->bare->storage,
                  *b = p->vm ? p->vm->storage : p->stepped->storage;
    uint64_t at = 0;
    char what[32];

    if (p->ends[0] != p->ends[1])
        return differ(words, "end", p->ends[0], p->ends[1]);
    if (!same_count(p, words))
        return false;
    if (memcmp(a, b, BARE_STORAGE)) {
        while (a[at] == b[at])
            at++;
        format(what, sizeof(what), "storage at %llx", (unsigned long long)at);
        return differ(words, what, a[at], b[at]);
    }
    struct x86_state x = state_of(p->bare),
                     y = p->vm ? p->vm->state : state_of(p->stepped);
    return p->ends[0] == SHUT_DOWN || same_registers(&x, &y, words);
}

/* ---- A pair ---- */

static struct hostile_pair *pair_of(struct x86_bare *m,
                                    struct hostile_monitor *monitor)
{
    struct hostile_pair *p = calloc(1, sizeof(*p));

    if (!p)
        abort();
    p->monitor = monitor;
    p->bare = m;
    hostile_controller_attach(&p->controllers[0], &m->cpu);
    return p;
}

static struct hostile_pair *with_vm(struct hostile_pair *p,
                                    const struct engine_ops *engine,
                                    uint64_t slice)
{
    p->reads_pointers = engine == &engine_svm;
    p->vm = machine_new(engine, p->bare, p->monitor ? &p->monitor->vtx : NULL,
                        slice);
    p->vm->platform.waits = hostile_controller_waits;
    p->vm->platform.acknowledge = hostile_controller_acknowledge;
    p->vm->platform.controller = &p->controllers[1];
    return p;
}

struct hostile_pair *hostile_pair_of(const struct engine_ops *engine,
                                     struct x86_bare *m, uint64_t slice)
{
    return with_vm(pair_of(m, NULL), engine, slice);
}

struct hostile_pair *hostile_pair_of_monitor(const struct engine_ops *engine,
                                             struct hostile_monitor *monitor,
                                             uint64_t slice)
{
    return with_vm(pair_of(monitor->m, monitor), engine, slice);
}

/* Of a monitor the second, too. */
static struct x86_bare *make(const struct hostile_guest *g,
                             struct hostile_monitor **monitor)
{
    unsigned without = g->engine == &engine_svm ? HOSTILE_NO_BREAKPOINTS : 0;
    struct x86_bare *m;

    *monitor =
        g->monitor ? hostile_monitor_new(g->svm, g->seed, g->resumes) : NULL;
    m = *monitor ? (*monitor)->m : hostile_new(g->seed, g->paging, without);
    if (g->disturbed && *monitor)
        hostile_disturb_monitor(*monitor, g->svm, g->seed);
    else if (g->disturbed)
        hostile_disturb(m, g->seed);
    return m;
}

struct hostile_pair *hostile_pair_new(const struct hostile_guest *g)
{
    struct hostile_monitor *monitor;
    struct x86_bare *m = make(g, &monitor);
    struct hostile_pair *p = pair_of(m, monitor);

    if (g->disturbed)
        p->arrival_count = hostile_arrivals(g->seed, p->arrivals);
    if (g->engine)
        return with_vm(p, g->engine, g->slice);
    p->stepped = make(g, &p->stepped_monitor);
    hostile_controller_attach(&p->controllers[1], &p->stepped->cpu);
    return p;
}

static void bare_free(struct x86_bare *m, struct hostile_monitor *monitor)
{
    if (monitor)
        hostile_monitor_free(monitor);
    else
        x86_bare_free(m);
}

void hostile_pair_free(struct hostile_pair *p)
{
    if (p->vm)
        machine_free(p->vm);
    else
        bare_free(p->stepped, p->stepped_monitor);
    bare_free(p->bare, p->monitor);
    free(p);
}

/* ---- Interrupts and NMIs ---- */

/* It goes on, if that ends its HLT; a virtual machine that waits for nothing
 * has been stopped. */
static void look_again(struct hostile_pair *p)
{
    for (unsigned i = 0; i < 2; i++)
        if (p->ends[i] == HALTED)
            p->ends[i] = WENT_ON;
    if (p->vm && p->vm->vm.vcpu.waiting && p->vm->vm.state == VM_STOPPED)
        p->vm->vm.state = VM_READY;
}

void hostile_pair_interrupt(struct hostile_pair *p, int vector)
{
    for (unsigned i = 0; i < 2; i++)
        hostile_controller_raise(&p->controllers[i], vector);
    look_again(p);
}

/* The processor remembers one (Intel SDM vol. 3, "Handling Multiple NMIs");
 * nothing else is posted here. */
void hostile_pair_nmi(struct hostile_pair *p)
{
    const struct vm_event nmi = {.kind = X86_EVENT_NMI};

    p->bare->cpu.nmi_pending = true;
    if (!p->vm)
        p->stepped->cpu.nmi_pending = true;
    else if (!p->vm->vm.vcpu.pending.count && event_post(&p->vm->vm.vcpu, &nmi))
        abort();
    look_again(p);
}

void hostile_pair_plan(struct hostile_pair *p, uint64_t at, int vector)
{
    p->arrivals[p->arrival_count++] = (struct hostile_arrival){at, vector};
}

bool hostile_pair_arrives(struct hostile_pair *p, uint64_t insns, bool halted)
{
    bool any = false;

    while (p->arrived < p->arrival_count &&
           (p->arrivals[p->arrived].at <= insns || (halted && !any))) {
        int vector = p->arrivals[p->arrived++].vector;

        any = true;
        if (vector == HOSTILE_NMI)
            hostile_pair_nmi(p);
        else
            hostile_pair_interrupt(p, vector);
    }
    return any;
}

struct x86_bare *hostile_pair_bare(struct hostile_pair *p)
{
    return p->bare;
}

static bool both(const struct hostile_pair *p, enum end end)
{
    return p->ends[0] == end && p->ends[1] == end;
}

static void go_to(struct hostile_pair *p, uint64_t insns)
{
    if (!both(p, WENT_ON) && !(both(p, HALTED) && p->bare->cpu.ran < insns))
        return;
    p->at = insns;
    p->ends[0] = run_bare(&p->bare->cpu, insns, false);
    p->ends[1] = p->vm ? run_vm(&p->vm->vm, insns)
                       : run_bare(&p->stepped->cpu, insns, true);
    if (p->vm && p->vm->state.delivering && p->ends[0] == SHUT_DOWN)
        p->ends[1] = run_vm(&p->vm->vm, insns + 1);
}

/* What comes at `insns` has not come then. */
static void advance(struct hostile_pair *p, uint64_t insns)
{
    uint64_t next;

    for (;;) {
        next = p->arrived < p->arrival_count ? p->arrivals[p->arrived].at
                                             : UINT64_MAX;
        go_to(p, next < insns ? next : insns);
        if (both(p, HALTED) && p->bare->cpu.ran < insns) {
            if (!hostile_pair_arrives(p, p->bare->cpu.ran, true))
                return;
            continue;
        }
        if (next >= insns || !both(p, WENT_ON))
            return;
        hostile_pair_arrives(p, next, false);
    }
}

static bool pages_by_pointers(const struct x86_state *s)
{
    return (s->cr0 & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE) &&
           !(s->efer & X86_EFER_LMA);
}

/* Those that would be loaded now; what is wrong with them the walks find. */
static void read_pointers(struct x86_bare *m, uint64_t pointers[4])
{
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *at = mem_at(
            &m->mem, (m->cpu.state.cr3 & 0xFFFFFFE0) + UINT64_C(8) * i, 8);

        pointers[i] = at ? load_le64(at) : UINT64_MAX;
    }
}

/* Also the one that its guest is using, which no INVEPT can drop. */
static void forget_shadow(struct vcpu *v)
{
    struct nested *n = &vtx_vcpu(v)->nested;

    n->vtx.forgets = true;
    n->vtx.forgotten = VTX_NONE;
    nested_forget(v);
    if (model_vcpu(v)->inner && vmcs_has(&n->vtx.own, VMX_SECONDARY_EPT))
        n->vmcs.field[VMCS_EPT_POINTER] = nested_ept_pointer(v);
}

static void forget_pages(struct hostile_monitor *h)
{
    x86_guest_tlb_flush(&h->vtx.pages);
    x86_guest_tlb_flush(&h->svm.pages);
}

/* With a guest's own monitor, what second levels have come to, too. */
static void drop(struct hostile_pair *p, const struct hostile_drop *d)
{
    struct x86_cpu *cpus[] = {&p->bare->cpu, other_cpu(p)};

    for (unsigned i = 0; i < 2; i++)
        if (d->what == HOSTILE_DROP_PAGE)
            x86_tlb_invalidate(cpus[i], d->linear);
        else
            x86_tlb_flush(cpus[i], true);
    if (d->what != HOSTILE_DROP_PAGE && p->reads_pointers &&
        pages_by_pointers(&cpus[0]->state))
        read_pointers(p->bare, cpus[0]->pdpte);
    if (d->what != HOSTILE_DROP_ALL || !p->monitor)
        return;
    forget_pages(p->monitor);
    if (p->vm)
        forget_shadow(&p->vm->vm.vcpu);
    else
        forget_pages(p->stepped_monitor);
}

/* What is to be delivered at the next entry is there already. */
static bool is_between(const struct hostile_pair *p)
{
    return both(p, WENT_ON) && p->vm &&
           (p->vm->state.delivering || p->bare->cpu.debug_hits);
}

bool hostile_pair_between(const struct hostile_pair *p)
{
    return is_between(p) || p->stuck;
}

static bool alike(struct hostile_pair *p, char *words)
{
    const struct vtx *own = p->monitor ? &p->monitor->vtx : NULL,
                     *other = !own    ? NULL
                              : p->vm ? &vtx_vcpu(&p->vm->vm.vcpu)->nested.vtx
                                      : &p->stepped_monitor->vtx;

    if (is_between(p))
        return same_count(p, words);
    return same(p, words) && (!own || same_vtx(own, other, words));
}

bool hostile_pair_run(struct hostile_pair *p, uint64_t insns,
                      const struct hostile_drop *drops, unsigned count,
                      char words[HOSTILE_WORDS])
{
    const uint64_t last = insns + TRIES;
    unsigned hits = 0;

    for (unsigned i = 0; i < count && drops[i].after < insns; i++) {
        if (drops[i].after < p->at)
            continue;
        advance(p, drops[i].after);
        drop(p, &drops[i]);
    }
    do {
        advance(p, insns++);
        hits += p->bare->cpu.debug_hits != 0;
    } while (is_between(p) && insns < last);
    p->stuck = hits >= STUCK;
    return alike(p, words);
}

/* ---- What is kept of the tables ---- */

/* Does the walk come to what is kept, and leave the tables as they are? */
static bool is_stale(struct x86_bare *m, const struct x86_tlb_entry *t,
                     enum x86_access access, uint8_t *before)
{
    uint64_t tag = t->tag[x86_tlb_way(access)];
    uint64_t linear = tag & ~(uint64_t)(X86_PAGE - 1);
    struct x86_page page;

    if (tag == X86_TLB_NONE)
        return false;
    memcpy(before, m->storage, BARE_STORAGE);
    return x86_page_walk(&m->cpu, linear, access, tag & X86_TLB_USER, &page) ||
           page.gpa != x86_tlb_gpa(t) ||
           memcmp(before, m->storage, BARE_STORAGE);
}

static unsigned count_stale(struct x86_bare *m, const struct x86_cpu *keeps)
{
    uint8_t *before = malloc(BARE_STORAGE);
    unsigned count = 0;

    for (unsigned i = 0; i < X86_TLB_SIZE; i++) {
        count += is_stale(m, &keeps->tlb[i], X86_READ, before);
        count += is_stale(m, &keeps->tlb[i], X86_WRITE, before);
    }
    for (unsigned i = 0; i < X86_ITLB_SIZE; i++)
        count += is_stale(m, &keeps->itlb[i], X86_FETCH, before);
    free(before);
    return count;
}

unsigned hostile_pair_stale(struct hostile_pair *p)
{
    uint64_t pointers[4];

    if (p->monitor)
        forget_pages(p->monitor);
    read_pointers(p->bare, pointers);
    if (p->reads_pointers && pages_by_pointers(&p->bare->cpu.state) &&
        memcmp(pointers, p->bare->cpu.pdpte, sizeof(pointers)))
        return 1;
    return count_stale(p->bare, &p->bare->cpu) +
           count_stale(p->bare, other_cpu(p));
}

bool hostile_pair_shadowed(const struct hostile_pair *p)
{
    return p->reads_pointers && !p->bare->cpu.shadow &&
           model_vcpu(&p->vm->vm.vcpu)->blocked != MODEL_OPEN;
}

bool hostile_pair_unchecked(struct hostile_pair *p, bool loads)
{
    const struct x86_state *s, *b = &p->bare->cpu.state;
    bool other;
    uint64_t now[4];

    if (!p->reads_pointers)
        return false;
    s = &p->vm->state;
    other = s->cr0 != b->cr0 || s->cr3 != b->cr3 || s->cr4 != b->cr4 ||
            s->seg[X86_TR].selector != b->seg[X86_TR].selector;
    if (!pages_by_pointers(s))
        return false;
    read_pointers(p->bare, now);
    return memcmp(now, p->bare->cpu.pdpte, sizeof(now)) ||
           ((loads || other) && !x86_pdptes_hold(&p->bare->mem, s->cr3));
}
