/* What VT-x and AMD-V leave to software alike: what a guest's processor has
 * beside its control structure, and the rest of what an exit's instruction
 * does. */
#ifndef X86VMM_BARE_HARDWARE_H
#define X86VMM_BARE_HARDWARE_H

#include "x86vmm/bare/emulator.h"
#include "x86vmm/machine/insn.h"
#include "x86vmm/vcpu.h"

/* How the exit's instruction is to be completed. */
enum completion {
    COMPLETE_NOTHING,
    COMPLETE_ADVANCED, /* by the handler alone */
    COMPLETE_IN,       /* the answer goes to rAX */
    COMPLETE_CPUID,    /* of which it may tell no more than the processor */
    COMPLETE_STRING,   /* INS, OUTS */
    COMPLETE_DEVICE,   /* a device in storage */
    COMPLETE_SOFTWARE  /* it is, by emulator.h */
};

enum { HARDWARE_STRING = 1024, HARDWARE_MSRS = 6 };

/* At the beginning of both engines' vcpu->backing. */
struct hardware {
    uint32_t loaded, changed; /* groups of the state that have been fetched,
                               * and that may have been changed */
    bool inject;              /* `event` is to be delivered at the next entry */

    /* Of the last exit. */
    enum completion completion;
    uint64_t exit_pc, exit_len;
    uint32_t leaf;  /* of CPUID */
    bool in;        /* INS, IN */
    uint8_t size;   /* of one element */
    uint32_t count; /* of elements */
    bool rep;
    uint8_t address; /* size of rCX, rSI, rDI */
    struct emulator emulator;
    struct vm_event event;
    uint8_t data[HARDWARE_STRING]; /* for the handler */

    /* While another has them. */
    uint64_t msrs[HARDWARE_MSRS], dr[8], cr2;
    uint8_t fpu[512] __attribute__((aligned(16))); /* FXSAVE */
};

static inline struct hardware *hardware(const struct vcpu *v)
{
    return v->backing;
}

void hardware_init(struct hardware *h, struct vcpu *v);

/* The guest's registers that no control structure has, out of the processor and
 * into it: when another guest's turn comes, not at each exit. */
void hardware_keep(struct hardware *h);
void hardware_give(const struct hardware *h);

/* DR0 to DR3 and DR6, of the guest whose they are. */
void hardware_read_debug(uint64_t dr[8]);
void hardware_write_debug(const uint64_t dr[8]);

/* A general register's first 1, 2, 4 or 8 bytes. */
uint64_t hardware_reg(const struct x86_state *s, unsigned reg, unsigned size);
void hardware_set_reg(struct x86_state *s, unsigned reg, unsigned size,
                      uint64_t value);

/* Which bits of CR0 and CR4 a guest must not change by itself: what the
 * processor that it was told of does not have. */
uint64_t hardware_cr0_mask(void);
uint64_t hardware_cr4_mask(void);
/* VT-x's MSR bitmaps, a page, and AMD-V's, two: the guest's own do not exit;
 * what steers the machine does. */
void hardware_own_msrs(uint8_t *bitmap);
void hardware_own_msrs_svm(uint8_t *map);

static inline bool hardware_interrupt_waits(const struct vcpu *v)
{
    return v->pending.count || x86_platform_waits(x86_platform(v));
}
MUST_USE enum status hardware_inject(struct vcpu *v, const struct vm_event *e);

/* Of struct engine_ops, for both engines: nobody else is there to kick, and
 * guest time is the machine's. */
void hardware_kick(struct vcpu *v);
uint64_t hardware_now(struct vcpu *v, uint64_t until);

/* ---- Exits, by what they are about; *x has its reason and names ---- */

struct port_access {
    uint16_t port;
    uint8_t size;
    bool in, string, rep, immediate;
};
/* False: there was nothing to do, go on. */
bool hardware_io_exit(struct vcpu *v, struct vm_exit *x,
                      const struct port_access *a, uint64_t len);
void hardware_halt_exit(struct vcpu *v, struct vm_exit *x, uint64_t len);
void hardware_call_exit(struct vcpu *v, struct vm_exit *x, enum x86_insn op,
                        uint64_t len);
/* What has come of an instruction that software has executed. */
void hardware_emulated(struct vcpu *v, struct vm_exit *x, enum emulated how);
/* Has an instruction more to ask, or has its processor shut down?  Then *x is
 * the exit, and the guest is not entered. */
bool hardware_goes_on(struct vcpu *v, struct vm_exit *x);
/* A guest-physical address where no storage is. */
void hardware_device_exit(struct vcpu *v, struct vm_exit *x, uint64_t gpa,
                          bool fetch);
/* An exception is all that it comes to. */
void hardware_exception(struct vm_exit *x, unsigned vector, bool has_error);
/* MOV to CR0 or CR4 with this value, which the masks did not let happen.
 * False: done, go on behind it; true: *x is the exit. */
bool hardware_control_exit(struct vcpu *v, struct vm_exit *x, unsigned cr,
                           uint64_t value);

/* The bytes of the instruction at RIP; returns how many. */
size_t hardware_fetch(struct vcpu *v, uint8_t bytes[X86_INSN_MAX]);
/* For the trace, which shows them. */
void hardware_show(struct vcpu *v, struct vm_exit *x);

/* ---- The most frequent exits: no call on their way ---- */

INLINE struct hardware *hardware_begin(struct vcpu *v, struct vm_exit *x,
                                       enum completion how, uint64_t len)
{
    struct hardware *h = hardware(v);

    h->completion = how;
    h->exit_pc = x->pc = x86_state(v)->rip;
    h->exit_len = len;
    x->insn_len = (uint8_t)len;
    return h;
}

/* Does this leaf tell of what the processor below may lack? */
INLINE bool hardware_confines(uint32_t leaf)
{
    return leaf == 1 || leaf == 7 || leaf == 0x80000001;
}

/* CPUID, RDMSR, WRMSR. */
INLINE void hardware_sensitive_exit(struct vcpu *v, struct vm_exit *x,
                                    enum x86_insn op, uint64_t len)
{
    struct hardware *h = hardware_begin(v, x, COMPLETE_ADVANCED, len);

    x->insn = &x86_insns.rows[op];
    h->leaf = (uint32_t)x86_state(v)->gpr[X86_RAX];
    if (op == X86_OP_CPUID && hardware_confines(h->leaf))
        h->completion = COMPLETE_CPUID;
    if (trace_on(v->vm->trace))
        hardware_show(v, x);
}

/* The handler is through: complete the instruction.  True: it is complete, and
 * what held for it alone (shadows) ends. */
bool hardware_complete_more(struct vcpu *v, enum completion how);
INLINE bool hardware_complete(struct vcpu *v)
{
    struct hardware *h = hardware(v);
    struct x86_state *s = x86_state(v);
    enum completion how = h->completion;
    uint64_t behind = h->exit_pc + h->exit_len;

    h->completion = COMPLETE_NOTHING;
    v->within = false;
    if (how == COMPLETE_NOTHING || h->inject ||
        (s->rip != behind && s->rip != (behind & x86_code_mask(s))))
        return false; /* the handler has not let it happen */
    if (how != COMPLETE_ADVANCED)
        return hardware_complete_more(v, how);
    s->rflags &= ~X86_FLAG_RF;
    return true;
}

#endif
