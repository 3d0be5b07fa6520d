/* To what the rows of difference_bochs.def apply. */
#include "tests/x86_oracle/difference_bochs.h"

#include <stdio.h>

/* ---- What has happened ---- */

unsigned ox_last_vector(const struct ox_difference *d)
{
    const struct ox_result *r = d->ours;
    unsigned vector = 256;

    for (uint32_t i = 0; i < r->count;) {
        enum ox_record record = ox_record_of(r->word[i]);

        if (record == OX_RECORD_COUNT || record == OX_SUMS)
            break;
        vector = r->word[i] & 0xFF;
        i += ox_record_size(record);
    }
    return vector;
}

bool ox_is_cut_off(const struct ox_difference *d)
{
    const struct ox_result *r = d->ours;
    enum ox_record record = OX_RECORD_COUNT;

    for (uint32_t i = 0; i < r->count; i += ox_record_size(record)) {
        enum ox_record next = ox_record_of(r->word[i]);

        if (next == OX_RECORD_COUNT || next == OX_SUMS)
            break;
        record = next;
    }
    return record == OX_NEST && (d->c->field[CASE_DR7 / 4] & 0x2000) &&
           ox_last_vector(d) == 1;
}

/* It has ended with a fault of storage or of the stack. */
static bool has_faulted(const struct ox_difference *d)
{
    unsigned v = ox_last_vector(d);

    return ox_is_cut_off(d) || v == 8 || (v >= 12 && v <= 14) || v == 17;
}

bool ox_is_stored(const struct ox_difference *d)
{
    return (d->field >= OX_SUMS_STACK_0 && d->field <= OX_SUMS_PAGES) ||
           d->field == OX_SUMS_PAGES_ACCESSED || d->field == OX_SUMS_TABLES ||
           d->field == OX_SUMS_TABLES_ACCESSED;
}

static bool is_dr6(const struct ox_difference *d)
{
    return d->field == OX_R16_DR6 || d->field == OX_R32_DR6 ||
           d->field == OX_R64_DR6 || d->field == OX_NEST_DR6;
}

/* ---- Debugging ---- */

/* RF of a saved frame. */
static bool is_flag_less(const struct ox_difference *d, uint32_t at,
                         uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    (void)before;
    return (ours ^ theirs) == 0x10000 && (ours & 0x10000);
}

/* In a recorder, which has met something else then. */
static bool was_detected(const struct ox_difference *d)
{
    struct ox_event e;

    if (d->c->field[CASE_DR7 / 4] & GD)
        for (uint32_t n = 0; ox_raised_event(d->ours, n, &e); n++)
            if (e.vector == 1 && e.ip >= AT_RECORD && e.ip < AT_PD_32)
                return true;
    return false;
}

bool ox_bochs_general_detect_flag(const struct ox_difference *d)
{
    uint32_t dr6;

    if (d->field >= OX_SUMS_STACK_0 && d->field <= OX_SUMS_STACK_TASK)
        return ((ox_is_cut_off(d) && (says(d, "mov dr") || says(d, ", dr"))) ||
                was_detected(d)) &&
               ox_all_words(d, is_flag_less);
    if (!is_flags(d) || vector_of(d) != 1 || (OURS(d) ^ PEER(d)) != 0x10000)
        return false;
    dr6 = word_of(d, d->record == OX_R32   ? OX_R32_DR6
                     : d->record == OX_R64 ? OX_R64_DR6
                                           : OX_NEST_DR6);
    return (OURS(d) & 0x10000) && (dr6 & BD);
}

/* Only ours has stored that. */
static bool is_left(const struct ox_difference *d, uint32_t at, uint32_t before,
                    uint32_t ours, uint32_t theirs)
{
    uint32_t wrong = ours ^ theirs;

    (void)d;
    (void)at;
    for (unsigned i = 0; i < 32; i += 8)
        if ((wrong >> i & 0xFF) && ((theirs ^ before) >> i & 0xFF))
            return false;
    return true;
}

/* A step above CPL 0 that begins with DR7, or one of it. */
bool ox_bochs_detect_before_level(const struct ox_difference *d)
{
    if (!d->c->cpl || !(d->c->field[CASE_DR7 / 4] & GD) ||
        !(says(d, "mov dr") || says(d, ", dr") || says(d, "to long") ||
          says(d, "paging off")))
        return false;
    if (d->field >= OX_SUMS_STACK_0 && d->field <= OX_SUMS_STACK_TASK)
        /* of both a double fault, in whose recorder ours meets GD */
        return ox_last_vector(d) == 8 && ox_all_words(d, is_left);
    return parted(d, 13, 1) || /* then a 16-bit recorder meets GD */
           (d->at == d->start && d->record == OX_NEST && parted(d, 1, 1));
}

/* Bits 3:0 that only Bochs sets. */
bool ox_bochs_told_breakpoints(const struct ox_difference *d)
{
    uint32_t extra, dr7;

    if (!is_dr6(d) || (OURS(d) & ~PEER(d)) || (PEER(d) & ~OURS(d) & ~0xFu) ||
        !(PEER(d) & (BS | BD | 0xF)))
        return false;
    extra = PEER(d) & ~OURS(d);
    dr7 = d->record == OX_NEST  ? d->c->field[CASE_DR7 / 4]
          : d->record == OX_R32 ? word_of(d, OX_R32_DR7)
          : d->record == OX_R64 ? word_of(d, OX_R64_DR7)
                                : word_of(d, OX_R16_DR7);
    for (unsigned n = 0; n < 4; n++)
        if ((extra >> n & 1) && (dr7 >> 2 * n & 3) &&
            ((dr7 >> (16 + 4 * n) & 3) || !(PEER(d) & (BS | BD))))
            return false; /* enabled, and not an instruction's */
    return true;
}

/* #DB behind a POP that has read there. */
bool ox_bochs_pop_segment(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (d->at != d->start || vector_of(d) != 1 || !says(d, "pop ") ||
        !ox_event_at(d->c, d->ours, d->start, &e) || !(e.dr6 & 0xF))
        return false;
    return (ox_code_of(d->c, &e, 2, &code) && code.at[0] == 0x0F &&
            (code.at[1] & 0xF7) == 0xA1) || /* FS, GS */
           (ox_code_of(d->c, &e, 1, &code) && (code.at[0] & 0xE7) == 7);
}

/* Ours at the stub of the vector that is next in Bochs. */
bool ox_bochs_held_breakpoint(const struct ox_difference *d)
{
    struct ox_event e;

    return says(d, "watched") && d->at == d->start && vector_of(d) == 1 &&
           ox_event_at(d->c, d->ours, d->start, &e) && (e.dr6 & 0xF) &&
           e.ip == (e.record == OX_R64 ? AT_STUBS64 : AT_STUBS) +
                       16 * vector_there(d);
}

bool ox_bochs_low_dr6(const struct ox_difference *d)
{
    return is_dr6(d) && (OURS(d) & BD) && !(PEER(d) & 0xF) &&
           (OURS(d) & ~0xFu) == PEER(d);
}

bool ox_bochs_kept_dr6(const struct ox_difference *d)
{
    return is_dr6(d) && (says(d, "mov dr6") || says(d, "mov dr4")) &&
           (OURS(d) & BT) && (OURS(d) ^ PEER(d)) == BT;
}

bool ox_bochs_dr7_rtm(const struct ox_difference *d)
{
    return (d->field == OX_R16_DR7 || d->field == OX_R32_DR7 ||
            d->field == OX_R64_DR7) &&
           (PEER(d) & 0x800) && (OURS(d) ^ PEER(d)) == 0x800;
}

/* ---- Halves of instructions ---- */

/* Each byte that only Bochs has stored is one of a limit that LGDT, LIDT or the
 * case has loaded, or it is D of the page where that is. */
static bool is_limit(const struct ox_difference *d, uint32_t at,
                     uint32_t before, uint32_t ours, uint32_t theirs)
{
    const char *text = d->c->text;
    uint32_t wrong = ours ^ theirs, seen = 0;
    unsigned limit, i;

    if (at >= AT_PD_32 && wrong == (theirs & ~ours & 0x60))
        return true;
    for (i = CASE_GDTR; i <= CASE_IDTR; i += CASE_IDTR - CASE_GDTR) {
        limit = d->c->field[i / 4] >> 16;
        seen |= limit;
    }
    while ((text = strstr(text, "dt ")) != NULL) {
        text += 3;
        if (sscanf(text, "%x,", &limit) == 1)
            seen |= limit;
    }
    seen = (seen & 0xFF) | (seen >> 8 & 0xFF);
    for (i = 0; i < 32; i += 8)
        if ((wrong >> i & 0xFF) &&
            ((ours >> i & 0xFF) != (before >> i & 0xFF) ||
             (theirs >> i & 0xFF & ~seen)))
            return false;
    return true;
}

bool ox_bochs_torn_store(const struct ox_difference *d)
{
    return ox_is_stored(d) && has_faulted(d) &&
           (says(d, "sgdt [") || says(d, "sidt [")) &&
           ox_all_words(d, is_limit);
}

/* A string instruction may have been there before. */
static bool is_moved(const struct ox_difference *d, uint32_t at)
{
    const char *text = strstr(d->c->text, "movsb ");
    unsigned from, to, times;

    return text && sscanf(text, "movsb %x, %x, %u", &from, &to, &times) == 3 &&
           (at + 3 - from < times + 3 || at + 3 - to < times + 3);
}

/* Below a stack pointer that a step has set. */
static bool is_pushed(const struct ox_difference *d, uint32_t at,
                      uint32_t before, uint32_t ours, uint32_t theirs)
{
    const char *text = d->c->text;
    unsigned sp;

    (void)theirs;
    while ((text = strstr(text, "sp ")) != NULL) {
        text += 3;
        if (sscanf(text, "%x;", &sp) == 1 && ((sp - 1 - at) & 0xFFF) < 0x28)
            return ours == before || is_moved(d, at);
    }
    return false;
}

bool ox_bochs_torn_push(const struct ox_difference *d)
{
    return ox_is_stored(d) && has_faulted(d) &&
           (says(d, "; pusha") || says(d, "enter 16, 2")) &&
           ox_all_words(d, is_pushed);
}

/* A return address, or the A and D of the entry that maps where it is. */
static bool is_return(const struct ox_difference *d, uint32_t at,
                      uint32_t before, uint32_t ours, uint32_t theirs)
{
    const uint32_t *f = d->c->field;
    uint32_t ip = f[CASE_IP / 4], cs = f[CASE_CS / 4], sp = f[CASE_SP / 4];
    unsigned set_to;
    bool flags = says(d, "pushf") || says(d, "popf"); /* a word, perhaps */
    const char *set = strstr(d->c->text, "sp ");

    if (set && sscanf(set, "sp %x;", &set_to) == 1 && says(d, "call +0"))
        sp = set_to;
    if (at >= AT_PD_32 && (f[CASE_CR0 / 4] >> 31))
        return (ours | (theirs & 0x60)) == theirs && !(ours & ~theirs);
    if (ours != before && !flags && !says(d, "pop ") && !says(d, "call +0"))
        return false; /* nor what a step before has left there */
    if (((sp & 1) || flags) && ((sp + 2 - at) & 0xFFF) < 0x40) /* not aligned */
        return true;
    return theirs - ip < 0xF00 || theirs == cs || theirs == 0 ||
           (theirs >> 16 == cs && ((theirs - ip) & 0xFFFF) < 0xF00);
}

/* The two vectors, where the record of them has been lost. */
static bool is_stack_fault(const struct ox_difference *d, uint32_t at,
                           uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    (void)before;
    return ours >> 16 == 13 && theirs >> 16 == 12 && !((ours ^ theirs) << 16);
}

bool ox_bochs_call_pushes(const struct ox_difference *d)
{
    unsigned v = ox_last_vector(d);

    if (!says(d, "near to") && !says(d, "call far") && !says(d, "call rax"))
        return false;
    if (parted(d, 13, 12) || parted(d, 13, 14) || parted(d, 13, 17))
        return true; /* and what is pushed has faulted */
    if (!ox_is_stored(d) || (v != 13 && v != 8 && v != 12 && !ox_is_cut_off(d)))
        return false;
    return ox_all_words(d, is_return) || ox_all_words(d, is_stack_fault);
}

/* EIP of a task that another one has taken the place of. */
static bool is_saved_eip(const struct ox_difference *d, uint32_t at,
                         uint32_t before, uint32_t ours, uint32_t theirs)
{
    uint32_t ip = d->c->field[CASE_IP / 4];

    (void)before;
    return at == AT_TSS + 0x20 && theirs < ours && theirs - ip < 0xF00;
}

bool ox_bochs_table_alignment(const struct ox_difference *d)
{
    if (d->record == OX_SUMS) /* the delivery was a double fault */
        return ox_last_vector(d) == 8 &&
               (d->c->field[CASE_FLAGS / 4] & 0x40000) &&
               (says(d, "sgdt [") || says(d, "sidt [")) &&
               (ox_all_words(d, is_saved_eip) ||
                (ox_is_stored(d) && ox_all_words(d, is_left)));
    return (says(d, "sgdt [") || says(d, "sidt [")) &&
           (vector_of(d) == 17 ||
            (d->at == d->start && (PEER(d) & 0xFF) == 17));
}

/* ---- System calls ---- */

bool ox_bochs_fmask_upper(const struct ox_difference *d)
{
    static const char word[] = "wrmsr c0000084, ";
    const char *at = d->c->text;

    if (vector_of(d) != 13) /* of WRMSR, or of what comes after it */
        return false;
    while ((at = strstr(at, word)) != NULL) {
        at += sizeof(word) - 1;
        if (*at != '0')
            return true;
    }
    return false;
}

static bool is_accessed_less(const struct ox_difference *d, uint32_t at,
                             uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    return (ours ^ theirs) == 0x20 && theirs == before;
}

/* Its #DB; or what that meets on its stack, at its handler; or DR6 of it, where
 * delivering it is a double fault, before the page to which it leads is looked
 * at. */
bool ox_bochs_syscall_trace(const struct ox_difference *d)
{
    if (!says(d, "syscall") || !(d->c->field[CASE_MSR / 4 + 2] & 0x100))
        return false;
    if (d->field == OX_SUMS_PAGES_ACCESSED)
        return ox_last_vector(d) == 8 && ox_all_words(d, is_accessed_less);
    if (d->field == OX_R64_RIP && vector_of(d) == 1)
        return PEER(d) == AT_STUBS64 + 16;
    return d->field == OX_R64_DR6
               ? vector_of(d) == 8 && (OURS(d) ^ PEER(d)) == BS &&
                     (PEER(d) & BS)
               : d->field == OX_R64_HEAD && vector_of(d) != 1 &&
                     (PEER(d) & 0xFF) == 1;
}

bool ox_bochs_sysret_flags(const struct ox_difference *d)
{
    return says(d, "sysret") && d->field == OX_R64_RFLAGS &&
           vector_of(d) == 1 && (word_of(d, OX_R64_DR6) & BS) &&
           (OURS(d) ^ PEER(d)) == 0x10000 && (PEER(d) & 0x10000);
}

bool ox_bochs_sysret_trace(const struct ox_difference *d)
{
    return says(d, "sysret") && d->field == OX_R64_HEAD &&
           (vector_of(d) == 1) != ((PEER(d) & 0xFF) == 1);
}

const struct ox_explanation ox_bochs_rows[] = {
#define DIFFERENCE(name, source, words) \
    {#name, source, words, ox_bochs_##name, true},
#include "tests/x86_oracle/difference_bochs.def"
#undef DIFFERENCE
    {NULL, NULL, NULL, NULL, false},
};

_Static_assert(ARRAY_LEN(ox_bochs_rows) <= OX_ROWS_MAX, "too many rows");
