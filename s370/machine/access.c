/* Accesses that the fast path does not finish: operands without a TLB entry,
 * across 2K blocks, or longer than 8 bytes. */
#include "s370/machine/access.h"

#include "s370/machine/per.h"

/* Bytes from a to the end of its block. */
static unsigned in_block(uint32_t a)
{
    return S370_BLOCK - (a & (S370_BLOCK - 1));
}

static int open_part(struct s370_cpu *cpu, uint32_t a, bool write,
                     uint8_t **host)
{
    struct s370_tlb_entry *e = NULL;

    *host = s370_fast(cpu, a, 1, write);
    if (*host)
        return 0;
    TRY(s370_tlb_fill(cpu, a, write, &e));
    *host = e->host + (a & (S370_BLOCK - 1));
    return 0;
}

/* Both parts are checked before either gets its reference and change bits:
 * the change bit of storage that is not changed stays as it is. */
int s370_span_open(struct s370_cpu *cpu, uint32_t a, unsigned len, bool write,
                   struct s370_span *s)
{
    s->first = in_block(a);
    s->part[1] = NULL;
    if (s->first < len) {
        TRY(s370_check_block(cpu, a, write));
        TRY(s370_check_block(cpu, a + s->first, write));
        TRY(open_part(cpu, a + s->first, write, &s->part[1]));
    }
    TRY(open_part(cpu, a, write, &s->part[0]));
    if (write && s370_per_on(cpu))
        s370_per_store(cpu, a & S370_ADDRESS_MASK, len);
    return 0;
}

int s370_load_slow(struct s370_cpu *cpu, uint32_t a, unsigned len, uint64_t *v)
{
    struct s370_span s;
    uint64_t value = 0;

    *v = 0;
    TRY(s370_span_open(cpu, a, len, false, &s));
    for (unsigned i = 0; i < len; i++)
        value = value << 8 | *s370_span_at(&s, i);
    *v = value;
    return 0;
}

int s370_store_slow(struct s370_cpu *cpu, uint32_t a, unsigned len, uint64_t v)
{
    struct s370_span s;

    TRY(s370_span_open(cpu, a, len, true, &s));
    for (unsigned i = 0; i < len; i++)
        *s370_span_at(&s, i) = (uint8_t)(v >> 8 * (len - 1 - i));
    return 0;
}

int s370_load_bytes(struct s370_cpu *cpu, uint32_t a, unsigned len, uint8_t *to)
{
    struct s370_span s;

    TRY(s370_span_open(cpu, a, len, false, &s));
    unsigned first = len < s.first ? len : s.first;
    __builtin_memcpy(to, s.part[0], first);
    if (first < len)
        __builtin_memcpy(to + first, s.part[1], len - first);
    return 0;
}

int s370_store_bytes(struct s370_cpu *cpu, uint32_t a, unsigned len,
                     const uint8_t *from)
{
    struct s370_span s;

    TRY(s370_span_open(cpu, a, len, true, &s));
    unsigned first = len < s.first ? len : s.first;
    __builtin_memcpy(s.part[0], from, first);
    if (first < len)
        __builtin_memcpy(s.part[1], from + first, len - first);
    return 0;
}

int s370_check_store(struct s370_cpu *cpu, uint32_t a, unsigned len)
{
    TRY(s370_check_block(cpu, a, true));
    return len > in_block(a) ? s370_check_block(cpu, a + in_block(a), true) : 0;
}

uint8_t *s370_operand(struct s370_cpu *cpu, uint32_t a, unsigned len,
                      bool write, int *code)
{
    struct s370_span s;

    *code = 0;
    if (len > in_block(a))
        return NULL;
    *code = s370_span_open(cpu, a, len, write, &s);
    return *code ? NULL : s.part[0];
}
