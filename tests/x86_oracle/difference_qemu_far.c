/* To what the rows of difference_qemu.def apply: segments and their limits,
 * gates, returns, fast calls, tasks. */
#include "tests/x86_oracle/difference_qemu.h"

#include <stdio.h>
#include <stdlib.h>

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

/* ---- Segments ---- */

/* QEMU itself ends at the next use of such a TR. */
bool ox_qemu_null_ltr(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (d->theirs->crashed)
        return says_number(d, "ltr ", 0xFFFC, 0);
    return ox_faults(d, 13, &e, &code) && !e.error && is_0f(&code, 0) &&
           reg_of(&code, 2) == 3;
}

bool ox_qemu_null_stack(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return d->c->bits == 64 && ox_faults(d, 13, &e, &code) && !e.error &&
           ((code.at[0] == 0x8E && reg_of(&code, 1) == 2) ||
            is_0f(&code, 0xB2));
}

static bool is_return(const struct ox_code *code)
{
    return code->at[0] == 0xCF || code->at[0] == 0xCB || code->at[0] == 0xCA;
}

/* A call or a jump by immediate, or by storage. */
static bool is_far(const struct ox_code *code)
{
    return code->at[0] == 0x9A || code->at[0] == 0xEA ||
           (code->at[0] == 0xFF &&
            (reg_of(code, 1) == 3 || reg_of(code, 1) == 5));
}

/* An INT whose handler stays at CPL 3. */
static bool is_conforming(const struct ox_code *code)
{
    return code->at[0] == 0xCD && code->at[1] == 0x86;
}

/* By the program's own IRET, or by the recorder's. */
bool ox_qemu_null_stack_of_compatible(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    return d->c->mode == OX_LONG && d->record == OX_R64 &&
           ox_faults(d, 13, &e, &code) && !e.error && is_return(&code);
}

bool ox_qemu_null_selectors(const struct ox_difference *d)
{
    return (d->field == OX_R32_FS || d->field == OX_R32_GS ||
            d->field == OX_R64_FS || d->field == OX_R64_GS) &&
           !OURS(d) && PEER(d) < 4;
}

/* What QEMU has pushed, and A and D of where. */
static bool is_pushed(const struct ox_difference *d, uint32_t at,
                      uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    return at >= AT_PD_32 ? !((ours ^ theirs) & ~0x60u) && !(ours & ~theirs)
                          : ours == before;
}

/* The bytes that QEMU has stored otherwise are zeros. */
static bool is_zero_above(const struct ox_difference *d, uint32_t at,
                          uint32_t before, uint32_t ours, uint32_t theirs)
{
    if (ox_is_resume_less(d, at, before, ours, theirs))
        return true;
    (void)before;
    for (unsigned i = 0; i < 32; i += 8)
        if (((ours ^ theirs) >> i & 0xFF) && (theirs >> i & 0xFF))
            return false;
    return true;
}

/* The word that is pushed ends a page. */
static bool pushes_at_page(const struct ox_difference *d)
{
    const char *text = strstr(d->c->text, "push fs");
    unsigned sp;

    while (text && text > d->c->text && strncmp(text, "sp ", 3))
        text--;
    return text && sscanf(text, "sp %x", &sp) == 1 && (sp & 0xFFF) &&
           (sp & 0xFFF) < 7;
}

/* Words of the stack above the frame; what was there is INT3.  What lies above
 * it may be in another page, which faults. */
bool ox_qemu_push_segment(const struct ox_difference *d)
{
    bool stack =
        d->field == OX_R16_STACK ||
        (d->field >= OX_R32_SAVED_ESP && d->field <= OX_R32_STACK_10) ||
        (d->field >= OX_R64_STACK_12 && d->field <= OX_R64_STACK_15);
    struct ox_event e;
    struct ox_code code;

    if (vector_there(d) == 14 && ox_record_of(PEER(d)) == OX_NEST)
        return pushes_at_page(d);
    if (vector_there(d) == 14 || vector_there(d) == 8)
        return ox_peer_at(d, &e, &code) &&
               (is_0f(&code, 0xA0) || is_0f(&code, 0xA8));
    if (d->field == OX_SUMS_PAGES)
        return says(d, "push fs") &&
               (ox_all_words(d, is_pushed) || ox_all_words(d, is_zero_above));
    if (d->record == OX_SUMS)
        return says(d, "push fs") && ox_all_words(d, is_zero_above);
    return stack && says(d, "push fs") &&
           is_zero_above(d, 0, 0xCCCCCCCC, OURS(d), PEER(d));
}

bool ox_qemu_told_undefined(const struct ox_difference *d)
{
    return says(d, "lar ") &&
           (d->field == OX_R32_EAX || d->field == OX_R64_RAX) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0xF0000)) == 0;
}

/* Bit 8 of what LAR tells, or of a selector which a far transfer has read from
 * a descriptor. */
bool ox_qemu_told_accessed(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if ((OURS(d) & ~PEER(d) & 0x100) == 0 || (OURS(d) & 0x1100) != 0x1100)
        return false;
    if (says(d, "lar ") && is_accumulator(d)) /* told_undefined's bits, too */
        return ((OURS(d) ^ PEER(d)) & ~UINT32_C(0xF0000)) == 0x100;
    if (is_error(d) && (OURS(d) ^ PEER(d)) == 0x100)
        return ox_faults(d, 13, &e, &code) && code.at[0] == 0xFF &&
               (reg_of(&code, 1) == 3 || reg_of(&code, 1) == 5);
    return false;
}

bool ox_qemu_told_types(const struct ox_difference *d)
{
    bool zf = is_flags(d) && (OURS(d) & 0x40) < (PEER(d) & 0x40);

    return is_wide(d) && (says(d, "lar ") || says(d, "lsl ")) &&
           (zf || d->field == OX_R64_RAX);
}

/* What can be #GP(0) without a limit, a type or a null segment of its operand:
 * for privilege, for what it loads. */
static bool asks_else(const struct ox_event *e, const struct ox_code *code)
{
    bool v86 = e->flags & 0x20000;
    uint8_t op = code->at[0], second = code->at[1];

    switch (op) {
    case 0xF4: /* HLT, CLI, STI */
    case 0xFA:
    case 0xFB:
    case 0xE4: /* IN, OUT */
    case 0xE5:
    case 0xE6:
    case 0xE7:
    case 0xEC:
    case 0xED:
    case 0xEE:
    case 0xEF:
        return true;
    case 0x9C: /* PUSHF, POPF, INT, IRET of virtual-8086 mode */
    case 0x9D:
    case 0xCD:
        return v86;
    case 0x8E:
        return code->at[1] >= 0xC0;
    case 0x0F:
        break;
    default:
        return false;
    }
    if (second == 0) /* LLDT, LTR, or by registers */
        return code->at[2] >= 0xC0 || reg_of(code, 2) > 1;
    if (second == 1) /* SGDT, SIDT, SMSW do not ask for CPL 0 */
        return code->at[2] >= 0xC0 ||
               ((v86 || (e->cs & 3)) && reg_of(code, 2) > 1 &&
                reg_of(code, 2) != 4);
    return second == 0x05 || second == 0x06 || second == 0x07 ||
           second == 0x08 || second == 0x09 || (second & 0xF8) == 0x20 ||
           (second & 0xF8) == 0x30;
}

static bool is_beyond(const struct ox_case *c, uint32_t cs, uint64_t ip)
{
    uint32_t low = ox_lower_half_of(c, cs), up = ox_upper_half_of(c, cs);
    uint32_t limit = (low & 0xFFFF) | (up & 0xF0000);

    return ip > (up & 0x800000 ? limit << 12 | 0xFFF : limit);
}

/* The harness's own IRET to a program that begins beyond its limit. */
static bool begins_beyond(const struct ox_difference *d,
                          const struct ox_event *e)
{
    return e->ip >= AT_HARNESS && e->ip < AT_HARNESS + 0x10000 &&
           is_beyond(d->c, d->c->field[CASE_CS / 4], d->c->field[CASE_IP / 4]);
}

/* What a task that is left stores. */
static bool is_saved(const struct ox_difference *d, uint32_t at,
                     uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)before;
    (void)ours;
    (void)theirs;
    return (at & 0x1FF) >= 0x20 && (at & 0x1FF) < 0x60;
}

/* MOV, POP, LSS or a return, which QEMU refuses an absent stack, too. */
static bool loads_stack(const struct ox_difference *d, const struct ox_event *e)
{
    struct ox_code code;

    return ox_code_of(d->c, e, 0, &code) &&
           (code.at[0] == 0x17 || is_return(&code) || is_0f(&code, 0xB2) ||
            (code.at[0] == 0x8E && reg_of(&code, 1) == 2));
}

enum { SMAP = 0x200000, VM = 0x20000 };

/* #SS, or #GP(0) where only what is not checked can be the cause, or a double
 * fault that comes of it; at the end, too, where that has left a task. */
bool ox_qemu_no_limits(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (d->field == OX_SUMS_TSS && ox_all_words(d, is_saved)) {
        if (!ox_last_event(d->c, d->ours, d->start, &e) || e.vector != 8)
            return false;
    } else if (!ox_event_at(d->c, d->ours, d->start, &e)) {
        return false;
    }
    if (e.vector == 13 && !e.error && begins_beyond(d, &e))
        return true;
    if (d->c->mode == OX_LONG && (ox_upper_half_of(d->c, e.cs) & 0x200000))
        return false; /* 64-bit code */
    if (e.vector == 13 && !e.error && e.record != OX_R16 && !(e.flags & VM) &&
        is_beyond(d->c, e.cs, e.ip))
        return true;
    if (e.vector == 12)
        return e.error < 4 || !loads_stack(d, &e);
    if (e.error & 1) /* what comes of its delivery */
        e.error = e.vector >= 10 && e.vector <= 13 ? 0 : 1;
    else if (e.vector != 13 && e.vector != 8)
        return false;
    return !e.error && ox_code_of(d->c, &e, 0, &code) && !asks_else(&e, &code);
}

/* ---- Gates, returns and fast calls ---- */

static bool is_own_stacks(const struct ox_event *e, const struct ox_code *code)
{
    return is_users(e) &&
           (is_return(code) || is_far(code) || is_conforming(code));
}

/* What transfers at CPL 3 without a change of it do to their stack, QEMU does
 * as a supervisor: SMAP forbids it, and without SMAP it may. */
bool ox_qemu_return_as_supervisor(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (ox_peer_at(d, &e, &code) && is_own_stacks(&e, &code) &&
        (e.cr4 & SMAP) &&
        ((e.vector == 14 && (e.error & ~2u) == 1) ||
         (e.vector == 8 && (is_cr2(d) || vector_of(d) != 8))))
        return true;
    return ox_faults(d, 14, &e, &code) && (e.error & 5) == 5 &&
           is_own_stacks(&e, &code);
}

bool ox_qemu_gate_index(const struct ox_difference *d)
{
    return d->field == OX_R64_ERROR && (OURS(d) & 2) &&
           (PEER(d) | 1) == ((OURS(d) & ~7u) << 1 | (OURS(d) & 7) | 1);
}

bool ox_qemu_no_ext(const struct ox_difference *d)
{
    return is_error(d) && vector_of(d) >= 10 && vector_of(d) <= 13 &&
           (OURS(d) & 1) && (OURS(d) ^ PEER(d)) == 1;
}

/* #GP of a selector; that one. */
static bool refuses(const struct ox_difference *d, uint32_t *selector)
{
    struct ox_event e;

    if (!ox_instead_of(d, 13) || !ox_event_at(d->c, d->ours, d->start, &e))
        return false;
    *selector = e.error;
    return e.error > 3;
}

bool ox_qemu_long_and_wide(const struct ox_difference *d)
{
    uint32_t selector;

    return is_wide(d) && refuses(d, &selector) &&
           (ox_upper_half_of(d->c, selector) & 0x600000) == 0x600000;
}

/* Of a double fault nothing tells of the refusal but the first one's gate. */
bool ox_qemu_v86_to_other_level(const struct ox_difference *d)
{
    struct ox_event e;
    uint32_t selector;

    if (!ox_event_at(d->c, d->ours, d->start, &e) || !(e.flags & VM) ||
        e.record != OX_R32)
        return false;
    if (!refuses(d, &selector))
        selector = load_le16(d->c->arena + AT_IDT + 8 * e.vector + 2);
    return ox_upper_half_of(d->c, selector) & 0x6000;
}

bool ox_qemu_conforming_gate(const struct ox_difference *d)
{
    return (d->field == OX_R32_CS || d->field == OX_R64_CS) &&
           says(d, "call far") && (OURS(d) & ~3u) == SEL_CONFORMING &&
           (OURS(d) ^ PEER(d)) < 4;
}

bool ox_qemu_present_first(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    if (!is_wide(d) || !ox_event_at(d->c, d->ours, d->start, &ours) ||
        !ox_event_at(d->c, d->theirs, d->start, &theirs) || !ours.error)
        return false;
    return parted(d, 13, 8) /* of delivering #NP */
               ? !(ox_upper_half_of(d->c, ours.error) & 0x8000)
               : parted(d, 13, 11) && ours.error == theirs.error;
}

/* The gate of that vector has an IST. */
bool ox_qemu_stack_of_ist(const struct ox_difference *d)
{
    return d->field == OX_R64_SS && !PEER(d) &&
           (d->c->arena[AT_IDT_64 + 16 * vector_of(d) + 4] & 7);
}

/* It faults; or, at the same level, drops VM. */
bool ox_qemu_iret_to_v86(const struct ox_difference *d)
{
    const char *at = strstr(d->c->text, "iret to ");
    struct ox_event e;
    struct ox_code code;

    at = at ? strstr(at, "flags ") : NULL;
    if (!at || !(strtoul(at + 6, NULL, 16) & VM) ||
        !(d->c->cpl || d->c->mode == OX_COMPAT))
        return false;
    if (ox_faults(d, 13, &e, &code) && code.at[0] == 0xCF)
        return true;
    return ox_event_at(d->c, d->theirs, d->start, &e) && (e.flags & VM) &&
           ox_event_at(d->c, d->ours, d->start, &e) && !(e.flags & VM);
}

/* What is loaded faults, and what QEMU goes on with is its lower half: of a
 * recorder's IRET, too, to a program that has come to its end. */
bool ox_qemu_v86_iret_limit(const struct ox_difference *d)
{
    struct ox_event e, before;
    struct ox_code code;

    return ox_faults(d, 13, &e, &code) && !e.error && code.at[0] == 0xCF &&
           e.record == OX_R32 && code.address >= AT_RECORD &&
           ox_last_event(d->c, d->ours, d->start, &before) &&
           (before.flags & VM) && before.ip > 0xFFFF;
}

bool ox_qemu_no_vif(const struct ox_difference *d)
{
    return (goes_to_task(d) || says(d, "sysret")) && is_flags(d) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x190000)) == 0;
}

bool ox_qemu_far_keeps_upper(const struct ox_difference *d)
{
    return d->field == OX_R64_RIP_UP && !OURS(d) && PEER(d) == 0xFFFFFFFF &&
           (says(d, "retf") || says(d, "iret"));
}

/* 0F 05 and 0F 07 where they are undefined, or what delivers that faults. */
bool ox_qemu_legacy_syscall(const struct ox_difference *at)
{
    struct ox_difference end = ox_final(at);
    const struct ox_difference *d = at->ours->count ? &end : at;
    struct ox_event e;
    struct ox_code code;

    if (d->ours->kind == 'T' && !d->ours->count) /* #UD was deadly */
        return d->c->mode != OX_LONG &&
               (says(d, "syscall") || says(d, "sysret"));
    if (!ox_event_at(d->c, d->ours, d->start, &e) ||
        !ox_code_of(d->c, &e, 0, &code) ||
        !(is_0f(&code, 0x05) || is_0f(&code, 0x07)))
        return false;
    return e.vector == 6 || e.vector == 8 || (e.error & 1);
}

bool ox_qemu_syscall_flags(const struct ox_difference *d)
{
    return says(d, "syscall") && is_flags(d) &&
           ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x10CD5)) == 0;
}

/* As a virtual-8086 program of long mode it goes on, and faults. */
bool ox_qemu_sysret_flags(const struct ox_difference *d)
{
    struct ox_event e;

    if (!says(d, "sysret") || d->record != OX_R64)
        return false;
    return is_flags(d) ? ((OURS(d) ^ PEER(d)) & ~UINT32_C(0x190000)) == VM
                       : vector_there(d) == 13 &&
                             ox_event_at(d->c, d->theirs, d->start, &e) &&
                             (e.flags & VM);
}

bool ox_qemu_sysexit_keeps_upper(const struct ox_difference *d)
{
    return says(d, "sysexit") &&
           (d->field == OX_R64_SAVED_RSP_UP || d->field == OX_R64_RIP_UP) &&
           !OURS(d);
}

enum { LONG = 1 << 21, D = 1 << 22 };

/* Ours is beyond FFFF in a code segment of 16 bits, QEMU has begun again. */
static bool goes_on_low(const struct ox_difference *d)
{
    struct ox_event before, ours, theirs;

    if (!ox_event_at(d->c, d->ours, d->start, &ours) ||
        !ox_event_at(d->c, d->theirs, d->start, &theirs) || is_wide(d) ||
        (ours.flags & VM) || (ox_upper_half_of(d->c, ours.cs) & D) ||
        theirs.cs != ours.cs || ours.ip < 0x10000 || theirs.ip >= 0x1000)
        return false;
    return ours.ip < 0x10010 || /* has just come there */
           (ox_last_event(d->c, d->theirs, d->start, &before) &&
            before.ip > 0xFFFF && before.cs == ours.cs);
}

/* Of a code segment of 16 bits, which is no longer than 64 KiB there. */
bool ox_qemu_wrapped_ip(const struct ox_difference *d)
{
    struct ox_event e;

    if (goes_on_low(d))
        return true;
    return (d->field == OX_R32_EIP || d->field == OX_R64_RIP) &&
           OURS(d) > 0xFFFF && PEER(d) == (OURS(d) & 0xFFFF) &&
           ox_event_at(d->c, d->ours, d->start, &e) &&
           !(ox_upper_half_of(d->c, e.cs) & (LONG | D));
}

bool ox_qemu_null_sysenter_cs(const struct ox_difference *d)
{
    uint32_t cs = d->c->field[CASE_MSR / 4 + 3];
    struct ox_event e;
    struct ox_code code;

    return ox_faults(d, 13, &e, &code) && !e.error &&
           (is_0f(&code, 0x34) || is_0f(&code, 0x35)) && cs > 0 && cs < 4;
}

/* A CALL with REX.W that has led beyond the limit. */
static bool calls_beyond(const struct ox_difference *d)
{
    struct ox_event e, theirs;
    struct ox_code code;

    return ox_faults(d, 13, &e, &code) && !e.error && (code.rex & 8) &&
           code.at[0] == 0xFF && reg_of(&code, 1) == 3 &&
           ox_event_at(d->c, d->theirs, d->start, &theirs) &&
           theirs.cs != e.cs && is_beyond(d->c, theirs.cs, theirs.ip);
}

/* QEMU pushes before it looks at the limit. */
bool ox_qemu_limit_selector(const struct ox_difference *d)
{
    struct ox_event e;
    struct ox_code code;

    if (calls_beyond(d))
        return true;

    if (d->record == OX_SUMS)
        return ox_all_words(d, is_pushed) &&
               ox_last_event(d->c, d->ours, d->start, &e) && e.vector == 13 &&
               !e.error && ox_code_of(d->c, &e, 0, &code) && is_far(&code);
    return is_error(d) && ox_faults(d, 13, &e, &code) && !OURS(d) &&
           PEER(d) > 3 && !(PEER(d) & 3) && (is_far(&code) || is_return(&code));
}

/* In real-address and virtual-8086 mode the selector is read behind 64 KiB. */
bool ox_qemu_return_wraps(const struct ox_difference *d)
{
    uint32_t at = (d->c->field[CASE_SS / 4] << 4) + 0x10000;
    struct ox_event e;

    return (d->c->mode == OX_REAL || d->c->mode == OX_V86) && says(d, "retf") &&
           ox_event_at(d->c, d->theirs, d->start, &e) && at < ARENA_SIZE - 4 &&
           e.cs == load_le16(d->c->arena + at);
}
