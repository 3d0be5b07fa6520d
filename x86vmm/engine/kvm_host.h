/* Private to engine/kvm_*.c: the engine's own state. */
#ifndef X86VMM_ENGINE_KVM_HOST_H
#define X86VMM_ENGINE_KVM_HOST_H

/* A C library may come without the kernel's headers: musl does. */
#if defined(__linux__) && defined(__x86_64__) && __has_include(<linux/kvm.h>)
#define KVM_HOST 1
#else
#define KVM_HOST  0
#define KVM_NEEDS "needs Linux/KVM on x86-64, and <linux/kvm.h> to build it"
#endif

#if KVM_HOST
#include "monitor/vm.h"
#include "x86vmm/machine/insn.h"
#include "x86vmm/machine/platform.h"
#include "x86vmm/machine/state.h"

#include <linux/kvm.h>
#include <signal.h>
#include <time.h>

/* vm->backing */
struct kvm_guest {
    int kvm, vm;    /* file descriptors */
    unsigned slots; /* of storage, in use */
    /* Of the log of written pages; NULL until it is wanted. */
    uint64_t *log, *by_devices[MEM_SLOTS_MAX];
};

/* What a whole exit has found to be at this RIP.  Where exits are only counted,
 * a lean one there, of the same kind, is taken for the same instruction. */
enum { KVM_SITES = 16 };
struct kvm_site {
    uint64_t rip;
    uint8_t reason, size;
    bool write, known;
    const struct insn_desc *insn; /* or NULL: none of our table */
};

/* vcpu->backing */
struct kvm_cpu {
    int fd;
    struct kvm_run *run; /* shared with the kernel */
    size_t run_size;
    bool shares; /* and it has the registers after each KVM_RUN: */
    bool lean;   /* only struct kvm_regs, for nobody is expected to look at
                  * more than RIP and RFLAGS; */
    bool lacks;  /* so all else of the state is old */
    bool missed; /* somebody did look, since the last entry */
    struct kvm_site sites[KVM_SITES];
    int line_error; /* errno of an interrupt line that could not be set */

    /* What KVM holds, as last read or written; of an unfinished instruction,
     * with the RIP that KVM will have when it is complete. */
    struct x86_state seen;
    struct kvm_sregs sregs;
    struct kvm_sregs told; /* by KVM, of which `sregs` was made; */
    bool knows;            /* nothing was written since */

    /* Of the last exit. */
    bool unfinished; /* KVM completes the instruction at the next entry */
    bool msr;        /* and it is RDMSR or WRMSR */

    /* Of the last entry. */
    bool stepping;                     /* single-stepped */
    bool stops;                        /* with a breakpoint */
    bool delivered;                    /* an event was injected */
    uint64_t entry_pc;                 /* before it */
    uint8_t entry_bytes[X86_INSN_MAX]; /* stepping: the instruction there, */
    struct x86_decoded entry_insn;     /* decoded if it is of our table */

    char why[DIAG_SIZE / 2]; /* what vm_exit.why points to */

    bool inject; /* `event` is to be delivered at the next entry */
    struct vm_event event;

    volatile sig_atomic_t kicked, ticked; /* the next KVM_RUN ends at once */
    timer_t tick, due; /* periodic; of the guest's next event */
    bool has_tick, has_due;
    volatile sig_atomic_t resting; /* `tick` is stopped */
    uint64_t aim;        /* what `due` is set to: a tick of the guest's clock */
    uint64_t begun;      /* when that began; in nanoseconds of the host's */
    uint64_t first_tick; /* when it came; none since the last exit: 0 */
};

static inline struct kvm_cpu *kvm_cpu(const struct vcpu *v)
{
    return v->backing;
}

static inline struct x86_state *kvm_arch(const struct vcpu *v)
{
    return v->arch;
}

/* ---- kvm_state.c ---- */

/* "KVM_RUN: Bad address" in vm->diag; returns STATUS_HOST_FAILED. */
enum status kvm_failed(struct vm *vm, const char *what);

/* Let KVM_RUN leave the registers in kvm_run, where the kernel can: an exit
 * is then one call of it and not three. */
void kvm_share_state(struct vcpu *v);
/* KVM's registers into regs, sregs, and from there into the state: after a
 * KVM_RUN, or (fetch) at any time; or what it lacks after a lean one. */
MUST_USE enum status kvm_read_state(struct vcpu *v);
MUST_USE enum status kvm_fetch_state(struct vcpu *v);
MUST_USE enum status kvm_complete_state(struct vcpu *v);
/* Before an entry: may the next exit be lean?  It is not to be. */
void kvm_choose_lean(struct vcpu *v);
void kvm_choose_whole(struct vcpu *v);
/* Write what differs between the state and what KVM holds.  *refused: KVM
 * finds the state impossible; nothing was written. */
MUST_USE enum status kvm_write_state(struct vcpu *v, bool *refused);
/* Does it differ?  What a lean exit has left, while the rest is lacking? */
bool kvm_state_changed(const struct vcpu *v);
static inline bool kvm_lean_changed(const struct vcpu *v)
{
    const struct x86_state *s = kvm_arch(v), *seen = &kvm_cpu(v)->seen;

    return s->rip != seen->rip || s->rflags != seen->rflags;
}
/* Hand cpu->event to KVM. */
MUST_USE enum status kvm_deliver(struct vcpu *v);

/* ---- kvm_cpuid.c ---- */

/* Give KVM the table that CPUID is to answer from. */
MUST_USE enum status kvm_set_cpuid(struct vcpu *v);

/* ---- kvm_msr.c ---- */

/* Leave to the monitor all MSRs but the profile's, as far as KVM can. */
void kvm_filter_msrs(struct vm *vm);

/* ---- engine_kvm.c ---- */

/* Tell KVM of a slot, anew with other flags. */
MUST_USE enum status kvm_set_slot(struct vm *vm, unsigned number,
                                  const struct mem_slot *slot, uint32_t flags);

/* ---- kvm_dirty.c ---- */

/* As engine_ops.written and .wrote. */
MUST_USE enum status kvm_written(struct vm *vm, uint64_t *pages);
void kvm_wrote(struct vcpu *v, uint64_t gpa, size_t n);
void kvm_dirty_end(struct vm *vm);

/* ---- kvm_irqchip.c ---- */

/* Before the vcpu is made: KVM's own interrupt controllers and timer, if the
 * platform leaves them to the engine. */
MUST_USE enum status kvm_irqchip_start(struct vm *vm);
/* What a local APIC of ours shares with the processor: from KVM after an exit,
 * and to it before an entry. */
void kvm_apic_tell(struct vcpu *v);
void kvm_apic_heed(struct vcpu *v);

/* ---- kvm_exit.c ---- */

/* Make the exit that KVM reports a neutral one.  The state is read; but for a
 * lean exit of a device's it is complete afterwards. */
MUST_USE enum status kvm_translate_exit(struct vcpu *v, struct vm_exit *x);
/* Fetch and decode the instruction at the entry's pc. */
void kvm_decode_entry(struct vcpu *v);
/* When stepping, the engine makes an exit of CPUID, which KVM would answer, and
 * of HLT, which not every KVM reports as such under a step; neither runs. */
bool kvm_exit_before_entry(struct vcpu *v, struct vm_exit *x);

/* ---- kvm_explain.c ---- */

/* Set x->why, of an exit that tells of no instruction, as far as there is
 * something to say.  The state is read. */
void kvm_explain(struct vcpu *v, struct vm_exit *x);

/* ---- kvm_finish.c ---- */

/* Let KVM complete the instruction of the last exit without running on.
 * *again: it reports another exit of the same instruction instead. */
MUST_USE enum status kvm_settle(struct vcpu *v, bool *again);
/* Before an entry: complete the last exit's instruction where that must be
 * done apart from running on.  What a handler has written stays. */
MUST_USE enum status kvm_finish(struct vcpu *v, bool *again);

/* ---- kvm_tick.c: the host's clock fetches an endless guest back ---- */

MUST_USE enum status kvm_tick_start(struct vcpu *v);
void kvm_tick_stop(struct vcpu *v);
/* KVM_RUN ends at once no longer, unless there is a tick or a kick. */
void kvm_take_time(struct kvm_cpu *cpu);
/* After EINTR: was it the tick?  Takes it. */
bool kvm_tick_take(struct kvm_cpu *cpu);
/* Then: does it end the slice of a guest that makes no exit? */
bool kvm_tick_is_second(struct kvm_cpu *cpu);
/* As engine_ops.now. */
uint64_t kvm_now(struct vcpu *v, uint64_t until);
/* Before an entry: let the next event of the guest's clock fetch it back, too;
 * is it due? */
void kvm_tick_aim(struct vcpu *v);
bool kvm_tick_due(struct vcpu *v);

#endif
#endif
