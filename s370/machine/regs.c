/* The register table, from regs.def. */
#include "s370/machine/regs.h"

#include "s370/machine/cpu.h"

#include <stddef.h>

/* Every row is as wide as the field that it names. */
#define REG(id, group, bits, field) \
    _Static_assert(sizeof(((struct s370_cpu *)0)->field) * 8 == (bits), #id);
#include "s370/machine/regs.def"
#undef REG

static const struct reg_desc rows[] = {
#define REG(id, group, bits, field)                                            \
    {S370_REG_##id, S370_REGS_##group, bits, offsetof(struct s370_cpu, field), \
     #id},
#include "s370/machine/regs.def"
#undef REG
};

const struct reg_table s370_regs = {rows, ARRAY_LEN(rows)};
