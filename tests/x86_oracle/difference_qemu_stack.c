/* To what the rows of difference_qemu.def apply: what pushes and pops much. */
#include "tests/x86_oracle/difference_qemu.h"

bool ox_qemu_stack_of_tss(const struct ox_difference *d)
{
    return ox_ends_behind_stack(d);
}

/* Its L, in a descriptor without B. */
bool ox_qemu_long_stack(const struct ox_difference *d)
{
    enum { L = 1 << 21, B = 1 << 22 };

    return d->record == OX_R64 &&
           (d->field == OX_R64_SAVED_RSP || d->field == OX_R64_SAVED_RSP_UP) &&
           (ox_upper_half_of(d->c, word_of(d, OX_R64_SAVED_SS)) & (L | B)) ==
               L &&
           ((OURS(d) ^ PEER(d)) & 0xFFFF) == 0;
}

static bool is_upper(const struct ox_difference *d, uint32_t at,
                     uint32_t before, uint32_t ours, uint32_t theirs)
{
    return (!((ours ^ theirs) & 0xFFFF) && ours < 0x10000) ||
           ox_is_resume_less(d, at, before, ours, theirs);
}

/* What it pushes of outer frames, too. */
bool ox_qemu_enter_frame(const struct ox_difference *d)
{
    if (d->record == OX_SUMS)
        return says(d, "enter 16") && ox_all_words(d, is_upper);
    return says(d, "enter") &&
           (d->field == OX_R16_EBP || d->field == OX_R32_EBP) &&
           ((OURS(d) ^ PEER(d)) & 0xFFFF) == 0;
}

/* Stored by QEMU before it faulted, or made dirty. */
static bool is_begun(const struct ox_difference *d, uint32_t at,
                     uint32_t before, uint32_t ours, uint32_t theirs)
{
    return ours == before || (theirs & ~UINT32_C(0x60)) == ours ||
           ox_is_resume_less(d, at, before, ours, theirs);
}

bool ox_qemu_pusha_order(const struct ox_difference *d)
{
    struct ox_event e, theirs;
    struct ox_code code;

    if (d->record == OX_SUMS)
        return says(d, "pusha") && ox_all_words(d, is_begun) &&
               ox_last_event(d->c, d->ours, d->start, &e) &&
               (e.vector == 8 || e.vector == 12 || e.vector == 14) &&
               ox_code_of(d->c, &e, 0, &code) && code.at[0] == 0x60;
    return (is_cr2(d) || is_error(d)) && ox_faults(d, 14, &e, &code) &&
           code.at[0] == 0x60 &&
           ox_event_at(d->c, d->theirs, d->start, &theirs) &&
           e.cr2 - theirs.cr2 < 0x40;
}

/* Ours has raised #PF or #SS, recorded or not, at an instruction of that byte.
 */
static bool raises_at(const struct ox_difference *d, uint8_t op)
{
    struct ox_event e;
    struct ox_code code;

    for (uint32_t n = 0; ox_raised_event(d->ours, n, &e); n++)
        if ((e.vector == 14 || e.vector == 12) &&
            ox_code_of(d->c, &e, 0, &code) && code.at[0] == op)
            return true;
    return false;
}

/* A register of an old task, or its flags' RF. */
static bool is_task_register(const struct ox_difference *d, uint32_t at,
                             uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)before;
    at &= 0x1FF; /* TSSs lie so */
    return at == 0x24 ? (ours ^ theirs) == 0x10000 && (ours & 0x10000)
                      : at >= 0x28 && at < 0x48;
}

/* Frames of a recorder that has faulted, with what QEMU has popped: INT3. */
static bool is_popped(const struct ox_difference *d, uint32_t at,
                      uint32_t before, uint32_t ours, uint32_t theirs)
{
    if (ox_is_resume_less(d, at, before, ours, theirs))
        return true;
    for (unsigned i = 0; i < 32; i += 8)
        if (((ours ^ theirs) >> i & 0xFF) && (theirs >> i & 0xFF) != 0xCC)
            return false;
    return true;
}

bool ox_qemu_popa_partial(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (d->field == OX_SUMS_DATA || d->field == OX_SUMS_CODE)
        return raises_at(d, 0x61) && ox_all_words(d, is_popped);
    if (d->field == OX_SUMS_TSS)
        return ox_all_words(d, is_task_register) &&
               ox_last_event(d->c, d->ours, d->start, &e) && e.vector == 8 &&
               ox_code_of(d->c, &e, 0, &code) && code.at[0] == 0x61;
    return (ox_faults(d, 14, &e, &code) || ox_faults(d, 12, &e, &code)) &&
           code.at[0] == 0x61 &&
           ((d->field >= OX_R32_EDI && d->field <= OX_R32_EAX) ||
            (d->field >= OX_R64_RAX && d->field < OX_R64_R8) ||
            (d->field >= OX_R16_EDI && d->field <= OX_R16_EAX));
}

static bool is_return(const struct ox_difference *d, uint32_t v)
{
    const uint32_t *f = d->c->field;

    return v - f[CASE_IP / 4] < 0xF00 || v == f[CASE_CS / 4] || !v;
}

/* Only ours has pushed that, or it is A and D of where it is. */
static bool is_pushed_here(const struct ox_difference *d, uint32_t at,
                           uint32_t before, uint32_t ours, uint32_t theirs)
{
    if (at >= AT_PD_32)
        return (theirs | 0x60) == (ours | 0x60) && !(theirs & ~ours);
    return theirs == before && is_return(d, ours);
}

/* A return address that ours has pushed elsewhere. */
bool ox_qemu_gate_by_rsp(const struct ox_difference *d)
{
    if (d->c->mode != OX_COMPAT || d->c->bits != 16 ||
        d->c->field[CASE_SS / 4] == SEL_STACK || !says(d, "call far 110"))
        return false;
    if (d->field == OX_SUMS_PAGES)
        return ox_all_words(d, is_pushed_here);
    return d->field >= OX_R64_STACK_12 && d->field <= OX_R64_STACK_15 &&
           is_return(d, PEER(d));
}
