/* Handlers that serve both wings. */
#include "monitor/vm.h"

enum hypercall {
#define HYPERCALL(number, name, args, does) HYPERCALL_##name = number,
#include "monitor/hypercall.def"
#undef HYPERCALL
};

enum verdict handle_resume(struct vcpu *v, struct vm_exit *x)
{
    (void)v, (void)x;
    return VERDICT_RESUME;
}

/* A step; or the breakpoint was met, from which on it is stepped. */
enum verdict handle_step(struct vcpu *v, struct vm_exit *x)
{
    (void)x;
    v->stepping = v->stepping || v->stops;
    v->stops = false;
    return VERDICT_RESUME;
}

enum verdict handle_reflect(struct vcpu *v, struct vm_exit *x)
{
    (void)v, (void)x;
    return VERDICT_REFLECT;
}

enum verdict handle_wait(struct vcpu *v, struct vm_exit *x)
{
    (void)v, (void)x;
    return VERDICT_WAIT;
}

enum verdict handle_stop(struct vcpu *v, struct vm_exit *x)
{
    (void)v, (void)x;
    return VERDICT_STOP;
}

enum verdict handle_fail(struct vcpu *v, struct vm_exit *x)
{
    return vm_fail(
        v->vm, "%s: %s (%s%sengine's number %x, %llx, %llx) at %llx",
        v->vm->engine->name, exit_reason_words(x->reason), x->why ? x->why : "",
        x->why ? "; " : "", x->raw, (unsigned long long)x->raw_info[0],
        (unsigned long long)x->raw_info[1], (unsigned long long)x->pc);
}

EXIT_PATH static uint64_t load_item(const uint8_t *p, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = size; i-- > 0;)
        value = value << 8 | p[i];
    return value;
}

EXIT_PATH static void store_item(uint8_t *p, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++, value >>= 8)
        p[i] = (uint8_t)value;
}

/* Port and memory-mapped I/O, single or string: the bus knows the device. */
EXIT_PATH enum verdict handle_bus(struct vcpu *v, struct vm_exit *x)
{
    enum bus_space space = x->reason == EXIT_IO ? BUS_PORT : BUS_MMIO;
    struct exit_io *io = &x->io;

    if (!io->data) {
        bus_access(&v->vm->bus, space, io->addr, io->size, io->write,
                   &io->value);
        return VERDICT_ADVANCE;
    }
    for (uint32_t i = 0; i < io->count; i++) {
        uint8_t *item = io->data + (size_t)i * io->size;
        uint64_t value = load_item(item, io->size);

        bus_access(&v->vm->bus, space, io->addr, io->size, io->write, &value);
        if (!io->write)
            store_item(item, io->size, value);
    }
    return VERDICT_ADVANCE;
}

enum verdict handle_hypercall(struct vcpu *v, struct vm_exit *x)
{
    /* no default: the compiler misses the case of a new row */
    switch ((enum hypercall)x->call.number) {
    case HYPERCALL_VERSION:
        x->call.result = 1;
        return VERDICT_ADVANCE;
    case HYPERCALL_INSNS:
        x->call.result = (uint32_t)v->insns;
        return VERDICT_ADVANCE;
    case HYPERCALL_EXITS:
        x->call.result = (uint32_t)v->exits;
        return VERDICT_ADVANCE;
    case HYPERCALL_STOP:
        return VERDICT_STOP;
    }
    return VERDICT_REFLECT; /* what an undefined call is on this machine */
}

EXIT_PATH enum verdict dispatch_sensitive(struct vcpu *v, struct vm_exit *x)
{
    const struct guest_isa *isa = v->vm->isa;

    if (x->insn->privilege == PRIV_P && !isa->virtual_supervisor(v)) {
        x->event = isa->privileged_event;
        return VERDICT_REFLECT;
    }
    interpreter_fn interpret = v->vm->interpreters[x->insn->id];
    if (!interpret)
        return vm_fail(v->vm, "no interpreter for %s", x->insn->name);
    return interpret(v, x); /* v_i */
}
