/* What the solver said, in words. */
#include "popek-goldberg/report/report.h"
#include "popek-goldberg/solver/certify.h"

enum { NAME_SIZE = 96 };

static void put_operands(FILE *to, const struct isa_encoding *c,
                         const struct pg_witness *w)
{
    for (unsigned i = 0; i < c->operand_count; i++)
        fprintf(to, " %s=%llu", c->operands[i].name,
                (unsigned long long)w->operands[i]);
}

/* The full machine has a witness that the scaled one has not. */
static void put_witness(FILE *to, const struct pg_judgement *j, unsigned i,
                        const struct pg_witness *w)
{
    fprintf(to, "    With");
    put_operands(to, &j->isa->encodings[i], w);
    for (unsigned k = 0; k < 2; k++) {
        fprintf(to, "\n    %s ", k ? "and" : "from");
        pg_put_state(to, j->isa, i, &w->s[k]);
        fprintf(to, "\n      to ");
        pg_put_outcome(to, j->isa, i, &w->r[k]);
    }
    fputc('\n', to);
}

static void put_trouble(FILE *to, const struct pg_judgement *j, unsigned i,
                        unsigned k, const struct pg_certificate *c)
{
    bool full = c->answer == PG_SAT;
    char name[NAME_SIZE];

    pg_query_name(&pg_queries[k], name, sizeof(name));
    fprintf(to, "  %s: %s: ", j->isa->encodings[i].name, name);
    if (c->proved == PG_LEFT_OPEN) {
        fprintf(to, "OPEN, %s (%s).\n", pg_answer_name(c->answer), c->why);
        return;
    }
    fprintf(to, "DIFFERS: %s in the scaled machine, %s in full width.\n",
            full ? "none" : "a witness", full ? "a witness" : "none");
    if (c->witness)
        put_witness(to, j, i, c->witness);
}

void pg_certify_report(FILE *to, const struct pg_judgement *j,
                       const struct pg_certificates *c)
{
    fprintf(to, "\nSolver: %s", c->command);
    if (*c->version)
        fprintf(to, ", which calls itself %s", c->version);
    fprintf(to, ".\n");
    for (unsigned i = 0; !*c->trouble && i < c->encodings; i++)
        for (unsigned k = 0; k < PG_QUERIES; k++)
            if (c->of[i][k].proved >= PG_CONTRADICTED)
                put_trouble(to, j, i, k, &c->of[i][k]);
    if (*c->trouble)
        fprintf(to, "  OPEN, all of it: %s.\n", c->trouble);
    fprintf(
        to,
        "  Of %u questions about the machine in full width, %u have no "
        "witness\n  (certified as unsatisfiable) and %u have one (replayed), "
        "as in the scaled\n  machine; %u differ, %u are open.\n",
        c->asked, c->count[PG_CERTIFIED], c->count[PG_REPLAYED],
        c->count[PG_CONTRADICTED], c->count[PG_LEFT_OPEN]);
}
