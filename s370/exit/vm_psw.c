/* Instructions that change or show the virtual PSW (GA22-7000, "System
 * Control").  The real PSW never holds these fields: the guest runs in the
 * problem state whatever it believes. */
#include "s370/exit/guest_access.h"
#include "s370/exit/interpreter.h"

/* "LOAD PSW".  A PSW that is not valid is loaded; the specification exception
 * comes with the next instruction. */
enum verdict vm_lpsw(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint32_t a = (uint32_t)x->op.addr;
    uint8_t bytes[8];

    int code = guest_aligned(a, 8);
    if (!code)
        code = guest_load(g, a, sizeof(bytes), bytes);
    if (code)
        return guest_end(v, x, code);
    s370_psw_load(&g->psw, bytes);
    return guest_go_on(v, x);
}

/* A new system mask is in force.  One that EC mode does not allow is an
 * exception after the change, with the ILC of the instruction. */
static enum verdict mask_changed(struct vcpu *v, struct vm_exit *x,
                                 uint8_t mask)
{
    struct s370_psw *psw = &s370_vcpu(v)->psw;

    psw->system_mask = mask;
    return guest_end(v, x, s370_psw_valid(psw) ? 0 : S370_PGM_SPECIFICATION);
}

/* "SET SYSTEM MASK".  With SSM suppression the operand is not looked at. */
enum verdict vm_ssm(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint8_t mask;

    if (g->cr[0] & S370_CR0_SSM_SUPPRESSION)
        return guest_end(v, x, S370_PGM_SPECIAL_OPERATION);
    int code = guest_load(g, (uint32_t)x->op.addr, 1, &mask);
    return code ? guest_end(v, x, code) : mask_changed(v, x, mask);
}

/* "STORE THEN AND SYSTEM MASK": an operand that cannot be stored leaves the
 * mask alone. */
enum verdict vm_stnsm(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint8_t mask = g->psw.system_mask;

    int code = guest_store(g, (uint32_t)x->op.addr, 1, &mask);
    return code ? guest_end(v, x, code) : mask_changed(v, x, mask & x->op.imm);
}

/* "STORE THEN OR SYSTEM MASK" */
enum verdict vm_stosm(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint8_t mask = g->psw.system_mask;

    int code = guest_store(g, (uint32_t)x->op.addr, 1, &mask);
    return code ? guest_end(v, x, code) : mask_changed(v, x, mask | x->op.imm);
}

/* "SET PSW KEY FROM ADDRESS": bits 24-27 of the address. */
enum verdict vm_spka(struct vcpu *v, struct vm_exit *x)
{
    s370_vcpu(v)->psw.key = x->op.addr >> 4 & 0xF;
    return guest_end(v, x, 0);
}

/* "INSERT PSW KEY": into bits 24-27 of general register 2; 28-31 become 0. */
enum verdict vm_ipk(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);

    guest_set_gr(g, 2, (g->gr[2] & ~0xFFu) | (uint32_t)g->psw.key << 4);
    return guest_end(v, x, 0);
}
