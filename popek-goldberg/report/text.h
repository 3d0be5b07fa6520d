/* Text of a description, which may hold any bytes, as characters. */
#ifndef POPEK_GOLDBERG_REPORT_TEXT_H
#define POPEK_GOLDBERG_REPORT_TEXT_H

#include "base/types.h"

#include <stdio.h>

/* The character at *at, which moves on past it; 0 at the end, and stays there.
 * What is not UTF-8 (RFC 3629) is U+FFFD, a byte at a time. */
uint32_t pg_take_character(const char **at);

/* In UTF-8. */
void pg_put_character(FILE *to, uint32_t c);

/* A JSON string with its quotes, in ASCII. */
void pg_put_json_string(FILE *to, const char *text);

/* Words, with no markup in them, as HTML or SVG; control characters are
 * blanks. */
void pg_put_html(FILE *to, const char *text);

/* How many characters the text has. */
unsigned pg_text_length(const char *text);

/* Writes words in lines of at most 79 columns. */
struct pg_lines {
    FILE *to;
    unsigned indent; /* of the next line that is begun */
    unsigned column; /* where the line ends so far; 0: none is begun */
    bool spaced;     /* a blank before the next word, however short the line:
                      * else only behind the indent */
};

/* Begin a line with this text, as it is; the next word follows at once. */
void pg_begin_line(struct pg_lines *l, const char *text);

/* All words of the text; a word that is too long has a line of its own. */
void pg_put_words(struct pg_lines *l, const char *text);

/* Printed first: PRINTF into one text of at most 1023 characters. */
void pg_put_words_of(struct pg_lines *l, const char *fmt, ...) PRINTF(2, 3);

/* The same, with a full stop unless it has one. */
void pg_put_sentence(struct pg_lines *l, const char *text);

/* A mark that belongs to the word before it. */
void pg_put_mark(struct pg_lines *l, char mark);

/* End the line, if there is one. */
void pg_end_line(struct pg_lines *l);

#endif
