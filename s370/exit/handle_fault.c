#include "s370/exit/handle.h"

/* The engine has tried the guest's tables, where it has some: what is left is
 * the exception that the bare machine would have recognized. */
enum verdict handle_fault(struct vcpu *v, struct vm_exit *x)
{
    (void)v, (void)x;
    return VERDICT_REFLECT;
}
