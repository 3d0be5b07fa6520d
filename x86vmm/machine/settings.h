/* Text of lines `NAME = VALUE`, as people and monitors write control blocks
 * down: `#` begins a comment, blank lines do not count. */
#ifndef X86VMM_MACHINE_SETTINGS_H
#define X86VMM_MACHINE_SETTINGS_H

#include "base/diag.h"
#include "x86vmm/machine/sample.h"

/* A piece of text that somebody else owns. */
struct span {
    const char *p;
    size_t n;
};

/* Where one is read. */
struct settings {
    const char *name; /* of the file, for complaints */
    unsigned line;
    struct diag *diag;
};

/* What is done with a setting; neither has blanks around it. */
typedef enum status (*setting_fn)(void *who, struct settings *s,
                                  struct span name, struct span value);

/* Each line of the text to take(); until one fails. */
MUST_USE enum status settings_read(struct settings *s, struct span text,
                                   setting_fn take, void *who);

/* The next line of *rest, without its end; false: there is none. */
bool span_next_line(struct span *rest, struct span *line);
struct span span_trim(struct span t);
/* Is it this word, in any case? */
bool span_is(struct span t, const char *word);

/* A number of at most `bits`, as C writes it, decimal or hexadecimal; one of
 * two words; the name of a sample.
 * STATUS_BAD_INPUT: it is none, which has been complained of. */
MUST_USE enum status settings_number(const struct settings *s, struct span t,
                                     unsigned bits, uint64_t *value);
MUST_USE enum status settings_either(const struct settings *s, struct span t,
                                     const char *yes, const char *no, bool *is);
MUST_USE enum status settings_sample(const struct settings *s, struct span t,
                                     enum x86_sample *sample);
const char *x86_sample_name(enum x86_sample sample);

/* STATUS_BAD_INPUT: "file:line: what: 'the text'". */
enum status settings_complain(const struct settings *s, const char *what,
                              struct span t);

#endif
