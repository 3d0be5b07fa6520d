/* A guest that does nothing but exit: 100,000 times CPUID, to measure what a
 * round trip through the monitor costs. */
#include "x86vmm/guest/pc.inc"

.code64
.globl start
start:  mov     esi, 100000
1:      mov     eax, 0
        cpuid
        dec     esi
        jnz     1b
        xor     eax, eax
        out     EXIT_PORT, eax
