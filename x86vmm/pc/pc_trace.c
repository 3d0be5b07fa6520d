/* What a bare PC tells a trace: the same words as a monitor's, where both
 * tell. */
#include "base/bits.h"
#include "base/format.h"
#include "base/trace.h"
#include "x86vmm/pc/pc.h"

enum { PC_DIGITS = 8 };

static struct trace_event now(struct pc *pc, enum trace_kind kind)
{
    char mode = pc->cpu.cpl ? 'P' : 'S';

    return (struct trace_event){.kind = kind,
                                .time = pc->clock.now + pc->cpu.ran -
                                        pc->cpu.ran_told,
                                .insns = pc->cpu.ran,
                                .pc = pc->cpu.state.rip,
                                .pc_digits = PC_DIGITS,
                                .mode_before = mode,
                                .mode_after = mode};
}

static void emit(struct pc *pc, struct trace_event *e)
{
    struct x86_state s = pc->cpu.state;

    if (pc->trace->words) {
        s.rflags = x86_flags_between(&pc->cpu);
        x86_state_words(&s, e->state, sizeof(e->state));
    }
    trace_emit(pc->trace, e);
}

/* Before it happens: the state is the interrupted program's. */
static void delivers(void *who, const struct x86_fault *f)
{
    struct pc *pc = who;
    struct trace_event e = now(pc, TRACE_EVENT);
    enum x86_event_kind kind = f->nmi        ? X86_EVENT_NMI
                               : f->external ? X86_EVENT_INTERRUPT
                                             : X86_EVENT_EXCEPTION;

    e.info[0] = f->vector;
    if (f->plain_int)
        format(e.text, sizeof(e.text), "INT %02x", f->vector);
    else
        x86_event_words(kind, f->vector, f->has_error, f->error, e.text,
                        sizeof(e.text));
    emit(pc, &e);
}

static void asked(void *who, const struct bus_device *d, uint64_t address,
                  unsigned size, bool write, uint64_t value)
{
    struct pc *pc = who;
    struct trace_event e = now(pc, TRACE_IO);

    e.info[0] = address;
    e.info[1] = value & BITS_MASK(8 * size);
    format(e.text, sizeof(e.text), "%s %llx %s %llx", d->name,
           (unsigned long long)address, write ? "<-" : "->",
           (unsigned long long)e.info[1]);
    emit(pc, &e);
}

void pc_trace(struct pc *pc, struct trace *trace)
{
    pc->trace = trace;
    pc->cpu.world.delivers = delivers;
    pc->board.host.asked = asked;
}
