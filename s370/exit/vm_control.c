/* Control registers, prefix, translation and identity (GA22-7000,
 * "System-Control Instructions").  The real control registers are the
 * monitor's; these are the guest's own. */
#include "base/bytes.h"
#include "s370/exit/guest_access.h"
#include "s370/exit/interpreter.h"
#include "s370/machine/dat.h"

static unsigned register_count(const struct exit_op *op)
{
    return ((op->r2 - op->r1) & 15u) + 1;
}

/* Which tables, and of what form (CR0 bits 8-12, CR1). */
static bool same_tables(const uint32_t *a, const uint32_t *b)
{
    const uint32_t form = S370_CR0_PAGE_SIZE | S370_CR0_SEGMENT_SIZE;

    return !((a[0] ^ b[0]) & form) && a[1] == b[1];
}

/* "LOAD CONTROL".  CR0 and CR2 decide which interruptions are taken: the
 * dispatcher looks again before the guest goes on. */
enum verdict vm_lctl(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint32_t a = (uint32_t)x->op.addr;
    unsigned n = register_count(&x->op);
    uint32_t before[2] = {g->cr[0], g->cr[1]};
    uint8_t words[64];

    int code = guest_aligned(a, 4);
    if (!code)
        code = guest_load(g, a, n * 4, words);
    for (unsigned i = 0; !code && i < n; i++)
        g->cr[(x->op.r1 + i) & 15] = load_be32(words + 4 * i);
    if (!same_tables(before, g->cr))
        g->purge = true;
    s370_channels_multiplex(g->channels, g->cr[0] & S370_CR0_BLOCK_MULTIPLEX);
    return guest_end(v, x, code);
}

/* "STORE CONTROL" */
enum verdict vm_stctl(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint32_t a = (uint32_t)x->op.addr;
    unsigned n = register_count(&x->op);
    uint8_t words[64];

    int code = guest_aligned(a, 4);
    for (unsigned i = 0; i < n; i++)
        store_be32(words + 4 * i, g->cr[(x->op.r1 + i) & 15]);
    if (!code)
        code = guest_store(g, a, n * 4, words);
    return guest_end(v, x, code);
}

/* "PURGE TLB": the engine's is the guest's. */
enum verdict vm_ptlb(struct vcpu *v, struct vm_exit *x)
{
    s370_vcpu(v)->purge = true;
    return guest_end(v, x, 0);
}

/* "LOAD REAL ADDRESS", by the guest's tables.  Condition codes 1 to 3 come
 * with the real address of the table entry at fault. */
enum verdict vm_lra(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    struct s370_dat tables = {&g->storage, g->prefix, g->cr[0], g->cr[1]};
    uint32_t real;
    uint8_t cc;

    int code = s370_dat_walk(&tables, (uint32_t)x->op.addr, &real, &cc);
    if (code && !s370_is_translation_exception((unsigned)code))
        return guest_end(v, x, code);
    guest_set_gr(g, x->op.r1, real);
    g->psw.cc = cc;
    return guest_end(v, x, 0);
}

/* "SET PREFIX": bits 8-19, of a page that exists.  The engine exchanges the
 * pages in its tables. */
enum verdict vm_spx(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint32_t prefix;

    int code = guest_load32(g, (uint32_t)x->op.addr, &prefix);
    if (code)
        return guest_end(v, x, code);
    prefix &= 0xFFF000;
    if (prefix >= g->storage.size)
        return guest_end(v, x, S370_PGM_ADDRESSING);
    g->prefix = prefix;
    g->purge = true;
    s370_channels_prefix(g->channels, prefix);
    return guest_end(v, x, 0);
}

/* "STORE PREFIX" */
enum verdict vm_stpx(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);

    return guest_end(v, x, guest_store32(g, (uint32_t)x->op.addr, g->prefix));
}

/* "STORE CPU ADDRESS" */
enum verdict vm_stap(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);

    return guest_end(v, x, guest_store16(g, (uint32_t)x->op.addr, g->address));
}

/* "STORE CPU ID": the virtual CPU's.  VM/370 put FF in the version code; a
 * guest here cannot tell. */
enum verdict vm_stidp(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);

    return guest_end(v, x, guest_store64(g, (uint32_t)x->op.addr, g->cpuid));
}
