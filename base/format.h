/* printf's small half, for layers that have no C library under them. */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include "base/types.h"

#include <stdarg.h>

/* Format into out[0..cap), always terminated when cap > 0; text that does not
 * fit is cut.  Returns the length written, without the terminator (unlike
 * snprintf, never more than cap - 1).
 *
 * Conversions: %c %s %d %i %u %x %X %p %%, with the flags '0' and '-', a width
 * and (for %s) a precision, either as '*', and the lengths l, ll, z.  Nothing
 * else; an unknown conversion is copied as it stands. */
size_t format(char *out, size_t cap, const char *fmt, ...) PRINTF(3, 4);
size_t format_va(char *out, size_t cap, const char *fmt, va_list ap);

#endif
