/* Into the guest, and out of it (AMD APM vol. 2, "VMRUN Instruction"). */
.intel_syntax noprefix

/* void svm_enter(uint64_t gpr[16] in RDI, vmcb in RSI, the monitor's in RDX);
 * RAX and RSP are in the VMCB.
 *
 * CLGI holds everything off.  The guest is run with IF set here, so that a
 * physical interrupt ends its turn (V_INTR_MASKING). */
.text
.globl svm_enter
svm_enter:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        push    rdx
        push    rdi
        mov     rax, rsi
        clgi
        sti
        vmload  rax                     /* FS GS LDTR TR, MSRs */
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
        vmrun   rax
        vmsave  rax
        cli
        xchg    rdi, [rsp]              /* the registers' place, the guest's RDI */
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
        pop     rax
        vmload  rax
        stgi
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret
.section .note.GNU-stack, "", @progbits
