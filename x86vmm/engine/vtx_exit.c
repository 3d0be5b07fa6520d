/* What the VMCS's exit information tells (Intel SDM vol. 3, "VM-Exit
 * Information Fields"). */
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/machine/exception.h"

#define F(name) (m->field[VMCS_##name])

static const struct {
    uint16_t number, reason;
    const char *name;
} rows[] = {
#define VMX_ROW(id, neutral)   {VMX_EXIT_##id, EXIT_##neutral, "VMX_EXIT_" #id},
#define VMX_SETTLED(id, words) {VMX_EXIT_##id, MODEL_SETTLED, "VMX_EXIT_" #id},
#include "x86vmm/engine/vmx_exit.def"
#undef VMX_ROW
#undef VMX_SETTLED
};

static void name_exit(struct model_told *t, uint32_t reason)
{
    t->raw = reason;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].number == (reason & 0xFFFF)) {
            t->reason = rows[i].reason;
            t->raw_name = rows[i].name;
            return;
        }
}

static void tell_io(struct model_told *t, const struct vmcs *m)
{
    enum { IN = 8, STRING = 0x10, REP = 0x20, IMMEDIATE = 0x40 };
    uint64_t q = F(EXIT_QUALIFICATION);
    bool immediate = q & IMMEDIATE;

    t->io.port = (uint16_t)(q >> 16);
    t->io.size = (uint8_t)((q & 7) + 1);
    t->io.address_size = (uint8_t)(2u << (F(EXIT_INSTRUCTION_INFO) >> 7 & 7));
    t->io.in = q & IN;
    t->io.string = q & STRING;
    t->io.rep = q & REP;
    t->insn = t->io.in ? (immediate ? X86_OP_IN : X86_OP_IN_DX)
                       : (immediate ? X86_OP_OUT : X86_OP_OUT_DX);
}

/* What was being delivered when the exit came. */
static void tell_event(struct model_told *t, const struct vmcs *m, uint64_t cr2)
{
    t->delivering = (F(IDT_VECTORING_INFO) & VMCS_EVENT_VALID) &&
                    t->raw != VMX_EXIT_TRIPLE_FAULT;
    t->event_len = F(EXIT_INSTRUCTION_LENGTH);
    t->event = vmcs_vectoring(m, cr2);
}

/* 28.2.1, "Exit Qualification for EPT Violations": of the access itself, once
 * its linear address was translated. */
static void tell_access(struct model_told *t, const struct vmcs *m)
{
    t->access.known = (t->info & (VTX_EPT_EXECUTE | VTX_EPT_TRANSLATED)) ==
                      VTX_EPT_TRANSLATED;
    t->access.write = t->info & VTX_EPT_WRITE;
    t->access.gpa = F(GUEST_PHYSICAL_ADDRESS);
}

void vtx_tell(struct vcpu *v, struct model_told *t)
{
    const struct vtx_vcpu *c = vtx_vcpu(v);
    const struct vmcs *m = c->loaded;

    name_exit(t, (uint32_t)F(EXIT_REASON));
    t->info = F(EXIT_QUALIFICATION);
    t->len = F(EXIT_INSTRUCTION_LENGTH);
    tell_event(t, m, model_arch(v)->cr2);
    if (c->model.inner && nested_tell(v, t))
        return;
    if (c->model.platform->own.wanted && nested_tell_instruction(v, t))
        return;
    switch (t->raw) {
    case VMX_EXIT_EPT_VIOLATION:
        tell_access(t, m);
        break;
    case VMX_EXIT_IO:
        tell_io(t, m);
        break;
    case VMX_EXIT_EXCEPTION:
        t->trap = vmcs_exception(m);
        if (t->trap.kind == X86_EVENT_EXCEPTION &&
            !model_reflects(model_arch(v), t->trap.code))
            t->reason = MODEL_SETTLED;
        break;
    case VMX_EXIT_HLT:
        t->insn = X86_OP_HLT;
        break;
    case VMX_EXIT_VMCALL:
        t->insn = X86_OP_VMCALL;
        break;
    case VMX_EXIT_CPUID:
        t->insn = X86_OP_CPUID;
        break;
    default:
        t->insn = t->raw == VMX_EXIT_RDMSR ? X86_OP_RDMSR : X86_OP_WRMSR;
        break;
    }
}
