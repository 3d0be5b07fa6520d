/* A guest in long mode: the same exits as hello-real.S, in 64 bits.
 *
 * It is loaded at 1 MiB with flat segments, the first GiB mapped to itself,
 * interrupts off and no IDT: that it makes itself. */
#include "x86vmm/guest/pc.inc"

.code64
.globl start
start:  cld
        lea     rsi, hello[rip]         /* port I/O, one character an exit */
        call    print

        mov     eax, HYPERVISOR         /* CPUID: who is below me? */
        cpuid
        mov     signature[rip], ebx
        mov     signature[rip + 4], ecx
        mov     signature[rip + 8], edx
        lea     rsi, monitor[rip]
        call    print

        mov     edi, SERIAL_MMIO        /* memory-mapped I/O: the same port, */
        lea     rsi, mmio[rip]          /* but every store is an exit */
1:      lodsb
        test    al, al
        jz      2f
        mov     [rdi], al
        jmp     1b
2:      cmp     byte ptr [rdi + 7], 0   /* a load: scratch, still zero */
        jne     fail

        mov     dx, DEBUG_PORT          /* string I/O: one instruction */
        lea     rsi, string[rip]
        mov     ecx, offset string_len
        rep outsb

        mov     dx, SERIAL_SCR          /* and inwards: what scratch holds */
        mov     al, 'x'
        out     dx, al
        lea     rdi, buffer[rip]
        mov     ecx, 4
        rep insb
        cmp     dword ptr buffer[rip], 0x78787878
        jne     fail

        xor     eax, eax                /* a hypercall: the version */
        out     HYPERCALL, eax
        cmp     eax, 1
        jne     fail

        lea     rax, empty[rip]         /* a gate: offset 15-0, selector, ... */
        lea     rdi, idt[rip + 16 * SERIAL_VECTOR]
        mov     [rdi], ax
        mov     word ptr [rdi + 2], cs
        mov     word ptr [rdi + 4], 0x8E00 /* present, interrupt gate */
        shr     rax, 16
        mov     [rdi + 6], ax
        shr     rax, 16
        mov     [rdi + 8], eax
        lea     rax, idt[rip]
        mov     idtr[rip + 2], rax
        lidt    idtr[rip]
        mov     dx, SERIAL_MCR          /* HLT, until the transmitter says */
        mov     al, MCR_OUT2            /* that it is empty */
        out     dx, al
        mov     dx, SERIAL_IER
        mov     al, IER_EMPTY
        out     dx, al
        sti
        hlt
        cli
        cmp     byte ptr woken[rip], 1
        jne     fail
        lea     rsi, awake[rip]
        call    print

        xor     eax, eax                /* the end: code 0 */
        out     EXIT_PORT, eax
fail:   mov     eax, 1
        out     EXIT_PORT, eax
        hlt

/* Characters from RSI up to a zero, each when the transmitter is empty. */
print:  lodsb
        test    al, al
        jz      2f
        mov     ah, al
        mov     dx, SERIAL_LSR
1:      in      al, dx
        test    al, LSR_EMPTY
        jz      1b
        mov     dx, SERIAL
        mov     al, ah
        out     dx, al
        jmp     print
2:      ret

/* The interrupt: be quiet, I heard you. */
empty:  push    rax
        push    rdx
        mov     dx, SERIAL_IER
        xor     al, al
        out     dx, al
        inc     byte ptr woken[rip]
        pop     rdx
        pop     rax
        iretq

hello:  .asciz  "Hello from long mode.\n"
monitor: .ascii "I run under: "
signature: .ascii "????????????"
        .asciz  "\n"
mmio:   .asciz  "This line went through storage.\n"
string: .ascii  "This line was one instruction.\n"
.equ string_len, . - string
awake:  .asciz  "An interrupt woke me.\n"
woken:  .byte   0
buffer: .skip   4
idtr:   .word   16 * (SERIAL_VECTOR + 1) - 1
        .quad   0
        .balign 16
idt:    .skip   16 * (SERIAL_VECTOR + 1)
