#include "base/format.h"
#include "base/trace.h"

#include <stdarg.h>

static const char *const kind_names[] = {
#define X(name, text) [TRACE_##name] = text,
    TRACE_KINDS(X)
#undef X
};

/* A line that grows; cut when full. */
struct line {
    char *out;
    size_t cap, len;
};

PRINTF(2, 3) static void add(struct line *l, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    l->len += format_va(l->out + l->len, l->cap - l->len, fmt, ap);
    va_end(ap);
}

enum { TEXT_COLUMNS = 20 }; /* a line of System/370 fills 80 */

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

size_t trace_text_header(unsigned pc_digits, char *out, size_t cap)
{
    return format(out, cap, "%7s V %-*s mode %-*s %-9s %-7s %s", "insns",
                  (int)pc_digits, "pc", TEXT_COLUMNS - 1, "instruction",
                  "reason", "verdict", "virtual state");
}

/* The columns that exits, events and instructions share. */
static void add_columns(struct line *l, const struct trace_event *e)
{
    bool exit = e->kind == TRACE_EXIT;
    const char *text = e->text[0] || !e->raw_name ? e->text : e->raw_name;

    add(l, " %0*llx", (int)e->pc_digits, (unsigned long long)e->pc);
    add(l, " %c>%c %-*s", e->mode_before ? e->mode_before : '-',
        e->mode_after ? e->mode_after : '-', TEXT_COLUMNS, text);
    add(l, " %-9s %-7s", exit ? or_dash(e->reason) : kind_names[e->kind],
        exit        ? or_dash(e->verdict)
        : e->reason ? e->reason
                    : "");
    add(l, " %s", e->state);
}

size_t trace_text_line(const struct trace_event *e, char *out, size_t cap)
{
    struct line l = {out, cap, 0};

    if (!cap)
        return 0;
    out[0] = '\0';
    add(&l, "%7llu %u", (unsigned long long)e->insns, e->vm);
    if (e->kind == TRACE_NOTE)
        add(&l, " %s", e->text);
    else if (e->pc_digits)
        add_columns(&l, e);
    else
        add(&l, " %-4s %s %s", kind_names[e->kind], e->text, e->state);
    while (l.len && out[l.len - 1] == ' ')
        out[--l.len] = '\0';
    return l.len;
}

static void write_row(struct trace_text *s, char *row, size_t n, bool cut)
{
    if (cut && s->columns && n > s->columns)
        n = s->columns;
    row[n++] = '\n';
    s->failed = !s->write(s->to, row, n);
}

/* The header comes before the first event that has an address. */
static void text_head(struct trace_text *s, const struct trace_event *e)
{
    char buf[160];

    if (s->begun || !e->pc_digits)
        return;
    s->begun = true;
    size_t n = trace_text_header(e->pc_digits, buf, sizeof(buf) - 1);
    write_row(s, buf, n, true);
}

static void text_emit(struct trace_sink *sink, const struct trace_event *e)
{
    struct trace_text *s = (struct trace_text *)sink;
    char buf[384];

    if (!s->failed)
        text_head(s, e);
    if (s->failed)
        return;
    size_t n = trace_text_line(e, buf, sizeof(buf) - 1);
    write_row(s, buf, n, e->pc_digits && e->kind != TRACE_NOTE);
}

void trace_text_init(struct trace_text *s, trace_write_fn write, void *to)
{
    *s = (struct trace_text){.sink.emit = text_emit, .write = write, .to = to};
}

static void add_string(struct line *l, const char *key, const char *text)
{
    add(l, ",\"%s\":\"", key);
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\')
            add(l, "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            add(l, "\\u%04x", c);
        else
            add(l, "%c", c);
    }
    add(l, "\"");
}

static void add_number(struct line *l, const char *key, uint64_t n)
{
    add(l, ",\"%s\":%llu", key, (unsigned long long)n);
}

size_t trace_jsonl_line(const struct trace_event *e, char *out, size_t cap)
{
    struct line l = {out, cap, 0};

    if (!cap)
        return 0;
    out[0] = '\0';
    add(&l, "{\"kind\":\"%s\"", kind_names[e->kind]);
    add_number(&l, "seq", e->seq);
    add_number(&l, "vm", e->vm);
    add_number(&l, "time", e->time);
    add_number(&l, "insns", e->insns);
    if (e->kind != TRACE_NOTE)
        add_number(&l, "pc", e->pc);
    if (e->reason)
        add_string(&l, "reason", e->reason);
    if (e->insn)
        add_string(&l, "insn", e->insn);
    if (e->verdict)
        add_string(&l, "verdict", e->verdict);
    if (e->mode_before)
        add(&l, ",\"before\":\"%c\",\"after\":\"%c\"", e->mode_before,
            e->mode_after);
    if (e->kind == TRACE_EXIT) {
        add_number(&l, "raw", e->raw);
        if (e->raw_name)
            add_string(&l, "raw_name", e->raw_name);
    }
    if (e->info[0] || e->info[1])
        add(&l, ",\"info\":[%llu,%llu]", (unsigned long long)e->info[0],
            (unsigned long long)e->info[1]);
    if (e->cost_ns)
        add_number(&l, "cost_ns", e->cost_ns);
    if (e->text[0])
        add_string(&l, "text", e->text);
    if (e->state[0])
        add_string(&l, "state", e->state);
    add(&l, "}");
    return l.len;
}

static void jsonl_emit(struct trace_sink *sink, const struct trace_event *e)
{
    static const char head[] = "{\"schema\":\"" TRACE_SCHEMA "\"}\n";
    struct trace_jsonl *s = (struct trace_jsonl *)sink;
    char buf[1536]; /* every byte of text and state escaped still fits */

    if (!s->failed && !s->begun)
        s->failed = !s->write(s->to, head, sizeof(head) - 1);
    s->begun = true;
    if (s->failed)
        return;
    size_t n = trace_jsonl_line(e, buf, sizeof(buf) - 1);
    buf[n++] = '\n';
    s->failed = !s->write(s->to, buf, n);
}

void trace_jsonl_init(struct trace_jsonl *s, trace_write_fn write, void *to)
{
    *s =
        (struct trace_jsonl){.sink.emit = jsonl_emit, .write = write, .to = to};
}
