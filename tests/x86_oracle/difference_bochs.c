/* To what the rows of difference.def apply. */
#include "tests/x86_oracle/record.h"

#include <string.h>

#define OURS(d) ((d)->ours->word[(d)->at])
#define PEER(d) ((d)->theirs->word[(d)->at])

static bool says(const struct ox_difference *d, const char *word)
{
    return strstr(d->c->text, word) != NULL;
}

static bool is_flags(const struct ox_difference *d)
{
    return d->field == OX_R32_EFLAGS || d->field == OX_R64_RFLAGS ||
           d->field == OX_NEST_FLAGS;
}

/* The vector of the record that differs, as ours has it; none: 256. */
static unsigned vector_of(const struct ox_difference *d)
{
    if (d->record == OX_RECORD_COUNT || d->record == OX_SUMS)
        return 256;
    return d->ours->word[d->start] & 0xFF;
}

static uint32_t word_of(const struct ox_difference *d, enum ox_field f)
{
    return d->ours->word[d->start + (f - ox_record_head(d->record))];
}

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

static bool task_accessed(const struct ox_difference *d)
{
    return d->field == OX_SUMS_TABLES_ACCESSED;
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

static bool goes_to_task(const struct ox_difference *d)
{
    return says(d, "jmp far") || says(d, "call far") || says(d, "int 84") ||
           says(d, "iret");
}

static bool task_trace(const struct ox_difference *d)
{
    return d->c->mode == OX_PROTECTED && goes_to_task(d) && d->at == d->start &&
           vector_of(d) == 1;
}

static bool task_stack(const struct ox_difference *d)
{
    if (d->c->mode <= OX_V86 && goes_to_task(d) && d->ours->kind == 'T')
        return d->theirs->count && (d->theirs->word[0] & 0xFF) >= 10 &&
               (d->theirs->word[0] & 0xFF) <= 13;
    return d->c->mode <= OX_V86 && goes_to_task(d) && d->at == d->start &&
           vector_of(d) == 8 && (PEER(d) & 0xFF) >= 10 &&
           (PEER(d) & 0xFF) <= 13;
}

static bool task_order(const struct ox_difference *d)
{
    return d->c->mode <= OX_V86 && goes_to_task(d) &&
           d->field == OX_R32_ERROR && vector_of(d) == 10;
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

/* ---- QEMU ---- */

static bool breakpoints(const struct ox_difference *d)
{
    return (d->c->field[CASE_DR7 / 4] & 0x20FF) || says(d, "mov dr7");
}

/* The vectors at which the two have parted. */
static bool parted(const struct ox_difference *d, unsigned ours, unsigned peer)
{
    return d->at == d->start && d->record != OX_RECORD_COUNT &&
           vector_of(d) == ours && (PEER(d) & 0xFF) == peer;
}

static bool instead_of(const struct ox_difference *d, unsigned ours)
{
    return d->record != OX_RECORD_COUNT && d->record != OX_SUMS &&
           vector_of(d) == ours;
}

static bool return_as_supervisor(const struct ox_difference *d)
{
    return (d->c->field[CASE_CR4 / 4] & 0x200000) && d->theirs->count &&
           (says(d, "iret") || says(d, "retf") || says(d, "call far") ||
            says(d, "int 8")) &&
           ((d->at == d->start && (PEER(d) & 0xFF) == 14) ||
            ((d->field == OX_R64_ERROR || d->field == OX_R32_ERROR) &&
             (PEER(d) & ~UINT32_C(2)) == 1));
}

static bool reserved_present(const struct ox_difference *d)
{
    return (d->field == OX_R32_ERROR || d->field == OX_R64_ERROR) &&
           (OURS(d) ^ PEER(d)) == 1 && (OURS(d) & 9) == 9;
}

static bool no_em(const struct ox_difference *d)
{
    return says(d, "emms") && (d->c->field[CASE_CR0 / 4] & 12) &&
           (instead_of(d, 6) || instead_of(d, 7));
}

static bool efer_lme(const struct ox_difference *d)
{
    return says(d, "wrmsr c0000080") && instead_of(d, 13);
}

static bool absent_debug_register(const struct ox_difference *d)
{
    return parted(d, 6, 13) && (says(d, "dr4") || says(d, "dr5") ||
                                says(d, "cr1") || says(d, "cr5"));
}

static bool no_limits(const struct ox_difference *d)
{
    return instead_of(d, 13) || instead_of(d, 12) ||
           (d->field == OX_R32_CR2 && vector_of(d) == 8) ||
           (!d->theirs->kind && d->c->bits == 16);
}

static bool gate_index(const struct ox_difference *d)
{
    return d->field == OX_R64_ERROR && (OURS(d) & 2) &&
           PEER(d) == ((OURS(d) & ~7u) << 1 | (OURS(d) & 7));
}

static bool legacy_syscall(const struct ox_difference *d)
{
    return d->c->bits != 64 && says(d, "sys") &&
           (instead_of(d, 6) || d->ours->kind == 'T' || d->theirs->kind == 'T');
}

static bool no_int1(const struct ox_difference *d)
{
    return parted(d, 1, 6) && says(d, "int1");
}

static bool modify_is_write(const struct ox_difference *d)
{
    return (d->field == OX_R32_ERROR || d->field == OX_R64_ERROR) &&
           vector_of(d) == 14 && (OURS(d) ^ PEER(d)) == 2 && (OURS(d) & 2);
}

static bool stack_of_ist(const struct ox_difference *d)
{
    return d->field == OX_R64_SS && !PEER(d);
}

static bool task_fault(const struct ox_difference *d)
{
    return instead_of(d, 10) || instead_of(d, 11);
}

static bool sti_traces(const struct ox_difference *d)
{
    return says(d, "sti") && instead_of(d, 1);
}

static bool no_alignment(const struct ox_difference *d)
{
    return instead_of(d, 17);
}

static bool enter_probes(const struct ox_difference *d)
{
    return says(d, "enter") && (d->field == OX_SUMS_PAGES || instead_of(d, 14));
}

static bool no_vif(const struct ox_difference *d)
{
    return says(d, "iret") && is_flags(d) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x190000)) == 0;
}

static bool no_lock(const struct ox_difference *d)
{
    return says(d, "lock") && instead_of(d, 6);
}

static bool frames_in_data(const struct ox_difference *d)
{
    return (says(d, "sp ") || says(d, "ss")) &&
           (d->field == OX_SUMS_DATA || d->field == OX_SUMS_CODE);
}

static bool syscall_flags(const struct ox_difference *d)
{
    return says(d, "syscall") && is_flags(d) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x108D5)) == 0;
}

static bool cr8_reserved(const struct ox_difference *d)
{
    return says(d, "mov cr8, 1") && (instead_of(d, 13) || instead_of(d, 8));
}

static bool control_checks(const struct ox_difference *d)
{
    return (d->theirs->kind == 'T' || !d->theirs->kind) &&
           (says(d, "mov cr") || says(d, "to long mode") ||
            says(d, "paging off"));
}

static bool null_selectors(const struct ox_difference *d)
{
    return (d->field == OX_R32_FS || d->field == OX_R32_GS ||
            d->field == OX_R64_FS || d->field == OX_R64_GS) &&
           !OURS(d) && PEER(d) < 4;
}

static bool cr0_reserved(const struct ox_difference *d)
{
    return (d->field == OX_R32_CR0 || d->field == OX_R64_CR0 ||
            d->field == OX_R16_CR0) &&
           ((OURS(d) ^ PEER(d)) & 0xE005003F) == 0;
}

static bool push_segment(const struct ox_difference *d)
{
    return says(d, "push fs") &&
           (d->field == OX_R16_STACK || d->field == OX_R32_SAVED_ESP);
}

static bool task_no_stack(const struct ox_difference *d)
{
    return d->c->mode <= OX_V86 && goes_to_task(d) &&
           (parted(d, 8, 10) || parted(d, 8, 11) || parted(d, 8, 12));
}

static bool cmps_order(const struct ox_difference *d)
{
    return says(d, "cmps") && vector_of(d) == 14 &&
           (d->field == OX_R32_ERROR || d->field == OX_R64_ERROR ||
            d->field == OX_R32_CR2 || d->field == OX_R64_CR2);
}

static bool dr6_bit_12(const struct ox_difference *d)
{
    return (d->field == OX_R16_DR6 || d->field == OX_R32_DR6 ||
            d->field == OX_R64_DR6) &&
           says(d, "mov dr6") && (OURS(d) ^ PEER(d)) == 0x1000;
}

static bool override_base(const struct ox_difference *d)
{
    return d->c->mode == OX_LONG && d->at == d->start &&
           (PEER(d) & 0xFF) == 14 &&
           (says(d, " ds:[d000]") || says(d, " es:[d000]") ||
            says(d, " ss:[d000]"));
}

static bool task_flags(const struct ox_difference *d)
{
    return d->field == OX_SUMS_TSS;
}

const struct ox_explanation ox_explanations[] = {
#define DIFFERENCE(peer, name, source, words) \
    {OX_##peer, #name, source, words, name},
#include "tests/x86_oracle/difference.def"
#undef DIFFERENCE
};

const size_t ox_explanation_count = ARRAY_LEN(ox_explanations);

const struct ox_explanation *ox_explain(const struct ox_difference *d)
{
    for (size_t i = 0; i < ox_explanation_count; i++)
        if (ox_explanations[i].peer == d->peer && ox_explanations[i].applies(d))
            return &ox_explanations[i];
    return NULL;
}
