#include "x86vmm/machine/segment.h"

#include "x86vmm/machine/op.h"

int x86_raise_selector(struct x86_cpu *cpu, unsigned vector, uint16_t selector)
{
    return x86_raise_error(cpu, vector, selector & ~3u);
}

/* ---- Descriptors ---- */

/* Attributes are bits 8-15 and 20-23 of the second doubleword, closed up. */
static uint16_t attr_of(uint32_t high)
{
    return (uint16_t)((high >> 8 & 0xFF) | (high >> 12 & 0xF00));
}

/* Where the table entry begins; false: past the limit, or no LDT. */
static bool locate(const struct x86_cpu *cpu, uint16_t selector, unsigned size,
                   uint64_t *at)
{
    const struct x86_segment *ldt = &cpu->state.seg[X86_LDTR];
    uint64_t base = cpu->state.gdt.base, limit = cpu->state.gdt.limit;
    unsigned index = selector & ~7u;

    if (selector & 4) {
        if (ldt->attr & X86_ATTR_UNUSABLE)
            return false;
        base = ldt->base;
        limit = ldt->limit;
    }
    *at = base + index;
    return index + size - 1 <= limit;
}

int x86_find_descriptor(struct x86_cpu *cpu, uint16_t selector,
                        struct x86_descriptor *d, bool *found)
{
    uint8_t bytes[8];

    *d = (struct x86_descriptor){.selector = selector};
    *found = locate(cpu, selector, 8, &d->at);
    if (!*found)
        return 0;
    TRY(x86_read_linear(cpu, d->at, 8, X86_AS_SYSTEM, bytes));
    d->low = load_le32(bytes);
    d->high = load_le32(bytes + 4);
    d->attr = attr_of(d->high);
    return 0;
}

int x86_get_descriptor(struct x86_cpu *cpu, uint16_t selector, unsigned vector,
                       struct x86_descriptor *d)
{
    bool found;

    TRY(x86_find_descriptor(cpu, selector, d, &found));
    return found ? 0 : x86_raise_selector(cpu, vector, selector);
}

int x86_get_upper(struct x86_cpu *cpu, struct x86_descriptor *d,
                  unsigned vector)
{
    uint8_t bytes[8];
    uint64_t at;

    if (!locate(cpu, d->selector, 16, &at))
        return x86_raise_selector(cpu, vector, d->selector);
    TRY(x86_read_linear(cpu, d->at + 8, 8, X86_AS_SYSTEM, bytes));
    if (load_le32(bytes + 4) & 0x1F00) /* a type there is none */
        return x86_raise_selector(cpu, vector, d->selector);
    d->upper = load_le32(bytes);
    return 0;
}

int x86_set_type(struct x86_cpu *cpu, struct x86_descriptor *d, unsigned type)
{
    uint8_t byte;

    d->attr = (uint16_t)((d->attr & ~(unsigned)X86_ATTR_TYPE) | type);
    d->high = (d->high & ~0xF00u) | type << 8;
    byte = (uint8_t)(d->high >> 8);
    return x86_write_linear(cpu, d->at + 5, 1, X86_AS_SYSTEM, &byte);
}

int x86_mark_accessed(struct x86_cpu *cpu, struct x86_descriptor *d)
{
    return d->attr & 1 ? 0 : x86_set_type(cpu, d, x86_type(d->attr) | 1);
}

struct x86_segment x86_segment_of(const struct x86_descriptor *d)
{
    uint32_t limit = (d->low & 0xFFFF) | (d->high & 0xF0000);

    if (d->attr & X86_ATTR_G)
        limit = limit << 12 | 0xFFF;
    return (struct x86_segment){
        .base = d->low >> 16 | (uint64_t)(d->high & 0xFF) << 16 |
                (d->high & 0xFF000000) | (uint64_t)d->upper << 32,
        .limit = limit,
        .selector = d->selector,
        .attr = d->attr};
}

/* ---- Loading ---- */

struct x86_segment x86_null_segment(uint16_t selector, unsigned cpl)
{
    return (struct x86_segment){
        .selector = selector, .attr = (uint16_t)(X86_ATTR_UNUSABLE | cpl << 5)};
}

/* Real-address mode leaves limits as protected mode has made them. */
void x86_load_8086(struct x86_cpu *cpu, enum x86_seg seg, uint16_t selector)
{
    struct x86_segment *s = &cpu->state.seg[seg];
    unsigned data = X86_ATTR_P | X86_ATTR_S | 3;

    s->selector = selector;
    s->base = (uint64_t)selector << 4;
    if (cpu->state.rflags & X86_FLAG_VM) {
        s->limit = 0xFFFF;
        s->attr = (uint16_t)(data | X86_ATTR_DPL);
    } else {
        s->attr = (uint16_t)(data | (s->attr & (X86_ATTR_DB | X86_ATTR_G)));
    }
}

int x86_find_stack(struct x86_cpu *cpu, uint16_t selector, unsigned cpl,
                   unsigned vector, unsigned absent, struct x86_descriptor *d)
{
    if (x86_is_null(selector))
        return x86_raise_error(cpu, vector, 0);
    TRY(x86_get_descriptor(cpu, selector, vector, d));
    if ((selector & 3u) != cpl || !x86_is_writable(d->attr) ||
        x86_dpl(d->attr) != cpl)
        return x86_raise_selector(cpu, vector, selector);
    if (!(d->attr & X86_ATTR_P))
        return x86_raise_selector(cpu, absent, selector);
    return 0;
}

int x86_check_stack(struct x86_cpu *cpu, uint16_t selector, unsigned cpl,
                    unsigned vector, struct x86_segment *ss)
{
    struct x86_descriptor d;

    TRY(x86_find_stack(cpu, selector, cpl, vector, X86_EXC_SS, &d));
    TRY(x86_mark_accessed(cpu, &d));
    *ss = x86_segment_of(&d);
    return 0;
}

int x86_check_data(struct x86_cpu *cpu, uint16_t selector, unsigned cpl,
                   unsigned vector, struct x86_segment *s)
{
    struct x86_descriptor d;

    if (x86_is_null(selector)) {
        *s = x86_null_segment(selector, 0);
        return 0;
    }
    TRY(x86_get_descriptor(cpu, selector, vector, &d));
    if (!(d.attr & X86_ATTR_S) || (x86_is_code(d.attr) && !(d.attr & 2)))
        return x86_raise_selector(cpu, vector, selector);
    if (!x86_is_conforming(d.attr) &&
        ((selector & 3u) > x86_dpl(d.attr) || cpl > x86_dpl(d.attr)))
        return x86_raise_selector(cpu, vector, selector);
    if (!(d.attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, selector);
    TRY(x86_mark_accessed(cpu, &d));
    *s = x86_segment_of(&d);
    return 0;
}

int x86_load_segment(struct x86_cpu *cpu, enum x86_seg seg, uint16_t selector)
{
    struct x86_segment s;

    if (x86_is_8086(cpu))
        x86_load_8086(cpu, seg, selector);
    else if (seg != X86_SS) {
        TRY(x86_check_data(cpu, selector, cpu->cpl, X86_EXC_GP, &s));
        cpu->state.seg[seg] = s;
    } else if (x86_is_null(selector) && cpu->code_bits == 64 && cpu->cpl < 3 &&
               selector == cpu->cpl) {
        cpu->state.seg[seg] = x86_null_segment(selector, cpu->cpl);
    } else {
        TRY(x86_check_stack(cpu, selector, cpu->cpl, X86_EXC_GP, &s));
        cpu->state.seg[seg] = s;
    }
    x86_mode_changed(cpu);
    return 0;
}

int x86_far_pointer(struct x86_cpu *cpu, const struct x86_op *op, unsigned size,
                    uint64_t *offset, uint16_t *selector)
{
    uint64_t at = x86_offset(cpu, op), value;
    uint64_t next = at + size;

    if (op->asize < 8)
        next = op->asize == 4 ? (uint32_t)next : (uint16_t)next;
    TRY(x86_read(cpu, (enum x86_seg)op->seg, at, size, offset));
    TRY(x86_read(cpu, (enum x86_seg)op->seg, next, 2, &value));
    *selector = (uint16_t)value;
    return 0;
}

void x86_set_code(struct x86_cpu *cpu, const struct x86_descriptor *d,
                  unsigned cpl)
{
    struct x86_segment *cs = &cpu->state.seg[X86_CS];

    *cs = x86_segment_of(d);
    cs->selector = (uint16_t)((cs->selector & ~3u) | cpl);
}

int x86_check_target(struct x86_cpu *cpu, const struct x86_descriptor *code,
                     uint64_t to)
{
    bool in = x86_long_mode(cpu) && (code->attr & X86_ATTR_L)
                  ? x86_canonical(to)
                  : (uint32_t)to <= x86_segment_of(code).limit;

    return in ? 0 : x86_raise_gp(cpu);
}

uint64_t x86_target(const struct x86_cpu *cpu,
                    const struct x86_descriptor *code, uint64_t to)
{
    return x86_long_mode(cpu) && (code->attr & X86_ATTR_L) ? to : (uint32_t)to;
}

/* SDM vol. 2, RET and IRET: the selector becomes null.  The base stays: that of
 * FS and GS counts in 64-bit mode, whatever their selectors are. */
void x86_drop_data(struct x86_cpu *cpu, unsigned cpl)
{
    static const enum x86_seg data[] = {X86_ES, X86_FS, X86_GS, X86_DS};

    for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
        struct x86_segment *s = &cpu->state.seg[data[i]];

        if (!(s->attr & X86_ATTR_UNUSABLE) &&
            (!(s->attr & X86_ATTR_S) || x86_is_conforming(s->attr) ||
             x86_dpl(s->attr) >= cpl))
            continue;
        s->selector = 0;
        s->attr = X86_ATTR_UNUSABLE;
    }
}
