#include "monitor/vm.h"

#include "base/format.h"

#include <stdarg.h>

enum status vm_start(struct vm *vm)
{
    enum status st;

    vm->vcpu.vm = vm;
    vm->state = VM_READY;
    if (!vm->patience)
        vm->patience = VM_PATIENCE;
    st = vm->engine->vm_init(vm);
    if (st)
        return st;
    for (unsigned i = 0; i < vm->mem.count && !st; i++)
        st = vm->engine->map(vm, &vm->mem.slots[i]);
    if (!st)
        st = vm->engine->vcpu_init(&vm->vcpu);
    if (st)
        vm->engine->vm_fini(vm);
    return st;
}

void vm_end(struct vm *vm)
{
    vm->engine->vcpu_fini(&vm->vcpu);
    vm->engine->vm_fini(vm);
}

enum verdict vm_fail(struct vm *vm, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    format_va(vm->diag.text, sizeof(vm->diag.text), fmt, ap);
    va_end(ap);
    return VERDICT_FAIL;
}
