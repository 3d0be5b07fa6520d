/* The driver: what happens between instructions.
 *
 * x86_step is the meaning.  x86_run is the same, faster: while nothing can come
 * between, instructions are taken from decoded blocks. */
#include "base/bits.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/code.h"
#include "x86vmm/machine/debug.h"

/* ---- Between instructions ---- */

static int deliver_external(struct x86_cpu *cpu, unsigned vector, bool nmi)
{
    cpu->fault = (struct x86_fault){
        .vector = (uint8_t)vector, .external = true, .nmi = nmi};
    return x86_deliver_fault(cpu);
}

/* The frame of a debug exception can meet a breakpoint itself; a handler that
 * always does so is let go on after some. */
enum { DEBUG_TRAPS_MAX = 8 };

int x86_take_debug(struct x86_cpu *cpu)
{
    int code = X86_NEXT;

    for (unsigned n = 0; n < DEBUG_TRAPS_MAX && code <= X86_SYNC; n++) {
        cpu->next_rip = cpu->state.rip;
        if (!x86_debug_trap(cpu, false))
            break;
        code = x86_deliver_fault(cpu);
    }
    return code;
}

/* X86_NEXT: nothing came, or what came has been delivered.  A debug trap has
 * been left over by a task switch (SDM vol. 3, "Priority Among Simultaneous
 * Exceptions and Interrupts"). */
static int take_pending(struct x86_cpu *cpu)
{
    int vector;

    if (UNLIKELY(cpu->guest))
        TRY(cpu->guest->between(cpu));
    if (UNLIKELY(cpu->debug_hits) && !cpu->shadow_ss) {
        int code = x86_take_debug(cpu);

        if (code)
            return code;
    }
    if (cpu->shadow)
        return X86_NEXT;
    if (cpu->nmi_pending && !cpu->nmi_blocked && !(cpu->held & X86_HELD_NMI)) {
        cpu->nmi_pending = false;
        cpu->nmi_blocked = true;
        return deliver_external(cpu, X86_NMI_VECTOR, true);
    }
    if (!cpu->interrupt_line || !(cpu->state.rflags & X86_FLAG_IF) ||
        (cpu->held & X86_HELD_INTERRUPTS) ||
        (vector = cpu->world.acknowledge(cpu->world.who)) < 0)
        return X86_NEXT;
    return deliver_external(cpu, (unsigned)vector, false);
}

/* Before the first instruction of a handler, or behind an exit, comes what has
 * waited meanwhile, if it may: an interrupt behind an NMI that leaves IF on,
 * who watches each instruction of a guest.  An interrupt that stays is let come
 * so often. */
enum { EVENTS_MAX = 8 };

/* X86_SYNC: more may wait, but one instruction comes first. */
static int take_all(struct x86_cpu *cpu)
{
    int code = take_pending(cpu);

    for (unsigned n = 1; UNLIKELY(code == X86_SYNC) && n < EVENTS_MAX; n++)
        code = take_pending(cpu);
    return code;
}

/* Is each single instruction to be looked at? */
static bool is_watched(const struct x86_cpu *cpu)
{
    return (cpu->state.rflags & (X86_FLAG_TF | X86_FLAG_RF)) || cpu->shadow ||
           (cpu->dr[7] & X86_DR7_ENABLED) || cpu->watched || cpu->debugctl;
}

/* ---- One instruction ---- */

int x86_try(struct x86_cpu *cpu)
{
    struct x86_op op;
    int code;

    TRY(x86_fetch_one(cpu, &op));
    cpu->next_rip = (cpu->state.rip + op.len) & cpu->rip_mask;
    code = op.body(cpu, &op);
    if (code == X86_FAULT)
        return code;
    if (UNLIKELY(cpu->debugctl))
        x86_debug_executed(cpu, &op);
    cpu->state.rip = cpu->next_rip;
    return code;
}

/* After a body's code; X86_NEXT and X86_SYNC: go on. */
static int settle(struct x86_cpu *cpu, int code)
{
    if (code == X86_FAULT)
        return x86_deliver_fault(cpu);
    if (code == X86_HALT)
        cpu->halted = true;
    return code;
}

/* RF holds for one instruction, and longer if that faults (SDM vol. 3,
 * "Instruction-Breakpoint Exception Condition"); what IRET loads is the next
 * one's. */
static int try_one(struct x86_cpu *cpu)
{
    uint64_t rf = cpu->state.rflags & X86_FLAG_RF;
    uint32_t waiting = cpu->debug_hits;
    int code;

    cpu->state.rflags &= ~X86_FLAG_RF;
    code = x86_try(cpu);
    if (code != X86_FAULT)
        return code;
    cpu->state.rflags |= rf;
    if (!cpu->fault.software) /* then it has not been done */
        cpu->debug_hits = cpu->fault.exits ? waiting : 0;
    return code;
}

/* The trap flag counts as it was before the instruction (SDM vol. 3,
 * "Single-Step Exception Condition").  Nothing is traced, and no breakpoint
 * met, between a load of SS and what follows it ("Masking Exceptions and
 * Interrupts When Switching Stacks"); nor is that of a repeated string
 * instruction met again when it goes on. */
static int step_one(struct x86_cpu *cpu)
{
    bool shadowed = cpu->shadow, undisturbed = cpu->shadow_ss;
    bool repeats = cpu->repeats_at == cpu->ran;
    const struct x86_guest *guest = cpu->guest;
    int code;

    cpu->ran++;
    cpu->shadow = cpu->shadow_ss = false;
    cpu->traced = cpu->state.rflags & X86_FLAG_TF;
    code = undisturbed || repeats ? 0 : x86_debug_fetch(cpu);
    cpu->shadowed_ss = undisturbed;
    if (!code)
        code = try_one(cpu);
    cpu->shadowed_ss = false;
    if (code == X86_FAULT) { /* not done: it still is in the shadow */
        cpu->shadow = shadowed;
        cpu->shadow_ss = undisturbed;
        return x86_deliver_fault(cpu);
    }
    if (undisturbed && /* of two loads of SS in a row only the first counts */
        cpu->guest == guest)
        cpu->shadow = cpu->shadow_ss = false;
    code = settle(cpu, code);
    if (cpu->shadow_ss)
        return code;
    if (cpu->watched) /* who watches comes first: the trap waits */
        cpu->debug_hits |= cpu->traced ? X86_DR6_BS : 0;
    else if (x86_debug_trap(cpu, cpu->traced))
        code = x86_deliver_fault(cpu);
    return code;
}

enum x86_outcome x86_step(struct x86_cpu *cpu)
{
    int code = take_all(cpu);

    if (code > X86_SYNC)
        return (enum x86_outcome)code;
    if (cpu->halted)
        return X86_HALT;
    code = step_one(cpu);
    return code == X86_SYNC ? X86_NEXT : (enum x86_outcome)code;
}

/* ---- Many ---- */

/* The instructions of one block, until its end, a jump, or something else.
 * Only the last one of a block may change next_rip and return X86_NEXT. */
static inline int run_block(struct x86_cpu *cpu, const struct x86_block *b,
                            uint64_t end)
{
    const struct x86_op *op = b->ops, *last = op + b->count;
    uint64_t rip = cpu->state.rip, mask = cpu->rip_mask, ran = cpu->ran;

    if (UNLIKELY(b->count > end - ran))
        last = op + (end - ran);
    for (;;) {
        rip = (rip + op->len) & mask;
        cpu->next_rip = rip;
        cpu->ran = ++ran;
        int code = op->body(cpu, op);
        if (UNLIKELY(code)) {
            if (code != X86_FAULT)
                cpu->state.rip = cpu->next_rip;
            return settle(cpu, code);
        }
        if (++op == last || UNLIKELY(cpu->code_stale))
            break;
        cpu->state.rip = rip;
    }
    cpu->state.rip = cpu->next_rip;
    return X86_NEXT;
}

/* Blocks, as long as nothing can come between, and until `pause`. */
static inline int run_blocks_until(struct x86_cpu *cpu, uint64_t pause)
{
    const struct x86_block *b;
    int code;

    do {
        if (UNLIKELY(x86_code_block(cpu, &b))) {
            cpu->ran++;
            return x86_deliver_fault(cpu);
        }
        code = run_block(cpu, b, min_u64(pause, cpu->run_end));
    } while (LIKELY(!code) && cpu->ran < cpu->run_end && cpu->ran < pause &&
             !cpu->interrupt_line && !cpu->nmi_pending);
    return code;
}

static int run_blocks(struct x86_cpu *cpu)
{
    return run_blocks_until(cpu, UINT64_MAX);
}

/* In a guest something may be due. */
static int run_guest_blocks(struct x86_cpu *cpu)
{
    return run_blocks_until(cpu, cpu->guest_due);
}

enum x86_outcome x86_run(struct x86_cpu *cpu, uint64_t n)
{
    cpu->run_end = cpu->ran + n;
    while (cpu->ran < cpu->run_end) {
        int code = take_all(cpu);

        if (code > X86_SYNC)
            return (enum x86_outcome)code;
        if (cpu->halted)
            return X86_HALT;
        code = UNLIKELY(code == X86_SYNC || is_watched(cpu)) ? step_one(cpu)
               : UNLIKELY(cpu->guest) ? run_guest_blocks(cpu)
                                      : run_blocks(cpu);
        if (code > X86_SYNC)
            return (enum x86_outcome)code;
    }
    return X86_BUDGET;
}
