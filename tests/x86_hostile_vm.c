#include "tests/x86_hostile_vm.h"

#include "base/format.h"
#include "monitor/dispatcher.h"
#include "tests/x86_hostile_monitor.h"
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
enum { TRIES = 500 };

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

struct hostile_pair {
    struct hostile_monitor *monitor; /* the bare one's; NULL: no monitor */
    struct x86_bare *bare;
    struct machine *vm;
    bool reads_pointers; /* of PAE paging, at each walk: AMD-V */
    uint64_t at;         /* instructions that it has been run to */
    enum end ends[2];
};

static enum end run_bare(struct x86_bare *m, uint64_t insns)
{
    enum x86_outcome out = x86_run(&m->cpu, insns);

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

static bool same_count(const struct x86_bare *m, const struct machine *h,
                       char *words)
{
    return m->cpu.ran == h->vm.vcpu.insns ||
           differ(words, "instructions", m->cpu.ran, h->vm.vcpu.insns);
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

static bool same(struct x86_bare *m, const struct machine *h,
                 const enum end ends[2], char *words)
{
    uint64_t at = 0;
    char what[32];

    if (ends[0] != ends[1])
        return differ(words, "end", ends[0], ends[1]);
    if (!same_count(m, h, words))
        return false;
    if (memcmp(m->storage, h->storage, BARE_STORAGE)) {
        while (m->storage[at] == h->storage[at])
            at++;
        format(what, sizeof(what), "storage at %llx", (unsigned long long)at);
        return differ(words, what, m->storage[at], h->storage[at]);
    }
    struct x86_state state = m->cpu.state;
    state.rflags = x86_flags_between(&m->cpu);
    return ends[0] == SHUT_DOWN || same_registers(&state, &h->state, words);
}

/* ---- A pair ---- */

static struct hostile_pair *pair_of(const struct engine_ops *engine,
                                    struct x86_bare *m,
                                    struct hostile_monitor *monitor,
                                    uint64_t slice)
{
    struct hostile_pair *p = calloc(1, sizeof(*p));

    p->monitor = monitor;
    p->bare = m;
    p->reads_pointers = engine == &engine_svm;
    p->vm = machine_new(engine, m, monitor ? &monitor->vtx : NULL, slice);
    return p;
}

struct hostile_pair *hostile_pair_of(const struct engine_ops *engine,
                                     struct x86_bare *m, uint64_t slice)
{
    return pair_of(engine, m, NULL, slice);
}

struct hostile_pair *hostile_pair_new(const struct hostile_guest *g)
{
    unsigned without = g->engine == &engine_svm ? HOSTILE_NO_BREAKPOINTS : 0;
    struct hostile_monitor *monitor =
        g->monitor ? hostile_monitor_new(false, g->seed, g->resumes) : NULL;

    return pair_of(g->engine,
                   monitor ? monitor->m
                           : hostile_new(g->seed, g->paging, without),
                   monitor, g->slice);
}

struct hostile_pair *hostile_pair_of_monitor(const struct engine_ops *engine,
                                             struct hostile_monitor *monitor,
                                             uint64_t slice)
{
    return pair_of(engine, monitor->m, monitor, slice);
}

void hostile_pair_free(struct hostile_pair *p)
{
    machine_free(p->vm);
    if (p->monitor)
        hostile_monitor_free(p->monitor);
    else
        x86_bare_free(p->bare);
    free(p);
}

void hostile_pair_interrupt(struct hostile_pair *p)
{
    p->bare->cpu.interrupt_line = true;
    p->vm->platform.raised |= 1 << X86_LINE_TIMER;
}

void hostile_pair_nmi(struct hostile_pair *p)
{
    const struct vm_event nmi = {.kind = X86_EVENT_NMI};

    p->bare->cpu.nmi_pending = true;
    if (event_post(&p->vm->vm.vcpu, &nmi))
        abort();
}

struct x86_bare *hostile_pair_bare(struct hostile_pair *p)
{
    return p->bare;
}

static bool goes_on(const struct hostile_pair *p)
{
    return p->ends[0] == WENT_ON && p->ends[1] == WENT_ON;
}

static void advance(struct hostile_pair *p, uint64_t insns)
{
    struct x86_cpu *cpu = &p->bare->cpu;

    if (!goes_on(p))
        return;
    p->at = insns;
    p->ends[0] = run_bare(p->bare, insns > cpu->ran ? insns - cpu->ran : 0);
    p->ends[1] = run_vm(&p->vm->vm, insns);
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

/* With a guest's own monitor, what second levels have come to, too. */
static void drop(struct hostile_pair *p, const struct hostile_drop *d)
{
    struct vcpu *v = &p->vm->vm.vcpu;
    struct x86_cpu *cpus[] = {&p->bare->cpu, &model_vcpu(v)->cpu};

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
    x86_guest_tlb_flush(&p->monitor->vtx.pages);
    forget_shadow(v);
}

/* What is to be delivered at the next entry is there already. */
static bool is_between(const struct hostile_pair *p)
{
    return goes_on(p) && (p->vm->state.delivering || p->bare->cpu.debug_hits);
}

bool hostile_pair_between(const struct hostile_pair *p)
{
    return is_between(p);
}

static bool alike(struct hostile_pair *p, char *words)
{
    const struct vtx *own = p->monitor ? &p->monitor->vtx : NULL;

    if (is_between(p))
        return same_count(p->bare, p->vm, words);
    return same(p->bare, p->vm, p->ends, words) &&
           (!own ||
            same_vtx(own, &vtx_vcpu(&p->vm->vm.vcpu)->nested.vtx, words));
}

bool hostile_pair_run(struct hostile_pair *p, uint64_t insns,
                      const struct hostile_drop *drops, unsigned count,
                      char words[HOSTILE_WORDS])
{
    const uint64_t last = insns + TRIES;

    for (unsigned i = 0; i < count && drops[i].after < insns; i++) {
        if (drops[i].after < p->at)
            continue;
        advance(p, drops[i].after);
        drop(p, &drops[i]);
    }
    do
        advance(p, insns++);
    while (is_between(p) && insns < last);
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
        x86_guest_tlb_flush(&p->monitor->vtx.pages);
    read_pointers(p->bare, pointers);
    if (p->reads_pointers && pages_by_pointers(&p->bare->cpu.state) &&
        memcmp(pointers, p->bare->cpu.pdpte, sizeof(pointers)))
        return 1;
    return count_stale(p->bare, &p->bare->cpu) +
           count_stale(p->bare, &model_vcpu(&p->vm->vm.vcpu)->cpu);
}

bool hostile_pair_unchecked(struct hostile_pair *p, bool loads)
{
    const struct x86_state *s = &p->vm->state, *b = &p->bare->cpu.state;
    bool other = s->cr0 != b->cr0 || s->cr3 != b->cr3 || s->cr4 != b->cr4 ||
                 s->seg[X86_TR].selector != b->seg[X86_TR].selector;
    uint64_t now[4];

    if (!p->reads_pointers || !pages_by_pointers(s))
        return false;
    read_pointers(p->bare, now);
    return memcmp(now, p->bare->cpu.pdpte, sizeof(now)) ||
           ((loads || other) && !x86_pdptes_hold(&p->bare->mem, s->cr3));
}
