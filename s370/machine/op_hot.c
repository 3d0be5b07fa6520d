/* The bodies of hot.def for everybody who calls them. */
#include "s370/machine/hot.h"

#define HOT(name, op)                                               \
    int op_##op(struct s370_cpu *cpu, const struct s370_decoded *d) \
    {                                                               \
        return body_##op(cpu, d);                                   \
    }
#define HOT_BRANCH(name, op) HOT(name, op)
#include "s370/machine/hot.def"
