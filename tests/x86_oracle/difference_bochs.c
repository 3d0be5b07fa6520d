/* To what the rows of difference_bochs.def apply. */
#include "tests/x86_oracle/difference.h"

#include <stdio.h>

/* ---- What has happened ---- */

/* The vector of the last event that ours has recorded; none: 256. */
static unsigned last_vector(const struct ox_difference *d)
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

/* With DR7.GD a recorder ends where it reads DR6: of what, it cannot say. */
static bool is_cut_off(const struct ox_difference *d)
{
    return (d->c->field[CASE_DR7 / 4] & 0x2000) && last_vector(d) == 1;
}

/* It has ended with a fault of storage or of the stack. */
static bool has_faulted(const struct ox_difference *d)
{
    unsigned v = last_vector(d);

    return is_cut_off(d) || v == 8 || (v >= 12 && v <= 14) || v == 17;
}

/* Sums of what a program stores to, D of its pages too. */
static bool is_stored(const struct ox_difference *d)
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

enum { BD = 0x2000, BS = 0x4000, BT = 0x8000, GD = 0x2000 };

/* A step that reads or writes DR7 or another one. */
static bool uses_debug(const struct ox_difference *d)
{
    return says(d, "mov dr") || says(d, ", dr") || says(d, "leave long") ||
           says(d, "to long") || says(d, "to protected") || says(d, "paging");
}

/* RF of a saved frame. */
static bool is_flag_less(const struct ox_difference *d, uint32_t at,
                         uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    (void)before;
    return (ours ^ theirs) == 0x10000 && (ours & 0x10000);
}

static bool general_detect_flag(const struct ox_difference *d)
{
    uint32_t dr6;

    if (d->field >= OX_SUMS_STACK_0 && d->field <= OX_SUMS_STACK_TASK)
        return is_cut_off(d) && uses_debug(d) && ox_all_words(d, is_flag_less);
    if (!is_flags(d) || vector_of(d) != 1 || (OURS(d) ^ PEER(d)) != 0x10000)
        return false;
    dr6 = word_of(d, d->record == OX_R32   ? OX_R32_DR6
                     : d->record == OX_R64 ? OX_R64_DR6
                                           : OX_NEST_DR6);
    return (OURS(d) & 0x10000) && (dr6 & BD);
}

static bool detect_before_level(const struct ox_difference *d)
{
    if (!d->c->cpl || !(d->c->field[CASE_DR7 / 4] & GD) ||
        !(says(d, "mov dr") || says(d, ", dr")))
        return false;
    return parted(d, 13, 1) || /* then the recorder meets GD */
           (d->at == d->start && d->record == OX_NEST && parted(d, 1, 1));
}

/* Bits 3:0 that only Bochs sets. */
static bool told_breakpoints(const struct ox_difference *d)
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

static bool low_dr6(const struct ox_difference *d)
{
    return is_dr6(d) && (OURS(d) & BD) && !(PEER(d) & 0xF) &&
           (OURS(d) & ~0xFu) == PEER(d);
}

static bool kept_dr6(const struct ox_difference *d)
{
    return is_dr6(d) && (says(d, "mov dr6") || says(d, "mov dr4")) &&
           (OURS(d) & BT) && (OURS(d) ^ PEER(d)) == BT;
}

static bool dr7_rtm(const struct ox_difference *d)
{
    return (d->field == OX_R16_DR7 || d->field == OX_R32_DR7 ||
            d->field == OX_R64_DR7) &&
           (PEER(d) & 0x800) && (OURS(d) ^ PEER(d)) == 0x800;
}

/* ---- Halves of instructions ---- */

/* Each byte that only Bochs has stored is one of a limit that LGDT, LIDT or the
 * case has loaded. */
static bool is_limit(const struct ox_difference *d, uint32_t at,
                     uint32_t before, uint32_t ours, uint32_t theirs)
{
    const char *text = d->c->text;
    uint32_t wrong = ours ^ theirs, seen = 0;
    unsigned limit, i;

    (void)at;
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

static bool torn_store(const struct ox_difference *d)
{
    return is_stored(d) && has_faulted(d) &&
           (says(d, "sgdt [") || says(d, "sidt [")) &&
           ox_all_words(d, is_limit);
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
            return ours == before;
    }
    return false;
}

static bool torn_push(const struct ox_difference *d)
{
    return is_stored(d) && has_faulted(d) &&
           (says(d, "; pusha") || says(d, "enter 16, 2")) &&
           ox_all_words(d, is_pushed);
}

/* A return address, or the A and D of the entry that maps where it is. */
static bool is_return(const struct ox_difference *d, uint32_t at,
                      uint32_t before, uint32_t ours, uint32_t theirs)
{
    const uint32_t *f = d->c->field;
    uint32_t ip = f[CASE_IP / 4], cs = f[CASE_CS / 4], sp = f[CASE_SP / 4];
    bool flags = says(d, "pushf") || says(d, "popf"); /* a word, perhaps */

    if (at >= AT_PD_32)
        return (ours | (theirs & 0x60)) == theirs && !(ours & ~theirs);
    if (ours != before && !flags)
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

static bool call_pushes(const struct ox_difference *d)
{
    unsigned v = last_vector(d);

    if (!says(d, "near to") && !says(d, "call far") && !says(d, "call rax"))
        return false;
    if (parted(d, 13, 12) || parted(d, 13, 14) || parted(d, 13, 17))
        return true; /* and what is pushed has faulted */
    if (!is_stored(d) || (v != 13 && v != 8 && v != 12 && !is_cut_off(d)))
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

static bool table_alignment(const struct ox_difference *d)
{
    if (d->record == OX_SUMS) /* the delivery was a double fault */
        return last_vector(d) == 8 && (d->c->field[CASE_FLAGS / 4] & 0x40000) &&
               (says(d, "sgdt [") || says(d, "sidt [")) &&
               (ox_all_words(d, is_saved_eip) ||
                (is_stored(d) && ox_all_words(d, is_left)));
    return (says(d, "sgdt [") || says(d, "sidt [")) &&
           (vector_of(d) == 17 ||
            (d->at == d->start && (PEER(d) & 0xFF) == 17));
}

/* ---- System calls ---- */

static bool fmask_upper(const struct ox_difference *d)
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

static bool syscall_trace(const struct ox_difference *d)
{
    return says(d, "syscall") && d->field == OX_R64_HEAD && vector_of(d) != 1 &&
           (PEER(d) & 0xFF) == 1 && (d->c->field[CASE_MSR / 4 + 2] & 0x100);
}

static bool sysret_trace(const struct ox_difference *d)
{
    return says(d, "sysret") && d->field == OX_R64_HEAD &&
           (vector_of(d) == 1) != ((PEER(d) & 0xFF) == 1);
}

/* ---- Descriptors of 16 bytes ---- */

static bool system_upper_half(const struct ox_difference *d)
{
    return d->c->mode == OX_COMPAT && d->record == OX_R64 &&
           vector_of(d) == 13 && (says(d, "ltr") || says(d, "lldt"));
}

/* The program has put 5s there, and takes away what is undefined. */
static bool told_upper_half(const struct ox_difference *d)
{
    if (!(says(d, "lsl") || says(d, "lar")))
        return false;
    if (d->field == OX_R64_RAX)
        return (PEER(d) | 0xF0000) >> 16 == 0x555F;
    return d->record == OX_R64 && is_flags(d) && (OURS(d) & 0x40) &&
           (OURS(d) ^ PEER(d)) == 0x40;
}

/* A gate of the second stream's, with something in bits 12:8 of its last
 * doubleword. */
static bool gate_reserved(const struct ox_difference *d)
{
    for (unsigned v = 0x8E; v <= 0x8F; v++) {
        const uint8_t *gate = d->c->arena + AT_IDT_64 + 16 * v;

        if (d->c->more && says(d, v == 0x8E ? "int 8e" : "int 8f") &&
            (load_le32(gate + 12) & 0x1F00) && d->record == OX_R64 &&
            (d->field == OX_R64_HEAD || d->field == OX_R64_ERROR) &&
            (d->theirs->word[d->start] & 0xFF) == 13 &&
            d->theirs->word[d->start + (OX_R64_ERROR - OX_R64_HEAD)] ==
                8 * v + 2)
            return true;
    }
    return false;
}

/* A frame of a gate that leads to what is not canonical: on a stack that ours
 * has left as it was. */
static bool is_frame(const struct ox_difference *d, uint32_t at,
                     uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    if (at >= AT_PD_32)
        return !(ours & ~theirs) && !((ours ^ theirs) & ~0x60u);
    return ours == before && at >= AT_STACK0 && at < AT_STACK_T + 0x1000;
}

static bool gate_pushes(const struct ox_difference *d)
{
    const uint8_t *idt = d->c->arena + AT_IDT_64;
    const uint8_t *call = d->c->arena + AT_GDT + SEL_CALL_64;
    unsigned v = last_vector(d);
    bool wild =
        (says(d, "int 8e") && load_le32(idt + 16 * 0x8E + 8)) ||
        (says(d, "int 8f") && load_le32(idt + 16 * 0x8F + 8)) ||
        ((says(d, "call far") || says(d, "jmp far")) && load_le32(call + 8));

    return d->c->more && wild && is_stored(d) &&
           (v == 13 || v == 8 || is_cut_off(d)) && ox_all_words(d, is_frame);
}

/* At both ends of what is canonical. */
static bool alignment_first(const struct ox_difference *d)
{
    return d->c->more && d->c->cpl == 3 && parted(d, 13, 17) &&
           (d->c->field[CASE_CR0 / 4] & 0x40000) &&
           (says(d, "rax 7fffffffffff") || says(d, "rax 7ffffffffffc") ||
            says(d, "rax ffff7ffffffffffc") || says(d, "rax ffff7fffffffffff"));
}

/* From the address in RAX, or to it. */
static bool table_halves(const struct ox_difference *d)
{
    if (says(d, "sgdt [rax]"))
        return parted(d, 13, 14) && says(d, "rax 7ffffffffffc; sgdt");
    if (!says(d, "lgdt [rax]"))
        return false;
    if (d->field == OX_R64_CR2)
        return PEER(d) == OURS(d) + 2;
    if (parted(d, 14, 13)) /* the base is there, and not canonical */
        return says(d, "rax ffffffffffffffff; lgdt");
    return parted(d, 13, 14) && says(d, "rax ffff7fffffffffff; lgdt");
}

/* ---- Privilege ---- */

/* A return address, or a part of it, that only ours has pushed there. */
static bool is_ours(const struct ox_difference *d, uint32_t at, uint32_t before,
                    uint32_t ours, uint32_t theirs)
{
    uint32_t ip = d->c->field[CASE_IP / 4], cs = d->c->field[CASE_CS / 4];

    if (at >= AT_PD_32)
        return !(theirs & ~ours) && !((ours ^ theirs) & ~0x60u);
    return theirs == before && (ours - ip < 0xF00 || ours == cs);
}

static bool far_to_compatible(const struct ox_difference *d)
{
    if (d->c->mode == OX_COMPAT && d->c->bits == 16 && says(d, "call far") &&
        d->c->field[CASE_SS / 4] != SEL_STACK) {
        if (d->field >= OX_R64_STACK_12 && d->field <= OX_R64_STACK_15)
            return PEER(d) - d->c->field[CASE_IP / 4] < 0xF00 ||
                   PEER(d) == d->c->field[CASE_CS / 4];
        return is_stored(d) && ox_all_words(d, is_ours);
    }
    return d->c->mode == OX_LONG && says(d, "call far") &&
           d->field == OX_R64_HEAD && vector_of(d) != 12 &&
           (PEER(d) & 0xFF) == 12;
}

static bool conforming_level(const struct ox_difference *d)
{
    const uint32_t *theirs = d->theirs->word + d->start;
    const uint32_t *ours = d->ours->word + d->start;
    unsigned error = d->record == OX_R64 ? OX_R64_ERROR - OX_R64_HEAD
                                         : OX_R32_ERROR - OX_R32_HEAD;

    if (!(d->c->field[CASE_CR4 / 4] & 0x200000) || !says(d, "call far") ||
        (d->record != OX_R64 && d->record != OX_R32))
        return false;
    if (d->field == OX_R32_CR2 || d->field == OX_R64_CR2)
        return vector_of(d) == 8; /* its delivery was a double fault */
    return (theirs[0] & 0xFF) == 14 && theirs[error] == 3 &&
           ((ours[0] & 0xFF) != 14 || (ours[error] & 4));
}

static bool gate_stack_16(const struct ox_difference *d)
{
    return says(d, "call far") && d->field >= OX_R32_SAVED_ESP &&
           d->field <= OX_R32_STACK_10 && OURS(d) > 0xFFFF &&
           PEER(d) == (OURS(d) & 0xFFFF);
}

/* ---- Tasks, virtual-8086 mode ---- */

static bool task_trace(const struct ox_difference *d)
{
    if (d->c->mode == OX_LONG || d->c->mode == OX_COMPAT || !goes_to_task(d))
        return false;
    if (d->field == OX_R32_DR6) /* the new task's T bit is all that it saw */
        return (OURS(d) & BT) && (OURS(d) & BS) && (OURS(d) ^ PEER(d)) == BS;
    return d->field == OX_R32_HEAD && vector_of(d) == 1;
}

/* A of a descriptor. */
static bool is_accessed(const struct ox_difference *d, uint32_t at,
                        uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    (void)before;
    return (ours ^ theirs) == 0x100;
}

/* Faults of a new task that is not right in several ways: CS is looked at
 * before the others, but for SS, or behind them. */
static bool task_order(const struct ox_difference *d)
{
    unsigned ours = last_vector(d), peer;
    const uint32_t *theirs;
    uint32_t cs;

    if (d->c->mode == OX_LONG || d->c->mode == OX_COMPAT || !goes_to_task(d))
        return false;
    if (d->field == OX_SUMS_TABLES_ACCESSED)
        return ((ours >= 10 && ours <= 12) || is_cut_off(d)) &&
               ox_all_words(d, is_accessed);
    if (d->record != OX_R32)
        return false;
    cs = word_of(d, OX_R32_CS) & 0xFFFC;
    theirs = d->theirs->word + d->start;
    peer = theirs[0] & 0xFF;
    return (d->field == OX_R32_HEAD || d->field == OX_R32_ERROR) &&
           (vector_of(d) == 10 || vector_of(d) == 11) &&
           (peer == 10 || peer == 11) &&
           (word_of(d, OX_R32_ERROR) & 0xFFFC) == cs &&
           (theirs[OX_R32_ERROR - OX_R32_HEAD] & 0xFFFC) != cs;
}

/* What IRET loads, of a task that another one has taken the place of. */
static bool is_saved_frame(const struct ox_difference *d, uint32_t at,
                           uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)before;
    (void)ours;
    (void)theirs;
    return at >= AT_TSS + 0x20 && at < AT_TSS + 0x60;
}

static bool v86_iret_limit(const struct ox_difference *d)
{
    const char *at = d->c->text;
    unsigned selector, to, flags;
    bool wild = false;

    while ((at = strstr(at, "iret to ")) != NULL) {
        at += 8;
        if (sscanf(at, "%x:%x flags %x", &selector, &to, &flags) == 3 &&
            to > 0xFFFF && (d->c->mode == OX_V86 || (flags & 0x20000)))
            wild = true;
    }
    if (wild && d->field == OX_SUMS_TSS) /* its delivery was a double fault */
        return last_vector(d) == 8 && ox_all_words(d, is_saved_frame);
    if (!wild || vector_of(d) != 13 || d->record != OX_R32)
        return false;
    return d->at == d->start || d->field == OX_R32_EIP;
}

/* ---- Outside ---- */

/* An event of a program of real-address or virtual-8086 mode there. */
static bool is_outside(enum ox_record record, const uint32_t *r)
{
    uint32_t cs, ip;

    if (record == OX_R16) {
        cs = r[OX_R16_CS_FLAGS - OX_R16_HEAD] & 0xFFFF;
        ip = r[OX_R16_VECTOR_IP - OX_R16_HEAD] >> 16;
    } else if (record == OX_R32 && (r[OX_R32_EFLAGS - OX_R32_HEAD] & 0x20000)) {
        cs = r[OX_R32_CS - OX_R32_HEAD] & 0xFFFF;
        ip = r[OX_R32_EIP - OX_R32_HEAD];
    } else {
        return false;
    }
    return cs * 16 + ip >= 0xA0000 && cs * 16 + ip < 0x100000;
}

static bool has_been_outside(const struct ox_result *r, uint32_t end)
{
    for (uint32_t i = 0; i <= end && i < r->count;) {
        enum ox_record record = ox_record_of(r->word[i]);

        if (record == OX_RECORD_COUNT || record == OX_SUMS ||
            i + ox_record_size(record) > r->count)
            break;
        if (is_outside(record, r->word + i))
            return true;
        i += ox_record_size(record);
    }
    return false;
}

/* Tables as a program, without paging: its operands are anywhere. */
static bool is_executed_table(const struct ox_difference *d)
{
    return d->record == OX_R32 && !(d->c->field[CASE_CR0 / 4] >> 31) &&
           d->field > OX_R32_DS && d->field <= OX_R32_EFLAGS &&
           d->at != d->start && word_of(d, OX_R32_EIP) < AT_STUBS;
}

/* Up to here one of the two has been there. */
static bool outside_storage(const struct ox_difference *d)
{
    if (d->c->mode == OX_PROTECTED)
        return is_executed_table(d);
    return (d->c->mode == OX_REAL || d->c->mode == OX_V86) &&
           (has_been_outside(d->ours, d->start) ||
            has_been_outside(d->theirs, d->start));
}

const struct ox_explanation ox_bochs_rows[] = {
#define DIFFERENCE(name, source, words) {#name, source, words, name, true},
#include "tests/x86_oracle/difference_bochs.def"
#undef DIFFERENCE
    {NULL, NULL, NULL, NULL, false},
};

_Static_assert(ARRAY_LEN(ox_bochs_rows) <= OX_ROWS_MAX, "too many rows");
