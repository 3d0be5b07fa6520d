#include "x86vmm/vm/make.h"

#include "x86vmm/exit/isa.h"

enum { PAGE = 4096 };

void x86_vm_begin(struct vm *vm, struct x86_platform *platform,
                  struct x86_state *state)
{
    vm->isa = &x86_isa;
    vm->handlers = x86_handlers;
    vm->interpreters = x86_interpreters;
    vm->arch = platform;
    vm->vcpu.arch = state;
    clock_init(&vm->clock);
}

/* ---- The small PC ---- */

static enum status give_low_and_high(struct vm *vm, uint64_t bytes,
                                     struct allocator *a)
{
    enum status st = allocator_give_storage(a, vm, 0, PC_LOW_END, PAGE);

    if (!st && bytes > PC_HIGH_BEGIN)
        st = allocator_give_storage(a, vm, PC_HIGH_BEGIN, bytes - PC_HIGH_BEGIN,
                                    PAGE);
    return st;
}

enum status x86_vm_give_small(struct vm *vm, struct small_pc *pc,
                              uint64_t bytes, struct allocator *a)
{
    struct x86_platform *platform = vm->arch;
    const struct bus_device devices[] = {
        {BUS_PORT, X86_PORT_SERIAL, X86_PORT_SERIAL + UART_REGISTERS - 1,
         "serial port", uart_io, &pc->uart},
        {BUS_MMIO, X86_MMIO_SERIAL, X86_MMIO_SERIAL + UART_REGISTERS - 1,
         "serial port", uart_io, &pc->uart},
        {BUS_PORT, X86_PORT_DEBUG, X86_PORT_DEBUG, "debug port", debug_port_io,
         &pc->debug},
        {BUS_PORT, X86_PORT_EXIT, X86_PORT_EXIT, "exit port", exit_port_io,
         platform},
    };
    enum status st = give_low_and_high(vm, bytes, a);

    uart_init(&pc->uart, platform, X86_LINE_SERIAL);
    for (size_t i = 0; i < ARRAY_LEN(devices) && !st; i++)
        st = allocator_give_device(a, vm, &devices[i]);
    allocator_give_time(a, vm);
    return st;
}

/* ---- A whole PC ---- */

static enum status give_storage(struct vm *vm, const struct pc_plan *plan,
                                struct allocator *a)
{
    struct mem_slot slots[PC_SLOTS];
    unsigned n = pc_plan_slots(plan, slots);

    for (unsigned i = 0; i < n; i++) {
        enum status st =
            allocator_give_storage(a, vm, slots[i].gpa, slots[i].size, PAGE);

        if (st)
            return st;
        vm->mem.slots[i].flags = slots[i].flags;
    }
    pc_plan_fill(plan, &vm->mem);
    return STATUS_OK;
}

enum status x86_vm_give_board(struct vm *vm, struct board *b,
                              const struct pc_plan *plan, struct allocator *a)
{
    enum status st = give_storage(vm, plan, a);

    if (st)
        return st;
    b->bus = &vm->bus;
    b->mem = &vm->mem;
    b->clock = &vm->clock;
    b->platform = vm->arch;
    board_init(b, plan);
    for (unsigned i = 0; i < b->count && !st; i++) {
        struct bus_device d = board_device(b, i);

        st = allocator_give_device(a, vm, &d);
    }
    allocator_give_time(a, vm);
    vm->patience = CLOCK_NEVER;
    x86_state_power_on(vm->vcpu.arch);
    return st;
}
