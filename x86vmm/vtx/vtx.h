/* VT-x in software: a part of the modelled processor (Intel SDM vol. 3,
 * chapters 24 to 31 in the editions of 2023).
 *
 * A monitor is either in storage, and uses the VMX instructions; or it is this
 * program, which fills a struct vmcs, enters, runs the processor until
 * X86_EXIT, and reads the struct.
 *
 * Or both: this program's guest is a monitor itself, and is to believe that it
 * has VT-x.  Then there is a struct vtx that no processor has: emulated. */
#ifndef X86VMM_VTX_VTX_H
#define X86VMM_VTX_VTX_H

#include "x86vmm/machine/access.h"
#include "x86vmm/machine/guest_tlb.h"
#include "x86vmm/vtx/entry_memo.h"

/* What becomes of RF in the RFLAGS that an exit saves (SDM vol. 3, 28.3.3). */
enum vtx_rf {
    VTX_RF_AS_IS, /* or as the event would be delivered with, during one */
    VTX_RF_OFF,   /* instructions that exit */
    VTX_RF_ON     /* faults, and accesses that EPT does not allow */
};

/* A VM exit on its way. */
struct vtx_exit {
    uint32_t reason;
    enum vtx_rf rf;
    uint64_t qualification;
    uint32_t interruption, error; /* EXIT_INTERRUPTION_* */
    uint32_t length, info;        /* EXIT_INSTRUCTION_* */
    uint64_t linear, physical;
};

/* Of EXIT_INTERRUPTION_INFO, and of an EPT violation's EXIT_QUALIFICATION: the
 * fault was IRET's, and that has unblocked NMIs (28.2.1, 28.2.2). */
enum { VTX_UNBLOCKED = 1 << 12 };

struct vtx {
    uint64_t feature_control;
    bool on;          /* VMX operation */
    bool in_guest;    /* and that in non-root operation */
    bool emulated;    /* vtx_init_emulated */
    uint64_t vmxon;   /* address of its region */
    uint64_t current; /* of the current VMCS; VTX_NONE */
    struct vmcs own;  /* its contents, while it is current */

    struct vmcs *v; /* of the guest that is run */
    bool outside;   /* its monitor is this program */
    uint32_t vpid;  /* whose translations are kept; 0: nobody's */
    uint64_t eptp;
    struct x86_guest_tlb pages; /* what was found by it */
    bool shut_down;             /* the guest's activity state is that */
    bool trap_flag_pending;     /* a monitor-trap-flag exit is injected */
    bool unblocked;           /* by the IRET whose fault is on its way: NMIs */
    uint64_t entered;         /* cpu->ran at the entry */
    uint64_t timer_end;       /* time-stamp counter at which the timer is 0 */
    struct vtx_exit exit;     /* on its way */
    struct entry_failure why; /* the last entry that failed */
    struct entry_memo memo;   /* the last one whose checks held */
    /* Another to use in its place, by who enters by more than one VMCS; NULL:
     * none.  Borrowed. */
    struct entry_memo *other;

    /* Of an emulated one: INVEPT has been executed since its user cleared
     * this, of this EPT pointer or (VTX_NONE) of all. */
    bool forgets;
    uint64_t forgotten;
};
#define VTX_NONE UINT64_MAX

/* IA32_FEATURE_CONTROL: locked, VMXON allowed outside SMX. */
enum { VTX_FEATURE_LOCK = 1, VTX_FEATURE_VMXON = 4 };

/* Make it a part of this processor; borrowed until the processor's end.  As
 * firmware does, IA32_FEATURE_CONTROL allows VMXON and is locked. */
void vtx_attach(struct vtx *t, struct x86_cpu *cpu);

/* Enter the guest of a monitor that is this program.  The general registers
 * are the processor's; all else comes from v, which is borrowed until the exit
 * (x86_run or x86_step: X86_EXIT), and then has the guest's state and why it
 * was left.  False: a check failed, and t->why says which; the processor is as
 * it was, or, after exit reason 33 or 34, v says so.  An exit may come at once:
 * *exited. */
bool vtx_enter(struct x86_cpu *cpu, struct vmcs *v, bool *exited);

/* The host of a monitor that is this program interrupts, between two
 * instructions of the guest: it is left, by exit reason 1. */
void vtx_interrupt(struct x86_cpu *cpu);

/* Do the bitmaps of a VMCS ask for an exit, of I/O to `size` ports from this
 * one on, of RDMSR or WRMSR?  One that is not in `mem` asks for all. */
bool vtx_asks_port(const struct vmcs *v, const struct mem_map *mem,
                   unsigned port, unsigned size);
bool vtx_asks_msr(const struct vmcs *v, const struct mem_map *mem,
                  uint32_t index, bool write);

/* ---- Emulated ----
 *
 * While cpu->assistant is such a struct, and what its guest-physical addresses
 * mean is cpu->world.mem, the VMX instructions act on it, by the same rules. An
 * entry checks and loads the state of the guest's guest, and stops there: who
 * emulates looks at in_guest, and runs it in its own way; nothing is injected,
 * and the time-stamp counter's offset is not added.  timer_end is set.  Where
 * the guest's guest is to be left, vtx_reflect does what the processor would
 * do. */

/* As after a reset. */
void vtx_init_emulated(struct vtx *t);

/* The guest's guest is left for this reason, found while this was delivered, or
 * NULL.  The processor has its state, and then that of its monitor, or
 * X86_SHUTDOWN: a VMX abort. */
int vtx_reflect(struct x86_cpu *cpu, const struct vtx_exit *x,
                const struct x86_fault *during);

/* The hooks of a guest: those of an emulated one, for who executes an
 * instruction of the guest's guest.  Not all of them look at nothing but
 * cpu->assistant: instruction, between, wakes are the processor's own. */
extern const struct x86_guest vtx_guest;

/* What blocks events and waits, from and to a VMCS: interruptibility, activity,
 * pending debug exceptions, the saved timer. */
void vtx_load_waiting(struct x86_cpu *cpu, const struct vmcs *v);
void vtx_save_waiting(const struct x86_cpu *cpu, struct vmcs *v);

/* A page that EPT has translated. */
struct vtx_ept_leaf {
    uint64_t physical; /* of the byte */
    unsigned level;    /* 0: of 4 KiB, 1: of 2 MiB, 2: of 1 GiB */
    unsigned allowed;  /* VTX_EPT_* */
};
/* Of `allowed`, and of a violation's EXIT_QUALIFICATION what was wanted,
 * whether GUEST_LINEAR_ADDRESS holds, and whether it was of what that address
 * leads to, not of a paging-structure entry (28.2.1, "Exit Qualification for
 * EPT Violations"). */
enum {
    VTX_EPT_READ = 1,
    VTX_EPT_WRITE = 2,
    VTX_EPT_EXECUTE = 4,
    VTX_EPT_LINEAR = 0x80,
    VTX_EPT_TRANSLATED = 0x100
};
enum { VTX_EPTP_AD = 0x40 /* accessed and dirty flags are kept */ };

/* Translate by the EPT of t->v, which has one.  0, or X86_FAULT: that is a VM
 * exit, in t->exit.  Where dirty flags are kept, writing is not among what is
 * allowed until one has been done. */
int vtx_ept_walk(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                 enum x86_access access, bool entry, struct vtx_ept_leaf *leaf);

#endif
