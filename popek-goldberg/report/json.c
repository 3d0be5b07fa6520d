/* The judgement as one JSON object; popek-goldberg/README.md has its fields. */
#include "popek-goldberg/judge/mistakes.h"
#include "popek-goldberg/judge/properties.h"
#include "popek-goldberg/report/report.h"
#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/text.h"
#include "popek-goldberg/solver/certify.h"

#include <string.h>

/* What all parts need. */
struct json {
    FILE *to;
    const struct pg_judgement *j;
    enum pg_reading r;
    const struct pg_certificates *certificates; /* or NULL */
};

static const char *const verdicts[ISA_VERDICT_COUNT] = {
    "holds", "fails", "privileged", "critical", "innocuous"};

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

static const char *holds(bool b)
{
    return b ? "holds" : "fails";
}

/* "key": "text", and a comma before it unless it is the first of its object. */
static void put_field(FILE *to, const char *before, const char *key,
                      const char *text)
{
    fprintf(to, "%s\"%s\":", before, key);
    pg_put_json_string(to, text);
}

static void put_number(FILE *to, const char *key, uint64_t n)
{
    fprintf(to, ",\"%s\":%llu", key, (unsigned long long)n);
}

/* ---- Witnesses ---- */

static void put_values(FILE *to, const struct isa *isa, uint64_t shown,
                       const struct isa_state *s)
{
    const char *separator = "";

    fputs("{\"elements\":{", to);
    for (unsigned i = 0; i < isa->element_count; i++) {
        if (!(shown >> i & 1))
            continue;
        fputs(separator, to);
        separator = ",";
        pg_put_json_string(to, isa->elements[i].name);
        if (s->unknown >> i & 1)
            fputs(":null", to);
        else
            fprintf(to, ":%llu", (unsigned long long)s->v[i]);
    }
    fputs("},\"memory\":[", to);
    for (unsigned i = 0; i < isa->cells; i++)
        if (s->unknown_mem >> i & 1)
            fprintf(to, "%snull", i ? "," : "");
        else
            fprintf(to, "%s%llu", i ? "," : "", (unsigned long long)s->mem[i]);
    fputs("]}", to);
}

static void put_outcome(FILE *to, const struct isa *isa, uint64_t shown,
                        const struct isa_result *r)
{
    if (r->ending == ISA_TRAPPED) {
        put_field(to, "{", "trap", isa->traps[r->trap].name);
        fputc('}', to);
    } else if (r->ending == ISA_ANYTHING) {
        fputs("{\"unpredictable\":true}", to);
    } else {
        put_values(to, isa, shown, &r->state);
    }
}

static void put_runs(FILE *to, const struct isa *isa, unsigned encoding,
                     const struct pg_witness *w)
{
    const struct isa_encoding *c = &isa->encodings[encoding];
    uint64_t shown = pg_shown_elements(isa, encoding);

    fputs(",\"operands\":{", to);
    for (unsigned i = 0; i < c->operand_count; i++) {
        fputs(i ? "," : "", to);
        pg_put_json_string(to, c->operands[i].name);
        fprintf(to, ":%llu", (unsigned long long)w->operands[i]);
    }
    fputs("},\"states\":[", to);
    put_values(to, isa, shown, &w->s[0]);
    fputc(',', to);
    put_values(to, isa, shown, &w->s[1]);
    fputs("],\"outcomes\":[", to);
    put_outcome(to, isa, shown, &w->r[0]);
    fputc(',', to);
    put_outcome(to, isa, shown, &w->r[1]);
    fputc(']', to);
}

static void put_witness(FILE *to, const struct pg_judgement *j,
                        const struct pg_row *row, unsigned number)
{
    fprintf(to, "{\"number\":%u", number);
    put_field(to, ",", "label", row->label);
    put_runs(to, j->isa, row->encoding, row->witness);
    fputc('}', to);
}

/* ---- Certificates ---- */

enum { QUESTION_SIZE = 96 };

static const char *answer(const struct json *p, unsigned i, unsigned k)
{
    const struct pg_case *b = &p->j->best;

    if (p->certificates)
        switch (p->certificates->of[i][k].proved) {
        case PG_CERTIFIED:
            return "unsat";
        case PG_CONTRADICTED:
            return "differs";
        case PG_LEFT_OPEN:
            return "open";
        default:
            break;
        }
    return pg_exhausted_says(&b->labels[i], &b->exact[i], &pg_queries[k])
               ? "witness"
               : "exhausted";
}

/* Why a question is open, and the full machine's witness where it differs. */
static void put_trouble(const struct json *p, unsigned i, unsigned k)
{
    const struct pg_certificate *c = &p->certificates->of[i][k];
    char name[QUESTION_SIZE];

    pg_query_name(&pg_queries[k], name, sizeof(name));
    put_field(p->to, "{", "question", name);
    put_field(p->to, ",", "solver", pg_answer_name(c->answer));
    if (c->why)
        put_field(p->to, ",", "why", c->why);
    if (c->witness)
        put_runs(p->to, p->j->isa, i, c->witness);
    fputc('}', p->to);
}

static void put_troubles(const struct json *p, unsigned i)
{
    const char *separator = "";

    fputs(",\"troubles\":[", p->to);
    for (unsigned k = 0; p->certificates && k < PG_QUERIES; k++)
        if (p->certificates->of[i][k].proved >= PG_CONTRADICTED) {
            fputs(separator, p->to);
            put_trouble(p, i, k);
            separator = ",";
        }
    fputc(']', p->to);
}

static void put_certificates(const struct json *p, unsigned i)
{
    char name[QUESTION_SIZE];

    fputs(",\"certificates\":{", p->to);
    for (unsigned k = 0; k < PG_QUERIES; k++) {
        pg_query_name(&pg_queries[k], name, sizeof(name));
        put_field(p->to, k ? "," : "", name, answer(p, i, k));
    }
    fputc('}', p->to);
    put_troubles(p, i);
}

static void put_solver(const struct json *p)
{
    const struct pg_certificates *c = p->certificates;

    if (!c)
        return;
    put_field(p->to, ",\"solver\":{", "command", c->command);
    put_field(p->to, ",", "version", c->version);
    if (*c->trouble)
        put_field(p->to, ",", "trouble", c->trouble);
    put_number(p->to, "asked", c->asked);
    put_number(p->to, "unsat", c->count[PG_CERTIFIED]);
    put_number(p->to, "witness", c->count[PG_REPLAYED]);
    put_number(p->to, "differs", c->count[PG_CONTRADICTED]);
    put_number(p->to, "open", c->count[PG_LEFT_OPEN]);
    fputc('}', p->to);
}

/* ---- Instructions ---- */

static void put_covers(FILE *to, const struct isa_encoding *c)
{
    fputs(",\"covers\":[", to);
    for (unsigned i = 0; i < c->cover_count; i++) {
        fputs(i ? "," : "", to);
        pg_put_json_string(to, c->covers[i]);
    }
    fputc(']', to);
}

static void put_labels(const struct json *p, const struct pg_row *rows,
                       unsigned n, unsigned first)
{
    put_number(p->to, "first_witness", n ? first + 1 : 0);
    fputs(",\"labels\":[", p->to);
    for (unsigned k = 0; k < n; k++) {
        fputs(k ? "," : "", p->to);
        pg_put_json_string(p->to, rows[k].label);
    }
    fputs("],\"witness\":", p->to);
    if (n)
        put_witness(p->to, p->j, &rows[n - 1], first + n);
    else
        fputs("null", p->to);
}

/* The witness of an instruction is that of its last label that the class
 * rests on: exact where there is one. */
static void put_code(const struct json *p, unsigned i, unsigned first)
{
    const struct isa_encoding *c = &p->j->isa->encodings[i];
    const struct pg_labels *l = &p->j->best.labels[i];
    const struct pg_exact *x = &p->j->best.exact[i];
    struct pg_row rows[PG_ROWS];
    unsigned n = pg_rows(p->j, i, p->r, rows);
    char ways[PG_WAYS_SIZE];

    pg_ways_words(p->j->isa, l, p->r, ways);
    put_field(p->to, "{", "encoding", c->name);
    put_field(p->to, ",", "mnemonic", c->mnemonic);
    fprintf(p->to,
            ",\"privileged\":%s,\"sensitive\":%s,\"user_sensitive\":%s,"
            "\"critical\":%s,\"exact\":\"%s\",\"exact_hybrid\":\"%s\","
            "\"exact_nested\":\"%s\"",
            truth(l->privileged[p->r]), truth(pg_sensitive(l, p->r)),
            truth(pg_user_sensitive(l, p->r)), truth(pg_critical(l, p->r)),
            holds(!x->vm.found), holds(!x->hybrid.found),
            holds(!x->nested.found));
    put_field(p->to, ",", "title", c->title);
    put_field(p->to, ",", "ways", ways);
    put_field(p->to, ",", "breaks", pg_broken_words(x));
    fprintf(p->to, ",\"reads_clock\":%s,\"needed\":%s",
            truth(pg_reads_clock(p->j->isa, i)), truth(c->needed));
    put_number(p->to, "states", l->states);
    put_number(p->to, "exact_states", x->states);
    put_covers(p->to, c);
    put_certificates(p, i);
    put_labels(p, rows, n, first);
    fputc('}', p->to);
}

static void put_mnemonics(const struct json *p)
{
    const struct isa *isa = p->j->isa;
    const char *separator = "";

    fputs(",\"mnemonics\":[", p->to);
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const char *name = isa->encodings[i].mnemonic;

        if (isa_find_mnemonic(isa, name) != (int)i)
            continue;
        fprintf(p->to, "%s", separator);
        put_field(p->to, "{", "mnemonic", name);
        put_field(p->to, ",", "derived", verdicts[pg_of_mnemonic(p->j, name)]);
        fputc('}', p->to);
        separator = ",";
    }
    fputc(']', p->to);
}

/* ---- The machine ---- */

static void put_theorems(FILE *to, const struct pg_case *c, enum pg_reading r)
{
    fprintf(to, "{\"t1\":\"%s\",\"t2\":\"%s\",\"t3\":\"%s\"}",
            holds(c->holds[r][PG_T1]), holds(c->holds[r][PG_T2]),
            holds(c->holds[r][PG_T3]));
}

static void put_claims(const struct json *p)
{
    static const char *const subjects[ISA_ABOUT_CODE] = {
        "t1", "t2", "t3", "exact", "hybrid", "efficiency"};
    const struct isa *isa = p->j->isa;

    fputs(",\"claims\":[", p->to);
    for (unsigned i = 0; i < isa->claim_count; i++) {
        const struct isa_claim *c = &isa->claims[i];

        put_field(p->to, i ? ",{" : "{", "subject",
                  c->subject < ISA_ABOUT_CODE ? subjects[c->subject]
                                              : pg_claim_subject(isa, c));
        put_field(p->to, ",", "claimed", verdicts[c->verdict]);
        put_field(p->to, ",", "derived", verdicts[pg_derived(p->j, c)]);
        put_field(p->to, ",", "source", c->source);
        fprintf(p->to, ",\"confidence\":\"%c\",\"agrees\":%s", c->confidence,
                truth(pg_claim_agrees(p->j, c)));
        if (c->differs)
            put_field(p->to, ",", "differs", c->differs);
        fputc('}', p->to);
    }
    fputc(']', p->to);
}

static void put_listed(const struct json *p, const char *before,
                       const char *name, const char *why)
{
    put_field(p->to, before, "mnemonic", name);
    put_field(p->to, ",", "derived", pg_listed_words(p->j, name));
    if (why)
        put_field(p->to, ",", "why", why);
    fputc('}', p->to);
}

static void put_lists(const struct json *p)
{
    const struct isa *isa = p->j->isa;

    fputs(",\"lists\":[", p->to);
    for (unsigned i = 0; i < isa->list_count; i++) {
        const struct isa_list *l = &isa->lists[i];

        put_field(p->to, i ? ",{" : "{", "title", l->title);
        put_field(p->to, ",", "source", l->source);
        fprintf(p->to, ",\"confidence\":\"%c\",\"names\":[", l->confidence);
        for (unsigned k = 0; k < l->count; k++)
            put_listed(p, k ? ",{" : "{", l->names[k], NULL);
        fputs("],\"beyond\":[", p->to);
        for (unsigned k = 0; k < l->beyond_count; k++)
            put_listed(p, k ? ",{" : "{", l->beyond[k].name, l->beyond[k].why);
        fputs("]}", p->to);
    }
    fputc(']', p->to);
}

static void put_notes(FILE *to, const char *key, const struct isa_note *notes,
                      unsigned count)
{
    fprintf(to, ",\"%s\":[", key);
    for (unsigned i = 0; i < count; i++) {
        put_field(to, i ? ",{" : "{", "about", notes[i].name);
        put_field(to, ",", "text", notes[i].text);
        fputc('}', to);
    }
    fputc(']', to);
}

static void put_setting(const struct json *p)
{
    const struct isa *isa = p->j->isa;
    const char *separator = "";

    fputs(",\"setting\":{", p->to);
    for (unsigned i = 0; p->j->enforced && i < isa->element_count; i++) {
        if (!isa->elements[i].enforced)
            continue;
        fprintf(p->to, "%s\"%s\":%llu", separator, isa->elements[i].name,
                (unsigned long long)pg_setting_value(p->j, i));
        separator = ",";
    }
    fprintf(p->to,
            "},\"space\":{\"words\":%u,\"word_bits\":%u,\"monitor_words\":%u}",
            isa->cells, isa->cell_width[ISA_SCALED], isa->monitor_words);
}

static void put_machine(const struct json *p)
{
    const struct pg_judgement *j = p->j;

    put_field(p->to, "{", "machine", j->isa->name);
    put_field(p->to, ",", "title", j->isa->title);
    put_field(p->to, ",", "reading",
              p->r == PG_LITERAL ? "literal" : "corrected");
    fputs(",\"theorems\":", p->to);
    put_theorems(p->to, &j->best, p->r);
    fputs(",\"theorems_worst\":", p->to);
    put_theorems(p->to, &j->worst, p->r);
    put_field(p->to, ",", "exact", holds(j->best.vm));
    put_field(p->to, ",", "exact_hybrid", holds(j->best.hybrid));
    put_field(p->to, ",", "exact_nested", holds(j->best.nested));
    put_field(p->to, ",", "efficiency", holds(j->best.direct));
    if (j->isa->timing)
        put_field(p->to, ",", "timing", j->isa->timing);
    if (j->isa->needs)
        put_field(p->to, ",", "needs", j->isa->needs);
    put_setting(p);
    put_solver(p);
    put_claims(p);
    put_lists(p);
    put_notes(p->to, "notes", j->isa->notes, j->isa->note_count);
    put_notes(p->to, "leaves_out", j->isa->leaves_out,
              j->isa->leaves_out_count);
    put_mnemonics(p);
}

static void put_properties(const struct json *p)
{
    struct pg_properties *of = NULL;
    struct diag ignored;

    fputs(",\"properties\":", p->to);
    if (pg_properties_derive(p->j, &of, &ignored) == STATUS_OK)
        pg_properties_put_json(p->to, of, p->r);
    else
        fputs("null", p->to);
    pg_properties_free(of);
}

void pg_report_json(FILE *to, const struct pg_judgement *j, enum pg_reading r,
                    const char *instruction,
                    const struct pg_certificates *certificates)
{
    const struct json p = {to, j, r, certificates};
    struct pg_row rows[PG_ROWS];
    const char *separator = "";
    unsigned n = 0;

    put_machine(&p);
    put_properties(&p);
    fputs(",\"mistakes\":", to);
    pg_report_mistakes_json(to, j);
    fputs(",\"instructions\":[", to);
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (pg_is_named(&j->isa->encodings[i], instruction)) {
            fputs(separator, to);
            put_code(&p, i, n);
            separator = ",";
        }
        n += pg_rows(j, i, r, rows);
    }
    fputs("]}\n", to);
}
