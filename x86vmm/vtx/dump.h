/* A VMCS as text, to be read by people and by us.
 *
 * Lines of `NAME = VALUE`, with names of vmcs.def in any case and numbers as C
 * writes them, 0x before hexadecimal ones; `#` begins a comment; blank lines
 * do not count.  Two names are not fields:
 *
 *   like = long       begin from a VMCS that can be entered (sample.h); comes
 *                     first.  Without it all that is not given is 0, or as
 *                     reserved control bits must be
 *   entered_from = long | protected   the mode of the monitor at the VM entry;
 *                     without it, as the host address-space size says
 *
 * Or the registers that QEMU prints when KVM fails an entry ("KVM: entry
 * failed, hardware error 0x80000021"), or by `info registers`: the guest's
 * state; the controls are then those of an unrestricted guest as KVM sets
 * them.  Lines that are no registers are passed over.
 *
 * Or the log of KVM (its parameter dump_invalid_vmcs) or Xen, with the headings
 * "*** Guest State ***" and so on: the last VMCS in it.  What it does not tell,
 * as addresses of bitmaps, breaks no rule.
 *
 * These two are of some other processor: where a rule is about what a processor
 * has, it may have all (control.h). */
#ifndef X86VMM_VTX_DUMP_H
#define X86VMM_VTX_DUMP_H

#include "base/diag.h"
#include "x86vmm/vtx/entry_check.h"

struct vmcs_dump {
    struct vmcs vmcs;
    bool host_long; /* IA32_EFER.LMA at the VM entry */
    bool elsewhere; /* of a processor that nothing is told of */
    unsigned given; /* fields, or registers */
};

/* Read it.  STATUS_BAD_INPUT: `name`:line: what is wrong. */
MUST_USE enum status vmcs_dump_read(const char *name, const char *text,
                                    size_t n, struct vmcs_dump *dump,
                                    struct diag *d);

/* Its entry, to be checked; the dump is borrowed. */
struct entry vmcs_dump_entry(const struct vmcs_dump *dump);

#endif
