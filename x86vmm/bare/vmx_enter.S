/* Into the guest, and out of it. */
.intel_syntax noprefix
.equ HOST_RSP, 0x6C14

/* enum vmx_entry vmx_enter(uint64_t gpr[16] in RDI, bool launched in ESI) */
.section .text.hot, "ax", @progbits
.globl vmx_enter, vmx_exited
vmx_enter:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        push    rdi
        mov     eax, HOST_RSP
        vmwrite rax, rsp
        test    esi, esi                /* MOV leaves the flags alone */
        mov     rax, [rdi]
        mov     rcx, [rdi + 8]
        mov     rdx, [rdi + 16]
        mov     rbx, [rdi + 24]
        mov     rbp, [rdi + 40]
        mov     rsi, [rdi + 48]
        mov     r8, [rdi + 64]
        mov     r9, [rdi + 72]
        mov     r10, [rdi + 80]
        mov     r11, [rdi + 88]
        mov     r12, [rdi + 96]
        mov     r13, [rdi + 104]
        mov     r14, [rdi + 112]
        mov     r15, [rdi + 120]
        mov     rdi, [rdi + 56]
        jnz     1f
        vmlaunch
        jmp     2f
1:      vmresume
2:      pop     rdi                     /* not entered: CF, or ZF and a number */
        mov     eax, 1
        jc      3f
        mov     eax, 2
        jmp     3f

vmx_exited:
        xchg    rdi, [rsp]              /* the registers' place, the guest's RDI */
        mov     [rdi], rax
        mov     [rdi + 8], rcx
        mov     [rdi + 16], rdx
        mov     [rdi + 24], rbx
        mov     [rdi + 40], rbp
        mov     [rdi + 48], rsi
        mov     [rdi + 64], r8
        mov     [rdi + 72], r9
        mov     [rdi + 80], r10
        mov     [rdi + 88], r11
        mov     [rdi + 96], r12
        mov     [rdi + 104], r13
        mov     [rdi + 112], r14
        mov     [rdi + 120], r15
        pop     rax
        mov     [rdi + 56], rax
        xor     eax, eax
3:      pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret
.section .note.GNU-stack, "", @progbits
