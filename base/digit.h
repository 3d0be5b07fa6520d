/* Digits of a number in text, in any base up to 16. */
#ifndef BASE_DIGIT_H
#define BASE_DIGIT_H

/* Its value, 0 to 15, a letter in either case; DIGIT_NONE, which is no digit
 * in any base. */
enum { DIGIT_NONE = 99 };

static inline unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A' + 10);
    return DIGIT_NONE;
}

#endif
