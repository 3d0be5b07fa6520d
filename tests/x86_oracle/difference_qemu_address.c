/* To what the rows of difference_qemu.def apply: addresses of 64-bit mode. */
#include "tests/x86_oracle/difference_qemu.h"

enum { RCX = 1, RDX, RSP = 4, RBP };

static bool is_canonical(uint64_t v)
{
    return (uint64_t)((int64_t)(v << 16) >> 16) == v;
}

bool ox_qemu_sysexit_address(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (!ox_faults(d, 13, &e, &code) || e.error || !(code.rex & 8))
        return false;
    if (is_0f(&code, 0x07))
        return !is_canonical(e.gpr[RCX]);
    return is_0f(&code, 0x35) &&
           !(is_canonical(e.gpr[RCX]) && is_canonical(e.gpr[RDX]));
}

/* #GP of the same error at the same instruction. */
bool ox_qemu_stack_address(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    return d->record == OX_R64 && parted(d, 12, 13) &&
           ox_event_at(d->c, d->ours, d->start, &ours) &&
           ox_event_at(d->c, d->theirs, d->start, &theirs) && !ours.error &&
           !theirs.error && ours.ip == theirs.ip &&
           !(is_canonical(ours.gpr[RSP]) && is_canonical(ours.gpr[RBP]));
}

/* #GP at the near transfer, and there at where it leads. */
bool ox_qemu_near_address(const struct ox_difference *d)
{
    struct ox_event e, theirs;
    struct ox_code code;

    if (d->record != OX_R64 || !ox_faults(d, 13, &e, &code) || e.error ||
        !ox_event_at(d->c, d->theirs, d->start, &theirs) ||
        theirs.vector != 13 || theirs.error || is_canonical(theirs.ip))
        return false;
    return code.at[0] == 0xC2 || code.at[0] == 0xC3 ||
           (code.at[0] == 0xFF &&
            (reg_of(&code, 1) == 2 || reg_of(&code, 1) == 4));
}
