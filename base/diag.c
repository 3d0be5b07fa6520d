#include "base/diag.h"

#include "base/format.h"

enum status diag_set(struct diag *d, enum status st, const char *fmt, ...)
{
    va_list ap;

    if (!d)
        return st;
    va_start(ap, fmt);
    format_va(d->text, sizeof(d->text), fmt, ap);
    va_end(ap);
    return st;
}
