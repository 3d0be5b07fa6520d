#include "cli/efficiency_in.h"

#include "base/trace.h"
#include "cli/json_in.h"
#include "monitor/exit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char run_schema[] = "trapline/run/v1";

static bool is(const char *a, const char *b)
{
    return !strcmp(a, b);
}

/* ---- Rows ---- */

/* Where exits like these are counted; NULL: no room. */
static struct efficiency_row *row_for(struct efficiency_guest *g,
                                      const struct efficiency_row *like)
{
    for (unsigned i = 0; i < g->row_count; i++)
        if (is(g->rows[i].reason, like->reason) &&
            is(g->rows[i].insn, like->insn) &&
            is(g->rows[i].raw_name, like->raw_name))
            return &g->rows[i];
    if (g->row_count == EFFICIENCY_ROWS)
        return NULL;
    struct efficiency_row *r = &g->rows[g->row_count++];
    *r = *like;
    r->count = r->cost_ns = r->measured = 0;
    return r;
}

static void count(struct efficiency_guest *g, const struct efficiency_row *x)
{
    struct efficiency_row *r = row_for(g, x);

    g->exits += x->count;
    if (!r) {
        g->lost += x->count;
        return;
    }
    r->count += x->count;
    r->cost_ns += x->cost_ns;
    r->measured += x->measured;
}

/* ---- A trace: a line an event ---- */

struct reading {
    struct efficiency *out;
    struct json_in j;
    uint64_t seq;    /* of the line before */
    uint64_t events; /* lines so far, behind the first */
};

/* What a line says, as far as it matters. */
struct line {
    char kind[16], state[8];
    uint64_t seq, vm, insns, cost_ns;
    bool has_seq, has_vm, has_insns;
    struct efficiency_row row;
};

static bool take_field(struct json_in *j, const char *key, struct line *l)
{
    const struct {
        const char *key;
        char *text;
        size_t size;
    } texts[] = {
        {"kind", l->kind, sizeof(l->kind)},
        {"reason", l->row.reason, sizeof(l->row.reason)},
        {"insn", l->row.insn, sizeof(l->row.insn)},
        {"raw_name", l->row.raw_name, sizeof(l->row.raw_name)},
        {"state", l->state, sizeof(l->state)},
    };
    const struct {
        const char *key;
        uint64_t *n;
        bool *has;
    } numbers[] = {
        {"seq", &l->seq, &l->has_seq},
        {"vm", &l->vm, &l->has_vm},
        {"insns", &l->insns, &l->has_insns},
        {"cost_ns", &l->cost_ns, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (is(key, texts[i].key))
            return json_in_text(j, texts[i].text, texts[i].size);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (is(key, numbers[i].key)) {
            if (numbers[i].has)
                *numbers[i].has = true;
            return json_in_count(j, numbers[i].n);
        }
    return json_in_skip(j);
}

static bool is_kind(const char *kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        TRACE_KINDS(X)
#undef X
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (is(kind, names[i]))
            return true;
    return false;
}

/* Are all fields there that this kind has, and does the event follow? */
static bool check_line(struct reading *r, const struct line *l)
{
    const struct efficiency_guest *g;

    if (!is_kind(l->kind))
        return json_in_fault(&r->j,
                             *l->kind ? "no event is of the kind '%s'"
                                      : "an event without \"kind\"%s",
                             l->kind);
    if (!l->has_seq || !l->has_vm || !l->has_insns)
        return json_in_fault(&r->j, "an event without \"%s\"",
                             !l->has_seq  ? "seq"
                             : !l->has_vm ? "vm"
                                          : "insns");
    if (l->vm >= EFFICIENCY_GUESTS)
        return json_in_fault(&r->j, "there are no more than %d machines",
                             EFFICIENCY_GUESTS - 1);
    if (l->seq <= r->seq)
        return json_in_fault(&r->j, "event %llu comes after event %llu",
                             (unsigned long long)l->seq,
                             (unsigned long long)r->seq);
    g = &r->out->guests[l->vm];
    if (l->insns < g->insns)
        return json_in_fault(&r->j,
                             "machine %llu had completed %llu instructions "
                             "before, and %llu now",
                             (unsigned long long)l->vm,
                             (unsigned long long)g->insns,
                             (unsigned long long)l->insns);
    if (is(l->kind, "exit") && !*l->row.reason)
        return json_in_fault(&r->j, "an exit without \"reason\"");
    return true;
}

static bool is_instead(const char *reason)
{
    for (unsigned i = 0; i < EXIT_REASON_COUNT; i++)
        if (is(exit_reason_name((enum exit_reason)i), reason))
            return EXITS_INSTEAD >> i & 1;
    return false;
}

/* An instruction that exits several times (REP OUTS) is one. */
static void take_exit(struct efficiency_guest *g, struct line *l)
{
    if (*l->row.insn)
        *l->row.raw_name = '\0';
    l->row.count = 1;
    l->row.cost_ns = l->cost_ns;
    l->row.measured = l->cost_ns != 0;
    if (is_instead(l->row.reason) && l->insns != g->interpreted_at) {
        g->interpreted++;
        g->interpreted_at = l->insns;
    }
    count(g, &l->row);
}

static bool take_event(struct reading *r)
{
    struct line l = {.kind = ""};
    char key[JSON_IN_NAME];

    if (!json_in_enter(&r->j, '{'))
        return false;
    while (json_in_more(&r->j))
        if (!json_in_key(&r->j, key) || !take_field(&r->j, key, &l))
            return false;
    if (!json_in_finish(&r->j) || !check_line(r, &l))
        return false;
    struct efficiency_guest *g = &r->out->guests[l.vm];
    if (!g->seen)
        snprintf(g->name, sizeof(g->name), "vm %u", (unsigned)l.vm);
    g->seen = true;
    g->insns = l.insns;
    r->seq = l.seq;
    r->events++;
    if (!strncmp(l.state, "BC ", 3) || !strncmp(l.state, "EC ", 3))
        r->out->s370 = r->out->counted = true;
    r->out->bare = r->out->bare || !l.vm;
    if (is(l.kind, "exit"))
        take_exit(g, &l);
    return true;
}

/* ---- The account of a run: all in one line ---- */

static bool take_reason(struct json_in *j, struct efficiency_guest *g)
{
    struct efficiency_row r = {.count = 0};
    char key[JSON_IN_NAME];
    bool costs = false;

    if (!json_in_enter(j, '{'))
        return false;
    while (json_in_more(j)) {
        if (!json_in_key(j, key))
            return false;
        bool ok = is(key, "reason")
                      ? json_in_text(j, r.reason, sizeof(r.reason))
                  : is(key, "insn") ? json_in_text(j, r.insn, sizeof(r.insn))
                  : is(key, "raw_name")
                      ? json_in_text(j, r.raw_name, sizeof(r.raw_name))
                  : is(key, "count")   ? json_in_count(j, &r.count)
                  : is(key, "cost_ns") ? json_in_count(j, &r.cost_ns)
                                       : json_in_skip(j);
        if (!ok)
            return false;
        costs = costs || is(key, "cost_ns");
    }
    if (!j->failed && (!*r.reason || !r.count))
        return json_in_fault(j, "exits without \"reason\" or \"count\"");
    r.measured = costs ? r.count : 0;
    count(g, &r);
    return !j->failed;
}

static bool take_reasons(struct json_in *j, struct efficiency_guest *g)
{
    if (!json_in_enter(j, '['))
        return false;
    while (json_in_more(j))
        if (!take_reason(j, g))
            return false;
    return !j->failed;
}

/* The sums that the account gives must be those of its parts. */
static bool check_guest(struct json_in *j, const struct efficiency_guest *g,
                        uint64_t direct, uint64_t exits, bool bare)
{
    if (g->interpreted > g->insns || direct != g->insns - g->interpreted)
        return json_in_fault(j,
                             "%s: direct and interpreted do not add up to "
                             "instructions",
                             g->name);
    if (!bare && g->exits != exits)
        return json_in_fault(j,
                             "%s: the counts by reason do not add up to "
                             "exits",
                             g->name);
    return true;
}

static bool take_guest(struct json_in *j, struct efficiency *out, unsigned n)
{
    struct efficiency_guest *g = &out->guests[n];
    uint64_t direct = 0, exits = 0, lost = 0;
    char key[JSON_IN_NAME];

    g->seen = true;
    if (!json_in_enter(j, '{'))
        return false;
    while (json_in_more(j)) {
        if (!json_in_key(j, key))
            return false;
        bool ok = is(key, "name") ? json_in_text(j, g->name, sizeof(g->name))
                  : is(key, "instructions") ? json_in_count(j, &g->insns)
                  : is(key, "direct")       ? json_in_count(j, &direct)
                  : is(key, "interpreted")  ? json_in_count(j, &g->interpreted)
                  : is(key, "exits")        ? json_in_count(j, &exits)
                  : is(key, "lost")         ? json_in_count(j, &lost)
                  : is(key, "by_reason")    ? take_reasons(j, g)
                                            : json_in_skip(j);
        if (!ok)
            return false;
    }
    g->exits += lost;
    g->lost += lost;
    return !j->failed && check_guest(j, g, direct, exits, out->bare);
}

static bool take_guests(struct json_in *j, struct efficiency *out)
{
    unsigned n = 0;

    if (!json_in_enter(j, '['))
        return false;
    while (json_in_more(j)) {
        if (n == EFFICIENCY_GUESTS)
            return json_in_fault(j, "more than %d guests", EFFICIENCY_GUESTS);
        if (!take_guest(j, out, n++))
            return false;
    }
    if (!j->failed && !n)
        return json_in_fault(j, "a run without guests");
    return !j->failed;
}

static bool take_account(struct json_in *j, struct efficiency *out)
{
    char key[JSON_IN_NAME], on[8] = "";
    bool guests = false;

    while (json_in_more(j)) {
        if (!json_in_key(j, key))
            return false;
        bool ok = is(key, "on")        ? json_in_text(j, on, sizeof(on))
                  : is(key, "seconds") ? json_in_decimal(j, &out->seconds)
                                       : true;
        out->bare = is(on, "bare");
        guests = guests || is(key, "guests");
        if (ok && is(key, "guests"))
            ok = take_guests(j, out);
        else if (ok && !is(key, "on") && !is(key, "seconds"))
            ok = json_in_skip(j);
        if (!ok)
            return false;
    }
    out->s370 = is(on, "bare") || is(on, "trap");
    out->counted = !is(on, "kvm");
    if (!j->failed && (!guests || !*on))
        return json_in_fault(j, "the account of a run has \"on\" and "
                                "\"guests\"");
    return json_in_finish(j);
}

/* ---- The file ---- */

/* {"schema":...: which of the two is it? */
static bool take_first(struct reading *r)
{
    char key[JSON_IN_NAME], schema[JSON_IN_NAME] = "";

    if (!json_in_enter(&r->j, '{') || !json_in_more(&r->j) ||
        !json_in_key(&r->j, key))
        return r->j.failed ? false
                           : json_in_fault(&r->j, "expected \"schema\"");
    if (!is(key, "schema"))
        return json_in_fault(&r->j, "expected \"schema\", found \"%s\"", key);
    if (!json_in_text(&r->j, schema, sizeof(schema)))
        return false;
    r->out->is_trace = is(schema, TRACE_SCHEMA);
    if (is(schema, run_schema))
        return take_account(&r->j, r->out);
    if (!r->out->is_trace)
        return json_in_fault(&r->j,
                             "expected the schema \"%s\" or \"%s\", found "
                             "\"%s\"",
                             TRACE_SCHEMA, run_schema, schema);
    while (json_in_more(&r->j))
        if (!json_in_key(&r->j, key) || !json_in_skip(&r->j))
            return false;
    return json_in_finish(&r->j);
}

static bool take_line(struct reading *r, const char *path, unsigned long line,
                      const char *text, size_t len, struct diag *d)
{
    json_in_open(&r->j, path, line, text, len, d);
    if (line > 1 && !r->out->is_trace)
        return json_in_fault(&r->j, "the account of a run is one line");
    if (text[len - 1] != '\n') {
        r->j.at = r->j.end;
        return json_in_fault(&r->j, "the file ends within this line: it is "
                                    "cut");
    }
    return line == 1 ? take_first(r) : take_event(r);
}

static enum status take_lines(struct reading *r, const char *path, FILE *f,
                              struct diag *d)
{
    unsigned long line = 0;
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    bool ok = true;

    errno = 0;
    while (ok && (len = getline(&text, &size, f)) > 0)
        ok = take_line(r, path, ++line, text, (size_t)len, d);
    free(text);
    if (!ok)
        return STATUS_BAD_INPUT;
    if (ferror(f) || errno)
        return diag_set(d, STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
    if (!line)
        return diag_set(d, STATUS_BAD_INPUT,
                        "%s:1: empty; expected what `trapline trace --json` "
                        "or `trapline run --json` writes",
                        path);
    if (r->out->is_trace && !r->events)
        return diag_set(d, STATUS_BAD_INPUT,
                        "%s:%lu: the trace ends before its first event", path,
                        line);
    return STATUS_OK;
}

enum status efficiency_read_from(FILE *f, const char *path,
                                 struct efficiency *out, struct diag *d)
{
    struct reading r = {.out = out};

    *out = (struct efficiency){.seconds = 0};
    return take_lines(&r, path, f, d);
}

enum status efficiency_read(const char *path, struct efficiency *out,
                            struct diag *d)
{
    FILE *f = is(path, "-") ? stdin : fopen(path, "r");

    if (!f)
        return diag_set(d, STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
    enum status st = efficiency_read_from(f, path, out, d);
    if (f != stdin)
        fclose(f);
    return st;
}
