#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/op.h"

int op_assist(struct x86_cpu *cpu, const struct x86_op *op)
{
    if (!cpu->assist)
        return x86_raise(cpu, X86_EXC_UD);
    return cpu->assist->instruction(cpu, op);
}
