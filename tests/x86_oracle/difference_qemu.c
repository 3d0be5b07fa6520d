/* To what the rows of difference_qemu.def apply. */
#include "tests/x86_oracle/difference.h"

static bool instead_of(const struct ox_difference *d, unsigned ours)
{
    return d->record != OX_RECORD_COUNT && d->record != OX_SUMS &&
           vector_of(d) == ours;
}

static bool breakpoints(const struct ox_difference *d)
{
    return (d->c->field[CASE_DR7 / 4] & 0x20FF) || says(d, "mov dr7");
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

const struct ox_explanation ox_qemu_rows[] = {
#define DIFFERENCE(name, source, words) {#name, source, words, name, false},
#define ALONE(name, source, words)      {#name, source, words, name, true},
#include "tests/x86_oracle/difference_qemu.def"
#undef DIFFERENCE
#undef ALONE
    {NULL, NULL, NULL, NULL, false},
};

_Static_assert(ARRAY_LEN(ox_qemu_rows) <= OX_ROWS_MAX, "too many rows");
