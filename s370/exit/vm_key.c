/* Storage keys (GA22-7000, "Storage Key").  The real key of a guest's frame is
 * the virtual key, so that the hardware protects the guest from itself as it
 * wants and records reference and change for it. */
#include "s370/exit/guest_access.h"
#include "s370/exit/interpreter.h"

enum { BLOCK_BITS = 0xFFF800 }; /* bits 8-20 of a register name a block */

/* The operand of SSK and ISK: R2, bits 28-31 zeros. */
static int block_of(struct s370_vcpu *g, uint32_t r2, uint8_t **key)
{
    if (r2 & 0xF)
        return S370_PGM_SPECIFICATION;
    return guest_key(g, r2 & BLOCK_BITS, key);
}

/* "SET STORAGE KEY": bits 24-30 of R1. */
enum verdict vm_ssk(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint8_t *key;

    int code = block_of(g, g->gr[x->op.r2], &key);
    if (!code) {
        *key = g->gr[x->op.r1] & 0xFE;
        g->purge = true;
    }
    return guest_end(v, x, code);
}

/* "INSERT STORAGE KEY": seven bits in EC mode, five in BC mode. */
enum verdict vm_isk(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint8_t *key;

    int code = block_of(g, g->gr[x->op.r2], &key);
    if (!code) {
        uint32_t shown = *key & (g->psw.ec ? 0xFEu : 0xF8u);
        guest_set_gr(g, x->op.r1, (g->gr[x->op.r1] & ~0xFFu) | shown);
    }
    return guest_end(v, x, code);
}

/* "RESET REFERENCE BIT": the condition code is R and C as they were. */
enum verdict vm_rrb(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint8_t *key;

    int code = guest_key(g, x->op.addr & BLOCK_BITS, &key);
    if (!code) {
        g->psw.cc = (*key & (S370_KEY_REFERENCE | S370_KEY_CHANGE)) >> 1;
        *key &= (uint8_t)~S370_KEY_REFERENCE;
        g->purge = true;
    }
    return guest_end(v, x, code);
}
