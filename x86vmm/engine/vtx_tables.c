/* What the VMCS points to (Intel SDM vol. 3, "MSR-Bitmap Address", "EPT
 * Translation Mechanism"): the MSR bitmaps, and the EPT paging structures. */
#include "x86vmm/engine/vmcs_state.h"
#include "x86vmm/engine/vtx_host.h"

enum {
    EPT_RX = 5,
    EPT_RWX = 7,
    EPT_LARGE = 0x80,
    EPT_WRITE_BACK = 6 << 3,
    EPTP_FOUR_LEVELS = 3 << 3 | 6
};

static const struct model_table_form ept = {.front = 1,
                                            .spare = NESTED_PAGES,
                                            .table = EPT_RWX,
                                            .page = EPT_RWX | EPT_WRITE_BACK,
                                            .fixed = EPT_RX | EPT_WRITE_BACK,
                                            .large = EPT_LARGE};

uint64_t vtx_msr_bitmap(void)
{
    return MODEL_TABLES;
}

uint64_t vtx_ept_pointer(void)
{
    return (MODEL_TABLES + MODEL_PAGE) | EPTP_FOUR_LEVELS;
}

enum status vtx_make_tables(struct vm *vm)
{
    const struct model_machine *m = vm->backing;
    enum status st = model_make_tables(vm, &ept);

    if (!st)
        vmcs_make_msr_bitmap(m->tables);
    return st;
}
