/* To what the rows of difference_qemu.def apply: debug exceptions. */
#include "tests/x86_oracle/difference_qemu.h"

enum { GD = 0x2000, BD = 0x2000, BS = 0x4000, BT = 0x8000 };

static bool is_dr6(const struct ox_difference *d)
{
    return d->field == OX_R16_DR6 || d->field == OX_R32_DR6 ||
           d->field == OX_R64_DR6 || d->field == OX_NEST_DR6;
}

static bool is_dr7(const struct ox_difference *d)
{
    return d->field == OX_R16_DR7 || d->field == OX_R32_DR7 ||
           d->field == OX_R64_DR7;
}

/* It is what a program has read from DR7. */
static bool reads_dr7(const struct ox_difference *d)
{
    return is_accumulator(d) &&
           (says(d, "mov eax, dr7") || says(d, "mov eax, dr5"));
}

/* DR6 of an event, one within a recorder, too; 0: it is no #DB. */
static uint32_t dr6_of(const struct ox_result *r, uint32_t at)
{
    enum ox_record record =
        at < r->count ? ox_record_of(r->word[at]) : OX_RECORD_COUNT;
    static const enum ox_field fields[] = {[OX_R16] = OX_R16_DR6,
                                           [OX_R32] = OX_R32_DR6,
                                           [OX_R64] = OX_R64_DR6,
                                           [OX_NEST] = OX_NEST_DR6};

    if (record >= OX_SUMS || at + ox_record_size(record) > r->count ||
        (r->word[at] & 0xFF) != 1)
        return 0;
    return r->word[at + fields[record] - ox_record_head(record)];
}

/* Above some byte they are the same: a stack that is not aligned. */
static bool is_upper_part(uint32_t ours, uint32_t theirs)
{
    return !((ours ^ theirs) >> 24);
}

/* What a recorder that has met DR7.GD pushes, of which QEMU has none: below
 * the stack where it did so, in whatever page that is. */
static bool is_below_detected(const struct ox_difference *d, uint32_t at,
                              uint32_t before, uint32_t ours, uint32_t theirs)
{
    enum { FRAME_MAX = 0x100 };
    struct ox_event e;

    if (ox_is_resume_less(d, at, before, ours, theirs))
        return true;
    for (uint32_t n = 0; ox_raised_event(d->ours, n, &e); n++)
        if (e.vector == 1 && (e.dr6 & BD) &&
            ((e.sp - 1 - at) & 0xFFF) < FRAME_MAX)
            return theirs == before || is_upper_part(ours, theirs);
    return false;
}

/* The harness pushes dwords onto a real-mode program's stack, when DR0 and DR1
 * are loaded.  QEMU takes one that is not aligned for a store to all of its
 * page below it. */
static bool meets_harness(const struct ox_difference *d)
{
    const uint32_t *f = d->c->field;
    uint32_t dr7 = f[CASE_DR7 / 4], sp = (f[CASE_SS / 4] << 4) + f[CASE_SP / 4];

    for (unsigned i = 0; i < 2; i++) {
        uint32_t at = f[CASE_DR0 / 4 + i];

        if ((dr7 >> 2 * i & 3) && (dr7 >> (16 + 4 * i) & 1) &&
            at >> 12 == sp >> 12 && at < sp)
            return d->c->mode == OX_REAL && (sp & 3);
    }
    return false;
}

/* QEMU's #DB was refused at its gate. */
static bool is_refused(const struct ox_difference *d)
{
    struct ox_event e;
    const uint8_t *gate =
        d->c->arena + (is_wide(d) ? AT_IDT_64 + 16 : AT_IDT + 8);

    return ox_event_at(d->c, d->theirs, d->start, &e) &&
           (e.vector == 11 || e.vector == 13) && e.error > 3 &&
           (e.error & ~3u) == (load_le16(gate + 2) & 0xFFFCu);
}

static bool changes_dr7(const struct ox_difference *d)
{
    return says(d, "mov dr7") || says(d, "mov dr5");
}

/* DR7 of a record; within a recorder, that of the case. */
static uint32_t dr7_of(const struct ox_difference *d, const struct ox_result *r)
{
    static const enum ox_field fields[] = {
        [OX_R16] = OX_R16_DR7, [OX_R32] = OX_R32_DR7, [OX_R64] = OX_R64_DR7};
    enum ox_record record =
        d->start < r->count ? ox_record_of(r->word[d->start]) : OX_RECORD_COUNT;

    if (record > OX_R16 || d->start + ox_record_size(record) > r->count)
        return d->c->field[CASE_DR7 / 4];
    return r->word[d->start + fields[record] - ox_record_head(record)];
}

static bool is_enabled(uint32_t dr7, unsigned n)
{
    return dr7 >> 2 * n & 3;
}

static bool is_fetched(uint32_t dr7, unsigned n)
{
    return !(dr7 >> (16 + 4 * n) & 3);
}

/* The #DB of a result tells of a breakpoint that is enabled. */
static bool meets_enabled(const struct ox_difference *d,
                          const struct ox_result *r)
{
    uint32_t dr6 = dr6_of(r, d->start), dr7 = dr7_of(d, r);

    for (unsigned n = 0; n < 4; n++)
        if ((dr6 >> n & 1) && (is_enabled(dr7, n) || d->record == OX_NEST))
            return true;
    return false;
}

/* The last push was not aligned, and the breakpoint is below it in its page. */
static bool is_below_push(const struct ox_difference *d, unsigned n)
{
    uint32_t at = n < 2 ? d->c->field[CASE_DR0 / 4 + n] : UINT32_MAX;
    struct ox_event e;

    return d->c->bits == 64 && ox_event_at(d->c, d->ours, d->start, &e) &&
           e.record == OX_R64 && (e.gpr[4] & 7) && e.gpr[4] >> 12 == at >> 12 &&
           at < e.gpr[4];
}

/* The trap before it told of that one, which QEMU tells of again when it steps:
 * its mark stays. */
static bool told_before(const struct ox_difference *d, unsigned n)
{
    uint32_t at = 0, before = UINT32_MAX;
    struct ox_event e;

    for (; at < d->start; at += ox_record_size(e.record)) {
        if (!ox_event_at(d->c, d->theirs, at, &e))
            return false;
        before = at;
    }
    return before != UINT32_MAX && (PEER(d) & BS) &&
           (dr6_of(d->theirs, before) >> n & 1);
}

/* Bits 3:0 of DR6 of one that is enabled: QEMU has lost a datum's or a port's,
 * or has told of an instruction's with the trap before it; or of a datum's
 * without a #DB, when a store that is not aligned came near it. */
static bool tells_of_enabled(const struct ox_difference *d)
{
    uint32_t differs = (OURS(d) ^ PEER(d)) & 0xF, dr7 = dr7_of(d, d->ours);
    bool any = false;

    for (unsigned n = 0; n < 4; n++)
        if (differs >> n & 1) {
            bool on = is_enabled(dr7, n);

            if (on && (PEER(d) >> n & 1) && !is_fetched(dr7, n) &&
                vector_of(d) == 1 && !is_below_push(d, n) && !told_before(d, n))
                return false;
            any = any || on;
        }
    return differs && (any || changes_dr7(d));
}

/* At another place, or another event, or none. */
static bool is_another(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    return d->field == OX_FIELD_COUNT || d->at == d->start ||
           d->record == OX_NEST ||
           (ox_event_at(d->c, d->ours, d->start, &ours) &&
            ox_event_at(d->c, d->theirs, d->start, &theirs) &&
            ours.ip != theirs.ip);
}

/* One of the two tells of a breakpoint, or of another one; or QEMU ends, of a
 * breakpoint without RF by SIGSEGV, of one at a port by an assertion, of one
 * that the harness meets by a shutdown. */
bool ox_qemu_breakpoints(const struct ox_difference *d)
{
    bool on = (d->c->field[CASE_DR7 / 4] & 0xFF) || changes_dr7(d);

    if (is_dr6(d))
        return on && (OURS(d) ^ PEER(d)) < 0x10 && tells_of_enabled(d);
    if (d->theirs->kind == 'T' && !d->theirs->count && meets_harness(d))
        return true;
    return on && is_another(d) &&
           (d->theirs->crashed || meets_enabled(d, d->ours) ||
            meets_enabled(d, d->theirs) || is_refused(d));
}

/* Where a string instruction was when it came to the datum. */
bool ox_qemu_breakpoint_address(const struct ox_difference *d)
{
    static const uint32_t low[] = {0, 1, 7, 3}; /* LEN of DR7 */
    uint32_t dr7 = dr7_of(d, d->ours);
    bool between = false;

    for (unsigned n = 0; n < 2; n++)
        between =
            between ||
            (is_enabled(dr7, n) && (dr7 >> (16 + 4 * n) & 1) &&
             (d->c->field[CASE_DR0 / 4 + n] & low[dr7 >> (18 + 4 * n) & 3]) &&
             (dr6_of(d->ours, d->start) & 1u << n));
    switch (d->field) {
    case OX_R16_EDI:
    case OX_R16_ESI:
    case OX_R16_ECX:
    case OX_R32_EDI:
    case OX_R32_ESI:
    case OX_R32_ECX:
    case OX_R64_RDI:
    case OX_R64_RSI:
    case OX_R64_RCX:
        return between && says(d, "rep ") && (OURS(d) ^ PEER(d)) < 16;
    default:
        return false;
    }
}

/* Asked of what is the same when it is run again. */
bool ox_qemu_watched_pages(const struct ox_difference *d)
{
    uint32_t dr7 = d->c->field[CASE_DR7 / 4];

    for (unsigned n = 0; n < 2; n++)
        if (is_enabled(dr7, n) && (dr7 >> (16 + 4 * n) & 1))
            return d->field == OX_FIELD_COUNT &&
                   d->ours->kind == d->theirs->kind &&
                   d->ours->count == d->theirs->count;
    return false;
}

bool ox_qemu_no_task_trap(const struct ox_difference *d)
{
    if (d->record != OX_R32 || !goes_to_task(d))
        return false;
    return is_dr6(d) ? (OURS(d) & BT) && (OURS(d) ^ PEER(d)) == BT
                     : dr6_of(d->ours, d->start) & BT;
}

/* Of a trap of ours, or a double fault that comes of it: the instruction of `n`
 * bytes before it. */
static bool behind(const struct ox_difference *d, unsigned n,
                   struct ox_code *code)
{
    struct ox_event e;

    return (vector_of(d) == 1 || vector_of(d) == 8) &&
           ox_event_at(d->c, d->ours, d->start, &e) &&
           ox_code_of(d->c, &e, n, code);
}

bool ox_qemu_no_int1(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (parted(d, 13, 6)) /* its gate */
        return ox_faults(d, 13, &e, &code) && code.at[0] == 0xF1;
    return behind(d, 1, &code) && code.at[0] == 0xF1;
}

bool ox_qemu_sti_traces(const struct ox_difference *d)
{
    struct ox_code code;

    return behind(d, 1, &code) && code.at[0] == 0xFB;
}

/* It has 3 to 9 bytes. */
bool ox_qemu_lss_traces(const struct ox_difference *d)
{
    struct ox_code code;

    for (unsigned n = 3; n < 10; n++)
        if (behind(d, n, &code) && is_0f(&code, 0xB2))
            return true;
    return false;
}

/* QEMU tells of those of instructions alone, and forgets with each trap what
 * was there before. */
static bool tells_of_others(const struct ox_difference *d)
{
    uint32_t differs = (OURS(d) ^ PEER(d)) & 0xF, dr7 = dr7_of(d, d->ours);

    for (unsigned n = 0; n < 4; n++)
        if ((differs >> n & 1) &&
            (is_enabled(dr7, n) ||
             ((PEER(d) >> n & 1) && !is_fetched(dr7, n))) &&
            !changes_dr7(d))
            return false;
    return differs;
}

bool ox_qemu_low_dr6(const struct ox_difference *d)
{
    return is_dr6(d) && (OURS(d) ^ PEER(d)) < 0x10 && tells_of_others(d);
}

bool ox_qemu_no_general_detect(const struct ox_difference *d)
{
    struct ox_event e;

    if (d->record == OX_SUMS && ox_all_words(d, is_below_detected))
        return true;
    if (is_dr7(d) || reads_dr7(d))
        return ((OURS(d) ^ PEER(d)) & ~0xD800u) == GD && (PEER(d) & GD);
    if (is_dr6(d) && ((OURS(d) ^ PEER(d)) & ~0xFu) == BD && (OURS(d) & BD))
        return !((OURS(d) ^ PEER(d)) & 0xF) || tells_of_enabled(d) ||
               tells_of_others(d); /* in the recorder, which ends the case */
    if (!d->theirs->kind)          /* it goes on for ever */
        return ox_last_event(d->c, d->ours, d->ours->count, &e) && (e.dr6 & BD);
    if (d->theirs->kind == 'T' && !d->start && /* or is lost with its log */
        ox_last_event(d->c, d->ours, d->ours->count, &e) && (e.dr6 & BD))
        return true;
    if ((d->field == OX_FIELD_COUNT || d->at == d->start) &&
        ox_last_event(d->c, d->ours, d->start, &e) && (e.dr6 & BD))
        return d->record == OX_SUMS || d->start >= d->ours->count;
    if (d->record == OX_NEST && d->at == d->start)
        return word_of(d, OX_NEST_DR6) & BD; /* or a fault of delivering it */
    return dr6_of(d->ours, d->start) & BD;
}

bool ox_qemu_dr6_bit_12(const struct ox_difference *d)
{
    bool read = is_accumulator(d) &&
                (says(d, "mov eax, dr6") || says(d, "mov eax, dr4"));

    return (is_dr6(d) || read) && (says(d, "mov dr6") || says(d, "mov dr4")) &&
           (OURS(d) ^ PEER(d)) == 0x1000 && (PEER(d) & 0x1000);
}

bool ox_qemu_dr7_reserved(const struct ox_difference *d)
{
    return (is_dr7(d) || reads_dr7(d)) &&
           (says(d, "mov dr5") || says(d, "mov dr7")) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0xD800)) == 0;
}

/* MOV to and from CR and DR are 0F 20 to 23. */
bool ox_qemu_absent_debug_register(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return parted(d, 6, 13) && ox_faults(d, 6, &e, &code) &&
           ((e.cs & 3) || (e.flags & 0x20000)) && code.at[0] == 0x0F &&
           (code.at[1] & 0xFC) == 0x20;
}

/* MOV to SS, so many bytes before a trap of ours: their number, or 0. */
static unsigned loads_stack(const struct ox_difference *d, unsigned before)
{
    struct ox_code code;

    for (unsigned n = 2; n < 9; n++)
        if (behind(d, before + n, &code) && code.at[0] == 0x8E &&
            reg_of(&code, 1) == 2)
            return n;
    return 0;
}

bool ox_qemu_second_stack(const struct ox_difference *d)
{
    unsigned last = loads_stack(d, 0);

    return last && loads_stack(d, last);
}

/* Right behind the MOV, by its length: with an offset of 32 bits, of 16, or of
 * 32 by SIB. */
bool ox_qemu_held_breakpoint(const struct ox_difference *d)
{
    static const struct {
        unsigned size;
        uint8_t second;
    } forms[] = {{6, 0x15}, {4, 0x16}, {7, 0x14}};
    struct ox_event ours, theirs;
    struct ox_code code;

    if (!says(d, "watched") || !ox_event_at(d->c, d->ours, d->start, &ours) ||
        !ox_event_at(d->c, d->theirs, d->start, &theirs) || ours.vector != 1 ||
        theirs.vector != 1 || !(ours.dr6 & 2) || !(theirs.dr6 & 2) ||
        ours.ip == theirs.ip)
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(forms); i++)
        if (ox_code_of(d->c, &theirs, forms[i].size, &code) &&
            code.at[0] == 0x8E && code.at[1] == forms[i].second)
            return true;
    return false;
}
