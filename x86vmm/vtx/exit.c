#include "x86vmm/vtx/exit.h"

static const struct vmx_exit_desc rows[] = {
#define VMX_EXIT(number, name, words, qualification) \
    {number, #name, words, qualification},
#include "x86vmm/vtx/exit.def"
#undef VMX_EXIT
};
const struct vmx_exit_table vmx_exits = {rows, ARRAY_LEN(rows)};

const struct vmx_exit_desc *vmx_exit_of(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].number == number)
            return &rows[i];
    return NULL;
}

const char *vmx_error_words(unsigned number)
{
    static const char *const words[] = {
#define VMX_ERROR(number, name, words) [number] = words,
#include "x86vmm/vtx/error.def"
#undef VMX_ERROR
    };

    return number < ARRAY_LEN(words) ? words[number] : NULL;
}
