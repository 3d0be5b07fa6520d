/* The least that runs a guest on /dev/kvm: what any monitor's loop is measured
 * against. */
#ifndef TESTS_KVM_BENCH_BARE_H
#define TESTS_KVM_BENCH_BARE_H

#include "base/types.h"
#include "x86vmm/machine/mode.h"

enum { KVM_BENCH_EXITS = 100 }; /* at a time */

/* A loop whose every round is one exit; needs no registers. */
struct kvm_bench_guest {
    const char *name;
    enum x86_mode mode; /* that the monitor starts it in; real mode here */
    const uint8_t *code;
    size_t size;
};

extern const struct kvm_bench_guest kvm_bench_guests[];
extern const unsigned kvm_bench_guest_count;

struct kvm_bare {
    int kvm, vm, cpu; /* file descriptors, open where `run` is set */
    struct kvm_run *run;
    size_t run_size;
    uint8_t *ram;
    uint32_t reason; /* of the guest's first exit: all must be like it */
    char why[128];
};

/* False: why says it; to be ended all the same. */
bool kvm_bare_start(struct kvm_bare *b, const struct kvm_bench_guest *g);
bool kvm_bare_run(struct kvm_bare *b, unsigned exits);
void kvm_bare_end(struct kvm_bare *b);

#endif
