#include "base/trace.h"

static void ring_emit(struct trace_sink *sink, const struct trace_event *e)
{
    struct trace_ring *s = (struct trace_ring *)sink;

    s->events[s->total++ % s->cap] = *e;
}

void trace_ring_init(struct trace_ring *s, struct trace_event *events,
                     size_t cap)
{
    *s = (struct trace_ring){
        .sink.emit = ring_emit, .events = events, .cap = cap};
}

const struct trace_event *trace_ring_at(const struct trace_ring *s,
                                        uint64_t back)
{
    if (back >= s->total || back >= s->cap)
        return NULL;
    return &s->events[(s->total - 1 - back) % s->cap];
}
