/* The same PC twice, bare and under a monitor or under two, in lockstep.
 *
 * Both are made from one plan and brought abreast (abreast.h) at every exit of
 * the second one, a few times soon after it, and at a sample of the
 * instructions between.  What is compared there: the processor (sight_x86.h),
 * the pages that either has written since the last time (written.h), what both
 * have printed and written to disks, and their time.  All storage is compared
 * now and then, and at the end, so that a store that passed nobody's log is
 * found, too. */
#ifndef CLI_LOCKSTEP_X86_H
#define CLI_LOCKSTEP_X86_H

#include "cli/overheard.h"
#include "cli/pc_scratch.h"
#include "cli/script.h"
#include "cli/session.h"
#include "cli/sight_x86.h"

enum {
    X86_LOCKSTEP_SAMPLE = 20000,
    X86_LOCKSTEP_WORDS = 160,
    X86_LOCKSTEP_EXITS = 6 /* that are remembered */
};

/* An exit of the second machine, as it was told to the monitor. */
struct x86_past_exit {
    uint64_t insns; /* of the machine, with the one that exited */
    uint64_t pc;
    uint16_t cs;
    const char *reason, *raw_name, *insn; /* the last two may be NULL */
    char text[40]; /* where nobody has named the instruction: disassembled */
    enum exit_reason kind;
    bool write;             /* I/O: to a device */
    uint8_t size;           /* I/O: bytes */
    uint64_t addr;          /* I/O: port or address */
    uint64_t value;         /* I/O: what is written */
    uint32_t rax, rcx, rdx; /* what CPUID, RDMSR and WRMSR are asked */
};

/* One of the two machines. */
struct x86_lockstep_side {
    const char *name;                /* "bare", "vtx" */
    const struct engine_ops *engine; /* NULL: bare */
};

struct x86_lockstep_plan {
    const struct session_plan *pc;    /* kernel, initrd, disks ...; borrowed */
    struct x86_lockstep_side side[2]; /* the second one has an engine */
    uint64_t limit, sample;           /* as in abreast.h; 0: our own */
    const volatile bool *interrupted;
    /* A machine under a monitor has been made (a test breaks it). */
    void (*made)(void *who, struct vm *vm);
    void *who;
};

enum x86_lockstep_end {
    X86_LOCKSTEP_CUT,     /* the limit was reached, or somebody interrupted */
    X86_LOCKSTEP_IDLE,    /* it waits, and nothing will happen by itself */
    X86_LOCKSTEP_STOPPED, /* it has ended its machine */
    X86_LOCKSTEP_HALTED,  /* HLT with interrupts off */
    X86_LOCKSTEP_SHUTDOWN /* triple fault */
};

struct x86_lockstep_report {
    bool same;
    enum x86_lockstep_end end;
    const char *names[2];
    uint64_t insns; /* over which both were the same */
    uint64_t exits; /* of the second machine */
    uint64_t syncs; /* comparisons made */

    /* The first difference: abreast.h. */
    bool exact;
    uint64_t window;
    char what[DIAG_SIZE]; /* "rbx: 1 bare, 2 vtx" */
    uint64_t pc;          /* of the instruction at fault */
    uint16_t cs;
    char insn[X86_LOCKSTEP_WORDS]; /* disassembled, or "" */
    bool seen; /* the first machine before that instruction, too: */
    struct x86_sight before;
    struct x86_sight sight[2];
    struct x86_past_exit last[X86_LOCKSTEP_EXITS]; /* before it, in order */
    unsigned last_count;
    struct diag unmet; /* the script's line that was not reached, or "" */
};

/* STATUS_OK and the report, or why the machines cannot be made. */
MUST_USE enum status x86_lockstep_run(const struct x86_lockstep_plan *plan,
                                      struct x86_lockstep_report *r,
                                      struct diag *diag);

/* For people.  What they would type to run the guest again: the program, and
 * the options that describe the PC ("trapline", "--kernel a"). */
void x86_lockstep_print(FILE *to, const struct x86_lockstep_report *r,
                        const char *program, const char *guest);

#endif
