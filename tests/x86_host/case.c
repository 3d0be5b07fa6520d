#include "tests/x86_host/case.h"

#include "base/bytes.h"

#include <string.h>

uint64_t case_random(struct case_random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(2685821657736338717);
}

static uint64_t below(struct case_random *r, uint64_t n)
{
    return (case_random(r) >> 16) % n;
}

static bool one_in(struct case_random *r, unsigned n)
{
    return !below(r, n);
}

/* ---- What may come ---- */

enum sort { OTHER, PLAIN, STACK, STRING, BRANCH };

static const uint8_t sorts[X86_INSN_COUNT] = {
#define OP_AS(name, mnemonic, priv, body, title) [X86_INSN_##name] = SORT,
#define OP(name, priv, body, title)              [X86_INSN_##name] = SORT,
#define OP_ASKED(name, ...)                      [X86_INSN_##name] = SORT,
#define SORT                                     PLAIN
#include "x86vmm/machine/op_arith.def"
#include "x86vmm/machine/op_data.def"
#include "x86vmm/machine/op_shift.def"
#undef SORT
#define SORT STRING
#include "x86vmm/machine/op_string.def"
#undef SORT
#define SORT BRANCH
#include "x86vmm/machine/op_branch.def"
#undef SORT
#undef OP
#undef OP_AS
#undef OP_ASKED
};

static enum sort sort_of(const struct x86_op *op)
{
    switch (op->id) {
    case X86_INSN_PUSH:
    case X86_INSN_POP:
    case X86_INSN_PUSHA:
    case X86_INSN_PUSHAD:
    case X86_INSN_POPA:
    case X86_INSN_POPAD:
    case X86_INSN_ENTER:
    case X86_INSN_LEAVE:
        return STACK;
    default:
        break;
    }
    if (sorts[op->id] == BRANCH && !(op->flags & X86_ENDS))
        return PLAIN; /* CLC and the like */
    return (enum sort)sorts[op->id];
}

/* Where processors differ, or this process would be hurt. */
static bool is_excluded(const struct x86_op *op, const uint8_t *bytes,
                        unsigned bits)
{
    bool narrow = memchr(bytes, 0x66, op->len) != NULL;

    if (op->seg == X86_FS || op->seg == X86_GS)
        return true; /* the thread's own */
    if (sort_of(op) == BRANCH && bits == 64 && narrow)
        return true; /* AMD's obey the prefix, Intel's do not */
    if (op->id == X86_INSN_MOVSXD && op->operand[0].size == 2)
        return true; /* the source's size differs */
    if ((op->id == X86_INSN_LOOPE || op->id == X86_INSN_LOOPNE) &&
        (memchr(bytes, 0xF2, op->len) || memchr(bytes, 0xF3, op->len)))
        return true; /* AMD's take the condition from the prefix */
    if ((op->id == X86_INSN_BSF || op->id == X86_INSN_BSR) &&
        memchr(bytes, 0xF3, op->len))
        return true; /* TZCNT and LZCNT, which ours lacks */
    if (op->id == X86_INSN_NOP && memchr(bytes, 0x0D, op->len))
        return true; /* AMD's know PREFETCH there */
    if (op->id == X86_INSN_PAUSE && bytes[op->len - 2] != 0xF3)
        return true; /* with REX, AMD's take XCHG R8,RAX for it */
    return op->id == X86_INSN_BSWAP && op->operand[0].size == 2; /* undefined */
}

/* ---- One instruction ---- */

static const uint8_t prefixes[] = {0x66, 0x67, 0xF3, 0xF2, 0xF0,
                                   0x2E, 0x36, 0x3E, 0x26};
static const uint8_t rarity[] = {6, 16, 10, 24, 24, 64, 64, 64, 64};

/* Second opcode bytes of forms that would be few. */
static const uint8_t rare[] = {0xA3, 0xA4, 0xA5, 0xAB, 0xAC, 0xAD, 0xAF, 0xB0,
                               0xB1, 0xB3, 0xBA, 0xBB, 0xBC, 0xBD, 0xC0, 0xC1,
                               0xC7, 0xC7, 0xC7, 0xC7, 0xC7, 0xC7, 0xC7, 0xC8};

static uint8_t random_byte(struct case_random *r)
{
    static const uint8_t edges[] = {0, 1, 0x7F, 0x80, 0xFF};

    return one_in(r, 3) ? edges[below(r, sizeof(edges))]
                        : (uint8_t)case_random(r);
}

static void random_bytes(uint8_t *bytes, struct case_random *r, unsigned bits)
{
    unsigned n = 0;
    bool second = one_in(r, 3);

    for (size_t i = 0; i < sizeof(prefixes); i++)
        if (one_in(r, rarity[i]))
            bytes[n++] = prefixes[i];
    if (bits == 64 && one_in(r, 2))
        bytes[n++] = (uint8_t)(0x40 | below(r, 16));
    if (second)
        bytes[n++] = 0x0F;
    if (second && one_in(r, 4))
        bytes[n++] = rare[below(r, sizeof(rare))];
    else
        bytes[n++] = (uint8_t)case_random(r);
    bytes[n++] = (uint8_t)case_random(r);
    while (n < 16)
        bytes[n++] = random_byte(r);
}

/* LOCK where it must not be, in front of what would be an instruction. */
static bool is_bad_lock(const uint8_t *bytes, unsigned bits, unsigned *len)
{
    uint8_t rest[16] = {0};
    struct x86_op op;
    size_t at = 0;

    while (bytes[at] != 0xF0 && memchr(prefixes, bytes[at], sizeof(prefixes)))
        at++;
    if (bytes[at] != 0xF0)
        return false;
    memcpy(rest, bytes, at);
    memcpy(rest + at, bytes + at + 1, 15 - at);
    if (x86_op_decode(rest, 15, bits, &op) || !sorts[op.id] || at >= op.len ||
        is_excluded(&op, rest, bits))
        return false;
    *len = op.len + 1u;
    return true;
}

/* An instruction of a sort that is wanted, in bytes. */
static void make_one(struct host_case *c, struct case_random *r, uint8_t *bytes,
                     bool more)
{
    struct x86_op *op = &c->op;
    unsigned len;

    for (;;) {
        random_bytes(bytes, r, c->bits);
        int code = x86_op_decode(bytes, 15, c->bits, op);

        if (code == -2 && !more && is_bad_lock(bytes, c->bits, &len)) {
            *op = (struct x86_op){.id = X86_INSN_COUNT};
            c->size += len;
            return;
        }
        if (code || !sorts[op->id] || is_excluded(op, bytes, c->bits))
            continue;
        c->size += op->len;
        return;
    }
}

/* ---- Registers ---- */

static uint64_t random_value(struct case_random *r)
{
    uint64_t v = case_random(r);

    switch (below(r, 6)) {
    case 0:
        return v % 40;
    case 1:
        return -(v % 40);
    case 2:
        return (uint64_t)(int64_t)(int32_t)v;
    case 3:
        return UINT64_C(1) << v % 64;
    case 4:
        return UINT64_C(0x7F7F7F7F7F7F7F7F) + v % 3;
    default:
        return v;
    }
}

/* An address to reach: mostly within the data, sometimes at an edge. */
static uint64_t random_target(struct case_random *r)
{
    switch (below(r, 24)) {
    case 0:
        return HOST_DATA - 12 + below(r, 24);
    case 1:
        return HOST_FIXED - 12 + below(r, 24);
    case 2:
        return HOST_FIXED + HOST_FIXED_SIZE - 12 + below(r, 24);
    case 3:
        return HOST_DATA + 4096 - 12 + below(r, 24);
    case 4:
        return UINT64_C(0x7FFFFFFFFFF8) + below(r, 24); /* not canonical */
    default:
        return (HOST_DATA + 512 + below(r, HOST_DATA_SIZE - 1024)) &
               ~(below(r, 2) * 15);
    }
}

static void set_reg(struct host_case *c, unsigned reg, uint64_t v)
{
    c->start.gpr[reg] = c->bits == 64 ? v : (uint32_t)v;
}

/* The displacement is in the bytes: put another one there. */
static void patch_disp(struct host_case *c, uint64_t disp)
{
    struct x86_op *op = &c->op;
    uint8_t *bytes = c->code + c->last, old[8];

    store_le64(old, (uint64_t)op->disp);
    for (unsigned n = 8; n >= 4; n -= 4)
        for (unsigned i = 1; i + n <= op->len; i++) {
            struct x86_op again;
            uint8_t now[16];

            memcpy(now, bytes, 16);
            store_le64(now + i, disp);
            memcpy(now + i + n, bytes + i + n, 16 - i - n);
            if (memcmp(bytes + i, old, n) ||
                x86_op_decode(now, 15, c->bits, &again) || again.id != op->id ||
                again.len != op->len)
                continue;
            memcpy(bytes, now, op->len);
            *op = again;
            return;
        }
}

/* Registers such that the memory operand is at `target`, or near it. */
static void aim(struct host_case *c, uint64_t target)
{
    const struct x86_op *op = &c->op;
    uint64_t left = target - (uint64_t)op->disp;

    if (op->base == X86_NO_REG && op->index == X86_NO_REG) {
        if (op->flags & X86_RIP_RELATIVE)
            target -= HOST_CODE + op->len;
        patch_disp(c, target);
    } else if (op->base == X86_NO_REG) {
        set_reg(c, op->index, left >> op->scale);
    } else if (op->base == op->index) {
        set_reg(c, op->base, left / (1 + (UINT64_C(1) << op->scale)));
    } else {
        if (op->index != X86_NO_REG)
            left -= c->start.gpr[op->index] << op->scale;
        set_reg(c, op->base, left);
    }
}

static bool has_memory(const struct x86_op *op)
{
    for (unsigned i = 0; i < op->count; i++)
        if (op->operand[i].kind == X86_MEM)
            return true;
    return false;
}

/* A number for a branch to find where it looks for its target. */
static void plant(struct case_random *r, uint8_t *data, uint64_t at)
{
    if (at >= HOST_DATA && at <= HOST_FIXED - 8 && !one_in(r, 4))
        store_le64(data + (at - HOST_DATA),
                   one_in(r, 4) ? random_value(r) : HOST_CODE + below(r, 64));
}

/* Let CMPXCHG find what it compares with, half of the time. */
static void match(struct host_case *c, struct case_random *r,
                  const uint8_t *data, uint64_t at)
{
    if (one_in(r, 2))
        return;
    if (c->op.operand[0].kind == X86_REG) {
        set_reg(c, X86_RAX, c->start.gpr[c->op.operand[0].reg]);
    } else if (at >= HOST_DATA && at <= HOST_FIXED - 16) {
        unsigned half = c->op.id == X86_INSN_CMPXCHG8B ? 4 : 8;

        set_reg(c, X86_RAX, x86_load(data + (at - HOST_DATA), half));
        set_reg(c, X86_RDX, x86_load(data + (at - HOST_DATA) + half, half));
    }
}

static void suit(struct host_case *c, struct case_random *r, uint8_t *data)
{
    const struct x86_op *op = &c->op;
    uint64_t target = random_target(r);

    switch (op->id) {
    case X86_INSN_BT:
    case X86_INSN_BTS:
    case X86_INSN_BTR:
    case X86_INSN_BTC:
        if (op->operand[1].kind == X86_REG && !one_in(r, 8))
            set_reg(c, op->operand[1].reg, below(r, 600) - 300);
        break;
    case X86_INSN_DIV:
    case X86_INSN_IDIV:
        if (!one_in(r, 4))
            set_reg(c, X86_RDX, one_in(r, 2) ? 0 : below(r, 100) - 50);
        break;
    case X86_INSN_XLAT:
        set_reg(c, X86_RBX, target - 128);
        break;
    default:
        break;
    }
    if (has_memory(op))
        aim(c, target);
    if (op->id == X86_INSN_CMPXCHG || op->id == X86_INSN_CMPXCHG8B ||
        op->id == X86_INSN_CMPXCHG16B)
        match(c, r, data, target);
    if (sort_of(op) == STRING) {
        set_reg(c, X86_RSI, target);
        set_reg(c, X86_RDI, random_target(r));
        set_reg(c, X86_RCX, one_in(r, 16) ? random_value(r) : below(r, 40));
    }
    if (sort_of(op) == BRANCH)
        plant(r, data, has_memory(op) ? target : c->start.gpr[X86_RSP]);
}

/* ---- The whole ---- */

static void random_registers(struct host_case *c, struct case_random *r)
{
    for (unsigned i = 0; i < 16; i++)
        set_reg(c, i, random_value(r));
    set_reg(c, X86_RSP, random_target(r));
    set_reg(c, X86_RBP, one_in(r, 4) ? random_value(r) : random_target(r));
    c->start.rip = HOST_CODE;
    c->start.rflags = 2 | (case_random(r) & HOST_FLAGS & ~UINT64_C(0x400));
    c->start.rflags |= one_in(r, 8) ? 0x400 : 0;
}

/* May something follow that looks at all flags, or at nothing but registers? */
static bool may_go_on(const struct host_case *c, const uint64_t gpr[16])
{
    uint64_t other[16] = {0};

    other[X86_RCX] = 31; /* whatever the count is then */
    return c->op.id != X86_INSN_COUNT && sort_of(&c->op) == PLAIN &&
           c->op.id != X86_INSN_BSF && c->op.id != X86_INSN_BSR &&
           !case_undefined(&c->op, other) && !case_undefined(&c->op, gpr);
}

/* More instructions, that need no storage. */
static void make_more(struct host_case *c, struct case_random *r)
{
    unsigned want = (unsigned)below(r, CASE_INSNS);

    while (want-- && may_go_on(c, c->start.gpr)) {
        unsigned size = c->size;

        do {
            c->size = size;
            make_one(c, r, c->code + size, true);
        } while (has_memory(&c->op) || sort_of(&c->op) != PLAIN ||
                 c->op.id == X86_INSN_XLAT);
        c->last = size;
    }
}

void case_make(struct host_case *c, struct case_random *r, unsigned bits,
               uint8_t *data)
{
    *c = (struct host_case){.bits = bits};
    make_one(c, r, c->code, false);
    random_registers(c, r);
    if (c->op.id == X86_INSN_COUNT)
        return;
    suit(c, r, data);
    c->trace = sort_of(&c->op) == BRANCH ||
               (sort_of(&c->op) == STRING && one_in(r, 8));
    if (c->trace)
        c->start.rflags |= HOST_TF;
    else if (one_in(r, 2))
        make_more(c, r);
}
