/* The six arithmetic flags, lazily (Intel SDM vol. 1, "EFLAGS Register").
 *
 * carries, bit i: the carry out of bit i of an addition, or the borrow of a
 * subtraction.  CF is that of the top bit, OF whether the two top ones differ,
 * AF that of bit 3.  Operands and results are cut to their size. */
#ifndef X86VMM_MACHINE_FLAGS_H
#define X86VMM_MACHINE_FLAGS_H

#include "x86vmm/machine/cpu.h"

enum {
    X86_FLAG_CF = 0x1,
    X86_FLAG_PF = 0x4,
    X86_FLAG_AF = 0x10,
    X86_FLAG_ZF = 0x40,
    X86_FLAG_SF = 0x80,
    X86_FLAG_OF = 0x800,
    X86_FLAGS_LAZY = X86_FLAG_CF | X86_FLAG_PF | X86_FLAG_AF | X86_FLAG_ZF |
                     X86_FLAG_SF | X86_FLAG_OF
};

static inline void x86_flags_lazy(struct x86_cpu *cpu, unsigned size,
                                  uint64_t result, uint64_t carries)
{
    struct x86_flags *f = &cpu->flags;

    f->lazy = true;
    f->bits = (uint8_t)(size * 8);
    f->result = result;
    f->carries = carries;
}

/* After an addition (a carry in is in the result), subtraction, logical
 * operation (which clears CF and OF, and AF, which the manual leaves open) of
 * `size` bytes. */
static inline void x86_flags_add(struct x86_cpu *cpu, unsigned size, uint64_t a,
                                 uint64_t b, uint64_t result)
{
    x86_flags_lazy(cpu, size, result, (a & b) | ((a | b) & ~result));
}

static inline void x86_flags_sub(struct x86_cpu *cpu, unsigned size, uint64_t a,
                                 uint64_t b, uint64_t result)
{
    x86_flags_lazy(cpu, size, result, (~a & b) | (~(a ^ b) & result));
}

static inline void x86_flags_logic(struct x86_cpu *cpu, unsigned size,
                                   uint64_t result)
{
    x86_flags_lazy(cpu, size, result, 0);
}

/* SF ZF PF by the result, CF and OF as given, AF clear. */
static inline void x86_flags_result(struct x86_cpu *cpu, unsigned size,
                                    uint64_t result, bool carry, bool overflow)
{
    uint64_t next = carry != overflow;

    x86_flags_lazy(cpu, size, result,
                   (uint64_t)carry << (8 * size - 1) | next << (8 * size - 2));
}

/* ---- One by one, while they are lazy ---- */

static inline bool x86_lazy_top(const struct x86_flags *f, uint64_t v)
{
    return v >> (f->bits - 1) & 1;
}

static inline bool x86_lazy_overflow(const struct x86_flags *f)
{
    return x86_lazy_top(f, f->carries ^ f->carries << 1);
}

static inline bool x86_lazy_parity(const struct x86_flags *f)
{
    return !__builtin_parity((unsigned)(f->result & 0xFF));
}

static inline bool x86_carry(const struct x86_cpu *cpu)
{
    return cpu->flags.lazy ? x86_lazy_top(&cpu->flags, cpu->flags.carries)
                           : cpu->state.rflags & X86_FLAG_CF;
}

/* Change CF alone, the others as they are (INC, DEC, BT, STC). */
static inline void x86_set_carry(struct x86_cpu *cpu, bool carry)
{
    struct x86_flags *f = &cpu->flags;

    if (!f->lazy)
        cpu->state.rflags =
            (cpu->state.rflags & ~(uint64_t)X86_FLAG_CF) | carry;
    else if (x86_lazy_top(f, f->carries) != carry) /* both bits: OF stays */
        f->carries ^= UINT64_C(3) << (f->bits - 2);
}

/* The eight conditions without bit 0, which negates. */
static inline bool x86_lazy_condition(const struct x86_flags *f, unsigned cc)
{
    switch (cc) {
    case 0:
        return x86_lazy_overflow(f);
    case 1:
        return x86_lazy_top(f, f->carries);
    case 2:
        return !f->result;
    case 3:
        return x86_lazy_top(f, f->carries) || !f->result;
    case 4:
        return x86_lazy_top(f, f->result);
    case 5:
        return x86_lazy_parity(f);
    case 6:
        return x86_lazy_top(f, f->result ^ f->carries ^ f->carries << 1);
    default:
        return !f->result ||
               x86_lazy_top(f, f->result ^ f->carries ^ f->carries << 1);
    }
}

static inline bool x86_stored_condition(uint64_t r, unsigned cc)
{
    bool less = !(r & X86_FLAG_SF) != !(r & X86_FLAG_OF);

    switch (cc) {
    case 0:
        return r & X86_FLAG_OF;
    case 1:
        return r & X86_FLAG_CF;
    case 2:
        return r & X86_FLAG_ZF;
    case 3:
        return r & (X86_FLAG_CF | X86_FLAG_ZF);
    case 4:
        return r & X86_FLAG_SF;
    case 5:
        return r & X86_FLAG_PF;
    case 6:
        return less;
    default:
        return (r & X86_FLAG_ZF) || less;
    }
}

/* The condition of a Jcc, SETcc, CMOVcc: bits 0-3 of its opcode. */
static inline bool x86_condition(const struct x86_cpu *cpu, unsigned cc)
{
    bool holds = LIKELY(cpu->flags.lazy)
                     ? x86_lazy_condition(&cpu->flags, cc >> 1)
                     : x86_stored_condition(cpu->state.rflags, cc >> 1);

    return holds != (cc & 1);
}

#endif
