/* Between struct x86_state and KVM's register structures. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include "x86vmm/machine/exception.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

enum status kvm_failed(struct vm *vm, const char *what)
{
    return diag_set(&vm->diag, STATUS_HOST_FAILED, "%s: %s", what,
                    strerror(errno));
}

/* Row per register: struct kvm_regs names them, the state numbers them. */
static const size_t gpr_offset[X86_GPR_COUNT] = {
    offsetof(struct kvm_regs, rax), offsetof(struct kvm_regs, rcx),
    offsetof(struct kvm_regs, rdx), offsetof(struct kvm_regs, rbx),
    offsetof(struct kvm_regs, rsp), offsetof(struct kvm_regs, rbp),
    offsetof(struct kvm_regs, rsi), offsetof(struct kvm_regs, rdi),
    offsetof(struct kvm_regs, r8),  offsetof(struct kvm_regs, r9),
    offsetof(struct kvm_regs, r10), offsetof(struct kvm_regs, r11),
    offsetof(struct kvm_regs, r12), offsetof(struct kvm_regs, r13),
    offsetof(struct kvm_regs, r14), offsetof(struct kvm_regs, r15),
};

static const size_t seg_offset[X86_SEG_COUNT] = {
    [X86_ES] = offsetof(struct kvm_sregs, es),
    [X86_CS] = offsetof(struct kvm_sregs, cs),
    [X86_SS] = offsetof(struct kvm_sregs, ss),
    [X86_DS] = offsetof(struct kvm_sregs, ds),
    [X86_FS] = offsetof(struct kvm_sregs, fs),
    [X86_GS] = offsetof(struct kvm_sregs, gs),
    [X86_LDTR] = offsetof(struct kvm_sregs, ldt),
    [X86_TR] = offsetof(struct kvm_sregs, tr),
};

static void regs_to_state(const struct kvm_regs *r, struct x86_state *s)
{
    for (unsigned i = 0; i < X86_GPR_COUNT; i++)
        memcpy(&s->gpr[i], (const char *)r + gpr_offset[i], sizeof(uint64_t));
    s->rip = r->rip;
    s->rflags = r->rflags;
}

static void state_to_regs(const struct x86_state *s, struct kvm_regs *r)
{
    for (unsigned i = 0; i < X86_GPR_COUNT; i++)
        memcpy((char *)r + gpr_offset[i], &s->gpr[i], sizeof(uint64_t));
    r->rip = s->rip;
    r->rflags = s->rflags;
}

static struct x86_segment segment_from(const struct kvm_segment *k)
{
    return (struct x86_segment){
        .base = k->base,
        .limit = k->limit,
        .selector = k->selector,
        .attr =
            (uint16_t)((k->type & 0xF) | (k->s & 1) << 4 | (k->dpl & 3) << 5 |
                       (k->present & 1) << 7 | (k->avl & 1) << 8 |
                       (k->l & 1) << 9 | (k->db & 1) << 10 | (k->g & 1) << 11 |
                       (k->unusable & 1) << 12),
    };
}

static struct kvm_segment segment_to(const struct x86_segment *g)
{
    return (struct kvm_segment){
        .base = g->base,
        .limit = g->limit,
        .selector = g->selector,
        .type = g->attr & X86_ATTR_TYPE,
        .s = !!(g->attr & X86_ATTR_S),
        .dpl = (g->attr & X86_ATTR_DPL) >> 5,
        .present = !!(g->attr & X86_ATTR_P),
        .avl = !!(g->attr & X86_ATTR_AVL),
        .l = !!(g->attr & X86_ATTR_L),
        .db = !!(g->attr & X86_ATTR_DB),
        .g = !!(g->attr & X86_ATTR_G),
        .unusable = !!(g->attr & X86_ATTR_UNUSABLE),
    };
}

static void sregs_to_state(const struct kvm_sregs *k, struct x86_state *s)
{
    struct kvm_segment seg;

    for (unsigned i = 0; i < X86_SEG_COUNT; i++) {
        memcpy(&seg, (const char *)k + seg_offset[i], sizeof(seg));
        s->seg[i] = segment_from(&seg);
    }
    s->gdt = (struct x86_table_reg){k->gdt.base, k->gdt.limit};
    s->idt = (struct x86_table_reg){k->idt.base, k->idt.limit};
    s->cr0 = k->cr0;
    s->cr2 = k->cr2;
    s->cr3 = k->cr3;
    s->cr4 = k->cr4;
    s->cr8 = k->cr8;
    s->efer = k->efer;
}

/* Leaves what the state does not have (the APIC's base) as it is in *k. */
static void state_to_sregs(const struct x86_state *s, struct kvm_sregs *k)
{
    for (unsigned i = 0; i < X86_SEG_COUNT; i++) {
        struct kvm_segment seg = segment_to(&s->seg[i]);

        memcpy((char *)k + seg_offset[i], &seg, sizeof(seg));
    }
    k->gdt.base = s->gdt.base;
    k->gdt.limit = s->gdt.limit;
    k->idt.base = s->idt.base;
    k->idt.limit = s->idt.limit;
    k->cr0 = s->cr0;
    k->cr2 = s->cr2;
    k->cr3 = s->cr3;
    k->cr4 = s->cr4;
    k->cr8 = s->cr8;
    k->efer = s->efer;
}

EXIT_PATH static void set_lean(struct kvm_cpu *cpu, bool lean)
{
    cpu->lean = lean;
    if (cpu->shares)
        cpu->run->kvm_valid_regs =
            KVM_SYNC_X86_REGS | (lean ? 0 : KVM_SYNC_X86_SREGS);
}

void kvm_share_state(struct vcpu *v)
{
    const struct kvm_guest *g = v->vm->backing;
    struct kvm_cpu *cpu = kvm_cpu(v);
    const int wanted = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    int can = ioctl(g->kvm, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);

    cpu->shares = can > 0 && (can & wanted) == wanted;
    set_lean(cpu, false);
}

/* Of the exits that come often, those of devices, no handler looks at
 * registers.  One that has had to be asked for them is likely to be followed by
 * its like. */
EXIT_PATH void kvm_choose_lean(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    const struct x86_platform *p = v->vm->arch;

    set_lean(cpu, cpu->shares && !cpu->missed && !trace_words(v->vm->trace) &&
                      !v->stepping && !(p && p->apic));
    cpu->missed = false;
}

void kvm_choose_whole(struct vcpu *v)
{
    set_lean(kvm_cpu(v), false);
}

/* The state begins with what struct kvm_regs has, then comes kvm_sregs'. */
enum {
    SREGS = offsetof(struct x86_state, seg),
    SREGS_END = offsetof(struct x86_state, interruptible)
};

static void take_regs(struct vcpu *v, const struct kvm_regs *regs)
{
    struct x86_state *s = kvm_arch(v);

    regs_to_state(regs, s);
    memcpy(&kvm_cpu(v)->seen, s, SREGS);
}

/* Mostly the system registers are what they were.  They are read back as
 * written: padding that KVM leaves must not look changed. */
static void take_sregs(struct vcpu *v, const struct kvm_sregs *sregs)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct x86_state *s = kvm_arch(v);

    cpu->lacks = false;
    if (cpu->knows && !memcmp(&cpu->told, sregs, sizeof(*sregs)))
        return; /* what a handler wants of them is yet to be written */
    cpu->told = cpu->sregs = *sregs;
    cpu->knows = true;
    sregs_to_state(&cpu->sregs, s);
    state_to_sregs(s, &cpu->sregs);
    memcpy((char *)&cpu->seen + SREGS, (const char *)s + SREGS,
           SREGS_END - SREGS);
}

enum status kvm_fetch_state(struct vcpu *v)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs;

    if (ioctl(kvm_cpu(v)->fd, KVM_GET_REGS, &regs) < 0)
        return kvm_failed(v->vm, "KVM_GET_REGS");
    if (ioctl(kvm_cpu(v)->fd, KVM_GET_SREGS, &sregs) < 0)
        return kvm_failed(v->vm, "KVM_GET_SREGS");
    kvm_cpu(v)->knows = false;
    take_regs(v, &regs);
    take_sregs(v, &sregs);
    return STATUS_OK;
}

EXIT_PATH enum status kvm_complete_state(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct x86_state *s = kvm_arch(v);
    struct kvm_sregs sregs;

    if (!cpu->lacks)
        return STATUS_OK;
    if (ioctl(cpu->fd, KVM_GET_SREGS, &sregs) < 0)
        return kvm_failed(v->vm, "KVM_GET_SREGS");
    cpu->missed = true;
    const uint64_t rip = s->rip, rflags = s->rflags; /* may be new */
    take_regs(v, &cpu->run->s.regs.regs);
    s->rip = rip;
    s->rflags = rflags;
    take_sregs(v, &sregs);
    return STATUS_OK;
}

EXIT_PATH enum status kvm_read_state(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    const struct kvm_regs *regs = &cpu->run->s.regs.regs;

    kvm_arch(v)->interruptible = cpu->run->ready_for_interrupt_injection;
    if (!cpu->shares)
        return kvm_fetch_state(v);
    cpu->lacks = cpu->lean;
    if (cpu->lean) {
        kvm_arch(v)->rip = cpu->seen.rip = regs->rip;
        kvm_arch(v)->rflags = cpu->seen.rflags = regs->rflags;
        return STATUS_OK;
    }
    take_regs(v, regs);
    take_sregs(v, &cpu->run->s.regs.sregs);
    return STATUS_OK;
}

EXIT_PATH static bool regs_changed(const struct vcpu *v)
{
    const struct x86_state *s = kvm_arch(v), *seen = &kvm_cpu(v)->seen;

    if (kvm_cpu(v)->lacks)
        return kvm_lean_changed(v);
    return memcmp(s, seen, SREGS) != 0;
}

EXIT_PATH static bool sregs_changed(const struct vcpu *v,
                                    struct kvm_sregs *sregs)
{
    const struct kvm_cpu *cpu = kvm_cpu(v);

    if (cpu->lacks ||
        !memcmp((const char *)kvm_arch(v) + SREGS,
                (const char *)&cpu->seen + SREGS, SREGS_END - SREGS))
        return false;
    *sregs = cpu->sregs; /* it may be padding */
    state_to_sregs(kvm_arch(v), sregs);
    return memcmp(sregs, &cpu->sregs, sizeof(*sregs)) != 0;
}

EXIT_PATH bool kvm_state_changed(const struct vcpu *v)
{
    struct kvm_sregs sregs;

    return regs_changed(v) || sregs_changed(v, &sregs);
}

/* KVM_RUN takes them along, unless something that depends on them comes before
 * it: KVM_SET_GUEST_DEBUG, an event. */
static enum status write_regs(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct kvm_regs regs = {0};

    state_to_regs(kvm_arch(v), &regs);
    memcpy(&cpu->seen, kvm_arch(v), SREGS);
    if (cpu->shares && !cpu->inject && !v->stepping && !cpu->stepping) {
        cpu->run->s.regs.regs = regs;
        cpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
        return STATUS_OK;
    }
    return ioctl(cpu->fd, KVM_SET_REGS, &regs) < 0
               ? kvm_failed(v->vm, "KVM_SET_REGS")
               : STATUS_OK;
}

EXIT_PATH enum status kvm_write_state(struct vcpu *v, bool *refused)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct kvm_sregs sregs;

    *refused = false;
    if (sregs_changed(v, &sregs)) {
        /* Events being delivered are KVM_SET_VCPU_EVENTS' business. */
        memset(sregs.interrupt_bitmap, 0, sizeof(sregs.interrupt_bitmap));
        *refused = ioctl(cpu->fd, KVM_SET_SREGS, &sregs) < 0;
        if (*refused)
            return errno == EINVAL ? STATUS_OK
                                   : kvm_failed(v->vm, "KVM_SET_SREGS");
        cpu->sregs = sregs;
        cpu->knows = false;
    }
    if (!regs_changed(v))
        return STATUS_OK;
    enum status st = kvm_complete_state(v);
    return st ? st : write_regs(v);
}

static enum status deliver_exception(struct vcpu *v, const struct vm_event *e)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct kvm_vcpu_events events;

    if (ioctl(cpu->fd, KVM_GET_VCPU_EVENTS, &events) < 0)
        return kvm_failed(v->vm, "KVM_GET_VCPU_EVENTS");
    events.flags = 0;
    events.exception.injected = 1;
    events.exception.nr = (uint8_t)e->code;
    events.exception.has_error_code = e->has_error;
    events.exception.error_code = (uint32_t)e->info[0];
    if (ioctl(cpu->fd, KVM_SET_VCPU_EVENTS, &events) < 0)
        return kvm_failed(v->vm, "KVM_SET_VCPU_EVENTS");
    return STATUS_OK;
}

enum status kvm_deliver(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct kvm_interrupt irq = {.irq = cpu->event.code};

    cpu->inject = false;
    kvm_arch(v)->delivering = false;
    cpu->delivered = true;
    switch (cpu->event.kind) {
    case X86_EVENT_INTERRUPT:
        if (ioctl(cpu->fd, KVM_INTERRUPT, &irq) < 0)
            return kvm_failed(v->vm, "KVM_INTERRUPT");
        return STATUS_OK;
    case X86_EVENT_NMI:
        if (ioctl(cpu->fd, KVM_NMI) < 0)
            return kvm_failed(v->vm, "KVM_NMI");
        return STATUS_OK;
    default:
        return deliver_exception(v, &cpu->event);
    }
}
#else
typedef int kvm_state_is_not_on_this_host;
#endif
