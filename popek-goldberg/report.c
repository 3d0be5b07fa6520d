#include "popek-goldberg/report.h"

#include "popek-goldberg/properties.h"
#include "popek-goldberg/repair.h"

#include <string.h>

static const char *const reading_names[] = {"literal", "corrected"};

static void put_witness(FILE *to, const struct pg_judgement *j,
                        const struct pg_row *row)
{
    const struct pg_witness *w = row->witness;
    const struct isa *isa = j->isa;
    bool alone = row->proof == PG_ALONE;
    static const char *const names[2][2] = {{"S1", "S2"}, {"S", "f(S)"}};

    fputs("        instruction ", to);
    pg_put_operands(to, isa, row->encoding, w);
    fputc('\n', to);
    for (unsigned i = 0; i < (alone ? 1 : 2); i++) {
        const char *name = alone ? "S" : names[row->proof == PG_MAPPED][i];

        fprintf(to, "        %-7s  ", name);
        pg_put_state(to, isa, row->encoding, &w->s[i]);
        fprintf(to, "\n        i(%s)%*s", name, (int)(6 - strlen(name)), "");
        pg_put_outcome(to, isa, row->encoding, &w->r[i]);
        fputc('\n', to);
    }
    fputs("        because  ", to);
    pg_put_difference(to, j, row);
    fputs(".\n", to);
}

/* Which of the monitor's properties an exact failure breaks. */
static const char *property(const struct pg_witness *w)
{
    return w->why == PG_SEIZED || w->why == PG_UNPREDICTABLE
               ? "resource control"
               : "equivalence";
}

static void put_row(FILE *to, const struct pg_judgement *j,
                    const struct pg_row *row, unsigned n)
{
    fprintf(to, "  [%u] %s: %s.\n", n, row->label, row->definition);
    put_witness(to, j, row);
    if (row->proof == PG_MAPPED)
        fprintf(to, "        so breaks %s.\n", property(row->witness));
}

static const char *class_of(const struct pg_labels *l, enum pg_reading r)
{
    if (pg_critical(l, r))
        return "CRITICAL: sensitive and not privileged";
    if (l->privileged[r])
        return pg_sensitive(l, r) ? "privileged and sensitive"
                                  : "privileged and innocuous";
    return "innocuous";
}

static void put_mistakes(FILE *to, const struct pg_labels *l, enum pg_reading r)
{
    const struct pg_witness *w = &l->unprivileged[r];

    if (l->vacuous[r] && !w->found)
        fputs("  Privileged would be vacuous here: no pair of states speaks "
              "for or against it.\n",
              to);
    if (l->less.found && !l->privileged[r])
        fputs("  A user-mode no-op is not privileged: the monitor never hears "
              "of it.\n",
              to);
    if (w->found && w->why == PG_NO_TRAP &&
        w->r[ISA_SUPERVISOR].ending == ISA_TRAPPED)
        fputs("  It traps in supervisor mode and not in user mode: the "
              "condition is the wrong way round.\n",
              to);
    if (w->found && w->why == PG_TRAPS_TOO)
        fputs("  Privileged asks for two things: a trap in user mode, and none "
              "in supervisor mode.\n",
              to);
}

static unsigned put_code(FILE *to, const struct pg_judgement *j, unsigned i,
                         enum pg_reading r, unsigned n)
{
    const struct isa_encoding *c = &j->isa->encodings[i];
    const struct pg_labels *l = &j->best.labels[i];
    struct pg_row rows[PG_ROWS];
    unsigned count = pg_rows(j, i, r, rows);

    fprintf(to, "\n%s", c->name);
    if (strcmp(c->name, c->mnemonic))
        fprintf(to, " (of %s)", c->mnemonic);
    fprintf(to, "%s%s: %s.\n", *c->title ? ", " : "", c->title, class_of(l, r));
    put_mistakes(to, l, r);
    for (unsigned k = 0; k < count; k++)
        put_row(to, j, &rows[k], ++n);
    if (!pg_sensitive(l, r))
        fprintf(to,
                "  Not sensitive: no witness in the exhausted space of "
                "%llu states.\n",
                (unsigned long long)l->states);
    if (!j->best.exact[i].vm.found)
        fprintf(to,
                "  Meets the exact criterion: no witness against it in "
                "the exhausted space of %llu states.\n",
                (unsigned long long)j->best.exact[i].states);
    return n;
}

/* ---- The table and the verdicts ---- */

static bool bad(const struct pg_labels *l, enum pg_reading r, unsigned theorem)
{
    return theorem == PG_T3 ? pg_user_sensitive(l, r) && !l->privileged[r]
                            : pg_critical(l, r);
}

static void put_table(FILE *to, const struct pg_judgement *j,
                      const char *instruction)
{
    fprintf(to, "%-16s %-9s %-9s %s\n", "", "literal", "corrected", "exact");
    fprintf(to, "%-16s %-9s %-9s %s\n", "instruction", "T1/T3", "T1/T3",
            "VM/hybrid");
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const struct pg_labels *l = &j->best.labels[i];
        const struct pg_exact *x = &j->best.exact[i];
        char cell[PG_READINGS][16];

        if (!pg_is_named(&j->isa->encodings[i], instruction))
            continue;
        for (enum pg_reading r = 0; r < PG_READINGS; r++)
            snprintf(cell[r], sizeof(cell[r]), "%s/%s",
                     bad(l, r, PG_T1) ? "BAD" : "ok",
                     bad(l, r, PG_T3) ? "BAD" : "ok");
        fprintf(to, "%-16s %-9s %-9s %s/%s\n", j->isa->encodings[i].name,
                cell[PG_LITERAL], cell[PG_CORRECTED],
                x->vm.found ? "FAIL" : "ok", x->hybrid.found ? "FAIL" : "ok");
    }
}

static const char *const statements[] = {
    "a monitor may be constructed if every sensitive instruction is "
    "privileged",
    "it is recursively virtualizable if it is virtualizable, and a monitor "
    "without timing dependencies can be constructed",
    "a hybrid monitor may be constructed if every user sensitive instruction "
    "is privileged",
};

static void put_culprits(FILE *to, const struct pg_judgement *j,
                         enum pg_reading r, unsigned theorem)
{
    const char *separator = " because of ";

    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        if (bad(&j->best.labels[i], r, theorem) &&
            (theorem == PG_T2 || !j->isa->encodings[i].needed)) {
            fprintf(to, "%s%s", separator, j->isa->encodings[i].name);
            separator = ", ";
        }
    if (theorem == PG_T2 && j->isa->needs)
        fprintf(to, "; %s", j->isa->needs);
    if (theorem == PG_T2 && j->isa->timing)
        fprintf(to, "; and timing: %s", j->isa->timing);
}

static void put_theorems(FILE *to, const struct pg_judgement *j,
                         enum pg_reading r)
{
    bool exact[] = {j->best.vm, j->best.nested, j->best.hybrid};
    static const char *const maps[] = {"f", "f of f", "f, virtual user mode"};

    for (unsigned t = 0; t < PG_THEOREMS; t++) {
        bool holds = j->best.holds[r][t];

        fprintf(to, "\nTheorem %u: %s.\n  Premise: %s", t + 1, statements[t],
                holds ? "holds" : "fails");
        if (!holds)
            put_culprits(to, j, r, t);
        fprintf(to, ".\n  Exact criterion (%s): %s.\n", maps[t],
                exact[t] ? "holds" : "fails");
        if (!holds && exact[t] && !(t == PG_T2 && j->isa->timing))
            fputs("  Premise and conclusion disagree: the theorem is "
                  "sufficient, not necessary.  In every\n  state the named "
                  "instructions trap under the monitor, or do what they would "
                  "on the\n  bare machine.\n",
                  to);
        if (holds && !exact[t])
            fputs("  Premise and conclusion disagree: a guest may set its "
                  "machine "
                  "up otherwise than the\n  monitor sets the real one, or a "
                  "trap depends on it; see the witness.\n",
                  to);
    }
}

/* What each technique of making virtual machines keeps, and how to mend what
 * fails. */
static void put_techniques(FILE *to, const struct pg_judgement *j,
                           enum pg_reading r)
{
    struct pg_properties *p = NULL;
    struct diag d = {""};
    enum status st = pg_properties_derive(j, &p, &d);

    if (st == STATUS_OK) {
        pg_properties_put(to, p, r);
        st = pg_repair_put_lines(to, j, &d);
    }
    if (st != STATUS_OK)
        fprintf(to, "\nThe properties are not derived: %s.\n", d.text);
    pg_properties_free(p);
}

static const char *const verdict_words[] = {"holds", "fails", "privileged",
                                            "critical", "innocuous"};

static void put_claims(FILE *to, const struct pg_judgement *j)
{
    const struct isa *isa = j->isa;

    if (isa->claim_count)
        fputs("\nClaims of the literature, against what is derived (corrected "
              "reading):\n",
              to);
    for (unsigned i = 0; i < isa->claim_count; i++) {
        const struct isa_claim *c = &isa->claims[i];

        fprintf(to, "  %-16s %-10s %s", pg_claim_subject(isa, c),
                verdict_words[c->verdict],
                pg_claim_agrees(j, c) ? "derived too" : "DERIVED OTHERWISE: ");
        fprintf(to, "%s (%s; %c)\n",
                pg_claim_agrees(j, c) ? "" : verdict_words[pg_derived(j, c)],
                c->source, c->confidence);
        if (c->differs)
            fprintf(to, "    %s\n", c->differs);
    }
}

static void put_setting(FILE *to, const struct pg_judgement *j)
{
    const struct isa *isa = j->isa;

    if (!j->enforced)
        return;
    fputs("\nThe monitor sets", to);
    for (unsigned i = 0; i < isa->element_count; i++)
        if (isa->elements[i].enforced)
            fprintf(to, " %s=%llu", isa->elements[i].name,
                    (unsigned long long)pg_setting_value(j, i));
    fputs(", which leaves the fewest critical instructions.\n", to);
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        if (j->worst.holds[PG_CORRECTED][t] != j->best.holds[PG_CORRECTED][t])
            fprintf(to,
                    "In the worst setting the premise of Theorem %u "
                    "fails.\n",
                    t + 1);
}

static void put_head(FILE *to, const struct pg_judgement *j, enum pg_reading r)
{
    const struct isa *isa = j->isa;

    fprintf(to, "Machine %s: %s\n", isa->name, isa->title);
    fprintf(to,
            "Reading: %s.  %s\nSpace: every state of the scaled machine: %u "
            "words of %u bits, base 0 to %u, bound 0 to\n%u; the monitor of f "
            "takes %u words.\n",
            reading_names[r],
            r == PG_LITERAL
                ? "Only memory traps are set aside; R is base and bound."
                : "All traps are set aside; resource registers are part of R.",
            isa->cells, isa->cell_width[ISA_SCALED], isa->cells - 1, isa->cells,
            isa->monitor_words);
    put_setting(to, j);
    fputc('\n', to);
}

void pg_report(FILE *to, const struct pg_judgement *j, enum pg_reading r,
               const char *instruction)
{
    struct pg_row rows[PG_ROWS];
    unsigned n = 0;

    put_head(to, j, r);
    put_table(to, j, instruction);
    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        if (pg_is_named(&j->isa->encodings[i], instruction))
            n = put_code(to, j, i, r, n);
        else
            n += pg_rows(j, i, r, rows);
    if (instruction)
        return;
    put_theorems(to, j, r);
    put_techniques(to, j, r);
    put_claims(to, j);
}

bool pg_report_witness(FILE *to, const struct pg_judgement *j,
                       enum pg_reading r, unsigned n)
{
    struct pg_row rows[PG_ROWS];

    for (unsigned i = 0; n && i < j->isa->encoding_count; i++) {
        unsigned count = pg_rows(j, i, r, rows);

        if (n <= count) {
            fprintf(to, "%s: %s.\n", j->isa->encodings[i].name,
                    class_of(&j->best.labels[i], r));
            put_row(to, j, &rows[n - 1], n);
            return true;
        }
        n -= count;
    }
    return false;
}
