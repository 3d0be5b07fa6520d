/* What was found of an instruction, as rows: each label with its definition and
 * its witness, in the order in which reports number them. */
#ifndef POPEK_GOLDBERG_JUDGE_ROWS_H
#define POPEK_GOLDBERG_JUDGE_ROWS_H

#include "popek-goldberg/judge/decide.h"

enum { PG_ROWS = 13 }; /* labels of one instruction, at most */

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

/* Witnesses are numbered from 1, through all encodings in their order. */
unsigned pg_row_count(const struct pg_judgement *j, enum pg_reading r);

/* Witness n; false: there is none. */
bool pg_find_row(const struct pg_judgement *j, enum pg_reading r, unsigned n,
                 struct pg_row *out);

/* Name of the instruction given by --instruction, encoding or mnemonic? */
bool pg_is_named(const struct isa_encoding *code, const char *instruction);

#endif
