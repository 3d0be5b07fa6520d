#include "tests/x86_mutants.h"

#include "base/bytes.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/engine/svm_host.h"
#include "x86vmm/engine/vtx_host.h"
#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/vtx/part.h"

#include <string.h>

#define VMCS(name) (vtx_vcpu(v)->vmcs.field[VMCS_##name])
#define VMCB(name) (svm_vcpu(v)->vmcb.field[VMCB_##name])

/* ---- Handlers ---- */

static enum verdict cpuid_is_three_bytes(struct vcpu *v, struct vm_exit *x)
{
    x->insn_len = 3;
    return x86_interpreters[X86_OP_CPUID](v, x);
}

static enum verdict pending_debug_is_dropped(struct vcpu *v, struct vm_exit *x)
{
    x86_state(v)->rflags &= ~X86_FLAG_TF;
    return vm_cpuid(v, x);
}

static enum verdict cpuid_keeps_high_half(struct vcpu *v, struct vm_exit *x)
{
    enum verdict verdict = x86_interpreters[X86_OP_CPUID](v, x);

    x86_state(v)->gpr[X86_RDX] |= UINT64_C(1) << 32;
    return verdict;
}

static enum verdict gp_has_an_error(struct vcpu *v, struct vm_exit *x)
{
    enum verdict verdict = x86_interpreters[X86_OP_RDMSR](v, x);

    x->event.info[0] = 0x18;
    return verdict;
}

static enum verdict in_is_too_wide(struct vcpu *v, struct vm_exit *x)
{
    if (x->reason == EXIT_IO && !x->io.write && x->io.size == 1)
        x86_state(v)->gpr[X86_RAX] |= 0xFF00;
    return handle_x86_io(v, x);
}

static enum verdict outs_counts_twice(struct vcpu *v, struct vm_exit *x)
{
    if (x->insn && !strcmp(x->insn->name, "OUTS") &&
        x86_state(v)->gpr[X86_RCX] == 4)
        x86_state(v)->gpr[X86_RCX]--;
    return handle_x86_io(v, x);
}

/* ---- VT-x ---- */

static bool cr0_shadow_is_lost(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    VMCS(CR0_SHADOW) = 0;
    return vtx_ops.enter(v, exited, x);
}

static bool tsc_has_an_offset(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    vmcs_put(&vtx_vcpu(v)->vmcs, VMX_PRIMARY_TSC_OFFSETTING, true);
    VMCS(TSC_OFFSET) = 7;
    return vtx_ops.enter(v, exited, x);
}

static bool window_is_forgotten(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    vmcs_put(&vtx_vcpu(v)->vmcs, VMX_PRIMARY_INTERRUPT_WINDOW, false);
    return vtx_ops.enter(v, exited, x);
}

static bool sti_has_no_shadow(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    VMCS(GUEST_INTERRUPTIBILITY) &= ~UINT64_C(1);
    return vtx_ops.enter(v, exited, x);
}

static bool fs_is_16_bits_wide(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    VMCS(GUEST_FS_RIGHTS) &= ~UINT64_C(0x4000);
    return vtx_ops.enter(v, exited, x);
}

static bool gs_base_is_cut(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    VMCS(GUEST_GS_BASE) = (uint32_t)VMCS(GUEST_GS_BASE);
    return vtx_ops.enter(v, exited, x);
}

static bool sysenter_is_lost(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    VMCS(GUEST_SYSENTER_EIP) = 0;
    return vtx_ops.enter(v, exited, x);
}

/* The processor's own delivery, in a guest. */
static int fault_on_its_way(struct x86_cpu *cpu, const struct x86_fault *during)
{
    if (cpu->fault.vector == X86_EXC_PF)
        cpu->fault.error ^= 2; /* a read for a write */
    return vtx_guest.deliver(cpu, during);
}

static bool page_fault_tells_wrong(struct vcpu *v, bool *exited,
                                   struct vm_exit *x)
{
    static struct x86_guest hooks;
    bool entered = vtx_ops.enter(v, exited, x);

    if (model_vcpu(v)->cpu.guest == &vtx_guest) {
        hooks = vtx_guest;
        hooks.deliver = fault_on_its_way;
        model_vcpu(v)->cpu.guest = &hooks;
    }
    return entered;
}

static enum model_shadow tf_is_lost(struct vcpu *v)
{
    enum model_shadow shadow = vtx_ops.take_state(v);

    model_arch(v)->rflags &= ~X86_FLAG_TF;
    return shadow;
}

/* The entry for a page of 4 KiB, behind `front` pages of other tables. */
static uint8_t *entry_for(const struct vm *vm, unsigned front, uint64_t gpa)
{
    const struct model_machine *m = vm->backing;
    uint64_t table = MODEL_TABLES + (uint64_t)front * MODEL_PAGE;

    for (unsigned level = 3;; level--) {
        uint8_t *e = m->tables + (table - MODEL_TABLES) +
                     8 * (gpa >> (12 + 9 * level) & 511);

        if (!level)
            return e;
        table = load_le64(e) & UINT64_C(0xFFFFFFFFF000);
    }
}

static void exchange_pages(const struct vm *vm, unsigned front)
{
    uint8_t *a = entry_for(vm, front, 0x181000);
    uint8_t *b = entry_for(vm, front, 0x182000);
    uint64_t x = load_le64(a);

    store_le64(a, load_le64(b));
    store_le64(b, x);
}

static enum status ept_exchanges_pages(struct vm *vm)
{
    enum status st = vtx_ops.make_tables(vm);

    if (!st)
        exchange_pages(vm, 1);
    return st;
}

/* Of the bitmaps for C000_0000 on: reads from 1024, writes from 3072. */
static enum status msr_bitmap_is_off_by_one(struct vm *vm)
{
    const struct model_machine *m = vm->backing;
    enum status st = vtx_ops.make_tables(vm);

    for (unsigned half = 0; !st && half < 2; half++) {
        uint8_t *bits = m->tables + 1024 + 2048 * half + 0x80 / 8;
        bits[0] = (uint8_t)(bits[0] << 1 | 1);
    }
    return st;
}

/* ---- AMD-V ---- */

static void next_rip_is_lost(struct vcpu *v, struct model_told *t)
{
    svm_ops.tell(v, t);
    if (t->raw == SVM_EXIT_CPUID)
        t->len = 0;
}

static bool virtual_interrupt_is_lost(struct vcpu *v, bool *exited,
                                      struct vm_exit *x)
{
    VMCB(V_INTR) = 0;
    return svm_ops.enter(v, exited, x);
}

static bool injected_error_is_lost(struct vcpu *v, bool *exited,
                                   struct vm_exit *x)
{
    VMCB(EVENTINJ) &= ~(uint64_t)VMCB_EVENT_ERROR;
    return svm_ops.enter(v, exited, x);
}

static bool rax_is_cut(struct vcpu *v, bool *exited, struct vm_exit *x)
{
    VMCB(RAX) = (uint32_t)VMCB(RAX);
    return svm_ops.enter(v, exited, x);
}

static enum model_shadow svme_is_seen(struct vcpu *v)
{
    enum model_shadow shadow = svm_ops.take_state(v);

    model_arch(v)->efer |= SVM_EFER_SVME;
    return shadow;
}

static enum status npt_exchanges_pages(struct vm *vm)
{
    enum status st = svm_ops.make_tables(vm);

    if (!st)
        exchange_pages(vm, 5);
    return st;
}

/* ---- All of them ---- */

const struct x86_mutant x86_mutants[] = {
    {"CPUID is three bytes long", .what = "rip", .insn = "cpuid",
     .interpreter = cpuid_is_three_bytes, .op = X86_OP_CPUID},
    {"CPUID leaves the upper half of RDX", .what = "rdx", .insn = "cpuid",
     .interpreter = cpuid_keeps_high_half, .op = X86_OP_CPUID},
    {"RDMSR's #GP has an error code", .what = "storage at", .insn = "rdmsr",
     .interpreter = gp_has_an_error, .op = X86_OP_RDMSR},
    {"the answer of IN is too wide", .what = "rax", .insn = "in al",
     .io = in_is_too_wide},
    {"REP OUTS counts an element twice", .what = "", .insn = "rep outsb",
     .io = outs_counts_twice},
    {"the shadow of CR0 is lost", .what = "cr0", .insn = "",
     .ops.enter = cr0_shadow_is_lost},
    {"the TSC has an offset", .what = "rax", .insn = "rdtsc",
     .ops.enter = tsc_has_an_offset},
    {"the interrupt window is forgotten", .what = "", .insn = "nop",
     .ops.enter = window_is_forgotten},
    {"STI has no shadow", .what = "", .insn = "",
     .ops.enter = sti_has_no_shadow},
    {"FS is entered with 16 bits", .what = "fs attributes", .insn = "",
     .ops.enter = fs_is_16_bits_wide},
    {"a page fault's error code says read for write", .what = "storage at",
     .insn = "mov [rdi], rax", .ops.enter = page_fault_tells_wrong},
    {"TF is lost at an exit", .what = "rflags", .insn = "iretq",
     .ops.take_state = tf_is_lost},
    {"a pending #DB is dropped", .what = "", .insn = "cpuid",
     .interpreter = pending_debug_is_dropped, .op = X86_OP_CPUID},
    {"EPT exchanges two pages", .what = "storage at 181000",
     .insn = "mov [rdi], rcx", .ops.make_tables = ept_exchanges_pages},
    {"the MSR bitmap is off by one", .what = "", .insn = "rdmsr",
     .ops.make_tables = msr_bitmap_is_off_by_one},
    {"nRIP is not filled", .svm = true, .what = "rip", .insn = "cpuid",
     .ops.tell = next_rip_is_lost},
    {"the virtual interrupt is lost", .svm = true, .what = "", .insn = "nop",
     .ops.enter = virtual_interrupt_is_lost},
    {"EVENTINJ has no error code", .svm = true, .what = "rsp", .insn = "rdmsr",
     .ops.enter = injected_error_is_lost},
    {"RAX is cut to 32 bits at VMRUN", .svm = true, .what = "rax", .insn = "",
     .ops.enter = rax_is_cut},
    {"the guest sees EFER.SVME", .svm = true, .what = "efer", .insn = "",
     .ops.take_state = svme_is_seen},
    {"nested paging exchanges two pages", .svm = true,
     .what = "storage at 181000", .insn = "mov [rdi], rcx",
     .ops.make_tables = npt_exchanges_pages},
    {"GS's base is cut to 32 bits", .debian = true, .what = "gs base",
     .insn = "", .ops.enter = gs_base_is_cut},
    {"IA32_SYSENTER_EIP is lost", .debian = true, .what = "IA32_SYSENTER_EIP",
     .insn = "", .ops.enter = sysenter_is_lost},
};
const size_t x86_mutant_count = ARRAY_LEN(x86_mutants);

static struct {
    struct model_ops ops;
    struct engine_ops engine;
    struct handler_row handlers[EXIT_REASON_COUNT];
    interpreter_fn interpreters[X86_OP_COUNT];
} broken;

static enum status broken_init(struct vm *vm)
{
    return model_vm_init(vm, &broken.ops);
}

#define TAKE(member)   \
    if (m->ops.member) \
    broken.ops.member = m->ops.member

const struct engine_ops *x86_mutant_engine(const struct x86_mutant *m)
{
    broken.ops = m->svm ? svm_ops : vtx_ops;
    broken.engine = m->svm ? engine_svm : engine_vtx;
    broken.engine.vm_init = broken_init;
    TAKE(make_tables);
    TAKE(enter);
    TAKE(take_state);
    TAKE(tell);
    return &broken.engine;
}

void x86_mutant_made(void *who, struct vm *vm)
{
    const struct x86_mutant *m = who;

    memcpy(broken.handlers, x86_handlers, sizeof(broken.handlers));
    memcpy(broken.interpreters, x86_interpreters, sizeof(broken.interpreters));
    if (m->io)
        broken.handlers[EXIT_IO].handle = m->io;
    if (m->interpreter)
        broken.interpreters[m->op] = m->interpreter;
    vm->handlers = broken.handlers;
    vm->interpreters = broken.interpreters;
}

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

bool x86_mutant_named(const struct x86_mutant *m,
                      const struct x86_lockstep_report *r)
{
    return !r->same && r->exact && begins(r->what, m->what) &&
           begins(r->insn, m->insn) && r->insn[0];
}
