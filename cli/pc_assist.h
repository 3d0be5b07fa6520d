/* Hardware assistance of a bare PC's processor, for guests that are monitors.
 */
#ifndef CLI_PC_ASSIST_H
#define CLI_PC_ASSIST_H

#include "x86vmm/machine/cpu.h"

enum pc_assist { PC_ASSIST_NONE, PC_ASSIST_VTX, PC_ASSIST_SVM };

/* "vtx", "svm"; false: neither. */
bool pc_assist_find(const char *word, enum pc_assist *assist);

/* Add it; NULL: no memory.  Freed after the processor. */
struct pc_assisted;
struct pc_assisted *pc_assist_new(enum pc_assist assist, struct x86_cpu *cpu);
void pc_assist_free(struct pc_assisted *a);

#endif
