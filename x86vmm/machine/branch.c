/* Which instructions are branches, for IA32_DEBUGCTL (debug.h). */
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/op.h"

enum { CC_ZERO = 4 };

/* It has been executed, without a fault: has it transferred control?  INT n and
 * its like do so by an event. */
static bool branched(struct x86_cpu *cpu, const struct x86_op *op)
{
    bool counts = x86_gpr(cpu, X86_RCX, op->asize) != 0;

    if (op->id >= X86_INSN_JO && op->id <= X86_INSN_JNLE)
        return x86_condition(cpu, op->detail);
    switch (op->id) {
    case X86_INSN_JCXZ:
    case X86_INSN_JECXZ:
    case X86_INSN_JRCXZ:
        return !counts;
    case X86_INSN_LOOP:
        return counts;
    case X86_INSN_LOOPE:
        return counts && x86_condition(cpu, CC_ZERO);
    case X86_INSN_LOOPNE:
        return counts && !x86_condition(cpu, CC_ZERO);
    case X86_INSN_JMP:
    case X86_INSN_JMP_FAR:
    case X86_INSN_CALL:
    case X86_INSN_CALL_FAR:
    case X86_INSN_RET:
    case X86_INSN_RET_FAR:
    case X86_INSN_IRET:
    case X86_INSN_IRETD:
    case X86_INSN_IRETQ:
    case X86_INSN_SYSCALL:
    case X86_INSN_SYSRET:
    case X86_INSN_SYSENTER:
    case X86_INSN_SYSEXIT:
        return true;
    default:
        return false;
    }
}

void x86_debug_executed(struct x86_cpu *cpu, const struct x86_op *op)
{
    bool branch = branched(cpu, op);

    if (branch && (cpu->debugctl & X86_DEBUGCTL_LBR))
        x86_debug_record(cpu, cpu->state.rip, cpu->next_rip);
    if (!branch && (cpu->debugctl & X86_DEBUGCTL_BTF))
        cpu->traced = false;
}
