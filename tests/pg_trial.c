#include "tests/pg_trial.h"

#include "tests/pg_isa.h"

#include <check.h>
#include <string.h>

struct pg_trial trial;

void trial_judge(struct isa *machine)
{
    struct diag d = {""};

    trial.isa = machine;
    ck_assert_msg(pg_judge(trial.isa, &trial.j, &d) == STATUS_OK, "%s", d.text);
}

void trial_forget(void)
{
    pg_judgement_free(&trial.j);
    isa_free(trial.isa);
    trial.isa = NULL;
}

void trial_use(const char *name)
{
    trial_judge(pg_machine_named(name));
}

void trial_describe(const char *text)
{
    struct isa *made = NULL;
    struct diag d = {""};

    ck_assert_msg(isa_parse("test", text, strlen(text), &made, &d) == STATUS_OK,
                  "%s", d.text);
    trial_judge(made);
}

struct construct_options trial_one(enum construct_technique technique)
{
    return (struct construct_options){
        .technique = technique, .levels = 1, .programs = 1, .steps = 24};
}

void trial_run(const struct construct_options *o)
{
    struct diag d = {""};

    ck_assert_msg(construct_run(&trial.j, o, &trial.r, &d) == STATUS_OK, "%s",
                  d.text);
}

bool trial_diverges(const struct construct_options *base, unsigned encoding,
                    unsigned tries)
{
    struct construct_options o = *base;

    o.programs = 1;
    for (unsigned i = 0; i < tries; i++) {
        o.seed = (uint64_t)i * trial.isa->encoding_count + encoding;
        trial_run(&o);
        if (trial.r.diverged)
            return true;
    }
    return false;
}

unsigned trial_encoding(const char *name)
{
    int i = isa_find_encoding(trial.isa, name);

    ck_assert_msg(i >= 0, "%s", name);
    return (unsigned)i;
}
