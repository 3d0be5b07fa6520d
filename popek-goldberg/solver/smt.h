/* A machine's meaning as SMT-LIB 2 (The SMT-LIB Standard, version 2.6, theory
 * FixedSizeBitVectors, logic QF_BV): the same tree that the evaluator walks,
 * gone through once without a state, so that the terms stand for all of them.
 *
 * Each term has a name: `t17` is declared, or defined from those before it. */
#ifndef POPEK_GOLDBERG_SOLVER_SMT_H
#define POPEK_GOLDBERG_SOLVER_SMT_H

#include "popek-goldberg/language/isa.h"

/* A script that grows.  After a failed allocation it stays as it is and
 * no_memory is set: look at it before the script is used. */
struct smt {
    char *text;
    size_t len, cap;
    unsigned terms;
    bool no_memory;
};

/* `width` bits; 0: Bool. */
struct smt_term {
    unsigned id, width;
};

#define SMT_FALSE ((struct smt_term){0, 0})
#define SMT_TRUE  ((struct smt_term){1, 0})

void smt_open(struct smt *s);
void smt_close(struct smt *s);

struct smt_term smt_declare(struct smt *s, unsigned width);
struct smt_term smt_literal(struct smt *s, unsigned width, uint64_t value);
void smt_assert(struct smt *s, struct smt_term a);

struct smt_term smt_not(struct smt *s, struct smt_term a);
struct smt_term smt_and(struct smt *s, struct smt_term a, struct smt_term b);
struct smt_term smt_or(struct smt *s, struct smt_term a, struct smt_term b);
struct smt_term smt_implies(struct smt *s, struct smt_term a,
                            struct smt_term b);

/* Both of one width; the result Bool. */
struct smt_term smt_equal(struct smt *s, struct smt_term a, struct smt_term b);
/* "bvult", "bvule", ... of two of one width; the result Bool. */
struct smt_term smt_compare(struct smt *s, const char *op, struct smt_term a,
                            struct smt_term b);
/* "bvadd", "bvand", ... of two of one width; the result as wide. */
struct smt_term smt_apply(struct smt *s, const char *op, struct smt_term a,
                          struct smt_term b);
/* "bvnot", "bvneg" */
struct smt_term smt_negate(struct smt *s, const char *op, struct smt_term a);
struct smt_term smt_cat(struct smt *s, struct smt_term a, struct smt_term b);
/* b and c of one width; condition Bool. */
struct smt_term smt_choose(struct smt *s, struct smt_term condition,
                           struct smt_term b, struct smt_term c);
/* Cut to, or extended with zeros to, the width. */
struct smt_term smt_fit(struct smt *s, struct smt_term a, unsigned width);
struct smt_term smt_is_set(struct smt *s, struct smt_term a); /* not zero? */
struct smt_term smt_bit(struct smt *s, struct smt_term a);    /* of a Bool */
struct smt_term smt_slice(struct smt *s, struct smt_term a, unsigned high,
                          unsigned low);

/* ---- States ---- */

/* cell[i] is the word that mem[i] of the program reaches, as in eval.h. */
struct smt_state {
    struct smt_term element[ISA_ELEMENTS];
    struct smt_term cell[ISA_CELLS];
    unsigned q; /* words of storage of the whole machine */
};

/* One machine at one scale, running one instruction with given operands. */
struct smt_world {
    struct smt *smt;
    const struct isa *isa;
    enum isa_scale scale;
    const struct isa_encoding *code;
    struct smt_term operand[ISA_OPERANDS];
};

/* What an instruction does: exactly one of trap[], unpredictable and done is
 * true.  `after` is the old state unless done.  Where free is true the place
 * got an unpredictable value and `after` says nothing about it. */
struct smt_result {
    struct smt_term trap[ISA_TRAPS];
    struct smt_term unpredictable, done;
    struct smt_state after;
    struct smt_term free[ISA_ELEMENTS], free_cell[ISA_CELLS];
};

/* Declare all elements and cells of a state of q words, and nothing about
 * them.  Expressions are right where bound <= the cells. */
void smt_declare_state(const struct smt_world *w, unsigned q,
                       struct smt_state *state);
void smt_declare_operands(struct smt_world *w);

/* Value of an expression; `fault`: whether finding it takes a memory trap. */
struct smt_term smt_expression(const struct smt_world *w,
                               const struct smt_state *state,
                               const struct isa_expr *e,
                               struct smt_term *fault);

void smt_run(const struct smt_world *w, const struct smt_state *state,
             struct smt_result *r);

/* Would the word at this address be out of bounds?  (Of address width.) */
struct smt_term smt_outside(const struct smt_world *w,
                            const struct smt_state *state,
                            struct smt_term address);

#endif
