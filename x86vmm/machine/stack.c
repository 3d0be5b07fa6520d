/* Stacks beside the present one: of a TSS, of the program that is returned to
 * (Intel SDM vol. 3, "Stack Switching"). */
#include "x86vmm/machine/segment.h"

static uint64_t mask_of(const struct x86_segment *ss, bool wide)
{
    if (wide)
        return UINT64_MAX;
    return ss->attr & X86_ATTR_DB ? UINT32_MAX : UINT16_MAX;
}

struct x86_stack x86_stack_now(const struct x86_cpu *cpu)
{
    return (struct x86_stack){.ss = cpu->state.seg[X86_SS],
                              .sp = x86_sp(cpu),
                              .mask = cpu->sp_mask,
                              .wide = cpu->stack_64,
                              .name = X86_AS_CPL};
}

struct x86_stack x86_stack_inner(const struct x86_segment *ss, uint64_t sp,
                                 bool wide)
{
    uint64_t mask = mask_of(ss, wide);

    return (struct x86_stack){.ss = *ss,
                              .sp = sp & mask,
                              .mask = mask,
                              .error = (uint16_t)(ss->selector & ~3u),
                              .wide = wide,
                              .name = X86_AS_SYSTEM};
}

static int linear_of(struct x86_cpu *cpu, const struct x86_stack *s,
                     unsigned width, uint64_t *linear)
{
    const struct x86_segment *ss = &s->ss;
    uint64_t last = s->sp + width - 1;
    uint64_t top = ss->attr & X86_ATTR_DB ? UINT32_MAX : UINT16_MAX;
    bool in;

    *linear = s->sp;
    if (s->wide)
        in = x86_canonical(s->sp) && x86_canonical(last);
    else if (!x86_is_8086(cpu) && (ss->attr & X86_ATTR_UNUSABLE))
        in = false;
    else if (x86_segment_down(ss))
        in = s->sp > ss->limit && last <= top;
    else
        in = last <= ss->limit;
    if (!in)
        return x86_raise_error(cpu, X86_EXC_SS, s->error);
    if (!s->wide)
        *linear = (uint32_t)(ss->base + s->sp);
    if (s->name == X86_AS_CPL && x86_aligns(cpu) && *linear % width)
        return x86_raise_error(cpu, X86_EXC_AC, 0);
    return 0;
}

int x86_stack_push(struct x86_cpu *cpu, struct x86_stack *s, unsigned width,
                   uint64_t value)
{
    struct x86_stack to = *s;
    uint8_t bytes[8];
    uint64_t linear;

    to.sp = (s->sp - width) & s->mask;
    TRY(linear_of(cpu, &to, width, &linear));
    store_le64(bytes, value);
    TRY(x86_write_linear(cpu, linear, width, s->name, bytes));
    s->sp = to.sp;
    return 0;
}

int x86_stack_pop(struct x86_cpu *cpu, struct x86_stack *s, unsigned width,
                  uint64_t *value)
{
    uint8_t bytes[8] = {0};
    uint64_t linear;

    TRY(linear_of(cpu, s, width, &linear));
    TRY(x86_read_linear(cpu, linear, width, s->name, bytes));
    *value = load_le64(bytes);
    s->sp = (s->sp + width) & s->mask;
    return 0;
}

void x86_stack_keep(struct x86_cpu *cpu, const struct x86_stack *s)
{
    uint64_t *r = &cpu->state.gpr[X86_RSP];
    uint64_t keep = s->mask == UINT16_MAX ? ~s->mask : 0;

    *r = (*r & keep) | (s->sp & s->mask);
}

/* ---- Of the TSS ---- */

static int read_tss(struct x86_cpu *cpu, unsigned at, unsigned size, void *to)
{
    const struct x86_segment *tr = &cpu->state.seg[X86_TR];

    if ((tr->attr & X86_ATTR_UNUSABLE) || at + size - 1 > tr->limit)
        return x86_raise_selector(cpu, X86_EXC_TS, tr->selector);
    return x86_read_linear(cpu, tr->base + at, size, X86_AS_SYSTEM, to);
}

/* Bytes 0 to 5 of its row there, 0 to 3 in one of 16 bits, are within the limit
 * (SDM vol. 2, CALL: TSSstackAddress + 5, + 3). */
int x86_stack_of_tss(struct x86_cpu *cpu, unsigned cpl, struct x86_stack *s)
{
    bool wide = cpu->state.seg[X86_TR].attr & 8; /* 32-bit */
    unsigned size = wide ? 4 : 2;
    struct x86_descriptor d;
    struct x86_segment ss;
    uint8_t bytes[8] = {0};

    TRY(read_tss(cpu, size + cpl * 2 * size, size + 2, bytes));
    TRY(x86_find_stack(cpu, load_le16(bytes + size), cpl, X86_EXC_TS,
                       X86_EXC_SS, &d));
    ss = x86_segment_of(&d);
    ss.attr |= 1; /* accessed */
    *s =
        x86_stack_inner(&ss, wide ? load_le32(bytes) : load_le16(bytes), false);
    s->named = d;
    return 0;
}

int x86_stack_mark(struct x86_cpu *cpu, struct x86_stack *s)
{
    return s->named.attr ? x86_mark_accessed(cpu, &s->named) : 0;
}

int x86_stack_of_tss_64(struct x86_cpu *cpu, unsigned which, unsigned cpl,
                        struct x86_stack *s)
{
    /* RSP0 at 4, RSP1, RSP2, reserved, IST1 at 36 ... IST7 */
    unsigned at = which < 3 ? 4 + 8 * which : 36 + 8 * (which - 4);
    struct x86_segment ss = x86_null_segment((uint16_t)cpl, cpl);
    uint8_t bytes[8];

    TRY(read_tss(cpu, at, 8, bytes));
    if (!x86_canonical(load_le64(bytes)))
        return x86_raise_error(cpu, X86_EXC_SS, 0);
    *s = x86_stack_inner(&ss, load_le64(bytes), true);
    s->error = 0;
    return 0;
}
