/* A machine under the monitor for tests, with ears: what it prints, its trace
 * and its ledger are kept.  On /dev/kvm, unless rig_use has said otherwise. */
#ifndef TESTS_X86_RIG_H
#define TESTS_X86_RIG_H

#include "cli/vmm_x86.h"
#include "monitor/dispatcher.h"
#include "x86vmm/engine/kvm_probe.h"

enum { RIG_POOL = 64 << 20, RIG_STORAGE = 2 << 20 };

struct rig {
    struct x86_vmm *vmm;
    struct vm *vm;
    struct trace trace;
    struct trace_ledger ledger;
    struct trace_text text;
    char log[256 << 10]; /* the trace, zero-terminated */
    size_t logged;
    char printed[1024]; /* by the guest */
    size_t n;
};

/* What this host's KVM does; found out once a suite, before it forks. */
const struct kvm_probe *rig_probe(void);
/* On which engine the rigs of this test run; a fixture's work. */
void rig_use(const struct engine_ops *engine);
void rig_use_kvm(void);
void rig_use_vtx(void);
void rig_use_svm(void);
bool rig_on_kvm(void);
bool rig_on_svm(void);

/* Is all of KVM demanded, by TRAPLINE_KVM=whole? */
bool rig_must(void);
/* Has the engine got it?  False: the test is skipped, and it was said why. */
bool rig_has_mode(enum x86_mode mode);
bool rig_has(enum kvm_feature f);

struct rig *rig_new(enum x86_mode mode);
void rig_free(struct rig *r);
/* With code where the mode begins. */
struct rig *rig_with_code(enum x86_mode mode, const void *code, size_t n);
/* A guest of x86vmm/guest; NULL, and skipped, when there is no assembler for
 * it here. */
struct rig *rig_with_guest(enum x86_mode mode, const char *name);

enum turn rig_run(struct rig *r);
/* Run code that ends in HLT with interrupts off, which ends the machine. */
void rig_run_to_halt(struct rig *r);
/* How many exits of this reason the trace has seen. */
uint64_t rig_count(const struct rig *r, const char *reason);

#endif
