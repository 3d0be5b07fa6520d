/* To what the rows of difference_qemu.def apply: addresses of 64-bit mode. */
#include "tests/x86_oracle/difference_qemu.h"

#include <stdio.h>

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
            d->field == OX_R64_SP_UP ||
            (d->field >= OX_R64_STACK_12 && d->field <= OX_R64_STACK_15) ||
            (d->at == d->start &&
             /* of a level; of STAC and CLAC an undefined one */
             (e.vector == 13 || e.vector == 8 || e.vector == 6)));
}

/* ---- Bases that do not count ---- */

/* A segment is loaded and read by, and QEMU has what lies at its base. */
static bool reads_at_base(const struct ox_difference *d)
{
    const char *text = d->c->text, *read;
    unsigned selector, at;

    while (d->c->mode == OX_LONG && (read = strstr(text, "read ")) != NULL) {
        text = read + 5;
        for (; read > d->c->text && strncmp(read, "mov ", 4); read--)
            ;
        if (sscanf(read, "mov %*2c, %x; read %*2c:[%x]", &selector, &at) != 2)
            continue;
        at += ox_base_of(d->c, selector);
        if (ox_base_of(d->c, selector) && at < ARENA_SIZE - 4 &&
            !((load_le32(d->c->arena + at) ^ PEER(d)) & ~0x60u))
            return true;
    }
    return false;
}

/* Or is written by, where the base leads to tables, on which QEMU founders. */
static bool writes_at_base(const struct ox_difference *d)
{
    const char *write = strstr(d->c->text, "write ");
    unsigned selector, at;

    if (d->c->mode != OX_LONG || d->theirs->kind != 'T' || !write)
        return false;
    for (; write > d->c->text && strncmp(write, "mov ", 4); write--)
        ;
    if (sscanf(write, "mov %*2c, %x; write %*2c:[%x]", &selector, &at) != 2)
        return false;
    at += ox_base_of(d->c, selector);
    return ox_base_of(d->c, selector) && at >= AT_PD_32 && at < ARENA_SIZE;
}

/* One of the two has stored there, or made dirty. */
static bool is_elsewhere(const struct ox_difference *d, uint32_t at,
                         uint32_t before, uint32_t ours, uint32_t theirs)
{
    return ours == before || theirs == before ||
           ox_is_resume_less(d, at, before, ours, theirs);
}

/* What faults here is at its base there. */
static bool meets_no_fault(const struct ox_difference *d)
{
    const char *text = d->c->text;
    struct ox_event ours, theirs;
    struct ox_code code;
    unsigned selector;

    if (d->c->mode != OX_LONG || !ox_faults(d, 14, &ours, &code) ||
        ours.record != OX_R64 || (code.override & 0xE7) != 0x26 ||
        (ox_event_at(d->c, d->theirs, d->start, &theirs) &&
         theirs.ip <= ours.ip))
        return false;
    while ((text = strstr(text, "mov ")) != NULL) {
        text += 4;
        if (sscanf(text, "%*2c, %x; write %*2c:", &selector) == 1 &&
            (text[1] == 's') && ox_base_of(d->c, selector))
            return true;
    }
    return false;
}

/* The address that QEMU names is the operand's and some descriptor's base. */
bool ox_qemu_override_base(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;
    const uint8_t *modrm;

    if (d->record == OX_SUMS)
        return d->c->mode == OX_LONG &&
               (says(d, "write ds:") || says(d, "write es:")) &&
               ox_all_words(d, is_elsewhere);
    if (d->field == OX_R64_RDX)
        return reads_at_base(d);
    if (writes_at_base(d) || meets_no_fault(d))
        return true;
    if (d->c->mode != OX_LONG || !ox_peer_at(d, &e, &code) ||
        e.record != OX_R64 || e.vector != 14 || (code.override & 0xE7) != 0x26)
        return false;
    modrm = code.at + (code.at[0] == 0x0F ? 2 : 1);
    if ((modrm[0] & 0xC7) != 4 || modrm[1] != 0x25) /* a displacement */
        return false;
    for (uint32_t i = 0; i < 0x400; i += 8) {
        uint32_t base = ox_base_of(d->c, i < 0x380 ? i : (i & 0x78) | 4);

        if (base && e.cr2 - base - load_le32(modrm + 2) < 8)
            return true;
    }
    return false;
}
