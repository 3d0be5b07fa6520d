#include "popek-goldberg/solver/certify.h"

#include "popek-goldberg/judge/rows.h"

#include <stdlib.h>
#include <string.h>

/* Under f the bare machine's switches are anybody's; else the monitor's. */
static struct pg_place place_of(const struct pg_judgement *j, unsigned i,
                                const struct pg_query *q)
{
    struct pg_setting set = {j->setting, 0}, any = {0, 0};
    bool mapped = q->what >= PG_ASK_VM;

    for (unsigned e = 0; e < j->isa->element_count; e++)
        if (j->isa->elements[e].enforced)
            set.mask |= UINT64_C(1) << e;
    return (struct pg_place){j->isa,   &j->isa->encodings[i],
                             ISA_FULL, mapped ? any : set,
                             set,      !mapped && j->enforced};
}

const char *pg_proved_name(enum pg_proved s)
{
    static const char *const names[] = {"not asked", "certified", "witness",
                                        "differs", "open"};

    return names[s];
}

/* ---- Asking ---- */

static enum status keep_witness(const struct pg_witness *w,
                                struct pg_certificate *c)
{
    c->witness = malloc(sizeof(*w));
    if (!c->witness)
        return STATUS_NO_MEMORY;
    *c->witness = *w;
    return STATUS_OK;
}

static enum status keep_reason(const char *text, struct pg_certificate *c)
{
    c->proved = PG_LEFT_OPEN;
    c->why = strdup(text);
    return c->why ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status ask(const struct pg_judgement *j, unsigned i,
                       const struct pg_query *q, struct pg_solver *solver,
                       struct pg_certificate *out)
{
    struct pg_place place = place_of(j, i, q);
    bool says = pg_exhausted_says(&j->best.labels[i], &j->best.exact[i], q);
    struct diag d = {""};
    struct pg_witness w;

    out->answer = pg_prove(&place, q, solver, &w, &d);
    if (out->answer > PG_SAT)
        return keep_reason(d.text, out);
    if (says == (out->answer == PG_SAT)) {
        out->proved = says ? PG_REPLAYED : PG_CERTIFIED;
        return STATUS_OK;
    }
    out->proved = PG_CONTRADICTED;
    return says ? STATUS_OK : keep_witness(&w, out);
}

/* A solver that does not even say its name is not worth a question's time. */
static enum status ask_all(const struct pg_judgement *j,
                           struct pg_solver *solver, const char *instruction,
                           struct pg_certificates *out)
{
    enum status st = STATUS_OK;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (!pg_is_named(&j->isa->encodings[i], instruction))
            continue;
        for (unsigned k = 0; st == STATUS_OK && k < PG_QUERIES; k++) {
            struct pg_certificate *c = &out->of[i][k];

            st = *out->trouble ? keep_reason(out->trouble, c)
                               : ask(j, i, &pg_queries[k], solver, c);
            out->asked++;
            out->count[c->proved]++;
        }
    }
    return st;
}

enum status pg_certify(const struct pg_judgement *j, struct pg_solver *solver,
                       const char *instruction, struct pg_certificates *out,
                       struct diag *d)
{
    struct diag why = {""};
    bool talks = pg_solver_start(solver, &why) == PG_SAT;
    enum status st = STATUS_NO_MEMORY;

    *out = (struct pg_certificates){.encodings = j->isa->encoding_count};
    snprintf(out->command, sizeof(out->command), "%s", solver->command);
    snprintf(out->version, sizeof(out->version), "%s",
             talks ? solver->version : "");
    snprintf(out->trouble, sizeof(out->trouble), "%s", talks ? "" : why.text);
    out->of = calloc(out->encodings, sizeof(*out->of));
    if (out->of)
        st = ask_all(j, solver, instruction, out);
    if (st == STATUS_OK)
        return st;
    pg_certificates_free(out);
    return diag_set(d, st, "%s: no memory for the certificates", j->isa->name);
}

void pg_certificates_free(struct pg_certificates *c)
{
    for (unsigned i = 0; c->of && i < c->encodings; i++)
        for (unsigned k = 0; k < PG_QUERIES; k++) {
            free(c->of[i][k].witness);
            free(c->of[i][k].why);
        }
    free(c->of);
    c->of = NULL;
}
