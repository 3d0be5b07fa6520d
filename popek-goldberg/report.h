/* A judgement in words, as a good exam answer, and as JSON. */
#ifndef POPEK_GOLDBERG_REPORT_H
#define POPEK_GOLDBERG_REPORT_H

#include "popek-goldberg/decide.h"

#include <stdio.h>

enum { PG_ROWS = 13 }; /* labels of one instruction, at most */

/* How the witness of a label is to be read. */
enum pg_proof {
    PG_ALONE,  /* one state and its outcome */
    PG_PAIR,   /* two states of one machine */
    PG_LESS,   /* the same in both modes */
    PG_MAPPED, /* S and f(S) */
};

struct pg_certificates;

/* A label that was found, with its proof. */
struct pg_row {
    enum pg_proof proof;
    const char *label, *definition;
    unsigned encoding;
    const struct pg_witness *witness;
};

/* What a class of instructions is: privileged, sensitive, user sensitive,
 * critical, innocuous. */
struct pg_definition {
    const char *name, *text;
};

enum { PG_CLASSES = 5 };

/* PG_CLASSES of them, as this reading has them. */
const struct pg_definition *pg_class_definitions(enum pg_reading r);

/* The labels of an instruction in this reading, at most PG_ROWS. */
unsigned pg_rows(const struct pg_judgement *j, unsigned encoding,
                 enum pg_reading r, struct pg_row *rows);

/* All of it, or one encoding or mnemonic only (NULL: all). */
void pg_report(FILE *to, const struct pg_judgement *j, enum pg_reading r,
               const char *instruction);

/* One JSON object and a newline; with a solver's certificates, or NULL. */
void pg_report_json(FILE *to, const struct pg_judgement *j, enum pg_reading r,
                    const char *instruction,
                    const struct pg_certificates *certificates);

/* Witnesses are numbered from 1, through all encodings in their order. */
unsigned pg_row_count(const struct pg_judgement *j, enum pg_reading r);

/* Witness n; false: there is none. */
bool pg_find_row(const struct pg_judgement *j, enum pg_reading r, unsigned n,
                 struct pg_row *out);

/* Witness n in full; false: there is none. */
bool pg_report_witness(FILE *to, const struct pg_judgement *j,
                       enum pg_reading r, unsigned n);

/* Name of the instruction given by --instruction, encoding or mnemonic? */
bool pg_is_named(const struct isa_encoding *code, const char *instruction);

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
