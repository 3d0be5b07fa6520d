#include "x86vmm/machine/exception.h"

#include "base/format.h"

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

void x86_event_words(enum x86_event_kind kind, unsigned code, bool has_error,
                     uint64_t error, char *out, size_t cap)
{
    const char *name = x86_exception_name(code);

    if (kind == X86_EVENT_INTERRUPT)
        format(out, cap, "interrupt %02x", code);
    else if (kind == X86_EVENT_NMI)
        format(out, cap, "NMI");
    else if (kind == X86_EVENT_WAKE)
        format(out, cap, "end of HLT");
    else if (kind == X86_EVENT_VM_EXIT)
        format(out, cap, "VM exit %u", code);
    else if (has_error)
        format(out, cap, "#%s(%04llx)", name ? name : "?",
               (unsigned long long)error);
    else
        format(out, cap, "#%s", name ? name : "?");
}
