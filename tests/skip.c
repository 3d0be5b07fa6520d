#include "tests/skip.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static int skips = STDERR_FILENO;

void skip_to(int fd)
{
    skips = fd;
}

void skip_test(const char *fmt, ...)
{
    va_list ap;

    /* The tests are forked: the file's offset is shared between them. */
    va_start(ap, fmt);
    vdprintf(skips, fmt, ap);
    va_end(ap);
    dprintf(skips, "\n");
}
