/* Symbols, sections, and values made of them. */
#ifndef S370_ASM_SYMBOL_H
#define S370_ASM_SYMBOL_H

#include "s370/asm/state.h"

/* The symbol of this name (upper case), or NULL. */
struct symbol *symbol_find(const struct assembly *a, const char *name,
                           size_t len);
/* The same, made when missing (not defined yet). */
struct symbol *symbol_get(struct assembly *a, const char *name, size_t len);

/* Define the statement's name field, if it has one, and say so when it is
 * wrong or defined already.  Returns the symbol, or NULL. */
struct symbol *symbol_define(struct assembly *a, struct statement *st,
                             const struct value *v, uint32_t length, char type);

/* Note for the cross-reference that the statement uses the symbol. */
void symbol_refer(struct assembly *a, struct symbol *s,
                  const struct statement *st);

/* The section of this kind that the symbol names, made when it is new; NULL
 * (with an error) when the name is something else already. */
struct section *section_get(struct assembly *a, struct statement *st,
                            const char *name, enum section_kind kind);
/* The section of the location counter; private code when there is none. */
struct section *section_current(struct assembly *a);
/* Give all control sections their ESDIDs and their addresses, one behind the
 * other.  False when storage is too small for them. */
MUST_USE bool section_place_all(struct assembly *a);

struct value value_number(int64_t n);
struct value value_at(const struct section *s, uint32_t loc);
/* *v += sign * w; false when it has too many terms or overflows 32 bits. */
MUST_USE bool value_add(struct value *v, const struct value *w, int sign);
bool value_is_absolute(const struct value *v);
/* Relocatable by one section, once: the usual address. */
bool value_is_simple(const struct value *v);
bool value_same_terms(const struct value *v, const struct value *w);
/* The number with the sections where they are placed. */
int64_t value_total(const struct value *v);

#endif
