/* Which storage an instruction refers to, and what is wrong with it: worked
 * out byte by byte, without the accesses of the machine under test. */
#include "s370/machine/machine.h"
#include "tests/oracle/ours.h"

static uint32_t address1(const struct s370_cpu *cpu,
                         const struct s370_decoded *d)
{
    return (cpu->gr[d->b1] + d->d1) & S370_ADDRESS_MASK;
}

static uint32_t address2(const struct s370_cpu *cpu,
                         const struct s370_decoded *d)
{
    return (cpu->gr[d->b2] + cpu->gr[d->x2] + d->d2) & S370_ADDRESS_MASK;
}

static unsigned ss_operands(const struct s370_cpu *cpu,
                            const struct s370_decoded *d, struct stretch s[2])
{
    s[0] = (struct stretch){address1(cpu, d), d->imm + 1u};
    s[1] = (struct stretch){address2(cpu, d), d->imm + 1u};
    switch (s370_insns.rows[d->op].format) {
    case S370_FMT_SS_LI:
        s[0].len = d->r1 + 1u;
        return 1;
    case S370_FMT_SS_LL:
        s[0].len = d->r1 + 1u;
        s[1].len = d->r2 + 1u;
        return 2;
    default:
        if (d->op == S370_OP_TR || d->op == S370_OP_TRT)
            s[1].len = 256;
        return 2;
    }
}

static unsigned long_operands(const struct s370_cpu *cpu,
                              const struct s370_decoded *d, struct stretch s[2])
{
    const uint8_t r[2] = {d->r1, d->r2};

    for (unsigned i = 0; i < 2; i++)
        s[i] = (struct stretch){cpu->gr[r[i]] & S370_ADDRESS_MASK,
                                cpu->gr[(r[i] + 1) & 15] & 0xFFFFFF};
    if (d->op == S370_OP_MVCL && s[1].len > s[0].len)
        s[1].len = s[0].len; /* the rest is not looked at */
    return 2;
}

unsigned operands_of(const struct s370_cpu *cpu, const struct s370_decoded *d,
                     struct stretch s[2])
{
    if (d->op == S370_OP_MVCL || d->op == S370_OP_CLCL)
        return long_operands(cpu, d, s);
    switch (s370_insns.rows[d->op].format) {
    case S370_FMT_SS_L:
    case S370_FMT_SS_LL:
    case S370_FMT_SS_LI:
        return ss_operands(cpu, d, s);
    case S370_FMT_RS: /* LM STM LCTL STCTL: R1 to R3; at most a doubleword */
        s[0] = (struct stretch){address2(cpu, d),
                                4 * (1u + ((d->r2 - d->r1) & 15u))};
        return 1;
    case S370_FMT_SI:
        s[0] = (struct stretch){address1(cpu, d), 1};
        return 1;
    case S370_FMT_RX:
    case S370_FMT_RS_M:
    case S370_FMT_S:
        s[0] = (struct stretch){address2(cpu, d), 8};
        return 1;
    default:
        return 0;
    }
}

bool operands_overlap(const struct stretch s[2])
{
    uint32_t forth = (s[1].at - s[0].at) & S370_ADDRESS_MASK;
    uint32_t back = (s[0].at - s[1].at) & S370_ADDRESS_MASK;

    return forth < s[0].len || back < s[1].len;
}

/* Is the page index of the address beyond the length in its segment-table
 * entry? ("Dynamic Address Translation", page-table lookup) */
bool operands_exceed_table(struct s370_machine *m, uint32_t a)
{
    const uint32_t *cr = m->cpu.cr;
    bool big_page = cr[0] & 0x00800000, big_segment = cr[0] & 0x00100000;
    unsigned segment_shift = big_segment ? 20 : 16;
    uint32_t at = (cr[1] & 0xFFFFC0) + (a >> segment_shift) * 4;
    unsigned index_bits = segment_shift - (big_page ? 12 : 11);
    uint32_t index = (a & ((1u << segment_shift) - 1)) >> (big_page ? 12 : 11);

    at = s370_real_to_absolute(at & S370_ADDRESS_MASK, m->cpu.prefix);
    return at <= STORAGE_SIZE - 4 &&
           index >> (index_bits - 4) > (uint32_t)m->storage.bytes[at] >> 4;
}

/* A block that no case shares with the bench. */
bool operands_own_block(uint32_t absolute)
{
    return (absolute >= STORAGE_END_BLOCK && absolute < STORAGE_SIZE) ||
           (absolute >= AT_REGION && absolute < AT_REGION + REGION_SIZE);
}

static uint32_t exceptions_at(struct s370_machine *m, uint32_t a, bool *outside)
{
    const struct s370_psw *psw = &m->cpu.psw;
    uint8_t cc;
    int code = 0;
    uint32_t logical = a &= S370_ADDRESS_MASK;

    if (s370_psw_dat(psw))
        code = s370_translate(&m->cpu, a, &a, &cc);
    if (code == S370_PGM_PAGE_TRANSLATION && operands_exceed_table(m, logical))
        return 1u << code | OPERANDS_EXCEED;
    if (code)
        return 1u << code;
    a = s370_real_to_absolute(a, m->cpu.prefix);
    if (a >= STORAGE_SIZE)
        return 1u << S370_PGM_ADDRESSING;
    *outside |= !operands_own_block(a);
    uint8_t key = m->storage.keys[a / S370_BLOCK];
    return psw->key != 0 && psw->key != key >> 4 ? 1u << S370_PGM_PROTECTION
                                                 : 0;
}

uint32_t operands_exceptions(struct s370_machine *m, const struct stretch *s,
                             unsigned n, bool *outside)
{
    uint32_t found = 0;

    *outside = false;
    for (unsigned i = 0; i < n; i++)
        for (uint32_t at = 0; at < s[i].len;
             at += S370_BLOCK - ((s[i].at + at) & (S370_BLOCK - 1)))
            found |= exceptions_at(m, s[i].at + at, outside);
    return found;
}

uint32_t operands_block(struct s370_machine *m, uint32_t a)
{
    uint8_t cc;

    a &= S370_ADDRESS_MASK;
    if (s370_psw_dat(&m->cpu.psw) && s370_translate(&m->cpu, a, &a, &cc))
        return UINT32_MAX;
    return s370_real_to_absolute(a, m->cpu.prefix) / S370_BLOCK;
}

bool operands_aliased(struct s370_machine *m, const struct stretch s[2])
{
    for (unsigned i = 0; i < 4; i++) { /* first and last byte of each */
        uint32_t a = s[0].at + (i & 1 ? s[0].len - 1 : 0);
        uint32_t b = s[1].at + (i & 2 ? s[1].len - 1 : 0);
        uint32_t block = operands_block(m, a);
        if (block != UINT32_MAX && block == operands_block(m, b) &&
            (a & S370_ADDRESS_MASK) / S370_BLOCK !=
                (b & S370_ADDRESS_MASK) / S370_BLOCK)
            return true;
    }
    return false;
}
