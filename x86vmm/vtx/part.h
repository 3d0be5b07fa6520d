/* Between the files of this folder. */
#ifndef X86VMM_VTX_PART_H
#define X86VMM_VTX_PART_H

#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/vtx/vtx.h"

/* Of CR0: entries and exits leave it as it is (27.3.2.1, 28.5.1). */
#define VTX_CR0_KEPT (X86_CR0_CD | X86_CR0_NW | X86_CR0_ET)

static inline struct vtx *vtx_of(const struct x86_cpu *cpu)
{
    return cpu->assistant;
}

/* Of an instruction that can exit (op.def). */
enum vmx_exit vtx_exit_of(const struct x86_op *op);
bool vtx_intercept(struct x86_cpu *cpu, const struct x86_op *op, int *code);
int vtx_ept(struct x86_cpu *cpu, uint64_t gpa, uint64_t linear,
            enum x86_access access, bool entry, uint64_t *physical);
int vtx_instruction(struct x86_cpu *cpu, const struct x86_op *op);

/* Checks passed but those of the guest's state: ask them, load it, and go.
 * X86_SYNC, or what leave() returned.  *failed: reason 33 or 34. */
int vtx_load_guest(struct x86_cpu *cpu, struct entry *e, bool *failed);
/* To the monitor: as t->exit says; `during` may be NULL. */
int vtx_leave(struct x86_cpu *cpu, const struct x86_fault *during);
/* An exit before anything of the guest was loaded, or after: reason 33, 34. */
int vtx_fail_entry(struct x86_cpu *cpu);

/* Begin an exit: X86_FAULT, on its way to vtx_leave.  `op`: the instruction
 * whose length is told; NULL: none. */
int vtx_exits(struct x86_cpu *cpu, const struct x86_op *op, enum vmx_exit why,
              uint64_t qualification);
/* EXIT_QUALIFICATION of an instruction with this operand: the displacement of
 * one in storage, from 0 if it is relative to RIP (28.2.1). */
uint64_t vtx_displacement(const struct x86_cpu *cpu, const struct x86_op *op,
                          unsigned operand);
/* EXIT_INSTRUCTION_INFO of a memory operand, or a register in bits 6:3. */
uint32_t vtx_operand_info(const struct x86_op *op, unsigned operand);

/* Of an event that is delivered, or exits instead. */
enum vtx_rf vtx_rf_of(const struct x86_fault *f);
/* As EXIT_INTERRUPTION_INFO and IDT_VECTORING_INFO have an event. */
uint32_t vtx_event_info(const struct x86_fault *f);

#endif
