/* A judged machine, and monitors that are made of it. */
#ifndef TESTS_PG_TRIAL_H
#define TESTS_PG_TRIAL_H

#include "popek-goldberg/construct/construct.h"

/* One at a time; a fault of its description fails the test. */
struct pg_trial {
    struct isa *isa;
    struct pg_judgement j;
    struct construct_result r; /* of the last run */
};
extern struct pg_trial trial;

void trial_judge(struct isa *machine); /* which is the trial's from then on */
void trial_use(const char *name);
void trial_describe(const char *text);
void trial_forget(void);

/* One program of 24 instructions, one monitor. */
struct construct_options trial_one(enum construct_technique technique);

void trial_run(const struct construct_options *o);

/* Do programs that begin with this encoding diverge?  At most `tries` of them
 * are run. */
bool trial_diverges(const struct construct_options *base, unsigned encoding,
                    unsigned tries);

unsigned trial_encoding(const char *name);

#endif
