#include "x86vmm/bare/hardware.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/bare/time.h"
#include "x86vmm/engine/vmcb_state.h"
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/translate.h"

enum { PAGE = 4096 };

/* STAR LSTAR CSTAR FMASK KERNEL_GS_BASE TSC_AUX. */
static const uint32_t msrs[HARDWARE_MSRS] = {
    (uint32_t)X86_MSR_STAR,           (uint32_t)X86_MSR_LSTAR,
    (uint32_t)X86_MSR_CSTAR,          (uint32_t)X86_MSR_FMASK,
    (uint32_t)X86_MSR_KERNEL_GS_BASE, (uint32_t)X86_MSR_TSC_AUX};

static struct x86_state *state(const struct vcpu *v)
{
    return v->arch;
}

/* ---- Registers outside the control structure ---- */

void hardware_init(struct hardware *h, struct vcpu *v)
{
    (void)v;
    __asm__ volatile("fninit; fxsave %0" : "=m"(h->fpu));
    store_le32(h->fpu + 24, 0x1F80); /* MXCSR at RESET */
    h->dr[6] = 0xFFFF0FF0;
}

#define SAVE_DR(n) __asm__ volatile("mov %%dr" #n ", %0" : "=r"(dr[n]))
#define LOAD_DR(n) __asm__ volatile("mov %0, %%dr" #n : : "r"(dr[n]))

void hardware_read_debug(uint64_t dr[8])
{
    SAVE_DR(0);
    SAVE_DR(1);
    SAVE_DR(2);
    SAVE_DR(3);
    SAVE_DR(6);
}

void hardware_write_debug(const uint64_t dr[8])
{
    LOAD_DR(0);
    LOAD_DR(1);
    LOAD_DR(2);
    LOAD_DR(3);
    LOAD_DR(6);
}

void hardware_keep(struct hardware *h)
{
    __asm__ volatile("fxsave %0" : "=m"(h->fpu));
    for (unsigned i = 0; i < HARDWARE_MSRS; i++)
        h->msrs[i] = rdmsr(msrs[i]);
    hardware_read_debug(h->dr);
    h->cr2 = read_cr2();
}

void hardware_give(const struct hardware *h)
{
    __asm__ volatile("fxrstor %0" : : "m"(h->fpu));
    for (unsigned i = 0; i < HARDWARE_MSRS; i++)
        wrmsr(msrs[i], h->msrs[i]);
    hardware_write_debug(h->dr);
    write_cr2(h->cr2);
}

uint64_t hardware_reg(const struct x86_state *s, unsigned reg, unsigned size)
{
    return s->gpr[reg] & BITS_MASK(8 * size);
}

void hardware_set_reg(struct x86_state *s, unsigned reg, unsigned size,
                      uint64_t value)
{
    uint64_t mask = BITS_MASK(8 * size);

    value &= mask;
    s->gpr[reg] = size == 4 ? value : (s->gpr[reg] & ~mask) | value;
}

/* ---- What is the machine's and not the guest's ---- */

uint64_t hardware_cr0_mask(void)
{
    return X86_CR0_NE | X86_CR0_CD | X86_CR0_NW; /* the caches' */
}

/* TSD DE PSE PAE PGE PCE OSFXSR OSXMMEXCPT, which all processors in long mode
 * have; UMIP SMEP SMAP where the one below has them. */
uint64_t hardware_cr4_mask(void)
{
    uint64_t own = 0x7BC;
    uint32_t r[4];

    cpuid(7, r);
    own |= r[2] >> 2 & 1 ? UINT64_C(1) << 11 : 0;
    own |= r[1] >> 7 & 1 ? UINT64_C(1) << 20 : 0;
    own |= r[1] >> 20 & 1 ? UINT64_C(1) << 21 : 0;
    return ~own;
}

/* A guest is told of nothing that the processor below does not have. */
static void confine_cpuid(struct x86_state *s, uint32_t leaf)
{
    enum { HYPERVISOR = 1u << 31 };
    uint32_t r[4];

    cpuid(leaf, r);
    if (leaf == 7)
        s->gpr[X86_RBX] &= r[1];
    s->gpr[X86_RCX] &= r[2] | (leaf == 1 ? HYPERVISOR : 0);
    s->gpr[X86_RDX] &= r[3];
}

/* The guest's own: in its control structure, or above.  Reads of the time-stamp
 * counter and IA32_MISC_ENABLE do no harm; writes would be to the machine's. */
static const uint16_t only_read[] = {X86_MSR_TSC, X86_MSR_MISC_ENABLE};

void hardware_own_msrs(uint8_t *bitmap)
{
    enum { WRITES = 0x800 }; /* of low MSRs */

    vmcs_make_msr_bitmap(bitmap);
    for (size_t i = 0; i < ARRAY_LEN(only_read); i++)
        bitmap[WRITES + only_read[i] / 8] |= (uint8_t)(1u << only_read[i] % 8);
}

void hardware_own_msrs_svm(uint8_t *map)
{
    vmcb_make_msr_map(map);
    for (size_t i = 0; i < ARRAY_LEN(only_read); i++)
        map[only_read[i] / 4] |= (uint8_t)(2u << only_read[i] % 4 * 2);
}

/* ---- Events ---- */

enum status hardware_inject(struct vcpu *v, const struct vm_event *e)
{
    struct hardware *h = hardware(v);

    if (h->inject)
        return diag_set(&v->vm->diag, STATUS_UNSUPPORTED,
                        "two events at one entry");
    h->inject = true;
    h->event = *e;
    state(v)->interruptible = false;
    state(v)->delivering = true;
    return STATUS_OK;
}

void hardware_kick(struct vcpu *v)
{
    (void)v;
}

uint64_t hardware_now(struct vcpu *v, uint64_t until)
{
    (void)v;
    return time_wait(until);
}

void hardware_exception(struct vm_exit *x, unsigned vector, bool has_error)
{
    x->reason = EXIT_TRAP;
    x->event = (struct vm_event){
        .kind = X86_EVENT_EXCEPTION, .code = vector, .has_error = has_error};
}

/* ---- Exits ---- */

size_t hardware_fetch(struct vcpu *v, uint8_t bytes[X86_INSN_MAX])
{
    v->vm->engine->load_regs(v, X86_ALL);
    memset(bytes, 0, X86_INSN_MAX);
    return x86_fetch(state(v), &v->vm->mem, 0, bytes, X86_INSN_MAX);
}

void hardware_call_exit(struct vcpu *v, struct vm_exit *x, enum x86_insn op,
                        uint64_t len)
{
    hardware_begin(v, x, COMPLETE_ADVANCED, len);
    x86_call_exit(v, x);
    x->insn = &x86_insns.rows[op];
}

COLD void hardware_show(struct vcpu *v, struct vm_exit *x)
{
    uint8_t bytes[X86_INSN_MAX];

    hardware_fetch(v, bytes);
    x->op = (struct exit_op){0};
    memcpy(x->op.bytes, bytes, sizeof(x->op.bytes));
}

void hardware_halt_exit(struct vcpu *v, struct vm_exit *x, uint64_t len)
{
    hardware_begin(v, x, COMPLETE_ADVANCED, len);
    x->insn = &x86_insns.rows[X86_OP_HLT];
}

/* The linear address of INS's or OUTS's operand. */
static uint64_t string_operand(struct vcpu *v, const uint8_t *bytes, size_t n,
                               bool in)
{
    static const uint8_t prefixes[] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
    const struct x86_state *s = state(v);
    unsigned seg = in ? X86_ES : X86_DS;
    uint64_t mask = BITS_MASK(8 * hardware(v)->address);

    for (size_t i = 0; !in && i < n && bytes[i] != 0x6E && bytes[i] != 0x6F;
         i++)
        for (unsigned k = 0; k < ARRAY_LEN(prefixes); k++)
            if (bytes[i] == prefixes[k])
                seg = X86_ES + k;
    return x86_linear(s, (enum x86_seg)seg,
                      s->gpr[in ? X86_RDI : X86_RSI] & mask);
}

/* Elements of a repeated INS that are asked for at once. */
static uint32_t elements(const struct vcpu *v)
{
    const struct hardware *h = hardware(v);
    const struct x86_state *s = state(v);
    uint64_t mask = BITS_MASK(8 * h->address), n;

    if (!h->rep || !h->in)
        return 1;
    n = x86_string_room(s, &v->vm->mem, mask, h->size);
    n = min_u64(n, HARDWARE_STRING / h->size);
    return (uint32_t)min_u64(n, s->gpr[X86_RCX] & mask);
}

/* Guest storage at a linear address, or NULL: a page fault, or a device, which
 * no string reaches here. */
static uint8_t *storage(struct vcpu *v, uint64_t linear, unsigned size)
{
    uint64_t gpa;

    return x86_translate(state(v), &v->vm->mem, linear, &gpa)
               ? mem_at(&v->vm->mem, gpa, size)
               : NULL;
}

static bool string_exit(struct vcpu *v, struct vm_exit *x)
{
    struct hardware *h = hardware(v);
    uint8_t bytes[X86_INSN_MAX];
    struct x86_decoded d;
    size_t n = hardware_fetch(v, bytes);

    x86_decode(bytes, n, x86_code_bits(state(v)), &d);
    state(v)->rflags &= ~X86_FLAG_RF; /* AMD-V saves it as it was */
    h->completion = COMPLETE_STRING;
    h->exit_len = x->insn_len = d.len;
    h->address = d.address_size ? d.address_size : 8;
    x->insn = d.insn;
    if (h->rep && !(state(v)->gpr[X86_RCX] & BITS_MASK(8 * h->address))) {
        h->completion = COMPLETE_NOTHING; /* nothing to do: over it */
        v->vm->isa->set_pc(v, h->exit_pc + d.len);
        return false;
    }
    uint64_t linear = string_operand(v, bytes, n, h->in);
    uint8_t *p = storage(v, linear, h->size);
    h->count = x->io.count = elements(v);
    if (!p) {
        hardware_exception(x, X86_EXC_PF, true);
        x->event.info[0] = h->in ? 2 : 0;
        x->event.info[1] = linear;
    } else if (!h->in) {
        memcpy(h->data, p, h->size);
        x->io.value = x->raw_info[1] = load_le64(h->data);
        if (h->rep) { /* it stays, be it only to find rCX zero */
            x->insn_len = 0;
            h->exit_len = 0;
        }
    }
    return true;
}

bool hardware_io_exit(struct vcpu *v, struct vm_exit *x,
                      const struct port_access *a, uint64_t len)
{
    struct hardware *h =
        hardware_begin(v, x, a->in ? COMPLETE_IN : COMPLETE_ADVANCED, len);

    h->size = a->size;
    h->in = a->in;
    h->rep = a->rep;
    x->io = (struct exit_io){.addr = a->port,
                             .size = a->size,
                             .count = 1,
                             .write = !a->in,
                             .data = h->data};
    x->raw_info[0] = a->port;
    memset(h->data, a->in && !a->string ? 0xFF : 0, 8);
    if (a->string) {
        memset(h->data, a->in ? 0xFF : 0, sizeof(h->data));
        return string_exit(v, x);
    }
    x->insn = &x86_insns.rows[a->in ? a->immediate ? X86_OP_IN : X86_OP_IN_DX
                              : a->immediate ? X86_OP_OUT
                                             : X86_OP_OUT_DX];
    if (a->in)
        return true;
    store_le64(h->data, state(v)->gpr[X86_RAX] & BITS_MASK(8 * a->size));
    x->io.value = x->raw_info[1] = load_le64(h->data);
    if (a->port == X86_PORT_HYPERCALL && a->size == 4) {
        const struct insn_desc *insn = x->insn;

        hardware_call_exit(v, x, X86_OP_OUT_DX, len);
        x->insn = insn;
    }
    return true;
}

/* ---- Executed by software ---- */

/* What it asks of a device. */
static void access_exit(struct vcpu *v, struct vm_exit *x)
{
    struct hardware *h = hardware(v);
    const struct emulator_access *a = &h->emulator.wanted;

    h->completion = COMPLETE_DEVICE;
    h->exit_len = x->insn_len = h->emulator.len;
    x->reason = EXIT_MMIO;
    x->raw_info[0] = a->addr;
    x->io = (struct exit_io){.addr = a->addr,
                             .size = a->size,
                             .count = 1,
                             .write = a->write,
                             .data = h->data};
    memset(h->data, 0xFF, 8);
    if (a->write) {
        store_le64(h->data, a->value & BITS_MASK(8 * a->size));
        x->io.value = x->raw_info[1] = load_le64(h->data);
    }
}

void hardware_emulated(struct vcpu *v, struct vm_exit *x, enum emulated how)
{
    struct hardware *h = hardware(v);
    uint8_t bytes[X86_INSN_MAX];
    uint64_t pc = x->pc;

    h->completion = COMPLETE_NOTHING;
    switch (how) {
    case EMULATED_WANTS:
        access_exit(v, x);
        return;
    case EMULATED_DONE: /* nothing is to be added to it */
        hardware_begin(v, x, COMPLETE_SOFTWARE, 0);
        x->pc = pc;
        x->reason = EXIT_SETTLED;
        return;
    case EMULATED_UNKNOWN:
        hardware_fetch(v, bytes);
        x->reason = EXIT_FAULT;
        x->raw_info[1] = load_le64(bytes);
        return;
    case EMULATED_SHUTDOWN:
        x->reason = EXIT_SHUTDOWN;
        return;
    }
}

bool hardware_goes_on(struct vcpu *v, struct vm_exit *x)
{
    struct emulator *e = &hardware(v)->emulator;

    if (!v->within)
        return false;
    *x = (struct vm_exit){0};
    hardware_begin(v, x, COMPLETE_NOTHING, 0);
    hardware_emulated(v, x, e->down ? EMULATED_SHUTDOWN : EMULATED_WANTS);
    return true;
}

void hardware_device_exit(struct vcpu *v, struct vm_exit *x, uint64_t gpa,
                          bool fetch)
{
    state(v)->rflags &= ~X86_FLAG_RF; /* VT-x saves it set */
    hardware_begin(v, x, COMPLETE_NOTHING, 0);
    x->raw_info[0] = gpa;
    hardware(v)->emulator.count = 0;
    enum emulated how = fetch ? emulator_fetch(v) : emulator_insn(v);
    if (fetch && how == EMULATED_UNKNOWN) /* ones are read: FF FF is none */
        hardware_exception(x, X86_EXC_UD, false);
    else
        hardware_emulated(v, x, how);
}

/* ---- CR0 and CR4 ---- SDM vol. 2, "MOV - Move to/from Control Registers". */

static bool control_allowed(const struct x86_state *s, unsigned cr,
                            uint64_t value)
{
    bool pages = value & X86_CR0_PG;

    if (cr == 4)
        return !(value & hardware_cr4_mask()) &&
               ((value & X86_CR4_PAE) || !(s->efer & X86_EFER_LMA));
    if (value >> 32 || (pages && !(value & X86_CR0_PE)))
        return false;
    if (pages && (s->efer & X86_EFER_LME) && !(s->cr4 & X86_CR4_PAE))
        return false;
    return pages || !(s->efer & X86_EFER_LMA) || x86_code_bits(s) != 64;
}

bool hardware_control_exit(struct vcpu *v, struct vm_exit *x, unsigned cr,
                           uint64_t value)
{
    struct x86_state *s = state(v);

    v->vm->engine->load_regs(v, X86_ALL);
    hardware(v)->changed |= X86_CTL;
    if (!control_allowed(s, cr, value)) {
        hardware_exception(x, X86_EXC_GP, true);
        return true;
    }
    if (cr == 4) {
        s->cr4 = value;
        return false;
    }
    s->cr0 = value | X86_CR0_ET;
    if (s->efer & X86_EFER_LME)
        s->efer = value & X86_CR0_PG ? s->efer | X86_EFER_LMA
                                     : s->efer & ~X86_EFER_LMA;
    return false;
}

/* ---- Completion ---- */

static void step(struct vcpu *v, unsigned reg, int64_t by)
{
    unsigned size = hardware(v)->address;

    hardware_set_reg(state(v), reg, size,
                     hardware_reg(state(v), reg, size) + (uint64_t)by);
}

/* The elements, as far as there is storage for them; what is then left is met
 * when it begins once more. */
static bool complete_string(struct vcpu *v)
{
    struct hardware *h = hardware(v);
    struct x86_state *s = state(v);
    int64_t size = s->rflags & X86_FLAG_DF ? -(int64_t)h->size : h->size;

    s->rip = h->exit_pc;
    for (uint32_t i = 0; i < h->count; i++) {
        if (h->in) {
            uint8_t *p = storage(v, string_operand(v, NULL, 0, true), h->size);

            if (!p)
                break;
            memcpy(p, h->data + (size_t)i * h->size, h->size);
        }
        step(v, h->in ? X86_RDI : X86_RSI, size);
        if (h->rep)
            step(v, X86_RCX, -1);
    }
    if (h->rep) {
        s->rflags |= X86_FLAG_RF;
        return false;
    }
    s->rip += h->exit_len;
    s->rflags &= ~X86_FLAG_RF;
    return true;
}

/* With the answer, once more.  It may ask again: then nothing comes between. */
static bool complete_device(struct vcpu *v)
{
    struct hardware *h = hardware(v);
    struct emulator *e = &h->emulator;

    state(v)->rip = h->exit_pc;
    if (e->count < EMULATOR_ACCESSES) {
        e->done[e->count] = e->wanted;
        e->done[e->count++].value =
            load_le64(h->data) & BITS_MASK(8 * e->wanted.size);
    }
    enum emulated how = emulator_insn(v);
    e->down = how == EMULATED_SHUTDOWN;
    v->within = e->down || how == EMULATED_WANTS;
    return how == EMULATED_DONE;
}

bool hardware_complete_more(struct vcpu *v, enum completion how)
{
    struct hardware *h = hardware(v);
    struct x86_state *s = state(v);

    if (how == COMPLETE_SOFTWARE)
        return true;
    if (how == COMPLETE_STRING)
        return complete_string(v);
    if (how == COMPLETE_DEVICE)
        return complete_device(v);
    s->rflags &= ~X86_FLAG_RF;
    if (how == COMPLETE_CPUID)
        confine_cpuid(s, h->leaf);
    else
        hardware_set_reg(s, X86_RAX, h->size, load_le64(h->data));
    return true;
}
