#include "tests/x86_host/case.h"

#include <string.h>

enum when { ALWAYS, COUNT, COUNT_2, COUNT_SIZE, COUNT_OVER };

static const struct {
    enum x86_op_id id;
    enum when when;
    const char *flags;
} rows[] = {
#define UNDEFINED(name, when, flags, source) {X86_INSN_##name, when, flags},
#include "tests/x86_host/undefined.def"
#undef UNDEFINED
};

static uint64_t bits_of(const char *flags)
{
    static const struct {
        char name;
        uint64_t bit;
    } names[] = {{'C', 0x1},  {'P', 0x4},   {'A', 0x10},      {'Z', 0x40},
                 {'S', 0x80}, {'O', 0x800}, {'R', X86_RESULT}};
    uint64_t bits = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        bits |= strchr(flags, names[i].name) ? names[i].bit : 0;
    return bits;
}

static bool holds(enum when when, unsigned count, unsigned width)
{
    switch (when) {
    case COUNT:
        return count;
    case COUNT_2:
        return count >= 2;
    case COUNT_SIZE:
        return count >= width;
    case COUNT_OVER:
        return count > width;
    default:
        return true;
    }
}

uint64_t case_undefined(const struct x86_op *op, const uint64_t gpr[16])
{
    const struct x86_operand *o = &op->operand[op->count ? op->count - 1 : 0];
    unsigned width = 8u * op->operand[0].size;
    uint64_t n = o->kind == X86_IMM ? op->imm : gpr[X86_RCX], flags = 0;
    unsigned count = n & (width == 64 ? 63 : 31);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].id == op->id && holds(rows[i].when, count, width))
            flags |= bits_of(rows[i].flags);
    return flags;
}
