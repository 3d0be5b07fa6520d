/* A PC with all its devices (pc/board.h), for an operating system. */
#ifndef X86VMM_BARE_PC_MACHINE_H
#define X86VMM_BARE_PC_MACHINE_H

#include "x86vmm/bare/machine.h"

#define PC_MACHINE_STORAGE (UINT64_C(160) << 20)

struct pc_machine {
    struct machine machine; /* first: a struct vm of ours is one of these */
    struct board board;
    unsigned pages; /* of the monitor's, before its own */
};

/* What has come along for it; bytes NULL: nothing. */
struct pc_modules {
    struct module kernel, initrd, append;
};

/* After a reset: all but storage as it was in the beginning, and the kernel, as
 * a boot loader would have it, anew.  To be the last machine that was made. */
MUST_USE enum status pc_machine_reset(struct pc_machine *p,
                                      const struct pc_modules *from,
                                      struct diag *d);

/* Its kernel at its door.  Time is the machine's own: engine_ops.now. */
MUST_USE enum status pc_machine_make(struct pc_machine *p, struct allocator *a,
                                     const struct engine_ops *engine,
                                     const struct pc_modules *from,
                                     struct trace *trace, struct diag *d);

#endif
