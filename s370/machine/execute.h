/* What every driver does with a decoded instruction: the one privilege check,
 * and the body. */
#ifndef S370_MACHINE_EXECUTE_H
#define S370_MACHINE_EXECUTE_H

#include "s370/machine/cpu.h"

/* Execute one decoded instruction: psw.ia and cpu->ilc are set.  Returns as
 * bodies do (enum s370_outcome). */
MUST_USE int s370_execute(struct s370_cpu *cpu, const struct s370_decoded *d);

/* s370_step, and the outcome too; a pending PER event after an SVC is an
 * interruption without an instruction and gives 0. */
int s370_step_outcome(struct s370_cpu *cpu, struct s370_interruption *in);

/* Turn an outcome into the interruption that it asks for, if any, with the
 * instruction address where the old PSW wants it. */
void s370_conclude(struct s370_cpu *cpu, int outcome,
                   struct s370_interruption *in);

#endif
