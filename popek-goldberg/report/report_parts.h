/* The chapters of the plain report, between its files. */
#ifndef POPEK_GOLDBERG_REPORT_REPORT_PARTS_H
#define POPEK_GOLDBERG_REPORT_REPORT_PARTS_H

#include "popek-goldberg/report/report.h"

/* One encoding in full: its class, and every label with its witness; the first
 * of them has this number.  (report_code.c) */
void pg_put_code(FILE *to, const struct pg_judgement *j, unsigned encoding,
                 enum pg_reading r, unsigned first);

/* The same, with the witnesses that its verdict rests on; of the others the
 * numbers only. */
void pg_put_code_briefly(FILE *to, const struct pg_judgement *j,
                         unsigned encoding, enum pg_reading r, unsigned first);

/* Is there anything to say of it beyond its line in the table? */
bool pg_is_remarkable(const struct pg_judgement *j, unsigned encoding,
                      enum pg_reading r);

/* What the labels mean that this machine's instructions have. */
void pg_put_definitions(FILE *to, const struct pg_judgement *j,
                        enum pg_reading r);

/* Claims and lists of the literature, notes, what is left out.
 * (report_about.c) */
void pg_put_about(FILE *to, const struct pg_judgement *j);

/* The notes on one encoding, and what it stands for. */
void pg_put_code_notes(FILE *to, const struct isa *isa, unsigned encoding);

#endif
