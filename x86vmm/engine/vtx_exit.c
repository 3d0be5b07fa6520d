/* From the VMCS's exit information to the neutral record, and the completion
 * of what exited. */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/length.h"
#include "x86vmm/machine/translate.h"

#include <string.h>

#define F(name) (m->field[VMCS_##name])

enum { SETTLED = EXIT_REASON_COUNT, PAGE = 4096 };

static const struct {
    uint16_t number;
    uint8_t reason;
    const char *name;
} rows[] = {
#define VMX_ROW(id, neutral)   {VMX_EXIT_##id, EXIT_##neutral, "VMX_EXIT_" #id},
#define VMX_SETTLED(id, words) {VMX_EXIT_##id, SETTLED, "VMX_EXIT_" #id},
#include "x86vmm/engine/vmx_exit.def"
#undef VMX_ROW
#undef VMX_SETTLED
};

static void name_exit(struct vm_exit *x, uint32_t reason)
{
    x->raw = reason;
    x->reason = EXIT_UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].number == (reason & 0xFFFF)) {
            x->reason = (enum exit_reason)rows[i].reason;
            x->raw_name = rows[i].name;
        }
}

/* The exit is at `len` bytes at RIP; *d: if they are of the table. */
static void place(struct vcpu *v, struct vm_exit *x, uint64_t len)
{
    x->pc = vtx_arch(v)->rip;
    x->insn_len = (uint8_t)len;
}

static void decode(const struct vcpu *v, struct vm_exit *x, uint8_t *bytes,
                   struct x86_decoded *d)
{
    const struct x86_state *s = vtx_arch(v);
    size_t n = x86_fetch(s, &v->vm->mem, 0, bytes, X86_INSN_MAX);

    memset(bytes + n, 0, X86_INSN_MAX - n);
    x86_decode(bytes, n, x86_code_bits(s), d);
    x->insn = d->insn;
}

/* ---- Ports ---- */

static void call_exit(struct vcpu *v, struct vm_exit *x)
{
    const struct x86_state *s = vtx_arch(v);

    x->reason = EXIT_HYPERCALL;
    x->event =
        (struct vm_event){.kind = X86_EVENT_EXCEPTION, .code = X86_EXC_UD};
    x->call = (struct exit_call){
        .number = (uint32_t)s->gpr[X86_RAX],
        .args = {s->gpr[X86_RBX], s->gpr[X86_RCX], s->gpr[X86_RDX],
                 s->gpr[X86_RSI]},
    };
    x->raw_info[1] = x->call.number;
}

static void io_exit(struct vcpu *v, struct vm_exit *x, uint64_t qualification)
{
    struct vtx_cpu *c = vtx_cpu(v);
    bool in = qualification & 8, immediate = qualification & 0x40;

    c->size = (uint8_t)((qualification & 7) + 1);
    x->io = (struct exit_io){.addr = qualification >> 16 & 0xFFFF,
                             .size = c->size,
                             .count = 1,
                             .write = !in,
                             .data = c->data};
    memset(c->data, 0xFF, 8);
    x->insn = &x86_insns.rows[in          ? immediate ? X86_OP_IN : X86_OP_IN_DX
                              : immediate ? X86_OP_OUT
                                          : X86_OP_OUT_DX];
    x->raw_info[0] = x->io.addr;
    c->completion = in ? VTX_IN : VTX_ADVANCED;
    if (in)
        return;
    store_le64(c->data, vtx_arch(v)->gpr[X86_RAX] & BITS_MASK(8 * c->size));
    x->io.value = x->raw_info[1] = load_le64(c->data);
    if (x->io.addr == X86_PORT_HYPERCALL && c->size == 4)
        call_exit(v, x);
}

/* Elements of a repeated INS that are asked for at once. */
static uint32_t elements(struct vcpu *v)
{
    enum { DF = 0x400 };
    struct vtx_cpu *c = vtx_cpu(v);
    const struct vmcs *m = &c->vmcs;
    const struct x86_state *s = vtx_arch(v);
    unsigned address = 2u << (F(EXIT_INSTRUCTION_INFO) >> 7 & 7);
    uint64_t rcx = s->gpr[X86_RCX] & BITS_MASK(8 * address),
             in_page = F(GUEST_LINEAR_ADDRESS) % PAGE;

    if (!(s->rflags & DF))
        in_page = PAGE - in_page;
    uint64_t n = min_u64(min_u64(in_page, VTX_STRING) / c->size, rcx);
    return n ? (uint32_t)n : 1;
}

/* The access that devices have been asked for, and not answered. */
void vtx_access_exit(struct vcpu *v, struct vm_exit *x)
{
    struct vtx_cpu *c = vtx_cpu(v);
    const struct vtx_access *a = &c->outside.wanted;
    bool port = a->space == BUS_PORT;

    x->reason = port ? EXIT_IO : EXIT_MMIO;
    c->size = a->size;
    c->count = port && !a->write && c->rep ? elements(v) : 1;
    c->completion =
        port && c->completion == VTX_STRING_PORT ? VTX_STRING_PORT : VTX_MMIO;
    x->io = (struct exit_io){.addr = a->addr,
                             .size = a->size,
                             .count = c->count,
                             .write = a->write,
                             .data = c->data};
    memset(c->data, 0xFF, sizeof(c->data));
    x->raw_info[0] = a->addr;
    if (a->write) {
        store_le64(c->data, a->value & BITS_MASK(8 * a->size));
        x->io.value = x->raw_info[1] = load_le64(c->data);
    }
}

/* Execute it outside, and see what it asks.  False: nothing; it is done. */
static bool ask_outside(struct vcpu *v, struct vm_exit *x, bool string)
{
    const struct x86_state *s = vtx_arch(v);
    struct vtx_cpu *c = vtx_cpu(v);
    uint8_t bytes[X86_INSN_MAX];
    struct x86_decoded d;
    bool shutdown;

    decode(v, x, bytes, &d);
    place(v, x, x86_length(bytes, sizeof(bytes), x86_code_bits(s)));
    c->outside.count = 0;
    c->completion = string ? VTX_STRING_PORT : VTX_MMIO;
    c->rep = string && (c->vmcs.field[VMCS_EXIT_QUALIFICATION] & 0x20);
    if (vtx_execute(v, NULL, &shutdown)) {
        c->completion = VTX_NOTHING;
        return false;
    }
    if (shutdown) {
        x->reason = EXIT_SHUTDOWN;
        return true;
    }
    vtx_access_exit(v, x);
    if (x->io.write && c->rep) { /* it stays, be it only to find rCX zero */
        x->insn_len = 0;
        vtx_arch(v)->rflags |= X86_FLAG_RF;
    }
    c->exit_len = x->insn_len;
    return true;
}

/* ---- Others ---- */

/* What was being delivered when the exit came, again. */
static struct x86_fault event_of(const struct vcpu *v)
{
    const struct vmcs *m = &vtx_cpu(v)->vmcs;
    uint32_t info = (uint32_t)F(IDT_VECTORING_INFO);
    unsigned type = info >> 8 & 7;

    return (struct x86_fault){.vector = (uint8_t)info,
                              .has_error = info & 0x800,
                              .error = (uint32_t)F(IDT_VECTORING_ERROR),
                              .cr2 = vtx_arch(v)->cr2,
                              .software = type == 4 || type == 6,
                              .plain_int = type == 4,
                              .external = type == 0 || type == 2,
                              .trap = type >= 4,
                              .keep_rf = true};
}

/* False: it is done, go on. */
static bool settle(struct vcpu *v, struct vm_exit *x)
{
    struct vtx_cpu *c = vtx_cpu(v);
    bool shutdown;

    c->outside.count = 0;
    if (vtx_execute(v, NULL, &shutdown))
        return false;
    x->reason = EXIT_SHUTDOWN;
    if (!shutdown) /* it also touches a device: which an exit may answer */
        vtx_access_exit(v, x);
    return true;
}

/* Of an event's delivery; the processor's own accesses reach no device. */
static bool deliver_again(struct vcpu *v, struct vm_exit *x)
{
    struct vtx_cpu *c = vtx_cpu(v);
    struct x86_fault event = event_of(v);
    bool shutdown;

    c->cpu.next_rip = vtx_arch(v)->rip;
    if (event.trap)
        c->cpu.next_rip += c->vmcs.field[VMCS_EXIT_INSTRUCTION_LENGTH];
    if (vtx_execute(v, &event, &shutdown))
        return false;
    x->reason = EXIT_SHUTDOWN;
    return true;
}

static void exception_exit(struct vm_exit *x, const struct vmcs *m)
{
    uint32_t info = (uint32_t)F(EXIT_INTERRUPTION_INFO);

    x->event = (struct vm_event){
        .kind = (info >> 8 & 7) == 2 ? X86_EVENT_NMI : X86_EVENT_EXCEPTION,
        .code = info & 0xFF,
        .has_error = info & 0x800,
        .info = {F(EXIT_INTERRUPTION_ERROR), F(EXIT_QUALIFICATION)}};
}

static void sensitive_exit(struct vcpu *v, struct vm_exit *x)
{
    uint8_t bytes[X86_INSN_MAX];
    struct x86_decoded d;

    decode(v, x, bytes, &d);
    memcpy(x->op.bytes, bytes, sizeof(x->op.bytes));
    x->insn = &x86_insns.rows[x->raw == VMX_EXIT_CPUID   ? X86_OP_CPUID
                              : x->raw == VMX_EXIT_RDMSR ? X86_OP_RDMSR
                                                         : X86_OP_WRMSR];
}

/* A plain instruction's exit: its length is told. */
static void instruction_exit(struct vcpu *v, struct vm_exit *x)
{
    struct vtx_cpu *c = vtx_cpu(v);
    const struct vmcs *m = &c->vmcs;

    c->completion = VTX_ADVANCED;
    c->exit_len = F(EXIT_INSTRUCTION_LENGTH);
    place(v, x, c->exit_len);
    switch (x->reason) {
    case EXIT_IO:
        io_exit(v, x, F(EXIT_QUALIFICATION));
        break;
    case EXIT_HALT:
        x->insn = &x86_insns.rows[X86_OP_HLT];
        break;
    case EXIT_HYPERCALL:
        x->insn = &x86_insns.rows[X86_OP_VMCALL];
        call_exit(v, x);
        break;
    default:
        sensitive_exit(v, x);
        break;
    }
}

bool vtx_translate_exit(struct vcpu *v, struct vm_exit *x)
{
    enum { STRING = 0x10 };
    struct vtx_cpu *c = vtx_cpu(v);
    const struct vmcs *m = &c->vmcs;

    name_exit(x, (uint32_t)F(EXIT_REASON));
    x->pc = c->exit_pc = vtx_arch(v)->rip;
    x->raw_info[0] = F(EXIT_QUALIFICATION);
    c->completion = VTX_NOTHING;
    if ((F(IDT_VECTORING_INFO) >> 31) && x->raw != VMX_EXIT_TRIPLE_FAULT)
        return deliver_again(v, x);
    switch ((unsigned)x->reason) {
    case SETTLED:
        return settle(v, x);
    case EXIT_MMIO:
        return ask_outside(v, x, false);
    case EXIT_TRAP:
        exception_exit(x, m);
        return true;
    case EXIT_IO:
        if (F(EXIT_QUALIFICATION) & STRING)
            return ask_outside(v, x, true);
        instruction_exit(v, x);
        return true;
    case EXIT_HALT:
    case EXIT_HYPERCALL:
    case EXIT_SENSITIVE:
        instruction_exit(v, x);
        return true;
    default:
        return true;
    }
}

/* ---- Completion ---- */

/* Has the handler let the instruction happen? */
static bool is_accepted(const struct vcpu *v)
{
    const struct vtx_cpu *c = vtx_cpu(v);
    const struct x86_state *s = vtx_arch(v);

    return !c->inject &&
           s->rip == ((c->exit_pc + c->exit_len) & BITS_MASK(x86_code_bits(s)));
}

static void answer(struct vtx_cpu *c, uint32_t element)
{
    struct vtx_outside *o = &c->outside;

    if (o->count == VTX_ACCESSES)
        return;
    o->done[o->count] = o->wanted;
    o->done[o->count++].value =
        load_le64(c->data + element * c->size) & BITS_MASK(8 * c->size);
}

static void complete_in(struct vcpu *v)
{
    const struct vtx_cpu *c = vtx_cpu(v);
    uint64_t *rax = &vtx_arch(v)->gpr[X86_RAX], mask = BITS_MASK(8 * c->size),
             value = load_le64(c->data) & mask;

    *rax = c->size == 4 ? value : (*rax & ~mask) | value;
}

/* Again from its start, once for each element. */
static void complete_string(struct vcpu *v)
{
    struct vtx_cpu *c = vtx_cpu(v);
    struct x86_state *s = vtx_arch(v);
    bool shutdown, more = true;

    for (uint32_t i = 0; i < c->count && more; i++) {
        uint64_t rcx = s->gpr[X86_RCX];

        s->rip = c->exit_pc;
        c->outside.count = 0;
        answer(c, i);
        more = vtx_execute(v, NULL, &shutdown);
        if (more && c->rep && rcx != s->gpr[X86_RCX])
            s->rip = c->exit_pc;
        more = more && s->rip == c->exit_pc;
        if (more)
            s->rflags |= X86_FLAG_RF; /* between two elements it is set */
    }
}

static void complete_mmio(struct vcpu *v)
{
    struct vtx_cpu *c = vtx_cpu(v);
    bool shutdown;

    vtx_arch(v)->rip = c->exit_pc;
    answer(c, 0);
    vtx_execute(v, NULL, &shutdown);
}

void vtx_complete(struct vcpu *v)
{
    struct vtx_cpu *c = vtx_cpu(v);
    enum vtx_completion how = c->completion;

    c->outside.wants = false;
    c->completion = VTX_NOTHING;
    if (how == VTX_NOTHING || !is_accepted(v))
        return;
    if (how == VTX_IN)
        complete_in(v);
    else if (how == VTX_STRING_PORT)
        complete_string(v);
    else if (how == VTX_MMIO)
        complete_mmio(v);
    if (how == VTX_IN || how == VTX_ADVANCED)
        vtx_advanced(v);
    if (c->outside.wants)
        c->completion = how;
}
