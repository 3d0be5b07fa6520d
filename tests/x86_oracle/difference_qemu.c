/* To what the rows of difference_qemu.def apply: control registers, MSRs,
 * storage.  The others are in the other files difference_qemu_*.c.
 *
 * What was looked up is QEMU 7.2's target/i386/tcg. */
#include "tests/x86_oracle/difference_qemu.h"

#include <stdio.h>

bool ox_instead_of(const struct ox_difference *d, unsigned ours)
{
    unsigned vector = vector_of(d);

    return vector == ours || (vector == 8 && ours >= 10 && ours <= 14);
}

bool ox_faults(const struct ox_difference *d, unsigned vector,
               struct ox_event *e, struct ox_code *code)
{
    return ox_instead_of(d, vector) &&
           ox_event_at(d->c, d->ours, d->start, e) &&
           ox_code_of(d->c, e, 0, code);
}

bool ox_peer_at(const struct ox_difference *d, struct ox_event *e,
                struct ox_code *code)
{
    return ox_event_at(d->c, d->theirs, d->start, e) &&
           ox_code_of(d->c, e, 0, code);
}

/* ---- Control registers ---- */

/* #GP(0) of a MOV to that control register, and what is written. */
static bool moves_to(const struct ox_difference *d, unsigned control,
                     struct ox_event *e, uint64_t *value)
{
    struct ox_code code;
    unsigned reg;

    if (!ox_faults(d, 13, e, &code) || e->error || !is_0f(&code, 0x22))
        return false;
    reg = reg_of(&code, 2) | (code.rex & 4) << 1;
    *value = e->gpr[(code.at[2] & 7) | (code.rex & 1) << 3];
    if (e->record != OX_R64)
        *value &= UINT32_MAX;
    return reg == control;
}

enum { PE = 1, PAE = 0x20, LMA = 0x400 };
#define PG UINT64_C(0x80000000)

bool ox_qemu_cache_bits(const struct ox_difference *d)
{
    struct ox_event e;
    uint64_t v;

    return moves_to(d, 0, &e, &v) && (v & 0x60000000) == 0x20000000;
}

struct ox_difference ox_final(const struct ox_difference *d)
{
    struct ox_difference at_end = *d;
    bool lost = !d->theirs->count ||
                ox_record_of(d->theirs->word[0]) == OX_RECORD_COUNT;

    if (lost)
        while (at_end.start < d->ours->count) {
            enum ox_record record = ox_record_of(d->ours->word[at_end.start]);

            if (record >= OX_SUMS)
                break;
            at_end.record = record;
            at_end.at = at_end.start;
            at_end.start += ox_record_size(record);
        }
    at_end.start = at_end.at;
    return lost ? at_end : *d;
}

/* PG without PE, PG of IA-32e mode without PAE, and out of it. */
bool ox_qemu_control_checks(const struct ox_difference *at)
{
    struct ox_difference d = ox_final(at);
    struct ox_event e;
    uint64_t v;

    if (moves_to(&d, 0, &e, &v))
        return (v & PG) ? !(v & PE) || (!(e.cr4 & PAE) && !(e.cr0 & PG) &&
                                        says(&d, "to long mode"))
                        : d.record == OX_R64 &&
                              (ox_upper_half_of(d.c, e.cs) & 0x200000);
    return moves_to(&d, 4, &e, &v) && d.record == OX_R64 &&
           (word_of(&d, OX_R64_EFER) & LMA) && !(v & PAE);
}

/* A MOV that loads the four entries of PAE paging. */
bool ox_qemu_no_pdptes(const struct ox_difference *d)
{
    struct ox_event e;
    uint64_t v;

    if (d->record != OX_R32)
        return false;
    if (moves_to(d, 3, &e, &v))
        return (e.cr0 & PG) && (e.cr4 & PAE);
    if (moves_to(d, 4, &e, &v))
        return (e.cr0 & PG) && (v & PAE);
    return moves_to(d, 0, &e, &v) && (v & PG) && (v & PE) && (e.cr4 & PAE);
}

/* Ours refuses bits, which QEMU answers as if it were in a guest of SVM. */
bool ox_qemu_control_reserved(const struct ox_difference *d)
{
    struct ox_event e;
    uint64_t v;

    if (moves_to(d, 3, &e, &v))
        return d->record == OX_R64 && v >> 40;
    return moves_to(d, 4, &e, &v) && (v & ~UINT64_C(0x3007FF));
}

/* Bits 63:32 are refused, too. */
bool ox_qemu_cr0_reserved(const struct ox_difference *d)
{
    struct ox_event e;
    uint64_t v;

    if (moves_to(d, 0, &e, &v))
        return d->record == OX_R64 && v >> 32;
    return (d->field == OX_R32_CR0 || d->field == OX_R64_CR0 ||
            d->field == OX_R16_CR0) &&
           ((OURS(d) ^ PEER(d)) & 0xE005003F) == 0;
}

bool ox_qemu_cr8_reserved(const struct ox_difference *d)
{
    struct ox_event e;
    uint64_t v;

    return moves_to(d, 8, &e, &v) && v > 15;
}

/* ---- MSRs ---- */

/* #GP(0) of WRMSR or, if `read`, of RDMSR, too. */
static bool at_msr(const struct ox_difference *d, bool read, uint32_t *index,
                   uint64_t *value)
{
    struct ox_event e;
    struct ox_code code;

    if (!ox_faults(d, 13, &e, &code) || e.error ||
        !(is_0f(&code, 0x30) || (read && is_0f(&code, 0x32))))
        return false;
    *index = (uint32_t)e.gpr[1];
    *value = e.gpr[2] << 32 | (uint32_t)e.gpr[0];
    return !is_users(&e);
}

bool ox_qemu_efer_lme(const struct ox_difference *d)
{
    uint32_t index;
    uint64_t value;

    return at_msr(d, false, &index, &value) && index == 0xC0000080 &&
           (d->c->field[CASE_CR0 / 4] & PG);
}

/* What QEMU does then may lose it. */
bool ox_qemu_efer_reserved(const struct ox_difference *d)
{
    enum { SCE = 1, LME = 0x100, NXE = 0x800 };
    struct ox_difference end = ox_final(d);
    uint32_t index;
    uint64_t value;

    return at_msr(&end, false, &index, &value) && index == 0xC0000080 &&
           (value & ~(uint64_t)(SCE | LME | LMA | NXE));
}

/* A program may have changed the index. */
static bool is_msr(uint32_t index)
{
    static const uint32_t list[] = {
#define MSR_PLAIN(number, name, form, where, words) number,
#define MSR_OWN(number, name, words)                number,
#define MSR_PLATFORM(number, name, words)           number,
#include "x86vmm/machine/msr.def"
#undef MSR_PLAIN
#undef MSR_OWN
#undef MSR_PLATFORM
    };

    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (index == list[i])
            return true;
    return false;
}

bool ox_qemu_unknown_msr(const struct ox_difference *d)
{
    uint32_t index;
    uint64_t value;

    return at_msr(d, true, &index, &value) && !is_msr(index);
}

bool ox_qemu_sysenter_cs(const struct ox_difference *d)
{
    return says(d, "wrmsr 174, ") && says(d, "rdmsr 174, ") &&
           is_accumulator(d) && OURS(d) >> 16 && PEER(d) == (OURS(d) & 0xFFFF);
}

bool ox_qemu_msr_address(const struct ox_difference *d)
{
    static const uint32_t list[] = {0xC0000082, 0xC0000083, 0xC0000100,
                                    0xC0000101, 0xC0000102, 0x175,
                                    0x176};
    uint32_t index;
    uint64_t v;

    if (!at_msr(d, false, &index, &v) || is_canonical(v))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (index == list[i])
            return true;
    return false;
}

/* Types 2, 3 and those beyond 7. */
bool ox_qemu_pat_types(const struct ox_difference *d)
{
    uint32_t index;
    uint64_t v;

    if (!at_msr(d, false, &index, &v) || index != 0x277)
        return false;
    for (; v; v >>= 8)
        if ((v & 0xFF) > 7 || (v & 0xFE) == 2)
            return true;
    return false;
}

bool ox_qemu_fmask_upper(const struct ox_difference *d)
{
    uint32_t index;
    uint64_t value;

    return at_msr(d, false, &index, &value) && index == 0xC0000084 &&
           value >> 32;
}

bool ox_qemu_table_base(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return d->c->bits == 64 && ox_faults(d, 13, &e, &code) && !e.error &&
           is_0f(&code, 1) && (reg_of(&code, 2) & 6) == 2;
}

/* ---- Storage ---- */

bool ox_qemu_reserved_present(const struct ox_difference *d)
{
    return (is_error(d) || d->field == OX_NEST_ERROR) &&
           (OURS(d) ^ PEER(d)) == 1 && (OURS(d) & 9) == 9;
}

static bool is_modify(const struct ox_difference *d)
{
    return says(d, "xchg") || says(d, "add ") || says(d, "bts") ||
           says(d, "inc/dec") || says(d, "cmpxchg");
}

/* D of an entry. */
static bool is_dirty_less(const struct ox_difference *d, uint32_t at,
                          uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    (void)before;
    return ((ours ^ theirs) & ~0x20u) == 0x40 && (ours & 0x40);
}

/* Ours has raised a #PF of a write, recorded or not. */
static bool raises_write(const struct ox_difference *d)
{
    struct ox_event e;

    for (uint32_t n = 0; ox_raised_event(d->ours, n, &e); n++)
        if (e.vector == 14 && (e.error & 2))
            return true;
    return false;
}

/* The error code of one that has no record, on the stack of the next. */
static bool is_pushed_error(const struct ox_difference *d)
{
    uint32_t bit = OURS(d) ^ PEER(d);

    return is_modify(d) && (OURS(d) & bit & 0x02020202) && !(bit & (bit - 1)) &&
           raises_write(d);
}

/* Of an operand across two pages the first one is dirty, too. */
bool ox_qemu_modify_is_write(const struct ox_difference *d)
{
    uint32_t differs;
    struct ox_event e;

    if (d->field == OX_SUMS_PAGES)
        return is_modify(d) && ox_all_words(d, is_dirty_less) &&
               (!ox_last_event(d->c, d->ours, d->start, &e) || e.vector == 8 ||
                raises_write(d));
    if ((d->field >= OX_R32_SAVED_ESP && d->field <= OX_R32_STACK_10) ||
        (d->field >= OX_R64_STACK_12 && d->field <= OX_R64_STACK_15))
        return is_pushed_error(d);
    differs = OURS(d) ^ PEER(d);
    return is_error(d) && vector_of(d) == 14 && (OURS(d) & 2) &&
           (differs == 2 || (differs == 3 && (OURS(d) & 9) == 9));
}

/* An operand across two pages, which both fault. */
bool ox_qemu_modify_second_page(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    return (is_error(d) || is_cr2(d)) && vector_of(d) == 14 && is_modify(d) &&
           ox_event_at(d->c, d->ours, d->start, &ours) &&
           ox_event_at(d->c, d->theirs, d->start, &theirs) &&
           (ours.error & 2) && theirs.cr2 == (ours.cr2 | 0xFFF) + 1;
}

static bool is_not_stored(const struct ox_difference *d, uint32_t at,
                          uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    (void)theirs;
    return ours == before;
}

/* The last fault of an operand; or that of which the last event, a double
 * fault, has come. */
static bool last_fault(const struct ox_difference *d, struct ox_event *e)
{
    struct ox_event raised;

    if (!ox_last_event(d->c, d->ours, d->start, e))
        return false;
    for (uint32_t n = 0;
         e->vector == 8 && ox_raised_event(d->ours, n, &raised) &&
         raised.vector != 8;
         n++)
        *e = raised;
    return e->vector >= 12 && e->vector <= 14;
}

/* It was of SGDT or SIDT, which has stored nothing. */
bool ox_qemu_torn_store(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return ox_all_words(d, is_not_stored) && last_fault(d, &e) &&
           ox_code_of(d->c, &e, 0, &code) && is_0f(&code, 1) &&
           reg_of(&code, 2) < 2;
}

bool ox_qemu_enter_probes(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (d->field == OX_SUMS_PAGES)
        return says(d, "enter") && ox_all_words(d, is_dirty_less);
    return ox_faults(d, 14, &e, &code) && code.at[0] == 0xC8;
}

bool ox_is_resume_less(const struct ox_difference *d, uint32_t at,
                       uint32_t before, uint32_t ours, uint32_t theirs)
{
    uint32_t bit = ours ^ theirs;

    (void)d;
    (void)at;
    (void)before;
    return (ours & bit) && !(bit & (bit - 1)) && (bit & 0x01010101);
}

bool ox_qemu_frames_in_data(const struct ox_difference *d)
{
    if (d->field >= OX_R32_SAVED_ESP && d->field <= OX_R32_STACK_10)
        return ox_is_resume_less(d, 0, 0, OURS(d), PEER(d));
    return ox_all_words(d, ox_is_resume_less);
}

/* As many exceptions of ours as are kept, the last of them at one place. */
static bool faults_on(const struct ox_difference *d)
{
    struct ox_event last, before;

    return ox_raised_event(d->ours, OX_RAISES_MAX - 1, &last) &&
           ox_raised_event(d->ours, OX_RAISES_MAX - 2, &before) &&
           last.vector == before.vector && last.ip == before.ip;
}

/* A register or the flags of a task that was left; else RF, or what one of the
 * two has stored when it executed them. */
static bool is_of_frames(const struct ox_difference *d, uint32_t at,
                         uint32_t before, uint32_t ours, uint32_t theirs)
{
    if (d->field == OX_SUMS_TSS)
        return (at & 0x1FF) >= 0x24 && (at & 0x1FF) < 0x48;
    return ox_is_resume_less(d, at, before, ours, theirs) || ours == before ||
           theirs == before || is_dirty_less(d, at, before, ours, theirs);
}

/* A handler that faults and faults has pushed frames over the stubs, where QEMU
 * stands, or over what it has met a fault of; ours has found something else in
 * them, or nothing to go on. */
bool ox_qemu_frames_executed(const struct ox_difference *d)
{
    if (d->record == OX_SUMS)
        return faults_on(d) && ox_all_words(d, is_of_frames);
    uint32_t ip = d->record == OX_NEST ? word_of(d, OX_NEST_IP) : 0;
    struct ox_event e;

    if (d->ours->kind == 'T' && d->start >= d->ours->count)
        return (faults_on(d) && d->start < d->theirs->count &&
                ox_record_of(d->theirs->word[d->start]) == OX_NEST) ||
               (ox_event_at(d->c, d->theirs, d->start, &e) &&
                e.ip >= AT_STUBS && e.ip < AT_STACK0);
    if (d->at == d->start && vector_of(d) != 1 &&
        ox_event_at(d->c, d->ours, d->start, &e))
        return e.ip >= AT_STUBS && e.ip < AT_STACK0 && e.cs == SEL_CODE;
    return d->field == OX_NEST_FLAGS && ip >= AT_STUBS && ip < AT_STACK0 &&
           (OURS(d) & ~PEER(d) & 0x10000);
}

/* As on Bochs, too. */
bool ox_qemu_watchdog(const struct ox_difference *d)
{
    return !d->ours->kind && d->theirs->kind == 'T' && d->witness &&
           !d->witness->kind && ox_all_raised(d);
}

bool ox_qemu_cmps_order(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return (is_error(d) || is_cr2(d)) && ox_faults(d, 14, &e, &code) &&
           (code.at[0] & 0xFE) == 0xA6;
}

/* No machine has storage there: Bochs and QEMU have 32 MiB. */
static bool is_nowhere(uint64_t at)
{
    return at >= 32 << 20 && at < IMAGE_ROM;
}

/* Not at CPL 3 with AM and AC it would not be one of ours either. */
bool ox_qemu_no_alignment(const struct ox_difference *d)
{
    struct ox_event e;

    return vector_of(d) == 17 && ox_event_at(d->c, d->ours, d->start, &e) &&
           is_users(&e) && (e.flags & 0x40000) && (e.cr0 & 0x40000);
}

/* Flags that were popped from there: AC NT OF DF TF SF ZF AF PF CF, and bit 1.
 * Or arithmetic ones of a program that runs through page tables with a pointer
 * to there. */
static bool is_flags_of_nothing(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (d->c->field[CASE_CR0 / 4] & PG)
        return false;
    if (says(d, "popf") && (OURS(d) & 0x44DD7) == 0x44DD7)
        return (PEER(d) & 0x44DD7) == 2;
    if (((OURS(d) ^ PEER(d)) & ~UINT32_C(0x8D5)) ||
        !ox_event_at(d->c, d->ours, d->start, &e) ||
        !ox_code_of(d->c, &e, 0, &code) || code.address < AT_PD_32)
        return false;
    for (unsigned i = 0; i < 8; i++)
        if (is_nowhere(e.gpr[i]))
            return true;
    return false;
}

/* A byte by FS or GS, whose base the program has set by WRMSR. */
static bool is_byte_nowhere(const struct ox_difference *d)
{
    static const struct {
        const char *base, *from;
    } segments[] = {{"wrmsr c0000100, ", "mov al, 64:["},
                    {"wrmsr c0000101, ", "mov al, 65:["}};

    if ((d->c->field[CASE_CR0 / 4] & PG) || !is_accumulator(d) ||
        (OURS(d) ^ PEER(d)) != 0xFF || (PEER(d) & 0xFF))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
        const char *base = strstr(d->c->text, segments[i].base);
        const char *from = strstr(d->c->text, segments[i].from);
        unsigned long long value;
        unsigned at;

        if (base && from && base < from &&
            sscanf(base + strlen(segments[i].base), "%llx", &value) == 1 &&
            sscanf(from + strlen(segments[i].from), "%x", &at) == 1 &&
            is_nowhere((uint32_t)(value + at)))
            return true;
    }
    return false;
}

/* All ones are no instruction; zeros are one. */
static bool is_run_nowhere(const struct ox_difference *d)
{
    struct ox_event e;

    return vector_of(d) == 6 && ox_event_at(d->c, d->ours, d->start, &e) &&
           !(e.cr0 & PG) && e.record == OX_R32 && is_nowhere(e.ip);
}

/* The peer's record was written on a stack where no machine has storage; or a
 * selector, or flags, came from there, or from a PC's video or firmware. */
bool ox_qemu_no_storage(const struct ox_difference *d)
{
    struct ox_event e;

    if (is_error(d))
        return OURS(d) == 0xFFFC && !PEER(d) && says(d, "popa") &&
               !(d->c->field[CASE_CR0 / 4] & PG);
    if (ox_is_operand_outside(d) || is_byte_nowhere(d) || is_run_nowhere(d))
        return true;
    if (is_flags(d))
        return is_flags_of_nothing(d);

    return ox_event_at(d->c, d->theirs, d->start, &e) && e.record == OX_R32 &&
           !(e.cr0 >> 31) && is_nowhere(e.sp) && !e.error && !e.ip && !e.cs &&
           !e.flags && !e.vector;
}

const struct ox_explanation ox_qemu_rows[] = {
#define DIFFERENCE(name, source, words) \
    {#name, source, words, ox_qemu_##name, false},
#include "tests/x86_oracle/difference_qemu.def"
#undef DIFFERENCE
    {NULL, NULL, NULL, NULL, false},
};

const struct ox_explanation *ox_explain_equal(const struct ox_difference *d)
{
    const struct ox_explanation *e = ox_qemu_rows;

    while (e->name && e->applies != ox_qemu_watched_pages)
        e++;
    return e->name && ox_witnessed(d) && e->applies(d) ? e : NULL;
}

_Static_assert(ARRAY_LEN(ox_qemu_rows) <= OX_ROWS_MAX, "too many rows");
