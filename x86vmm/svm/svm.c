#include "base/bits.h"
#include "x86vmm/machine/cpuid.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/svm/part.h"

#include <string.h>

/* Numbers (AMD APM vol. 2, 15.30; 13.2.1). */
#define MSR_PERF_CTL 0xC0010000u /* four of them, and four of */
#define MSR_PERF_CTR 0xC0010004u
#define PERF_CTRS    4
#define MSR_VM_CR    0xC0010114u
#define MSR_IGNNE    0xC0010115u
#define MSR_HSAVE_PA 0xC0010117u

/* ---- MSRs ---- */

/* 15.30.1: LOCK holds itself and SVMDIS until the next reset. */
static int write_vm_cr(struct x86_cpu *cpu, uint64_t value)
{
    struct svm *t = svm_of(cpu);
    const uint64_t locked = SVM_CR_LOCK | SVM_CR_DISABLE;

    if (value & ~(uint64_t)SVM_CR_OWN)
        return x86_raise_gp(cpu);
    if (t->vm_cr & SVM_CR_LOCK)
        value = (value & ~locked) | (t->vm_cr & locked);
    if ((value & SVM_CR_DISABLE) && (cpu->state.efer & SVM_EFER_SVME))
        return x86_raise_gp(cpu);
    t->vm_cr = value;
    return 0;
}

static int write_hsave_pa(struct x86_cpu *cpu, uint64_t value)
{
    if ((value & (VMCB_PAGE - 1)) || value >> X86_PHYSICAL_BITS)
        return x86_raise_gp(cpu);
    svm_of(cpu)->hsave_pa = value;
    return 0;
}

/* Every AMD processor has these, and nothing announces them.  They keep what
 * is written, and count nothing. */
static uint64_t *performance(struct svm *t, uint32_t index)
{
    return index - MSR_PERF_CTL < ARRAY_LEN(t->performance)
               ? &t->performance[index - MSR_PERF_CTL]
               : NULL;
}

/* 13.1.1.6: what the pins tell of performance and breakpoints.  There are none.
 */
#define DEBUGCTL_PINS UINT64_C(0x3C)

static bool write_msr(struct x86_cpu *cpu, uint32_t index, uint64_t value,
                      int *code)
{
    uint64_t *counter = performance(svm_of(cpu), index);

    if (counter) {
        *counter = index < MSR_PERF_CTR ? value : value & BITS_MASK(48);
        return true;
    }
    switch (index) {
    case MSR_VM_CR:
        *code = write_vm_cr(cpu, value);
        return true;
    case MSR_IGNNE: /* there is no IGNNE# */
        *code = value >> 1 ? x86_raise_gp(cpu) : 0;
        return true;
    case MSR_HSAVE_PA:
        *code = write_hsave_pa(cpu, value);
        return true;
    case (uint32_t)X86_MSR_EFER: /* the processor's own, but for this */
        if (!(value & SVM_EFER_SVME) || !(svm_of(cpu)->vm_cr & SVM_CR_DISABLE))
            return false;
        *code = x86_raise_gp(cpu);
        return true;
    default:
        return false;
    }
}

static bool msr(struct x86_cpu *cpu, uint32_t index, bool write,
                uint64_t *value, int *code)
{
    struct svm *t = svm_of(cpu);
    const uint64_t *counter = performance(t, index);

    *code = 0;
    if (write && index == X86_MSR_DEBUGCTL)
        *value &= ~DEBUGCTL_PINS;
    if (write)
        return write_msr(cpu, index, *value, code);
    if (counter) {
        *value = *counter;
        return true;
    }
    switch (index) {
    case MSR_VM_CR:
        *value = t->vm_cr;
        return true;
    case MSR_IGNNE:
        *value = 0;
        return true;
    case MSR_HSAVE_PA:
        *value = t->hsave_pa;
        return true;
    default:
        return false;
    }
}

/* ---- CPUID ---- */

enum { REVISION = 1, ASIDS = 64 };

/* AMD APM vol. 3, appendix E, function 8000_000A. */
enum {
    NESTED_PAGING = 1,
    LBR_VIRTUALIZATION = 1 << 1,
    NRIPS = 1 << 3,
    FLUSH_BY_ASID = 1 << 6,
    DECODE_ASSISTS = 1 << 7
};

static void name_vendor(const struct x86_cpu *cpu, struct x86_cpuid_row *row)
{
    static const uint8_t vendor[] = "AuthenticAMD";

    if (cpu->world.vendor)
        return;
    row->ebx = load_le32(vendor);
    row->edx = load_le32(vendor + 4);
    row->ecx = load_le32(vendor + 8);
}

static void cpuid(const struct x86_cpu *cpu, uint32_t leaf,
                  struct x86_cpuid_row *row)
{
    enum { SVM = 1 << 2, LAST = 0xA };

    switch (leaf) {
    case 0:
        name_vendor(cpu, row);
        return;
    case 0x80000000:
        name_vendor(cpu, row);
        if (row->eax < 0x80000000 + LAST)
            row->eax = 0x80000000 + LAST;
        return;
    case 0x80000001:
        row->ecx |= SVM;
        return;
    case 0x80000009:
        *row = (struct x86_cpuid_row){.leaf = leaf};
        return;
    case 0x8000000A:
        *row = (struct x86_cpuid_row){.leaf = leaf,
                                      .eax = REVISION,
                                      .ebx = ASIDS,
                                      .edx = NESTED_PAGING |
                                             LBR_VIRTUALIZATION | NRIPS |
                                             FLUSH_BY_ASID | DECODE_ASSISTS};
        return;
    default:
        return;
    }
}

/* ---- The part ---- */

void svm_set_gif(struct x86_cpu *cpu, bool gif)
{
    struct svm *t = svm_of(cpu);
    bool masks = cpu->guest && (t->v->field[VMCB_V_INTR] & VMCB_V_MASKING);

    t->gif = gif;
    cpu->held = !gif ? X86_HELD_INTERRUPTS | X86_HELD_NMI | X86_HELD_BREAKPOINTS
                : masks ? X86_HELD_INTERRUPTS
                        : 0;
}

static void reset(struct x86_cpu *cpu)
{
    struct svm *t = svm_of(cpu);

    memset(t, 0, sizeof(*t));
    cpu->guest = NULL;
    cpu->watched = false;
    svm_set_gif(cpu, true);
}

static const struct x86_assist assist = {.efer = SVM_EFER_SVME,
                                         .counters = PERF_CTRS,
                                         .first_counter = MSR_PERF_CTR,
                                         .instruction = svm_instruction,
                                         .msr = msr,
                                         .cpuid = cpuid,
                                         .reset = reset};

void svm_attach(struct svm *t, struct x86_cpu *cpu)
{
    cpu->assist = &assist;
    cpu->assistant = t;
    reset(cpu);
}
