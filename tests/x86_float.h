/* One instruction on the modelled processor, with floating-point registers
 * set: for tests. */
#ifndef TESTS_X86_FLOAT_H
#define TESTS_X86_FLOAT_H

#include "tests/x86_bare.h"

/* In 64-bit mode with SSE switched on (CR4.OSFXSR, OSXMMEXCPT, CR0.NE); RDX
 * is BARE_DATA. */
struct x86_bare *x86_float_new(enum x86_mode mode);

/* Execute these bytes as x86_try does.  -1, or the vector of the fault. */
int x86_float_try(struct x86_bare *m, const char *bytes, size_t n);
#define FLOAT_TRY(m, bytes) x86_float_try(m, bytes, sizeof(bytes) - 1)

/* ST(i) gets this value and is not empty; what it has. */
void x86_float_set(struct x86_bare *m, unsigned i, struct x86_f80 v);
struct x86_f80 x86_float_get(const struct x86_bare *m, unsigned i);

#endif
