/* The x87 registers as their instructions see them (Intel SDM vol. 1, ch. 8).
 *
 * Whether a register is empty is all that is kept of its tag; what else the
 * tag word says is found out when it is stored. */
#ifndef X86VMM_MACHINE_FPU_H
#define X86VMM_MACHINE_FPU_H

#include "x86vmm/machine/op.h"
#include "x86vmm/machine/real.h"

/* The status word, beside the exceptions. */
enum {
    X86_FPU_SF = 0x40, /* the invalid operation was a stack fault */
    X86_FPU_ES = 0x80, /* an exception waits */
    X86_FPU_C0 = 0x100,
    X86_FPU_C1 = 0x200,
    X86_FPU_C2 = 0x400,
    X86_FPU_TOP = 0x3800,
    X86_FPU_C3 = 0x4000,
    X86_FPU_BUSY = 0x8000,
    X86_FPU_CONDITIONS = X86_FPU_C0 | X86_FPU_C1 | X86_FPU_C2 | X86_FPU_C3
};

enum { X86_FPU_INITIAL_CONTROL = 0x37F, X86_TAG_VALID = 0, X86_TAG_EMPTY = 3 };

/* May an x87 instruction begin?  #NM; #MF for one that waits, or X86_SYNC if it
 * is to be begun again after an interrupt.  FWAIT's own rule is in its body. */
MUST_USE int x86_fpu_enter(struct x86_cpu *cpu);
MUST_USE int x86_fpu_enter_no_wait(struct x86_cpu *cpu);
/* If an exception waits: #MF, or (CR0.NE is 0) x86_world.float_error. */
MUST_USE int x86_fpu_wait(struct x86_cpu *cpu);

/* Physical register of ST(i). */
static inline unsigned x86_fpu_index(const struct x86_cpu *cpu, unsigned i)
{
    return ((cpu->fpu.status >> 11) + i) & 7;
}

static inline struct x86_f80 *x86_fpu_st(struct x86_cpu *cpu, unsigned i)
{
    return &cpu->fpu.st[x86_fpu_index(cpu, i)];
}

static inline bool x86_fpu_empty(const struct x86_cpu *cpu, unsigned i)
{
    return (cpu->fpu.tag >> 2 * x86_fpu_index(cpu, i) & 3) == X86_TAG_EMPTY;
}

void x86_fpu_set_tag(struct x86_cpu *cpu, unsigned i, unsigned tag);
/* ST(i) has this value and is not empty. */
void x86_fpu_set(struct x86_cpu *cpu, unsigned i, struct x86_f80 v);
void x86_fpu_turn(struct x86_cpu *cpu, int by); /* TOP */
void x86_fpu_pop(struct x86_cpu *cpu);
void x86_fpu_set_conditions(struct x86_cpu *cpu, unsigned mask, unsigned c);

/* The tag word as it is stored: zero and special ones told apart. */
uint16_t x86_fpu_tag_word(const struct x86_cpu *cpu);
/* After the control or the status word was loaded: ES and B. */
void x86_fpu_summarize(struct x86_cpu *cpu);
/* FNINIT. */
void x86_fpu_init(struct x86_cpu *cpu);

/* Rounding, precision, masks of the control word. */
struct x86_real_env x86_fpu_env(const struct x86_cpu *cpu);

/* Remember where this instruction and its operand are. */
void x86_fpu_note(struct x86_cpu *cpu, const struct x86_op *op);

/* The instruction's exceptions, and C1, into the status word.  False: one that
 * is not masked came before there was a result. */
bool x86_fpu_settle(struct x86_cpu *cpu, const struct x86_real_env *env);
/* A register that must have a value is empty (or, `overflow`, one that must be
 * empty has one).  True: go on with the default NaN. */
bool x86_fpu_stack_fault(struct x86_cpu *cpu, bool overflow);

/* Push what an instruction has made; settles.  The stack fault first. */
void x86_fpu_push(struct x86_cpu *cpu, const struct x86_op *op,
                  struct x86_real_env *env, struct x86_f80 v);

#endif
