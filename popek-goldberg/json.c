/* The judgement as one JSON object; popek-goldberg/README.md has its fields. */
#include "popek-goldberg/report.h"

static void put_string(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20 || c > 0x7E)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

static const char *holds(bool b)
{
    return b ? "holds" : "fails";
}

static void put_values(FILE *to, const struct isa *isa,
                       const struct isa_state *s)
{
    fputs("{\"elements\":{", to);
    for (unsigned i = 0; i < isa->element_count; i++) {
        fputs(i ? "," : "", to);
        put_string(to, isa->elements[i].name);
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

static void put_outcome(FILE *to, const struct isa *isa,
                        const struct isa_result *r)
{
    if (r->ending == ISA_TRAPPED) {
        fputs("{\"trap\":", to);
        put_string(to, isa->traps[r->trap].name);
        fputc('}', to);
    } else if (r->ending == ISA_ANYTHING) {
        fputs("{\"unpredictable\":true}", to);
    } else {
        put_values(to, isa, &r->state);
    }
}

static void put_witness(FILE *to, const struct pg_judgement *j,
                        const struct pg_row *row, unsigned number)
{
    const struct isa_encoding *c = &j->isa->encodings[row->encoding];
    const struct pg_witness *w = row->witness;

    fprintf(to, "{\"number\":%u,\"label\":", number);
    put_string(to, row->label);
    fputs(",\"operands\":{", to);
    for (unsigned i = 0; i < c->operand_count; i++) {
        fputs(i ? "," : "", to);
        put_string(to, c->operands[i].name);
        fprintf(to, ":%llu", (unsigned long long)w->operands[i]);
    }
    fputs("},\"states\":[", to);
    put_values(to, j->isa, &w->s[0]);
    fputc(',', to);
    put_values(to, j->isa, &w->s[1]);
    fputs("],\"outcomes\":[", to);
    put_outcome(to, j->isa, &w->r[0]);
    fputc(',', to);
    put_outcome(to, j->isa, &w->r[1]);
    fputs("]}", to);
}

/* The witness of an instruction is that of its last label that the class
 * rests on: exact where there is one. */
static void put_code(FILE *to, const struct pg_judgement *j, unsigned i,
                     enum pg_reading r, unsigned first)
{
    const struct isa_encoding *c = &j->isa->encodings[i];
    const struct pg_labels *l = &j->best.labels[i];
    struct pg_row rows[PG_ROWS];
    unsigned n = pg_rows(j, i, r, rows);

    fputs("{\"encoding\":", to);
    put_string(to, c->name);
    fputs(",\"mnemonic\":", to);
    put_string(to, c->mnemonic);
    fprintf(to,
            ",\"privileged\":%s,\"sensitive\":%s,\"user_sensitive\":%s,"
            "\"critical\":%s,\"exact\":\"%s\",\"exact_hybrid\":\"%s\","
            "\"states\":%llu,\"labels\":[",
            truth(l->privileged[r]), truth(pg_sensitive(l, r)),
            truth(pg_user_sensitive(l, r)), truth(pg_critical(l, r)),
            holds(!j->best.exact[i].vm.found),
            holds(!j->best.exact[i].hybrid.found),
            (unsigned long long)l->states);
    for (unsigned k = 0; k < n; k++) {
        fputs(k ? "," : "", to);
        put_string(to, rows[k].label);
    }
    fputs("],\"witness\":", to);
    if (n)
        put_witness(to, j, &rows[n - 1], first + n);
    else
        fputs("null", to);
    fputc('}', to);
}

static void put_theorems(FILE *to, const struct pg_case *c, enum pg_reading r)
{
    fprintf(to, "{\"t1\":\"%s\",\"t2\":\"%s\",\"t3\":\"%s\"}",
            holds(c->holds[r][PG_T1]), holds(c->holds[r][PG_T2]),
            holds(c->holds[r][PG_T3]));
}

static void put_claims(FILE *to, const struct pg_judgement *j)
{
    static const char *const subjects[ISA_ABOUT_CODE] = {
        "t1", "t2", "t3", "exact", "hybrid", "efficiency"};
    static const char *const verdicts[] = {"holds", "fails", "privileged",
                                           "critical", "innocuous"};

    for (unsigned i = 0; i < j->isa->claim_count; i++) {
        const struct isa_claim *c = &j->isa->claims[i];

        fprintf(to, "%s{\"subject\":", i ? "," : "");
        put_string(to, c->subject < ISA_ABOUT_CODE
                           ? subjects[c->subject]
                           : pg_claim_subject(j->isa, c));
        fprintf(to, ",\"claimed\":\"%s\",\"derived\":\"%s\",\"source\":",
                verdicts[c->verdict], verdicts[pg_derived(j, c)]);
        put_string(to, c->source);
        fprintf(to, ",\"confidence\":\"%c\"}", c->confidence);
    }
}

void pg_report_json(FILE *to, const struct pg_judgement *j, enum pg_reading r,
                    const char *instruction)
{
    struct pg_row rows[PG_ROWS];
    const char *separator = "";
    unsigned n = 0;

    fputs("{\"machine\":", to);
    put_string(to, j->isa->name);
    fprintf(to, ",\"reading\":\"%s\",\"theorems\":",
            r == PG_LITERAL ? "literal" : "corrected");
    put_theorems(to, &j->best, r);
    fputs(",\"theorems_worst\":", to);
    put_theorems(to, &j->worst, r);
    fprintf(to,
            ",\"exact\":\"%s\",\"exact_hybrid\":\"%s\",\"exact_nested\":\"%s\","
            "\"claims\":[",
            holds(j->best.vm), holds(j->best.hybrid), holds(j->best.nested));
    put_claims(to, j);
    fputs("],\"instructions\":[", to);
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (pg_is_named(&j->isa->encodings[i], instruction)) {
            fputs(separator, to);
            put_code(to, j, i, r, n);
            separator = ",";
        }
        n += pg_rows(j, i, r, rows);
    }
    fputs("]}\n", to);
}
