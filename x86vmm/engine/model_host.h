/* Private to the engines on the modelled processor (engine_vtx.c, engine_svm.c
 * and what is beside them): what they have in common.
 *
 * model_*.c run guests, execute instructions outside them, make exit records
 * and complete what exited; they know nothing of a control structure.  An
 * engine fills its own one, enters, and tells what an exit was about. */
#ifndef X86VMM_ENGINE_MODEL_HOST_H
#define X86VMM_ENGINE_MODEL_HOST_H

#include "monitor/vm.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/insn.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/platform.h"

#include <signal.h>

/* The modelled machine's storage above all guests': the engine's tables. */
#define MODEL_TABLES UINT64_C(0x800000000) /* 32 GiB */
enum { MODEL_PAGE = 4096 };

/* vm->backing */
struct model_machine {
    const struct model_ops *ops;
    struct mem_map mem; /* of the modelled machine: the guest's, the tables */
    uint8_t *tables;    /* owned */
    size_t bytes;
    uint64_t spare; /* address of the form's spare pages */
};

/* One access to a device. */
struct model_access {
    enum bus_space space;
    uint64_t addr, value;
    uint8_t size;
    bool write;
};

/* Translations that are set aside. */
struct model_tlb {
    struct x86_tlb_entry tlb[X86_TLB_SIZE], itlb[X86_ITLB_SIZE];
    uint64_t tlb_used[X86_TLB_SIZE / 64], itlb_used[X86_ITLB_SIZE / 64];
    bool used;
};

/* An instruction that is executed outside the guest. */
enum { MODEL_ACCESSES = 64, MODEL_STRING = 1024, MODEL_MISSES = 8 };
struct model_outside {
    struct model_access done[MODEL_ACCESSES]; /* that handlers have answered */
    unsigned count, next; /* of them; and those that this execution has met */
    struct model_access wanted; /* the first that they have not */
    bool wants;
    bool again;     /* one whose delivery has begun: nobody is asked for it */
    bool deaf;      /* an event is delivered: devices do not answer */
    bool lone;      /* its only access to storage is the one to a device */
    uint16_t op_id; /* enum x86_op_id; X86_INSN_COUNT: not known */
    uint8_t op_len;
    /* Pages that are no plain storage, translated for this execution. */
    uint64_t missed[MODEL_MISSES];
    unsigned misses; /* more than MODEL_MISSES: too many to list */
    bool odd;        /* there were some */
    struct model_tlb aside;
    const struct x86_assist *assist; /* the processor's meanwhile set aside */
    void *assistant;
};

/* How the exit's instruction is to be completed. */
enum model_completion {
    MODEL_NOTHING,
    MODEL_ADVANCED,    /* by the handler alone */
    MODEL_IN,          /* IN: the answer goes to rAX */
    MODEL_STRING_PORT, /* INS, OUTS */
    MODEL_MMIO,
    MODEL_MOVE /* by the handler, and the answer goes to a register */
};

/* What blocks interrupts for one more instruction. */
enum model_shadow { MODEL_OPEN, MODEL_BY_STI, MODEL_BY_MOV_SS };

/* What vcpu->backing begins with. */
struct model_vcpu {
    struct x86_cpu cpu;
    const struct model_ops *ops;
    struct bus bus;                /* its devices are us: model_outside.c */
    struct x86_platform *platform; /* the guest's; borrowed */
    struct x86_state last;         /* as the control structure has it */
    struct model_outside outside;

    /* Of the last exit. */
    enum model_completion completion;
    uint64_t exit_pc, exit_len;
    uint32_t count; /* of INS */
    uint8_t size;   /* of one element */
    int32_t port;   /* of IN and OUT; -1: it was another instruction */
    bool rep;
    uint8_t address_size;       /* of the string instruction, bytes */
    uint8_t data[MODEL_STRING]; /* for the handler */
    struct x86_op move;         /* of MODEL_MOVE */

    bool inject; /* `event` is to be delivered at the next entry */
    struct vm_event event;
    uint64_t end; /* of the budget, in cpu.ran */
    struct x86_decoded stepped;
    enum model_shadow blocked; /* by what, as the control structure has it */
    bool down; /* the third fault, while an instruction was completed */

    /* The guest is a monitor, and its guest is what runs.  The state is that
     * one's; */
    bool inner;
    bool trap_waits; /* a guest's guest: its monitor sees each instruction of it
                      * before a trap of that one */
    bool closed;     /* interrupts are not delivered to it, whatever its IF */
    bool between;    /* the exit is none of the guest's: nothing is to come
                      * before the next one */
    bool counted;    /* the instruction that comes has exited before */
    volatile sig_atomic_t kicked;
    char why[DIAG_SIZE / 2]; /* a failed entry in words: vm_exit.why */
};

/* An exit, as the engine's control structure tells of it. */
enum { MODEL_SETTLED = EXIT_REASON_COUNT, MODEL_AGAIN };
struct model_told {
    unsigned reason; /* enum exit_reason; or MODEL_SETTLED: what exited is
                      * executed outside, and no handler is asked; or
                      * MODEL_AGAIN: nothing is wrong now, go on at once */
    uint32_t raw;
    const char *raw_name;
    uint64_t info;
    uint64_t len; /* of IO, HALT, HYPERCALL, SENSITIVE: the instruction's */
    /* What was being delivered when it came: it is delivered outside. */
    bool delivering;
    struct x86_fault event;
    uint64_t event_len;   /* of the instruction that event.trap is about */
    struct vm_event trap; /* TRAP */
    enum x86_insn insn;   /* HALT, HYPERCALL, SENSITIVE, IO */
    struct {              /* MMIO, where hardware tells of no walk or fetch: */
        bool known, write;
        uint64_t gpa;
    } access;
    struct { /* IO */
        uint16_t port;
        uint8_t size, address_size; /* bytes */
        bool in, string, rep;
    } io;
};

/* Exceptions that leave a watched guest.  #DB stays: its delivery changes DR6
 * and DR7.  What a program asks for, #BP and #OF, is settled, as is #MF with
 * CR0.NE off. */
enum { MODEL_WATCHED = ~(1 << 1) };
static inline bool model_reflects(const struct x86_state *s, unsigned vector)
{
    return vector != X86_EXC_BP && vector != X86_EXC_OF &&
           (vector != X86_EXC_MF || (s->cr0 & X86_CR0_NE));
}

/* What an engine does in its own way. */
struct model_ops {
    size_t vcpu_bytes; /* of its struct, which begins with a model_vcpu */
    bool walks_pdptes; /* as struct x86_guest's, of its guests */
    /* Tables for all slots, which are complete: model_make_tables. */
    enum status (*make_tables)(struct vm *);
    /* Make its part one of this processor's, and a control structure. */
    void (*attach)(struct vcpu *);
    /* The state into the control structure: all, where `changed`; what is
     * injected; a window, where an interrupt waits. */
    void (*prepare)(struct vcpu *, bool changed);
    /* False: refused, *x says why. */
    bool (*enter)(struct vcpu *, bool *exited, struct vm_exit *x);
    /* The host's timer interrupts between two instructions: leave, and return
     * `out`; or X86_EXIT where something that comes first has left. */
    enum x86_outcome (*interrupt)(struct vcpu *, enum x86_outcome out);
    /* The state after an exit, but for `interruptible` and `delivering`; what
     * blocks interrupts is returned. */
    enum model_shadow (*take_state)(struct vcpu *);
    void (*tell)(struct vcpu *, struct model_told *);
    /* Data breakpoints that wait since a load of SS, as in DR6; NULL: the
     * hardware keeps none. */
    uint32_t (*waiting)(const struct vcpu *);
    /* What blocks interrupts from now on.  What has waited has been taken; what
     * a load of SS leaves behind is in the processor's debug_hits. */
    void (*block)(struct vcpu *, enum model_shadow);

    /* Of an engine whose guests can be monitors; all NULL in others. */
    /* Outside the guest the processor is to have the guest's own assistance,
     * or none.  An execution that is given up has not touched that: undo. */
    void (*lend)(struct vcpu *);
    void (*undo)(struct vcpu *);
    /* It is back, with what may be another level's state. */
    void (*follow)(struct vcpu *);
    /* What leaves the guest's guest, for what is executed outside. */
    const struct x86_guest *inner;
    /* Its guest is to leave to it before anything is delivered there. */
    bool (*first)(const struct vcpu *);
    /* Are NMIs blocked, which its guest or it would get? */
    bool (*blocks_nmi)(const struct vcpu *);
    /* Does the guest, rather than its guest, get this event?  Then it has. */
    bool (*takes)(struct vcpu *, const struct vm_event *e);
};

static inline struct model_machine *model_machine(const struct vcpu *v)
{
    return v->vm->backing;
}

static inline struct model_vcpu *model_vcpu(const struct vcpu *v)
{
    return v->backing;
}

static inline struct x86_state *model_arch(const struct vcpu *v)
{
    return v->arch;
}

/* Debug exceptions that wait for the instruction that comes now. */
static inline uint32_t model_waiting(const struct vcpu *v)
{
    const struct model_ops *ops = model_machine(v)->ops;

    return ops->waiting ? ops->waiting(v) : 0;
}

static inline void model_block(struct vcpu *v, enum model_shadow by)
{
    model_vcpu(v)->blocked = by;
    model_machine(v)->ops->block(v, by);
}

/* ---- model_run.c: what struct engine_ops wants ---- */

enum status model_probe(const char *name, struct diag *d);
enum status model_vm_init(struct vm *vm, const struct model_ops *ops);
void model_vm_fini(struct vm *vm);
enum status model_map(struct vm *vm, const struct mem_slot *slot);
enum status model_vcpu_init(struct vcpu *v);
void model_vcpu_fini(struct vcpu *v);
enum status model_run(struct vcpu *v, struct vm_exit *x);
enum status model_load_regs(struct vcpu *v, uint32_t groups);
enum status model_store_regs(struct vcpu *v, uint32_t groups);
enum status model_inject(struct vcpu *v, const struct vm_event *e);
void model_wrote(struct vcpu *v, uint64_t gpa, size_t n);
void model_kick(struct vcpu *v);
#define MODEL_ENGINE                                                          \
    .vm_fini = model_vm_fini, .map = model_map, .vcpu_init = model_vcpu_init, \
    .vcpu_fini = model_vcpu_fini, .run = model_run, .present = X86_ALL,       \
    .load_regs = model_load_regs, .store_regs = model_store_regs,             \
    .inject = model_inject, .wrote = model_wrote, .kick = model_kick

/* Would an interrupt be delivered, with this shadow? */
bool model_interruptible(const struct vcpu *v, enum model_shadow shadow);
/* Are NMIs held back? */
bool model_nmi_held(const struct vcpu *v, enum model_shadow shadow);
/* Does an interrupt or NMI wait?  One that the guest does not accept yet? */
bool model_event_waits(const struct vcpu *v);
bool model_wants_window(const struct vcpu *v);
/* Do these translate a linear address alike? */
bool model_translates_alike(const struct x86_state *a,
                            const struct x86_state *b);

/* ---- model_tables.c ---- */

/* How entries of the second level of translation are written. */
struct model_table_form {
    unsigned front;       /* pages in front of the root: bitmaps */
    unsigned spare;       /* behind all tables: for the engine's own use */
    uint64_t table;       /* to another table */
    uint64_t page, fixed; /* of storage, of read-only storage */
    uint64_t large;       /* and of 2 MiB */
};

/* The pages in front, all zero, then the root, then other tables, for all
 * slots at the addresses that the guest has them at. */
MUST_USE enum status model_make_tables(struct vm *vm,
                                       const struct model_table_form *form);

/* ---- model_exit.c ---- */

/* The exit that the engine tells of.  False: it has been settled, go on. */
bool model_translate_exit(struct vcpu *v, struct vm_exit *x);
/* The handler is through: complete the instruction. */
void model_complete(struct vcpu *v);
/* What an access wants, as an exit. */
void model_access_exit(struct vcpu *v, struct vm_exit *x);

/* ---- model_move.c ---- */

/* A move between a register and a device, which need not be executed outside
 * to be understood: the exit, or false. */
bool model_move(struct vcpu *v, struct vm_exit *x, const struct model_told *t);
/* Is it a move between a register, or an immediate, and one page of storage,
 * which is at *linear?  It touches nothing else.  cpu->next_rip is set. */
bool model_is_lone_move(struct x86_cpu *cpu, const struct x86_op *op,
                        uint64_t *linear);
/* The handler has answered: into the register. */
void model_complete_move(struct vcpu *v);

/* ---- model_outside.c ---- */

void model_attach_bus(struct model_vcpu *c);
/* Between them the processor executes outside: storage and devices are the
 * guest's, the state is vcpu->arch; and then that is what came of it. */
void model_go_outside(struct vcpu *v);
void model_come_back(struct vcpu *v);
void model_take_over(struct vcpu *v);
/* The body of the instruction at RIP: an outcome; RIP stays, next_rip is what
 * it has made of it. */
int model_execute_body(struct model_vcpu *c);

/* Execute the instruction at RIP, with faults and traps delivered; or, if
 * `event`, deliver that.  True: done, and the state is as after it.  False:
 * outside.wants, and nothing has happened; or *shutdown. */
bool model_execute(struct vcpu *v, const struct x86_fault *event,
                   bool *shutdown);

#endif
