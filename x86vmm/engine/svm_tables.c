/* What the VMCB points to (AMD APM vol. 2, 15.10.1, 15.11, 15.25): the I/O
 * permission map, the MSR permission map, and the nested page tables. */
#include "x86vmm/engine/svm_host.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/own_msr.h"

#include <string.h>

enum { IO_PAGES = 3, MSR_PAGES = 2, PRESENT = 1, WRITABLE = 2, USER = 4 };

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

/* EFER is the guest's own but for SVME. */
static bool is_own(uint32_t number)
{
    return number != (uint32_t)X86_MSR_EFER;
}

/* Two bits each that are clear do not exit: reads, writes; low MSRs in the
 * first 2 KiB, C000_0000 on in the second. */
static void make_msr_map(uint8_t *map)
{
    memset(map, 0xFF, MSR_PAGES * MODEL_PAGE);
    for (size_t i = 0; i < x86_own_msrs.count; i++) {
        uint32_t number = x86_own_msrs.numbers[i];
        unsigned n = number & 0x1FFF;

        if (is_own(number))
            map[(number >> 31 ? 2048 : 0) + n / 4] &=
                (uint8_t) ~(3u << n % 4 * 2);
    }
}

enum status svm_make_tables(struct vm *vm)
{
    const struct model_machine *m = vm->backing;
    enum status st = model_make_tables(vm, &nested);

    if (st)
        return st;
    memset(m->tables, 0xFF, IO_PAGES * MODEL_PAGE);
    make_msr_map(m->tables + IO_PAGES * MODEL_PAGE);
    return STATUS_OK;
}
