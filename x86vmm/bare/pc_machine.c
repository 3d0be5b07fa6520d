/* A whole PC for an operating system: its kernel is the module "kernel", with
 * "initrd" and "append" if they have come along. */
#include "x86vmm/bare/pc_machine.h"

#include "x86vmm/bare/console.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/pc/load.h"

enum { PAGE = 4096, ROM_AT = 0xC0000, ROM_SIZE = 0x20000, APPEND_MAX = 1024 };

/* Where a PC has its ROMs it reads ones; kernels search there,
 * and each look would be an exit. */
static enum status give_rom(struct vm *vm, struct allocator *a)
{
    enum status st = allocator_give_storage(a, vm, ROM_AT, ROM_SIZE, PAGE);

    if (!st) {
        struct mem_slot *rom = &vm->mem.slots[vm->mem.count - 1];

        memset(rom->host, 0xFF, ROM_SIZE);
        rom->flags = MEM_READ_ONLY;
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

static const struct pc_plan the_plan = {.storage = PC_MACHINE_STORAGE,
                                        .seconds = PC_EPOCH};

static enum status start(struct pc_machine *p, const struct pc_modules *from,
                         struct diag *d)
{
    struct vm *vm = &p->machine.vm;
    const struct load_plan plan = {
        .kernel = {"kernel", from->kernel.bytes, from->kernel.size},
        .initrd = {"initrd", from->initrd.bytes, from->initrd.size},
        .append = text_of(&from->append),
        .mem = &vm->mem,
        .storage = the_plan.storage};
    enum status st = load_kernel(&plan, &p->machine.state, d);

    if (st)
        return st;
    st = vm_start(vm);
    if (st)
        *d = vm->diag;
    return st;
}

enum status pc_machine_make(struct pc_machine *p, struct allocator *a,
                            const struct engine_ops *engine,
                            const struct pc_modules *from, struct trace *trace,
                            struct diag *d)
{
    struct vm *vm = &p->machine.vm;

    machine_begin(&p->machine, "kernel", engine, trace);
    enum status st = x86_vm_give_board(vm, &p->board, &the_plan, a);
    if (!st)
        st = give_rom(vm, a);
    if (st) {
        *d = a->diag;
        return st;
    }
    machine_listen(&p->machine, &p->board.uart, &p->board.debug);
    vm->host_time = true;
    p->pages = memory_used();
    return start(p, from, d);
}

enum status pc_machine_reset(struct pc_machine *p,
                             const struct pc_modules *from, struct diag *d)
{
    struct vm *vm = &p->machine.vm;

    vm_end(vm);
    memory_back(p->pages);
    vm->vcpu.pending = (struct event_queue){0};
    vm->vcpu.waiting = vm->vcpu.within = false;
    board_reset(&p->board, &the_plan);
    pc_plan_fill(&the_plan, &vm->mem);
    x86_state_power_on(&p->machine.state);
    return start(p, from, d);
}
