/* How an instruction reaches storage, and what bodies say. */
#ifndef S370_MACHINE_ACCESS_H
#define S370_MACHINE_ACCESS_H

#include "base/bytes.h"
#include "s370/machine/cpu.h"

/* ---- Logical accesses by an instruction ----
 *
 * Addresses are logical (24 bits, wrapping); translation, prefixing, key
 * protection, addressing, reference and change bits and PER storage
 * alteration are done here.  Each returns 0 or a program-interruption code;
 * with a code, nothing was stored.  No alignment is required of operands. */
MUST_USE static inline int s370_load8(struct s370_cpu *, uint32_t a,
                                      uint8_t *v);
MUST_USE static inline int s370_load16(struct s370_cpu *, uint32_t a,
                                       uint16_t *v);
MUST_USE static inline int s370_load32(struct s370_cpu *, uint32_t a,
                                       uint32_t *v);
MUST_USE static inline int s370_load64(struct s370_cpu *, uint32_t a,
                                       uint64_t *v);
MUST_USE static inline int s370_store8(struct s370_cpu *, uint32_t a,
                                       uint8_t v);
MUST_USE static inline int s370_store16(struct s370_cpu *, uint32_t a,
                                        uint16_t v);
MUST_USE static inline int s370_store32(struct s370_cpu *, uint32_t a,
                                        uint32_t v);
MUST_USE static inline int s370_store64(struct s370_cpu *, uint32_t a,
                                        uint64_t v);

/* len 1..256 bytes; a store checks every byte before it changes any. */
MUST_USE int s370_load_bytes(struct s370_cpu *, uint32_t a, unsigned len,
                             uint8_t *to);
MUST_USE int s370_store_bytes(struct s370_cpu *, uint32_t a, unsigned len,
                              const uint8_t *from);
/* Would a store of len (1..256) bytes be allowed?  Sets no bits. */
MUST_USE int s370_check_store(struct s370_cpu *, uint32_t a, unsigned len);

/* Host pointer to an operand that lies in one 2K block, already checked for
 * the access, reference and change bits set; NULL with *code 0 when it
 * crosses a block (use the functions above), or with a code. */
uint8_t *s370_operand(struct s370_cpu *, uint32_t a, unsigned len, bool write,
                      int *code);

/* An operand of 1..256 bytes where it lies in host storage, in one or two
 * parts.  Opened for reading, or for writing (and reading), with everything
 * checked and R, C and PER recorded: a store operand is opened last, when
 * nothing else can end the instruction. */
struct s370_span {
    uint8_t *part[2];
    unsigned first; /* bytes in part[0] */
};
MUST_USE int s370_span_open(struct s370_cpu *, uint32_t a, unsigned len,
                            bool write, struct s370_span *);

static inline uint8_t *s370_span_at(const struct s370_span *s, unsigned i)
{
    return i < s->first ? s->part[0] + i : s->part[1] + (i - s->first);
}

/* ---- The fast path of every access ---- */

static inline struct s370_tlb_entry *s370_tlb_at(struct s370_cpu *c, uint32_t a)
{
    return &c->tlb[(a / S370_BLOCK) & (S370_TLB_ENTRIES - 1)];
}

static inline struct s370_tlb_entry *s370_fetch_at(struct s370_cpu *c,
                                                   uint32_t a)
{
    return &c->fetch[(a / S370_BLOCK) & (S370_FETCH_ENTRIES - 1)];
}

/* Host pointer to an operand whose block has an entry that allows the access,
 * or NULL: take the slow way.  The tag is compared with the block of the last
 * byte, so that one comparison also finds operands across two blocks. */
static inline uint8_t *s370_fast(struct s370_cpu *c, uint32_t a, unsigned len,
                                 bool write)
{
    const struct s370_tlb_entry *e = s370_tlb_at(c, a);
    uint32_t last = (a + len - 1) & S370_ADDRESS_MASK;
    uint32_t tag = (last & ~(S370_BLOCK - 1u)) | c->context;

    if (LIKELY((write ? e->write_tag : e->read_tag) == tag))
        return e->host + (a & (S370_BLOCK - 1));
    return NULL;
}

#define S370_ACCESS(bits, bytes)                                       \
    static inline int s370_load##bits(struct s370_cpu *c, uint32_t a,  \
                                      uint##bits##_t *v)               \
    {                                                                  \
        const uint8_t *p = s370_fast(c, a, bytes, false);              \
        uint64_t wide;                                                 \
                                                                       \
        if (LIKELY(p)) {                                               \
            *v = s370_be##bits(p);                                     \
            return 0;                                                  \
        }                                                              \
        int code = s370_load_slow(c, a, bytes, &wide);                 \
        *v = (uint##bits##_t)wide;                                     \
        return code;                                                   \
    }                                                                  \
    static inline int s370_store##bits(struct s370_cpu *c, uint32_t a, \
                                       uint##bits##_t v)               \
    {                                                                  \
        uint8_t *p = s370_fast(c, a, bytes, true);                     \
                                                                       \
        if (LIKELY(p)) {                                               \
            s370_put_be##bits(p, v);                                   \
            return 0;                                                  \
        }                                                              \
        return s370_store_slow(c, a, bytes, v);                        \
    }

static inline uint8_t s370_be8(const uint8_t *p)
{
    return *p;
}
static inline void s370_put_be8(uint8_t *p, uint8_t v)
{
    *p = v;
}
#define s370_be16     load_be16
#define s370_be32     load_be32
#define s370_be64     load_be64
#define s370_put_be16 store_be16
#define s370_put_be32 store_be32
#define s370_put_be64 store_be64

S370_ACCESS(8, 1)
S370_ACCESS(16, 2)
S370_ACCESS(32, 4)
S370_ACCESS(64, 8)

/* ---- What bodies say ---- */

/* Effective addresses, 24 bits (GA22-7000, "Address Generation"). */
static inline uint32_t s370_ea2(const struct s370_cpu *c,
                                const struct s370_decoded *d)
{
    return (c->gr[d->b2] + c->gr[d->x2] + d->d2) & S370_ADDRESS_MASK;
}

static inline uint32_t s370_ea1(const struct s370_cpu *c,
                                const struct s370_decoded *d)
{
    return (c->gr[d->b1] + d->d1) & S370_ADDRESS_MASK;
}

#endif
