#include "x86vmm/engine/engine_kvm.h"

#include "x86vmm/engine/kvm_host.h"
#include "x86vmm/engine/kvm_probe.h"

#include "base/format.h"

/* All modes that work, or what does not, in one line. */
static enum status probe(struct diag *d)
{
    struct kvm_probe p;
    size_t at = 0;
    unsigned modes = 0;

    kvm_probe_run(&p);
    if (p.verdict == KVM_ABSENT)
        return diag_set(d, STATUS_UNSUPPORTED, "%s", p.why);
    d->text[0] = '\0';
    for (unsigned i = 0; i < p.count; i++) {
        modes += i < X86_MODE_COUNT && p.rows[i].works;
        if (!p.rows[i].works && p.rows[i].needed)
            at += format(d->text + at, sizeof(d->text) - at, "%s%s: %s",
                         at ? "; " : "", p.rows[i].name, p.rows[i].why_not);
    }
    return modes ? STATUS_OK : STATUS_UNSUPPORTED;
}

#if KVM_HOST
#include "x86vmm/machine/deliver.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/translate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { KVM_API = 12, PAGE = 4096, APIC_ENABLED = 0x800 };

/* Where KVM on Intel keeps three pages and one that guests must not use: below
 * 4 GiB, as its documentation proposes. */
#define KVM_TSS_AT      UINT64_C(0xFFFBD000)
#define KVM_IDENTITY_AT UINT64_C(0xFFFBC000)

static enum status open_kvm(struct vm *vm, struct kvm_guest *g)
{
    g->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (g->kvm < 0)
        return diag_set(&vm->diag, STATUS_UNSUPPORTED, "/dev/kvm: %s",
                        strerror(errno));
    int api = ioctl(g->kvm, KVM_GET_API_VERSION, 0);
    if (api != KVM_API)
        return diag_set(&vm->diag, STATUS_UNSUPPORTED,
                        "/dev/kvm: interface version %d, not %d", api, KVM_API);
    do
        g->vm = ioctl(g->kvm, KVM_CREATE_VM, 0);
    while (g->vm < 0 && errno == EINTR);
    return g->vm < 0 ? kvm_failed(vm, "KVM_CREATE_VM") : STATUS_OK;
}

/* Optional: older Intel processors need the pages to emulate real mode; a
 * kernel before 5.10 answers all MSRs by itself. */
static void set_options(struct vm *vm)
{
    const struct kvm_guest *g = vm->backing;
    uint64_t identity = KVM_IDENTITY_AT;

    ioctl(g->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
    ioctl(g->vm, KVM_SET_TSS_ADDR, KVM_TSS_AT);
    kvm_filter_msrs(vm);
}

static void vm_fini(struct vm *vm)
{
    struct kvm_guest *g = vm->backing;

    if (!g)
        return;
    kvm_dirty_end(vm);
    if (g->vm >= 0)
        close(g->vm);
    if (g->kvm >= 0)
        close(g->kvm);
    free(g);
    vm->backing = NULL;
}

static enum status vm_init(struct vm *vm)
{
    struct kvm_guest *g = malloc(sizeof(*g));

    if (!g)
        return diag_set(&vm->diag, STATUS_NO_MEMORY, "no memory for a VM");
    *g = (struct kvm_guest){.kvm = -1, .vm = -1};
    vm->backing = g;
    enum status st = open_kvm(vm, g);
    if (!st) {
        set_options(vm);
        st = kvm_irqchip_start(vm);
    }
    if (st)
        vm_fini(vm);
    return st;
}

enum status kvm_set_slot(struct vm *vm, unsigned number,
                         const struct mem_slot *slot, uint32_t flags)
{
    const struct kvm_guest *g = vm->backing;
    struct kvm_userspace_memory_region region = {
        .slot = number,
        .flags = flags | (slot->flags & MEM_READ_ONLY ? KVM_MEM_READONLY : 0),
        .guest_phys_addr = slot->gpa,
        .memory_size = slot->size,
        .userspace_addr = (uintptr_t)slot->host,
    };

    return ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0
               ? kvm_failed(vm, "KVM_SET_USER_MEMORY_REGION")
               : STATUS_OK;
}

static enum status map(struct vm *vm, const struct mem_slot *slot)
{
    struct kvm_guest *g = vm->backing;

    if ((slot->gpa | slot->size | (uintptr_t)slot->host) % PAGE)
        return diag_set(&vm->diag, STATUS_BAD_INPUT,
                        "storage at %llx, %llu bytes: not in whole pages",
                        (unsigned long long)slot->gpa,
                        (unsigned long long)slot->size);
    enum status st = kvm_set_slot(vm, g->slots, slot, 0);
    g->slots += !st;
    return st;
}

static enum status open_vcpu(struct vcpu *v)
{
    struct kvm_guest *g = v->vm->backing;
    struct kvm_cpu *cpu = kvm_cpu(v);

    cpu->fd = ioctl(g->vm, KVM_CREATE_VCPU, 0);
    if (cpu->fd < 0)
        return kvm_failed(v->vm, "KVM_CREATE_VCPU");
    int size = ioctl(g->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < (int)sizeof(struct kvm_run))
        return kvm_failed(v->vm, "KVM_GET_VCPU_MMAP_SIZE");
    void *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
                     cpu->fd, 0);
    if (run == MAP_FAILED)
        return kvm_failed(v->vm, "mmap of kvm_run");
    cpu->run = run;
    cpu->run_size = (size_t)size;
    kvm_share_state(v);
    return kvm_set_cpuid(v);
}

/* What KVM has to begin with; the state that the caller made stays.  The APIC
 * that is not there is off, lest CPUID tell of it. */
static enum status first_state(struct vcpu *v)
{
    struct x86_state wanted = *kvm_arch(v);
    const struct x86_platform *platform = v->vm->arch;
    struct kvm_cpu *cpu = kvm_cpu(v);
    enum status st = kvm_fetch_state(v);

    *kvm_arch(v) = wanted;
    kvm_arch(v)->interruptible = kvm_arch(v)->delivering = false;
    cpu->knows = false;
    if (platform && platform->apic)
        cpu->sregs.apic_base = platform->apic_base;
    else
        cpu->sregs.apic_base &= ~(uint64_t)APIC_ENABLED;
    if (!st && ioctl(cpu->fd, KVM_SET_SREGS, &cpu->sregs) < 0)
        st = kvm_failed(v->vm, "KVM_SET_SREGS");
    return st;
}

static void vcpu_fini(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    if (!cpu)
        return;
    kvm_tick_stop(v);
    if (cpu->run)
        munmap(cpu->run, cpu->run_size);
    if (cpu->fd >= 0)
        close(cpu->fd);
    free(cpu);
    v->backing = NULL;
}

static enum status vcpu_init(struct vcpu *v)
{
    struct kvm_cpu *cpu = calloc(1, sizeof(*cpu));

    if (!cpu)
        return diag_set(&v->vm->diag, STATUS_NO_MEMORY, "no memory for a vcpu");
    cpu->fd = -1;
    v->backing = cpu;
    enum status st = open_vcpu(v);
    if (!st)
        st = first_state(v);
    if (!st)
        st = kvm_tick_start(v);
    if (st)
        vcpu_fini(v);
    return st;
}

/* DR7: breakpoint 0 is of an instruction, and on (Intel SDM vol. 3, "Debug
 * Control Register"). */
enum { DR7_FIRST = 0x402 };

/* Stepping needs to be asked for again at every step: KVM remembers it with
 * the RIP of the asking. */
EXIT_PATH static enum status set_stepping(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct kvm_guest_debug debug = {0};

    if (!v->stepping && !cpu->stepping && v->stops == cpu->stops)
        return STATUS_OK;
    if (v->stepping) {
        debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
    } else if (v->stops) {
        debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
        debug.arch.debugreg[0] = v->stop_at;
        debug.arch.debugreg[7] = DR7_FIRST;
    }
    if (ioctl(cpu->fd, KVM_SET_GUEST_DEBUG, &debug) < 0)
        return kvm_failed(v->vm, "KVM_SET_GUEST_DEBUG");
    cpu->stepping = v->stepping;
    cpu->stops = v->stops && !v->stepping;
    return STATUS_OK;
}

EXIT_PATH static bool interrupt_waits(const struct vcpu *v)
{
    const struct x86_platform *platform = v->vm->arch;

    return v->pending.count || (platform && x86_platform_waits(platform));
}

/* STI holds interrupts off for one more instruction, so that "sti; hlt" cannot
 * lose the one that ends the HLT (Intel SDM vol. 2, STI).  Where the processor
 * forgets that when an exit comes between the two, as QEMU's AMD-V does, the
 * guest would sleep for ever: so between them there is no interrupt from us.
 * HLT is an exit, after which there is. */
static bool at_halt_behind_sti(const struct vcpu *v)
{
    uint8_t pair[2];

    return x86_fetch(kvm_arch(v), &v->vm->mem, -1, pair, 2) == 2 &&
           pair[0] == 0xFB && pair[1] == 0xF4;
}

/* Tell us when the guest can take the interrupt that waits for it. */
EXIT_PATH static void ask_for_window(struct vcpu *v)
{
    kvm_cpu(v)->run->request_interrupt_window = interrupt_waits(v) &&
                                                !kvm_arch(v)->interruptible &&
                                                !at_halt_behind_sti(v);
}

/* A processor that delivers an event does not stop before its handler's first
 * instruction, and saves the trap flag for it: so when stepping, the engine
 * delivers what it can by itself. */
static void deliver_ourselves(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    const struct vm_event *e = &cpu->event;

    if (e->kind != X86_EVENT_NMI &&
        x86_deliver(kvm_arch(v), &v->vm->mem, e->code, e->has_error,
                    (uint32_t)e->info[0])) {
        cpu->inject = false;
        kvm_arch(v)->delivering = false;
    }
}

/* True: a step's instruction is an exit by itself. */
static bool look_at_step(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    if (cpu->inject)
        deliver_ourselves(v);
    cpu->entry_pc = kvm_arch(v)->rip;
    cpu->entry_insn = (struct x86_decoded){0};
    if (!cpu->inject)
        kvm_decode_entry(v);
    return kvm_exit_before_entry(v, x);
}

/* Is more of the state needed at this entry than a lean exit has left? */
EXIT_PATH static bool must_know_all(const struct vcpu *v)
{
    return v->stepping || kvm_cpu(v)->inject || trace_words(v->vm->trace) ||
           interrupt_waits(v);
}

EXIT_PATH static enum status prepare(struct vcpu *v, bool *refused)
{
    kvm_cpu(v)->delivered = false;
    kvm_apic_heed(v);
    enum status st = kvm_write_state(v, refused);

    if (st || *refused)
        return st;
    if (kvm_cpu(v)->inject)
        st = kvm_deliver(v);
    if (!st)
        st = set_stepping(v);
    ask_for_window(v);
    kvm_tick_aim(v);
    kvm_choose_lean(v);
    return st;
}

/* Run until KVM reports an exit (*x stays UNKNOWN for the translation), the
 * second tick comes, or somebody kicks.  A step comes to its end by itself. */
EXIT_PATH static enum status enter(struct vcpu *v, struct vm_exit *x,
                                   bool *exited)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    for (;;) {
        *exited = ioctl(cpu->fd, KVM_RUN, 0) == 0;
        if (*exited) {
            cpu->first_tick = 0;
            return STATUS_OK;
        }
        if (errno != EINTR)
            return kvm_failed(v->vm, "KVM_RUN");
        bool tick = kvm_tick_take(cpu);
        if (cpu->kicked || !tick) {
            cpu->kicked = 0;
            kvm_take_time(cpu);
            *x = (struct vm_exit){.reason = EXIT_INTERRUPT};
            return STATUS_OK;
        }
        if (!v->stepping && (kvm_tick_due(v) || kvm_tick_is_second(cpu)))
            break;
    }
    cpu->first_tick = 0;
    *x = (struct vm_exit){.reason = EXIT_TIMER, .ran = v->budget};
    return STATUS_OK;
}

static enum status refused_exit(struct vcpu *v, struct vm_exit *x)
{
    *x = (struct vm_exit){.reason = EXIT_ENTRY_FAILED,
                          .raw_name = "KVM_SET_SREGS",
                          .ran = 1,
                          .pc = kvm_arch(v)->rip};
    kvm_explain(v, x);
    return STATUS_OK;
}

static enum status line_failed(struct vm *vm, int error)
{
    errno = error;
    return kvm_failed(vm, "KVM_IRQ_LINE");
}

/* The state is in KVM's hands no longer: what the monitor wants of it. */
EXIT_PATH static enum status leave(struct vcpu *v, struct vm_exit *x,
                                   bool exited)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    cpu->unfinished = false;
    enum status st = kvm_read_state(v);
    if (st)
        return st;
    if (!cpu->lacks)
        kvm_apic_tell(v);
    if (interrupt_waits(v)) {
        st = kvm_complete_state(v);
        if (!st && at_halt_behind_sti(v))
            kvm_arch(v)->interruptible = false;
    }
    if (st)
        return st;
    if (exited)
        return kvm_translate_exit(v, x);
    x->pc = kvm_arch(v)->rip;
    return kvm_complete_state(v);
}

/* The last exit was lean and all is as it has left it: KVM goes on. */
EXIT_PATH static bool goes_on(const struct vcpu *v)
{
    const struct kvm_cpu *cpu = kvm_cpu(v);

    return cpu->lacks && !must_know_all(v) && !cpu->stepping &&
           v->stops == cpu->stops && !kvm_lean_changed(v);
}

/* *exited: there is no entry, *x is an exit. */
EXIT_PATH static enum status get_ready(struct vcpu *v, struct vm_exit *x,
                                       bool *exited)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    bool again = false, refused = false;
    enum status st = STATUS_OK;

    if (cpu->lacks && must_know_all(v))
        st = kvm_complete_state(v);
    if (!st && cpu->unfinished)
        st = kvm_finish(v, &again);
    *exited = again;
    if (st || again)
        return st ? st : kvm_translate_exit(v, x);
    *exited = v->stepping && look_at_step(v, x);
    if (*exited)
        return STATUS_OK;
    st = prepare(v, &refused);
    *exited = refused;
    return st || !refused ? st : refused_exit(v, x);
}

EXIT_PATH static enum status run(struct vcpu *v, struct vm_exit *x)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    bool exited = false;
    enum status st = STATUS_OK;

    *x = (struct vm_exit){0};
    if (UNLIKELY(cpu->line_error))
        return line_failed(v->vm, cpu->line_error);
    if (goes_on(v)) {
        cpu->run->request_interrupt_window = 0;
        if (v->vm->host_time)
            kvm_tick_aim(v);
    } else {
        st = get_ready(v, x, &exited);
    }
    if (st || exited)
        return st;
    st = enter(v, x, &exited);
    return st ? st : leave(v, x, exited);
}

EXIT_PATH static enum status load_regs(struct vcpu *v, uint32_t groups)
{
    return groups & ~X86_GPR ? kvm_complete_state(v) : STATUS_OK;
}

static enum status inject(struct vcpu *v, const struct vm_event *e)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    if (cpu->inject)
        return diag_set(&v->vm->diag, STATUS_UNSUPPORTED,
                        "two events at one entry");
    cpu->inject = true;
    cpu->event = *e;
    kvm_arch(v)->interruptible = false;
    kvm_arch(v)->delivering = true;
    return STATUS_OK;
}

static void kick(struct vcpu *v)
{
    kvm_cpu(v)->kicked = 1;
    kvm_cpu(v)->run->immediate_exit = 1;
}

const struct engine_ops engine_kvm = {
    .name = "kvm",
    .title = "x86 hardware assistance through Linux /dev/kvm",
    .breaks = true,
    .probe = probe,
    .vm_init = vm_init,
    .vm_fini = vm_fini,
    .vcpu_init = vcpu_init,
    .vcpu_fini = vcpu_fini,
    .map = map,
    .run = run,
    .load_regs = load_regs,
    .inject = inject,
    .kick = kick,
    .now = kvm_now,
    .written = kvm_written,
    .wrote = kvm_wrote,
};
#else
#include "monitor/vm.h"

/* A host that is not Linux on x86-64: everything says so and does nothing. */
static enum status no_vm(struct vm *vm)
{
    return diag_set(&vm->diag, STATUS_UNSUPPORTED, KVM_NEEDS);
}

static enum status no_vcpu(struct vcpu *v)
{
    return no_vm(v->vm);
}

static enum status no_map(struct vm *vm, const struct mem_slot *slot)
{
    (void)slot;
    return no_vm(vm);
}

static enum status no_run(struct vcpu *v, struct vm_exit *x)
{
    (void)x;
    return no_vm(v->vm);
}

static enum status no_regs(struct vcpu *v, uint32_t groups)
{
    (void)groups;
    return no_vm(v->vm);
}

static enum status no_inject(struct vcpu *v, const struct vm_event *e)
{
    (void)e;
    return no_vm(v->vm);
}

static void nothing(struct vm *vm)
{
    (void)vm;
}

static void nothing_vcpu(struct vcpu *v)
{
    (void)v;
}

static uint64_t no_time(struct vcpu *v, uint64_t until)
{
    (void)v;
    return until;
}

const struct engine_ops engine_kvm = {
    .name = "kvm",
    .title = "x86 hardware assistance through Linux /dev/kvm",
    .probe = probe,
    .vm_init = no_vm,
    .vm_fini = nothing,
    .vcpu_init = no_vcpu,
    .vcpu_fini = nothing_vcpu,
    .map = no_map,
    .run = no_run,
    .load_regs = no_regs,
    .inject = no_inject,
    .kick = nothing_vcpu,
    .now = no_time,
};
#endif
