/* From 32-bit protected mode, as the Multiboot loader or the boot sector has
 * left it, to long mode and C.  Intel SDM vol. 3, "Initializing IA-32e Mode". */
#include "x86vmm/bare/layout.h"

.intel_syntax noprefix
.section .multiboot, "awx"
.balign 4
header: .long   0x1BADB002              /* Multiboot 0.6.96, section 3.1 */
        .long   0x10002                 /* tell storage; addresses are here */
        .long   -(0x1BADB002 + 0x10002)
        .long   header                  /* header_addr */
        .long   IMAGE_AT                /* load_addr: the file's beginning */
        .long   0                       /* load_end_addr: all of the file */
        .long   0                       /* bss_end_addr: it is cleared below */
        .long   start

.code32
.globl start
start:  cli
        cld
        mov     ebp, eax                /* the magic number */
        lgdt    gdtr
        ljmp    SELECTOR_CODE32, offset 1f
1:      mov     ax, SELECTOR_DATA
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     fs, ax
        mov     gs, ax
        mov     edi, offset bss_start
        mov     ecx, offset bss_end
        sub     ecx, edi
        shr     ecx, 2
        xor     eax, eax
        rep stosd

        /* The first 4 GiB, each address mapped to itself: one PML4, one PDPT,
         * four directories of 512 pages of 2 MiB. */
        mov     eax, offset pdpt + 3    /* present, writable */
        mov     pml4, eax
        mov     eax, offset directories + 3
        mov     edi, offset pdpt
        mov     ecx, 4
2:      mov     [edi], eax
        add     eax, 4096
        add     edi, 8
        loop    2b
        mov     eax, 0x83               /* present, writable, a large page */
        mov     edi, offset directories
        mov     ecx, 4 * 512
3:      mov     [edi], eax
        add     eax, 0x200000
        add     edi, 8
        loop    3b

        mov     eax, cr4
        or      eax, 0x620              /* PAE; OSFXSR, OSXMMEXCPT */
        mov     cr4, eax
        mov     eax, offset pml4
        mov     cr3, eax
        mov     ecx, 0xC0000080         /* EFER */
        rdmsr
        or      eax, 0x100              /* LME */
        wrmsr
        mov     eax, 0x80000033         /* PG NE ET MP PE */
        mov     cr0, eax
        ljmp    SELECTOR_CODE64, offset 4f

.code64
4:      mov     rsp, offset stack_end
        mov     edi, ebp
        mov     esi, ebx
        call    bare_main
5:      cli
        hlt
        jmp     5b

/* ---- The monitor's own exceptions ---- */

.macro stub n, error
.globl trap_\n
        .balign 16
trap_\n:
.if !\error
        push    0
.endif
        push    \n
        jmp     trapped
.endm
.text
trap_stubs:
.irp n, 0, 1, 2, 3, 4, 5, 6, 7
        stub    \n, 0
.endr
        stub    8, 1
        stub    9, 0
.irp n, 10, 11, 12, 13, 14
        stub    \n, 1
.endr
.irp n, 15, 16
        stub    \n, 0
.endr
        stub    17, 1
.irp n, 18, 19, 20
        stub    \n, 0
.endr
        stub    21, 1
.irp n, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        stub    \n, 0
.endr
.globl trap_stubs

/* Nothing comes back from there. */
trapped: mov    rdi, rsp                /* struct trap_frame */
        and     rsp, -16
        call    bare_trap
1:      hlt
        jmp     1b

/* The machine's timer, of which nothing is to be done but to say so. */
.globl trap_tick
        .balign 16
trap_tick:
        push    rax
        mov     al, 0x20
        out     0x20, al                /* end of interrupt */
        pop     rax
        iretq

.data
        .balign 8
.globl gdt
gdt:    .quad   0
        .quad   0x00CF9A000000FFFF      /* 32-bit code */
        .quad   0x00CF92000000FFFF      /* data */
        .quad   0x00AF9A000000FFFF      /* 64-bit code */
        .quad   0, 0                    /* the TSS: cpu.c */
gdtr:   .word   . - gdt - 1
        .quad   gdt

.bss
        .balign 4096
.globl pml4
pml4:   .skip   4096
pdpt:   .skip   4096
directories: .skip 4 * 4096
        .skip   65536
.globl stack_end
stack_end:
.section .note.GNU-stack, "", @progbits
