/* What the VMCB's exit information tells (AMD APM vol. 2, 15.6 to 15.11). */
#include "x86vmm/engine/svm_host.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/translate.h"

#define F(name) (m->field[VMCB_##name])

static const struct {
    int64_t code;
    uint16_t reason;
    const char *name;
} rows[] = {
#define SVM_ROW(id, neutral)   {SVM_EXIT_##id, EXIT_##neutral, "SVM_EXIT_" #id},
#define SVM_SETTLED(id, words) {SVM_EXIT_##id, MODEL_SETTLED, "SVM_EXIT_" #id},
#include "x86vmm/engine/svm_exit.def"
#undef SVM_ROW
#undef SVM_SETTLED
};

static void name_exit(struct model_told *t, uint64_t code)
{
    t->raw = (uint32_t)code;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code == (int64_t)code) {
            t->reason = rows[i].reason;
            t->raw_name = rows[i].name;
            return;
        }
}

/* Is the port in the instruction?  Then a byte of it is the last one: of IN and
 * OUT with DX that is the opcode, and before it only a prefix. */
static bool is_immediate(const struct vcpu *v, uint64_t len)
{
    uint8_t opcode = 0;

    return len >= 2 &&
           x86_fetch(model_arch(v), &v->vm->mem, (int64_t)len - 2, &opcode,
                     1) == 1 &&
           (opcode & 0xFC) == 0xE4;
}

static void tell_io(const struct vcpu *v, struct model_told *t)
{
    enum { IN = 1, STRING = 4, REP = 8, SIZE = 4, ADDRESS = 7 };
    uint64_t info = t->info;
    bool immediate;

    t->io.port = (uint16_t)(info >> 16);
    t->io.size = info >> SIZE & 7;
    t->io.address_size = (uint8_t)((info >> ADDRESS & 7) << 1);
    t->io.in = info & IN;
    t->io.string = info & STRING;
    t->io.rep = info & REP;
    immediate = !t->io.string && is_immediate(v, t->len);
    t->insn = t->io.in ? (immediate ? X86_OP_IN : X86_OP_IN_DX)
                       : (immediate ? X86_OP_OUT : X86_OP_OUT_DX);
}

/* What was being delivered when the exit came.  RIP is still at an instruction
 * that asked for it: that is executed again. */
static void tell_event(struct model_told *t, const struct vmcb *m, uint64_t cr2)
{
    uint64_t info = F(EXITINTINFO);
    struct x86_fault f = vmcb_delivered(info, cr2);

    if (!(info & VMCB_EVENT_VALID) || t->reason == EXIT_SHUTDOWN)
        return;
    t->delivering = !f.software;
    t->event = f;
    if (f.software)
        t->reason = MODEL_SETTLED;
}

static void tell_msr(const struct vcpu *v, struct model_told *t)
{
    t->insn = t->info & 1 ? X86_OP_WRMSR : X86_OP_RDMSR;
    if ((uint32_t)model_arch(v)->gpr[X86_RCX] == (uint32_t)X86_MSR_EFER)
        t->reason = MODEL_SETTLED;
}

static void tell_exception(const struct vcpu *v, struct model_told *t)
{
    const struct vmcb *m = &svm_vcpu(v)->vmcb;
    unsigned vector = (unsigned)F(EXITCODE) - SVM_EXIT_EXCP_DE;

    t->trap = (struct vm_event){.kind = X86_EVENT_EXCEPTION,
                                .code = vector,
                                .has_error = x86_exception_has_error(vector),
                                .info = {F(EXITINFO1), F(EXITINFO2)}};
    if (!model_reflects(model_arch(v), vector))
        t->reason = MODEL_SETTLED;
}

/* 15.25.6: of the access itself, once its linear address was translated. */
static void tell_access(struct model_told *t, const struct vmcb *m)
{
    const uint64_t write = 2, fetch = 0x10, final = UINT64_C(1) << 32;

    t->access.known = (t->info & (fetch | final)) == final;
    t->access.write = t->info & write;
    t->access.gpa = F(EXITINFO2);
}

void svm_tell(struct vcpu *v, struct model_told *t)
{
    const struct vmcb *m = &svm_vcpu(v)->vmcb;

    name_exit(t, F(EXITCODE));
    t->info = F(EXITINFO1);
    t->len = (F(NRIP) - F(RIP)) & x86_code_mask(model_arch(v));
    switch ((int64_t)F(EXITCODE)) {
    case SVM_EXIT_NPF:
        tell_access(t, m);
        break;
    case SVM_EXIT_IOIO:
        tell_io(v, t);
        break;
    case SVM_EXIT_MSR:
        tell_msr(v, t);
        break;
    case SVM_EXIT_HLT:
        t->insn = X86_OP_HLT;
        break;
    case SVM_EXIT_VMMCALL:
        t->insn = X86_OP_VMMCALL;
        break;
    default:
        t->insn = X86_OP_CPUID;
        break;
    }
    if (F(EXITCODE) >= SVM_EXIT_EXCP_DE && F(EXITCODE) <= SVM_EXIT_EXCP_XF)
        tell_exception(v, t);
    tell_event(t, m, model_arch(v)->cr2);
}
