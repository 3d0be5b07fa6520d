/* Between the files of this folder. */
#ifndef X86VMM_SVM_PART_H
#define X86VMM_SVM_PART_H

#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/paging.h"
#include "x86vmm/svm/svm.h"

static inline struct svm *svm_of(const struct x86_cpu *cpu)
{
    return cpu->assistant;
}

/* VM_CR: bits that can be written, the two that matter here. */
enum { SVM_CR_OWN = 0x1F, SVM_CR_LOCK = 8, SVM_CR_DISABLE = 0x10 };

/* The hooks, in event.c: without nested paging, and with it. */
extern const struct x86_guest svm_guest, svm_guest_nested;

/* Of an instruction that can be intercepted by one bit (op.def). */
enum svm_intercept svm_intercept_of(const struct x86_op *op);
bool svm_intercept(struct x86_cpu *cpu, const struct x86_op *op, int *code);
int svm_nested_walk(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
                    enum x86_access access, bool entry, uint64_t *physical);
/* What follows from its mode: before the first walk. */
void svm_nested_shape(struct svm_nested *as);
int svm_instruction(struct x86_cpu *cpu, const struct x86_op *op);

/* What is held while GIF is this. */
void svm_set_gif(struct x86_cpu *cpu, bool gif);

/* VMRUN of t->v, which may end at once: X86_SYNC, or what svm_leave()
 * returned.  False: a check failed; nothing is changed but t->v's exit
 * information. */
bool svm_check(struct x86_cpu *cpu, bool host_paging);
int svm_go(struct x86_cpu *cpu);

/* A page to be written, with what was decoded from it forgotten; NULL: no
 * storage is there, or only to be read. */
uint8_t *svm_page_to_write(struct x86_cpu *cpu, uint64_t address);

/* The state-save area, between a VMCB and the processor. */
void svm_load_state(struct x86_cpu *cpu, const struct vmcb *v);
void svm_save_state(struct x86_cpu *cpu, struct vmcb *v);
/* Last-branch records, which only some guests have for themselves (15.23). */
void svm_load_branches(struct x86_cpu *cpu, const struct vmcb *v);
void svm_save_branches(const struct x86_cpu *cpu, struct vmcb *v);

/* To the monitor: as t->exit says; `during` may be NULL. */
int svm_leave(struct x86_cpu *cpu, const struct x86_fault *during);

/* Begin an exit: X86_FAULT, on its way to svm_leave.  `op`: the instruction
 * after which NRIP is; NULL: none. */
int svm_exits(struct x86_cpu *cpu, const struct x86_op *op, uint64_t code,
              uint64_t info1, uint64_t info2);
/* Its bytes, as far as they are known to be there (15.33.5). */
void svm_tell_bytes(struct x86_cpu *cpu);

/* As EVENTINJ and EXITINTINFO have an event. */
uint64_t svm_event(const struct x86_fault *f);

#endif
