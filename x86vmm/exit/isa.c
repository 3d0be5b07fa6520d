#include "x86vmm/exit/isa.h"

#include "base/bits.h"
#include "base/format.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/length.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/translate.h"

struct vm_event x86_event_gp(void)
{
    return (struct vm_event){
        .kind = X86_EVENT_EXCEPTION, .code = X86_EXC_GP, .has_error = true};
}

static uint64_t pc(const struct vcpu *v)
{
    return x86_state(v)->rip;
}

/* What has exited is done, and RF held for it alone (Intel SDM vol. 3,
 * "Instruction-Breakpoint Exception Condition"). */
EXIT_PATH static void set_pc(struct vcpu *v, uint64_t to)
{
    x86_state(v)->rip = to & x86_code_mask(x86_state(v));
    x86_state(v)->rflags &= ~X86_FLAG_RF;
}

/* Have what tells of real mode and the CPL fetched. */
static enum status want_mode(const struct vcpu *v)
{
    const struct engine_ops *engine = v->vm->engine;

    return X86_MODE & ~engine->present
               ? engine->load_regs((struct vcpu *)v, X86_MODE)
               : STATUS_OK;
}

static bool virtual_supervisor(const struct vcpu *v)
{
    return !want_mode(v) && x86_cpl(x86_state(v)) == 0;
}

/* A fault is saved with RF, so that a breakpoint at the instruction is not met
 * again (Intel SDM vol. 3, "RFLAGS.RF"); of an injected one the monitor has to
 * see to it.  #DB, #BP and #OF are traps, #DF and #MC aborts. */
static bool is_fault(const struct vm_event *e)
{
    const unsigned others = 1u << X86_EXC_DB | 1u << X86_EXC_BP |
                            1u << X86_EXC_OF | 1u << X86_EXC_DF |
                            1u << X86_EXC_MC;

    return e->kind == X86_EVENT_EXCEPTION && !(others >> (e->code & 31) & 1);
}

/* The processor itself goes through the IDT.  Real mode pushes no error codes
 * (Intel SDM vol. 3, "Real-Address Mode"). */
static enum status reflect(struct vcpu *v, const struct vm_event *e)
{
    const struct engine_ops *engine = v->vm->engine;
    struct vm_event event = *e;

    if (event.kind == X86_EVENT_WAKE) /* that is all */
        return STATUS_OK;
    if (!engine->inject)
        return diag_set(&v->vm->diag, STATUS_UNSUPPORTED,
                        "engine %s delivers no events", engine->name);
    TRY(want_mode(v));
    if (x86_real_mode(x86_state(v)))
        event.has_error = false;
    if (event.kind == X86_EVENT_EXCEPTION && event.code == X86_EXC_PF)
        x86_state(v)->cr2 = event.info[1];
    if (is_fault(&event))
        x86_state(v)->rflags |= X86_FLAG_RF;
    return engine->inject(v, &event);
}

/* A timer of the guest's own monitor ends the wait of its guest. */
static bool rings(const struct vcpu *v)
{
    uint64_t alarm = x86_state(v)->alarm;

    return v->waiting && alarm && v->vm->clock.now >= alarm;
}

static uint64_t timer_due(const struct vcpu *v)
{
    uint64_t alarm = x86_state(v)->alarm;

    return alarm ? alarm : CLOCK_NEVER;
}

COLD static bool take_interrupt(struct vcpu *v, struct vm_event *e)
{
    bool rung = rings(v);
    int vector;

    if (!rung && !x86_platform_waits(x86_platform(v)))
        return false;
    if (rung || (v->waiting && x86_state(v)->wakes)) {
        *e = (struct vm_event){.kind = X86_EVENT_WAKE};
        return true;
    }
    if (!x86_state(v)->interruptible)
        return false;
    vector = x86_platform_acknowledge(x86_platform(v));
    *e = (struct vm_event){.kind = X86_EVENT_INTERRUPT,
                           .code = (uint32_t)vector};
    return vector >= 0;
}

/* The interrupt controller's, acknowledged; without one the lowest line that is
 * raised, which stays.  One that the guest's own monitor gets is not taken: its
 * guest wakes up. */
EXIT_PATH static bool take_pending(struct vcpu *v, struct vm_event *e)
{
    return (x86_state(v)->interruptible || v->waiting) && take_interrupt(v, e);
}

static bool accepts(const struct vcpu *v, const struct vm_event *e)
{
    const struct x86_state *s = x86_state(v);

    if (e->kind == X86_EVENT_INTERRUPT)
        return s->interruptible;
    return !s->delivering && !(e->kind == X86_EVENT_NMI && s->nmi_held);
}

/* There is no source of NMIs, so HLT with IF off is for good. */
static bool can_wake(const struct vcpu *v)
{
    const struct x86_state *s = x86_state(v);

    return s->wakes || s->alarm || (s->rflags & X86_FLAG_IF);
}

/* A pc is relative to CS, all other addresses are linear.  Protection is the
 * processor's to check. */
static enum status translate(struct vcpu *v, uint64_t gva, enum access access,
                             uint64_t *gpa)
{
    if (access == ACCESS_FETCH)
        gva = x86_linear(x86_state(v), X86_CS, gva);
    return x86_translate(x86_state(v), &v->vm->mem, gva, gpa)
               ? STATUS_OK
               : STATUS_BAD_INPUT;
}

/* The instructions of the table read the same in all modes but for widths;
 * these are written as in 64-bit code. */
static size_t disasm(const uint8_t *bytes, size_t n, uint64_t at, char *out,
                     size_t cap)
{
    (void)at;
    return x86_disasm(bytes, n, 64, out, cap);
}

/* Those that are not of the table run on the processor, and are shown as
 * assemblers write them; where there is no decoder, their bytes must do. */
static size_t disasm_in(const struct vcpu *v, const uint8_t *bytes, size_t n,
                        uint64_t at, char *out, size_t cap)
{
    unsigned bits = x86_code_bits(x86_state(v));
    size_t len = x86_disasm(bytes, n, bits, out, cap), end = 0;

    if (len)
        return len;
    len = x86_length(bytes, n, bits);
    x86_op_text(bytes, n, bits, at, out, cap);
    if (out[0])
        return len;
    for (size_t i = 0; i < (len ? len : n); i++)
        end += format(out + end, cap - end, "%02x", bytes[i]);
    return len;
}

/* Leaves of which CPUID gives what ECX names (Intel SDM vol. 2, CPUID). */
static bool has_subleaves(uint32_t leaf)
{
    return leaf == 4 || leaf == 7 || (leaf >= 0xB && leaf < 0x40000000);
}

static uint64_t edx_eax(const uint64_t *gpr)
{
    return (uint32_t)gpr[X86_RAX] | gpr[X86_RDX] << 32;
}

/* The field's encoding is in the register that ModRM.reg names (Intel SDM vol.
 * 3, VMREAD and VMWRITE). */
static void show_field(const struct vm_exit *x, const uint64_t *gpr, char *out,
                       size_t cap)
{
    const uint8_t *b = x->op.bytes;
    unsigned rex = (b[0] & 0xF0) == 0x40 ? *b++ : 0;

    if (b[0] == 0x0F)
        format(out, cap, " %llx",
               (unsigned long long)gpr[(b[2] >> 3 & 7) | (rex & 4) << 1]);
}

/* "CPUID 7.0", "RDMSR 1b -> fee00900", "WRMSR 1b <- fee00900", "VMCALL call 3"
 */
static void show_exit(const struct vcpu *v, const struct vm_exit *x, bool done,
                      char *out, size_t cap)
{
    const uint64_t *r = x86_state(v)->gpr;
    unsigned long long value = edx_eax(r);
    uint32_t leaf = (uint32_t)r[X86_RAX], c = (uint32_t)r[X86_RCX];
    unsigned op = x->insn ? x->insn->id : X86_OP_COUNT;

    if (done && op == X86_OP_RDMSR)
        format(out, cap, " -> %llx", value);
    if (done)
        return;
    if (x->reason == EXIT_TRAP && x->event.kind == X86_EVENT_VM_EXIT)
        format(out, cap, " %s", x->raw_name ? x->raw_name : "");
    else if (x->reason == EXIT_HYPERCALL)
        format(out, cap, " call %x", x->call.number);
    else if (op == X86_OP_CPUID)
        format(out, cap, has_subleaves(leaf) ? " %x.%x" : " %x", leaf, c);
    else if (op == X86_OP_RDMSR)
        format(out, cap, " %x", c);
    else if (op == X86_OP_WRMSR)
        format(out, cap, " %x <- %llx", c, value);
    else if (op == X86_OP_VMREAD || op == X86_OP_VMWRITE)
        show_field(x, r, out, cap);
}

static void show_state(const struct vcpu *v, char *out, size_t cap)
{
    x86_state_words(x86_state(v), out, cap);
}

static void show_event(const struct vm_event *e, char *out, size_t cap)
{
    x86_event_words((enum x86_event_kind)e->kind, e->code, e->has_error,
                    e->info[0], out, cap);
}

const struct guest_isa x86_isa = {
    .name = "x86",
    .insns = &x86_insns,
    .regs = &x86_regs,
    .pc_digits = 8,
    .privileged_event = {.kind = X86_EVENT_EXCEPTION,
                         .code = X86_EXC_GP,
                         .has_error = true},
    .pc = pc,
    .set_pc = set_pc,
    .virtual_supervisor = virtual_supervisor,
    .reflect = reflect,
    .take_pending = take_pending,
    .accepts = accepts,
    .can_wake = can_wake,
    .timer_due = timer_due,
    .translate = translate,
    .disasm = disasm,
    .disasm_in = disasm_in,
    .show_exit = show_exit,
    .show_state = show_state,
    .show_event = show_event,
};
