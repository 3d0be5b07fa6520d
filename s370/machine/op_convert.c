/* Between binary, packed and zoned (GA22-7000, "General Instructions"). */
#include "s370/machine/access.h"

/* The result does not fit: its low 32 bits are loaded all the same, and the
 * exception is reported as fixed-point divide. */
int op_cvb(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint64_t packed;
    int64_t v = 0;

    TRY(s370_load64(cpu, s370_ea2(cpu, d), &packed));
    unsigned sign = packed & 0xF;
    if (sign < 10)
        return S370_PGM_DATA;
    for (int shift = 60; shift > 0; shift -= 4) {
        unsigned digit = packed >> shift & 0xF;

        if (digit > 9)
            return S370_PGM_DATA;
        v = v * 10 + digit;
    }
    if (sign == 0xB || sign == 0xD)
        v = -v;
    cpu->gr[d->r1] = (uint32_t)v;
    return v == (int32_t)v ? 0 : S370_PGM_FIXED_DIVIDE;
}

/* The preferred signs: C plus, D minus. */
int op_cvd(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    int64_t v = (int32_t)cpu->gr[d->r1];
    uint64_t packed = v < 0 ? 0xD : 0xC, left = (uint64_t)(v < 0 ? -v : v);

    for (unsigned shift = 4; left; shift += 4, left /= 10)
        packed |= left % 10 << shift;
    return s370_store64(cpu, s370_ea2(cpu, d), packed);
}

/* Two operands that are worked on from right to left. */
struct fields {
    struct s370_span to, from;
    unsigned to_left, from_left; /* bytes still to do */
};

static int open_fields(struct s370_cpu *cpu, const struct s370_decoded *d,
                       struct fields *f)
{
    f->to_left = d->r1 + 1u;
    f->from_left = d->r2 + 1u;
    TRY(s370_span_open(cpu, s370_ea2(cpu, d), f->from_left, false, &f->from));
    return s370_span_open(cpu, s370_ea1(cpu, d), f->to_left, true, &f->to);
}

/* The next byte of the second operand, extended with zeros. */
static uint8_t take(struct fields *f)
{
    return f->from_left ? *s370_span_at(&f->from, --f->from_left) : 0;
}

/* What does not fit is lost. */
static void give(struct fields *f, unsigned v)
{
    if (f->to_left)
        *s370_span_at(&f->to, --f->to_left) = (uint8_t)v;
}

int op_pack(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct fields f;

    TRY(open_fields(cpu, d, &f));
    uint8_t last = take(&f);
    give(&f, (unsigned)last << 4 | last >> 4);
    while (f.to_left) {
        unsigned low = take(&f) & 0xF;

        give(&f, low | (take(&f) & 0xFu) << 4);
    }
    return 0;
}

int op_unpk(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct fields f;

    TRY(open_fields(cpu, d, &f));
    uint8_t last = take(&f);
    give(&f, (unsigned)last << 4 | last >> 4);
    while (f.to_left) {
        uint8_t pair = take(&f);

        give(&f, 0xF0u | (pair & 0xF));
        give(&f, 0xF0u | pair >> 4);
    }
    return 0;
}

/* The rightmost digit of the first operand stays. */
int op_mvo(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct fields f;

    TRY(open_fields(cpu, d, &f));
    unsigned low = *s370_span_at(&f.to, f.to_left - 1) & 0xF;
    while (f.to_left) {
        unsigned byte = take(&f);

        give(&f, (byte & 0xF) << 4 | low);
        low = byte >> 4;
    }
    return 0;
}
