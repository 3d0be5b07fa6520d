/* From what an engine tells of an exit to the neutral record, and the
 * completion of what exited. */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/engine/model_host.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/length.h"
#include "x86vmm/machine/translate.h"
#include "x86vmm/vcpu.h"

#include <string.h>

/* ---- Ports ---- */

static void io_exit(struct vcpu *v, struct vm_exit *x,
                    const struct model_told *t)
{
    struct model_vcpu *c = model_vcpu(v);

    c->size = t->io.size;
    x->io = (struct exit_io){.addr = t->io.port,
                             .size = c->size,
                             .count = 1,
                             .write = !t->io.in,
                             .data = c->data};
    memset(c->data, 0xFF, 8);
    x->raw_info[0] = x->io.addr;
    c->port = t->io.port;
    c->completion = t->io.in ? MODEL_IN : MODEL_ADVANCED;
    if (t->io.in)
        return;
    store_le64(c->data, model_arch(v)->gpr[X86_RAX] & BITS_MASK(8 * c->size));
    x->io.value = x->raw_info[1] = load_le64(c->data);
    if (x->io.addr == X86_PORT_HYPERCALL && c->size == 4)
        x86_call_exit(v, x);
}

/* Elements of a repeated INS that are asked for at once: those that there is
 * room for, and time; one, where each may trap, or is translated twice, or an
 * interrupt may come behind it. */
static uint32_t elements(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    const struct x86_state *s = model_arch(v);
    uint64_t mask = BITS_MASK(8 * c->address_size), n;

    if (c->outside.odd || c->inner || (s->rflags & X86_FLAG_TF) ||
        (c->cpu.dr[7] & X86_DR7_ENABLED) || model_event_waits(v))
        return 1;
    n = x86_string_room(s, &v->vm->mem, mask, c->size);
    n = min_u64(n, MODEL_STRING / c->size);
    n = min_u64(n, s->gpr[X86_RCX] & mask);
    n = min_u64(n, c->end - c->cpu.ran + 1);
    return n ? (uint32_t)n : 1;
}

/* The access that devices have been asked for, and not answered. */
void model_access_exit(struct vcpu *v, struct vm_exit *x)
{
    struct model_vcpu *c = model_vcpu(v);
    const struct model_access *a = &c->outside.wanted;
    bool port = a->space == BUS_PORT;

    x->reason = port ? EXIT_IO : EXIT_MMIO;
    c->size = a->size;
    c->count = port && !a->write && c->rep ? elements(v) : 1;
    c->cpu.ran += c->count - 1; /* each element is a tick */
    c->completion = port && c->completion == MODEL_STRING_PORT
                        ? MODEL_STRING_PORT
                        : MODEL_MMIO;
    x->io = (struct exit_io){.addr = a->addr,
                             .size = a->size,
                             .count = c->count,
                             .write = a->write,
                             .data = c->data};
    memset(c->data, 0xFF, c->count == 1 ? 8 : (size_t)c->count * c->size);
    x->raw_info[0] = a->addr;
    if (a->write) {
        store_le64(c->data, a->value & BITS_MASK(8 * a->size));
        x->io.value = x->raw_info[1] = load_le64(c->data);
    }
}

/* ---- Executed outside ---- */

static const struct insn_desc *string_insn(unsigned op_id)
{
    switch (op_id) {
    case X86_INSN_INSB:
    case X86_INSN_INSW:
    case X86_INSN_INSD:
        return &x86_insns.rows[X86_OP_INS];
    case X86_INSN_OUTSB:
    case X86_INSN_OUTSW:
    case X86_INSN_OUTSD:
        return &x86_insns.rows[X86_OP_OUTS];
    default:
        return NULL;
    }
}

/* Execute it outside, and see what it asks.  False: nothing; it is done. */
static bool ask_outside(struct vcpu *v, struct vm_exit *x,
                        const struct model_told *t)
{
    struct model_vcpu *c = model_vcpu(v);
    bool shutdown;

    c->outside.count = 0;
    c->completion = t->io.string ? MODEL_STRING_PORT : MODEL_MMIO;
    c->rep = t->io.rep;
    c->address_size = t->io.address_size;
    if (model_execute(v, NULL, &shutdown)) {
        c->completion = MODEL_NOTHING;
        return false;
    }
    x->insn = string_insn(c->outside.op_id);
    x->insn_len = c->outside.op_len;
    if (shutdown) {
        x->reason = EXIT_SHUTDOWN;
        c->completion = MODEL_NOTHING;
        return true;
    }
    model_access_exit(v, x);
    if (x->io.write && c->rep) /* it stays for the next element */
        x->insn_len = 0;
    c->exit_len = x->insn_len;
    return true;
}

/* False: it is done, go on. */
static bool settle(struct vcpu *v, struct vm_exit *x,
                   const struct model_told *t)
{
    if (ask_outside(v, x, t))
        return true; /* it also touches a device */
    x->reason = EXIT_SETTLED;
    return !v->stepping; /* where it is one step more */
}

/* Of an event's delivery; the processor's own accesses reach no device.  What
 * waits may come before an instruction of its handler. */
static bool deliver_again(struct vcpu *v, struct vm_exit *x,
                          const struct model_told *t)
{
    struct model_vcpu *c = model_vcpu(v);
    bool shutdown;

    c->cpu.next_rip = model_arch(v)->rip;
    if (t->event.trap)
        c->cpu.next_rip += t->event_len;
    c->outside.again = true;
    if (model_execute(v, &t->event, &shutdown)) {
        x->reason = EXIT_SETTLED;
        return model_event_waits(v) && !v->stepping;
    }
    x->reason = EXIT_SHUTDOWN;
    return true;
}

/* ---- Others ---- */

static void sensitive_exit(struct vcpu *v, struct vm_exit *x)
{
    uint8_t bytes[X86_INSN_MAX];
    size_t n = x86_fetch(model_arch(v), &v->vm->mem, 0, bytes, sizeof(bytes));

    memset(bytes + n, 0, sizeof(bytes) - n);
    memcpy(x->op.bytes, bytes, sizeof(x->op.bytes));
}

/* An instruction that exits by itself: its length is told. */
static void instruction_exit(struct vcpu *v, struct vm_exit *x,
                             const struct model_told *t)
{
    struct model_vcpu *c = model_vcpu(v);

    c->completion = MODEL_ADVANCED;
    c->port = -1;
    c->exit_len = t->len;
    x->insn_len = (uint8_t)t->len;
    x->insn = &x86_insns.rows[t->insn];
    switch (x->reason) {
    case EXIT_IO:
        io_exit(v, x, t);
        break;
    case EXIT_HALT:
        break;
    case EXIT_HYPERCALL:
        x86_call_exit(v, x);
        break;
    default:
        sensitive_exit(v, x);
        break;
    }
}

bool model_translate_exit(struct vcpu *v, struct vm_exit *x)
{
    struct model_vcpu *c = model_vcpu(v);
    struct model_told t = {.reason = EXIT_UNKNOWN};

    model_machine(v)->ops->tell(v, &t);
    x->reason = t.reason >= EXIT_REASON_COUNT ? EXIT_UNKNOWN
                                              : (enum exit_reason)t.reason;
    x->raw = t.raw;
    x->raw_name = t.raw_name;
    x->raw_info[0] = t.info;
    x->pc = c->exit_pc = model_arch(v)->rip;
    c->completion = MODEL_NOTHING;
    if (t.delivering)
        return deliver_again(v, x, &t);
    switch (t.reason) {
    case MODEL_SETTLED:
        return settle(v, x, &t);
    case MODEL_AGAIN:
        x->reason = EXIT_SETTLED;
        return !v->stepping;
    case EXIT_MMIO:
        model_arch(v)->rflags &= ~X86_FLAG_RF; /* VT-x saves it set */
        return model_move(v, x, &t) || ask_outside(v, x, &t);
    case EXIT_TRAP:
        x->event = t.trap;
        return true;
    case EXIT_IO:
        model_arch(v)->rflags &= ~X86_FLAG_RF; /* AMD-V saves it as it was */
        if (t.io.string)
            return ask_outside(v, x, &t);
        instruction_exit(v, x, &t);
        return true;
    case EXIT_HALT: /* TF's trap wakes it, and one that waits */
        if (model_waiting(v) ||
            x86_debug_steps(&model_vcpu(v)->cpu, model_arch(v)->rflags))
            return settle(v, x, &t);
        instruction_exit(v, x, &t);
        return true;
    case EXIT_HYPERCALL:
    case EXIT_SENSITIVE:
        instruction_exit(v, x, &t);
        return true;
    default:
        return true;
    }
}

/* ---- Completion ---- */

/* Has the handler let the instruction happen? */
static bool is_accepted(const struct vcpu *v)
{
    const struct model_vcpu *c = model_vcpu(v);
    const struct x86_state *s = model_arch(v);

    return !c->inject &&
           s->rip == ((c->exit_pc + c->exit_len) & x86_code_mask(s));
}

static void answer(struct model_vcpu *c, uint32_t element)
{
    struct model_outside *o = &c->outside;

    if (o->count == MODEL_ACCESSES)
        return;
    o->done[o->count] = o->wanted;
    o->done[o->count++].value =
        load_le64(c->data + element * c->size) & BITS_MASK(8 * c->size);
}

static void complete_in(struct vcpu *v)
{
    const struct model_vcpu *c = model_vcpu(v);
    uint64_t *rax = &model_arch(v)->gpr[X86_RAX], mask = BITS_MASK(8 * c->size),
             value = load_le64(c->data) & mask;

    *rax = c->size == 4 ? value : (*rax & ~mask) | value;
}

/* Execute it outside.  A shutdown is the next exit. */
static bool go_on(struct vcpu *v, const struct x86_fault *event)
{
    return model_execute(v, event, &model_vcpu(v)->down);
}

/* Again from its start, once for each element.  A guest's guest, which may be
 * left for its monitor, has asked for one. */
static void complete_string(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    struct x86_state *s = model_arch(v);
    bool more = true;

    for (uint32_t i = 0; i < c->count && more; i++) {
        s->rip = c->exit_pc;
        c->outside.count = 0;
        answer(c, i);
        more = go_on(v, NULL) && s->rip == c->exit_pc;
    }
}

static void complete_mmio(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);

    model_arch(v)->rip = c->exit_pc;
    answer(c, 0);
    go_on(v, NULL);
}

/* Breakpoints on the port that it was about. */
static uint32_t port_hits(struct model_vcpu *c)
{
    uint32_t found;

    c->cpu.debug_hits = 0;
    if (c->port >= 0)
        x86_debug_port(&c->cpu, (unsigned)c->port, c->size);
    found = c->cpu.debug_hits;
    c->cpu.debug_hits = 0;
    return found;
}

/* An instruction is complete: what held for it alone ends, and what traps after
 * it does. */
static void advanced(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    struct x86_state *s = model_arch(v);
    struct x86_fault db = {
        .vector = X86_EXC_DB, .trap = true, .debug = model_waiting(v)};

    c->cpu.debug_hits = 0; /* `db` has them */
    model_block(v, MODEL_OPEN);
    s->rflags &= ~X86_FLAG_RF;
    s->interruptible = model_interruptible(v, MODEL_OPEN) && !s->delivering;
    s->nmi_held = model_nmi_held(v, MODEL_OPEN);
    db.debug |=
        port_hits(c) | (x86_debug_steps(&c->cpu, s->rflags) ? X86_DR6_BS : 0);
    if (!db.debug)
        return;
    if (c->trap_waits) {
        c->cpu.debug_hits = db.debug;
        model_block(v, MODEL_OPEN);
        return;
    }
    c->cpu.next_rip = s->rip;
    go_on(v, &db);
}

void model_complete(struct vcpu *v)
{
    struct model_vcpu *c = model_vcpu(v);
    enum model_completion how = c->completion;

    c->outside.wants = v->within = false;
    c->completion = MODEL_NOTHING;
    v->within = c->between || c->down;
    c->between = false;
    if (how == MODEL_NOTHING || !is_accepted(v))
        return;
    if (how == MODEL_IN)
        complete_in(v);
    else if (how == MODEL_STRING_PORT)
        complete_string(v);
    else if (how == MODEL_MMIO)
        complete_mmio(v);
    else if (how == MODEL_MOVE)
        model_complete_move(v);
    if (how == MODEL_IN || how == MODEL_ADVANCED || how == MODEL_MOVE)
        advanced(v);
    if (c->outside.wants)
        c->completion = how;
    v->within = c->outside.wants || c->down;
}
