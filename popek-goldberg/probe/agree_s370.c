#include "popek-goldberg/probe/agree_s370.h"

#include <string.h>

/* ---- The derivation ---- */

static bool covers(const struct isa_encoding *code, const char *name)
{
    for (unsigned i = 0; i < code->cover_count; i++)
        if (!strcmp(code->covers[i], name))
            return true;
    return !strcmp(code->mnemonic, name);
}

static bool may_refuse(const struct isa *isa, const struct isa_encoding *code)
{
    for (unsigned i = 0; i < code->action_count; i++)
        if (code->actions[i].kind == ISA_TRAP &&
            isa->traps[code->actions[i].trap].kind == ISA_TRAP_PRIVILEGED)
            return true;
    return false;
}

static uint8_t sensitivity_of(const struct pg_labels *l)
{
    const struct pg_witness *control = l->control[PG_CORRECTED];
    uint8_t s = SENS_INNOCUOUS;

    if (control[ISA_SUPERVISOR].found || control[ISA_USER].found)
        s |= SENS_CTL;
    if (l->location[ISA_SUPERVISOR].found || l->location[ISA_USER].found)
        s |= SENS_LOC;
    if (l->mode.found || l->alone.found || l->leak[ISA_SUPERVISOR].found ||
        l->leak[ISA_USER].found)
        s |= SENS_MODE;
    return s;
}

struct pg_s370_column pg_s370_derived(const struct pg_judgement *j,
                                      const char *name)
{
    struct pg_s370_column c = {.there = false};

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const struct isa_encoding *code = &j->isa->encodings[i];
        const struct pg_labels *l = &j->best.labels[i];
        uint8_t privilege = l->privileged[PG_CORRECTED] ? PRIV_P
                            : may_refuse(j->isa, code)  ? PRIV_Q
                                                        : PRIV_U;

        if (!covers(code, name))
            continue;
        if (c.there && c.privilege != privilege)
            privilege = PRIV_Q; /* some of its encodings only */
        c.there = true;
        c.privilege = privilege;
        c.sensitivity |= sensitivity_of(l);
        c.critical = c.critical || pg_critical(l, PG_CORRECTED);
    }
    return c;
}

/* ---- Judging ---- */

static const struct footnote {
    uint16_t op;
    struct pg_s370_column columns[PG_SOURCES];
    const char *words;
} footnotes[] = {
#define FOOTNOTE(name, p, declared, q, derived, r, observed, words) \
    {S370_OP_##name,                                                \
     {{true, false, PRIV_##p, declared},                            \
      {true, false, PRIV_##q, derived},                             \
      {true, false, PRIV_##r, observed}},                           \
     words},
#include "popek-goldberg/probe/s370_footnotes.def"
#undef FOOTNOTE
};

static bool same(const struct pg_s370_column *a, const struct pg_s370_column *b)
{
    return a->there == b->there && a->critical == b->critical &&
           a->privilege == b->privilege && a->sensitivity == b->sensitivity;
}

static bool states(const struct footnote *f, const struct pg_s370_verdict *v)
{
    for (unsigned i = 0; i < PG_SOURCES; i++)
        if (!same(&f->columns[i], &v->columns[i]))
            return false;
    return true;
}

struct pg_s370_verdict pg_s370_judge(const struct pg_s370_answers *a,
                                     enum s370_op op)
{
    const struct insn_desc *d = &a->declared->rows[op];
    const struct pg_probe_row *o = &a->observed[op];
    struct pg_s370_verdict v = {
        .columns = {{true, false, d->privilege, d->sensitivity},
                    pg_s370_derived(a->derived, d->name),
                    {true, false, o->privilege, o->sensitivity}},
    };
    const struct pg_s370_column *seen = &v.columns[PG_OBSERVED];

    v.agrees = same(&v.columns[PG_DECLARED], seen) &&
               same(&v.columns[PG_DERIVED], seen) && o->completed &&
               !o->silent && (!seen->sensitivity || seen->privilege == PRIV_P);
    for (size_t i = 0; i < ARRAY_LEN(footnotes); i++)
        if (footnotes[i].op == op && states(&footnotes[i], &v) && !o->silent)
            v.explained = footnotes[i].words;
    return v;
}

/* ---- What only the description has ---- */

static bool in_table(const struct insn_table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->rows[i].name, name))
            return true;
    return false;
}

struct names {
    const struct insn_table *declared;
    const char **at;
    unsigned count, room;
};

static void add(struct names *n, const char *name)
{
    if (in_table(n->declared, name))
        return;
    for (unsigned i = 0; i < n->count && i < n->room; i++)
        if (!strcmp(n->at[i], name))
            return;
    if (n->count < n->room)
        n->at[n->count] = name;
    n->count++;
}

unsigned pg_s370_beyond(const struct pg_s370_answers *a, const char **names,
                        unsigned room)
{
    struct names n = {a->declared, names, 0, room};

    for (unsigned i = 0; i < a->derived->isa->encoding_count; i++) {
        const struct isa_encoding *code = &a->derived->isa->encodings[i];

        add(&n, code->mnemonic);
        for (unsigned k = 0; k < code->cover_count; k++)
            add(&n, code->covers[k]);
    }
    return n.count;
}
