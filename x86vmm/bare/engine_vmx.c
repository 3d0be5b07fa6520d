#include "x86vmm/bare/engine_vmx.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "monitor/vm.h"
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/hardware.h"
#include "x86vmm/bare/layout.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/bare/nested.h"
#include "x86vmm/bare/time.h"
#include "x86vmm/bare/vmx.h"
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/vtx/exit.h"

#define F(name) (c->vmcs.field[VMCS_##name])

enum { EPT_WALK = 3 << 3 | 6 /* four levels, write-back */ };

/* vcpu->backing; vcpu->hw is first, for what both engines share. */
struct vmx_cpu {
    struct hardware hw;
    struct vmcs vmcs; /* what the processor has, as far as we have asked */
    uint8_t *region;
    bool launched;
    bool window;         /* an exit is wanted when it can be interrupted */
    uint8_t timer_shift; /* cycles of one tick of the preemption timer, log 2 */
    uint64_t budget;     /* what the timer is set for */
};

/* Whose VMCS and registers the processor has: there is one processor. */
static struct vmx_cpu *loaded;

static struct vmx_cpu *vmx_cpu(const struct vcpu *v)
{
    return v->backing;
}

static void put(struct vmx_cpu *c, enum vmcs_field f, uint64_t value)
{
    if (c->vmcs.field[f] == value)
        return;
    c->vmcs.field[f] = value;
    vmx_write(f, value);
}

static uint64_t get(struct vmx_cpu *c, enum vmcs_field f)
{
    vmx_read(f, &c->vmcs.field[f]);
    return c->vmcs.field[f];
}

/* ---- Making ---- */

static enum status probe(struct diag *d)
{
    return vmx_announced()
               ? STATUS_OK
               : diag_set(d, STATUS_UNSUPPORTED, "CPUID announces no VT-x");
}

static enum status vm_init(struct vm *vm)
{
    (void)vm;
    return STATUS_OK;
}

static void vm_fini(struct vm *vm)
{
    (void)vm;
}

static enum status map(struct vm *vm, const struct mem_slot *slot)
{
    (void)vm, (void)slot; /* the tables are made with the processor */
    return STATUS_OK;
}

static uint64_t table_base(unsigned at)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) p;

    if (at)
        __asm__ volatile("sidt %0" : "=m"(p));
    else
        __asm__ volatile("sgdt %0" : "=m"(p));
    return p.base;
}

/* What an exit comes back to: this program, as it runs now. */
static void make_host(struct vmcs *m)
{
    uint64_t task = gdt[SELECTOR_TASK / 8];

    m->field[VMCS_HOST_CR0] = read_cr0();
    m->field[VMCS_HOST_CR3] = read_cr3();
    m->field[VMCS_HOST_CR4] = read_cr4();
    m->field[VMCS_HOST_EFER] = rdmsr(X86_MSR_EFER);
    m->field[VMCS_HOST_CS_SELECTOR] = SELECTOR_CODE64;
    m->field[VMCS_HOST_TR_SELECTOR] = SELECTOR_TASK;
    m->field[VMCS_HOST_TR_BASE] = (task >> 16 & 0xFFFFFF) | (task >> 56 & 0xFF)
                                                                << 24;
    m->field[VMCS_HOST_GDTR_BASE] = table_base(0);
    m->field[VMCS_HOST_IDTR_BASE] = table_base(1);
    m->field[VMCS_HOST_RIP] = (uint64_t)vmx_exited;
    m->field[VMCS_HOST_RSP] = 0; /* vmx_enter writes it */
}

static enum status make_vmcs(struct vm *vm, struct vmcs *m)
{
    uint8_t *bitmap = memory_pages(1);
    uint64_t root = nested_make(NESTED_EPT, &vm->mem);

    if (!bitmap || !root)
        return diag_set(&vm->diag, STATUS_NO_MEMORY, "no pages for EPT");
    vmcs_make_controls(m);
    vmcs_put(m, VMX_PIN_PREEMPTION_TIMER, true);
    vmcs_put(m, VMX_EXIT_SAVE_PAT, true);
    vmcs_put(m, VMX_EXIT_LOAD_PAT, true);
    vmcs_put(m, VMX_ENTRY_LOAD_PAT, true);
    m->field[VMCS_GUEST_PAT] = m->field[VMCS_HOST_PAT] = rdmsr(X86_MSR_PAT);
    hardware_own_msrs(bitmap);
    m->field[VMCS_MSR_BITMAP] = (uint64_t)bitmap;
    m->field[VMCS_EPT_POINTER] = root | EPT_WALK;
    m->field[VMCS_VPID] = vm->id;
    m->field[VMCS_CR0_MASK] = hardware_cr0_mask();
    m->field[VMCS_CR4_MASK] = hardware_cr4_mask();
    make_host(m);
    say("%s: its storage is what the EPT tables at %llx say, its VPID %u",
        vm->name, (unsigned long long)root, vm->id);
    return vmx_fit_controls(m, &vm->diag) ? STATUS_OK : STATUS_UNSUPPORTED;
}

/* All fields, once.  A field that the processor does not have must not be
 * wanted. */
static enum status write_all(struct vm *vm, const struct vmcs *m)
{
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        enum vmcs_field f = (enum vmcs_field)i;

        if (vmcs_kind(f) != VMCS_READ_ONLY && !vmx_write(f, m->field[f]) &&
            m->field[f])
            return diag_set(&vm->diag, STATUS_UNSUPPORTED,
                            "this processor's VMCS has no %s",
                            vmcs_fields[f].name);
    }
    return STATUS_OK;
}

static enum status make_current(struct vcpu *v, struct vmx_cpu *c)
{
    if (loaded)
        hardware_keep(&loaded->hw);
    hardware_give(&c->hw);
    loaded = c;
    return vmx_make_current(c->region, false, &v->vm->diag);
}

static enum status vcpu_init(struct vcpu *v)
{
    struct vmx_cpu *c =
        memory_pages((sizeof(*c) + MEMORY_PAGE - 1) / MEMORY_PAGE);
    enum status st = STATUS_OK;

    if (c)
        c->region = memory_pages(1);
    if (!c || !c->region)
        return diag_set(&v->vm->diag, STATUS_NO_MEMORY, "no pages for a vcpu");
    v->backing = c;
    c->timer_shift = rdmsr(VMX_MSR_MISC) & 31;
    hardware_init(&c->hw, v);
    c->hw.emulator.rest = vmx_rest;
    st = make_vmcs(v->vm, &c->vmcs);
    if (!st)
        st = vmx_make_current(c->region, true, &v->vm->diag);
    if (!st)
        st = make_current(v, c);
    if (!st)
        vmcs_put_state(&c->vmcs, v->arch);
    return st ? st : write_all(v->vm, &c->vmcs);
}

static void vcpu_fini(struct vcpu *v)
{
    if (loaded == vmx_cpu(v))
        loaded = NULL;
    v->backing = NULL;
}

/* ---- Registers ---- */

static enum status load_regs(struct vcpu *v, uint32_t groups)
{
    struct vmx_cpu *c = vmx_cpu(v);
    struct x86_state *s = v->arch;
    uint32_t wanted = groups & ~c->hw.loaded;

    if (wanted & X86_SEG) {
        for (unsigned i = 0; i < X86_SEG_COUNT; i++) {
            get(c, VMCS_GUEST_ES_SELECTOR + i);
            get(c, VMCS_GUEST_ES_BASE + i);
            get(c, VMCS_GUEST_ES_LIMIT + i);
            get(c, VMCS_GUEST_ES_RIGHTS + i);
            s->seg[i] = vmcs_segment(&c->vmcs, (enum x86_seg)i);
        }
        s->gpr[X86_RSP] = get(c, VMCS_GUEST_RSP);
        s->gdt.base = get(c, VMCS_GUEST_GDTR_BASE);
        s->gdt.limit = (uint16_t)get(c, VMCS_GUEST_GDTR_LIMIT);
        s->idt.base = get(c, VMCS_GUEST_IDTR_BASE);
        s->idt.limit = (uint16_t)get(c, VMCS_GUEST_IDTR_LIMIT);
    }
    if (wanted & X86_MODE) {
        s->seg[X86_SS].attr = vmcs_attr(get(c, VMCS_GUEST_SS_RIGHTS));
        get(c, VMCS_GUEST_CR0);
        s->cr0 = vmcs_cr0(&c->vmcs);
    }
    if (wanted & X86_CTL) {
        s->cr2 = read_cr2();
        s->cr3 = get(c, VMCS_GUEST_CR3);
        get(c, VMCS_GUEST_CR4);
        s->cr4 = vmcs_cr4(&c->vmcs);
    }
    c->hw.loaded |= groups;
    return STATUS_OK;
}

/* After an exit: where the guest is, and whether it can be interrupted.  All
 * else only when somebody asks for it (load_regs): most exits are about little,
 * and each field costs. */
static void take_state(struct vcpu *v, struct vmx_cpu *c, struct x86_state *s)
{
    s->rip = get(c, VMCS_GUEST_RIP);
    s->rflags = get(c, VMCS_GUEST_RFLAGS);
    s->seg[X86_CS].attr = vmcs_attr(get(c, VMCS_GUEST_CS_RIGHTS));
    s->efer = get(c, VMCS_GUEST_EFER);
    get(c, VMCS_GUEST_INTERRUPTIBILITY);
    s->interruptible = vmcs_interruptible(&c->vmcs);
    c->hw.loaded = c->hw.changed = 0;
    if (trace_on(v->vm->trace)) /* its lines show more */
        load_regs(v, X86_ALL);
}

/* MOV to CR0, CR3 and CR4 do more than to change a register, when we do it: PAE
 * paging's pointers are loaded, translations forgotten. */
static void follow_control(struct vcpu *v)
{
    struct vmx_cpu *c = vmx_cpu(v);
    const struct x86_state *s = v->arch;

    vmx_forget((uint16_t)F(VPID));
    if (!(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE) ||
        (s->efer & X86_EFER_LMA))
        return;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *p =
            mem_at(&v->vm->mem, (s->cr3 & 0xFFFFFFE0) + 8 * i, 8);

        vmx_write(VMCS_GUEST_PDPTE0 + i, p ? load_le64(p) : 0);
    }
}

/* What handlers have changed beside RIP and flags, where it has. */
static void put_changed(struct vcpu *v)
{
    struct vmx_cpu *c = vmx_cpu(v);
    const struct x86_state *s = v->arch;

    load_regs(v, X86_ALL);
    struct vmcs want = c->vmcs;
    vmcs_put_state(&want, s);
    bool control = want.field[VMCS_GUEST_CR0] != F(GUEST_CR0) ||
                   want.field[VMCS_GUEST_CR3] != F(GUEST_CR3) ||
                   want.field[VMCS_GUEST_CR4] != F(GUEST_CR4);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        put(c, (enum vmcs_field)i, want.field[i]);
    if (control)
        follow_control(v);
    if (s->cr2 != read_cr2())
        write_cr2(s->cr2);
}

EXIT_PATH static enum status store_regs(struct vcpu *v, uint32_t groups)
{
    struct vmx_cpu *c = vmx_cpu(v);
    struct x86_state *s = v->arch;

    c->hw.changed |= groups;
    if (hardware_complete(v)) {
        if (F(GUEST_INTERRUPTIBILITY) || (s->rflags & X86_FLAG_TF)) {
            vmcs_advanced(&c->vmcs, s->rflags);
            vmx_write(VMCS_GUEST_INTERRUPTIBILITY, F(GUEST_INTERRUPTIBILITY));
            if (s->rflags & X86_FLAG_TF)
                vmx_write(VMCS_GUEST_PENDING_DEBUG, F(GUEST_PENDING_DEBUG));
        }
        s->interruptible = (s->rflags & X86_FLAG_IF) && !s->delivering;
    }
    return STATUS_OK;
}

/* ---- Running ---- */

static void put_window(struct vmx_cpu *c, bool wanted)
{
    c->window = wanted;
    vmcs_put(&c->vmcs, VMX_PRIMARY_INTERRUPT_WINDOW, wanted);
    vmx_write(VMCS_PRIMARY_CONTROLS, F(PRIMARY_CONTROLS));
}

/* The exit clears its valid bit by itself. */
static void put_event(struct vcpu *v, struct vmx_cpu *c)
{
    vmcs_put_event(&c->vmcs, &c->hw.event);
    vmx_write(VMCS_ENTRY_INTERRUPTION_INFO, F(ENTRY_INTERRUPTION_INFO));
    vmx_write(VMCS_ENTRY_EXCEPTION_ERROR, F(ENTRY_EXCEPTION_ERROR));
    F(ENTRY_INTERRUPTION_INFO) = 0;
    c->hw.inject = false;
    x86_state(v)->delivering = false;
}

static void put_timer(struct vmx_cpu *c, uint64_t budget)
{
    c->budget = budget;
    put(c, VMCS_PREEMPTION_TIMER,
        min_u64(time_cycles(budget) >> c->timer_shift, UINT32_MAX));
}

/* What is not as it was at the last entry. */
static void prepare(struct vcpu *v, struct vmx_cpu *c,
                    const struct x86_state *s)
{
    if (c->hw.changed & (X86_SEG | X86_CTL))
        put_changed(v);
    put(c, VMCS_GUEST_RIP, s->rip);
    put(c, VMCS_GUEST_RFLAGS, s->rflags);
    bool window =
        hardware_interrupt_waits(v) && !s->interruptible && !c->hw.inject;
    if (UNLIKELY(window != c->window))
        put_window(c, window);
    if (UNLIKELY(c->hw.inject))
        put_event(v, c);
    if (v->budget != c->budget)
        put_timer(c, v->budget);
}

/* Neither VMLAUNCH nor VMRESUME has entered it: VMfail. */
static void refused(struct vcpu *v, struct vm_exit *x, enum vmx_entry how)
{
    *x = (struct vm_exit){.reason = EXIT_ENTRY_FAILED,
                          .raw_name = "VMFAIL",
                          .pc = x86_state(v)->rip};
    if (how == VMX_FAIL_VALID)
        x->raw = (uint32_t)get(vmx_cpu(v), VMCS_INSTRUCTION_ERROR);
    const char *words = vmx_error_words(x->raw);
    say("%s: VM-instruction error %u: %s", v->vm->name, x->raw,
        words ? words : "there is no current VMCS");
}

EXIT_PATH static enum status run(struct vcpu *v, struct vm_exit *x)
{
    struct vmx_cpu *c = vmx_cpu(v);
    struct x86_state *s = v->arch;

    if (UNLIKELY(loaded != c))
        TRY(make_current(v, c));
    if (UNLIKELY(v->within) && hardware_goes_on(v, x))
        return STATUS_OK;
    for (;;) {
        prepare(v, c, s);
        enum vmx_entry how = vmx_enter(s->gpr, c->launched);
        if (UNLIKELY(how != VMX_ENTERED)) {
            refused(v, x, how);
            break;
        }
        take_state(v, c, s);
        if (!(get(c, VMCS_EXIT_REASON) & VMX_EXIT_ENTRY_FAILED))
            c->launched = true;
        if (vmx_translate_exit(v, &c->vmcs, x))
            break;
    }
    if (x->reason == EXIT_ENTRY_FAILED && !vmx_explain()->count)
        say("  and no rule of VM entry tells why");
    return STATUS_OK;
}

const struct engine_ops engine_vmx = {
    .name = "vmx",
    .title = "VT-x of the processor that the monitor runs on",
    .present = X86_GPR,
    .probe = probe,
    .vm_init = vm_init,
    .vm_fini = vm_fini,
    .vcpu_init = vcpu_init,
    .vcpu_fini = vcpu_fini,
    .map = map,
    .run = run,
    .load_regs = load_regs,
    .store_regs = store_regs,
    .inject = hardware_inject,
    .kick = hardware_kick,
    .now = hardware_now,
};
