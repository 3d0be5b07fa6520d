/* The loops of the bench, as a boot sector: it runs unchanged on Bochs, on
 * QEMU and on our own PC, in 32-bit protected mode.
 *
 * Each loop's end is a line ~NAME~ on the debug port; whoever listens takes the
 * time.  loops.def says how many instructions each has executed. */
#include "tests/x86_bench/turns.h"
#include "x86vmm/guest/pc.inc"

#define CODE 0x08
#define DATA 0x10
/* Neither is in the page of the code: what writes there is slow everywhere. */
#define STACK_END 0xA000
#define WORDS     0xB000     /* what the second loop loads and stores */
#define DIRECTORY 0xC000     /* of pages */

.macro loop_begins turns
        mov     ecx, \turns
        jmp     1f
        .balign 16
1:
.endm

.macro loop_ends name
        dec     ecx
        jnz     1b
        mov     al, \name
        call    say
.endm

.macro privileged
        pushf
        cli
        mov     eax, cr3
        mov     cr3, eax
        mov     eax, cr0
        mov     cr0, eax
        popf
.endm

        .code16
        .globl  start
start:
        cli
        xor     ax, ax
        mov     ds, ax
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        ljmp    CODE, offset protected

        .code32
protected:
        mov     ax, DATA
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, STACK_END
        mov     esi, WORDS
        mov     edi, WORDS + 64
        xor     eax, eax
        xor     ebx, ebx
        mov     al, '0'
        call    say

        loop_begins TURNS_ALU
        add     ebx, eax
        xor     edx, ebx
        add     eax, 7
        loop_ends 'a'

        loop_begins TURNS_MIXED
        mov     eax, [esi]
        add     ebx, eax
        mov     [edi], ebx
        push    eax
        call    leaf
        pop     eax
        add     eax, 3
        mov     [esi], eax
        test    al, 1
        jz      2f
        add     ebx, 5
2:      mov     edx, [edi + 4]
        add     edx, ebx
        mov     [edi + 4], edx
        loop_ends 'b'

        loop_begins TURNS_PRIVILEGED
        privileged
        loop_ends 'c'

        /* The same with pages of 4 MiB, each at its own address. */
        mov     edi, DIRECTORY
        mov     eax, 0x83           /* large, writable, present */
1:      stosd
        add     eax, 1 << 22
        jnc     1b
        mov     eax, DIRECTORY
        mov     cr3, eax
        mov     eax, cr4
        or      al, 0x10            /* PSE */
        mov     cr4, eax
        mov     eax, cr0
        bts     eax, 31
        mov     cr0, eax
        jmp     2f
2:
        loop_begins TURNS_PRIVILEGED
        privileged
        loop_ends 'p'

        /* What leaves a guest: CPUID, and a port that nobody has. */
        mov     esi, TURNS_EXIT
1:      xor     eax, eax
        cpuid
        dec     esi
        jnz     1b
        mov     al, 'd'
        call    say

        loop_begins TURNS_EXIT
        out     0x80, al
        loop_ends 'e'

        mov     al, 0
        out     EXIT_PORT, al       /* our own PC, and QEMU */
        mov     esi, offset shutdown
        mov     dx, 0x8900          /* Bochs */
1:      lodsb
        out     dx, al
        test    al, al
        jnz     1b
2:      hlt
        jmp     2b

leaf:   xor     edx, edx
        ret

/* A line with AL's letter. */
say:    mov     edx, eax
        mov     al, '~'
        out     DEBUG_PORT, al
        mov     eax, edx
        out     DEBUG_PORT, al
        mov     al, '~'
        out     DEBUG_PORT, al
        mov     al, '\n'
        out     DEBUG_PORT, al
        ret

shutdown:
        .asciz  "Shutdown"
        .balign 8
gdt:    .quad   0
        .quad   0x00CF9B000000FFFF
        .quad   0x00CF93000000FFFF
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt

        .org    510
        .byte   0x55, 0xAA
        .org    163840              /* the smallest floppy disk */
