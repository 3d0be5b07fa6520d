/* One modelled x86 processor: what it holds beside the architectural state, and
 * what every instruction body may use.
 *
 * The machine is bare: it has never heard of monitors.  Trouble that the guest
 * sees is returned, never thrown: a function that can raise an exception
 * returns 0, or X86_FAULT with the exception in cpu->fault.  Until a body
 * returns 0 it must have changed nothing that the program could see, but for
 * what the manual lets an instruction do in part (string instructions, one
 * iteration at a time). */
#ifndef X86VMM_MACHINE_CPU_H
#define X86VMM_MACHINE_CPU_H

#include "base/bus.h"
#include "base/clock.h"
#include "base/mem.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/state.h"

/* How a body, a step or a run ends. */
enum x86_outcome {
    X86_NEXT,     /* go on */
    X86_FAULT,    /* cpu->fault is to be delivered */
    X86_SYNC,     /* go on, but what the run has cached of modes may be stale:
                   * mode, paging, IF, RIP in another segment */
    X86_HALT,     /* HLT: wait for an interrupt */
    X86_SHUTDOWN, /* triple fault */
    X86_EXIT,     /* the guest was left, and its monitor is not in storage */
    X86_BUDGET,   /* as many instructions as asked for were attempted */
    X86_OUTCOME_COUNT
};

/* An exception, software interrupt or external interrupt on its way. */
struct x86_fault {
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint64_t cr2;   /* of a page fault; loaded into CR2 at delivery */
    uint32_t debug; /* of #DB; likewise into DR6, and DR7.GD is cleared */
    bool software;  /* INT n, INT3, INTO: gate DPL is checked, no EXT bit */
    bool external;  /* interrupt or NMI: EXT bit of errors on the way */
    bool nmi;       /* of these an NMI: an interrupt may have its vector */
    bool trap;      /* RIP to save is that of the next instruction */
    bool exits;     /* none: a VM exit on its way (assist.h) */
    bool plain_int; /* INT n, which is no exception */
    bool int1;      /* INT1, whose gate anybody may use */
    bool keep_rf;   /* a fault whose saved RF is as it was: #DB of an
                     * instruction breakpoint */
};

/* ---- Lazy flags ----
 *
 * CF PF AF ZF SF OF after an arithmetic or logical instruction, kept as its
 * result and its carries, in the operand's width.  flags.c turns them into
 * bits of RFLAGS; while `lazy` is set those six of state.rflags are stale. */
struct x86_flags {
    bool lazy;
    uint8_t bits;     /* operand width: 8, 16, 32, 64 */
    uint64_t result;  /* in the low bits */
    uint64_t carries; /* bit i: carry (borrow) out of bit i */
};

/* ---- Floating point and vectors ---- */

struct x86_f80 {
    uint64_t significand;
    uint16_t exponent; /* and sign, bit 15 */
};

struct x86_fpu {
    struct x86_f80 st[8]; /* physical registers; MMn is st[n].significand */
    uint16_t control, status, tag; /* tag: two bits a physical register */
    uint16_t opcode;
    uint64_t ip, dp;
    uint16_t cs, ds;
};

struct x86_xmm {
    uint64_t q[2]; /* q[0] is the low half */
};

/* ---- Address translation caches ----
 *
 * One for data, one for instructions, so that which translations are kept does
 * not depend on how far ahead instructions were read. */

enum { X86_TLB_SIZE = 1024, X86_ITLB_SIZE = 256, X86_PAGE = 4096 };

/* A page, and which kinds of access to it have been checked.  A tag is the
 * linear page address and below it
 *   X86_TLB_USER  checked for a program at CPL 3
 *   X86_TLB_SLOW  not to be touched directly: no storage or ROM, or (for
 *                 writes) its code is cached, and each store must be seen
 * X86_TLB_NONE: this kind has not been checked. */
#define X86_TLB_NONE UINT64_MAX
enum { X86_TLB_USER = 1, X86_TLB_SLOW = 2 };
/* Not in tags: an access of the processor's own, in whose name AC does not
 * lift SMAP (SDM vol. 3, "Determination of Access Rights"). */
enum { X86_TLB_IMPLICIT = 4 };
enum { X86_TLB_OPENED = 16 };
struct x86_tlb_entry {
    uint64_t tag[2]; /* [0] reads or fetches, [1] writes */
    uint8_t *host;   /* of the page's first byte; NULL: not storage (MMIO) */
    uint64_t gpa;    /* of the page; bit 0 set: a global one */
};

/* What access.h needs to let most accesses through at once. */
struct x86_fast_segment {
    uint64_t base_mask; /* 0: the base does not count (64-bit mode) */
    uint64_t end[2];    /* an offset below this is in limit and type for 8
                         * bytes; [0] reads, [1] writes */
};

/* What an instruction of several stores has overwritten (access.h). */
enum { X86_STORES = 128 };
struct x86_stores {
    unsigned depth; /* it is being kept; 0: not */
    unsigned count;
    struct {
        uint64_t gpa;
        uint8_t *host;
        uint8_t size, bytes[8];
    } was[X86_STORES];
};

struct x86_written;    /* written.h: which pages have been written */
struct x86_code_cache; /* code.h: decoded instructions by physical page */

#define X86_NO_REPEAT UINT64_MAX

/* What a machine around the processor answers. */
struct x86_world {
    const struct mem_map *mem; /* storage; borrowed */
    const struct bus *bus;     /* ports and MMIO; borrowed */
    struct clock *clock;       /* guest time; borrowed */
    /* The interrupt controller: the vector that INTA gives, or -1. */
    int (*acknowledge)(void *who);
    void *who;
    bool apic; /* there is a local APIC: CPUID tells, its MSR is there */
    /* Twelve characters in place of the profile's vendor; NULL: none.  Some
     * programs take a vendor they do not know for another one. */
    const char *vendor;
    /* CR8 or the APIC's MSR has been written; NULL: nobody minds. */
    void (*apic_changed)(void *who);
    /* FERR#: an x87 exception waits and CR0.NE is 0, so that an interrupt is
     * to tell of it; NULL: it is ignored. */
    void (*float_error)(void *who);
    /* An exception or interrupt is about to be delivered; NULL: nobody wants
     * to know. */
    void (*delivers)(void *who, const struct x86_fault *f);
};

struct x86_assist; /* assist.h */
struct x86_guest;

/* By AMD-V's global interrupt flag; of a guest whose RFLAGS.IF masks virtual
 * interrupts only, by the monitor's. */
enum { X86_HELD_INTERRUPTS = 1, X86_HELD_NMI = 2, X86_HELD_BREAKPOINTS = 4 };

struct x86_cpu {
    struct x86_state state;
    struct x86_flags flags;
    struct x86_fpu fpu;
    struct x86_xmm xmm[16];
    uint32_t mxcsr;
    uint64_t dr[8];
    uint64_t pdpte[4]; /* PAE paging's, loaded with CR3 */
    uint64_t tsc_offset;
    struct x86_msrs *msrs; /* msr.h */

    struct x86_world world;
    const struct x86_assist *assist; /* NULL: none; borrowed */
    const struct x86_guest *guest;   /* in a guest; its hooks */
    void *assistant;                 /* theirs */
    bool watched;       /* each instruction of the guest is looked at */
    uint64_t debugctl;  /* IA32_DEBUGCTL (debug.h) */
    uint64_t guest_due; /* in a guest: when `ran` is this, its `between` is
                         * asked; later than `ran` */
    uint8_t held;       /* X86_HELD_*: what waits, though nothing masks it */
    struct x86_fault fault;
    bool interrupt_line; /* the controller has one */
    uint64_t masked; /* bits of physical addresses that are 0: x86_set_a20 */
    bool nmi_pending, nmi_blocked;
    bool shadow; /* after STI, MOV SS, POP SS: no interrupt before the next */
    bool shadow_ss;   /* of the last two: no debug exception either */
    bool shadowed_ss; /* the instruction that is being executed is in it */
    bool halted;

    /* Of the instruction that is being executed: */
    uint64_t next_rip;
    uint64_t repeats_at; /* `ran` after which a repeated string instruction is
                          * to go on; X86_NO_REPEAT: none */
    bool traced;         /* by TF as it was before; SYSCALL and SYSRET: after */

    /* Caches of the mode, kept by x86_mode_changed. */
    uint8_t cpl, code_bits;
    bool stack_32, stack_64;
    uint8_t user;      /* CPL is 3: X86_TLB_USER, or 0 */
    uint64_t rip_mask; /* of RIP and of SP, as wide as they are */
    uint64_t sp_mask;
    uint64_t linear_mask; /* of linear addresses */
    struct x86_fast_segment fast[X86_GS + 1];

    uint64_t ran;      /* instructions attempted since reset */
    uint64_t run_end;  /* x86_run goes on until `ran` is this; a device may
                        * lower it (to `ran`), and sets code_stale, when what
                        * it was asked to do must be looked at */
    uint64_t ran_told; /* of these, told to the clock by whoever advances it */
    uint32_t debug_hits; /* debug.h: bits of DR6 for a trap after this one */
    bool code_stale;     /* code.h: what is being executed has been dropped */
    struct x86_tlb_entry tlb[X86_TLB_SIZE], itlb[X86_ITLB_SIZE];
    /* A bit for each entry that may hold something: to flush few is quick. */
    uint64_t tlb_used[X86_TLB_SIZE / 64], itlb_used[X86_ITLB_SIZE / 64];
    /* Users' pages that a supervisor could reach because of AC, despite SMAP:
     * their slots in `tlb`, to be dropped when AC is cleared.  A count above
     * X86_TLB_OPENED: there are more. */
    unsigned opened;
    uint16_t opened_slot[X86_TLB_OPENED];
    struct x86_stores stores;
    struct x86_code_cache *code; /* owned */
    struct x86_written *written; /* NULL: nobody asks; borrowed */
};

/* ---- Raising ---- all return X86_FAULT, so that `return x86_raise(...)`. */

static inline int x86_raise(struct x86_cpu *cpu, unsigned vector)
{
    cpu->fault = (struct x86_fault){.vector = (uint8_t)vector};
    return X86_FAULT;
}

static inline int x86_raise_error(struct x86_cpu *cpu, unsigned vector,
                                  uint32_t error)
{
    cpu->fault = (struct x86_fault){
        .vector = (uint8_t)vector, .has_error = true, .error = error};
    return X86_FAULT;
}

static inline int x86_raise_gp(struct x86_cpu *cpu)
{
    return x86_raise_error(cpu, X86_EXC_GP, 0);
}

/* ---- The processor ---- */

/* A processor in this world, reset.  It is large: allocate it.  Fails when
 * there is no memory for its caches. */
MUST_USE enum status x86_cpu_init(struct x86_cpu *cpu,
                                  const struct x86_world *world);
void x86_cpu_fini(struct x86_cpu *cpu);

/* As RESET# does (Intel SDM vol. 3, "Processor State After Reset"): execution
 * begins at F000:FFF0, base FFFF0000. */
void x86_cpu_reset(struct x86_cpu *cpu);

/* The pin A20M#: off, bit 20 of each physical address is 0 (Intel SDM vol. 3,
 * "Real-Address Mode: Address Translation"; after a reset the pin is as it
 * was).  In VMX operation there is no such mode, so VMXON refuses. */
void x86_set_a20(struct x86_cpu *cpu, bool on);

/* Somebody has changed state (CR0, CR4, EFER, segments, VM or AC in RFLAGS)
 * from outside or by an instruction: the caches of it are made anew.
 * Translations are dropped only by x86_tlb_flush. */
void x86_mode_changed(struct x86_cpu *cpu);

/* One instruction, or the delivery of what is pending.  This is the meaning of
 * the machine; x86_run is the same, faster. */
enum x86_outcome x86_step(struct x86_cpu *cpu);

/* The same, but the fault of an instruction is left in cpu->fault: X86_FAULT,
 * with RIP at the instruction.  Nothing that is pending is looked at, nothing
 * is counted. */
MUST_USE int x86_try(struct x86_cpu *cpu);

/* Until `n` instructions were attempted, or HALT, SHUTDOWN or EXIT. */
enum x86_outcome x86_run(struct x86_cpu *cpu, uint64_t n);

/* RFLAGS with the lazy bits computed; storing them makes nothing lazy. */
uint64_t x86_flags_get(struct x86_cpu *cpu);
/* The same as an interrupt or a VM exit saves them between two instructions:
 * RF is set in the midst of a repeated string instruction (Intel SDM vol. 3,
 * "Instruction-Breakpoint Exception Condition"). */
uint64_t x86_flags_between(struct x86_cpu *cpu);
void x86_flags_set(struct x86_cpu *cpu, uint64_t rflags);

#endif
