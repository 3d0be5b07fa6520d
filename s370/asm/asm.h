/* The assembler: System/370 assembler language to object code.
 *
 * One call assembles one source text and leaves everything that can be asked
 * of it: messages, listing, and the object program in several forms.  Nothing
 * is printed and nothing ends the process; a wrong source is a result with
 * messages, not a failure.  The language is that of GC33-4010 (OS/VS - DOS/VS
 * - VM/370 Assembler Language) as far as s370/asm/README.md says. */
#ifndef S370_ASM_ASM_H
#define S370_ASM_ASM_H

#include "base/diag.h"

/* Bytes that grow; owned by whoever declared it, freed with buffer_free.
 * When the host has no memory, `failed` stays set and the content is void. */
struct s370_buffer {
    uint8_t *bytes;
    size_t len, cap;
    bool failed;
};

void s370_buffer_put(struct s370_buffer *b, const void *bytes, size_t n);
void s370_buffer_say(struct s370_buffer *b, const char *fmt, ...) PRINTF(2, 3);
void s370_buffer_free(struct s370_buffer *b);

/* How the columns of a source line are taken. */
enum s370_asm_columns {
    S370_ASM_AUTO,  /* free when a line is longer than 80 columns, else fixed */
    S370_ASM_FIXED, /* 72 continues, 16 is where, 73-80 is the sequence field */
    S370_ASM_FREE   /* the whole line is text; nothing continues */
};

/* Read a COPY member: append its text to `into` and leave a name for it in
 * messages (copied).  False: there is no such member. */
typedef bool (*s370_asm_copy_fn)(void *context, const char *member,
                                 struct s370_buffer *into, char *file,
                                 size_t file_cap);

struct s370_asm_options {
    enum s370_asm_columns columns;
    const char *sysparm;   /* &SYSPARM; NULL is empty */
    s370_asm_copy_fn copy; /* NULL: COPY finds nothing */
    void *copy_context;
};

/* One complaint.  Strings live as long as the assembly. */
struct s370_asm_message {
    struct s370_asm_message *next;
    unsigned statement; /* its number in the listing */
    const char *file;
    unsigned line, column; /* from 1; column 0: the whole line */
    bool warning;          /* does not make the object program void */
    const char *text;
};

struct assembly;

/* Assemble text[0..len), called `file` in messages; text and file are not
 * kept.  *out is made whenever there is memory for it, also when the source is
 * full of errors: look at s370_asm_errors.  Otherwise *out is NULL:
 * STATUS_BAD_INPUT, the source asks for more than any sane one (half a
 * gigabyte of statements, a million lines); STATUS_NO_MEMORY. */
MUST_USE enum status s370_assemble(const char *file, const char *text,
                                   size_t len,
                                   const struct s370_asm_options *options,
                                   struct assembly **out);
void s370_asm_free(struct assembly *a);

/* Errors (not warnings) in the source; 0 means the object program is good. */
unsigned s370_asm_errors(const struct assembly *a);
const struct s370_asm_message *s370_asm_messages(const struct assembly *a);

/* The listing as IBM's assemblers print it; xref adds the cross-reference. */
void s370_asm_listing(const struct assembly *a, bool xref,
                      struct s370_buffer *out);

/* The object program.  All demand an assembly without errors. */

/* The flat image of all control sections from the lowest address to the
 * highest; *origin is that lowest address.  STATUS_BAD_INPUT: no code, or an
 * external symbol that nobody resolves (d names it). */
MUST_USE enum status s370_asm_core(const struct assembly *a,
                                   struct s370_buffer *out, uint32_t *origin,
                                   struct diag *d);

/* An AWS tape that IPLs and loads the image at its origin.  An image that
 * begins at 0 brings its own PSW; otherwise the PSW is made: BC mode, disabled,
 * supervisor state, entry at END's operand or the origin. */
MUST_USE enum status s370_asm_ipl_tape(const struct assembly *a,
                                       struct s370_buffer *out, struct diag *d);

/* The same as a deck of 80-byte cards for a card reader. */
MUST_USE enum status s370_asm_ipl_cards(const struct assembly *a,
                                        struct s370_buffer *out,
                                        struct diag *d);

/* An object deck: 80-byte EBCDIC cards ESD, TXT, RLD, END. */
MUST_USE enum status s370_asm_deck(const struct assembly *a,
                                   struct s370_buffer *out, struct diag *d);

#endif
