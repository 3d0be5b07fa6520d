/* Storage, characters and complaints: what every part of the assembler uses. */
#ifndef S370_ASM_TEXT_H
#define S370_ASM_TEXT_H

#include "s370/asm/state.h"

/* Make sure that one more statement of any size has room.  False, and
 * a->no_memory, when the host has none or the assembly grows beyond reason;
 * called once a statement, so that asm_new need not fail. */
MUST_USE bool asm_room(struct assembly *a);

/* Zeroed storage that lives as long as the assembly. */
void *asm_new(struct assembly *a, size_t size);
char *asm_copy(struct assembly *a, const char *text, size_t len);
char *asm_copy_upper(struct assembly *a, const char *text, size_t len);
void asm_free_all(struct assembly *a);

/* Complain about the statement; p points into its operand, name or op field
 * (or is NULL: about its operation). */
void asm_error(struct assembly *a, struct statement *st, const char *p,
               const char *fmt, ...) PRINTF(4, 5);
void asm_warn(struct assembly *a, struct statement *st, const char *p,
              const char *fmt, ...) PRINTF(4, 5);

/* Characters of names: letters, $ # @ _, and digits but not first. */
bool asm_is_letter(char c);
bool asm_is_digit(char c);
char asm_upper(char c);
size_t asm_name_len(const char *p);

/* A bucket below BUCKETS for a text, whatever its case. */
unsigned asm_hash(const char *text, size_t len);

/* Is the apostrophe at p the one of an attribute reference (L'X, T'&Y) that
 * begins at or after `from`, rather than the edge of a string? */
bool asm_is_attribute(const char *from, const char *p);

/* Past the string whose opening apostrophe is at p; at the terminator when it
 * is not closed. */
const char *asm_skip_string(const char *p);

/* To the end of an operand: the next comma or end outside parentheses and
 * strings.  `from` is where the field begins. */
const char *asm_operand_end(const char *from, const char *p);

#endif
