#include "s370/exit/handle.h"

/* The engine has prepared the addressing exception that the bare machine
 * would have recognized.
 *
 * For a guest that translates (psw.system_mask with S370_MASK_DAT), this is
 * where the guest's own tables are walked (s370_dat_walk): a translation that
 * they have is put into the shadow tables and the instruction resumed; one
 * that they do not have is the guest's own segment- or page-translation
 * exception. */
enum verdict handle_fault(struct vcpu *v, struct vm_exit *x)
{
    (void)v, (void)x;
    return VERDICT_REFLECT;
}

enum verdict handle_entry_failed(struct vcpu *v, struct vm_exit *x)
{
    char psw[48];

    s370_psw_show(&s370_vcpu(v)->psw, psw, sizeof(psw));
    return vm_fail(v->vm,
                   "%s at %06llx turned on dynamic address translation "
                   "(PSW %s): guest translation is not supported yet",
                   v->vm->name, (unsigned long long)x->pc, psw);
}
