/* From KVM's exit record to ours: the door behind which KVM's numbers stay. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/length.h"
#include "x86vmm/machine/translate.h"
#include "x86vmm/vcpu.h"

#include <string.h>

static const struct {
    const char *name;
    enum exit_reason reason;
} rows[] = {
#define KVM_ROW(number, name, reason, words) \
    [number] = {"KVM_EXIT_" #name, EXIT_##reason},
#define KVM_OTHER(number, name, words) \
    [number] = {"KVM_EXIT_" #name, EXIT_UNKNOWN},
#define KVM_INTERNAL(number, name, words)
#include "x86vmm/engine/kvm_exit.def"
#undef KVM_ROW
#undef KVM_OTHER
#undef KVM_INTERNAL
};

/* The numbers of what we map are the kernel's. */
#define KVM_ROW(number, name, reason, words) \
    _Static_assert(number == KVM_EXIT_##name, "KVM_EXIT_" #name);
#define KVM_OTHER(number, name, words)
#define KVM_INTERNAL(number, name, words)
#include "x86vmm/engine/kvm_exit.def"
#undef KVM_ROW
#undef KVM_OTHER
#undef KVM_INTERNAL

static void decode_at(const struct vcpu *v, int64_t delta,
                      struct x86_decoded *d, uint8_t bytes[X86_INSN_MAX])
{
    const struct x86_state *s = kvm_arch(v);
    size_t n = x86_fetch(s, &v->vm->mem, delta, bytes, X86_INSN_MAX);

    if (n < X86_INSN_MAX)
        memset(bytes + n, 0, X86_INSN_MAX - n);
    x86_decode(bytes, n, x86_code_bits(s), d);
}

/* The exiting instruction starts at `pc`, `len` bytes before where KVM goes
 * on: put the guest back there, as the framework wants it. */
EXIT_PATH static void place(struct vcpu *v, struct vm_exit *x, uint64_t pc,
                            uint64_t len)
{
    kvm_arch(v)->rip = pc;
    x->pc = pc;
    x->insn_len = (uint8_t)len;
}

static bool is_string(const struct x86_decoded *d)
{
    return d->insn && (d->insn->id == X86_OP_INS || d->insn->id == X86_OP_OUTS);
}

/* Is it the OUT or OUTS that made this exit? */
static bool makes_output(const struct vcpu *v, const struct x86_decoded *d)
{
    const struct kvm_run *run = kvm_cpu(v)->run;

    if (!d->insn || d->size != run->io.size)
        return false;
    switch (d->insn->id) {
    case X86_OP_OUT:
        return d->imm == run->io.port;
    case X86_OP_OUT_DX:
    case X86_OP_OUTS:
        return (uint16_t)kvm_arch(v)->gpr[X86_RDX] == run->io.port;
    default:
        return false;
    }
}

static bool is_prefix(uint8_t byte, unsigned bits)
{
    switch (byte) {
    case 0x26:
    case 0x2E:
    case 0x36:
    case 0x3E:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xF0:
    case 0xF2:
    case 0xF3:
        return true;
    default:
        return bits == 64 && (byte & 0xF0) == 0x40; /* REX */
    }
}

/* The bytes before RIP, those of its own page at least; returns how many. */
static size_t fetch_behind(const struct vcpu *v, uint8_t bytes[X86_INSN_MAX])
{
    enum { PAGE = 4096 };
    const struct x86_state *s = kvm_arch(v);
    size_t n = X86_INSN_MAX;

    if (x86_fetch(s, &v->vm->mem, -(int64_t)n, bytes, n) == n)
        return n;
    n = min_u64(n, x86_linear(s, X86_CS, s->rip) % PAGE);
    return x86_fetch(s, &v->vm->mem, -(int64_t)n, bytes, n);
}

/* Bytes before RIP that are the OUT of this exit, as when KVM has stepped over
 * it already; 0: none are.  OUT of an immediate port ends with that, all others
 * with their opcode; the longest reading counts, as prefixes come first. */
static unsigned look_back(const struct vcpu *v, struct x86_decoded *d)
{
    unsigned bits = x86_code_bits(kvm_arch(v)), len = 1;
    uint8_t bytes[X86_INSN_MAX];
    size_t n = fetch_behind(v, bytes);

    len += n > 1 && (bytes[n - 2] & 0xFE) == 0xE6;
    while (len < n && is_prefix(bytes[n - len - 1], bits))
        len++;
    for (; len > 0 && len <= n; len--) {
        x86_decode(bytes + n - len, len, bits, d);
        if (d->len == len && makes_output(v, d))
            return len;
    }
    return 0;
}

static void place_behind(struct vcpu *v, struct vm_exit *x)
{
    struct x86_decoded d;
    unsigned len = look_back(v, &d);

    if (len)
        x->insn = d.insn;
    place(v, x, kvm_arch(v)->rip - len, len);
}

/* An instruction that KVM has completed, beginning at or before `start`. */
static void place_completed(struct vcpu *v, struct vm_exit *x, uint64_t start)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    uint64_t end = kvm_arch(v)->rip;
    uint8_t bytes[X86_INSN_MAX];
    struct x86_decoded d;

    if (cpu->stepping && !cpu->delivered)
        start = cpu->entry_pc;
    if (end - start > 0 && end - start <= X86_INSN_MAX) {
        place(v, x, start, end - start);
        decode_at(v, 0, &d, bytes);
        x->insn = d.insn;
        return;
    }
    place(v, x, end, 0);
    if (x->reason == EXIT_MMIO)
        return;
    decode_at(v, 0, &d, bytes);
    if (is_string(&d) && d.rep && makes_output(v, &d))
        x->insn = d.insn; /* still there, be it only to find rCX zero */
    else
        place_behind(v, x);
}

/* An instruction that KVM will complete at the next entry.  Whether it then
 * goes on behind it, or repeats it, is KVM's to know. */
static void place_unfinished(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    const struct x86_state *s = kvm_arch(v);
    uint8_t bytes[X86_INSN_MAX];
    struct x86_decoded d;

    decode_at(v, 0, &d, bytes);
    x->insn = d.insn;
    place(v, x, s->rip,
          d.insn ? d.len : x86_length(bytes, sizeof(bytes), x86_code_bits(s)));
    if (x->reason == EXIT_SENSITIVE)
        memcpy(x->op.bytes, bytes, sizeof(x->op.bytes));
    cpu->unfinished = true;
    cpu->seen.rip = x->pc + x->insn_len;
}

/* KVM stands before or behind an OUT, as the hardware told of it or KVM's own
 * emulator ran it.  Mostly the bytes say which; where both read alike, and for
 * OUTS, KVM has to complete it first. */
static bool place_output(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    uint8_t bytes[X86_INSN_MAX];
    struct x86_decoded here, behind;

    decode_at(v, 0, &here, bytes);
    bool before = makes_output(v, &here);
    unsigned len = look_back(v, &behind);

    if (cpu->stepping || before == (len != 0) ||
        is_string(before ? &here : &behind))
        return false;
    x->insn = before ? here.insn : behind.insn;
    if (before)
        len = here.len;
    place(v, x, kvm_arch(v)->rip - (before ? 0 : len), len);
    cpu->unfinished = before;
    cpu->seen.rip = x->pc + len;
    return true;
}

EXIT_PATH static struct kvm_site *site_at(const struct vcpu *v, uint64_t rip)
{
    return &kvm_cpu(v)->sites[rip % KVM_SITES];
}

/* Does a lean exit tell enough?  Where exits are counted, by the instruction,
 * it has to be one that is known. */
EXIT_PATH static bool lean_will_do(const struct vcpu *v, struct vm_exit *x)
{
    uint64_t rip = kvm_arch(v)->rip;
    const struct kvm_site *s = site_at(v, rip);

    if (!kvm_cpu(v)->lacks)
        return false;
    if (!trace_on(v->vm->trace))
        return true;
    if (!s->known || s->rip != rip || s->reason != x->reason ||
        s->size != x->io.size || s->write != x->io.write)
        return false;
    x->insn = s->insn;
    return true;
}

/* rip: as KVM had it. */
static void know_site(struct vcpu *v, const struct vm_exit *x, uint64_t rip)
{
    *site_at(v, rip) = (struct kvm_site){.rip = rip,
                                         .reason = (uint8_t)x->reason,
                                         .size = x->io.size,
                                         .write = x->io.write,
                                         .known = true,
                                         .insn = x->insn};
}

/* Nobody asks which instruction it is, and KVM, which has it half done or
 * done, goes past it by itself. */
EXIT_PATH static enum status place_nowhere(struct vcpu *v, struct vm_exit *x)
{
    place(v, x, kvm_arch(v)->rip, 0);
    kvm_cpu(v)->unfinished = true;
    return STATUS_OK;
}

static enum status output_exit(struct vcpu *v, struct vm_exit *x)
{
    uint64_t before = kvm_arch(v)->rip;
    bool again = false;

    if (!place_output(v, x)) {
        enum status st = kvm_settle(v, &again);

        if (st)
            return st;
        place_completed(v, x, before);
    }
    if (x->io.addr == X86_PORT_HYPERCALL && x->io.size == 4 && x->io.count == 1)
        x86_call_exit(v, x);
    return STATUS_OK;
}

EXIT_PATH static enum status io_exit(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_run *run = kvm_cpu(v)->run;

    x->io = (struct exit_io){
        .addr = run->io.port,
        .size = run->io.size,
        .count = run->io.count,
        .write = run->io.direction == KVM_EXIT_IO_OUT,
        .data = (uint8_t *)run + run->io.data_offset,
    };
    x->raw_info[0] = x->io.addr;
    if (x->io.addr != X86_PORT_HYPERCALL && lean_will_do(v, x))
        return place_nowhere(v, x);
    if (x->io.write)
        x->io.value = x->raw_info[1] = exit_io_first(&x->io);
    uint64_t rip = kvm_arch(v)->rip;
    enum status st = kvm_complete_state(v);
    if (!st && x->io.write)
        st = output_exit(v, x);
    else if (!st)
        place_unfinished(v, x);
    if (!st && x->reason == EXIT_IO)
        know_site(v, x, rip);
    return st;
}

EXIT_PATH static enum status mmio_exit(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct kvm_run *run = cpu->run;

    x->io = (struct exit_io){
        .addr = run->mmio.phys_addr,
        .size = (uint8_t)run->mmio.len,
        .count = 1,
        .write = run->mmio.is_write,
        .data = run->mmio.data,
    };
    x->raw_info[0] = x->io.addr;
    if (lean_will_do(v, x))
        return place_nowhere(v, x);
    if (x->io.write)
        x->io.value = x->raw_info[1] = exit_io_first(&x->io);
    uint64_t rip = kvm_arch(v)->rip;
    enum status st = kvm_complete_state(v);
    if (st)
        return st;
    if (x->io.write)
        place_completed(v, x, rip);
    else
        place_unfinished(v, x);
    cpu->unfinished = true; /* a store over a page's end has a second part */
    know_site(v, x, rip);
    return STATUS_OK;
}

/* HLT is one byte, and KVM has stepped over it. */
static void halt_exit(struct vcpu *v, struct vm_exit *x)
{
    place(v, x, kvm_arch(v)->rip - 1, 1);
    x->insn = &x86_insns.rows[X86_OP_HLT];
}

static void msr_exit(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    x->raw_info[0] = cpu->run->msr.index;
    x->raw_info[1] = cpu->run->msr.data;
    place_unfinished(v, x);
    cpu->msr = true;
    x->insn =
        &x86_insns
             .rows[cpu->run->exit_reason == KVM_EXIT_X86_RDMSR ? X86_OP_RDMSR
                                                               : X86_OP_WRMSR];
}

static void step_exit(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    x->raw_info[0] = cpu->run->debug.arch.dr6;
    if (!cpu->stepping) /* a breakpoint: the instruction has not run */
        x->ran = 0;
    if (!cpu->stepping || cpu->delivered)
        return;
    x->pc = cpu->entry_pc;
    x->insn = cpu->entry_insn.insn;
    x->insn_len = cpu->entry_insn.len;
}

/* What KVM says of an exit for which there is nothing to do but tell. */
static void details(const struct kvm_run *run, struct vm_exit *x)
{
    switch (run->exit_reason) {
    case KVM_EXIT_UNKNOWN:
        x->raw_info[0] = run->hw.hardware_exit_reason;
        break;
    case KVM_EXIT_FAIL_ENTRY:
        x->raw_info[0] = run->fail_entry.hardware_entry_failure_reason;
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        x->raw_info[0] = run->internal.suberror;
        x->raw_info[1] = run->internal.ndata ? run->internal.data[0] : 0;
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        x->raw_info[0] = run->system_event.type;
        break;
    case KVM_EXIT_HYPERCALL:
        x->raw_info[0] = run->hypercall.nr;
        break;
    }
}

EXIT_PATH enum status kvm_translate_exit(struct vcpu *v, struct vm_exit *x)
{
    const struct kvm_run *run = kvm_cpu(v)->run;

    x->reason = EXIT_UNKNOWN;
    x->raw = run->exit_reason;
    if (run->exit_reason < ARRAY_LEN(rows) && rows[run->exit_reason].name) {
        x->reason = rows[run->exit_reason].reason;
        x->raw_name = rows[run->exit_reason].name;
    }
    x->ran = 1;
    x->pc = kvm_arch(v)->rip;
    if (run->exit_reason == KVM_EXIT_IO)
        return io_exit(v, x);
    if (run->exit_reason == KVM_EXIT_MMIO)
        return mmio_exit(v, x);
    details(run, x);
    enum status st = kvm_complete_state(v);
    if (st)
        return st;
    switch (run->exit_reason) {
    case KVM_EXIT_HLT:
        halt_exit(v, x);
        break;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        msr_exit(v, x);
        break;
    case KVM_EXIT_DEBUG:
        step_exit(v, x);
        break;
    default:
        kvm_explain(v, x);
    }
    return STATUS_OK;
}

void kvm_decode_entry(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    decode_at(v, 0, &cpu->entry_insn, cpu->entry_bytes);
}

bool kvm_exit_before_entry(struct vcpu *v, struct vm_exit *x)
{
    const struct kvm_cpu *cpu = kvm_cpu(v);
    struct x86_state *s = kvm_arch(v);
    const struct insn_desc *insn = cpu->entry_insn.insn;

    if (insn == &x86_insns.rows[X86_OP_CPUID]) {
        x->reason = EXIT_SENSITIVE;
        memcpy(x->op.bytes, cpu->entry_bytes, sizeof(x->op.bytes));
    } else if (insn == &x86_insns.rows[X86_OP_HLT] && x86_cpl(s) == 0) {
        x->reason = EXIT_HALT; /* a shadow of STI does not outlast it */
        s->interruptible = s->rflags & X86_FLAG_IF;
    } else {
        return false;
    }
    x->raw_name = "decoded before entry";
    x->ran = 1;
    x->insn = insn;
    place(v, x, cpu->entry_pc, cpu->entry_insn.len);
    return true;
}
#else
typedef int kvm_exit_is_not_on_this_host;
#endif
