/* A guest for two machines that are compared: once each thing that a monitor
 * can get wrong.  It is loaded at 1 MiB in 64-bit mode with flat segments, the
 * first 4 GiB mapped to themselves, interrupts off and no IDT. */
#include "x86vmm/guest/pc.inc"

#define IDT       0x110000
#define NOTES     0x120000      /* what handlers have seen */
#define STACK_END 0x130000
#define PAGES     0x180000      /* storage to be written */
#define NOWHERE   0x100000000   /* behind what is mapped */
#define PIC       0x20
#define PIC_2     0xA0
#define PIT       0x40
#define PORT_61   0x61
#define LSTAR     0xC0000082
#define GS_BASE   0xC0000101
#define TSC       0x10
#define EFER      0xC0000080
#define TICKS     100           /* of the timer: 8,400 instructions */

.macro gate vector, handler
        mov     edi, IDT + 16 * \vector
        lea     rax, \handler[rip]
        call    put_gate
.endm

.code64
.globl start
start:  mov     esp, STACK_END
        cld
        gate    1, debug
        gate    6, undefined
        gate    13, protection
        gate    14, page_fault
        gate    0x20, tick
        lidt    idtr[rip]
        xor     ebp, ebp

        /* Control registers: NE is the monitor's own, TS is not. */
        mov     rax, cr0
        mov     [NOTES], rax
        or      eax, 8
        mov     cr0, rax
        mov     rbx, cr0
        clts
        mov     rbx, cr4
        or      ebx, 0x200              /* OSFXSR */
        mov     cr4, rbx
        mov     rax, cr8

        /* CPUID, and what goes on behind it. */
        xor     eax, eax
        cpuid
        mov     eax, 1
        xor     ecx, ecx
        cpuid
        mov     eax, 0x80000001
        cpuid

        /* MSRs, and the time. */
        mov     ecx, LSTAR
        lea     rax, start[rip]
        xor     edx, edx
        wrmsr
        rdmsr
        mov     ecx, EFER
        rdmsr
        or      eax, 1                  /* SYSCALL */
        wrmsr
        mov     ecx, GS_BASE
        mov     eax, NOTES
        xor     edx, edx
        wrmsr
        mov     qword ptr gs:[0x40], 7
        swapgs
        rdtsc
        mov     ecx, TSC
        mov     eax, 0x1000
        xor     edx, edx
        wrmsr
        rdtsc
        mov     ecx, 0x12345            /* there is none: #GP */
        lea     r15, 1f[rip]
        rdmsr
1:
        /* Ports: each width, immediate and DX, strings. */
        mov     rax, 0x1122334455667788
        in      al, PORT_61
        mov     rax, 0x1122334455667788
        mov     edx, PORT_61
        in      ax, dx
        in      eax, dx
        out     0x80, al
        mov     dx, DEBUG_PORT
        lea     rsi, text[rip]
        mov     ecx, offset text_len
        rep outsb
        mov     edi, NOTES + 0x100
        mov     dx, PORT_61
        mov     ecx, 9
        rep insb
        outsb

        /* Storage, a page at a time. */
        mov     edi, PAGES
        mov     ecx, 64
2:      mov     [rdi], rcx
        add     edi, 0x1000
        loop    2b

        /* Exceptions. */
        lea     r15, 3f[rip]
        mov     rdi, NOWHERE
        mov     [rdi], rax              /* #PF: write */
3:      lea     r15, 4f[rip]
        mov     rax, [rdi + 8]          /* #PF: read */
4:      lea     r15, 5f[rip]
        ud2
5:
        /* Segments. */
        mov     eax, ss
        mov     fs, eax
        mov     ds, eax
        xor     eax, eax
        mov     es, eax

        /* Vectors and floating point live through exits. */
        fninit
        fldpi
        fld1
        mov     eax, 0x40490FDB
        movd    xmm3, eax
        movaps  xmm9, xmm3
        cpuid
        faddp
        addps   xmm3, xmm9

        /* One by one: through exits, and through a load of SS. */
        pushfq
        or      dword ptr [rsp], 0x100
        popfq
        nop
        xor     eax, eax
        cpuid
        in      al, PORT_61
        mov     eax, ss
        mov     ss, eax
        nop
        out     0x80, al
        nop
        pushfq
        and     dword ptr [rsp], ~0x100
        popfq

        /* A timer's interrupts: in HLT, in a loop, late because IF is off,
         * and after the shadow of STI. */
        call    start_timer
        sti
        hlt
        hlt
        mov     ecx, 30000
6:      dec     ecx
        jnz     6b
        mov     ecx, 6
7:      cli
        mov     eax, 10000
8:      dec     eax
        jnz     8b
        in      al, PORT_61             /* an exit, as the interrupt waits */
        mov     eax, 2000               /* and long after it */
8:      dec     eax
        jnz     8b
        sti
        nop
        nop
        dec     ecx
        jnz     7b
        cli

        mov     al, 42
        out     EXIT_PORT, al
9:      hlt
        jmp     9b

/* ---- */

start_timer:
        mov     al, 0x11
        out     PIC, al
        out     PIC_2, al
        mov     al, 0x20
        out     PIC + 1, al
        mov     al, 0x28
        out     PIC_2 + 1, al
        mov     al, 4
        out     PIC + 1, al
        mov     al, 2
        out     PIC_2 + 1, al
        mov     al, 1
        out     PIC + 1, al
        out     PIC_2 + 1, al
        mov     al, 0xFE
        out     PIC + 1, al
        mov     al, 0xFF
        out     PIC_2 + 1, al
        mov     al, 0x34                /* counter 0, both bytes, rate */
        out     PIT + 3, al
        mov     al, TICKS
        out     PIT, al
        mov     al, 0
        out     PIT, al
        ret

put_gate:
        mov     [rdi], ax
        mov     word ptr [rdi + 2], cs
        mov     word ptr [rdi + 4], 0x8E00
        shr     rax, 16
        mov     [rdi + 6], ax
        shr     rax, 16
        mov     [rdi + 8], rax
        ret

tick:   push    rax
        inc     dword ptr [NOTES + 0x10]
        mov     al, 0x20
        out     PIC, al
        pop     rax
        iretq

debug:  push    rax
        mov     rax, dr6
        mov     [NOTES + 0x18], rax
        xor     eax, eax
        mov     dr6, rax
        inc     dword ptr [NOTES + 0x20]
        pop     rax
        iretq

/* On at R15; the error code is noted. */
page_fault:
        mov     rax, cr2
        mov     [NOTES + 0x28], rax
protection:
        pop     qword ptr [NOTES + 0x30]
undefined:
        mov     [rsp], r15
        iretq

idtr:   .word   0xFFF
        .quad   IDT
text:   .ascii  "each thing once\n"
        .equ    text_len, . - text
