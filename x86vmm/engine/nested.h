/* Private to engine_vtx.c, vtx_*.c, nested*.c: a guest that is a monitor
 * itself, and runs its own guest by VT-x, which we emulate.
 *
 * Three levels, and the names that everybody has for what is between them:
 *   L0  this monitor
 *   L1  its guest, the inner monitor; L0 runs it by vmcs01
 *   L2  the guest of that, for which L1 has made vmcs12 in its storage
 * The processor knows nothing of it: L0 runs L2, too, by vmcs02, which asks for
 * what either of them wants.  While it does, model_vcpu.inner is set, and
 * vcpu->arch is the state of L2.
 *
 * VMX instructions of L1 exit to L0 and are executed by the rules of x86vmm/vtx
 * on a struct vtx that is L1's own (nested.vtx), with L1's storage.  An exit of
 * L2 is one of ours, or L1's (nested_exit.def): then vmcs12 is told of it, and
 * L1 goes on with its host state.
 *
 * EPT on EPT.  L1's tables say where in L1's storage L2's is, ours where that
 * is. The processor has both in one: shadow tables, filled at EPT violations,
 * and forgotten when L1 executes INVEPT, or when there is no room. */
#ifndef X86VMM_ENGINE_NESTED_H
#define X86VMM_ENGINE_NESTED_H

#include "x86vmm/engine/model_host.h"
#include "x86vmm/vtx/vtx.h"

/* Of the modelled machine's storage: L2's MSR bitmap, then shadow tables. */
enum { NESTED_PAGES = 512, NESTED_ROOTS = 8 };

/* The shadow tables of one EPT pointer of L1's. */
struct nested_root {
    uint64_t eptp; /* L1's; 0: none */
    uint64_t table;
};

struct nested {
    struct vtx vtx;         /* L1's; vtx.own is vmcs12 */
    struct vmcs vmcs;       /* vmcs02 */
    struct entry_memo memo; /* of vmcs02 */
    struct vmcs kept;       /* vmcs12 as it was before an execution outside */
    bool asks;              /* a VMX instruction has an operand in a device */
    struct nested_root roots[NESTED_ROOTS];
    unsigned next_root; /* which one gives way */
    unsigned used;      /* of NESTED_PAGES */
    uint64_t since; /* cpu.ran at the last entry of L2: the monitor trap flag
                     * wants to know of one instruction more */

    /* An exit of L2's, for L1. */
    struct vtx_exit exit;
    struct x86_fault during;
    bool has_during;

    /* An event for L2, at its next entry. */
    bool injects;
    uint64_t info, error, length;
};

/* ---- nested.c ---- as struct model_ops has them */

void nested_attach(struct vcpu *v);
void nested_lend(struct vcpu *v);
void nested_undo(struct vcpu *v);
void nested_follow(struct vcpu *v);
bool nested_first(const struct vcpu *v);
bool nested_blocks_nmi(const struct vcpu *v);
bool nested_takes(struct vcpu *v, const struct vm_event *e);
/* An interrupt is for L1, and ends L2's HLT. */
bool nested_wakes(const struct vcpu *v);

/* ---- nested_merge.c ---- */

/* vmcs02's controls, from vmcs01 and vmcs12. */
void nested_merge(struct vcpu *v);
/* L2 is entered: its state, where `changed`, and what has to be told anew. */
void nested_prepare(struct vcpu *v, bool changed);

/* ---- nested_ept.c ---- */

/* Has L1 executed INVEPT?  Then forget. */
void nested_forget(struct vcpu *v);
/* The shadow of L1's EPT pointer, as an EPT pointer of the processor's. */
uint64_t nested_ept_pointer(struct vcpu *v);
/* An EPT violation of L2. */
enum nested_fill {
    NESTED_FILLED, /* the shadow was incomplete, and is less so now */
    NESTED_DEVICE, /* there is none of L1's storage that could be had so */
    NESTED_ITS     /* L1's tables do not allow it: nested.exit */
};
enum nested_fill nested_fill(struct vcpu *v);

/* ---- nested_exit.c ---- */

/* An exit of L2.  True: *t has been completed. */
bool nested_tell(struct vcpu *v, struct model_told *t);
/* The same of VMX instructions of L1. */
bool nested_tell_instruction(struct vcpu *v, struct model_told *t);

#endif
