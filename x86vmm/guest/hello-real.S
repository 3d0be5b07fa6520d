/* A guest in real mode: a boot sector that makes one of each kind of exit and
 * prints what it sees.
 *
 * It is loaded at 0000:7C00 with its stack below it, as a PC's firmware would
 * do it. */
#include "x86vmm/guest/pc.inc"

.code16
.globl start
start:  cld
        mov     dx, SERIAL_LCR          /* 38400 baud, 8 bits, no parity: */
        mov     al, LCR_DLAB            /* every terminal's handshake, and */
        out     dx, al                  /* four exits that do nothing more */
        mov     dx, SERIAL
        mov     al, 3
        out     dx, al
        mov     dx, SERIAL_LCR
        mov     al, LCR_8N1
        out     dx, al

        mov     si, offset hello        /* port I/O, one character an exit */
        call    print

        mov     eax, HYPERVISOR         /* CPUID: who is below me? */
        cpuid
        mov     di, offset signature
        mov     [di], ebx
        mov     [di + 4], ecx
        mov     [di + 8], edx
        mov     si, offset monitor
        call    print

        mov     ax, SERIAL_MMIO >> 4    /* memory-mapped I/O: the same port, */
        mov     es, ax                  /* but every store is an exit */
        mov     si, offset mmio
1:      lodsb
        test    al, al
        jz      2f
        mov     es:[0], al
        jmp     1b
2:      mov     al, es:[7]              /* a load: scratch, still zero */
        test    al, al
        jnz     fail

        mov     dx, DEBUG_PORT          /* string I/O: one instruction */
        mov     si, offset string
        mov     cx, offset string_len
        rep outsb

        mov     dx, SERIAL_SCR          /* and inwards: what scratch holds */
        mov     al, 'x'
        out     dx, al
        xor     ax, ax
        mov     es, ax
        mov     di, offset buffer
        mov     cx, 4
        rep insb
        cmp     dword ptr [buffer], 0x78787878
        jne     fail
        mov     byte ptr [buffer + 4], '\n'
        mov     si, offset buffer
        call    print

        mov     word ptr [4 * SERIAL_VECTOR], offset empty
        mov     word ptr [4 * SERIAL_VECTOR + 2], 0
        mov     dx, SERIAL_MCR          /* HLT, until the transmitter says */
        mov     al, MCR_OUT2            /* that it is empty */
        out     dx, al
        mov     dx, SERIAL_IER
        mov     al, IER_EMPTY
        out     dx, al
        sti
        hlt
        cli
        cmp     byte ptr [woken], 1
        jne     fail
        mov     si, offset awake
        call    print

        xor     al, al                  /* the end: code 0 */
        out     EXIT_PORT, al
fail:   mov     al, 1
        out     EXIT_PORT, al
        hlt

/* Characters from DS:SI up to a zero, each when the transmitter is empty. */
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
empty:  push    ax
        push    dx
        mov     dx, SERIAL_IER
        xor     al, al
        out     dx, al
        inc     byte ptr [woken]
        pop     dx
        pop     ax
        iret

hello:  .asciz  "Hello from real mode.\n"
monitor: .ascii "I run under: "
signature: .ascii "????????????"
        .asciz  "\n"
mmio:   .asciz  "This line went through storage.\n"
string: .ascii  "This line was one instruction.\n"
.equ string_len, . - string
awake:  .asciz  "An interrupt woke me.\n"
buffer: .skip   6
woken:  .byte   0

        .org    510                     /* the mark of a boot sector */
        .word   0xAA55
