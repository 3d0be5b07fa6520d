/* A guest of two tasks, as the 386 has them in hardware: it goes from one to the
 * other by JMP, CALL, IRET, by an interrupt and by an exception through a task
 * gate.  VT-x leaves each of these switches to its monitor. */
#include "x86vmm/guest/pc.inc"

#define SECOND    0x7000                /* TSSs, each 104 bytes */
#define FIRST     0x7100
#define DOUBLE    0x7200
#define IDT       0x6000
#define FLAT_CODE 0x08
#define FLAT_DATA 0x10
#define SECOND_AT 0x18
#define FIRST_AT  0x20
#define DOUBLE_AT 0x28

.macro show letter
        mov     al, \letter
        out     dx, al
.endm

.code16
.globl start
start:  cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        lgdt    gdtr
        lidt    idtr
        mov     eax, cr0
        or      al, 0x21                /* PE, NE */
        mov     cr0, eax
        ljmp    FLAT_CODE, offset level

.code32
level:   mov     ax, FLAT_DATA
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x5000
        mov     edx, DEBUG_PORT
        mov     edi, IDT
        mov     ecx, (0x7300 - IDT) / 4
        xor     eax, eax
        rep stosd
        mov     edi, SECOND
        mov     ebx, offset second
        mov     ecx, 0x4800
        call    make
        mov     edi, DOUBLE
        mov     ebx, offset fault
        mov     ecx, 0x4000
        call    make
        /* gates: vector 30h to the second task, #GP to the third */
        mov     dword ptr [IDT + 8 * 0x30], SECOND_AT << 16
        mov     dword ptr [IDT + 8 * 0x30 + 4], 0x8500
        mov     dword ptr [IDT + 8 * 13], DOUBLE_AT << 16
        mov     dword ptr [IDT + 8 * 13 + 4], 0x8500
        mov     ax, FIRST_AT
        ltr     ax

        show    '1'
        ljmp    SECOND_AT, 0            /* by JMP, and back by JMP */
        show    '3'
        lcall   SECOND_AT, 0            /* by CALL, and back by IRET */
        show    '5'
        int     0x30                    /* by an interrupt, and back by IRET */
        show    '7'
        mov     eax, 0xFFFF
        mov     gs, ax                  /* #GP: its handler is a task */
passed: show    '9'
        str     ax
        cmp     ax, FIRST_AT
        jne     bad
        mov     eax, cr0
        test    al, 8                   /* a switch has set TS */
        jz      bad
        show    '\n'
        xor     eax, eax
        out     EXIT_PORT, al
bad:    show    '?'
        mov     al, 1
        out     EXIT_PORT, al

second: show    '2'
        ljmp    FIRST_AT, 0
        show    '4'
        iretd
        show    '6'
        iretd
        jmp     bad

fault:  show    '8'                     /* behind it: where the TSS says */
        pop     eax                     /* the error code */
        cmp     eax, 0xFFFC
        jne     bad
        mov     dword ptr [FIRST + 0x20], offset passed
        iretd
        jmp     bad

/* EDI the TSS, EBX its EIP, ECX its ESP. */
make:   mov     [edi + 0x20], ebx
        mov     dword ptr [edi + 0x24], 2
        mov     [edi + 0x38], ecx
        mov     [edi + 0x30], edx
        mov     eax, FLAT_DATA
        mov     [edi + 0x48], eax
        mov     [edi + 0x50], eax
        mov     [edi + 0x54], eax
        mov     dword ptr [edi + 0x4C], FLAT_CODE
        ret

        .balign 8
gdt:    .quad   0
        .quad   0x00CF9A000000FFFF
        .quad   0x00CF92000000FFFF
        .quad   0x0000890070000067      /* available 32-bit TSSs */
        .quad   0x0000890071000067
        .quad   0x0000890072000067
gdtr:   .word   . - gdt - 1
        .long   gdt
idtr:   .word   8 * 0x31 - 1
        .long   IDT
        .org    510
        .word   0xAA55
