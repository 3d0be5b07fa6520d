/* The rows of differences.def: for which cases, in which fields. */
#include "tests/oracle/judge.h"

#include <string.h>

const char *const difference_what[DIFFER_COUNT] = {
#define DIFFERENCE(name, what, why) what,
#include "tests/oracle/differences.def"
#undef DIFFERENCE
};

enum { KIND_SVC = 1, KIND_PROGRAM = 2, KIND_EXTERNAL = 3 };

/* ---- Looking at a pair ---- */

static unsigned kind(const uint8_t *result)
{
    return load_be32(result + RESULT_KIND);
}

static bool both_program(const struct pair *p)
{
    return kind(p->ours) == KIND_PROGRAM && kind(p->theirs) == KIND_PROGRAM;
}

/* The program old PSW, location 40. */
static uint8_t *old_psw(uint8_t *result)
{
    return result + RESULT_OLD + 40 - 16;
}

static uint8_t *location(uint8_t *result, unsigned at)
{
    return result + RESULT_PSA + at - 128;
}

static bool is_ec(uint8_t *psw)
{
    return psw[1] & 8;
}

static unsigned code_of(uint8_t *result)
{
    uint8_t *psw = old_psw(result);

    return load_be16(is_ec(psw) ? location(result, 142) : psw + 2) & 0x7F;
}

static bool copy_if_differs(uint8_t *theirs, const uint8_t *ours, size_t n)
{
    bool differs = memcmp(theirs, ours, n) != 0;

    memcpy(theirs, ours, n);
    return differs;
}

/* Bits of a byte. */
static bool copy_bits(uint8_t *theirs, const uint8_t *ours, uint8_t mask)
{
    uint8_t v = (uint8_t)((*theirs & ~mask) | (*ours & mask));
    bool differs = v != *theirs;

    *theirs = v;
    return differs;
}

/* CC in the old PSW of the interruption that ended the case. */
static bool copy_cc(struct pair *p)
{
    static const uint8_t at[] = {0, 32, 40, 24, 56};
    unsigned which = at[kind(p->ours) % 5] - 16u;
    uint8_t *o = p->ours + RESULT_OLD + which;
    uint8_t *t = p->theirs + RESULT_OLD + which;

    if (!kind(p->ours) || kind(p->ours) != kind(p->theirs))
        return false;

    return is_ec(o) ? copy_bits(t + 2, o + 2, 0x30)
                    : copy_bits(t + 4, o + 4, 0x30);
}

/* ---- The rows ---- */

static bool explain_COMPARATOR(struct pair *p)
{
    uint8_t *t = p->theirs + RESULT_COMPARATOR;
    const uint8_t *o = p->ours + RESULT_COMPARATOR;
    bool low = copy_bits(t + 6, o + 6, 0x0F);

    return copy_if_differs(t + 7, o + 7, 1) || low;
}

/* The chunks that changed are the same ones, but for their content; a chunk
 * that holds an end of the value may be the same as before by chance. */
static bool explain_CLOCK(struct pair *p)
{
    uint32_t ours = load_be32(p->ours + RESULT_CHANGED);
    uint32_t theirs = load_be32(p->theirs + RESULT_CHANGED);

    if (!p->fact->clock)
        return false;
    if (ours + 1 == theirs || theirs + 1 == ours)
        return copy_if_differs(p->theirs + RESULT_CHANGED,
                               p->ours + RESULT_CHANGED,
                               RESULT_SIZE - RESULT_CHANGED);
    if (ours != theirs)
        return false;
    bool any = copy_if_differs(p->theirs + RESULT_SUM, p->ours + RESULT_SUM, 4);
    for (unsigned i = 0; i < CHUNKS_MAX; i++) {
        unsigned at = RESULT_CHUNKS + i * CHUNK_SIZE;
        if (!memcmp(p->ours + at, p->theirs + at, 4))
            any |= copy_if_differs(p->theirs + at + 4, p->ours + at + 4, 16);
    }
    return any;
}

static bool explain_TEA(struct pair *p)
{
    uint8_t *o = location(p->ours, 144), *t = location(p->theirs, 144);
    unsigned code = both_program(p) ? code_of(p->ours) : 0;

    if (code != 0x10 && code != 0x11)
        return false;
    uint8_t page = p->ours[RESULT_CR + 1] & 0x80 ? 0x0F : 0x07;
    bool high = copy_bits(t + 2, o + 2, page);
    return copy_if_differs(t + 3, o + 3, 1) || high;
}

/* The address less the ILC is the instruction's own, which must be the same;
 * nullification leaves the address there. */
static bool explain_FETCH(struct pair *p)
{
    uint8_t *o = old_psw(p->ours), *t = old_psw(p->theirs);
    bool any;

    if (!p->fact->fetch || !both_program(p) ||
        code_of(p->ours) != code_of(p->theirs))
        return false;
    bool ec = is_ec(o);
    uint8_t *ilc_o = ec ? location(p->ours, 141) : o + 4;
    uint8_t *ilc_t = ec ? location(p->theirs, 141) : t + 4;
    unsigned shift = ec ? 1 : 6;
    uint32_t lo = 2u * (*ilc_o >> shift & 3), lt = 2u * (*ilc_t >> shift & 3);
    if (code_of(p->ours) == 0x10 || code_of(p->ours) == 0x11)
        lo = lt = 0;
    if (((load_be24(o + 5) - lo) ^ (load_be24(t + 5) - lt)) & 0xFFFFFF)
        return false;
    any = copy_if_differs(t + 5, o + 5, 3);
    return copy_bits(ilc_t, ilc_o, (uint8_t)(3u << shift)) || any;
}

static bool explain_LONG(struct pair *p)
{
    uint16_t op = p->fact->last_op;
    bool any = false;

    for (unsigned i = 0; i < 16; i++)
        if (p->fact->long_registers >> i & 1)
            any |= copy_if_differs(p->theirs + RESULT_GR + 4 * i,
                                   p->ours + RESULT_GR + 4 * i, 1);
    if ((op == S370_OP_MVCL || op == S370_OP_CLCL) && both_program(p))
        any |= copy_cc(p);
    return any;
}

static bool is_decimal(uint16_t op)
{
    return op == S370_OP_CVB ||
           (op < S370_OP_COUNT && (s370_insns.rows[op].opcode >= 0xF8 ||
                                   s370_insns.rows[op].opcode == 0xF0 ||
                                   s370_insns.rows[op].opcode == 0xDE ||
                                   s370_insns.rows[op].opcode == 0xDF));
}

/* Both exceptions must exist, by our own byte-by-byte look at the operands. */
static bool explain_ACCESS_ORDER(struct pair *p)
{
    unsigned ours = code_of(p->ours), theirs = code_of(p->theirs);
    uint32_t possible = p->fact->possible;

    if (!both_program(p) || p->fact->fetch)
        return false;
    if (is_decimal(p->fact->last_op))
        possible |= 1u << 7;
    if (ours > 31 || theirs > 31 || !(possible >> ours & 1) ||
        !(possible >> theirs & 1))
        return false;
    if (ours == theirs &&
        memcmp(location(p->ours, 144), location(p->theirs, 144), 4) == 0)
        return false;
    bool any = copy_if_differs(old_psw(p->theirs), old_psw(p->ours), 8);
    return copy_if_differs(location(p->theirs, 140), location(p->ours, 140),
                           8) ||
           any;
}

static bool explain_MONITOR_BC(struct pair *p)
{
    if (!both_program(p) || is_ec(old_psw(p->ours)) ||
        code_of(p->ours) != 0x40 || code_of(p->theirs) != 0x40)
        return false;
    bool any =
        copy_if_differs(location(p->theirs, 148), location(p->ours, 148), 2);
    return copy_if_differs(location(p->theirs, 156), location(p->ours, 156),
                           4) ||
           any;
}

static bool explain_EX_ILC(struct pair *p)
{
    bool ec = is_ec(old_psw(p->ours));
    unsigned shift = ec ? 1 : 6;

    if (!both_program(p) || !p->fact->executed_target ||
        code_of(p->ours) != code_of(p->theirs))
        return false;
    uint8_t *o = ec ? location(p->ours, 141) : old_psw(p->ours) + 4;
    uint8_t *t = ec ? location(p->theirs, 141) : old_psw(p->theirs) + 4;
    return 2u * (*t >> shift & 3) == p->fact->last.len &&
           copy_bits(t, o, (uint8_t)(3u << shift));
}

/* What an unfinished EDIT has stored, and marked in register 1. */
static bool copy_edited(struct pair *p)
{
    bool any = false;

    if (p->fact->last_op != S370_OP_ED && p->fact->last_op != S370_OP_EDMK)
        return false;
    if (p->fact->last_op == S370_OP_EDMK)
        any = copy_if_differs(p->theirs + RESULT_GR + 5,
                              p->ours + RESULT_GR + 5, 3);
    return copy_if_differs(p->theirs + RESULT_CHANGED, p->ours + RESULT_CHANGED,
                           RESULT_SIZE - RESULT_CHANGED) ||
           any;
}

/* Protection, addressing and data exceptions terminate: CC, register results
 * and what was stored are open. */
static bool explain_TERMINATED(struct pair *p)
{
    unsigned code = both_program(p) ? code_of(p->ours) : 0;

    if (code != code_of(p->theirs) || (code != 4 && code != 5 && code != 7))
        return false;
    bool any = copy_cc(p);
    return copy_edited(p) || any;
}

static bool explain_EDIT_NULLIFIED(struct pair *p)
{
    unsigned code = both_program(p) ? code_of(p->ours) : 0;

    return code == code_of(p->theirs) && (code == 0x10 || code == 0x11) &&
           copy_edited(p);
}

static bool explain_PER_ILC(struct pair *p)
{
    uint8_t *o = location(p->ours, 140), *t = location(p->theirs, 140);

    return both_program(p) && is_ec(old_psw(p->ours)) && o[3] == 0x80 &&
           t[3] == 0x80 && copy_bits(t + 1, o + 1, 0x06);
}

/* The bit 0080 and what belongs to it at 150-155. */
static bool explain_PER_FETCH(struct pair *p)
{
    if (!both_program(p) || !(p->fact->fetch || p->fact->fetch_target) ||
        (location(p->ours, 143)[0] | 0x80) != location(p->theirs, 143)[0] ||
        location(p->theirs, 150)[0] != 0x40)
        return false;
    bool any =
        copy_if_differs(location(p->theirs, 143), location(p->ours, 143), 1);
    return copy_if_differs(location(p->theirs, 150), location(p->ours, 150),
                           6) ||
           any;
}

static bool explain_ISK_REFERENCE(struct pair *p)
{
    bool any = false;

    for (unsigned i = 0; i < 16; i++)
        if (p->fact->key_registers >> i & 1)
            any |= copy_bits(p->theirs + RESULT_GR + 4 * i + 3,
                             p->ours + RESULT_GR + 4 * i + 3, 4);
    return any;
}

/* Hercules resets the reference bits of both, and its CC is of both. */
static bool explain_RRB_PAIR(struct pair *p)
{
    bool any;

    if (!p->fact->reset_reference)
        return false;
    any = copy_cc(p);
    for (unsigned i = 0; i < 5; i++)
        any |= copy_bits(p->theirs + RESULT_KEYS + i, p->ours + RESULT_KEYS + i,
                         4);
    return any;
}

/* In BC mode, bits 32 and 33 of the external old PSW, location 24. */
static bool explain_ASYNCHRONOUS_ILC(struct pair *p)
{
    uint8_t *o = p->ours + RESULT_OLD + 24 - 16;
    uint8_t *t = p->theirs + RESULT_OLD + 24 - 16;

    return kind(p->ours) == KIND_EXTERNAL && !is_ec(o) &&
           copy_bits(t + 4, o + 4, 0xC0);
}

bool difference_explain(enum difference which, struct pair *p)
{
    switch (which) {
#define DIFFERENCE(name, what, why) \
    case DIFFER_##name:             \
        return explain_##name(p);
#include "tests/oracle/differences.def"
#undef DIFFERENCE
    default:
        return false;
    }
}
