/* A judgement in words, as a good exam answer, and as JSON. */
#ifndef POPEK_GOLDBERG_REPORT_H
#define POPEK_GOLDBERG_REPORT_H

#include "popek-goldberg/decide.h"

#include <stdio.h>

enum { PG_ROWS = 12 }; /* labels of one instruction, at most */

/* How the witness of a label is to be read. */
enum pg_proof {
    PG_ALONE,  /* one state and its outcome */
    PG_PAIR,   /* two states of one machine */
    PG_LESS,   /* the same in both modes */
    PG_MAPPED, /* S and f(S) */
};

/* A label that was found, with its proof. */
struct pg_row {
    enum pg_proof proof;
    const char *label, *definition;
    unsigned encoding;
    const struct pg_witness *witness;
};

/* The labels of an instruction in this reading, at most PG_ROWS. */
unsigned pg_rows(const struct pg_judgement *j, unsigned encoding,
                 enum pg_reading r, struct pg_row *rows);

/* All of it, or one encoding or mnemonic only (NULL: all). */
void pg_report(FILE *to, const struct pg_judgement *j, enum pg_reading r,
               const char *instruction);

/* One JSON object and a newline. */
void pg_report_json(FILE *to, const struct pg_judgement *j, enum pg_reading r,
                    const char *instruction);

/* Witness n of the report, counted from 1, in full; false: there is none. */
bool pg_report_witness(FILE *to, const struct pg_judgement *j,
                       enum pg_reading r, unsigned n);

/* Name of the instruction given by --instruction, encoding or mnemonic? */
bool pg_is_named(const struct isa_encoding *code, const char *instruction);

/* The parts that plain text and JSON share (words.c). */
void pg_put_state(FILE *to, const struct isa *isa, unsigned encoding,
                  const struct isa_state *s);
void pg_put_outcome(FILE *to, const struct isa *isa, unsigned encoding,
                    const struct isa_result *r);
void pg_put_difference(FILE *to, const struct pg_judgement *j,
                       const struct pg_row *row);
void pg_put_operands(FILE *to, const struct isa *isa, unsigned encoding,
                     const struct pg_witness *w);

#endif
