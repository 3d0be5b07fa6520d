/* To what the rows of difference_qemu.def apply. */
#include "tests/x86_oracle/difference.h"

#include <stdlib.h>

/* The exception that ours takes there, or a double fault that comes of it,
 * whatever the peer makes of it. */
static bool instead_of(const struct ox_difference *d, unsigned ours)
{
    unsigned vector = vector_of(d);

    return vector == ours || (vector == 8 && ours >= 10 && ours <= 14);
}

static bool is_wide(const struct ox_difference *d)
{
    return d->c->mode == OX_LONG || d->c->mode == OX_COMPAT;
}

static bool is_error(const struct ox_difference *d)
{
    return d->field == OX_R32_ERROR || d->field == OX_R64_ERROR;
}

static bool is_cr2(const struct ox_difference *d)
{
    return d->field == OX_R16_CR2 || d->field == OX_R32_CR2 ||
           d->field == OX_R64_CR2;
}

static bool is_dr6(const struct ox_difference *d)
{
    return d->field == OX_R16_DR6 || d->field == OX_R32_DR6 ||
           d->field == OX_R64_DR6 || d->field == OX_NEST_DR6;
}

static uint32_t error_of(const struct ox_difference *d)
{
    return d->record == OX_R64   ? word_of(d, OX_R64_ERROR)
           : d->record == OX_R32 ? word_of(d, OX_R32_ERROR)
                                 : 0;
}

/* One of ours' events is that exception. */
static bool takes(const struct ox_difference *d, unsigned vector)
{
    const struct ox_result *r = d->ours;

    for (uint32_t i = 0; i < r->count;) {
        enum ox_record record = ox_record_of(r->word[i]);

        if (record >= OX_SUMS)
            return false;
        if ((r->word[i] & 0xFF) == vector)
            return true;
        i += ox_record_size(record);
    }
    return false;
}

/* Behind this word in the program's text there is such a number, in any of its
 * steps; `mask` and `value` say which. */
static bool says_number(const struct ox_difference *d, const char *word,
                        uint32_t mask, uint32_t value)
{
    const char *at = d->c->text;

    while ((at = strstr(at, word)) != NULL) {
        at += strlen(word);
        if (((uint32_t)strtoul(at, NULL, 16) & mask) == value)
            return true;
    }
    return false;
}

/* ---- Debug exceptions ---- */

static bool breakpoints(const struct ox_difference *d)
{
    bool on = (d->c->field[CASE_DR7 / 4] & 0x20FF) || says(d, "mov dr7") ||
              says(d, "mov dr5");

    return on && (!d->theirs->kind || instead_of(d, 1) || is_dr6(d) ||
                  vector_there(d) == 1);
}

static bool no_task_trap(const struct ox_difference *d)
{
    return d->record == OX_R32 && instead_of(d, 1) && goes_to_task(d) &&
           (word_of(d, OX_R32_DR6) & 0x8000);
}

static bool no_int1(const struct ox_difference *d)
{
    return instead_of(d, 1) && says(d, "int1");
}

static bool sti_traces(const struct ox_difference *d)
{
    return says(d, "sti") && instead_of(d, 1);
}

static bool low_dr6(const struct ox_difference *d)
{
    return is_dr6(d) && (OURS(d) ^ PEER(d)) < 0x10;
}

static bool lss_traces(const struct ox_difference *d)
{
    return instead_of(d, 1) && (says(d, "lss [") || says(d, "lcs ["));
}

static bool dr6_bit_12(const struct ox_difference *d)
{
    return is_dr6(d) && (says(d, "mov dr6") || says(d, "mov dr4")) &&
           (OURS(d) ^ PEER(d)) == 0x1000;
}

static bool dr7_reserved(const struct ox_difference *d)
{
    return (d->field == OX_R16_DR7 || d->field == OX_R32_DR7 ||
            d->field == OX_R64_DR7) &&
           (says(d, "mov dr5") || says(d, "mov dr7")) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0xD800)) == 0;
}

static bool absent_debug_register(const struct ox_difference *d)
{
    bool absent =
        says(d, "dr4") || says(d, "dr5") || says(d, "cr1") || says(d, "cr5");

    if (!absent || d->field == OX_FIELD_COUNT || d->record == OX_SUMS)
        return false;
    return d->c->cpl && (d->theirs->word[d->start] & 0xFF) == 13;
}

/* ---- Control registers and MSRs ---- */

static bool efer_lme(const struct ox_difference *d)
{
    return says(d, "wrmsr c0000080") && instead_of(d, 13);
}

static bool unknown_msr(const struct ox_difference *d)
{
    return says(d, "msr 12345678") && instead_of(d, 13) && !error_of(d);
}

/* Written in hexadecimal, the upper half first. */
static bool writes_odd_address(const struct ox_difference *d)
{
    static const char *const list[] = {"wrmsr c0000082, ", "wrmsr c0000100, ",
                                       "wrmsr c0000101, ", "wrmsr c0000102, ",
                                       "wrmsr 175, ",      "wrmsr 176, "};

    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        const char *at = strstr(d->c->text, list[i]);
        uint64_t v = at ? strtoull(at + strlen(list[i]), NULL, 16) : 0;

        if ((uint64_t)((int64_t)(v << 16) >> 16) != v)
            return true;
    }
    return false;
}

static bool msr_address(const struct ox_difference *d)
{
    return instead_of(d, 13) && !error_of(d) && writes_odd_address(d);
}

static bool fmask_upper(const struct ox_difference *d)
{
    return says(d, "wrmsr c0000084, ") &&
           !says(d, "wrmsr c0000084, 00000000") && instead_of(d, 13);
}

static bool cache_bits(const struct ox_difference *d)
{
    return instead_of(d, 13) && !error_of(d) &&
           says_number(d, "mov cr0, ", 0x60000000, 0x20000000);
}

static bool control_checks(const struct ox_difference *d)
{
    bool changes =
        says(d, "mov cr") || says(d, "to long mode") || says(d, "paging off");

    if (!d->theirs->kind || d->theirs->kind == 'T')
        return changes;
    return is_wide(d) && changes && instead_of(d, 13) && !error_of(d);
}

static bool cr0_reserved(const struct ox_difference *d)
{
    return (d->field == OX_R32_CR0 || d->field == OX_R64_CR0 ||
            d->field == OX_R16_CR0) &&
           ((OURS(d) ^ PEER(d)) & 0xE005003F) == 0;
}

static bool cr8_reserved(const struct ox_difference *d)
{
    return says(d, "mov cr8, 1") && instead_of(d, 13);
}

static bool table_base(const struct ox_difference *d)
{
    return d->c->bits == 64 && (says(d, "lgdt") || says(d, "lidt")) &&
           (d->theirs->kind == 'T' || (instead_of(d, 13) && !error_of(d)));
}

/* ---- Segments ---- */

static bool null_ltr(const struct ox_difference *d)
{
    return says_number(d, "ltr ", 0xFFFC, 0) &&
           (!d->theirs->kind || (instead_of(d, 13) && !error_of(d)));
}

static bool null_stack(const struct ox_difference *d)
{
    return d->c->bits == 64 && instead_of(d, 13) && !error_of(d) &&
           (says_number(d, "mov ss, ", 0xFFFC, 0) ||
            says_number(d, "lss [e060] (", 0xFFFC, 0) ||
            says_number(d, "lss [d060] (", 0xFFFC, 0));
}

/* By the program's own IRET, or by the recorder's. */
static bool null_stack_of_compatible(const struct ox_difference *d)
{
    return d->c->mode == OX_LONG && d->record == OX_R64 && instead_of(d, 13) &&
           !error_of(d) &&
           (says(d, "iret to") || says(d, "retf") ||
            word_of(d, OX_R64_RIP) >> 12 == AT_RECORD >> 12);
}

static bool null_selectors(const struct ox_difference *d)
{
    return (d->field == OX_R32_FS || d->field == OX_R32_GS ||
            d->field == OX_R64_FS || d->field == OX_R64_GS) &&
           !OURS(d) && PEER(d) < 4;
}

static bool push_segment(const struct ox_difference *d)
{
    return says(d, "push fs") &&
           (d->field == OX_R16_STACK || d->field == OX_R32_SAVED_ESP);
}

static bool told_undefined(const struct ox_difference *d)
{
    return says(d, "lar ") &&
           (d->field == OX_R32_EAX || d->field == OX_R64_RAX) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0xF0000)) == 0;
}

static bool told_types(const struct ox_difference *d)
{
    bool zf = is_flags(d) && (OURS(d) & 0x40) < (PEER(d) & 0x40);

    return is_wide(d) && (says(d, "lar ") || says(d, "lsl ")) &&
           (zf || d->field == OX_R64_RAX);
}

static bool override_base(const struct ox_difference *d)
{
    static const char *const list[] = {" ds:[", " es:[", " ss:[",
                                       "26:[",  "36:[",  "3e:["};
    bool has = false;

    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        has = has || says(d, list[i]);
    return has && d->c->mode == OX_LONG && vector_there(d) == 14;
}

static bool no_limits(const struct ox_difference *d)
{
    if (d->c->bits == 64 && d->c->mode == OX_LONG)
        return false;
    if (d->ours->kind == 'T')
        return d->theirs->kind == 'R';
    if (d->theirs->kind == 'T')
        return takes(d, 12) || takes(d, 13);
    return instead_of(d, 12) ||
           (instead_of(d, 13) && (!error_of(d) || d->record == OX_NEST));
}

/* ---- Gates, returns and fast calls ---- */

static bool return_as_supervisor(const struct ox_difference *d)
{
    return (d->c->field[CASE_CR4 / 4] & 0x200000) &&
           (says(d, "iret") || says(d, "retf") || says(d, "call far") ||
            says(d, "int 8")) &&
           (vector_there(d) == 14 ||
            (vector_there(d) == 8 && ox_witnessed(d)) ||
            (is_error(d) && (PEER(d) & ~UINT32_C(2)) == 1));
}

static bool gate_index(const struct ox_difference *d)
{
    return d->field == OX_R64_ERROR && (OURS(d) & 2) &&
           (PEER(d) | 1) == ((OURS(d) & ~7u) << 1 | (OURS(d) & 7) | 1);
}

static bool no_ext(const struct ox_difference *d)
{
    return is_error(d) && vector_of(d) >= 10 && vector_of(d) <= 13 &&
           (OURS(d) & 1) && (OURS(d) ^ PEER(d)) == 1;
}

/* Of the case's own tables. */
static uint32_t upper_half_of(const struct ox_difference *d, uint32_t selector)
{
    const uint8_t *table = d->c->arena + (selector & 4 ? AT_LDT : AT_GDT);

    return load_le32(table + (selector & 0x3F8) + 4);
}

static bool long_and_wide(const struct ox_difference *d)
{
    return is_wide(d) && instead_of(d, 13) && error_of(d) > 3 &&
           (upper_half_of(d, error_of(d)) & 0x600000) == 0x600000;
}

static bool v86_to_other_level(const struct ox_difference *d)
{
    return d->c->mode == OX_V86 && instead_of(d, 13) && error_of(d) > 3 &&
           (upper_half_of(d, error_of(d)) & 0x6000);
}

static bool conforming_gate(const struct ox_difference *d)
{
    return (d->field == OX_R32_CS || d->field == OX_R64_CS) &&
           says(d, "call far") && (OURS(d) & ~3u) == SEL_CONFORMING &&
           (OURS(d) ^ PEER(d)) < 4;
}

static bool present_first(const struct ox_difference *d)
{
    return is_wide(d) && parted(d, 13, 11) && error_of(d) &&
           error_of(d) ==
               d->theirs->word[d->start + OX_R64_ERROR - OX_R64_HEAD];
}

static bool stack_of_ist(const struct ox_difference *d)
{
    return d->field == OX_R64_SS && !PEER(d);
}

static bool iret_to_v86(const struct ox_difference *d)
{
    const char *at = strstr(d->c->text, "iret to ");

    at = at ? strstr(at, "flags ") : NULL;
    return at && (strtoul(at + 6, NULL, 16) & 0x20000) && instead_of(d, 13) &&
           (d->c->cpl || d->c->mode == OX_COMPAT);
}

static bool no_vif(const struct ox_difference *d)
{
    return (goes_to_task(d) || says(d, "sysret")) && is_flags(d) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x190000)) == 0;
}

static bool far_keeps_upper(const struct ox_difference *d)
{
    return d->field == OX_R64_RIP_UP && !OURS(d) && PEER(d) == 0xFFFFFFFF &&
           (says(d, "retf") || says(d, "iret"));
}

static bool legacy_syscall(const struct ox_difference *d)
{
    return d->c->bits != 64 && (says(d, "syscall") || says(d, "sysret")) &&
           (d->ours->kind == 'T' || d->theirs->kind == 'T' ||
            instead_of(d, 6) || /* or what its delivery comes to */
            (instead_of(d, 13) && (error_of(d) & 1)));
}

static bool syscall_flags(const struct ox_difference *d)
{
    return says(d, "syscall") && is_flags(d) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x108D5)) == 0;
}

/* As a virtual-8086 program of long mode it goes on, and faults. */
static bool sysret_flags(const struct ox_difference *d)
{
    const uint32_t *there = d->theirs->word + d->start;

    if (!says(d, "sysret") || d->record != OX_R64)
        return false;
    return is_flags(d) ? ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x10000)) == 0x20000
                       : vector_there(d) == 13 &&
                             (there[OX_R64_RFLAGS - OX_R64_HEAD] & 0x20000);
}

static bool sysexit_keeps_upper(const struct ox_difference *d)
{
    return says(d, "sysexit") &&
           (d->field == OX_R64_SAVED_RSP_UP || d->field == OX_R64_RIP_UP) &&
           !OURS(d);
}

static bool sysexit_address(const struct ox_difference *d)
{
    return d->c->bits == 64 && says(d, "sysexitq") && instead_of(d, 13) &&
           !error_of(d);
}

static bool null_sysenter_cs(const struct ox_difference *d)
{
    uint32_t cs = d->c->field[CASE_MSR / 4 + 3];

    return (says(d, "sysexit") || says(d, "sysenter")) && instead_of(d, 13) &&
           !error_of(d) && cs > 0 && cs < 4;
}

static bool limit_selector(const struct ox_difference *d)
{
    return is_error(d) && vector_of(d) == 13 && !OURS(d) && PEER(d) > 3 &&
           !(PEER(d) & 3) &&
           (says(d, "far") || says(d, "iret") || says(d, "retf"));
}

/* ---- Tasks ---- */

static bool task_flags(const struct ox_difference *d)
{
    return d->c->mode <= OX_V86 && d->field == OX_SUMS_TSS;
}

static bool task_of_itself(const struct ox_difference *d)
{
    return d->c->mode <= OX_V86 && says(d, "iret") &&
           (load_le16(d->c->arena + AT_TSS) & ~3u) == SEL_TSS;
}

static bool is_16_bit_task(const struct ox_difference *d, uint32_t selector)
{
    uint32_t type = upper_half_of(d, selector) >> 8 & 0x1D;

    return !(selector & 4) && type == 1; /* busy or not */
}

/* Its ESP may lead to another stack. */
static bool task_of_16_bits(const struct ox_difference *d)
{
    static const char *const before[] = {"far ", "] ("};

    if (d->c->mode > OX_V86 || d->record == OX_SUMS)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(before); i++)
        for (const char *at = d->c->text; (at = strstr(at, before[i]));) {
            at += strlen(before[i]);
            if (is_16_bit_task(d, (uint32_t)strtoul(at, NULL, 16)))
                return true;
        }
    return says(d, "iret") &&
           is_16_bit_task(d, load_le16(d->c->arena + AT_TSS));
}

static bool task_fault(const struct ox_difference *d)
{
    if (d->c->mode > OX_V86 || !goes_to_task(d))
        return false;
    if (d->theirs->kind == 'T')
        return takes(d, 10) || takes(d, 11) || takes(d, 12);
    return instead_of(d, 10) || instead_of(d, 11) || instead_of(d, 12);
}

/* ---- Storage ---- */

static bool reserved_present(const struct ox_difference *d)
{
    return is_error(d) && (OURS(d) ^ PEER(d)) == 1 && (OURS(d) & 9) == 9;
}

static bool modify_is_write(const struct ox_difference *d)
{
    uint32_t differs = OURS(d) ^ PEER(d);

    return is_error(d) && vector_of(d) == 14 && (OURS(d) & 2) &&
           (differs == 2 || (differs == 3 && (OURS(d) & 9) == 9));
}

static bool is_modify(const struct ox_difference *d)
{
    return says(d, "xchg") || says(d, "add ") || says(d, "cmpxchg") ||
           says(d, "bts");
}

/* An operand across two pages, which both fault. */
static bool modify_second_page(const struct ox_difference *d)
{
    enum ox_field cr2 = d->record == OX_R64 ? OX_R64_CR2 : OX_R32_CR2;
    uint32_t ours, theirs;

    if (!is_error(d) || vector_of(d) != 14 || !is_modify(d))
        return false;
    ours = word_of(d, cr2);
    theirs = d->theirs->word[d->start + (cr2 - ox_record_head(d->record))];
    return (OURS(d) & 2) && theirs == (ours | 0xFFF) + 1;
}

static bool torn_store(const struct ox_difference *d)
{
    return d->record == OX_SUMS && (says(d, "sgdt [") || says(d, "sidt ["));
}

static bool enter_frame(const struct ox_difference *d)
{
    return says(d, "enter") &&
           (d->field == OX_R16_EBP || d->field == OX_R32_EBP) &&
           ((OURS(d) ^ PEER(d)) & 0xFFFF) == 0;
}

static bool pusha_order(const struct ox_difference *d)
{
    return is_cr2(d) && says(d, "pusha") && vector_of(d) == 14 &&
           (OURS(d) ^ PEER(d)) < 0x40;
}

static bool popa_partial(const struct ox_difference *d)
{
    return says(d, "popa") && (instead_of(d, 14) || instead_of(d, 12)) &&
           ((d->field >= OX_R32_EDI && d->field <= OX_R32_EAX) ||
            (d->field >= OX_R16_EDI && d->field <= OX_R16_EAX));
}

static bool enter_probes(const struct ox_difference *d)
{
    return says(d, "enter") && (d->field == OX_SUMS_PAGES || instead_of(d, 14));
}

static bool frames_in_data(const struct ox_difference *d)
{
    return (says(d, "sp ") || says(d, "ss")) &&
           (d->field == OX_SUMS_DATA || d->field == OX_SUMS_CODE ||
            d->field == OX_SUMS_IDT || d->field == OX_SUMS_TABLES);
}

static bool cmps_order(const struct ox_difference *d)
{
    return says(d, "cmps") && vector_of(d) == 14 && (is_error(d) || is_cr2(d));
}

static bool no_alignment(const struct ox_difference *d)
{
    return instead_of(d, 17);
}

/* ---- Others ---- */

static bool no_em(const struct ox_difference *d)
{
    return says(d, "emms") && (d->c->field[CASE_CR0 / 4] & 12) &&
           (instead_of(d, 6) || instead_of(d, 7));
}

static bool bit_test_flags(const struct ox_difference *d)
{
    return says(d, "bts ") && is_flags(d) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x10894)) == 0;
}

static bool no_lock(const struct ox_difference *d)
{
    return says(d, "lock") && instead_of(d, 6);
}

static bool odd_port(const struct ox_difference *d)
{
    return (says(d, "port 243, ed") || says(d, "port 247, ed") ||
            says(d, "port 24f, ed") || says(d, "port 3ef, ed")) &&
           (d->field == OX_R16_EAX || d->field == OX_R32_EAX ||
            d->field == OX_R64_RAX) &&
           (OURS(d) & 0xFFFF) == 0xFFFF && (PEER(d) & 0xFFFF) == 0;
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
