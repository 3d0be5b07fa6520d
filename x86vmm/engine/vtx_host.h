/* Private to engine_vtx.c and vtx_*.c. */
#ifndef X86VMM_ENGINE_VTX_HOST_H
#define X86VMM_ENGINE_VTX_HOST_H

#include "x86vmm/engine/model_host.h"
#include "x86vmm/engine/nested.h"

/* vcpu->backing */
struct vtx_vcpu {
    struct model_vcpu model;
    struct vtx vtx;
    struct vmcs vmcs;
    struct vmcs *loaded;  /* that, or nested.vmcs */
    struct nested nested; /* of a guest that has VT-x of its own */
};

extern const struct model_ops vtx_ops;

static inline struct vtx_vcpu *vtx_vcpu(const struct vcpu *v)
{
    return v->backing;
}

/* ---- vtx_tables.c ---- */

enum status vtx_make_tables(struct vm *vm);
uint64_t vtx_ept_pointer(void);
uint64_t vtx_msr_bitmap(void);

/* ---- vtx_state.c ---- */

/* A VMCS with this engine's controls. */
void vtx_make_vmcs(struct vmcs *v);
void vtx_prepare(struct vcpu *v, bool changed);
/* SYSENTER's MSRs into it; and into the processor what is in no VMCS. */
void vtx_put_rest(struct vcpu *v, struct vmcs *m);
enum model_shadow vtx_take_state(struct vcpu *v);
uint32_t vtx_waiting(const struct vcpu *v);
void vtx_block(struct vcpu *v, enum model_shadow shadow);

/* ---- vtx_exit.c ---- */

void vtx_tell(struct vcpu *v, struct model_told *t);

#endif
