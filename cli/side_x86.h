/* One of the two machines of lockstep_x86.h. */
#ifndef CLI_SIDE_X86_H
#define CLI_SIDE_X86_H

#include "cli/lockstep_x86.h"
#include "x86vmm/machine/written.h"

/* Disks, then floppy disks. */
enum { X86_SIDE_DISKS = 2, X86_SIDE_DRIVES = X86_SIDE_DISKS + FDC_DISKS };

/* Files of the plan, read once. */
struct x86_side_files {
    struct load_file kernel, initrd, rom;
};

/* An engine that remembers exits, around the true one. */
struct x86_noting {
    struct engine_ops ops; /* first: a vm's engine leads here */
    const struct engine_ops *below;
    struct x86_past_exit last[X86_LOCKSTEP_EXITS]; /* a ring */
    uint64_t count;                                /* of exits in all */
    enum exit_reason reason; /* of the last one, whatever it was */
};

struct x86_side {
    const char *name;
    struct pc_machine pc;
    struct x86_noting noting;
    struct x86_written *written; /* owned */
    struct pc_scratch drives[X86_SIDE_DRIVES];
    struct overheard text;
    struct script_run *script; /* owned; NULL: none */
    uint64_t quiet;            /* tick of the last output or input */
    bool ended;
    enum pc_stop stop; /* then */
};

MUST_USE enum status x86_side_read(struct x86_side_files *f,
                                   const struct session_plan *plan,
                                   struct diag *diag);
void x86_side_forget(struct x86_side_files *f);

/* The machine, its guest loaded. */
MUST_USE enum status x86_side_open(struct x86_side *s,
                                   const struct x86_lockstep_side *as,
                                   const struct session_plan *plan,
                                   const struct x86_side_files *f,
                                   struct diag *diag);
void x86_side_close(struct x86_side *s);

/* On to this number of instructions, unless it ends before. */
void x86_side_run_to(struct x86_side *s, uint64_t insns);
/* A machine under a monitor: one turn, at most n instructions. */
void x86_side_turn(struct x86_side *s, uint64_t n);

/* Is it between two instructions, with nothing on its way? */
bool x86_side_rests(struct x86_side *s);

static inline uint64_t x86_side_insns(const struct x86_side *s)
{
    return pc_machine_ran(&s->pc);
}

#endif
