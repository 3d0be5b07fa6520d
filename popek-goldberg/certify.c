#include "popek-goldberg/certify.h"

#include "popek-goldberg/report.h"

enum { NAME_SIZE = 96 };

/* Under f the bare machine's switches are anybody's; else the monitor's. */
static struct pg_place place_of(const struct pg_judgement *j, unsigned i,
                                const struct pg_query *q)
{
    struct pg_setting set = {j->setting, 0}, any = {0, 0};
    bool mapped = q->what >= PG_ASK_VM;

    for (unsigned e = 0; e < j->isa->element_count; e++)
        if (j->isa->elements[e].enforced)
            set.mask |= UINT64_C(1) << e;
    return (struct pg_place){j->isa, &j->isa->encodings[i], ISA_FULL,
                             mapped ? any : set, set};
}

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

static void ask(FILE *to, const struct pg_judgement *j, unsigned i,
                const struct pg_query *q, struct pg_solver *solver,
                struct pg_certificates *out)
{
    struct pg_place place = place_of(j, i, q);
    bool says = pg_exhausted_says(&j->best.labels[i], &j->best.exact[i], q);
    struct diag d = {""};
    struct pg_witness w;
    enum pg_answer a = pg_prove(&place, q, solver, &w, &d);
    char name[NAME_SIZE];

    out->asked++;
    if (a == (says ? PG_SAT : PG_UNSAT)) {
        out->certificates += !says;
        out->witnesses += says;
        return;
    }
    pg_query_name(q, name, sizeof(name));
    fprintf(to, "  %s: %s: ", j->isa->encodings[i].name, name);
    if (a > PG_SAT) {
        out->open++;
        fprintf(to, "OPEN, %s (%s).\n", pg_answer_name(a), d.text);
        return;
    }
    out->differ++;
    fprintf(to, "DIFFERS: %s in the scaled machine, %s in full width.\n",
            says ? "a witness" : "none", a == PG_SAT ? "a witness" : "none");
    if (a == PG_SAT)
        put_witness(to, j, i, &w);
}

/* It does not even say its name: no question is worth its time. */
static void leave_all_open(FILE *to, const struct diag *d,
                           struct pg_certificates *out)
{
    out->open = out->asked;
    fprintf(to, "  OPEN, all of it: %s.\n", d->text);
}

void pg_certify(FILE *to, const struct pg_judgement *j,
                struct pg_solver *solver, const char *instruction,
                struct pg_certificates *out)
{
    struct diag d = {""};
    bool talks = pg_solver_start(solver, &d) == PG_SAT;

    *out = (struct pg_certificates){0};
    fprintf(to, "\nSolver: %s", solver->command);
    if (talks)
        fprintf(to, ", which calls itself %s", solver->version);
    fprintf(to, ".\n");
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (!pg_is_named(&j->isa->encodings[i], instruction))
            continue;
        for (unsigned k = 0; talks && k < PG_QUERIES; k++)
            ask(to, j, i, &pg_queries[k], solver, out);
        out->asked += talks ? 0 : PG_QUERIES;
    }
    if (!talks)
        leave_all_open(to, &d, out);
    fprintf(to,
            "  Of %u questions about the machine in full width, %u have no "
            "witness (certified as\n  unsatisfiable) and %u have one "
            "(replayed), as in the scaled machine; %u differ, %u are\n  "
            "open.\n",
            out->asked, out->certificates, out->witnesses, out->differ,
            out->open);
}
