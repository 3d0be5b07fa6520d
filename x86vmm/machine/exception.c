#include "x86vmm/machine/exception.h"

static const struct {
    const char *name, *words;
    bool error;
} rows[32] = {
#define EXCEPTION(vector, name, error, words) [vector] = {#name, words, error},
#include "x86vmm/machine/exception.def"
#undef EXCEPTION
};

const char *x86_exception_name(unsigned vector)
{
    return vector < ARRAY_LEN(rows) ? rows[vector].name : NULL;
}

const char *x86_exception_words(unsigned vector)
{
    return vector < ARRAY_LEN(rows) ? rows[vector].words : NULL;
}

bool x86_exception_has_error(unsigned vector)
{
    return vector < ARRAY_LEN(rows) && rows[vector].error;
}
