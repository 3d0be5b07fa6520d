/* A guest that divides by what a device says, which is nothing: ones.  Whoever
 * does that for it must not lose the guest's vector registers over it. */
#include "x86vmm/guest/pc.inc"

#define NOBODY  0xD0100

.code64
.globl start
start:  mov     rax, cr4
        or      eax, 0x200              /* OSFXSR */
        mov     cr4, rax
        mov     rbx, 0x0123456789ABCDEF
        movq    xmm0, rbx
        movq    xmm1, rbx
        movq    xmm2, rbx
        xor     eax, eax                /* 2^64, by 2^64 - 1: */
        mov     edx, 1
        div     qword ptr [NOBODY]
        cmp     rax, 1                  /* 1, */
        jne     bad
        cmp     rdx, 1                  /* and 1 is left */
        jne     bad
        mov     rax, -10
        cqo
        idiv    qword ptr [NOBODY]      /* by -1 */
        cmp     rax, 10
        jne     bad
        movq    rcx, xmm0
        cmp     rcx, rbx
        jne     bad
        movq    rcx, xmm1
        cmp     rcx, rbx
        jne     bad
        movq    rcx, xmm2
        cmp     rcx, rbx
        jne     bad
        lea     rsi, divided[rip]
        mov     dx, DEBUG_PORT
1:      lodsb
        test    al, al
        jz      2f
        out     dx, al
        jmp     1b
2:      out     EXIT_PORT, al
bad:    mov     al, 1
        out     EXIT_PORT, al

divided: .asciz "Divided, and nothing was lost.\n"
