/* From the exit information of a VMCS to the neutral record. */
#include "x86vmm/bare/engine_vmx.h"

#include "x86vmm/bare/console.h"
#include "x86vmm/bare/hardware.h"
#include "x86vmm/bare/vmx.h"
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/vtx/exit.h"

enum { SETTLED = EXIT_REASON_COUNT };

/* By number; a reason without a row has no name, and is unknown. */
static const struct {
    uint8_t reason;
    const char *name;
} rows[] = {
#define VMX_ROW(id, neutral) \
    [VMX_EXIT_##id] = {EXIT_##neutral, "VMX_EXIT_" #id},
#define VMX_SETTLED(id, words) [VMX_EXIT_##id] = {SETTLED, "VMX_EXIT_" #id},
#include "x86vmm/engine/vmx_exit.def"
#undef VMX_ROW
#undef VMX_SETTLED
};

static uint64_t get(struct vmcs *m, enum vmcs_field f)
{
    vmx_read(f, &m->field[f]);
    return m->field[f];
}

/* All of the record but for what goes with its reason. */
static void name_exit(struct vm_exit *x, uint32_t reason, uint64_t pc)
{
    uint32_t number = reason & 0xFFFF;
    bool known = number < ARRAY_LEN(rows) && rows[number].name;

    x->reason = known ? (enum exit_reason)rows[number].reason : EXIT_UNKNOWN;
    x->raw = reason;
    x->raw_name = known ? rows[number].name : NULL;
    x->raw_info[0] = x->raw_info[1] = 0;
    x->why = NULL;
    x->ran = 1;
    x->pc = pc;
    x->insn_len = 0;
    x->insn = NULL;
}

/* The bits of the exit qualification for I/O, SDM vol. 3, 28.2.1. */
static bool io_exit(struct vcpu *v, struct vm_exit *x, uint64_t q, uint64_t len)
{
    const struct port_access a = {.port = (uint16_t)(q >> 16),
                                  .size = (uint8_t)((q & 7) + 1),
                                  .in = q & 8,
                                  .string = q & 0x10,
                                  .rep = q & 0x20,
                                  .immediate = q & 0x40};

    return hardware_io_exit(v, x, &a, len);
}

/* MOV to CR0 or CR4, CLTS, LMSW. */
static bool control_exit(struct vcpu *v, struct vm_exit *x, uint64_t q,
                         uint64_t len)
{
    enum { MOV_TO, MOV_FROM, CLTS, LMSW };
    struct x86_state *s = v->arch;
    unsigned cr = q & 0xF, kind = q >> 4 & 3, reg = q >> 8 & 0xF;

    v->vm->engine->load_regs(v, X86_ALL);
    uint64_t value = s->gpr[reg];

    if (kind == CLTS)
        value = s->cr0 & ~X86_CR0_TS;
    else if (kind == LMSW)
        value =
            (s->cr0 & ~UINT64_C(0xE)) | (q >> 16 & 0xF) | (s->cr0 & X86_CR0_PE);
    else if (x86_code_bits(s) != 64)
        value &= UINT32_MAX;
    if (hardware_control_exit(v, x, cr, value))
        return true;
    v->vm->isa->set_pc(v, s->rip + len);
    x->reason = EXIT_SETTLED;
    return true;
}

/* No handler is asked: what it would be on the processor without us.  True:
 * *x is an exception, or the end. */
static bool settle(struct vcpu *v, struct vmcs *m, struct vm_exit *x,
                   uint64_t q, uint64_t len)
{
    switch (x->raw) {
    case VMX_EXIT_CR_ACCESS:
        return control_exit(v, x, q, len);
    case VMX_EXIT_INVD:
        v->vm->isa->set_pc(v, x->pc + len);
        x->reason = EXIT_SETTLED;
        return true;
    case VMX_EXIT_TASK_SWITCH:
        vmx_task_exit(v, m, x, q, len);
        return true;
    default:
        hardware_exception(x, X86_EXC_UD, false);
        return true;
    }
}

/* The exits that the exit qualification says more of. */
static bool qualified_exit(struct vcpu *v, struct vmcs *m, struct vm_exit *x)
{
    uint64_t q = get(m, VMCS_EXIT_QUALIFICATION),
             len = get(m, VMCS_EXIT_INSTRUCTION_LENGTH);

    x->raw_info[0] = q;
    switch ((unsigned)x->reason) {
    case SETTLED:
        return settle(v, m, x, q, len);
    case EXIT_MMIO:
        vmx_storage_exit(v, m, x, q, len);
        return true;
    case EXIT_TRAP:
        get(m, VMCS_EXIT_INTERRUPTION_INFO);
        get(m, VMCS_EXIT_INTERRUPTION_ERROR);
        x->event = vmcs_exception(m);
        return true;
    case EXIT_IO:
        return io_exit(v, x, q, len);
    case EXIT_ENTRY_FAILED:
        x->ran = 0;
        say("%s: exit reason %u: %s", v->vm->name, x->raw & 0xFFFF,
            vmx_exit_of(x->raw & 0xFFFF)->words);
        return true;
    default:
        return true;
    }
}

static enum x86_insn sensitive(uint32_t reason)
{
    if (reason == VMX_EXIT_CPUID)
        return X86_OP_CPUID;
    return reason == VMX_EXIT_RDMSR ? X86_OP_RDMSR : X86_OP_WRMSR;
}

EXIT_PATH bool vmx_translate_exit(struct vcpu *v, struct vmcs *m,
                                  struct vm_exit *x)
{
    name_exit(x, (uint32_t)m->field[VMCS_EXIT_REASON], x86_state(v)->rip);
    hardware(v)->completion = COMPLETE_NOTHING;
    switch (x->reason) {
    case EXIT_SENSITIVE:
        hardware_sensitive_exit(v, x, sensitive(x->raw),
                                get(m, VMCS_EXIT_INSTRUCTION_LENGTH));
        return true;
    case EXIT_HALT:
        hardware_halt_exit(v, x, get(m, VMCS_EXIT_INSTRUCTION_LENGTH));
        return true;
    case EXIT_HYPERCALL:
        hardware_call_exit(v, x, X86_OP_VMCALL,
                           get(m, VMCS_EXIT_INSTRUCTION_LENGTH));
        return true;
    case EXIT_TIMER:
        x->ran = v->budget;
        return true;
    case EXIT_WINDOW:
        x->ran = 0;
        return true;
    default:
        return qualified_exit(v, m, x);
    }
}
