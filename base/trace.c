#include "base/trace.h"

void trace_attach(struct trace *t, struct trace_sink *s)
{
    s->next = t->sinks;
    t->sinks = s;
    t->words |= !s->wordless;
}

EXIT_PATH void trace_emit(struct trace *t, struct trace_event *e)
{
    if (!t)
        return;
    e->seq = ++t->seq;
    for (struct trace_sink *s = t->sinks; s; s = s->next)
        s->emit(s, e);
}
