#include "x86vmm/machine/deliver.h"

#include "base/bytes.h"
#include "x86vmm/machine/translate.h"

enum { GATE_INTERRUPT = 0xE, GATE_TRAP = 0xF };

static uint8_t *at_linear(const struct x86_state *s, const struct mem_map *mem,
                          uint64_t linear, unsigned size)
{
    uint64_t gpa;

    if ((linear & 0xFFF) + size > 0x1000 ||
        !x86_translate(s, mem, linear, &gpa))
        return NULL;
    return mem_at(mem, gpa, size);
}

/* A frame in the making: values of one width, pushed downwards. */
struct frame {
    const struct x86_state *s;
    const struct mem_map *mem;
    unsigned size;
    uint64_t sp, sp_mask;
    bool failed;
};

static void push(struct frame *f, uint64_t value)
{
    f->sp = (f->sp - f->size) & f->sp_mask;
    uint8_t *at =
        at_linear(f->s, f->mem, x86_linear(f->s, X86_SS, f->sp), f->size);

    if (!at)
        f->failed = true;
    else if (f->size == 2)
        store_le16(at, (uint16_t)value);
    else if (f->size == 4)
        store_le32(at, (uint32_t)value);
    else
        store_le64(at, value);
}

static void push_frame(struct frame *f, const struct x86_state *s)
{
    if (f->size == 8) { /* always with the stack, aligned */
        f->sp &= ~UINT64_C(15);
        push(f, s->seg[X86_SS].selector);
        push(f, s->gpr[X86_RSP]);
    }
    push(f, s->rflags);
    push(f, s->seg[X86_CS].selector);
    push(f, s->rip);
}

/* A 16-bit stack leaves the upper part of ESP alone. */
static void go(struct x86_state *s, const struct frame *f, uint64_t rip,
               uint64_t clear)
{
    s->gpr[X86_RSP] = (s->gpr[X86_RSP] & ~f->sp_mask) | f->sp;
    s->rflags &= ~clear;
    s->rip = rip;
}

static bool deliver_real(struct x86_state *s, const struct mem_map *mem,
                         unsigned vector)
{
    struct frame f = {.s = s,
                      .mem = mem,
                      .size = 2,
                      .sp = s->gpr[X86_RSP] & 0xFFFF,
                      .sp_mask = 0xFFFF};
    const uint8_t *entry = at_linear(s, mem, s->idt.base + 4 * vector, 4);

    if (!entry || 4 * vector + 3 > s->idt.limit)
        return false;
    uint32_t to = load_le32(entry); /* the frame may lie over it */
    push_frame(&f, s);
    if (f.failed)
        return false;
    go(s, &f, to & 0xFFFF,
       X86_FLAG_IF | X86_FLAG_TF | X86_FLAG_AC | X86_FLAG_RF);
    s->seg[X86_CS].selector = (uint16_t)(to >> 16);
    s->seg[X86_CS].base = to >> 16 << 4;
    return true;
}

struct gate {
    uint16_t selector;
    uint8_t ist, type; /* with P and DPL */
    uint64_t offset;
};

/* Intel SDM vol. 3, "IDT Descriptors" and "64-Bit Mode IDT". */
static bool read_gate(const struct x86_state *s, const struct mem_map *mem,
                      unsigned vector, bool wide, struct gate *g)
{
    uint32_t at = vector * (wide ? 16 : 8);
    const uint8_t *low = at_linear(s, mem, s->idt.base + at, 8);
    const uint8_t *high =
        wide ? at_linear(s, mem, s->idt.base + at + 8, 8) : low;

    if (!low || !high || at + (wide ? 15 : 7) > s->idt.limit)
        return false;
    *g = (struct gate){.selector = load_le16(low + 2),
                       .ist = wide ? low[4] & 7 : 0,
                       .type = low[5],
                       .offset = load_le16(low) | (uint32_t)load_le16(low + 6)
                                                      << 16};
    if (wide)
        g->offset |= (uint64_t)load_le32(high) << 32;
    return true;
}

static bool deliver_gate(struct x86_state *s, const struct mem_map *mem,
                         unsigned vector, bool has_error, uint32_t error)
{
    bool wide = x86_code_bits(s) == 64;
    struct frame f = {.s = s,
                      .mem = mem,
                      .size = wide ? 8 : 4,
                      .sp = s->gpr[X86_RSP],
                      .sp_mask = wide ? UINT64_MAX : UINT32_MAX};
    struct gate g;

    if (!read_gate(s, mem, vector, wide, &g))
        return false;
    unsigned type = g.type & 0x1F; /* with S, which must be 0 */
    if (!(g.type & 0x80) || (type != GATE_INTERRUPT && type != GATE_TRAP) ||
        g.ist || g.selector != s->seg[X86_CS].selector)
        return false;
    if (!wide && !(s->seg[X86_SS].attr & X86_ATTR_DB))
        return false;
    push_frame(&f, s);
    if (has_error)
        push(&f, error);
    if (f.failed)
        return false;
    go(s, &f, g.offset,
       X86_FLAG_TF | X86_FLAG_NT | X86_FLAG_RF | X86_FLAG_VM |
           (type == GATE_INTERRUPT ? X86_FLAG_IF : 0));
    return true;
}

bool x86_deliver(struct x86_state *s, const struct mem_map *mem,
                 unsigned vector, bool has_error, uint32_t error)
{
    if (x86_real_mode(s))
        return deliver_real(s, mem, vector);
    if (x86_cpl(s) || x86_code_bits(s) == 16 ||
        ((s->efer & X86_EFER_LMA) && x86_code_bits(s) != 64))
        return false;
    return deliver_gate(s, mem, vector, has_error, error);
}
