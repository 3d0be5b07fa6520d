/* From the exit information of a VMCB to the neutral record. */
#include "x86vmm/bare/engine_svm_hw.h"

#include "x86vmm/bare/hardware.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/length.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/svm/exit.h"

enum { SETTLED = EXIT_REASON_COUNT };

/* By code: those below 100h, NPF (400h) and INVALID (-1). */
#define PLACE(code) ((code) == SVM_EXIT_NPF ? 0xFE : (code)&0xFF)
static const struct {
    int64_t code;
    uint8_t reason;
    const char *name;
} rows[256] = {
#define SVM_ROW(id, neutral) \
    [PLACE(SVM_EXIT_##id)] = {SVM_EXIT_##id, EXIT_##neutral, "SVM_EXIT_" #id},
#define SVM_SETTLED(id, words) \
    [PLACE(SVM_EXIT_##id)] = {SVM_EXIT_##id, SETTLED, "SVM_EXIT_" #id},
#include "x86vmm/engine/svm_exit.def"
#undef SVM_ROW
#undef SVM_SETTLED
};

static const char *other_name(int64_t code)
{
    const struct svm_exit_desc *desc = svm_exit_of((uint64_t)code);

    return desc ? desc->name : NULL;
}

/* All of the record but for what goes with its reason. */
static void name_exit(struct vm_exit *x, int64_t code, uint64_t pc)
{
    unsigned i = PLACE(code);
    bool known = rows[i].name && rows[i].code == code;

    x->reason = known ? (enum exit_reason)rows[i].reason : EXIT_UNKNOWN;
    x->raw = (uint32_t)code;
    x->raw_name = known ? rows[i].name : other_name(code);
    x->raw_info[1] = 0;
    x->why = NULL;
    x->ran = 1;
    x->pc = pc;
    x->insn_len = 0;
    x->insn = NULL;
}

/* As the processor tells, or as the bytes do. */
static uint64_t length(struct vcpu *v, const uint8_t *vmcb)
{
    uint64_t next = svm_get(vmcb, VMCB_NRIP);
    const struct x86_state *s = v->arch;
    uint8_t bytes[X86_INSN_MAX];

    if (next)
        return (next - s->rip) & 0xF;
    return x86_length(bytes, hardware_fetch(v, bytes), x86_code_bits(s));
}

/* AMD APM vol. 2, 15.10.2. */
static bool io_exit(struct vcpu *v, const uint8_t *vmcb, struct vm_exit *x)
{
    uint64_t info = svm_get(vmcb, VMCB_EXITINFO1),
             next = svm_get(vmcb, VMCB_EXITINFO2);
    const struct x86_state *s = v->arch;
    uint8_t bytes[X86_INSN_MAX];
    struct port_access a = {.port = (uint16_t)(info >> 16),
                            .size = info >> 4 & 7,
                            .in = info & 1,
                            .string = info & 4,
                            .rep = info & 8};

    if (!a.string) { /* E4 to E7 have the port in them */
        size_t n = hardware_fetch(v, bytes), i = 0;

        while (i < n && (bytes[i] == 0x66 || bytes[i] == 0x67))
            i++;
        a.immediate = i < n && (bytes[i] & 0xFC) == 0xE4;
    }
    return hardware_io_exit(v, x, &a, (next - s->rip) & 0xF);
}

/* Or of an event that it has cut short, which software then delivers. */
static void storage_exit(struct vcpu *v, const uint8_t *vmcb, struct vm_exit *x)
{
    enum { FETCH = 1 << 4 };
    uint64_t event = svm_get(vmcb, VMCB_EXITINTINFO);
    const struct x86_state *s = v->arch;
    uint8_t bytes[X86_INSN_MAX];

    if (!(event & VMCB_EVENT_VALID)) {
        hardware_device_exit(v, x, svm_get(vmcb, VMCB_EXITINFO2),
                             svm_get(vmcb, VMCB_EXITINFO1) & FETCH);
        return;
    }
    struct x86_fault f = vmcb_delivered(event, svm_get(vmcb, VMCB_CR2));
    uint64_t len =
        x86_length(bytes, hardware_fetch(v, bytes), x86_code_bits(s));
    hardware_emulated(v, x, emulator_deliver(v, &f, len));
}

/* EFER, but for SVME; what it may become: SDM vol. 2, WRMSR. */
static bool write_efer(struct x86_state *s, uint64_t value)
{
    const uint64_t own =
        X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;
    bool toggles = (s->efer ^ value) & X86_EFER_LME;

    if ((value & ~own) || (toggles && (s->cr0 & X86_CR0_PG)))
        return false;
    s->efer = (value & ~X86_EFER_LMA) | (s->efer & X86_EFER_LMA);
    return true;
}

/* True: *x is an exit; false: it was EFER, and is done. */
static bool msr_exit(struct vcpu *v, const uint8_t *vmcb, struct vm_exit *x,
                     uint64_t len)
{
    bool write = svm_get(vmcb, VMCB_EXITINFO1) & 1;
    struct x86_state *s = v->arch;
    uint64_t value = s->gpr[X86_RDX] << 32 | (uint32_t)s->gpr[X86_RAX];

    if ((uint32_t)s->gpr[X86_RCX] != (uint32_t)X86_MSR_EFER) {
        hardware_sensitive_exit(v, x, write ? X86_OP_WRMSR : X86_OP_RDMSR, len);
        return true;
    }
    v->vm->engine->load_regs(v, X86_ALL);
    hardware(v)->changed |= X86_CTL;
    if (write && !write_efer(s, value)) {
        hardware_exception(x, X86_EXC_GP, true);
        return true;
    }
    if (!write) {
        s->gpr[X86_RAX] = (uint32_t)s->efer;
        s->gpr[X86_RDX] = s->efer >> 32;
    }
    v->vm->isa->set_pc(v, s->rip + len);
    x->reason = EXIT_SETTLED;
    return true;
}

/* MOV to CR4: which register, its bytes tell (0F 22 ModRM). */
static bool control_exit(struct vcpu *v, struct vm_exit *x)
{
    struct x86_state *s = v->arch;
    uint8_t bytes[X86_INSN_MAX];
    size_t n = hardware_fetch(v, bytes), i = 0;
    unsigned reg = 0;

    while (i + 2 < n && bytes[i] != 0x0F)
        reg = (bytes[i++] & 0xF1) == 0x41 ? 8 : 0;
    reg += bytes[i + 2] & 7;
    uint64_t value = hardware_reg(s, reg, x86_code_bits(s) == 64 ? 8 : 4);
    if (hardware_control_exit(v, x, 4, value))
        return true;
    v->vm->isa->set_pc(v, s->rip + i + 3);
    x->reason = EXIT_SETTLED;
    return true;
}

/* Those that come with an instruction. */
static bool instruction_exit(struct vcpu *v, const uint8_t *vmcb,
                             struct vm_exit *x, int64_t code)
{
    uint64_t len = length(v, vmcb);

    switch (code) {
    case SVM_EXIT_CPUID:
        hardware_sensitive_exit(v, x, X86_OP_CPUID, len);
        return true;
    case SVM_EXIT_HLT:
        hardware_halt_exit(v, x, len);
        return true;
    case SVM_EXIT_VMMCALL:
        hardware_call_exit(v, x, X86_OP_VMMCALL, len);
        return true;
    case SVM_EXIT_MSR:
        return msr_exit(v, vmcb, x, len);
    case SVM_EXIT_INVD: /* there is no cache to lose */
        v->vm->isa->set_pc(v, x->pc + len);
        x->reason = EXIT_SETTLED;
        return true;
    default: /* SVM's instructions, of which the guest was not told */
        hardware_exception(x, X86_EXC_UD, false);
        return true;
    }
}

EXIT_PATH bool svm_translate_exit(struct vcpu *v, uint8_t *vmcb,
                                  struct vm_exit *x)
{
    int64_t code = (int64_t)svm_get(vmcb, VMCB_EXITCODE);

    if (code == (int64_t)UINT32_MAX)
        code = SVM_EXIT_INVALID;
    name_exit(x, code, x86_state(v)->rip);
    x->raw_info[0] = svm_get(vmcb, VMCB_EXITINFO1);
    hardware(v)->completion = COMPLETE_NOTHING;
    switch (code) {
    case SVM_EXIT_INTR:
        x->ran = v->budget;
        return true;
    case SVM_EXIT_VINTR:
        x->ran = 0;
        return true;
    case SVM_EXIT_NPF:
        storage_exit(v, vmcb, x);
        return true;
    case SVM_EXIT_IOIO:
        return io_exit(v, vmcb, x);
    case SVM_EXIT_CR4_WRITE:
        return control_exit(v, x);
    case SVM_EXIT_SHUTDOWN:
        return true;
    case SVM_EXIT_INVALID:
        x->ran = 0;
        return true;
    case SVM_EXIT_NMI:
        return true;
    default:
        return instruction_exit(v, vmcb, x, code);
    }
}
