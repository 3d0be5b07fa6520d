/* The boot sector: what firmware loads, and runs in real mode at 7C00.
 *
 * It asks the BIOS for the rest of the disk, 32 KiB at a time, and copies each
 * piece to 1 MiB and on, with segments whose limits reach there.  Then it goes
 * to `start` as a Multiboot loader does, but with a magic number of its own:
 * EBX is then the number of 64-KiB blocks of storage above 16 MiB. */
#include "x86vmm/bare/layout.h"

.intel_syntax noprefix
.section .sector, "awx"
.code16
sector: cli
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7C00
        ljmp    0, offset 1f
1:      sti
        cld
        mov     drive, dl
        mov     ax, 0x2401              /* A20 on, by the BIOS and by port 92 */
        int     0x15
        in      al, 0x92
        or      al, 2
        and     al, 0xFE
        out     0x92, al

        xor     ecx, ecx                /* how much storage: CX, DX, or */
        xor     edx, edx                /* AX, BX (INT 15h, AX = E801h) */
        mov     ax, 0xE801
        int     0x15
        test    dx, dx
        jnz     2f
        mov     dx, bx
2:      movzx   edx, dx
        mov     blocks, edx

piece:  mov     ah, 0x42                /* extended read */
        mov     dl, drive
        mov     si, offset packet
        int     0x13
        jc      failed

        cli                             /* a look at protected mode, for DS */
        lgdt    tables                  /* and ES with limits of 4 GiB */
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     3f
3:      mov     bx, SELECTOR_DATA
        mov     ds, bx
        mov     es, bx
        and     al, 0xFE
        mov     cr0, eax
        jmp     4f
4:      mov     esi, PIECE_AT
        mov     edi, cs:to
        mov     ecx, PIECE_SECTORS * 512 / 4
        rep movs dword ptr es:[edi], dword ptr [esi]
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     to, edi
        sti
        add     dword ptr first, PIECE_SECTORS
        mov     eax, first
        cmp     eax, sectors
        jb      piece

        cli                             /* for good */
        lgdt    tables
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     ebx, blocks
        mov     eax, MAGIC_SECTOR
        data32 ljmp SELECTOR_CODE32, offset start

failed: mov     si, offset words
5:      lodsb
        test    al, al
        jz      6f
        mov     ah, 0x0E
        xor     bx, bx
        int     0x10
        out     0xE9, al
        jmp     5b
6:      hlt
        jmp     6b

words:  .asciz  "Trapline: the disk cannot be read.\r\n"
drive:  .byte   0
        .balign 4
blocks: .long   0
to:     .long   IMAGE_AT
packet: .byte   16, 0                   /* the BIOS's disk address packet */
        .word   PIECE_SECTORS
        .word   0, PIECE_AT >> 4        /* offset, segment */
first:  .long   0, 0
        .balign 8
table:  .quad   0
        .quad   0x00CF9A000000FFFF      /* 32-bit code */
        .quad   0x00CF92000000FFFF      /* data */
tables: .word   . - table - 1
        .long   table

        .org    SECTOR_SIZE_AT          /* written by `trapline bare build` */
sectors: .long  0
        .org    510
        .word   0xAA55
.section .note.GNU-stack, "", @progbits
