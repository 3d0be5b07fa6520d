/* Private to engine/engine_vtx.c and vtx_*.c: the engine's own state. */
#ifndef X86VMM_ENGINE_VTX_HOST_H
#define X86VMM_ENGINE_VTX_HOST_H

#include "monitor/vm.h"
#include "x86vmm/machine/insn.h"
#include "x86vmm/machine/platform.h"
#include "x86vmm/vtx/vtx.h"

#include <signal.h>

/* The modelled machine's storage above all guests': the engine's tables. */
#define VTX_TABLES UINT64_C(0x800000000) /* 32 GiB */

/* vm->backing */
struct vtx_machine {
    struct mem_map mem; /* of the modelled machine: the guest's, the tables */
    uint8_t *tables;    /* owned */
    size_t bytes;
};

/* One access to a device. */
struct vtx_access {
    enum bus_space space;
    uint64_t addr, value;
    uint8_t size;
    bool write;
};

/* An instruction that is executed outside the guest. */
enum { VTX_ACCESSES = 64, VTX_STRING = 1024 };
struct vtx_outside {
    struct vtx_access done[VTX_ACCESSES]; /* that handlers have answered */
    unsigned count, next; /* of them; and those that this execution has met */
    struct vtx_access wanted; /* the first that they have not */
    bool wants;
    bool deaf; /* an event is delivered: devices do not answer */
};

/* How the exit's instruction is to be completed. */
enum vtx_completion {
    VTX_NOTHING,
    VTX_ADVANCED,    /* by the handler alone */
    VTX_IN,          /* IN: the answer goes to rAX */
    VTX_STRING_PORT, /* INS, OUTS */
    VTX_MMIO
};

/* vcpu->backing */
struct vtx_cpu {
    struct x86_cpu cpu;
    struct vtx vtx;
    struct vmcs vmcs;
    struct bus bus;        /* its devices are us: vtx_outside.c */
    struct x86_state last; /* as the VMCS has it */
    struct vtx_outside outside;

    /* Of the last exit. */
    enum vtx_completion completion;
    uint64_t exit_pc, exit_len;
    uint32_t count; /* of INS */
    uint8_t size;   /* of one element */
    bool rep;
    uint8_t data[VTX_STRING]; /* for the handler */

    bool inject; /* `event` is to be delivered at the next entry */
    struct vm_event event;
    uint64_t end; /* of the budget, in cpu.ran */
    struct x86_decoded stepped;
    volatile sig_atomic_t kicked;
};

static inline struct vtx_cpu *vtx_cpu(const struct vcpu *v)
{
    return v->backing;
}

static inline struct x86_state *vtx_arch(const struct vcpu *v)
{
    return v->arch;
}

/* ---- vtx_tables.c ---- */

/* EPT for all slots, and MSR bitmaps; the storage map is complete. */
MUST_USE enum status vtx_make_tables(struct vm *vm);
uint64_t vtx_ept_pointer(void);
uint64_t vtx_msr_bitmap(void);

/* ---- vtx_state.c ---- */

/* A VMCS with this engine's controls. */
void vtx_make_vmcs(struct vmcs *v);
/* The state into the VMCS, where it has changed, and what is injected. */
void vtx_prepare(struct vcpu *v);
/* The state after an exit. */
void vtx_take_state(struct vcpu *v);
/* An instruction is complete: what held for it alone ends. */
void vtx_advanced(struct vcpu *v);

/* ---- vtx_exit.c ---- */

/* The exit that the VMCS tells of.  False: it has been settled, go on. */
bool vtx_translate_exit(struct vcpu *v, struct vm_exit *x);
/* The handler is through: complete the instruction. */
void vtx_complete(struct vcpu *v);
/* What an access wants, as an exit. */
void vtx_access_exit(struct vcpu *v, struct vm_exit *x);

/* ---- vtx_outside.c ---- */

void vtx_attach_bus(struct vtx_cpu *c);
/* Execute the instruction at RIP, with faults and traps delivered; or, if
 * `event`, deliver that.  True: done, and the state is as after it.  False:
 * outside.wants, and nothing has happened; or *shutdown. */
bool vtx_execute(struct vcpu *v, const struct x86_fault *event, bool *shutdown);

#endif
