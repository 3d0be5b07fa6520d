/* VT-x of the processor below: its instructions, and getting into VMX
 * operation (Intel SDM vol. 3, "Introduction to Virtual Machine Extensions",
 * "VMX Instruction Reference"). */
#ifndef X86VMM_BARE_VMX_H
#define X86VMM_BARE_VMX_H

#include "base/diag.h"
#include "x86vmm/vtx/entry_check.h"

/* Does CPUID announce it? */
bool vmx_announced(void);

/* Enter VMX operation.  STATUS_UNSUPPORTED with what is missing. */
MUST_USE enum status vmx_on(struct diag *d);
void vmx_off(void);

/* The bits that must be 1 in the controls, and those that may, as this
 * processor's capability MSRs say.  Those that must are set.  False, with the
 * names of those that it does not offer in *d: none of the rest can be used. */
MUST_USE bool vmx_fit_controls(struct vmcs *v, struct diag *d);

/* A VMCS region with the processor's revision, cleared and made current. */
MUST_USE enum status vmx_make_current(uint8_t *region, bool clear,
                                      struct diag *d);

/* Encodings, where the compiler sees them. */
static const uint16_t vmx_encodings[VMCS_FIELD_COUNT] = {
#define FIELD(encoding, name, section, words) encoding,
#include "x86vmm/vtx/vmcs.def"
#undef FIELD
};

/* One field of the current VMCS.  False: this processor has no such field. */
static inline bool vmx_write(enum vmcs_field f, uint64_t value)
{
    bool fails;

    __asm__ volatile("vmwrite %2, %1"
                     : "=@ccbe"(fails)
                     : "r"((uint64_t)vmx_encodings[f]), "r"(value));
    return !fails;
}

static inline bool vmx_read(enum vmcs_field f, uint64_t *value)
{
    bool fails;

    __asm__ volatile("vmread %2, %1"
                     : "=@ccbe"(fails), "=r"(*value)
                     : "r"((uint64_t)vmx_encodings[f]));
    return !fails;
}

/* Enter the guest of the current VMCS with these general registers (RSP is the
 * VMCS's), and come back at its exit. */
enum vmx_entry {
    VMX_ENTERED,      /* and left: EXIT_REASON says why */
    VMX_FAIL_INVALID, /* there is no current VMCS */
    VMX_FAIL_VALID    /* INSTRUCTION_ERROR says why */
};
enum vmx_entry vmx_enter(uint64_t gpr[16], bool launched);
void vmx_exited(void); /* HOST_RIP; not to be called */

/* Forget the translations of this VPID: software has changed what a MOV to CR0
 * or CR4 would have made the processor forget. */
void vmx_forget(uint16_t vpid);

/* The rules of VM entry that a VMCS breaks. */
enum { VMX_BROKEN_MAX = 8 };
struct vmx_broken {
    struct entry_failure rules[VMX_BROKEN_MAX];
    size_t count; /* 0: it could be entered */
};

/* All fields of the current VMCS, as the processor has them: what is wrong, one
 * sentence a line of the console.  And what it was the last time. */
const struct vmx_broken *vmx_explain(void);
const struct vmx_broken *vmx_last_broken(void);

#endif
