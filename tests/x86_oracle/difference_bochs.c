/* To what the rows of difference_bochs.def apply. */
#include "tests/x86_oracle/difference.h"

static bool general_detect_flag(const struct ox_difference *d)
{
    uint32_t dr6;

    if (!is_flags(d) || vector_of(d) != 1 || (OURS(d) ^ PEER(d)) != 0x10000)
        return false;
    dr6 = word_of(d, d->record == OX_R32   ? OX_R32_DR6
                     : d->record == OX_R64 ? OX_R64_DR6
                                           : OX_NEST_DR6);
    return dr6 & 0x2000;
}

static bool torn_store(const struct ox_difference *d)
{
    return d->record == OX_SUMS && (says(d, "sgdt [") || says(d, "sidt ["));
}

static bool fmask_upper(const struct ox_difference *d)
{
    return says(d, "wrmsr c0000084, ") &&
           !says(d, "wrmsr c0000084, 00000000") && vector_of(d) == 13;
}

static bool sysret_trace(const struct ox_difference *d)
{
    return says(d, "sysret") && d->field == OX_R64_HEAD &&
           (vector_of(d) == 1 || (PEER(d) & 0xFF) == 1);
}

static bool system_upper_half(const struct ox_difference *d)
{
    return d->c->mode == OX_COMPAT && vector_of(d) == 13 &&
           (says(d, "ltr") || says(d, "lldt"));
}

static bool told_upper_half(const struct ox_difference *d)
{
    return (says(d, "lsl") || says(d, "lar")) && d->record == OX_R64 &&
           (d->field == OX_R64_RAX ||
            (is_flags(d) && (OURS(d) ^ PEER(d)) == 0x40));
}

static bool far_to_compatible(const struct ox_difference *d)
{
    return d->c->mode == OX_LONG && says(d, "call far") &&
           d->record == OX_R64 && (d->theirs->word[d->start] & 0xFF) == 12;
}

static bool task_trace(const struct ox_difference *d)
{
    return d->c->mode == OX_PROTECTED && goes_to_task(d) && d->at == d->start &&
           vector_of(d) == 1;
}

static bool v86_iret_limit(const struct ox_difference *d)
{
    return d->c->mode == OX_V86 && says(d, "iret to ") &&
           d->field == OX_R32_EIP && vector_of(d) == 13 && PEER(d) > 0xFFFF;
}

static bool detect_before_level(const struct ox_difference *d)
{
    return d->c->cpl && says(d, "dr") && d->at == d->start &&
           (PEER(d) & 0xFF) == 1;
}

static bool conforming_level(const struct ox_difference *d)
{
    if (d->field == OX_R64_ERROR)
        return (OURS(d) & 4) && PEER(d) == 3;
    return d->field == OX_R32_HEAD && says(d, "call far") &&
           (d->c->field[CASE_CR4 / 4] & 0x200000) &&
           d->theirs->word[d->start + (OX_R32_ERROR - OX_R32_HEAD)] == 3;
}

static bool dr7_rtm(const struct ox_difference *d)
{
    return (d->field == OX_R16_DR7 || d->field == OX_R32_DR7 ||
            d->field == OX_R64_DR7) &&
           (OURS(d) ^ PEER(d)) == 0x800;
}

static bool outside_storage(const struct ox_difference *d)
{
    return d->c->mode == OX_REAL && d->record == OX_R16 &&
           (word_of(d, OX_R16_CS_FLAGS) & 0xFFFF) == 0xCCCC;
}

static bool low_dr6(const struct ox_difference *d)
{
    return (d->field == OX_NEST_DR6 || d->field == OX_R32_DR6 ||
            d->field == OX_R64_DR6 || d->field == OX_R16_DR6 ||
            d->field == OX_NEST_FLAGS) &&
           ((OURS(d) ^ PEER(d)) & ~0xFu) == 0;
}

static bool table_alignment(const struct ox_difference *d)
{
    return (says(d, "sgdt [") || says(d, "sidt [")) &&
           (vector_of(d) == 17 ||
            (d->at == d->start && (PEER(d) & 0xFF) == 17));
}

static bool call_pushes(const struct ox_difference *d)
{
    return says(d, "near to") && d->record == OX_SUMS &&
           ((d->field >= OX_SUMS_STACK_0 && d->field <= OX_SUMS_STACK_TASK) ||
            d->field == OX_SUMS_DATA);
}

const struct ox_explanation ox_bochs_rows[] = {
#define DIFFERENCE(name, source, words) {#name, source, words, name, true},
#include "tests/x86_oracle/difference_bochs.def"
#undef DIFFERENCE
    {NULL, NULL, NULL, NULL, false},
};

_Static_assert(ARRAY_LEN(ox_bochs_rows) <= OX_ROWS_MAX, "too many rows");
