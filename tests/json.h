/* A strict little JSON reader (RFC 8259) for what the command prints. */
#ifndef TESTS_JSON_H
#define TESTS_JSON_H

#include "base/types.h"

/* Is text exactly one JSON value, with nothing but white space around it? */
bool json_valid(const char *text);

/* Are all lines of text JSON objects?  The number of them, or -1. */
int json_lines(const char *text);

/* The number at "key": anywhere in the text, or -1 if there is none. */
long long json_number(const char *text, const char *key);

#endif
