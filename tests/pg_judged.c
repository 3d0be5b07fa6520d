#include "tests/pg_judged.h"

#include "tests/pg_isa.h"

#include <check.h>
#include <string.h>

void pg_judged_judge(struct pg_judged *m)
{
    struct diag d = {""};

    ck_assert_msg(pg_judge(m->isa, &m->j, &d) == STATUS_OK, "%s", d.text);
}

struct pg_judged pg_judged_named(const char *name)
{
    struct pg_judged m = {.isa = pg_machine_named(name)};

    pg_judged_judge(&m);
    return m;
}

struct pg_judged pg_judged_text(const char *name, const char *text)
{
    struct pg_judged m;
    struct diag d = {""};

    ck_assert_msg(isa_parse(name, text, strlen(text), &m.isa, &d) == STATUS_OK,
                  "%s", d.text);
    pg_judged_judge(&m);
    return m;
}

void pg_judged_free(struct pg_judged *m)
{
    pg_judgement_free(&m->j);
    isa_free(m->isa);
}

unsigned pg_judged_find(const struct pg_judged *m, const char *name)
{
    int i = isa_find_encoding(m->isa, name);

    ck_assert_msg(i >= 0, "%s has no %s", m->isa->name, name);
    return (unsigned)i;
}

const struct pg_labels *pg_judged_labels(const struct pg_judged *m,
                                         const char *name)
{
    return &m->j.best.labels[pg_judged_find(m, name)];
}

void pg_judged_kinds(const struct pg_judged *m, unsigned encoding,
                     char letters[PG_JUDGED_KINDS + 1])
{
    const struct pg_labels *l = &m->j.best.labels[encoding];
    const struct pg_exact *x = &m->j.best.exact[encoding];
    const struct {
        char letter;
        bool found;
    } kinds[PG_JUDGED_KINDS] = {
        {'P', l->privileged[PG_CORRECTED]},
        {'C', l->control[PG_CORRECTED][ISA_SUPERVISOR].found},
        {'L', l->location[ISA_SUPERVISOR].found},
        {'K', l->leak[ISA_SUPERVISOR].found},
        {'c', l->control[PG_CORRECTED][ISA_USER].found},
        {'l', l->location[ISA_USER].found},
        {'k', l->leak[ISA_USER].found},
        {'M', l->mode.found},
        {'A', l->alone.found},
        {'N', l->less.found},
        {'X', x->vm.found},
        {'H', x->hybrid.found},
    };

    for (size_t k = 0; k < PG_JUDGED_KINDS; k++)
        if (kinds[k].found)
            *letters++ = kinds[k].letter;
    *letters = '\0';
}
