#include "cli/pages.h"

#include "base/format.h"

const char pages_reason[] = "pages";

/* `period` ticks of the clock have passed. */
static void ask(void *who, uint64_t period)
{
    struct vm *vm = who;
    struct trace_event e = {.kind = TRACE_MEM,
                            .vm = vm->id,
                            .time = vm->clock.now,
                            .insns = vm->vcpu.insns,
                            .reason = pages_reason};

    if (clock_after(&vm->clock, period, ask, vm, period))
        return; /* its devices have filled the clock: nobody asks any more */
    bool failed = vm->engine->written(vm, &e.info[0]);
    if (failed)
        format(e.text, sizeof(e.text), "not counted: %s", vm->diag.text);
    else
        format(e.text, sizeof(e.text), "%llu pages written in 1/%d s",
               (unsigned long long)e.info[0], PAGES_ASKED);
    if (trace_on(vm->trace) && (failed || e.info[0]))
        trace_emit(vm->trace, &e);
}

enum status pages_begin(struct vm *vm, uint64_t second, struct diag *diag)
{
    uint64_t period = second / PAGES_ASKED, none;

    if (!vm->engine->written)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "--pages: engine %s does not count them",
                        vm->engine->name);
    enum status st = vm->engine->written(vm, &none);
    if (!st)
        st = clock_after(&vm->clock, period, ask, vm, period);
    if (st)
        *diag = vm->diag;
    return st;
}
