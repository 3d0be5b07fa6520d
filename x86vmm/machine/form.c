#include "x86vmm/machine/form.h"

int x86_form_index(const struct x86_op *op)
{
    static const struct {
        uint8_t to, from;
    } kinds[] = {{X86_REG, X86_REG},
                 {X86_REG, X86_IMM},
                 {X86_REG, X86_MEM},
                 {X86_MEM, X86_REG},
                 {X86_MEM, X86_IMM}};
    const struct x86_operand *o = op->operand;
    int width = o->size == 1 ? 0 : o->size == 4 ? 1 : o->size == 8 ? 2 : -1;

    if (width < 0 ||
        (o[1].kind != X86_IMM && o[1].size != o->size && op->count > 1))
        return -1;
    if (op->count == 1)
        return o->kind == X86_REG ? width : -1;
    for (int i = 0; i < (int)ARRAY_LEN(kinds); i++)
        if (op->count == 2 && o->kind == kinds[i].to &&
            o[1].kind == kinds[i].from)
            return 3 * i + width;
    return -1;
}
