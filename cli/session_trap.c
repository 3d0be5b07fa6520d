/* A session under the monitor on the System/370. */
#include "cli/session_s370.h"

#include "cli/vmm_s370.h"
#include "monitor/dispatcher.h"
#include "s370/vcpu.h"

static enum status open_guest(struct guest *g, struct diag *diag)
{
    struct session *s = g->session;
    enum status st = session_s370_open(g, diag);

    if (st)
        return st;
    g->vm = s370_vmm_add(s->machine, g->name, g->equip.config.main_size, diag);
    if (!g->vm)
        return STATUS_BAD_INPUT;
    g->vm->stop_after = s->plan->stop_after;
    g->vm->vcpu.stepping = s->plan->stepping;
    st = session_s370_attach(g, diag);
    return st ? st : equip_start_vm(&g->equip, g->vm, diag);
}

static enum status open_trap(struct session *s, struct diag *diag)
{
    enum status st = STATUS_OK;

    s->machine = s370_vmm_new(0, s->plan->trace, diag);
    if (!s->machine)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < s->count && !st; i++)
        st = open_guest(&s->guests[i], diag);
    return st;
}

static void judge(struct guest *g)
{
    session_judge_vm(g);
    if (g->end == GUEST_ENDED && !s370_vcpu(&g->vm->vcpu)->stopped)
        session_s370_ended(g);
}

static void run_trap(struct session *s)
{
    size_t count;
    struct vm **vms = s370_vmm_vms(s->machine, &count);

    vmm_run(vms, count, &session_interrupted);
    for (unsigned i = 0; i < s->count; i++)
        judge(&s->guests[i]);
}

static void close_trap(struct session *s)
{
    s370_vmm_free(s->machine);
    s->machine = NULL;
    for (unsigned i = 0; i < s->count; i++) {
        s->guests[i].vm = NULL;
        session_s370_written(&s->guests[i]);
        equip_close(&s->guests[i].equip);
    }
}

const struct session_ops session_trap = {open_trap, run_trap,
                                         session_account_vms, close_trap};
