/* A whole PC for an operating system: its kernel is the module "kernel", with
 * "initrd" and "append" if they have come along. */
#include "x86vmm/bare/pc_machine.h"

#include "x86vmm/bare/console.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/exit/isa.h"
#include "x86vmm/pc/load.h"

enum { PAGE = 4096, ROM_AT = 0xC0000, ROM_SIZE = 0x20000, APPEND_MAX = 1024 };

static enum status give_storage(struct pc_machine *p, struct allocator *a,
                                const struct pc_plan *plan)
{
    struct vm *vm = &p->machine.vm;
    struct mem_slot slots[PC_SLOTS];
    unsigned n = pc_plan_slots(plan, slots);
    enum status st = STATUS_OK;

    for (unsigned i = 0; i < n && !st; i++) {
        st = allocator_give_storage(a, vm, slots[i].gpa, slots[i].size, PAGE);
        vm->mem.slots[i].flags = slots[i].flags;
    }
    if (st)
        return st;
    pc_plan_fill(plan, &vm->mem);
    /* Where a PC has its ROMs it reads ones; kernels search there, by
     * instructions that emulate.h does not know. */
    st = allocator_give_storage(a, vm, ROM_AT, ROM_SIZE, PAGE);
    if (!st) {
        struct mem_slot *rom = &vm->mem.slots[vm->mem.count - 1];

        memset(rom->host, 0xFF, ROM_SIZE);
        rom->flags = MEM_READ_ONLY;
    }
    return st;
}

static enum status give_board(struct pc_machine *p, struct allocator *a,
                              const struct pc_plan *plan)
{
    struct machine *m = &p->machine;
    struct board *b = &p->board;
    enum status st = STATUS_OK;

    b->bus = &m->vm.bus;
    b->mem = &m->vm.mem;
    b->clock = &m->vm.clock;
    b->platform = &m->platform;
    board_init(b, plan);
    b->uart.output = b->debug.output = machine_output;
    b->uart.to = b->debug.to = m;
    for (unsigned i = 0; i < b->count && !st; i++) {
        struct bus_device d = board_device(b, i);

        st = allocator_give_device(a, &m->vm, &d);
    }
    return st;
}

/* A module's bytes, ended by a zero: a command line. */
static const char *text_of(const struct module *m)
{
    static char text[APPEND_MAX];
    uint64_t n = m->bytes ? min_u64(m->size, APPEND_MAX - 1) : 0;

    memcpy(text, m->bytes, n);
    text[n] = '\0';
    return text;
}

static enum status load(struct pc_machine *p, const struct pc_modules *from,
                        uint64_t storage, struct diag *d)
{
    const struct load_plan plan = {
        .kernel = {"kernel", from->kernel.bytes, from->kernel.size},
        .initrd = {"initrd", from->initrd.bytes, from->initrd.size},
        .append = text_of(&from->append),
        .mem = &p->machine.vm.mem,
        .storage = storage};

    return load_kernel(&plan, &p->machine.state, d);
}

enum status pc_machine_make(struct pc_machine *p, struct allocator *a,
                            const struct engine_ops *engine,
                            const struct pc_modules *from, struct trace *trace,
                            struct diag *d)
{
    const struct pc_plan plan = {.storage = PC_MACHINE_STORAGE,
                                 .seconds = PC_EPOCH};
    struct vm *vm = &p->machine.vm;

    machine_begin(&p->machine, "kernel", engine, trace);
    enum status st = give_storage(p, a, &plan);
    if (!st)
        st = give_board(p, a, &plan);
    if (st) {
        *d = a->diag;
        return st;
    }
    allocator_give_time(a, vm);
    vm->host_time = true;
    vm->patience = CLOCK_NEVER; /* its devices say when it ends to wait */
    x86_state_power_on(&p->machine.state);
    st = load(p, from, plan.storage, d);
    if (st)
        return st;
    st = vm_start(vm);
    if (st)
        *d = vm->diag;
    return st;
}
