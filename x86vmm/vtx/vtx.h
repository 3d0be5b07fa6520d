/* VT-x in software: a part of the modelled processor (Intel SDM vol. 3,
 * chapters 24 to 31 in the editions of 2023).
 *
 * A monitor is either in storage, and uses the VMX instructions; or it is this
 * program, which fills a struct vmcs, enters, runs the processor until
 * X86_EXIT, and reads the struct. */
#ifndef X86VMM_VTX_VTX_H
#define X86VMM_VTX_VTX_H

#include "x86vmm/vtx/entry_memo.h"

/* A VM exit on its way. */
struct vtx_exit {
    uint32_t reason;
    uint64_t qualification;
    uint32_t interruption, error; /* EXIT_INTERRUPTION_* */
    uint32_t length, info;        /* EXIT_INSTRUCTION_* */
    uint64_t linear, physical;
};

struct vtx {
    uint64_t feature_control;
    bool on;          /* VMX operation */
    uint64_t vmxon;   /* address of its region */
    uint64_t current; /* of the current VMCS; VTX_NONE */
    struct vmcs own;  /* its contents, while it is current */

    struct vmcs *v; /* of the guest that is run */
    bool outside;   /* its monitor is this program */
    uint32_t vpid;  /* whose translations are kept; 0: nobody's */
    uint64_t eptp;
    bool shut_down;           /* the guest's activity state is that */
    bool injecting;           /* the entry's event is not asked for */
    bool trap_flag_pending;   /* a monitor-trap-flag exit is injected */
    uint64_t entered;         /* cpu->ran at the entry */
    uint64_t timer_end;       /* time-stamp counter at which the timer is 0 */
    struct vtx_exit exit;     /* on its way */
    struct entry_failure why; /* the last entry that failed */
    struct entry_memo memo;   /* the last one whose checks held */
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

#endif
