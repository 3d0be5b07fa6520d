/* What the generated monitor is and did, in words. */
#ifndef POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_REPORT_H
#define POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_REPORT_H

#include "popek-goldberg/construct/construct.h"

#include <stdio.h>

/* Before it runs: D, A and the v_i. */
void construct_report_plan(FILE *to, const struct pg_judgement *j,
                           const struct construct_options *o);

/* After: what each instruction cost, and the verdict. */
void construct_report(FILE *to, const struct pg_judgement *j,
                      const struct construct_options *o,
                      const struct construct_result *r);

/* Its verdict alone. */
void construct_report_verdict(FILE *to, const struct pg_judgement *j,
                              const struct construct_options *o,
                              const struct construct_result *r);

/* A table with a row for each machine. */
void construct_report_head(FILE *to);
void construct_report_row(FILE *to, const struct pg_judgement *j,
                          const struct construct_options *o,
                          const struct construct_result *r);

/* One divergence, with all that is needed to follow it (construct_words.c). */
void construct_report_divergence(FILE *to, const struct pg_judgement *j,
                                 const struct construct_divergence *d);

#endif
