/* A session of x86 guests under the monitor: on /dev/kvm, or in VMX non-root
 * operation of the modelled processor. */
#include "cli/session.h"

#include "cli/command.h"
#include "cli/vmm_x86.h"
#include "monitor/dispatcher.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"

#include <stdio.h>
#include <string.h>

/* ---- The operator's hands: a serial line has no attention key ---- */

static bool in_wait(void *machine)
{
    return ((struct guest *)machine)->vm->vcpu.waiting;
}

static bool reading(void *machine)
{
    (void)machine;
    return true; /* a serial line takes input at any time */
}

static void attention(void *machine)
{
    const struct guest *g = machine;
    const uint8_t newline = '\r';

    (void)x86_vm_input(g->vm, &newline, 1);
}

static void answer(void *machine, const char *text)
{
    const struct guest *g = machine;
    size_t n = strlen(text);

    if (x86_vm_input(g->vm, (const uint8_t *)text, n) < n)
        cli_say("%s: its serial port has no room for '%s'", g->name, text);
    attention(machine);
}

static void stop(void *machine)
{
    struct guest *g = machine;

    g->stopped = true;
    g->vm->state = VM_STOPPED;
}

static uint64_t insns(const void *guest)
{
    return ((const struct guest *)guest)->vm->vcpu.insns;
}

static void printed(void *to, const uint8_t *bytes, size_t n)
{
    char text[256];

    while (n) { /* \r\n and \n alike end a line */
        size_t len = 0;

        for (; n && len < sizeof(text); bytes++, n--)
            if (*bytes != '\r')
                text[len++] = (char)*bytes;
        session_printed(to, text, len);
    }
}

/* ---- The machine ---- */

const struct engine_ops *session_engine(enum session_on on)
{
    static const struct engine_ops *const engines[ON_COUNT] = {
        [ON_KVM] = &engine_kvm,
        [ON_VTX] = &engine_vtx,
        [ON_SVM] = &engine_svm,
    };

    return engines[on];
}

enum session_on session_choose_x86(const struct session *s)
{
    struct diag why = {""}, other = {""};

    for (unsigned i = 0; i < s->count; i++) {
        const struct guest_file *f = &s->guests[i].file;
        enum x86_mode mode = f->kind == GUEST_X86
                                 ? x86_image_mode(f->path, &other)
                                 : X86_MODE_COUNT;

        if (mode == X86_MODE_COUNT)
            return ON_KVM; /* which will complain of the file */
        if (!x86_vmm_probe_all(&engine_kvm, mode, s->plan->stepping, &why))
            continue;
        if (engine_vtx.probe(&other))
            return ON_KVM;
        cli_say("%s; on vtx instead", why.text);
        return ON_VTX;
    }
    return ON_KVM;
}

static enum status open_guest(struct guest *g, struct diag *diag)
{
    static const struct script_hands hands = {in_wait, reading, attention,
                                              answer,  stop,    NULL};
    struct session *s = g->session;
    struct script_hands mine = hands;

    if (g->file.kind != GUEST_X86)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: a System/370 guest does not run on %s",
                        g->file.path, session_on_names[s->on]);
    enum x86_mode mode = x86_image_mode(g->file.path, diag);
    if (mode == X86_MODE_COUNT)
        return STATUS_BAD_INPUT;
    enum status st = x86_vmm_probe(session_engine(s->on), mode, diag);
    if (st)
        return st;
    g->vm =
        x86_vmm_add(s->machine, g->name, mode, X86_VMM_STORAGE_DEFAULT, diag);
    if (!g->vm)
        return STATUS_NO_MEMORY;
    g->vm->stop_after = s->plan->stop_after;
    session_step(s->plan, &g->vm->vcpu);
    x86_vm_on_output(g->vm, printed, g);
    mine.machine = g;
    st = session_sit(g, &mine, &g->vm->clock, insns, diag);
    return st ? st : x86_vm_load_file(g->vm, g->file.path, diag);
}

static enum status open_kvm(struct session *s, struct diag *diag)
{
    enum status st = x86_vmm_probe(session_engine(s->on), X86_MODE_COUNT, diag);

    if (st)
        return st;
    s->machine = x86_vmm_new(session_engine(s->on),
                             (uint64_t)s->count * X86_VMM_STORAGE_DEFAULT,
                             s->plan->trace, diag);
    if (!s->machine)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < s->count && !st; i++)
        st = open_guest(&s->guests[i], diag);
    return st;
}

/* It may be this host's fault. */
static void add_lacks(struct guest *g)
{
    struct diag lacks = {""};
    size_t n = strlen(g->why);

    if (x86_vmm_probe_all(g->vm->engine, X86_MODE_COUNT,
                          g->session->plan->stepping, &lacks))
        snprintf(g->why + n, sizeof(g->why) - n, " (%.200s)", lacks.text);
}

static void judge(struct guest *g)
{
    uint32_t code;

    session_judge_vm(g);
    if (g->end == GUEST_FAILED)
        add_lacks(g);
    if (g->end != GUEST_ENDED)
        return;
    if (x86_vm_exit_code(g->vm, &code)) {
        snprintf(g->why, sizeof(g->why), "through its exit port, code %u",
                 code);
        g->end = code ? GUEST_REFUSED : GUEST_ENDED;
    } else {
        snprintf(g->why, sizeof(g->why), "%s", g->vm->diag.text);
    }
}

/* A guest that sleeps has read all that came: give it the next line, if it
 * comes from a pipe.  At a terminal the person decides. */
static bool feed(struct session *s)
{
    bool fed = false;

    if (s->consoles.source != CONSOLES_PIPE)
        return false;
    for (unsigned i = 0; i < s->count; i++) {
        struct guest *g = &s->guests[i];

        if (g->end != GUEST_IDLE)
            continue;
        session_reading(g);
        fed = fed || x86_vm_input_waiting(g->vm);
    }
    return fed;
}

static void run_kvm(struct session *s)
{
    size_t count;
    struct vm **vms = x86_vmm_vms(s->machine, &count);

    do {
        vmm_run(vms, count, &session_interrupted);
        for (unsigned i = 0; i < s->count; i++)
            judge(&s->guests[i]);
    } while (!session_interrupted && feed(s));
}

static void close_kvm(struct session *s)
{
    if (s->machine)
        x86_vmm_free(s->machine);
    s->machine = NULL;
    for (unsigned i = 0; i < s->count; i++)
        s->guests[i].vm = NULL;
}

const struct session_ops session_kvm = {open_kvm, run_kvm, session_account_vms,
                                        close_kvm};
