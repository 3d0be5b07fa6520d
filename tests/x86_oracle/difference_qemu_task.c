/* To what the rows of difference_qemu.def apply: tasks, and what is of no kind.
 */
#include "tests/x86_oracle/difference_qemu.h"

#include <stdio.h>
#include <stdlib.h>

static const uint16_t images[] = {AT_TSS, AT_TSS_B, AT_TSS_DF};

/* Only outside IA-32e mode are there task switches. */
static bool has_tasks(const struct ox_difference *d)
{
    return d->c->mode <= OX_V86 || says(d, "leave long mode");
}

/* RF in the flags of a TSS. */
static bool is_task_resume(const struct ox_difference *d, uint32_t at,
                           uint32_t before, uint32_t ours, uint32_t theirs)
{
    bool flags = false;

    (void)d;
    (void)before;
    for (size_t i = 0; i < ARRAY_LEN(images); i++)
        flags = flags || at == images[i] + 0x24u;
    return flags && (ours ^ theirs) == 0x10000 && (ours & 0x10000);
}

bool ox_qemu_task_flags(const struct ox_difference *d)
{
    return has_tasks(d) && d->field == OX_SUMS_TSS &&
           ox_all_words(d, is_task_resume);
}

/* The arithmetic flags in a TSS, of which CMPXCHG leaves QEMU none at all: it
 * takes an operand for them. */
static bool is_lazy(const struct ox_difference *d, uint32_t at, uint32_t before,
                    uint32_t ours, uint32_t theirs)
{
    if (says(d, "cmpxchg [") && is_task_resume(d, at, before, 0x10000, 0))
        return true;
    return is_task_resume(d, at, before, ours | 0x10000,
                          (theirs & ~UINT32_C(0x108FF)) | (ours & 0x8FF));
}

/* The arithmetic flags of what came before the transfer: ours are those of the
 * TSS. */
bool ox_qemu_task_lazy_flags(const struct ox_difference *d)
{
    struct ox_event e;

    if (!has_tasks(d) || !goes_to_task(d))
        return false;
    if (d->field == OX_SUMS_TSS)
        return ox_all_words(d, is_lazy);
    if (d->field != OX_R32_EFLAGS ||
        ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x108D5)) ||
        !ox_event_at(d->c, d->ours, d->start, &e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(images); i++)
        if (e.ip - load_le32(d->c->arena + images[i] + 0x20) < 5 &&
            !((OURS(d) ^ load_le32(d->c->arena + images[i] + 0x24)) & 0x8D5))
            return true;
    return false;
}

/* QEMU goes on with what the TSS had before. */
bool ox_qemu_task_of_itself(const struct ox_difference *d)
{
    uint32_t ip = load_le32(d->c->arena + AT_TSS + 0x20);
    struct ox_event e;

    return has_tasks(d) && says(d, "iret") &&
           (load_le16(d->c->arena + AT_TSS) & ~3u) == SEL_TSS &&
           ox_event_at(d->c, d->theirs, d->start, &e) && e.ip - ip < 16;
}

bool ox_qemu_task_in_ldt(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    return parted(d, 13, 10) && has_tasks(d) &&
           ox_event_at(d->c, d->ours, d->start, &ours) &&
           ox_event_at(d->c, d->theirs, d->start, &theirs) &&
           ours.ip == theirs.ip && ours.error == theirs.error &&
           (ours.error & 4) &&
           (ox_upper_half_of(d->c, ours.error) & 0x1500) == 0x100;
}

static bool is_16_bit_task(const struct ox_difference *d, uint32_t selector)
{
    uint32_t type = ox_upper_half_of(d->c, selector) >> 8 & 0x1D;

    return !(selector & 4) && type == 1; /* busy or not */
}

static bool enters_16_bit_task(const struct ox_difference *d)
{
    static const char *const before[] = {"far ", "] ("};

    for (size_t i = 0; i < ARRAY_LEN(before); i++)
        for (const char *at = d->c->text; (at = strstr(at, before[i]));) {
            at += strlen(before[i]);
            if (is_16_bit_task(d, (uint32_t)strtoul(at, NULL, 16)))
                return true;
        }
    return says(d, "iret") &&
           is_16_bit_task(d, load_le16(d->c->arena + AT_TSS));
}

/* In upper halves of registers, or of flags, which QEMU does not touch. */
bool ox_qemu_task_of_16_bits(const struct ox_difference *d)
{
    uint32_t differs;

    if (!has_tasks(d) || d->record != OX_R32 || d->field == OX_FIELD_COUNT ||
        !enters_16_bit_task(d))
        return false;
    differs = OURS(d) ^ PEER(d);
    if (d->field == OX_R32_EFLAGS)
        return !(differs & 0xFFFF) && !(OURS(d) & 0xFFFE0000);
    return ((d->field >= OX_R32_EDI && d->field <= OX_R32_EAX) ||
            d->field == OX_R32_SP) &&
           !(differs & 0xFFFF) && OURS(d) >> 16 == 0xFFFF;
}

/* Where the new task's double fault came of, or RF. */
static bool is_task_place(const struct ox_difference *d, uint32_t at,
                          uint32_t before, uint32_t ours, uint32_t theirs)
{
    return (at & 0x1FF) == 0x20 ? ours == before
                                : is_task_resume(d, at, before, ours, theirs);
}

/* A selector of a task that the case can enter, as error codes have it. */
static bool is_tasks(const struct ox_case *c, uint32_t error)
{
    for (size_t i = 0; i < ARRAY_LEN(images); i++)
        for (unsigned at = 0x48; at <= 0x60; at += 4)
            if ((load_le16(c->arena + images[i] + at) & 0xFFFC) == error)
                return true;
    for (unsigned at = 0x22; at <= 0x2A; at += 2)
        if ((load_le16(c->arena + AT_TSS_16 + at) & 0xFFFC) == error)
            return true;
    return false;
}

/* The stack and the place may be others, and which selector it is; or what
 * QEMU's stack makes of it. */
static bool is_task_word(const struct ox_difference *d)
{
    unsigned there = vector_there(d);

    switch (d->field) {
    case OX_R32_HEAD:
        return there == 8 || (there >= 10 && there <= 14);
    case OX_R32_ERROR: /* looked at with the event */
        return true;
    case OX_R32_DR7: /* local breakpoints go last of all; GD is another row's */
        return (OURS(d) | 0x2155) == (PEER(d) | 0x2155) && !(OURS(d) & 0x155);
    case OX_R32_ESP:
    case OX_R32_EIP:
    case OX_R32_SS:
    case OX_R32_SP:
    case OX_FIELD_COUNT:
        return true;
    default:
        return d->field >= OX_R32_SAVED_ESP && d->field <= OX_R32_STACK_10;
    }
}

/* The same exception there has the same error code, or that of another selector
 * of a task. */
static bool errors_agree(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    if (!ox_event_at(d->c, d->ours, d->start, &ours) ||
        !ox_event_at(d->c, d->theirs, d->start, &theirs) ||
        ours.vector != theirs.vector || ours.error == theirs.error)
        return true;
    return is_tasks(d->c, ours.error) && is_tasks(d->c, theirs.error);
}

/* Of a new task's own: ours stands at its first instruction. */
bool ox_qemu_task_fault(const struct ox_difference *d)
{
    bool at_end = d->field == OX_SUMS_TSS && ox_all_words(d, is_task_place);
    struct ox_event e;

    if (!has_tasks(d) || !goes_to_task(d) || !errors_agree(d) ||
        !(at_end
              ? ox_last_event(d->c, d->ours, d->start, &e)
              : is_task_word(d) && ox_event_at(d->c, d->ours, d->start, &e)) ||
        (e.vector != 8 && (e.vector < 10 || e.vector > 12)))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(images); i++)
        if (e.ip == load_le32(d->c->arena + images[i] + 0x20))
            return true;
    return e.ip == load_le16(d->c->arena + AT_TSS_16 + 0xE);
}

static bool is_outer_conforming(const struct ox_difference *d, uint32_t cs)
{
    enum { CONFORMING = 0x1C00 }; /* and code, and no system descriptor */
    uint32_t up = ox_upper_half_of(d->c, cs);

    return (up & CONFORMING) == CONFORMING && (up >> 13 & 3) < (cs & 3);
}

/* #TS of its CS, with which QEMU stands there already; or a double fault that
 * comes of it. */
bool ox_qemu_task_conforming(const struct ox_difference *d)
{
    struct ox_event e;

    if (!has_tasks(d) || !goes_to_task(d) ||
        !ox_event_at(d->c, d->theirs, d->start, &e))
        return false;
    if (vector_there(d) == 8)
        return is_outer_conforming(d, load_le16(d->c->arena + AT_TSS_B + 0x4C));
    return vector_there(d) == 10 && (e.error & ~3u) == (e.cs & ~3u) &&
           is_outer_conforming(d, e.cs);
}

/* ---- Others ---- */

bool ox_qemu_no_flush(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return (ox_faults(d, 12, &e, &code) || ox_faults(d, 13, &e, &code) ||
            ox_faults(d, 14, &e, &code)) &&
           is_0f(&code, 0xAE) && reg_of(&code, 2) == 7;
}

bool ox_qemu_mxcsr_reserved(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return ox_faults(d, 13, &e, &code) && !e.error && is_0f(&code, 0xAE) &&
           reg_of(&code, 2) == 2;
}

/* The peer has a #GP, too: of the gate of another exception. */
static bool refuses_gate(const struct ox_difference *d, unsigned vector)
{
    unsigned size = is_wide(d) ? 16 : 8;

    return is_error(d) && (PEER(d) & ~1u) == (vector * size | 2);
}

bool ox_qemu_no_counters(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return (parted(d, 13, 6) || refuses_gate(d, 6)) &&
           ox_faults(d, 13, &e, &code) && is_0f(&code, 0x33);
}

/* EMMS; SSE and MMX, of which QEMU asks TS first. */
bool ox_qemu_no_em(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (parted(d, 6, 7))
        return ox_faults(d, 6, &e, &code) && code.at[0] == 0x0F &&
               (e.cr0 & 12) == 12;
    return (ox_faults(d, 6, &e, &code) || ox_faults(d, 7, &e, &code)) &&
           is_0f(&code, 0x77) && (e.cr0 & 12);
}

bool ox_qemu_bit_test_flags(const struct ox_difference *d)
{
    uint32_t differs = OURS(d) ^ PEER(d);

    if (!says(d, "bts "))
        return false;
    if (d->field == OX_R16_CS_FLAGS) /* CS is the lower half */
        return (differs & ~UINT32_C(0x8940000)) == 0;
    return is_flags(d) && (differs & ~UINT32_C(0x10894)) == 0;
}

/* Reserved bits that were zeros are ones, now or in an event before. */
static bool no_flags_there(const struct ox_difference *d)
{
    const uint32_t reserved = 0xFFC08028;
    struct ox_event e;

    for (uint32_t at = 0; at <= d->start;) {
        if (!ox_event_at(d->c, d->theirs, at, &e))
            return false;
        if (e.flags & reserved)
            return true;
        at += ox_record_size(e.record);
    }
    return false;
}

bool ox_qemu_exchange_flags(const struct ox_difference *d)
{
    if (!says(d, "cmpxchg8b"))
        return false;
    if (d->field == OX_R16_CS_FLAGS) /* CS is the lower half */
        return ((OURS(d) ^ PEER(d)) & 0xFFFF) == 0;
    return is_flags(d) && (((OURS(d) ^ PEER(d)) & ~UINT32_C(0x108FF)) == 0 ||
                           no_flags_there(d));
}

/* A byte of storage at the end of a case. */
static uint8_t byte_at(const struct ox_difference *d, uint32_t at)
{
    const struct ox_result *r = d->ours;

    for (uint32_t i = 0; i < r->pairs; i++)
        if (r->stored[2 * i] == (at & ~3u))
            return (uint8_t)(r->stored[2 * i + 1] >> 8 * (at & 3));
    return d->c->arena[at];
}

/* RCL or RCR of storage that faults: the program has come to write one. */
bool ox_qemu_rotate_flags(const struct ox_difference *d)
{
    struct ox_event e;
    uint32_t at;

    if (!is_flags(d) || ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x108D5)) ||
        vector_of(d) != 14 || !ox_event_at(d->c, d->ours, d->start, &e))
        return false;
    at = (uint32_t)e.ip +
         (e.flags & 0x20000 ? e.cs << 4 : ox_base_of(d->c, e.cs));
    if (at >= ARENA_SIZE - 4)
        return false;
    at += byte_at(d, at) == 0x66;
    return (byte_at(d, at) & 0xEC) == 0xC0 &&
           (byte_at(d, at + 1) & 0x30) == 0x10;
}

bool ox_qemu_undefined_mov(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return ox_faults(d, 6, &e, &code) && (code.at[0] & 0xFE) == 0xC6 &&
           reg_of(&code, 1);
}

/* What the program has exchanged in its code is what QEMU has read there. */
bool ox_qemu_own_code(const struct ox_difference *d)
{
    const char *at = strstr(d->c->text, "xchg ");
    uint32_t address, stored = 0;

    if (!is_accumulator(d) || !at ||
        sscanf(at, "xchg %*x:[%x]", &address) != 1 || address < AT_CODE3 ||
        address >= AT_RECORD - 4)
        return false;
    for (unsigned i = 0; i < 4; i++)
        stored |= (uint32_t)byte_at(d, address + i) << 8 * i;
    return PEER(d) == stored ||
           (!((OURS(d) ^ PEER(d)) >> 16) && !((PEER(d) ^ stored) & 0xFFFF));
}

bool ox_qemu_no_lock(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return ox_event_at(d->c, d->ours, d->start, &e) &&
           (e.vector == 6 || e.vector == 8) && ox_code_of(d->c, &e, 0, &code) &&
           code.lock;
}

/* Zeros for ones in some of its bytes. */
static bool is_zeroed(const struct ox_difference *d, uint32_t at,
                      uint32_t before, uint32_t ours, uint32_t theirs)
{
    uint32_t differs = ours ^ theirs;

    (void)d;
    (void)at;
    (void)before;
    for (unsigned i = 0; i < 32; i += 8)
        if ((differs >> i & 0xFF) &&
            ((ours >> i & 0xFF) != 0xFF || (theirs >> i & 0xFF)))
            return false;
    return true;
}

bool ox_qemu_odd_port(const struct ox_difference *d)
{
    if (d->record == OX_SUMS)
        return says(d, "insd ") && ox_all_words(d, is_zeroed);
    return (says(d, "port 243, ed") || says(d, "port 247, ed") ||
            says(d, "port 24f, ed") || says(d, "port 3ef, ed")) &&
           is_accumulator(d) && (OURS(d) & 0xFFFF) == 0xFFFF &&
           (PEER(d) & 0xFFFF) == 0;
}
