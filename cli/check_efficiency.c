#include "cli/check_efficiency.h"

#include "cli/summary.h"
#include "popek-goldberg/report/sets.h"

#include <stdlib.h>
#include <string.h>

/* ---- Reckoning ---- */

uint64_t efficiency_direct(const struct efficiency_guest *g)
{
    return g->insns > g->interpreted ? g->insns - g->interpreted : 0;
}

static bool covers(const struct isa_encoding *c, const char *insn)
{
    for (unsigned i = 0; i < c->cover_count; i++)
        if (!strcmp(c->covers[i], insn))
            return true;
    return false;
}

/* Where the instruction stands.  Of several encodings it is a privileged one
 * that trapped, else a critical one.  -1: the machine has none. */
static int region_of(const struct check_subject *s, const char *insn)
{
    static const int rank[PG_REGIONS] = {[PG_IN_NEITHER] = 0,
                                         [PG_IN_USER_CRITICAL] = 1,
                                         [PG_IN_CRITICAL] = 2,
                                         [PG_IN_PRIVILEGED] = 3,
                                         [PG_IN_BOTH] = 4};
    int best = -1;

    for (unsigned i = 0; i < s->isa->encoding_count; i++) {
        const struct isa_encoding *c = &s->isa->encodings[i];

        if (!pg_is_named(c, insn) && !covers(c, insn))
            continue;
        enum pg_region r = pg_region_of(&s->j.best.labels[i], PG_CORRECTED);
        if (best < 0 || rank[r] > rank[best])
            best = (int)r;
    }
    return best;
}

enum efficiency_cause efficiency_cause(const struct check_subject *machine,
                                       const struct efficiency_row *row)
{
    int region;

    if (!strcmp(row->reason, "TRAP"))
        return EFFICIENCY_EXCEPTION;
    if (!strcmp(row->reason, "MMIO")) /* the address is, not the instruction */
        return EFFICIENCY_NEEDED;
    if (!*row->insn)
        return EFFICIENCY_MONITOR;
    region = machine ? region_of(machine, row->insn) : -1;
    if (region < 0)
        return EFFICIENCY_UNKNOWN;
    return region == PG_IN_NEITHER      ? EFFICIENCY_NEEDLESS
           : region == PG_IN_PRIVILEGED ? EFFICIENCY_FORCED
                                        : EFFICIENCY_NEEDED;
}

/* Nanoseconds of a direct instruction, from all guests together: the host's
 * time is theirs in common. */
static double direct_ns(const struct efficiency *e)
{
    uint64_t insns = 0, exits = 0, measured = 0, cost = 0;

    for (unsigned i = 0; i < EFFICIENCY_GUESTS; i++) {
        const struct efficiency_guest *g = &e->guests[i];

        insns += efficiency_direct(g);
        exits += g->exits;
        for (unsigned k = 0; k < g->row_count; k++) {
            measured += g->rows[k].measured;
            cost += g->rows[k].cost_ns;
        }
    }
    double ns = e->seconds * 1e9 - (double)cost;
    return insns && measured == exits && ns > 0 ? ns / (double)insns : 0;
}

void efficiency_sum(const struct efficiency *e,
                    const struct efficiency_guest *g,
                    const struct check_subject *machine,
                    struct efficiency_sums *out)
{
    *out = (struct efficiency_sums){.ns_direct = 0};
    for (unsigned i = 0; i < g->row_count; i++) {
        const struct efficiency_row *r = &g->rows[i];

        out->exits[efficiency_cause(machine, r)] += r->count;
        out->cost_ns += r->cost_ns;
        out->measured += r->measured;
    }
    if (!e->counted || !g->insns)
        return;
    out->per_insn = (double)g->exits / (double)g->insns;
    out->ns_direct = direct_ns(e);
    if (out->ns_direct > 0 && out->measured)
        out->exit_cost =
            (double)out->cost_ns / (double)out->measured / out->ns_direct;
}

/* ---- Words ---- */

static const char *const cause_words[EFFICIENCY_CAUSES] = {
    [EFFICIENCY_NEEDED] = "sensitive: had to trap",
    [EFFICIENCY_FORCED] = "privileged, not sensitive",
    [EFFICIENCY_NEEDLESS] = "innocuous: did not have to",
    [EFFICIENCY_UNKNOWN] = "not in the description",
    [EFFICIENCY_EXCEPTION] = "the guest's own exception",
    [EFFICIENCY_MONITOR] = "the monitor's own reason"};

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static int by_count(const void *a, const void *b)
{
    const struct efficiency_row *x = a, *y = b;

    return x->count != y->count           ? (x->count < y->count ? 1 : -1)
           : strcmp(x->reason, y->reason) ? strcmp(x->reason, y->reason)
                                          : strcmp(x->insn, y->insn);
}

static const char *name_of(const struct efficiency_row *r)
{
    return *r->insn ? r->insn : r->raw_name;
}

/* Columns of the longest name. */
static int name_width(const struct efficiency_guest *g)
{
    size_t most = strlen("instruction");

    for (unsigned i = 0; i < g->row_count; i++)
        if (strlen(name_of(&g->rows[i])) > most)
            most = strlen(name_of(&g->rows[i]));
    return (int)most;
}

static void print_row(const struct efficiency *e,
                      const struct efficiency_guest *g,
                      const struct efficiency_row *r,
                      const struct check_subject *machine)
{
    enum efficiency_cause cause = efficiency_cause(machine, r);

    printf("  %-9s %-*s %8llu", r->reason, name_width(g), name_of(r),
           (unsigned long long)r->count);
    if (e->counted && g->insns)
        printf(" %9.4f", 1000.0 * (double)r->count / (double)g->insns);
    if (r->measured)
        printf(" %8.0f", (double)r->cost_ns / (double)r->measured);
    else
        printf(" %8s", "-");
    if (machine || cause > EFFICIENCY_UNKNOWN)
        printf("  %s", cause_words[cause]);
    putchar('\n');
}

/* Counts and costs of each reason, whatever the instruction. */
static void print_reasons(const struct efficiency_guest *g,
                          const struct efficiency_sums *sums)
{
    bool done[EFFICIENCY_ROWS] = {false};

    puts("  by reason:");
    for (unsigned i = 0; i < g->row_count; i++) {
        uint64_t count = 0, cost = 0;

        for (unsigned k = i; !done[i] && k < g->row_count; k++)
            if (!strcmp(g->rows[i].reason, g->rows[k].reason)) {
                count += g->rows[k].count;
                cost += g->rows[k].cost_ns;
                done[k] = k > i;
            }
        if (!count)
            continue;
        printf("    %-10s %8llu exits (%.1f %%)", g->rows[i].reason,
               (unsigned long long)count, share(count, g->exits));
        if (sums->measured)
            printf(", %llu ns (%.1f %% of the cost)", (unsigned long long)cost,
                   share(cost, sums->cost_ns));
        putchar('\n');
    }
}

static void print_slowdown(const struct efficiency_sums *s)
{
    if (s->per_insn <= 0)
        return;
    printf(
        "  slowdown = 1 + rate x cost, the rate %.6f exits an instruction:\n",
        s->per_insn);
    if (s->exit_cost > 0)
        printf("    an exit cost %.0f ns, as much as %.1f instructions of %.2f "
               "ns: %.3f\n",
               (double)s->cost_ns / (double)s->measured, s->exit_cost,
               s->ns_direct, 1 + s->per_insn * s->exit_cost);
    else if (s->measured)
        printf("    an exit cost %.0f ns; what an instruction takes, the "
               "account of a run tells\n",
               (double)s->cost_ns / (double)s->measured);
    else
        puts("    costs were not measured (trapline run --costs --json)");
    printf("    as costly as 100 instructions %.3f, 1,000 %.3f, "
           "10,000 %.3f;\n    2 with one as costly as %.0f\n",
           1 + s->per_insn * 100, 1 + s->per_insn * 1000,
           1 + s->per_insn * 10000, 1 / s->per_insn);
}

static void print_direct(const struct efficiency *e,
                         const struct efficiency_guest *g)
{
    printf("%s: ", g->name);
    if (!e->counted) {
        puts(e->is_trace
                 ? "shares of the exits only; its instructions are counted in "
                   "the account of a run"
                 : "its engine counts no instructions, so there are shares of "
                   "the exits only");
        return;
    }
    summary_print_count(stdout, g->insns);
    printf(" instructions%s, ", e->is_trace ? " up to the last event" : "");
    summary_print_count(stdout, efficiency_direct(g));
    printf(" of them (%.3f %%) executed directly\n",
           share(efficiency_direct(g), g->insns));
}

static void print_causes(const struct efficiency_sums *s)
{
    printf("  %llu exits for instructions that had to trap, %llu for such "
           "that did not",
           (unsigned long long)s->exits[EFFICIENCY_NEEDED],
           (unsigned long long)s->exits[EFFICIENCY_NEEDLESS]);
    if (s->exits[EFFICIENCY_FORCED])
        printf(",\n  %llu for such that are privileged and innocuous",
               (unsigned long long)s->exits[EFFICIENCY_FORCED]);
    if (s->exits[EFFICIENCY_UNKNOWN])
        printf(",\n  %llu for such that the description has not",
               (unsigned long long)s->exits[EFFICIENCY_UNKNOWN]);
    printf(",\n  %llu for what traps on the bare machine as well, %llu for "
           "the monitor's\n  own reasons\n",
           (unsigned long long)s->exits[EFFICIENCY_EXCEPTION],
           (unsigned long long)s->exits[EFFICIENCY_MONITOR]);
}

static void print_guest(const struct efficiency *e, struct efficiency_guest *g,
                        const struct check_subject *machine)
{
    struct efficiency_sums s;

    efficiency_sum(e, g, machine, &s);
    print_direct(e, g);
    if (!g->exits) {
        puts(e->bare ? "  No monitor was there." : "  No exit.");
        return;
    }
    qsort(g->rows, g->row_count, sizeof(g->rows[0]), by_count);
    printf("  %-9s %-*s %8s%s %8s\n", "reason", name_width(g), "instruction",
           "exits", e->counted ? "  per 1000" : "", "ns each");
    for (unsigned i = 0; i < g->row_count; i++)
        print_row(e, g, &g->rows[i], machine);
    if (g->lost)
        printf("    and %llu more that the table has no room for\n",
               (unsigned long long)g->lost);
    print_reasons(g, &s);
    if (machine)
        print_causes(&s);
    print_slowdown(&s);
}

static void print_all(struct efficiency *e, const struct check_subject *machine,
                      uint64_t needless)
{
    if (machine)
        printf("What had to trap: as derived from %s, corrected reading.\n\n",
               machine->isa->name);
    for (unsigned i = 0; i < EFFICIENCY_GUESTS; i++)
        if (e->guests[i].seen) {
            print_guest(e, &e->guests[i], machine);
            putchar('\n');
        }
    if (!machine)
        return;
    puts("Efficiency, in the words of 1974: all innocuous instructions are "
         "executed by the\nhardware directly, with no intervention.  "
         "(Privileged ones cannot be.)");
    if (needless)
        printf("In this run it fails: %llu exits were for such "
               "instructions.\n",
               (unsigned long long)needless);
    else
        puts("In this run it holds: no such instruction made the monitor act.");
}

/* ---- JSON ---- */

/* Mnemonics, reasons and names have passed our own reader: only quotes, and
 * what stands behind a backslash, could spoil a string. */
static void json_text(const char *key, const char *text)
{
    printf("\"%s\":\"", key);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if (*text < ' ' || *text > '~')
            printf("\\u%04x", (unsigned)(unsigned char)*text);
        else
            putchar(*text);
    putchar('"');
}

static void json_row(const struct efficiency_guest *g,
                     const struct efficiency_row *r,
                     const struct check_subject *machine)
{
    static const char *const names[EFFICIENCY_CAUSES] = {
        "sensitive", "privileged", "innocuous",
        "unknown",   "exception",  "monitor"};

    putchar('{');
    json_text("reason", r->reason);
    putchar(',');
    json_text("insn", r->insn);
    printf(",\"count\":%llu", (unsigned long long)r->count);
    if (g->insns)
        printf(",\"per_1000\":%.6f",
               1000.0 * (double)r->count / (double)g->insns);
    if (r->measured)
        printf(",\"cost_ns\":%llu", (unsigned long long)r->cost_ns);
    printf(",\"cause\":\"%s\"}", names[efficiency_cause(machine, r)]);
}

static void json_guest(const struct efficiency *e,
                       const struct efficiency_guest *g,
                       const struct check_subject *machine)
{
    struct efficiency_sums s;

    efficiency_sum(e, g, machine, &s);
    putchar('{');
    json_text("name", g->name);
    if (e->counted)
        printf(",\"instructions\":%llu,\"direct\":%llu,\"per_1000\":%.6f",
               (unsigned long long)g->insns,
               (unsigned long long)(efficiency_direct(g)), 1000 * s.per_insn);
    printf(",\"exits\":%llu,\"sensitive\":%llu,\"innocuous\":%llu",
           (unsigned long long)g->exits,
           (unsigned long long)s.exits[EFFICIENCY_NEEDED],
           (unsigned long long)s.exits[EFFICIENCY_NEEDLESS]);
    if (s.exit_cost > 0)
        printf(",\"exit_cost\":%.3f,\"slowdown\":%.6f", s.exit_cost,
               1 + s.per_insn * s.exit_cost);
    printf(",\"rows\":[");
    for (unsigned i = 0; i < g->row_count; i++) {
        if (i)
            putchar(',');
        json_row(g, &g->rows[i], machine);
    }
    printf("],\"lost\":%llu}", (unsigned long long)g->lost);
}

static void json_all(const struct efficiency *e,
                     const struct check_subject *machine)
{
    bool first = true;

    printf("{\"schema\":\"trapline/efficiency/v1\"");
    if (machine) {
        putchar(',');
        json_text("machine", machine->isa->name);
    }
    printf(",\"guests\":[");
    for (unsigned i = 0; i < EFFICIENCY_GUESTS; i++)
        if (e->guests[i].seen) {
            if (!first)
                putchar(',');
            first = false;
            json_guest(e, &e->guests[i], machine);
        }
    puts("]}");
}

/* ---- The command ---- */

static uint64_t count_needless(const struct efficiency *e,
                               const struct check_subject *machine)
{
    struct efficiency_sums s;
    uint64_t n = 0;

    for (unsigned i = 0; i < EFFICIENCY_GUESTS; i++) {
        efficiency_sum(e, &e->guests[i], machine, &s);
        n += s.exits[EFFICIENCY_NEEDLESS];
    }
    return n;
}

static int report(struct efficiency *e, const char *name, bool json)
{
    struct check_subject machine;
    int code = name ? check_judge(name, &machine) : CODE_DONE;
    const struct check_subject *m = name ? &machine : NULL;

    if (code != CODE_DONE)
        return code;
    uint64_t needless = count_needless(e, m);
    if (json)
        json_all(e, m);
    else
        print_all(e, m, needless);
    if (m)
        check_forget(&machine);
    return needless ? CODE_NEGATIVE : CODE_DONE;
}

int check_efficiency(char **argv, const struct check_options *o)
{
    struct efficiency *e = calloc(1, sizeof(*e));
    struct diag d = {"no memory for the counts of a run"};
    enum status st = STATUS_NO_MEMORY;
    int code;

    (void)argv;
    if (e)
        st = efficiency_read(o->efficiency, e, &d);
    if (st != STATUS_OK)
        code = cli_fail(st, &d);
    else
        code = report(e, e->s370 || e->bare ? "s370" : "x86-64", o->json);
    free(e);
    return code;
}
