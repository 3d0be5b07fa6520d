#include "x86vmm/engine/engine_vtx.h"

#include "x86vmm/engine/vtx_host.h"

/* Whatever can leave the guest. */
static void watch(struct vmcs *m)
{
    static const uint16_t controls[] = {
        VMX_PRIMARY_INVLPG,    VMX_PRIMARY_RDPMC,
        VMX_PRIMARY_RDTSC,     VMX_PRIMARY_CR3_LOAD,
        VMX_PRIMARY_CR3_STORE, VMX_PRIMARY_CR8_LOAD,
        VMX_PRIMARY_CR8_STORE, VMX_PRIMARY_MOV_DR,
        VMX_PRIMARY_PAUSE,     VMX_SECONDARY_DESCRIPTOR_TABLE,
        VMX_SECONDARY_WBINVD};

    for (size_t i = 0; i < ARRAY_LEN(controls); i++)
        vmcs_put(m, (enum vmx_control)controls[i], true);
    m->field[VMCS_CR0_MASK] = UINT64_MAX;
    m->field[VMCS_CR4_MASK] = UINT64_MAX;
}

static void attach(struct vcpu *v)
{
    struct vtx_vcpu *c = vtx_vcpu(v);

    vtx_attach(&c->vtx, &c->model.cpu);
    vtx_make_vmcs(&c->vmcs);
    c->loaded = &c->vmcs;
    nested_attach(v);
    vmcs_put(&c->vmcs, VMX_PRIMARY_CR8_LOAD, c->model.platform->apic);
    if (c->model.platform->watched)
        watch(&c->vmcs);
}

static bool enter(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    struct vtx_vcpu *c = vtx_vcpu(v);
    const struct entry_failure *why = &c->vtx.why;

    if (vtx_enter(&c->model.cpu, c->loaded, exited))
        return true;
    x->raw = entry_stage_number(why->check->stage);
    x->raw_name = why->check->name;
    x->raw_info[0] = why->value;
    entry_failure_words(why, c->model.why, sizeof(c->model.why));
    x->why = c->model.why;
    return false;
}

static enum x86_outcome interrupt(struct vcpu *v, enum x86_outcome out)
{
    vtx_interrupt(&vtx_vcpu(v)->model.cpu);
    return out;
}

const struct model_ops vtx_ops = {
    .vcpu_bytes = sizeof(struct vtx_vcpu),
    .make_tables = vtx_make_tables,
    .attach = attach,
    .prepare = vtx_prepare,
    .enter = enter,
    .interrupt = interrupt,
    .take_state = vtx_take_state,
    .tell = vtx_tell,
    .waiting = vtx_waiting,
    .block = vtx_block,
    .lend = nested_lend,
    .undo = nested_undo,
    .follow = nested_follow,
    .inner = &vtx_guest,
    .first = nested_first,
    .blocks_nmi = nested_blocks_nmi,
    .takes = nested_takes,
};

static enum status probe(struct diag *d)
{
    return model_probe(engine_vtx.name, d);
}

static enum status vm_init(struct vm *vm)
{
    return model_vm_init(vm, &vtx_ops);
}

const struct engine_ops engine_vtx = {
    .name = "vtx",
    .title = "x86 hardware assistance of the modelled processor: VT-x",
    .probe = probe,
    .vm_init = vm_init,
    MODEL_ENGINE,
};
