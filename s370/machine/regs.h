/* The registers of a System/370 processor as a table (regs.def). */
#ifndef S370_MACHINE_REGS_H
#define S370_MACHINE_REGS_H

#include "base/table.h"

/* Bit numbers in a group mask. */
enum s370_reg_group {
    S370_REGS_GR,
    S370_REGS_FPR,
    S370_REGS_CR,
    S370_REGS_PSW,
    S370_REGS_PREFIX,
    S370_REGS_TIMERS,
    S370_REGS_COUNT
};

enum s370_reg {
#define REG(id, group, bits, field) S370_REG_##id,
#include "s370/machine/regs.def"
#undef REG
    S370_REG_COUNT
};

/* Row per enum s370_reg, with offsets in struct s370_cpu. */
extern const struct reg_table s370_regs;

#endif
