/* Between struct x86_state and a VMCS, for engines that run guests by VT-x: the
 * modelled processor's, and a real one's under a monitor on bare metal.
 *
 * CR0.NE and CR4.VMXE, which VMX operation fixes, are the monitor's: the masks
 * keep them from the guest, and the shadows have what it believes. */
#ifndef X86VMM_ENGINE_VMCS_STATE_H
#define X86VMM_ENGINE_VMCS_STATE_H

#include "monitor/exit.h"
#include "x86vmm/machine/cpu.h"
#include "x86vmm/vtx/control.h"

/* A VMCS with the controls of our engines, all else as sample.h's guest in
 * real-address mode.  Its pointers (EPT, MSR bitmaps) are the engine's to
 * set. */
void vmcs_make_controls(struct vmcs *m);

/* The MSR bitmaps, a page: registers that are the guest's own do not exit. */
void vmcs_make_msr_bitmap(uint8_t *page);

/* Segments, descriptor tables, control registers, RSP, RIP and RFLAGS. */
void vmcs_put_state(struct vmcs *m, const struct x86_state *s);
/* Inject this event at the next entry; NULL: none. */
void vmcs_put_event(struct vmcs *m, const struct vm_event *e);

/* What was being delivered when the exit came: IDT-vectoring information, which
 * is valid.  An instruction that asked for it is to be counted as done. */
struct x86_fault vmcs_vectoring(const struct vmcs *m, uint64_t cr2);
/* The exception or NMI that the exit was for. */
struct vm_event vmcs_exception(const struct vmcs *m);

/* Control registers as the guest believes them to be. */
uint64_t vmcs_cr0(const struct vmcs *m);
uint64_t vmcs_cr4(const struct vmcs *m);
/* Would the processor take an interrupt now? */
static inline bool vmcs_interruptible(const struct vmcs *m)
{
    return (m->field[VMCS_GUEST_RFLAGS] & X86_FLAG_IF) &&
           !(m->field[VMCS_GUEST_INTERRUPTIBILITY] & VMCS_SHADOWED);
}
/* An instruction is complete, with these flags: what held for it alone ends.
 * What TF asks for is told (SDM vol. 3, "Pending Debug Exceptions"). */
void vmcs_advanced(struct vmcs *m, uint64_t rflags);

#endif
