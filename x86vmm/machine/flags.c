/* The six arithmetic flags, lazily (Intel SDM vol. 1, "EFLAGS Register").
 *
 * carries, bit i: the carry out of bit i of an addition, or the borrow of a
 * subtraction.  CF is that of the top bit, OF whether the two top ones differ,
 * AF that of bit 3. */
#include "base/bits.h"
#include "x86vmm/machine/op.h"

enum {
    CF = 0x1,
    PF = 0x4,
    AF = 0x10,
    ZF = 0x40,
    SF = 0x80,
    OF = 0x800,
    LAZY = CF | PF | AF | ZF | SF | OF
};

static void set_lazy(struct x86_cpu *cpu, unsigned size, uint64_t result,
                     uint64_t carries)
{
    cpu->flags = (struct x86_flags){.lazy = true,
                                    .bits = (uint8_t)(size * 8),
                                    .result = result,
                                    .carries = carries};
}

void x86_flags_add(struct x86_cpu *cpu, unsigned size, uint64_t a, uint64_t b,
                   uint64_t result)
{
    set_lazy(cpu, size, result, (a & b) | ((a | b) & ~result));
}

void x86_flags_sub(struct x86_cpu *cpu, unsigned size, uint64_t a, uint64_t b,
                   uint64_t result)
{
    set_lazy(cpu, size, result, (~a & b) | (~(a ^ b) & result));
}

/* CF and OF are cleared; AF, which the manual leaves open, too. */
void x86_flags_logic(struct x86_cpu *cpu, unsigned size, uint64_t result)
{
    set_lazy(cpu, size, result, 0);
}

void x86_flags_result(struct x86_cpu *cpu, unsigned size, uint64_t result,
                      bool carry, bool overflow)
{
    uint64_t next = carry != overflow;

    set_lazy(cpu, size, result,
             (uint64_t)carry << (8 * size - 1) | next << (8 * size - 2));
}

static bool top(const struct x86_flags *f, uint64_t v)
{
    return v >> (f->bits - 1) & 1;
}

static bool lazy_overflow(const struct x86_flags *f)
{
    return top(f, f->carries ^ f->carries << 1);
}

static bool lazy_zero(const struct x86_flags *f)
{
    return !(f->result & BITS_MASK(f->bits));
}

static bool lazy_parity(const struct x86_flags *f)
{
    return !__builtin_parity((unsigned)(f->result & 0xFF));
}

static uint64_t lazy_bits(const struct x86_flags *f)
{
    return (top(f, f->carries) ? CF : 0) | (lazy_parity(f) ? PF : 0) |
           (f->carries & 8 ? AF : 0) | (lazy_zero(f) ? ZF : 0) |
           (top(f, f->result) ? SF : 0) | (lazy_overflow(f) ? OF : 0);
}

uint64_t x86_flags_get(struct x86_cpu *cpu)
{
    if (cpu->flags.lazy) {
        cpu->state.rflags =
            (cpu->state.rflags & ~(uint64_t)LAZY) | lazy_bits(&cpu->flags);
        cpu->flags.lazy = false;
    }
    return cpu->state.rflags;
}

void x86_flags_set(struct x86_cpu *cpu, uint64_t rflags)
{
    cpu->flags.lazy = false;
    cpu->state.rflags = rflags;
}

bool x86_carry(struct x86_cpu *cpu)
{
    return cpu->flags.lazy ? top(&cpu->flags, cpu->flags.carries)
                           : cpu->state.rflags & CF;
}

void x86_set_carry(struct x86_cpu *cpu, bool carry)
{
    struct x86_flags *f = &cpu->flags;

    if (!f->lazy)
        cpu->state.rflags = (cpu->state.rflags & ~(uint64_t)CF) | carry;
    else if (top(f, f->carries) != carry) /* both bits: OF stays */
        f->carries ^= UINT64_C(3) << (f->bits - 2);
}

/* The eight conditions without bit 0, which negates. */
static bool condition(struct x86_cpu *cpu, unsigned cc)
{
    const struct x86_flags *f = &cpu->flags;
    uint64_t r;

    if (f->lazy)
        switch (cc) {
        case 0:
            return lazy_overflow(f);
        case 1:
            return top(f, f->carries);
        case 2:
            return lazy_zero(f);
        case 3:
            return top(f, f->carries) || lazy_zero(f);
        case 4:
            return top(f, f->result);
        case 5:
            return lazy_parity(f);
        case 6:
            return top(f, f->result) != lazy_overflow(f);
        default:
            return lazy_zero(f) || top(f, f->result) != lazy_overflow(f);
        }
    r = cpu->state.rflags;
    switch (cc) {
    case 0:
        return r & OF;
    case 1:
        return r & CF;
    case 2:
        return r & ZF;
    case 3:
        return r & (CF | ZF);
    case 4:
        return r & SF;
    case 5:
        return r & PF;
    case 6:
        return !(r & SF) != !(r & OF);
    default:
        return (r & ZF) || !(r & SF) != !(r & OF);
    }
}

bool x86_condition(struct x86_cpu *cpu, unsigned cc)
{
    return condition(cpu, cc >> 1 & 7) != (cc & 1);
}
