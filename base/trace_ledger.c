#include "base/trace.h"

/* Mostly it is the same text indeed. */
EXIT_PATH static bool same(const char *a, const char *b)
{
    if (a == b || !a || !b)
        return a == b;
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

EXIT_PATH static struct ledger_row *row_for(struct trace_ledger *s,
                                            const struct trace_event *e)
{
    const char *raw_name = e->insn ? NULL : e->raw_name;

    for (unsigned i = 0; i < s->count; i++)
        if (same(s->rows[i].reason, e->reason) &&
            same(s->rows[i].insn, e->insn) &&
            same(s->rows[i].raw_name, raw_name))
            return &s->rows[i];
    if (s->count == LEDGER_ROWS)
        return NULL;
    s->rows[s->count] = (struct ledger_row){
        .reason = e->reason, .insn = e->insn, .raw_name = raw_name};
    return &s->rows[s->count++];
}

EXIT_PATH static void ledger_emit(struct trace_sink *sink,
                                  const struct trace_event *e)
{
    struct trace_ledger *s = (struct trace_ledger *)sink;

    if (e->kind != TRACE_EXIT)
        return;
    s->exits++;
    s->cost_ns += e->cost_ns;
    struct ledger_row *r = row_for(s, e);
    if (!r) {
        s->lost++;
        return;
    }
    r->count++;
    r->cost_ns += e->cost_ns;
}

void trace_ledger_init(struct trace_ledger *s)
{
    *s = (struct trace_ledger){.sink = {.emit = ledger_emit, .wordless = true}};
}
