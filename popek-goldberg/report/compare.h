/* Two judged machines beside one another: what is not the same, and why. */
#ifndef POPEK_GOLDBERG_REPORT_COMPARE_H
#define POPEK_GOLDBERG_REPORT_COMPARE_H

#include "popek-goldberg/report/report.h"

/* Encodings and mnemonics are the same when their names are. */
struct pg_comparison {
    const struct pg_judgement *j[2];
    enum pg_reading r;
    const char *names[2]; /* what they are called; NULL: as they say */
};

/* Is there any difference to be shown? */
bool pg_compare_differs(const struct pg_comparison *c);

void pg_compare(FILE *to, const struct pg_comparison *c);

/* One JSON object and a newline. */
void pg_compare_json(FILE *to, const struct pg_comparison *c);

#endif
