/* MOVE LONG and COMPARE LOGICAL LONG (GA22-7000, "General Instructions",
 * "Interruptible Instructions").
 *
 * A unit of operation ends where either operand goes on in another 2K block.
 * After each unit the registers say what is left; when something is, the
 * instruction address stays at the instruction, so that interruptions can come
 * in.  All accesses of a unit are checked before it changes anything: one that
 * is nullified has had no effect, and a monitor that supplies a page can let it
 * be tried again. */
#include "s370/machine/access.h"

enum { LENGTH_MASK = 0xFFFFFF };

/* An operand in an even-odd pair of registers. */
struct operand {
    unsigned r;
    uint32_t at, left;
};

static struct operand operand_of(const struct s370_cpu *cpu, unsigned r)
{
    return (struct operand){r, cpu->gr[r] & S370_ADDRESS_MASK,
                            cpu->gr[r + 1] & LENGTH_MASK};
}

/* Bits 0-7 of the address registers become zeros, which the manual allows;
 * those of the length registers stay. */
static void put_back(struct s370_cpu *cpu, const struct operand *o)
{
    cpu->gr[o->r] = o->at & S370_ADDRESS_MASK;
    cpu->gr[o->r + 1] = (cpu->gr[o->r + 1] & ~(uint32_t)LENGTH_MASK) | o->left;
}

static void advance(struct operand *o, uint32_t n)
{
    o->at = (o->at + n) & S370_ADDRESS_MASK;
    o->left -= n;
}

/* n bytes, but not beyond the block in which o goes on after it. */
static uint32_t within_block(const struct operand *o, uint32_t n)
{
    uint32_t room = S370_BLOCK - (o->at & (S370_BLOCK - 1));

    return o->left > room ? min_u32(n, room) : n;
}

/* Unfinished: execute the same instruction again. */
static int again(struct s370_cpu *cpu)
{
    cpu->psw.ia = (cpu->psw.ia - cpu->ilc) & S370_ADDRESS_MASK;
    return 0;
}

/* Would bytes of the source be read after having been written?  Judged by
 * addresses, from the second byte of the destination on, with wrap-around. */
static bool destructive(const struct operand *to, const struct operand *from)
{
    uint32_t moved = min_u32(to->left, from->left);

    if (moved < 2)
        return false;
    uint32_t ahead = (to->at - from->at) & S370_ADDRESS_MASK;
    return ahead != 0 && ahead < moved;
}

/* One unit: n bytes to a target in one block, from what is left of a source in
 * one block, and padding behind it. */
static int move_unit(struct s370_cpu *cpu, struct operand *to,
                     struct operand *from, uint8_t pad, uint32_t n)
{
    uint32_t moved = min_u32(n, from->left);
    uint8_t *source = NULL;
    int code = 0;

    if (moved)
        source = s370_operand(cpu, from->at, moved, false, &code);
    TRY(code);
    uint8_t *target = s370_operand(cpu, to->at, n, true, &code);
    TRY(code);
    if (source)
        __builtin_memmove(target, source, moved);
    __builtin_memset(target + moved, pad, n - moved);
    advance(to, n);
    advance(from, moved);
    return 0;
}

int op_mvcl(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    if ((d->r1 & 1) || (d->r2 & 1))
        return S370_PGM_SPECIFICATION;
    struct operand to = operand_of(cpu, d->r1);
    struct operand from = operand_of(cpu, d->r2);
    uint8_t pad = (uint8_t)(cpu->gr[d->r2 + 1] >> 24);

    if (destructive(&to, &from)) {
        put_back(cpu, &to);
        put_back(cpu, &from);
        cpu->psw.cc = 3;
        return 0;
    }
    uint8_t cc = (uint8_t)(to.left < from.left   ? 1
                           : to.left > from.left ? 2
                                                 : 0);
    if (to.left)
        TRY(move_unit(cpu, &to, &from, pad,
                      within_block(&from, within_block(&to, to.left))));
    put_back(cpu, &from);
    put_back(cpu, &to);
    cpu->psw.cc = cc;
    return to.left ? again(cpu) : 0;
}

/* The next byte of an operand, or the padding. */
static int next_byte(struct s370_cpu *cpu, const struct operand *o, uint8_t pad,
                     uint8_t *v)
{
    *v = pad;
    return o->left ? s370_load8(cpu, o->at, v) : 0;
}

int op_clcl(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    if ((d->r1 & 1) || (d->r2 & 1))
        return S370_PGM_SPECIFICATION;
    struct operand a = operand_of(cpu, d->r1), b = operand_of(cpu, d->r2);
    uint8_t pad = (uint8_t)(cpu->gr[d->r2 + 1] >> 24), p = 0, q = 0;

    uint32_t n = a.left > b.left ? a.left : b.left;

    for (n = within_block(&a, within_block(&b, n)); n; n--) {
        TRY(next_byte(cpu, &a, pad, &p));
        TRY(next_byte(cpu, &b, pad, &q));
        if (p != q)
            break;
        advance(&a, a.left != 0);
        advance(&b, b.left != 0);
    }
    put_back(cpu, &b);
    put_back(cpu, &a);
    cpu->psw.cc = p == q ? 0 : p < q ? 1 : 2;
    return p == q && (a.left || b.left) ? again(cpu) : 0;
}
