/* Descriptor tables and what their entries tell (Intel SDM vol. 2, by name). */
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/segment.h"

enum { ZF = 0x40 };

/* ---- GDTR, IDTR ---- */

static int load_table(struct x86_cpu *cpu, const struct x86_op *op,
                      struct x86_table_reg *table)
{
    bool wide = cpu->code_bits == 64;
    uint8_t bytes[10] = {0};
    uint64_t base;

    TRY(x86_read_bytes(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                       wide ? 10 : 6, bytes));
    base = load_le64(bytes + 2);
    if (wide && !x86_canonical(base))
        return x86_raise_gp(cpu);
    if (op->size == 2 && !wide)
        base &= 0xFFFFFF;
    *table = (struct x86_table_reg){base, load_le16(bytes)};
    return X86_SYNC;
}

int op_lgdt(struct x86_cpu *cpu, const struct x86_op *op)
{
    return load_table(cpu, op, &cpu->state.gdt);
}

int op_lidt(struct x86_cpu *cpu, const struct x86_op *op)
{
    return load_table(cpu, op, &cpu->state.idt);
}

static int store_table(struct x86_cpu *cpu, const struct x86_op *op,
                       const struct x86_table_reg *table)
{
    uint8_t bytes[10];

    store_le16(bytes, table->limit);
    store_le64(bytes + 2, table->base);
    return x86_write_bytes(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                           cpu->code_bits == 64 ? 10 : 6, bytes);
}

int op_sgdt(struct x86_cpu *cpu, const struct x86_op *op)
{
    return store_table(cpu, op, &cpu->state.gdt);
}

int op_sidt(struct x86_cpu *cpu, const struct x86_op *op)
{
    return store_table(cpu, op, &cpu->state.idt);
}

/* ---- LDTR, TR ---- not known where selectors are bases */

static int load_system(struct x86_cpu *cpu, uint16_t selector,
                       struct x86_descriptor *d)
{
    if (selector & 4)
        return x86_raise_selector(cpu, X86_EXC_GP, selector);
    TRY(x86_get_descriptor(cpu, selector, X86_EXC_GP, d));
    if (d->attr & X86_ATTR_S)
        return x86_raise_selector(cpu, X86_EXC_GP, selector);
    if (!x86_long_mode(cpu))
        return 0;
    TRY(x86_get_upper(cpu, d, X86_EXC_GP));
    if (!x86_canonical(x86_segment_of(d).base))
        return x86_raise_selector(cpu, X86_EXC_GP, selector);
    return 0;
}

static int may_load_system(struct x86_cpu *cpu)
{
    if (x86_is_8086(cpu))
        return x86_raise(cpu, X86_EXC_UD);
    return cpu->cpl ? x86_raise_gp(cpu) : 0;
}

int op_lldt(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_descriptor d;
    uint64_t v;

    TRY(may_load_system(cpu));
    TRY(x86_get(cpu, op, 0, &v));
    uint16_t selector = (uint16_t)v;
    if (x86_is_null(selector)) {
        cpu->state.seg[X86_LDTR] = x86_null_segment(selector, 0);
        return X86_SYNC;
    }
    TRY(load_system(cpu, selector, &d));
    if (x86_type(d.attr) != X86_LDT)
        return x86_raise_selector(cpu, X86_EXC_GP, selector);
    if (!(d.attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, selector);
    cpu->state.seg[X86_LDTR] = x86_segment_of(&d);
    return X86_SYNC;
}

int op_ltr(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_descriptor d;
    uint64_t v;

    TRY(may_load_system(cpu));
    TRY(x86_get(cpu, op, 0, &v));
    uint16_t selector = (uint16_t)v;
    if (x86_is_null(selector))
        return x86_raise_gp(cpu);
    TRY(load_system(cpu, selector, &d));
    unsigned type = x86_type(d.attr);
    if (type != X86_TSS_32 && (type != X86_TSS_16 || x86_long_mode(cpu)))
        return x86_raise_selector(cpu, X86_EXC_GP, selector);
    if (!(d.attr & X86_ATTR_P))
        return x86_raise_selector(cpu, X86_EXC_NP, selector);
    TRY(x86_set_type(cpu, &d, type | X86_TSS_BUSY));
    cpu->state.seg[X86_TR] = x86_segment_of(&d);
    return X86_SYNC;
}

int op_sldt(struct x86_cpu *cpu, const struct x86_op *op)
{
    if (x86_is_8086(cpu))
        return x86_raise(cpu, X86_EXC_UD);
    return x86_put(cpu, op, 0, cpu->state.seg[X86_LDTR].selector);
}

int op_str(struct x86_cpu *cpu, const struct x86_op *op)
{
    if (x86_is_8086(cpu))
        return x86_raise(cpu, X86_EXC_UD);
    return x86_put(cpu, op, 0, cpu->state.seg[X86_TR].selector);
}

/* ---- What a selector names ---- ZF: the program may know */

static void set_zero(struct x86_cpu *cpu, bool zero)
{
    uint64_t flags = x86_flags_get(cpu) & ~(uint64_t)ZF;

    x86_flags_set(cpu, flags | (zero ? ZF : 0));
}

/* Operand i; *known: there is a descriptor that this program reaches. */
static int look_up(struct x86_cpu *cpu, const struct x86_op *op, unsigned i,
                   struct x86_descriptor *d, bool *known)
{
    uint64_t v;
    unsigned dpl;

    if (x86_is_8086(cpu))
        return x86_raise(cpu, X86_EXC_UD);
    TRY(x86_get(cpu, op, i, &v));
    uint16_t selector = (uint16_t)v;
    *known = false;
    if (x86_is_null(selector))
        return 0;
    TRY(x86_find_descriptor(cpu, selector, d, known));
    dpl = x86_dpl(d->attr);
    *known = *known && (x86_is_conforming(d->attr) ||
                        (cpu->cpl <= dpl && (selector & 3u) <= dpl));
    return 0;
}

/* Types of system segments and gates that are told of, a bit each. */
enum {
    LSL_TYPES = 1 << X86_TSS_16 | 1 << X86_LDT | 1 << X86_TSS_16_BUSY |
                1 << X86_TSS_32 | 1 << X86_TSS_32_BUSY,
    LAR_TYPES =
        LSL_TYPES | 1 << X86_CALL_16 | 1 << X86_TASK_GATE | 1 << X86_CALL_32,
    LONG_TYPES =
        1 << X86_LDT | 1 << X86_TSS_32 | 1 << X86_TSS_32_BUSY | 1 << X86_CALL_32
};

static bool is_told(const struct x86_cpu *cpu, const struct x86_descriptor *d,
                    unsigned types)
{
    if (d->attr & X86_ATTR_S)
        return true;
    if (x86_long_mode(cpu))
        types &= LONG_TYPES;
    return types >> x86_type(d->attr) & 1;
}

int op_lar(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_descriptor d;
    bool known;

    TRY(look_up(cpu, op, 1, &d, &known));
    known = known && is_told(cpu, &d, LAR_TYPES);
    set_zero(cpu, known);
    /* The limit's bits 19:16 are undefined there: they are what they are. */
    return known ? x86_put(cpu, op, 0, d.high & 0xFFFF00) : 0;
}

int op_lsl(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_descriptor d;
    bool known;

    TRY(look_up(cpu, op, 1, &d, &known));
    known = known && is_told(cpu, &d, LSL_TYPES);
    set_zero(cpu, known);
    return known ? x86_put(cpu, op, 0, x86_segment_of(&d).limit) : 0;
}

int op_verr(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_descriptor d;
    bool known;

    TRY(look_up(cpu, op, 0, &d, &known));
    set_zero(cpu, known && (d.attr & X86_ATTR_S) &&
                      (!x86_is_code(d.attr) || (d.attr & 2)));
    return 0;
}

int op_verw(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct x86_descriptor d;
    bool known;

    TRY(look_up(cpu, op, 0, &d, &known));
    set_zero(cpu, known && x86_is_writable(d.attr));
    return 0;
}

/* Storage that is as it should be is not written: it may be read-only. */
int op_arpl(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t to, from;
    bool raise;

    if (x86_is_8086(cpu))
        return x86_raise(cpu, X86_EXC_UD);
    TRY(x86_get(cpu, op, 0, &to));
    TRY(x86_get(cpu, op, 1, &from));
    raise = (to & 3) < (from & 3);
    if (raise)
        TRY(x86_put(cpu, op, 0, (to & ~UINT64_C(3)) | (from & 3)));
    set_zero(cpu, raise);
    return 0;
}
