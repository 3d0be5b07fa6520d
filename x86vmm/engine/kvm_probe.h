/* What /dev/kvm of this host really does, found out by running guests.
 *
 * Opening the device says little: there are hosts whose KVM runs real mode
 * but shuts down at the first 32-bit page table, or ignores the CPUID table.
 * So a guest of about ten instructions runs in each mode and its results are
 * checked. */
#ifndef X86VMM_ENGINE_KVM_PROBE_H
#define X86VMM_ENGINE_KVM_PROBE_H

#include "base/diag.h"
#include "x86vmm/machine/mode.h"

enum kvm_verdict {
    KVM_ABSENT,  /* no usable /dev/kvm: `why` says it */
    KVM_PARTIAL, /* some modes or features are missing */
    KVM_WHOLE
};

/* Features beside the modes.
 * KVM_FEATURE(name, title) */
#define KVM_FEATURES(X)                            \
    X(CPUID, "guest CPUID is the monitor's")       \
    X(STEP, "single step")                         \
    X(MMIO, "memory-mapped I/O exits")             \
    X(INTERRUPT, "interrupt injection and window") \
    X(GATES32, "INT and IRET, protected mode")     \
    X(GATES64, "INT and IRET, long mode")          \
    X(CX16, "CMPXCHG16B")                          \
    X(SSE, "SSE registers")                        \
    X(MSR, "unknown MSRs are the monitor's")       \
    X(FILTER, "so are those beside the profile")   \
    X(BREAK, "hardware breakpoints")

enum kvm_feature {
#define X(name, title) KVM_FEATURE_##name,
    KVM_FEATURES(X)
#undef X
        KVM_FEATURE_COUNT
};

struct kvm_probe_row {
    const char *name;  /* "long", "CPUID" */
    const char *title; /* words */
    bool works;
    bool needed;       /* for it to be whole; others only spare work */
    char why_not[160]; /* empty when it works */
};

enum { KVM_PROBE_ROWS = X86_MODE_COUNT + KVM_FEATURE_COUNT };

struct kvm_probe {
    enum kvm_verdict verdict;
    char why[160];                             /* when absent */
    struct kvm_probe_row rows[KVM_PROBE_ROWS]; /* the modes, then features */
    unsigned count;                            /* 0 when absent */
};

/* Run the probe guests; takes milliseconds.  On a host that is not Linux on
 * x86-64 the answer is KVM_ABSENT. */
void kvm_probe_run(struct kvm_probe *p);

#endif
