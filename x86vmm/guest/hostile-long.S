/* A guest that tries to get out: it reads and writes where it has no storage,
 * at every port and at MSRs of the machine's, loads descriptor tables and
 * control registers with rubbish, and executes the instructions of VT-x and
 * AMD-V.  It counts what it got for it, and in the end it points its page tables
 * to where nothing is. */
#include "x86vmm/guest/pc.inc"

#define FAULTS    32                    /* vectors */

.code64
.globl start
start:  cld
        mov     rsp, 0x7C00
        lea     rdi, idt[rip]           /* all exceptions to `fault` */
        lea     rsi, faults[rip]
        mov     ecx, FAULTS
1:      mov     rax, rsi
        mov     [rdi], ax
        mov     word ptr [rdi + 2], cs
        mov     word ptr [rdi + 4], 0x8E00
        shr     rax, 16
        mov     [rdi + 6], ax
        shr     rax, 16
        mov     [rdi + 8], eax
        add     rsi, 16
        add     rdi, 16
        loop    1b
        lea     rax, idt[rip]
        mov     idtr[rip + 2], rax
        lidt    idtr[rip]

.macro attempt                          /* a fault in what follows goes on */
        lea     rbp, 9f[rip]            /* behind it */
.endm
        /* storage: the first GiB is mapped, and 4 MiB are there */
        attempt
        mov     eax, dword ptr [0x30000000]
9:      attempt
        mov     dword ptr [0x30000000], eax
9:      attempt
        mov     rax, qword ptr [0xA0000]
9:      attempt
        mov     qword ptr [0x2000000], rax
9:      attempt
        mov     al, byte ptr [0x7FFFFFFF]
9:

        xor     edx, edx                /* ports, but for the exit port */
2:      cmp     dx, EXIT_PORT
        je      3f
        in      al, dx
        out     dx, al
3:      inc     dx
        cmp     dx, 0x200
        jne     2b

        attempt                 /* IA32_FEATURE_CONTROL */
        mov     ecx, 0x3A
        rdmsr
9:      attempt                 /* IA32_VMX_BASIC */
        mov     ecx, 0x480
        rdmsr
9:      attempt
        mov     ecx, 0x10
        xor     eax, eax
        wrmsr
9:      attempt
        mov     ecx, 0xC0010117
        wrmsr
9:      attempt
        mov     ecx, 0xC0010114
        rdmsr
9:

        attempt                 /* VMXE */
        mov     rax, cr4
        or      ah, 0x20
        mov     cr4, rax
9:      attempt                 /* OSXSAVE */
        mov     rax, cr4
        or      eax, 0x40000
        mov     cr4, rax
9:      attempt
        vmxon   [rsp]
9:      attempt
        vmlaunch
9:      attempt
        vmresume
9:      attempt
        vmptrld [rsp]
9:      attempt
        mov     eax, 0x2000000
        vmrun   rax
9:      attempt
        vmload  rax
9:      attempt
        stgi
9:      attempt
        vmxoff
9:      attempt
        ud2
9:      attempt                 /* a trap: the next instruction */
        int     3
9:

        lea     rsi, words[rip]         /* "nn faults\n" */
        mov     eax, count[rip]
        mov     ecx, 10
        xor     edx, edx
        div     ecx
        add     al, '0'
        add     dl, '0'
        mov     [rsi], al
        mov     [rsi + 1], dl
        mov     dx, DEBUG_PORT
        mov     ecx, offset words_len
        rep outsb
        mov     rax, 0x40000000         /* and now without page tables */
        mov     cr3, rax
        hlt

/* Sixteen bytes each; those with an error code pop it. */
        .balign 16
faults:
.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        .balign 16
.if \n == 8 || (\n >= 10 && \n <= 14) || \n == 17 || \n == 21
        add     rsp, 8
.endif
        jmp     fault
.endr
fault:  inc     dword ptr count[rip]
        mov     [rsp], rbp
        iretq

count:  .long   0
words:  .ascii  "00 faults, and I am still here.\n"
.equ words_len, . - words
        .balign 16
idtr:   .word   16 * FAULTS - 1
        .quad   0
        .balign 16
idt:    .skip   16 * FAULTS
