#include "tests/x86_hostile_vm.h"

#include "base/format.h"
#include "monitor/dispatcher.h"
#include "tests/x86_hostile.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/exit/isa.h"

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
    if (mem_add(&h->vm.mem, &(struct mem_slot){0, BARE_STORAGE, h->storage, 0}))
        abort();
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
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;

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
    while (at < BARE_STORAGE && m->storage[at] == h->storage[at])
        at++;
    if (at < BARE_STORAGE) {
        format(what, sizeof(what), "storage at %llx", (unsigned long long)at);
        return differ(words, what, m->storage[at], h->storage[at]);
    }
    struct x86_state state = m->cpu.state;
    state.rflags = x86_flags_between(&m->cpu);
    return ends[0] == SHUT_DOWN || same_registers(&state, &h->state, words);
}

bool hostile_vm_beside(const struct engine_ops *engine, struct x86_bare *m,
                       const struct vtx *own, uint64_t insns, uint64_t slice,
                       char words[HOSTILE_WORDS])
{
    struct machine *h = machine_new(engine, m, own, slice);
    const uint64_t last = insns + TRIES;
    enum end ends[2];
    bool between, alike;

    do { /* what is to be delivered at the next entry is there already */
        ends[0] = run_bare(m, insns - m->cpu.ran);
        ends[1] = run_vm(&h->vm, insns++);
        between = (h->state.delivering || m->cpu.debug_hits) &&
                  ends[0] == WENT_ON && ends[1] == WENT_ON;
    } while (between && insns < last);
    alike = between
                ? same_count(m, h, words)
                : same(m, h, ends, words) &&
                      (!own || same_vtx(own, &vtx_vcpu(&h->vm.vcpu)->nested.vtx,
                                        words));
    machine_free(h);
    return alike;
}

bool hostile_vm_alike(const struct engine_ops *engine, uint64_t seed,
                      uint64_t insns, uint64_t slice, char words[HOSTILE_WORDS])
{
    struct x86_bare *m =
        hostile_without(seed, engine == &engine_svm ? HOSTILE_BREAKPOINTS : 0);
    bool alike = hostile_vm_beside(engine, m, NULL, insns, slice, words);

    x86_bare_free(m);
    return alike;
}
