/* The words of a .isa text, one at a time. */
#ifndef POPEK_GOLDBERG_LANGUAGE_LEX_H
#define POPEK_GOLDBERG_LANGUAGE_LEX_H

#include "popek-goldberg/language/isa.h"

enum lex_kind { LEX_END, LEX_WORD, LEX_NUMBER, LEX_STRING, LEX_MARK };

struct lex_token {
    enum lex_kind kind;
    const char *text; /* into the source, without the quotes of a string */
    size_t len;
    uint64_t value; /* of a number */
    unsigned line, column;
};

struct lex {
    const char *file, *at, *end;
    unsigned line, column;
    struct lex_token token; /* the current one */
    struct diag *diag;      /* the first complaint stays */
    bool failed;
};

void lex_open(struct lex *l, const char *file, const char *text, size_t len,
              struct diag *d);

/* Go on to the next token; after a failure it is always LEX_END. */
void lex_next(struct lex *l);

bool lex_is(const struct lex *l, const char *word);

/* Complain about a place; the first complaint wins. */
void lex_fault_at(struct lex *l, unsigned line, unsigned column,
                  const char *fmt, ...) PRINTF(4, 5);

/* "expected WHAT, found TOKEN"; with the word of the list (ended by NULL; may
 * be NULL) that the token is probably meant to be. */
void lex_expected(struct lex *l, const char *what, const char *const *words);

/* The word of the list nearest to text, or NULL. */
const char *lex_nearest(const char *text, size_t len, const char *const *words);

#endif
