/* To what the rows of difference_qemu.def apply: addresses of 64-bit mode. */
#include "tests/x86_oracle/difference_qemu.h"

enum { RCX = 1, RDX, RSP = 4, RBP };

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

/* #GP of the same error at the same instruction, or what a breakpoint that is
 * met while QEMU delivers it makes of it. */
bool ox_qemu_stack_address(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    return d->record == OX_R64 && (parted(d, 12, 13) || parted(d, 12, 8)) &&
           ox_event_at(d->c, d->ours, d->start, &ours) &&
           ox_event_at(d->c, d->theirs, d->start, &theirs) && !ours.error &&
           !theirs.error && ours.ip == theirs.ip &&
           !(is_canonical(ours.gpr[RSP]) && is_canonical(ours.gpr[RBP]));
}

/* It ends beyond the last address that is canonical: there QEMU finds a page
 * fault. */
bool ox_qemu_end_address(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    return d->record == OX_R64 && (parted(d, 12, 14) || parted(d, 13, 14)) &&
           ox_event_at(d->c, d->ours, d->start, &ours) &&
           ox_event_at(d->c, d->theirs, d->start, &theirs) && !ours.error &&
           ours.ip == theirs.ip && theirs.cr2 + 16 - (UINT64_C(1) << 47) <= 16;
}

/* #GP at the near transfer or INT n, and there at where it leads, or a step
 * before it. */
bool ox_qemu_near_address(const struct ox_difference *d)
{
    struct ox_event e, theirs;
    struct ox_code code;

    if (d->record != OX_R64 || !ox_faults(d, 13, &e, &code) || e.error ||
        !ox_event_at(d->c, d->theirs, d->start, &theirs) ||
        (theirs.vector != 13 && theirs.vector != 8 && theirs.vector != 1) ||
        theirs.error || is_canonical(theirs.ip))
        return false;
    return code.at[0] == 0xC2 || code.at[0] == 0xC3 || code.at[0] == 0xCD ||
           (code.at[0] == 0xFF &&
            (reg_of(&code, 1) == 2 || reg_of(&code, 1) == 4));
}

/* QEMU has its CPL in the descriptor of SS, and 0 in that of none. */
bool ox_qemu_null_stack_level(const struct ox_difference *d)
{
    struct ox_event e;
    unsigned cpl;

    if (!(says(d, "mov ss, 1") || says(d, "mov ss, 2")) ||
        !(d->record == OX_SUMS ? ox_last_event(d->c, d->ours, d->start, &e)
                               : ox_event_at(d->c, d->ours, d->start, &e)))
        return false;
    cpl = e.cs & 3;
    if (d->record == OX_SUMS)
        return (cpl == 1 || cpl == 2) && d->field >= OX_SUMS_STACK_0 &&
               (d->field <= OX_SUMS_STACK_2 || d->field == OX_SUMS_PAGES);
    return (cpl == 1 || cpl == 2) && d->record == OX_R64 &&
           word_of(d, OX_R64_SAVED_SS) == cpl &&
           (d->field == OX_R64_SS || d->field == OX_R64_SP ||
            (d->field >= OX_R64_STACK_12 && d->field <= OX_R64_STACK_15) ||
            (d->at == d->start &&
             (e.vector == 13 || e.vector == 8))); /* of a level */
}
