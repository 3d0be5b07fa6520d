/* A guest that climbs: a boot sector in real mode goes to protected mode, turns
 * paging on, and goes to long mode, with a line from each.  A monitor that runs
 * it without an exit but for the lines has an unrestricted guest. */
#include "x86vmm/guest/pc.inc"

#define PML4      0x1000                /* for long mode; two more pages */
#define DIRECTORY 0x4000                /* for 32-bit paging */
#define EFER      0xC0000080

.macro say words
        mov     esi, offset \words
        call    print_\@
        jmp     9f
print_\@:
        mov     dx, DEBUG_PORT
8:      lodsb
        test    al, al
        jz      7f
        out     dx, al
        jmp     8b
7:      ret
9:
.endm

.code16
.globl start
start:  cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7C00
        say     in_real
        lgdt    tables
        mov     eax, cr0
        or      al, 1                   /* PE */
        mov     cr0, eax
        ljmp    8, offset protected

.code32
protected: mov  ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x7C00
        say     in_flat
        mov     edi, PML4               /* one entry a page is enough */
        mov     ecx, 4 * 4096 / 4
        xor     eax, eax
        rep stosd
        mov     dword ptr [PML4], PML4 + 0x1003
        mov     dword ptr [PML4 + 0x1000], PML4 + 0x2003
        mov     dword ptr [PML4 + 0x2000], 0x83
        mov     dword ptr [DIRECTORY], 0x83

        mov     eax, cr4
        or      al, 0x10                /* PSE: pages of 4 MiB */
        mov     cr4, eax
        mov     eax, DIRECTORY
        mov     cr3, eax
        mov     ebx, esp
        mov     esp, cr0
        or      esp, 0x80000020         /* PG; NE, which VT-x keeps to itself */
        mov     cr0, esp                /* a register like all others */
        mov     esp, ebx
        say     in_paged

        mov     eax, cr0                /* and off again: LME wants it so */
        and     eax, 0x7FFFFFFF
        mov     cr0, eax
        mov     eax, cr4
        or      al, 0x20                /* PAE */
        mov     cr4, eax
        mov     eax, PML4
        mov     cr3, eax
        mov     ecx, EFER
        rdmsr
        or      ah, 1                   /* LME */
        wrmsr
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        ljmp    0x18, offset wide

.code64
wide:   say     in_long
        xor     eax, eax
        out     EXIT_PORT, al

in_real:  .asciz  "I am in real mode.\n"
in_flat:  .asciz  "Now in protected mode.\n"
in_paged: .asciz  "Now with paging.\n"
in_long:  .asciz  "And now in long mode.\n"
        .balign 8
table:  .quad   0
        .quad   0x00CF9A000000FFFF      /* 32-bit code */
        .quad   0x00CF92000000FFFF      /* data */
        .quad   0x00AF9A000000FFFF      /* 64-bit code */
tables: .word   . - table - 1
        .long   table

        .org    510
        .word   0xAA55
