#include "s370/exit/guest_access.h"

#include "base/bytes.h"
#include "s370/machine/dat.h"
#include "s370/machine/per.h"

static bool per_wants(const struct s370_vcpu *g, uint8_t event)
{
    return g->psw.ec && (g->psw.system_mask & S370_MASK_PER) &&
           (g->cr[9] >> 24 & event);
}

/* One access within a 2K block (GA22-7000, "Translation", "Addressing",
 * "Protection"). */
static int check(struct s370_vcpu *g, uint32_t logical, bool write,
                 uint32_t *absolute)
{
    struct s370_dat tables = {&g->storage, g->prefix, g->cr[0], g->cr[1]};
    uint32_t real = logical;
    uint8_t cc;

    if (s370_psw_dat(&g->psw)) {
        g->translation_address = logical;
        TRY(s370_dat_walk(&tables, logical, &real, &cc));
    }
    *absolute = s370_real_to_absolute(real, g->prefix);
    if (*absolute >= g->storage.size)
        return S370_PGM_ADDRESSING;
    uint8_t key = g->storage.keys[*absolute / S370_BLOCK];
    if (g->psw.key == 0 || key >> 4 == g->psw.key)
        return 0;
    return write || (key & S370_KEY_FETCH) ? S370_PGM_PROTECTION : 0;
}

/* Bytes of a..a+len-1 that lie in the block of a. */
static unsigned in_block(uint32_t a, unsigned len)
{
    unsigned room = S370_BLOCK - a % S370_BLOCK;

    return len < room ? len : room;
}

/* A checked operand: one block or two, for len is at most 256. */
struct span {
    uint32_t at[2]; /* absolute */
    unsigned first; /* bytes in at[0] */
};

/* May all of a..a+len-1 be accessed?  Only then are reference and change bits
 * set. */
static int open_span(struct s370_vcpu *g, uint32_t a, unsigned len, bool write,
                     struct span *s)
{
    uint8_t bits =
        write ? S370_KEY_REFERENCE | S370_KEY_CHANGE : S370_KEY_REFERENCE;

    a &= S370_ADDRESS_MASK;
    s->first = in_block(a, len);
    TRY(check(g, a, write, &s->at[0]));
    s->at[1] = s->at[0];
    if (s->first < len)
        TRY(check(g, (a + s->first) & S370_ADDRESS_MASK, write, &s->at[1]));
    g->storage.keys[s->at[0] / S370_BLOCK] |= bits;
    g->storage.keys[s->at[1] / S370_BLOCK] |= bits;
    return 0;
}

int guest_load(struct s370_vcpu *g, uint32_t a, unsigned len, uint8_t *to)
{
    struct span s;

    TRY(open_span(g, a, len, false, &s));
    __builtin_memcpy(to, g->storage.bytes + s.at[0], s.first);
    __builtin_memcpy(to + s.first, g->storage.bytes + s.at[1], len - s.first);
    return 0;
}

int guest_store(struct s370_vcpu *g, uint32_t a, unsigned len,
                const uint8_t *from)
{
    struct span s;

    TRY(open_span(g, a, len, true, &s));
    if (per_wants(g, S370_PER_STORE) && s370_per_covers(g->cr, a, len))
        g->per_code |= S370_PER_STORE;
    __builtin_memcpy(g->storage.bytes + s.at[0], from, s.first);
    __builtin_memcpy(g->storage.bytes + s.at[1], from + s.first, len - s.first);
    return 0;
}

int guest_aligned(uint32_t a, unsigned unit)
{
    return a % unit ? S370_PGM_SPECIFICATION : 0;
}

int guest_load32(struct s370_vcpu *g, uint32_t a, uint32_t *v)
{
    uint8_t bytes[4];

    TRY(guest_aligned(a, 4));
    TRY(guest_load(g, a, 4, bytes));
    *v = load_be32(bytes);
    return 0;
}

int guest_load64(struct s370_vcpu *g, uint32_t a, uint64_t *v)
{
    uint8_t bytes[8];

    TRY(guest_aligned(a, 8));
    TRY(guest_load(g, a, 8, bytes));
    *v = load_be64(bytes);
    return 0;
}

int guest_store16(struct s370_vcpu *g, uint32_t a, uint16_t v)
{
    uint8_t bytes[2];

    store_be16(bytes, v);
    TRY(guest_aligned(a, 2));
    return guest_store(g, a, 2, bytes);
}

int guest_store32(struct s370_vcpu *g, uint32_t a, uint32_t v)
{
    uint8_t bytes[4];

    store_be32(bytes, v);
    TRY(guest_aligned(a, 4));
    return guest_store(g, a, 4, bytes);
}

int guest_store64(struct s370_vcpu *g, uint32_t a, uint64_t v)
{
    uint8_t bytes[8];

    store_be64(bytes, v);
    TRY(guest_aligned(a, 8));
    return guest_store(g, a, 8, bytes);
}

int guest_key(struct s370_vcpu *g, uint32_t real, uint8_t **key)
{
    uint32_t at = s370_real_to_absolute(real & S370_ADDRESS_MASK, g->prefix);

    if (at >= g->storage.size)
        return S370_PGM_ADDRESSING;
    *key = &g->storage.keys[at / S370_BLOCK];
    return 0;
}

void guest_set_gr(struct s370_vcpu *g, unsigned r, uint32_t v)
{
    g->gr[r] = v;
    if (per_wants(g, S370_PER_REGISTER) && (g->cr[9] & 0x8000u >> r))
        g->per_code |= S370_PER_REGISTER;
}

static enum verdict program(struct vm_exit *x, int code, bool past_insn)
{
    x->event = (struct vm_event){.kind = S370_INT_PROGRAM,
                                 .code = (uint32_t)code,
                                 .past_insn = past_insn};
    return VERDICT_REFLECT;
}

/* Of an instruction that was suppressed or terminated, PER reports only that
 * it was fetched (GA22-7000, "Program-Event Recording"); one that leaves an
 * invalid PSW did complete.  Events alone are a program interruption after the
 * instruction; reflecting adds their code. */
enum verdict guest_end(struct vcpu *v, struct vm_exit *x, int code)
{
    struct s370_vcpu *g = s370_vcpu(v);

    if (!code && !g->per_code)
        return VERDICT_ADVANCE;
    if (code && s370_psw_valid(&g->psw))
        g->per_code &= S370_PER_FETCH;
    program(x, code, !s370_is_translation_exception((unsigned)code));
    x->event.info[0] = g->translation_address;
    return VERDICT_REFLECT;
}

bool guest_waits(const struct s370_vcpu *g)
{
    return g->psw.wait && s370_psw_valid(&g->psw);
}

enum verdict guest_go_on(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);

    if (!g->per_code)
        return guest_waits(g) ? VERDICT_WAIT : VERDICT_RESUME;
    if (s370_psw_valid(&g->psw))
        return program(x, 0, false);
    g->ilc = 0; /* one interruption tells of the events and the invalid PSW */
    return program(x, S370_PGM_SPECIFICATION, false);
}
