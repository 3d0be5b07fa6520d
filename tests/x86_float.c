#include "tests/x86_float.h"

#include "x86vmm/machine/access.h"
#include "x86vmm/machine/fpu.h"

#include <string.h>

struct x86_bare *x86_float_new(enum x86_mode mode)
{
    struct x86_bare *m = x86_bare_new(mode);

    m->cpu.state.cr0 |= X86_CR0_NE;
    m->cpu.state.cr4 |= 0x600;
    m->cpu.state.gpr[X86_RDX] = BARE_DATA;
    x86_fpu_init(&m->cpu);
    x86_mode_changed(&m->cpu);
    return m;
}

int x86_float_try(struct x86_bare *m, const char *bytes, size_t n)
{
    memcpy(m->storage + BARE_CODE, bytes, n);
    x86_code_written(&m->cpu, BARE_CODE, n);
    m->cpu.state.rip = m->cpu.code_bits == 16 ? 0 : BARE_CODE;
    return x86_try(&m->cpu) == X86_FAULT ? m->cpu.fault.vector : -1;
}

void x86_float_set(struct x86_bare *m, unsigned i, struct x86_f80 v)
{
    x86_fpu_set(&m->cpu, i, v);
}

struct x86_f80 x86_float_get(const struct x86_bare *m, unsigned i)
{
    return m->cpu.fpu.st[x86_fpu_index(&m->cpu, i)];
}
