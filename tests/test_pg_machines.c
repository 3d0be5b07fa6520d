/* Every built-in machine: what its description must have, and that what is
 * derived agrees with the literature or says why not. */
#include "popek-goldberg/judge/decide.h"
#include "popek-goldberg/judge/mistakes.h"
#include "popek-goldberg/language/machines.h"
#include "popek-goldberg/report/sets.h"

#include <check.h>
#include <string.h>

static const struct pg_machine *machine(int i)
{
    return &pg_built_in[i];
}

static int count_machines(void)
{
    int n = 0;

    while (pg_built_in[n].name)
        n++;
    return n;
}

static struct isa *parse(const struct pg_machine *m)
{
    struct isa *isa;
    struct diag d = {""};

    ck_assert_msg(isa_parse(m->name, m->text, strlen(m->text), &isa, &d) ==
                      STATUS_OK,
                  "%s", d.text);
    return isa;
}

/* These two show the language; no such machine was ever built. */
static bool is_ours(const char *name)
{
    return !strcmp(name, "toy") || !strcmp(name, "tutorial");
}

START_TEST(test_says_what_it_is)
{
    struct isa *isa = parse(machine(_i));

    ck_assert_str_eq(isa->name, machine(_i)->name);
    ck_assert_msg(*isa->title, "%s has no title", isa->name);
    if (!is_ours(isa->name)) {
        ck_assert_msg(isa->leaves_out_count, "%s leaves nothing out?",
                      isa->name);
        ck_assert_msg(isa->claim_count, "%s: nothing is claimed", isa->name);
    }
    isa_free(isa);
}
END_TEST

static void look_at_claim(const struct pg_judgement *j,
                          const struct isa_claim *c)
{
    const char *subject = pg_claim_subject(j->isa, c);

    if (pg_claim_agrees(j, c))
        ck_assert_msg(!c->differs, "%s:%u: %s does not differ", j->isa->name,
                      c->line, subject);
    else
        ck_assert_msg(c->differs != NULL,
                      "%s:%u: %s: derived otherwise, without a reason",
                      j->isa->name, c->line, subject);
}

static bool in_list(const struct isa_list *l, const char *mnemonic)
{
    for (unsigned i = 0; i < l->count; i++)
        if (!strcmp(l->names[i], mnemonic))
            return true;
    for (unsigned i = 0; i < l->beyond_count; i++)
        if (!strcmp(l->beyond[i].name, mnemonic))
            return true;
    return false;
}

/* What is derived critical is in the list, by its name or its mnemonic's, or
 * has a reason why it is not; a reason is for what is derived critical. */
static void look_at_list(const struct pg_judgement *j, const struct isa_list *l)
{
    const struct isa *isa = j->isa;

    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (pg_critical(&j->best.labels[i], PG_CORRECTED))
            ck_assert_msg(in_list(l, isa->encodings[i].mnemonic) ||
                              in_list(l, isa->encodings[i].name),
                          "%s:%u: %s is critical, and neither listed nor "
                          "beyond",
                          isa->name, l->line, isa->encodings[i].mnemonic);
    for (unsigned i = 0; i < l->beyond_count; i++)
        ck_assert_msg(
            !strcmp(pg_listed_words(j, l->beyond[i].name), "critical"),
            "%s:%u: %s is beyond the list, and not critical", isa->name,
            l->line, l->beyond[i].name);
    for (unsigned i = 0; i < l->count; i++)
        ck_assert_msg(isa_find_mnemonic(isa, l->names[i]) >= 0 ||
                          isa_find_encoding(isa, l->names[i]) >= 0,
                      "%s:%u: there is no %s", isa->name, l->line, l->names[i]);
}

/* Theorem 1 is sufficient: where its premise holds in every setting, nothing
 * may break. */
static void look_at_theorems(const struct pg_judgement *j)
{
    const struct pg_case *w = &j->worst;

    if (w->holds[PG_CORRECTED][PG_T1]) {
        ck_assert_msg(w->vm, "%s: Theorem 1 holds, and a monitor fails",
                      j->isa->name);
        ck_assert(w->holds[PG_CORRECTED][PG_T3]);
    }
    if (w->vm)
        ck_assert(w->hybrid);
}

/* toy is made of mistakes, for the sake of the definitions; test_pg_mistakes
 * has them. */
static void look_at_mistakes(const struct pg_judgement *j)
{
    struct pg_mistakes m;
    struct pg_mistake_words w = {.name = ""};

    ck_assert_int_eq(pg_find_mistakes(j, &m), STATUS_OK);
    if (m.count)
        pg_mistake_words(j->isa, &m.rows[0], &w);
    ck_assert_msg(!m.count || !strcmp(j->isa->name, "toy"),
                  "%s: wrongly accused in line %u: %s: %s", j->isa->name,
                  m.count ? m.rows[0].line : 0, w.name, w.what);
    pg_mistakes_free(&m);
}

START_TEST(test_agrees_or_says_why_not)
{
    struct isa *isa = parse(machine(_i));
    struct pg_judgement j;
    struct diag d = {""};

    ck_assert_msg(pg_judge(isa, &j, &d) == STATUS_OK, "%s", d.text);
    for (unsigned i = 0; i < isa->claim_count; i++)
        look_at_claim(&j, &isa->claims[i]);
    for (unsigned i = 0; i < isa->list_count; i++)
        look_at_list(&j, &isa->lists[i]);
    look_at_theorems(&j);
    look_at_mistakes(&j);
    pg_judgement_free(&j);
    isa_free(isa);
}
END_TEST

Suite *suite_pg_machines(void)
{
    Suite *s = suite_create("pg_machines");
    TCase *t = tcase_create("machines");
    int n = count_machines();

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_says_what_it_is, 0, n);
    tcase_add_loop_test(t, test_agrees_or_says_why_not, 0, n);
    suite_add_tcase(s, t);
    return s;
}
