/* Basic exit reasons and VM-instruction errors, by number. */
#ifndef X86VMM_VTX_EXIT_H
#define X86VMM_VTX_EXIT_H

#include "base/types.h"

enum vmx_exit {
#define VMX_EXIT(number, name, words, qualification) VMX_EXIT_##name = number,
#include "x86vmm/vtx/exit.def"
#undef VMX_EXIT
};
/* Bit 31 of EXIT_REASON: the guest was not entered. */
#define VMX_EXIT_ENTRY_FAILED UINT32_C(0x80000000)

enum vmx_error {
#define VMX_ERROR(number, name, words) VMX_ERROR_##name = number,
#include "x86vmm/vtx/error.def"
#undef VMX_ERROR
};

struct vmx_exit_desc {
    uint16_t number;
    const char *name, *words, *qualification;
};

struct vmx_exit_table {
    const struct vmx_exit_desc *rows;
    size_t count;
};

extern const struct vmx_exit_table vmx_exits;

/* The row of a basic exit reason, or NULL; the words of an error, or NULL. */
const struct vmx_exit_desc *vmx_exit_of(unsigned number);
const char *vmx_error_words(unsigned number);

#endif
