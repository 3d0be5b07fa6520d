/* A PC for a session: bare, or under a monitor on some engine.  The session
 * does not care which. */
#ifndef CLI_PC_MACHINE_H
#define CLI_PC_MACHINE_H

#include "cli/pc_assist.h"
#include "cli/vmm_x86.h"
#include "x86vmm/pc/load.h"
#include "x86vmm/pc/pc.h"

struct pc_machine {
    struct pc *pc;       /* bare; or NULL, and */
    struct x86_vmm *vmm; /* the monitor, with */
    struct vm *vm;       /* this machine */
    /* Of either of them: */
    struct board *board;
    struct clock *clock;
    struct x86_platform *platform;
    const struct mem_map *mem;
    uint64_t bytes;               /* of storage */
    struct pc_assisted *assisted; /* the bare one's processor; or NULL */
};

/* On this engine; NULL: bare.  STATUS_UNSUPPORTED when this host cannot.  After
 * a failure there is nothing to close. */
MUST_USE enum status pc_machine_open(struct pc_machine *m,
                                     const struct engine_ops *engine,
                                     const char *name,
                                     const struct pc_plan *plan,
                                     struct trace *trace, struct diag *diag);
void pc_machine_close(struct pc_machine *m);

/* Give the bare one's processor this. */
MUST_USE enum status pc_machine_assist(struct pc_machine *m,
                                       enum pc_assist assist,
                                       struct diag *diag);

/* Load a kernel; plan->mem and plan->storage are set here.  STATUS_UNSUPPORTED
 * when the engine lacks on this host what such a kernel needs: of a boot sector
 * that is real mode, of all others everything. */
MUST_USE enum status pc_machine_load(struct pc_machine *m,
                                     struct load_plan *plan, struct diag *diag);

/* Attempt about n instructions, never more, or come back earlier.  PC_FAILED:
 * the monitor has given up. */
enum pc_stop pc_machine_run(struct pc_machine *m, uint64_t n);

/* Why it came back, in words. */
void pc_machine_words(const struct pc_machine *m, enum pc_stop stop, char *out,
                      size_t size);

/* Instructions attempted so far; ticks spent waiting; is it in HLT with
 * interrupts on? */
uint64_t pc_machine_ran(const struct pc_machine *m);
uint64_t pc_machine_waited(const struct pc_machine *m);
bool pc_machine_waits(const struct pc_machine *m);

#endif
