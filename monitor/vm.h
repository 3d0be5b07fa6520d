/* A virtual machine and its virtual processor. */
#ifndef MONITOR_VM_H
#define MONITOR_VM_H

#include "base/bus.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/trace.h"
#include "monitor/engine.h"
#include "monitor/event.h"
#include "monitor/handler.h"
#include "monitor/isa.h"

/* Of a virtual machine whose maker says nothing else. */
#define VM_PATIENCE UINT64_C(600000000)

enum vm_state {
    VM_READY,   /* can run */
    VM_STOPPED, /* ended by itself or by the operator */
    VM_FAILED   /* the monitor gave up; vm->diag says why */
};

struct vcpu {
    struct vm *vm;
    void *arch;          /* the wing's virtual processor; owned by the wing */
    void *backing;       /* the engine's private state; owned by the engine */
    uint64_t budget;     /* instructions the engine may run before EXIT_TIMER */
    uint64_t insns;      /* guest instructions attempted since the start */
    uint64_t intervened; /* of these, not directly: EXITS_INSTEAD */
    uint64_t exits;
    bool waiting;  /* in a wait or halt */
    bool within;   /* an instruction, which has more to ask of devices: it is
                    * counted already.  Kept by the engine */
    bool stepping; /* budget 1, every instruction traced */
    bool stops;    /* step from the instruction at linear address stop_at on:
                    * engines that have breakpoints (engine_ops.breaks) */
    uint64_t stop_at;
    struct event_queue pending;
};

/* Owned by whoever made it (cli, a test); storage, devices and time come from
 * the allocator and only from there.  What every exit asks for stands first,
 * and so in few pages and lines of a cache. */
struct vm {
    unsigned id; /* from 1 */
    enum vm_state state;
    const struct guest_isa *isa;
    const struct engine_ops *engine;
    const struct handler_row *handlers; /* EXIT_REASON_COUNT rows */
    const interpreter_fn *interpreters; /* isa->insns->count, NULL: none */
    struct trace *trace;                /* borrowed; NULL: not traced */
    void *arch;    /* the wing's: virtual channels, interrupt controller */
    void *backing; /* the engine's */
    uint64_t stop_after; /* instructions; 0: no limit */
    uint64_t slice;      /* instructions per turn, from the allocator */
    uint64_t patience;   /* ticks of a wait that are skipped at once at most;
                          * more is idle: an operator is not to be outrun */
    unsigned skips;      /* waits skipped and */
    unsigned storm;      /* events delivered since an instruction ran */
    bool host_time;      /* guest time is engine->now: a processor that counts
                          * no instructions has a clock of its own */
    struct vcpu vcpu;
    struct clock clock; /* guest time */
    struct bus bus;
    struct mem_map mem;
    const char *name;
    struct diag diag;
};

/* Tie the parts together and start the engine for this VM.  Before it: isa,
 * engine, handlers, interpreters, mem and arch pointers set. */
MUST_USE enum status vm_start(struct vm *vm);
void vm_end(struct vm *vm);

/* Give up on this guest, with the reason. */
enum verdict vm_fail(struct vm *vm, const char *fmt, ...) PRINTF(2, 3);

#endif
