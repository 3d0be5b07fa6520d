/* A world switch: void monitor_enter(uint64_t vmcb, uint64_t *registers), the
 * latter RBX RCX RDX RSI RDI RBP of the guest.  The monitor's own state of
 * VMLOAD and VMSAVE is not the guests': nothing here uses it. */
.intel_syntax noprefix
.text
.code64
.globl monitor_enter
monitor_enter:
        push    rbx
        push    rbp
        push    rsi
        mov     rax, rdi
        mov     rbp, rsi
        mov     rbx, [rbp]
        mov     rcx, [rbp + 8]
        mov     rdx, [rbp + 16]
        mov     rsi, [rbp + 24]
        mov     rdi, [rbp + 32]
        mov     rbp, [rbp + 40]
        vmload  rax
        vmrun   rax
        vmsave  rax
        push    rbp
        mov     rbp, [rsp + 8]
        mov     [rbp], rbx
        mov     [rbp + 8], rcx
        mov     [rbp + 16], rdx
        mov     [rbp + 24], rsi
        mov     [rbp + 32], rdi
        pop     rax
        mov     [rbp + 40], rax
        pop     rsi
        pop     rbp
        pop     rbx
        ret
/* A debug trap that was the guest's is nothing to us. */
.globl monitor_ignore
monitor_ignore:
        iretq
.section .note.GNU-stack, "", @progbits
