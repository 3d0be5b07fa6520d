#include "cli/summary.h"

#include "cli/pages.h"
#include "s370/machine/timer.h"
#include "x86vmm/machine/platform.h"

#include <stdlib.h>
#include <string.h>

static const char *const end_names[GUEST_ENDS_COUNT] = {
#define X(id, code, name, words) [GUEST_##id] = name,
    GUEST_ENDS(X)
#undef X
};

static const char *const end_words[GUEST_ENDS_COUNT] = {
#define X(id, code, name, words) [GUEST_##id] = words,
    GUEST_ENDS(X)
#undef X
};

EXIT_PATH static void emit(struct trace_sink *sink, const struct trace_event *e)
{
    struct summary *m = (struct summary *)sink;

    if (e->vm >= ARRAY_LEN(m->ledgers))
        return;
    m->ledgers[e->vm].sink.emit(&m->ledgers[e->vm].sink, e);
    if (e->reason != pages_reason)
        return;
    m->pages[e->vm].written += e->info[0];
    if (e->info[0] > m->pages[e->vm].most)
        m->pages[e->vm].most = e->info[0];
}

void summary_init(struct summary *m)
{
    m->sink = (struct trace_sink){.emit = emit, .wordless = true};
    for (size_t i = 0; i < ARRAY_LEN(m->ledgers); i++)
        trace_ledger_init(&m->ledgers[i]);
}

/* The number of the guest's machine in the trace. */
static const struct trace_ledger *ledger_of(const struct summary *m,
                                            const struct session *s,
                                            const struct guest *g)
{
    return &m->ledgers[s->on == ON_BARE ? 0 : g->seat + 1];
}

int summary_print_count(FILE *to, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    int printed = 0;

    for (int i = 0; i < len; i++, printed++) {
        if (i && (len - i) % 3 == 0)
            printed += fputc(',', to) == ',';
        fputc(digits[i], to);
    }
    return printed;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static int by_count(const void *a, const void *b)
{
    const struct ledger_row *const *x = a, *const *y = b;

    return ((*x)->count < (*y)->count) - ((*x)->count > (*y)->count);
}

/* Of instructions the mnemonic, of other exits the engine's name. */
static const char *row_name(const struct ledger_row *r)
{
    return r->insn ? r->insn : r->raw_name ? r->raw_name : "";
}

/* The rows, most frequent first. */
static void print_rows(const struct trace_ledger *l, FILE *to)
{
    const struct ledger_row *rows[LEDGER_ROWS] = {0};
    int wide = 20;

    for (unsigned i = 0; i < l->count; i++) {
        int n = (int)strlen(row_name(&l->rows[i]));

        rows[i] = &l->rows[i];
        wide = n > wide ? n : wide;
    }
    qsort(rows, l->count, sizeof(rows[0]), by_count);
    for (unsigned i = 0; i < l->count; i++) {
        fprintf(to, "    %-12s %-*s ", rows[i]->reason, wide,
                row_name(rows[i]));
        int n = fprintf(to, "%llu", (unsigned long long)rows[i]->count);
        fprintf(to, "%*s%.1f %%", n < 12 ? 12 - n : 1, "",
                share(rows[i]->count, l->exits));
        if (l->cost_ns)
            fprintf(to, "%12.0f ns each",
                    (double)rows[i]->cost_ns / (double)rows[i]->count);
        fputc('\n', to);
    }
    if (l->lost)
        fprintf(to, "    and %llu more that the table has no room for\n",
                (unsigned long long)l->lost);
}

static void print_instructions(const struct session *s, const struct guest *g,
                               FILE *to)
{
    fputs("  ", to);
    summary_print_count(to, g->insns);
    fprintf(to, " instructions, %.6f s of guest time\n",
            (double)g->ticks / (s->ops == &session_pc ? X86_TICKS_SECOND
                                                      : S370_TICKS_PER_SECOND));
    if (s->on == ON_BARE)
        return;
    fputs("  ", to);
    summary_print_count(to, g->insns - g->interpreted);
    fprintf(to, " of them (%.2f %%) ran directly, with no intervention\n",
            share(g->insns - g->interpreted, g->insns));
}

static void print_pages(const struct summary *m, const struct guest *g,
                        FILE *to)
{
    uint64_t written = m->pages[g->seat + 1].written;
    double seconds = (double)g->ticks / X86_TICKS_SECOND;

    fputs("  ", to);
    summary_print_count(to, written);
    fprintf(to, " pages written, %.0f a second; at most ",
            seconds > 0 ? (double)written / seconds : 0.0);
    summary_print_count(to, m->pages[g->seat + 1].most);
    fprintf(to, " in 1/%d s\n", PAGES_ASKED);
}

static void print_guest(const struct summary *m, const struct session *s,
                        const struct guest *g, FILE *to)
{
    const struct trace_ledger *l = ledger_of(m, s, g);

    fprintf(to, "\n%s, on %s: %s%s%s\n", g->name, session_on_names[s->on],
            end_words[g->end], *g->why ? ": " : "", g->why);
    if (*g->wrote)
        fprintf(to, "  wrote %s\n", g->wrote);
    if (s->on != ON_KVM) /* which does not count them */
        print_instructions(s, g, to);
    if (s->on == ON_BARE)
        return;
    fputs("  ", to);
    summary_print_count(to, g->exits);
    fputs(g->exits == 1 ? " exit:\n" : g->exits ? " exits:\n" : " exits\n", to);
    print_rows(l, to);
    if (s->plan->pages)
        print_pages(m, g, to);
}

void summary_print(const struct summary *m, const struct session *s, FILE *to)
{
    if (s->cut)
        fputs("\nInterrupted.\n", to);
    for (unsigned i = 0; i < s->count; i++)
        print_guest(m, s, &s->guests[i], to);
}

/* ---- JSON ---- */

static void json_text(const char *key, const char *text, FILE *to)
{
    fprintf(to, "\"%s\":\"", key);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            fputc('\\', to);
        if (c < 0x20 || c > 0x7e)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

static void json_number(const char *key, uint64_t n, FILE *to)
{
    fprintf(to, ",\"%s\":%llu", key, (unsigned long long)n);
}

static void json_rows(const struct trace_ledger *l, FILE *to)
{
    fputs(",\"by_reason\":[", to);
    for (unsigned i = 0; i < l->count; i++) {
        fputs(i ? ",{" : "{", to);
        json_text("reason", l->rows[i].reason, to);
        if (l->rows[i].insn) {
            fputc(',', to);
            json_text("insn", l->rows[i].insn, to);
        } else if (l->rows[i].raw_name) {
            fputc(',', to);
            json_text("raw_name", l->rows[i].raw_name, to);
        }
        json_number("count", l->rows[i].count, to);
        if (l->cost_ns)
            json_number("cost_ns", l->rows[i].cost_ns, to);
        fputc('}', to);
    }
    fputc(']', to);
    json_number("lost", l->lost, to);
    if (l->cost_ns)
        json_number("cost_ns", l->cost_ns, to);
}

static void json_guest(const struct summary *m, const struct session *s,
                       const struct guest *g, FILE *to)
{
    fputc('{', to);
    json_text("name", g->name, to);
    fputc(',', to);
    json_text("end", end_names[g->end], to);
    fputc(',', to);
    json_text("why", g->why, to);
    json_number("instructions", g->insns, to);
    json_number("direct", g->insns - g->interpreted, to);
    json_number("interpreted", g->interpreted, to);
    json_number("exits", g->exits, to);
    json_number("ticks", g->ticks, to);
    json_rows(ledger_of(m, s, g), to);
    if (s->plan->pages) {
        json_number("pages_written", m->pages[g->seat + 1].written, to);
        json_number("pages_most", m->pages[g->seat + 1].most, to);
    }
    fputc('}', to);
}

void summary_print_json(const struct summary *m, const struct session *s,
                        int code, FILE *to)
{
    fputs("{\"schema\":\"trapline/run/v1\",", to);
    json_text("on", session_on_names[s->on], to);
    fprintf(to, ",\"code\":%d,\"seconds\":%.3f,", code, s->seconds);
    json_text("unmet", s->unmet.text, to);
    fputs(",\"guests\":[", to);
    for (unsigned i = 0; i < s->count; i++) {
        if (i)
            fputc(',', to);
        json_guest(m, s, &s->guests[i], to);
    }
    fputs("]}\n", to);
}
