/* The processor says that it does not enter, and not why.  The rows of
 * svm/vmrun_check.def do. */
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/engine_svm_hw.h"

/* Bits that any AMD processor has: SCE LME LMA NXE SVME LMSLE FFXSR TCE and on
 * to AIBRSE; bits 12:0, 18:16 and 23:20 of CR4.  Which of them this one has,
 * CPUID tells in a dozen places, and a guest of ours is not given. */
#define EFER_BITS UINT64_C(0x36FD01)
#define CR4_BITS  UINT64_C(0xF71FFF)

const struct svm_broken *svm_explain(const uint8_t *page)
{
    static struct svm_broken last;
    struct vmcb contents;
    struct vmrun r = {.vmcb = &contents,
                      .efer = EFER_BITS,
                      .cr4 = CR4_BITS,
                      .host_paging = true,
                      .physical_bits = cpu_physical_bits()};
    char words[DIAG_SIZE];

    vmcb_load(&contents, page);
    last.count = vmrun_check_all(&r, last.rules, SVM_BROKEN_MAX);
    for (size_t i = 0; i < last.count && i < SVM_BROKEN_MAX; i++) {
        vmrun_failure_words(&last.rules[i], words, sizeof(words));
        say("  %s", words);
    }
    return &last;
}
