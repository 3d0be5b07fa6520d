/* A judgement in words, as a good exam answer, and as JSON. */
#ifndef POPEK_GOLDBERG_REPORT_REPORT_H
#define POPEK_GOLDBERG_REPORT_REPORT_H

#include "popek-goldberg/judge/rows.h"

#include <stdio.h>

struct pg_certificates;

/* All of it, or one encoding or mnemonic only (NULL: all). */
void pg_report(FILE *to, const struct pg_judgement *j, enum pg_reading r,
               const char *instruction);

/* One JSON object and a newline; with a solver's certificates, or NULL. */
void pg_report_json(FILE *to, const struct pg_judgement *j, enum pg_reading r,
                    const char *instruction,
                    const struct pg_certificates *certificates);

/* Witness n in full; false: there is none. */
bool pg_report_witness(FILE *to, const struct pg_judgement *j,
                       enum pg_reading r, unsigned n);

/* ---- The parts that the reports share (words.c) ---- */

/* Bit i: element i makes a difference to the encoding, or is always shown. */
uint64_t pg_shown_elements(const struct isa *isa, unsigned encoding);

/* Does it read a clock?  That is excused: "except timing". */
bool pg_reads_clock(const struct isa *isa, unsigned encoding);

/* Name and value of a component of a state, as in struct pg_witness. */
void pg_put_component(FILE *to, const struct isa *isa, unsigned component);
void pg_put_value(FILE *to, const struct isa *isa, const struct isa_state *s,
                  unsigned component);
void pg_put_state(FILE *to, const struct isa *isa, unsigned encoding,
                  const struct isa_state *s);
void pg_put_outcome(FILE *to, const struct isa *isa, unsigned encoding,
                    const struct isa_result *r);
void pg_put_difference(FILE *to, const struct pg_judgement *j,
                       const struct pg_row *row);
/* The last line of a witness, wrapped: "        because  ...". */
void pg_put_because(FILE *to, const struct pg_judgement *j,
                    const struct pg_row *row);
void pg_put_operands(FILE *to, const struct isa *isa, unsigned encoding,
                     const struct pg_witness *w);

#endif
