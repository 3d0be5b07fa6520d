#include "x86vmm/pc/pc.h"

#include "base/format.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/assist.h"
#include "x86vmm/machine/msr.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- Time ---- */

/* Tell the clock of the instructions that it has not heard of; what is due at
 * the last one's tick happens after it. */
static void tell_clock(struct pc *pc)
{
    pc->clock.now += pc->cpu.ran - pc->cpu.ran_told;
    pc->cpu.ran_told = pc->cpu.ran;
}

/* After anything that devices have done: is there an interrupt, and how long
 * may the processor run before the next event? */
static void look(void *who)
{
    struct pc *pc = who;
    struct x86_cpu *cpu = &pc->cpu;
    uint64_t due = pc->clock.next == CLOCK_NEVER
                       ? UINT64_MAX
                       : cpu->ran + (pc->clock.next - pc->clock.now);

    cpu->interrupt_line = x86_platform_waits(&pc->platform);
    if (pc->platform.apic)
        cpu->state.cr8 = pc->platform.cr8;
    cpu->run_end = min_u64(cpu->run_end, pc->platform.stopped ? cpu->ran : due);
    cpu->code_stale = true; /* so that a block ends here */
}

/* ---- What the board asks of the processor, and that of the board ---- */

static void before(void *who)
{
    tell_clock(who);
}

static void nmi(void *who)
{
    ((struct pc *)who)->cpu.nmi_pending = true;
}

static void a20(void *who, bool on)
{
    x86_set_a20(&((struct pc *)who)->cpu, on);
}

static void written(void *who, uint64_t gpa, size_t n)
{
    x86_code_written(&((struct pc *)who)->cpu, gpa, n);
}

static int acknowledge(void *who)
{
    struct pc *pc = who;
    int vector = x86_platform_acknowledge(&pc->platform);

    pc->cpu.interrupt_line = x86_platform_waits(&pc->platform);
    return vector;
}

static void apic_changed(void *who)
{
    struct pc *pc = who;

    pc->platform.apic_base = pc->cpu.msrs->apic_base;
    pc->platform.cr8 = pc->cpu.state.cr8;
    pc->platform.apic_changed(pc->platform.controller);
}

static void float_error(void *who)
{
    const struct x86_platform *p = &((struct pc *)who)->platform;

    p->float_error(p->controller);
}

/* ---- Running ---- */

/* Ticks until something of the guest's that the processor runs is due, though
 * it waits: a VMX-preemption timer. */
static uint64_t until_due(const struct x86_cpu *cpu)
{
    return cpu->guest && cpu->guest_due != UINT64_MAX
               ? cpu->guest_due - cpu->ran
               : UINT64_MAX;
}

/* Time in HLT goes on to the next event, until one interrupts. */
static enum pc_stop wait(struct pc *pc)
{
    struct x86_cpu *cpu = &pc->cpu;
    uint64_t due = until_due(cpu);

    if (cpu->nmi_pending && !cpu->nmi_blocked && !(cpu->held & X86_HELD_NMI))
        return PC_BUDGET;
    if (due != UINT64_MAX &&
        (!x86_interrupt_wakes(cpu) || due < pc->clock.next - pc->clock.now)) {
        clock_advance(&pc->clock, due);
        return PC_BUDGET;
    }
    if (!x86_interrupt_wakes(cpu))
        return PC_HALTED;
    for (unsigned i = 0; i < CLOCK_ENDLESS; i++) {
        if (pc->platform.stopped)
            return PC_STOPPED;
        if (x86_platform_waits(&pc->platform))
            return PC_BUDGET;
        if (pc->clock.next == CLOCK_NEVER)
            return PC_IDLE;
        clock_advance(&pc->clock, pc->clock.next - pc->clock.now);
    }
    return PC_IDLE; /* events without end, which it has masked */
}

enum pc_stop pc_run(struct pc *pc, uint64_t n)
{
    struct x86_cpu *cpu = &pc->cpu;
    uint64_t end = cpu->ran + n;
    enum pc_stop stop = PC_BUDGET;

    while (stop == PC_BUDGET && cpu->ran < end) {
        tell_clock(pc);
        clock_run(&pc->clock);
        cpu->run_end = end;
        look(pc);
        enum x86_outcome out = x86_run(cpu, cpu->run_end - cpu->ran);
        tell_clock(pc);
        clock_run(&pc->clock);
        if (pc->platform.stopped)
            return PC_STOPPED;
        if (out == X86_SHUTDOWN)
            return PC_SHUTDOWN;
        if (out == X86_HALT)
            stop = wait(pc);
    }
    return stop;
}

void pc_reset(struct pc *pc)
{
    tell_clock(pc);
    board_reset(&pc->board, &pc->plan);
    pc_plan_fill(&pc->plan, &pc->mem);
    x86_code_written(&pc->cpu, 0, (size_t)pc->bytes);
    x86_cpu_reset(&pc->cpu);
    look(pc);
}

void pc_state_set(struct pc *pc)
{
    x86_tlb_flush(&pc->cpu, true);
    x86_mode_changed(&pc->cpu);
}

size_t pc_input(struct pc *pc, const uint8_t *bytes, size_t n)
{
    return board_input(&pc->board, bytes, n);
}

void pc_stop_words(const struct x86_platform *p, enum pc_stop stop,
                   uint64_t rip, char *out, size_t size)
{
    switch (stop) {
    case PC_STOPPED:
        if (p->how == X86_STOP_EXIT)
            format(out, size, "through its exit port, code %u", p->exit_code);
        else
            format(out, size, "%s through %s",
                   p->how == X86_STOP_OFF ? "power off" : "reset", p->through);
        break;
    case PC_HALTED:
        format(out, size, "HLT with interrupts off at %llx",
               (unsigned long long)rip);
        break;
    case PC_IDLE:
        format(out, size, "HLT, and nothing is due");
        break;
    case PC_SHUTDOWN:
        format(out, size, "triple fault at %llx", (unsigned long long)rip);
        break;
    default:
        format(out, size, "%s", "");
        break;
    }
}

/* ---- Making ---- */

/* Storage lies between two fences: what oversteps it ends with a fault of the
 * host's.  Its pages are zeros, and the host's only once they are touched. */
enum { FENCE = 1 << 16 };

static uint8_t *new_storage(uint64_t bytes)
{
    uint8_t *at = mmap(NULL, (size_t)bytes + 2 * FENCE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        return NULL;
    if (mprotect(at + FENCE, (size_t)bytes, PROT_READ | PROT_WRITE)) {
        munmap(at, (size_t)bytes + 2 * FENCE);
        return NULL;
    }
    return at + FENCE;
}

static void free_storage(uint8_t *storage, uint64_t bytes)
{
    if (storage)
        munmap(storage - FENCE, (size_t)bytes + 2 * FENCE);
}

static bool add_storage(struct pc *pc, const struct pc_plan *plan)
{
    struct mem_slot slots[PC_SLOTS];
    unsigned n = pc_plan_slots(plan, slots);

    pc->bytes = plan->storage;
    pc->storage = new_storage(plan->storage);
    pc->rom = plan->rom ? malloc(plan->rom_size) : NULL;
    if (!pc->storage || (plan->rom && !pc->rom))
        return false;
    for (unsigned i = 0; i < n; i++) {
        slots[i].host =
            slots[i].gpa < plan->storage ? pc->storage + slots[i].gpa : pc->rom;
        if (mem_add(&pc->mem, &slots[i]))
            return false;
    }
    pc_plan_fill(plan, &pc->mem);
    pc->plan = *plan;
    if (plan->rom) /* where a slot that is not storage has it */
        pc->plan.rom = pc->rom;
    return true;
}

static bool add_board(struct pc *pc, const struct pc_plan *plan)
{
    struct board *b = &pc->board;

    clock_init(&pc->clock);
    b->bus = &pc->bus;
    b->mem = &pc->mem;
    b->clock = &pc->clock;
    b->platform = &pc->platform;
    b->host = (struct board_host){.before = before,
                                  .after = look,
                                  .nmi = nmi,
                                  .a20 = a20,
                                  .written = written,
                                  .who = pc};
    board_init(b, plan);
    for (unsigned i = 0; i < b->count; i++) {
        struct bus_device d = board_device(b, i);

        if (bus_add(&pc->bus, &d))
            return false;
    }
    return true;
}

static bool add_cpu(struct pc *pc, const struct pc_plan *plan)
{
    const struct x86_world world = {.mem = &pc->mem,
                                    .bus = &pc->bus,
                                    .clock = &pc->clock,
                                    .acknowledge = acknowledge,
                                    .who = pc,
                                    .apic = plan->apic,
                                    .vendor = plan->vendor,
                                    .apic_changed =
                                        plan->apic ? apic_changed : NULL,
                                    .float_error = float_error};

    return !x86_cpu_init(&pc->cpu, &world);
}

struct pc *pc_new(const struct pc_plan *plan, struct diag *diag)
{
    struct pc *pc;

    if (pc_plan_check(plan, diag))
        return NULL;
    pc = calloc(1, sizeof(*pc));
    if (pc && add_storage(pc, plan) && add_board(pc, plan) && add_cpu(pc, plan))
        return pc;
    diag_set(diag, STATUS_NO_MEMORY, "no memory for a PC of %llu MiB",
             (unsigned long long)(plan->storage >> 20));
    pc_free(pc);
    return NULL;
}

void pc_free(struct pc *pc)
{
    if (!pc)
        return;
    x86_cpu_fini(&pc->cpu);
    free_storage(pc->storage, pc->bytes);
    free(pc->rom);
    free(pc);
}
