/* From text to lines, and from lines to statements. */
#ifndef S370_ASM_READER_H
#define S370_ASM_READER_H

#include "s370/asm/state.h"

/* Cut text into lines and put them behind `after` (NULL: at the beginning).
 * False: no memory, or more than LINES_MAX lines. */
MUST_USE bool reader_add(struct assembly *a, struct line *after,
                         const char *file, const char *text, size_t len,
                         unsigned depth);

/* The statement that begins at the cursor, its continuation lines joined and
 * its fields split; the cursor moves behind it.  NULL at the end of the text.
 * Room for it has been made. */
struct statement *reader_next(struct assembly *a);

/* A statement that conditional assembly or a macro made from fields. */
struct statement *reader_compose(struct assembly *a, const struct statement *of,
                                 const char *name, const char *op,
                                 const char *operand);

/* Its operation field, folded to upper case and cut to cap, of a line that
 * begins a statement: for looking ahead. */
void reader_peek_op(const struct line *l, char *op, size_t cap);

/* Does this line begin with this name (upper case)? */
bool reader_has_name(const struct line *l, const char *name);

#endif
