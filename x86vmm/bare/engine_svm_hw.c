#include "x86vmm/bare/engine_svm_hw.h"

#include "base/bits.h"
#include "monitor/vm.h"
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/hardware.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/bare/nested.h"
#include "x86vmm/engine/vmcb_state.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/svm/exit.h"
#include "x86vmm/svm/sample.h"

enum {
    MSR_VM_CR = 0xC0010114,
    MSR_HSAVE = 0xC0010117,
    VM_CR_DISABLED = 0x10,
    CR4_WRITE = 1 << (16 + 4)
};

/* vcpu->backing */
struct svm_cpu {
    struct hardware hw; /* first: what both engines share */
    uint8_t *vmcb;
    bool window;    /* an exit is wanted when it can be interrupted */
    uint64_t again; /* an event whose delivery was cut short */
};

/* Of the processor, of which there is one: the monitor's own VMCB, for what
 * VMLOAD moves, and whose registers it has. */
static uint8_t *host;
static struct svm_cpu *loaded;

static struct svm_cpu *svm_cpu(const struct vcpu *v)
{
    return v->backing;
}

uint8_t *svm_host(void)
{
    return host;
}

/* ---- On ---- */

static enum status probe(struct diag *d)
{
    enum { SVM = 1 << 2, NESTED = 1 };
    uint32_t r[4];

    cpuid(0x80000001, r);
    if (!(r[2] & SVM))
        return diag_set(d, STATUS_UNSUPPORTED, "CPUID announces no AMD-V");
    cpuid(0x8000000A, r);
    return r[3] & NESTED ? STATUS_OK
                         : diag_set(d, STATUS_UNSUPPORTED,
                                    "its AMD-V has no nested paging");
}

/* The 8254's channel 0, a thousand times a second, by IRQ 0 of the first 8259A,
 * which is vector 20. */
static void start_timer(void)
{
    enum { COUNT = 1193182 / 1000 };
    static const uint8_t words[][2] = {
        {0x20, 0x11}, {0x21, 0x20},         {0x21, 4},          {0x21, 1},
        {0x43, 0x34}, {0x40, COUNT & 0xFF}, {0x40, COUNT >> 8}, {0x21, 0xFE}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        out8(words[i][0], words[i][1]);
}

/* It waits, since physical interrupts only exit. */
void svm_take_tick(void)
{
    __asm__ volatile("sti; nop; cli");
}

enum status svm_on(struct diag *d)
{
    uint8_t *saved = memory_pages(1);

    host = memory_pages(1);
    if (rdmsr(MSR_VM_CR) & VM_CR_DISABLED)
        return diag_set(d, STATUS_UNSUPPORTED,
                        "firmware has turned AMD-V off (VM_CR)");
    wrmsr(X86_MSR_EFER, rdmsr(X86_MSR_EFER) | SVM_EFER_SVME);
    wrmsr(MSR_HSAVE, (uint64_t)saved);
    __asm__ volatile("vmsave %%rax" : : "a"(host) : "memory");
    start_timer();
    say("EFER.SVME is set; VMRUN saves the monitor at %llx",
        (unsigned long long)saved);
    return STATUS_OK;
}

/* ---- Making ---- */

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

static const uint16_t intercepts[] = {
    SVM_INTERCEPT_INTR,   SVM_INTERCEPT_NMI,     SVM_INTERCEPT_CPUID,
    SVM_INTERCEPT_INVD,   SVM_INTERCEPT_HLT,     SVM_INTERCEPT_INVLPGA,
    SVM_INTERCEPT_IOIO,   SVM_INTERCEPT_MSR,     SVM_INTERCEPT_SHUTDOWN,
    SVM_INTERCEPT_VMRUN,  SVM_INTERCEPT_VMMCALL, SVM_INTERCEPT_VMLOAD,
    SVM_INTERCEPT_VMSAVE, SVM_INTERCEPT_STGI,    SVM_INTERCEPT_CLGI,
    SVM_INTERCEPT_SKINIT};

/* All ports exit, and all MSRs but those that VMLOAD loads. */
static enum status make_vmcb(struct vm *vm, uint8_t *page)
{
    uint8_t *ports = memory_pages(3), *msrs = memory_pages(2);
    uint64_t root = nested_make(NESTED_NPT, &vm->mem);
    struct vmcb v;

    if (!ports || !msrs || !root)
        return diag_set(&vm->diag, STATUS_NO_MEMORY,
                        "no pages for nested paging");
    memset(ports, 0xFF, 3 * MEMORY_PAGE);
    hardware_own_msrs_svm(msrs);
    vmcb_make(&v, X86_SAMPLE_REAL);
    for (size_t i = 0; i < ARRAY_LEN(intercepts); i++)
        vmcb_put(&v, (enum svm_intercept)intercepts[i], true);
    v.field[VMCB_INTERCEPT_CR] = CR4_WRITE;
    v.field[VMCB_IOPM_BASE] = (uint64_t)ports;
    v.field[VMCB_MSRPM_BASE] = (uint64_t)msrs;
    v.field[VMCB_ASID] = vm->id;
    v.field[VMCB_N_CR3] = root;
    v.field[VMCB_V_INTR] = VMCB_V_MASKING;
    vmcb_store(&v, UINT32_MAX, page);
    say("%s: its storage is what the nested page tables at %llx say, its ASID "
        "%u",
        vm->name, (unsigned long long)root, vm->id);
    return STATUS_OK;
}

/* The segments, and all that tells the mode. */
static void put_all(struct svm_cpu *c, const struct x86_state *s)
{
    for (unsigned i = 0; i < X86_SEG_COUNT; i++) {
        enum vmcb_field row = vmcb_segment((enum x86_seg)i);
        const struct x86_segment *g = &s->seg[i];

        svm_put(c->vmcb, row, g->selector);
        svm_put(c->vmcb, row + VMCB_ATTRIB,
                g->attr & X86_ATTR_UNUSABLE ? 0 : g->attr & 0xFFF);
        svm_put(c->vmcb, row + VMCB_LIMIT, g->limit);
        svm_put(c->vmcb, row + VMCB_BASE, g->base);
    }
    svm_put(c->vmcb, VMCB_GDTR_BASE, s->gdt.base);
    svm_put(c->vmcb, VMCB_GDTR_LIMIT, s->gdt.limit);
    svm_put(c->vmcb, VMCB_IDTR_BASE, s->idt.base);
    svm_put(c->vmcb, VMCB_IDTR_LIMIT, s->idt.limit);
    svm_put(c->vmcb, VMCB_RSP, s->gpr[X86_RSP]);
    svm_put(c->vmcb, VMCB_CPL, x86_cpl(s));
    svm_put(c->vmcb, VMCB_CR0, s->cr0);
    svm_put(c->vmcb, VMCB_CR2, s->cr2);
    svm_put(c->vmcb, VMCB_CR3, s->cr3);
    svm_put(c->vmcb, VMCB_CR4, s->cr4);
    svm_put(c->vmcb, VMCB_EFER, s->efer | SVM_EFER_SVME);
    svm_put(c->vmcb, VMCB_TLB_CONTROL, VMCB_TLB_DROP_ALL);
}

/* Of struct emulator. */
static void rest(struct vcpu *v, struct x86_cpu *cpu, bool store)
{
    uint8_t *vmcb = svm_cpu(v)->vmcb;

    if (store) {
        svm_put(vmcb, VMCB_DR6, cpu->dr[6]);
        svm_put(vmcb, VMCB_DR7, cpu->dr[7]);
        return;
    }
    cpu->dr[6] = svm_get(vmcb, VMCB_DR6);
    cpu->dr[7] = svm_get(vmcb, VMCB_DR7);
}

static enum status vcpu_init(struct vcpu *v)
{
    struct svm_cpu *c =
        memory_pages((sizeof(*c) + MEMORY_PAGE - 1) / MEMORY_PAGE);

    if (c)
        c->vmcb = memory_pages(1);
    if (!c || !c->vmcb)
        return diag_set(&v->vm->diag, STATUS_NO_MEMORY, "no pages for a vcpu");
    v->backing = c;
    hardware_init(&c->hw, v);
    c->hw.emulator.rest = rest;
    c->hw.emulator.walks_pdptes = true;
    enum status st = make_vmcb(v->vm, c->vmcb);
    if (st)
        return st;
    put_all(c, v->arch);
    /* QEMU 7.2 aborts when a guest changes its CPL with a TSS that is busy and
     * that LTR has not loaded; AMD-V does not care. */
    svm_put(c->vmcb, VMCB_TR_ATTRIB, X86_ATTR_P | 9);
    return STATUS_OK;
}

static void vcpu_fini(struct vcpu *v)
{
    if (loaded == svm_cpu(v))
        loaded = NULL;
    v->backing = NULL;
}

/* ---- Registers ---- */

static struct x86_segment segment(const uint8_t *vmcb, unsigned seg)
{
    enum vmcb_field row = vmcb_segment((enum x86_seg)seg);
    uint16_t attr = (uint16_t)svm_get(vmcb, row + VMCB_ATTRIB);

    return (struct x86_segment){
        .selector = (uint16_t)svm_get(vmcb, row),
        .attr = seg != X86_CS && !(attr & X86_ATTR_P) ? attr | X86_ATTR_UNUSABLE
                                                      : attr,
        .limit = (uint32_t)svm_get(vmcb, row + VMCB_LIMIT),
        .base = svm_get(vmcb, row + VMCB_BASE)};
}

/* SS, whose DPL is the CPL for us. */
static void load_mode(const uint8_t *vmcb, struct x86_state *s)
{
    unsigned cpl = (unsigned)svm_get(vmcb, VMCB_CPL);

    s->seg[X86_SS] = segment(vmcb, X86_SS);
    s->seg[X86_SS].attr =
        (uint16_t)((s->seg[X86_SS].attr & ~X86_ATTR_DPL) | cpl << 5);
    s->cr0 = svm_get(vmcb, VMCB_CR0);
}

static enum status load_regs(struct vcpu *v, uint32_t groups)
{
    struct svm_cpu *c = svm_cpu(v);
    struct x86_state *s = v->arch;
    uint32_t wanted = groups & ~c->hw.loaded;

    if (wanted & X86_SEG) {
        for (unsigned i = 0; i < X86_SEG_COUNT; i++)
            if (i != X86_SS)
                s->seg[i] = segment(c->vmcb, i);
        s->gpr[X86_RSP] = svm_get(c->vmcb, VMCB_RSP);
        s->gdt.base = svm_get(c->vmcb, VMCB_GDTR_BASE);
        s->gdt.limit = (uint16_t)svm_get(c->vmcb, VMCB_GDTR_LIMIT);
        s->idt.base = svm_get(c->vmcb, VMCB_IDTR_BASE);
        s->idt.limit = (uint16_t)svm_get(c->vmcb, VMCB_IDTR_LIMIT);
    }
    if (wanted & (X86_SEG | X86_MODE))
        load_mode(c->vmcb, s);
    if (wanted & X86_CTL) {
        s->cr2 = svm_get(c->vmcb, VMCB_CR2);
        s->cr3 = svm_get(c->vmcb, VMCB_CR3);
        s->cr4 = svm_get(c->vmcb, VMCB_CR4);
    }
    c->hw.loaded |= groups;
    return STATUS_OK;
}

/* After an exit: where the guest is, and whether it can be interrupted.  All
 * else when somebody asks for it. */
static void take_state(struct vcpu *v, struct svm_cpu *c, struct x86_state *s)
{
    s->rip = svm_get(c->vmcb, VMCB_RIP);
    s->rflags = svm_get(c->vmcb, VMCB_RFLAGS);
    s->gpr[X86_RAX] = svm_get(c->vmcb, VMCB_RAX);
    s->seg[X86_CS].attr = (uint16_t)svm_get(c->vmcb, VMCB_CS_ATTRIB);
    s->efer = svm_get(c->vmcb, VMCB_EFER) & ~SVM_EFER_SVME;
    s->interruptible = (s->rflags & X86_FLAG_IF) &&
                       !(svm_get(c->vmcb, VMCB_INTERRUPT_SHADOW) & VMCB_SHADOW);
    c->hw.loaded = c->hw.changed = 0;
    if (trace_on(v->vm->trace)) /* its lines show more */
        load_regs(v, X86_ALL);
}

static void put_state(struct vcpu *v, struct svm_cpu *c,
                      const struct x86_state *s)
{
    svm_put(c->vmcb, VMCB_RIP, s->rip);
    svm_put(c->vmcb, VMCB_RFLAGS, s->rflags);
    svm_put(c->vmcb, VMCB_RAX, s->gpr[X86_RAX]);
    if (c->hw.changed & (X86_SEG | X86_CTL)) {
        load_regs(v, X86_ALL);
        put_all(c, s);
    }
}

EXIT_PATH static enum status store_regs(struct vcpu *v, uint32_t groups)
{
    struct svm_cpu *c = svm_cpu(v);
    struct x86_state *s = v->arch;

    c->hw.changed |= groups;
    if (hardware_complete(v)) {
        svm_put(c->vmcb, VMCB_INTERRUPT_SHADOW, 0);
        if (s->rflags & X86_FLAG_TF) { /* it would have trapped by now */
            c->hw.inject = true;
            c->hw.event = (struct vm_event){.kind = X86_EVENT_EXCEPTION,
                                            .code = X86_EXC_DB};
        }
        s->interruptible = (s->rflags & X86_FLAG_IF) && !s->delivering;
    }
    return STATUS_OK;
}

/* ---- Running ---- */

/* A virtual interrupt that exits as it is about to be taken: the window. */
static void put_window(struct svm_cpu *c, bool wanted)
{
    uint8_t *page = c->vmcb;
    uint64_t bit = UINT64_C(1) << SVM_INTERCEPT_VINTR,
             words = svm_get(page, VMCB_INTERCEPT_1);

    c->window = wanted;
    svm_put(page, VMCB_INTERCEPT_1, wanted ? words | bit : words & ~bit);
    svm_put(page, VMCB_V_INTR,
            wanted ? VMCB_V_MASKING | VMCB_V_IRQ | VMCB_V_IGNORE_TPR
                   : VMCB_V_MASKING);
}

static void make_current(struct svm_cpu *c)
{
    if (loaded)
        hardware_keep(&loaded->hw);
    hardware_give(&c->hw);
    loaded = c;
}

static void prepare(struct vcpu *v, struct svm_cpu *c, struct x86_state *s)
{
    bool window =
        hardware_interrupt_waits(v) && !s->interruptible && !c->hw.inject;

    put_state(v, c, s);
    if (UNLIKELY(window || window != c->window)) /* it may have been taken */
        put_window(c, window);
    svm_put(c->vmcb, VMCB_EVENTINJ,
            c->hw.inject ? vmcb_injection(&c->hw.event) : c->again);
    c->hw.inject = false;
    c->again = 0;
    s->delivering = false;
    if (UNLIKELY(loaded != c))
        make_current(c);
}

uint8_t *svm_page(const struct vcpu *v)
{
    return svm_cpu(v)->vmcb;
}

int64_t svm_try(struct vcpu *v)
{
    uint8_t *page = svm_cpu(v)->vmcb;
    struct x86_state *s = v->arch;
    int64_t code;

    put_state(v, svm_cpu(v), s);
    while (svm_enter(s->gpr, page, host),
           (code = (int64_t)svm_get(page, VMCB_EXITCODE)) == SVM_EXIT_INTR)
        svm_take_tick();
    return code == (int64_t)UINT32_MAX ? SVM_EXIT_INVALID : code;
}

EXIT_PATH static enum status run(struct vcpu *v, struct vm_exit *x)
{
    struct svm_cpu *c = svm_cpu(v);
    struct x86_state *s = v->arch;

    for (bool told = v->within && hardware_goes_on(v, x); !told;) {
        prepare(v, c, s);
        svm_enter(s->gpr, c->vmcb, host);
        svm_put(c->vmcb, VMCB_TLB_CONTROL, VMCB_TLB_KEEP);
        take_state(v, c, s);
        if (svm_get(c->vmcb, VMCB_EXITCODE) == SVM_EXIT_INTR) {
            svm_take_tick();
            c->again = svm_get(c->vmcb, VMCB_EXITINTINFO);
            if (!(c->again & VMCB_EVENT_VALID))
                c->again = 0;
        }
        told = svm_translate_exit(v, c->vmcb, x);
    }
    if (x->reason == EXIT_ENTRY_FAILED) {
        say("%s: the processor refuses to enter it:", v->vm->name);
        if (!svm_explain(c->vmcb)->count)
            say("  and no rule of VMRUN tells why");
    }
    return STATUS_OK;
}

const struct engine_ops engine_svm_hw = {
    .name = "svm",
    .title = "AMD-V of the processor that the monitor runs on",
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
