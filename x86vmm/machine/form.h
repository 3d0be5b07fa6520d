/* Bodies for the common forms of operands, beside the one for all.
 *
 * An instruction is written once, as a template: an inline function of a form,
 * which is where the first two operands are and how wide the first is.
 * X86_FAST makes of it the body for any form, and one for each common form,
 * which the compiler then needs not look at; decode.c takes that where there
 * is one. */
#ifndef X86VMM_MACHINE_FORM_H
#define X86VMM_MACHINE_FORM_H

#include "x86vmm/machine/op.h"

#define TEMPLATE static inline __attribute__((always_inline))

struct x86_form {
    unsigned to, from; /* enum x86_operand_kind of operands 0, 1 */
    unsigned size;     /* of operand 0 */
};

TEMPLATE struct x86_form x86_form_of(const struct x86_op *op)
{
    return (struct x86_form){op->operand[0].kind, op->operand[1].kind,
                             op->operand[0].size};
}

/* ---- Operands ---- as x86_get, x86_get_rmw, x86_put; values are cut. */

TEMPLATE int x86_take(struct x86_cpu *cpu, const struct x86_op *op, unsigned i,
                      unsigned kind, unsigned size, uint64_t *v)
{
    if (kind == X86_REG) {
        *v = x86_gpr(cpu, op->operand[i].reg, size);
        return 0;
    }
    if (kind == X86_MEM)
        return x86_read(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), size,
                        v);
    if (kind == X86_IMM) {
        *v = x86_cut(op->imm, size);
        return 0;
    }
    return x86_get(cpu, op, i, v);
}

/* Operand 0, to be put back by x86_shut with the same `at`. */
TEMPLATE int x86_open(struct x86_cpu *cpu, const struct x86_op *op,
                      struct x86_form f, uint8_t **at, uint64_t *v)
{
    *at = NULL;
    if (f.to == X86_REG) {
        *v = x86_gpr(cpu, op->operand[0].reg, f.size);
        return 0;
    }
    if (f.to == X86_MEM)
        *at =
            x86_at(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), f.size, 1);
    if (UNLIKELY(!*at))
        return x86_get_rmw(cpu, op, v);
    *v = x86_load(*at, f.size);
    return 0;
}

TEMPLATE int x86_shut(struct x86_cpu *cpu, const struct x86_op *op,
                      struct x86_form f, uint8_t *at, uint64_t v)
{
    if (f.to == X86_REG)
        x86_set_gpr(cpu, op->operand[0].reg, f.size, v);
    else if (LIKELY(at != NULL))
        x86_store(at, f.size, v);
    else
        return x86_put(cpu, op, 0, v);
    return 0;
}

/* Operand 0, of which nothing is needed but that it becomes v. */
TEMPLATE int x86_give(struct x86_cpu *cpu, const struct x86_op *op,
                      struct x86_form f, uint64_t v)
{
    if (f.to == X86_REG) {
        x86_set_gpr(cpu, op->operand[0].reg, f.size, v);
        return 0;
    }
    if (f.to == X86_MEM)
        return x86_write(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op),
                         f.size, v);
    return x86_put(cpu, op, 0, v);
}

/* ---- Making bodies ---- */

#define X86_FORM_BODY(name, word, to, from, size)                            \
    static int name##_##word##size(struct x86_cpu *cpu,                      \
                                   const struct x86_op *op)                  \
    {                                                                        \
        return name(cpu, op, (struct x86_form){X86_##to, X86_##from, size}); \
    }
#define X86_FORM_BODIES(name, word, to, from) \
    X86_FORM_BODY(name, word, to, from, 1)    \
    X86_FORM_BODY(name, word, to, from, 4)    \
    X86_FORM_BODY(name, word, to, from, 8)
#define X86_FORM_ROW(name, word) \
    name##_##word##1, name##_##word##4, name##_##word##8

/* The body, and name_forms[] in the order of x86_form_index. */
#define X86_FAST(body, name)                               \
    X86_FORM_BODIES(name, rr, REG, REG)                    \
    X86_FORM_BODIES(name, ri, REG, IMM)                    \
    X86_FORM_BODIES(name, rm, REG, MEM)                    \
    X86_FORM_BODIES(name, mr, MEM, REG)                    \
    X86_FORM_BODIES(name, mi, MEM, IMM)                    \
    static const x86_body name##_forms[] = {               \
        X86_FORM_ROW(name, rr), X86_FORM_ROW(name, ri),    \
        X86_FORM_ROW(name, rm), X86_FORM_ROW(name, mr),    \
        X86_FORM_ROW(name, mi)};                           \
    int body(struct x86_cpu *cpu, const struct x86_op *op) \
    {                                                      \
        return name(cpu, op, x86_form_of(op));             \
    }

/* The same for one operand, a register. */
#define X86_FAST_ONE(body, name)                                    \
    X86_FORM_BODIES(name, r, REG, NONE)                             \
    static const x86_body name##_forms[] = {X86_FORM_ROW(name, r)}; \
    int body(struct x86_cpu *cpu, const struct x86_op *op)          \
    {                                                               \
        return name(cpu, op, x86_form_of(op));                      \
    }

/* Of operands 0 and 1 in name_forms; -1: no common form. */
int x86_form_index(const struct x86_op *op);

/* The body for this form of an instruction, or NULL: x86_op's own will do. */
x86_body x86_fast_arith(const struct x86_op *op);
x86_body x86_fast_data(const struct x86_op *op);
x86_body x86_fast_shift(const struct x86_op *op);
x86_body x86_fast_branch(const struct x86_op *op);

#endif
