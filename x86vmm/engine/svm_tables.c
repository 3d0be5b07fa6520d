/* What the VMCB points to (AMD APM vol. 2, 15.10.1, 15.11, 15.25): the I/O
 * permission map, the MSR permission map, and the nested page tables. */
#include "x86vmm/engine/svm_host.h"
#include "x86vmm/engine/vmcb_state.h"

#include <string.h>

enum {
    IO_PAGES = 3,
    MSR_PAGES = VMCB_MSR_MAP / MODEL_PAGE,
    PRESENT = 1,
    WRITABLE = 2,
    USER = 4
};

/* The guest's accesses are a user's. */
static const struct model_table_form nested = {
    .front = IO_PAGES + MSR_PAGES,
    .table = PRESENT | WRITABLE | USER,
    .page = PRESENT | WRITABLE | USER,
    .fixed = PRESENT | USER,
    .large = 0x80};

uint64_t svm_io_map(void)
{
    return MODEL_TABLES;
}

uint64_t svm_msr_map(void)
{
    return MODEL_TABLES + IO_PAGES * MODEL_PAGE;
}

uint64_t svm_nested_root(void)
{
    return MODEL_TABLES + (IO_PAGES + MSR_PAGES) * MODEL_PAGE;
}

enum status svm_make_tables(struct vm *vm)
{
    const struct model_machine *m = vm->backing;
    enum status st = model_make_tables(vm, &nested);

    if (st)
        return st;
    memset(m->tables, 0xFF, IO_PAGES * MODEL_PAGE);
    vmcb_make_msr_map(m->tables + IO_PAGES * MODEL_PAGE);
    return STATUS_OK;
}
