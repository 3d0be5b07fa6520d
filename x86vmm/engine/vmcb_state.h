/* What a VMCB is given by engines that run guests by AMD-V: on the modelled
 * processor, and on a real one under a monitor on bare metal. */
#ifndef X86VMM_ENGINE_VMCB_STATE_H
#define X86VMM_ENGINE_VMCB_STATE_H

#include "monitor/exit.h"
#include "x86vmm/svm/vmcb.h"

/* EVENTINJ: deliver this event at the next entry. */
uint64_t vmcb_injection(const struct vm_event *e);

/* The MSR permission map, two pages (AMD APM vol. 2, 15.11): registers that are
 * the guest's own do not exit, but for EFER, in which SVME must stay. */
void vmcb_make_msr_map(uint8_t *map);

#endif
