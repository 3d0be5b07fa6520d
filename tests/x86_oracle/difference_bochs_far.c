/* Of far transfers, tasks and descriptors: to what the rows of
 * difference_bochs.def apply. */
#include "tests/x86_oracle/difference_bochs.h"

#include <stdio.h>

/* ---- Descriptors of 16 bytes ---- */

/* #GP of LTR or LLDT that has no record yet, or none at all: on the stack of a
 * #DB at its handler. */
static bool has_refused(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (d->field < OX_R64_STACK_12 || d->field > OX_R64_STACK_15)
        return false;
    for (uint32_t n = 0; ox_raised_event(d->ours, n, &e); n++)
        if (e.vector == 13 && ox_code_of(d->c, &e, 0, &code) &&
            code.at[0] == 0x0F && code.at[1] == 0 &&
            (OURS(d) == e.error || OURS(d) == (uint32_t)e.ip))
            return true;
    return false;
}

/* A TSS whose LTR only Bochs has done. */
static bool is_made_busy(const struct ox_difference *d, uint32_t at,
                         uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    return at % 8 == 4 && ours == before && theirs == (ours | 0x200);
}

bool ox_bochs_system_upper_half(const struct ox_difference *d)
{
    if (d->field == OX_SUMS_TABLES || d->field == OX_SUMS_TABLES_ACCESSED)
        return d->c->mode == OX_COMPAT && says(d, "ltr") &&
               ox_all_words(d, is_made_busy);
    return d->c->mode == OX_COMPAT && d->record == OX_R64 &&
           (says(d, "ltr") || says(d, "lldt")) &&
           (vector_of(d) == 13 || has_refused(d) || d->field == OX_R64_TR ||
            d->field == OX_R64_LDTR);
}

/* AL, which only Bochs still has as it was before LAR or LSL. */
static bool is_told(const struct ox_difference *d, uint32_t at, uint32_t before,
                    uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    (void)before;
    for (unsigned i = 0; i < 32; i += 8)
        if (((ours ^ theirs) >> i & 0xFF) && (theirs >> i & 0xFF) != 0x55)
            return false;
    return true;
}

/* The program has put 5s there, and takes away what is undefined; CMPXCHG then
 * compares with the rest. */
bool ox_bochs_told_upper_half(const struct ox_difference *d)
{
    if (!(says(d, "lsl") || says(d, "lar")))
        return false;
    if (d->field == OX_SUMS_DATA)
        return says(d, "stos") && ox_all_words(d, is_told);
    if (d->field == OX_R64_RAX && (PEER(d) | 0xF0000) >> 16 == 0x555F)
        return true;
    if (d->record == OX_R64 && is_flags(d) && says(d, "cmpxchg ") && d->pasts)
        return ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x8D5)) == 0;
    if (d->record != OX_R64 || (OURS(d) ^ PEER(d)) != 0x40 || !(OURS(d) & 0x40))
        return false; /* ZF, or where PUSHF and a POP have brought it */
    return is_flags(d) || (says(d, "pushf") && d->field > OX_R64_HEAD &&
                           d->field <= OX_R64_R15);
}

/* Pushes onto an inner stack of CPL 1 that begins near 0, in a segment of 4
 * GiB: where ours refuses, Bochs goes on at its end. */
bool ox_bochs_wrapped_stack(const struct ox_difference *d)
{
    const uint8_t *tss = d->c->arena + AT_TSS;
    struct ox_event ours, theirs;

    if (d->field == OX_R32_CR2 && vector_of(d) == 8) /* that came of it */
        return PEER(d) >= 0xFFFFFFC0 && load_le32(tss + 0xC) < 0x40;
    if (vector_of(d) != 12 || load_le32(tss + 0xC) >= 0x40 ||
        !ox_event_at(d->c, d->ours, d->start, &ours) ||
        !ox_event_at(d->c, d->theirs, d->start, &theirs) ||
        (ours.error & ~3u) != (load_le16(tss + 0x10) & ~3u))
        return false;
    if (theirs.vector == 14)
        return theirs.cr2 >= 0xFFFFFFC0;
    /* without paging it is there */
    return !(theirs.cr0 >> 31) && d->at == d->start && (theirs.cs & 3) == 1;
}

static bool is_cut(const struct ox_difference *d, uint32_t at, uint32_t before,
                   uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)at;
    (void)before;
    return ours > 0xFFFF && theirs == (ours & 0xFFFF);
}

bool ox_bochs_gate_from_16(const struct ox_difference *d)
{
    return d->field >= OX_SUMS_STACK_0 && d->field <= OX_SUMS_STACK_2 &&
           says(d, "call far") && ox_all_words(d, is_cut);
}

bool ox_bochs_stack_of_tss(const struct ox_difference *d)
{
    return ox_ends_behind_stack(d);
}

/* #GP of that gate, or what has become of it: a breakpoint in its handler, or a
 * double fault at the INT. */
static bool is_of_gate(const struct ox_difference *d, const struct ox_event *e,
                       unsigned v)
{
    struct ox_code code;

    if (e->vector == 13)
        return e->error == 8 * v + 2;
    if (e->vector == 1)
        return e->ip - (AT_STUBS64 + 16 * 13) < 16 &&
               (d->field != OX_R64_STACK_12 || PEER(d) == 8 * v + 2);
    return e->vector == 8 && ox_code_of(d->c, e, 0, &code) &&
           code.at[0] == 0xCD && code.at[1] == v;
}

/* A gate of the second stream's, with something in bits 12:8 of its last
 * doubleword. */
bool ox_bochs_gate_reserved(const struct ox_difference *d)
{
    struct ox_event e;

    if (!d->c->more || !ox_event_at(d->c, d->theirs, d->start, &e) ||
        (d->field != OX_R64_HEAD && d->field != OX_R64_ERROR &&
         d->field != OX_R64_STACK_12 &&
         d->field != OX_NEST_HEAD)) /* a recorder at CPL 1 */
        return false;
    for (unsigned v = 0x8E; v <= 0x8F; v++) {
        const uint8_t *gate = d->c->arena + AT_IDT_64 + 16 * v;

        if (says(d, v == 0x8E ? "int 8e" : "int 8f") &&
            (load_le32(gate + 12) & 0x1F00) && is_of_gate(d, &e, v))
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

bool ox_bochs_gate_pushes(const struct ox_difference *d)
{
    const uint8_t *idt = d->c->arena + AT_IDT_64;
    const uint8_t *call = d->c->arena + AT_GDT + SEL_CALL_64;
    unsigned v = ox_last_vector(d);
    bool wild =
        (says(d, "int 8e") && load_le32(idt + 16 * 0x8E + 8)) ||
        (says(d, "int 8f") && load_le32(idt + 16 * 0x8F + 8)) ||
        ((says(d, "call far") || says(d, "jmp far")) && load_le32(call + 8));

    struct ox_event e;
    bool met = ox_event_at(d->c, d->ours, 0, &e) && e.vector == 1 &&
               e.ip - (AT_STUBS64 + 16 * 13) < 16; /* in #GP's handler */

    if (d->c->more && wild && parted(d, 13, 14))
        return true; /* and what is pushed has faulted */
    return d->c->more && wild && ox_is_stored(d) &&
           (v == 13 || v == 8 || met || ox_is_cut_off(d)) &&
           ox_all_words(d, is_frame);
}

/* At an IRET or a far RET in 64-bit code, with a null SS of another RPL. */
bool ox_bochs_null_stack_level(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;
    unsigned size, words;
    uint32_t ss, cs;

    if (d->c->mode != OX_LONG || vector_of(d) != 13 ||
        !ox_event_at(d->c, d->ours, d->start, &e) || e.error ||
        !ox_code_of(d->c, &e, 0, &code) ||
        (code.at[0] != 0xCF && code.at[0] != 0xCB && code.at[0] != 0xCA))
        return false;
    size = code.rex & 8 ? 8 : 4;
    words = code.at[0] == 0xCF ? 4 : 3;
    if (e.gpr[4] > ARENA_SIZE - 8 * 5 || (e.gpr[4] & 3))
        return false;
    cs = ox_stored_at(d->c, d->ours, (uint32_t)e.gpr[4] + size);
    ss = ox_stored_at(d->c, d->ours, (uint32_t)e.gpr[4] + words * size);
    return !(ss & 0xFFFC) && (ss & 3) != (cs & 3);
}

/* A stack of the TSS that is nowhere. */
bool ox_bochs_null_stack_told(const struct ox_difference *d)
{
    const uint8_t *tss = d->c->arena + AT_TSS_64;
    bool wild = false;

    for (unsigned at = 4; at < 0x5C; at += 8)
        wild = wild || (int64_t)(load_le64(tss + at) << 16) >> 16 !=
                           (int64_t)load_le64(tss + at);
    return wild && d->field == OX_R64_ERROR && vector_of(d) == 12 &&
           OURS(d) < 2 &&
           PEER(d) == (OURS(d) | (word_of(d, OX_R64_SAVED_SS) & 0xFFFC));
}

/* At both ends of what is canonical. */
bool ox_bochs_alignment_first(const struct ox_difference *d)
{
    return d->c->more && d->c->cpl == 3 &&
           (parted(d, 13, 17) || parted(d, 12, 17)) &&
           (d->c->field[CASE_CR0 / 4] & 0x40000) &&
           (says(d, "rax 7fffffffffff") || says(d, "rax 7ffffffffffc") ||
            says(d, "rax ffff7ffffffffffc") || says(d, "rax ffff7fffffffffff"));
}

/* A of the entry that leads to the half that Bochs has read. */
static bool is_read(const struct ox_difference *d, uint32_t at, uint32_t before,
                    uint32_t ours, uint32_t theirs)
{
    (void)d;
    return at >= AT_PD_32 && ours == before && (ours ^ theirs) == 0x20;
}

/* From the address in RAX, or to it. */
bool ox_bochs_table_halves(const struct ox_difference *d)
{
    if (parted(d, 13, 14) && says(d, "rax 7ffffffffffc; sgdt [rax]"))
        return true;
    if (!says(d, "lgdt [rax]"))
        return false;
    if (d->field == OX_SUMS_PAGES_ACCESSED)
        return ox_last_vector(d) == 13 && ox_all_words(d, is_read) &&
               says(d, "rax ffff7fffffffffff; lgdt");
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
    return theirs == before &&
           (ours - ip < 0xF00 || ours == cs ||
            (!ours && at % 8 == 4 && says(d, "call far 110")));
}

static bool is_far_call(const struct ox_code *code)
{
    return code->at[0] == 0x9A ||
           (code->at[0] == 0xFF && (code->at[1] >> 3 & 7) == 3);
}

/* Bochs has failed to push by all of RSP. */
static bool is_wide_push(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return d->c->mode == OX_COMPAT && d->c->bits == 16 &&
           vector_there(d) == 14 &&
           ox_event_at(d->c, d->theirs, d->start, &e) &&
           ox_code_of(d->c, &e, 0, &code) && is_far_call(&code) &&
           e.gpr[4] - 1 - e.cr2 < 8 && e.gpr[4] > 0xFFFF;
}

/* Its #SS finds no stack, so that its recorder meets a breakpoint of what lies
 * above it. */
static bool meets_above(const struct ox_difference *d)
{
    const uint32_t *f = d->c->field;

    if (d->c->mode != OX_LONG || !says(d, "call far") || f[CASE_SS / 4] > 3 ||
        d->record != OX_R64 || vector_there(d) != 1 ||
        ox_record_of(PEER(d)) != OX_NEST)
        return false;
    for (unsigned n = 0; n < 2; n++)
        if (f[CASE_DR0 / 4 + n] - f[CASE_SP / 4] < 16 &&
            (f[CASE_DR7 / 4] >> 2 * n & 3))
            return true;
    return false;
}

bool ox_bochs_far_to_compatible(const struct ox_difference *d)
{
    struct ox_event e;

    if (meets_above(d))
        return true;

    if (d->c->mode == OX_LONG && says(d, "call far") &&
        (d->field == OX_R64_RIP || d->at == d->start) &&
        ox_event_at(d->c, d->theirs, d->start, &e) && e.vector == 1 &&
        e.ip - (AT_STUBS64 + 16 * 12) < 16)
        return true; /* a breakpoint of the stack, in the handler of #SS */
    if (is_wide_push(d))
        return true;
    if (d->c->mode == OX_COMPAT && d->c->bits == 16 && says(d, "call far") &&
        d->c->field[CASE_SS / 4] != SEL_STACK) {
        if (d->field >= OX_R64_STACK_12 && d->field <= OX_R64_STACK_15)
            return PEER(d) - d->c->field[CASE_IP / 4] < 0xF00 ||
                   PEER(d) == d->c->field[CASE_CS / 4] ||
                   (!PEER(d) && says(d, "call far 110") && /* upper halves */
                    (d->field == OX_R64_STACK_13 ||
                     d->field == OX_R64_STACK_15));
        return ox_is_stored(d) && ox_all_words(d, is_ours);
    }
    return d->c->mode == OX_LONG && says(d, "call far") &&
           d->field == OX_R64_HEAD && vector_of(d) != 12 &&
           (PEER(d) & 0xFF) == 12;
}

/* A double fault of that, in Bochs. */
static bool has_failed_to_push(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return d->field == OX_R64_RIP && vector_of(d) == 8 &&
           ox_event_at(d->c, d->theirs, d->start, &e) && e.vector == 8 &&
           ox_code_of(d->c, &e, 0, &code) && is_far_call(&code) &&
           e.gpr[4] - 1 - e.cr2 < 16;
}

bool ox_bochs_conforming_level(const struct ox_difference *d)
{
    const uint32_t *theirs = d->theirs->word + d->start;
    const uint32_t *ours = d->ours->word + d->start;
    unsigned error = d->record == OX_R64 ? OX_R64_ERROR - OX_R64_HEAD
                                         : OX_R32_ERROR - OX_R32_HEAD;

    if (!(d->c->field[CASE_CR4 / 4] & 0x200000) || !says(d, "call far") ||
        (d->record != OX_R64 && d->record != OX_R32))
        return false;
    if (has_failed_to_push(d))
        return true;
    if (d->field == OX_R32_CR2 || d->field == OX_R64_CR2)
        return vector_of(d) == 8; /* its delivery was a double fault */
    return (theirs[0] & 0xFF) == 14 && theirs[error] == 3 &&
           ((ours[0] & 0xFF) != 14 || (ours[error] & 4));
}

bool ox_bochs_gate_stack_16(const struct ox_difference *d)
{
    return says(d, "call far") && d->field >= OX_R32_SAVED_ESP &&
           d->field <= OX_R32_STACK_10 && OURS(d) > 0xFFFF &&
           PEER(d) == (OURS(d) & 0xFFFF);
}

/* ---- Tasks, virtual-8086 mode ---- */

bool ox_bochs_task_trace(const struct ox_difference *d)
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
bool ox_bochs_task_order(const struct ox_difference *d)
{
    static const enum ox_field data[] = {OX_R32_DS, OX_R32_ES, OX_R32_FS,
                                         OX_R32_GS};
    unsigned ours = ox_last_vector(d), peer = vector_there(d);
    uint32_t told;

    if (d->c->mode == OX_LONG || d->c->mode == OX_COMPAT || !goes_to_task(d))
        return false;
    if (d->field == OX_SUMS_TABLES_ACCESSED)
        return ((ours >= 10 && ours <= 12) || ox_is_cut_off(d)) &&
               ox_all_words(d, is_accessed);
    if (d->record != OX_R32 || (vector_of(d) != 10 && vector_of(d) != 11) ||
        (word_of(d, OX_R32_ERROR) ^ word_of(d, OX_R32_CS)) & 0xFFFC)
        return false;
    if (d->field == OX_R32_ERROR)
        peer = vector_of(d);
    told = d->theirs->word[d->start + (OX_R32_ERROR - OX_R32_HEAD)] & 0xFFFC;
    for (unsigned i = 0; i < ARRAY_LEN(data); i++)
        if (told == (word_of(d, data[i]) & 0xFFFC))
            return (peer == 10 || peer == 11) && d->field <= OX_R32_ERROR;
    return false;
}

/* With the TSS that the second stream cuts off: #TS of it, or the end where
 * that task was a double fault's. */
bool ox_bochs_old_task_limit(const struct ox_difference *d)
{
    struct ox_event e;

    if (d->c->mode != OX_PROTECTED ||
        load_le16(d->c->arena + AT_GDT + SEL_TSS) >= 0x5F)
        return false;
    if (d->field == OX_FIELD_COUNT)
        return d->record == OX_R32 && (d->ours->word[d->at] & 0xFF) == 8 &&
               d->theirs->kind == 'T' && d->theirs->count == d->at;
    return goes_to_task(d) && ox_event_at(d->c, d->theirs, d->start, &e) &&
           e.vector == 10 && (e.error & ~3u) == SEL_TSS;
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

bool ox_bochs_v86_iret_limit(const struct ox_difference *d)
{
    const char *at = d->c->text;
    unsigned selector, to, flags;
    struct ox_event e, peer;
    struct ox_code code;
    bool wild = false;

    while ((at = strstr(at, "iret to ")) != NULL) {
        at += 8;
        if (sscanf(at, "%x:%x flags %x", &selector, &to, &flags) == 3 &&
            to > 0xFFFF && (d->c->mode == OX_V86 || (flags & 0x20000)))
            wild = true;
    }
    if (ox_last_event(d->c, d->ours, d->start, &e) && (e.flags & 0x20000) &&
        e.ip > 0xFFFF) /* a recorder goes back */
        wild = true;
    if (wild && d->field == OX_SUMS_TSS) /* its delivery was a double fault */
        return ox_last_vector(d) == 8 && ox_all_words(d, is_saved_frame);
    if (!wild || vector_of(d) != 13 || d->record != OX_R32 ||
        !ox_event_at(d->c, d->ours, d->start, &e) ||
        !ox_code_of(d->c, &e, 0, &code) || code.at[0] != 0xCF)
        return false; /* at the IRET, and Bochs elsewhere */
    return !ox_event_at(d->c, d->theirs, d->start, &peer) || peer.cs != e.cs ||
           peer.ip != e.ip;
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

/* A recorder's stack is where ours has no storage, and reads ones. */
static bool is_stack_nowhere(const struct ox_difference *d)
{
    const uint32_t *w = d->ours->word + d->start;

    return d->record == OX_RECORD_COUNT &&
           d->start + (OX_R32_SP - OX_R32_HEAD) < d->ours->count &&
           w[0] == UINT32_MAX && w[OX_R32_EIP - OX_R32_HEAD] == UINT32_MAX &&
           w[OX_R32_SP - OX_R32_HEAD] >= 0x10000000;
}

/* Up to here one of the two has been there. */
bool ox_bochs_outside_storage(const struct ox_difference *d)
{
    if (ox_is_operand_outside(d))
        return true;
    if (d->c->mode == OX_PROTECTED && !(d->c->field[CASE_CR0 / 4] >> 31) &&
        is_stack_nowhere(d))
        return true;
    if (d->c->mode == OX_PROTECTED)
        return is_executed_table(d);
    return (d->c->mode == OX_REAL || d->c->mode == OX_V86) &&
           (has_been_outside(d->ours, d->start) ||
            has_been_outside(d->theirs, d->start));
}
