/* What VT-x leaves to software: emulator.h. */
#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/engine_vmx.h"
#include "x86vmm/bare/hardware.h"
#include "x86vmm/bare/vmx.h"
#include "x86vmm/engine/vmcs_state.h"

void vmx_rest(struct vcpu *v, struct x86_cpu *cpu, bool store)
{
    (void)v;
    if (store) {
        vmx_write(VMCS_GUEST_DR7, cpu->dr[7]);
        return; /* with CR3, the engine writes PDPTEs */
    }
    vmx_read(VMCS_GUEST_DR7, &cpu->dr[7]);
    for (unsigned i = 0; i < 4; i++)
        vmx_read(VMCS_GUEST_PDPTE0 + i, &cpu->pdpte[i]);
}

/* Has an event been cut short?  Then it is delivered by software. */
static bool delivers(struct vcpu *v, struct vmcs *m, struct vm_exit *x,
                     uint64_t len)
{
    vmx_read(VMCS_IDT_VECTORING_INFO, &m->field[VMCS_IDT_VECTORING_INFO]);
    vmx_read(VMCS_IDT_VECTORING_ERROR, &m->field[VMCS_IDT_VECTORING_ERROR]);
    if (!(m->field[VMCS_IDT_VECTORING_INFO] & VMCS_EVENT_VALID))
        return false;
    struct x86_fault f = vmcs_vectoring(m, read_cr2());
    hardware_emulated(v, x, emulator_deliver(v, &f, len));
    return true;
}

/* SDM vol. 3, "Exit Qualification for Task Switches": the selector; bits 31:30
 * what has asked for it. */
void vmx_task_exit(struct vcpu *v, struct vmcs *m, struct vm_exit *x,
                   uint64_t q, uint64_t len)
{
    enum { BY_GATE = 3 }; /* of the IDT: it is a delivery */
    static const enum x86_switch how[] = {X86_SWITCH_CALL, X86_SWITCH_IRET,
                                          X86_SWITCH_JMP};
    unsigned by = q >> 30 & 3;

    if (by == BY_GATE)
        (void)delivers(v, m, x, len);
    else
        hardware_emulated(v, x, emulator_task(v, (uint16_t)q, how[by], len));
}

/* Bit 2 of the qualification: a fetch. */
void vmx_storage_exit(struct vcpu *v, struct vmcs *m, struct vm_exit *x,
                      uint64_t q, uint64_t len)
{
    vmx_read(VMCS_GUEST_PHYSICAL_ADDRESS,
             &m->field[VMCS_GUEST_PHYSICAL_ADDRESS]);
    if (!delivers(v, m, x, len))
        hardware_device_exit(v, x, m->field[VMCS_GUEST_PHYSICAL_ADDRESS],
                             q & 4);
}
