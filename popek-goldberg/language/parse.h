/* What the parts of the parser share: parse.c declarations, parse_like.c
 * machines like others, parse_about.c what is said of them, parse_code.c
 * instructions, expr.c expressions. */
#ifndef POPEK_GOLDBERG_LANGUAGE_PARSE_H
#define POPEK_GOLDBERG_LANGUAGE_PARSE_H

#include "popek-goldberg/language/isa.h"
#include "popek-goldberg/language/lex.h"

enum { PARSE_CONSTANTS = 128 };

struct parse_constant {
    char name[ISA_NAME];
    uint64_t value[ISA_SCALES];
};

struct parse {
    struct lex lex;
    struct isa *isa;
    struct isa_encoding *code; /* the instruction that is being read */
    struct parse_constant constants[PARSE_CONSTANTS];
    unsigned constant_count, depth, bases; /* how many `like` one another */
    unsigned inherited_traps;
    bool no_memory;
};

/* Zeroed, and freed with the machine; NULL after a complaint. */
void *parse_take(struct parse *p, size_t size);

/* Is the current token this word?  Then go on behind it. */
bool parse_accept(struct parse *p, const char *word);
bool parse_expect(struct parse *p, const char *word);

bool parse_enter(struct parse *p); /* one level deeper; parse_leave after it */
void parse_leave(struct parse *p);

/* NULL after a complaint. */
struct isa_expr *parse_expression(struct parse *p);
struct isa_expr *parse_node(struct parse *p, enum isa_op op, struct isa_expr *a,
                            struct isa_expr *b);

/* Give the literals of the value the width of its place. */
void parse_fit(struct parse *p, struct isa_expr *e,
               const unsigned width[ISA_SCALES]);

int parse_find_trap(const struct isa *isa, const struct lex_token *t);

/* The parts below complain when the current token is none of theirs. */
bool parse_fault(struct parse *p, const char *what); /* always false */
bool parse_word(struct parse *p, char into[ISA_NAME], const char *what);
bool parse_new(struct parse *p, char into[ISA_NAME]); /* not known yet */
char *parse_text(struct parse *p);
bool parse_width(struct parse *p, unsigned width[ISA_SCALES]);
bool parse_trap(struct parse *p, unsigned *trap); /* a declared one's name */
bool parse_instruction(struct parse *p);

/* A word, and more of them or numbers with '-' between: pdp10-ka10. */
bool parse_machine_name(struct parse *p, char into[ISA_NAME], const char *what);

/* { NAME ... }, commas or not, in the machine's memory; NULL after a complaint,
 * which an empty list is. */
char (*parse_names(struct parse *p, unsigned *count,
                   const char *what))[ISA_NAME];

/* Read the machine that this one is like, whose text this is. */
bool parse_base(struct parse *p, const char *name, const char *text);
bool parse_new_duplicates(struct parse *p); /* NAME, ... : WIDTH */

/* parse_like.c: what says how a machine is other than the one it is like. */
bool parse_like(struct parse *p);
bool parse_without(struct parse *p);
bool parse_duplicate(struct parse *p);
bool parse_intercept(struct parse *p);

/* parse_about.c: what is said of a machine, and derives nothing. */
bool parse_claim(struct parse *p);
bool parse_note(struct parse *p);
bool parse_leaves_out(struct parse *p);
bool parse_list(struct parse *p);
bool parse_needs(struct parse *p);
bool parse_repair(struct parse *p);

/* mode's companions get the width of an address. */
void parse_set_address_width(struct isa *isa);

#endif
