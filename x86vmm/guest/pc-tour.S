/* A guest of a PC (run --kernel) that goes to all places where a monitor has a
 * hand in what happens, and writes down what it finds there, from `log` on:
 * on the bare PC and under a monitor that hides, all words are the same.
 *
 * 64-bit code at 1 MiB, interrupts off.  R15 is where the next word goes. */
#include "x86vmm/guest/pc.inc"

#define PIC           0x20
#define PIC_SECOND    0xA0
#define PIT           0x40
#define IDE           0x1F0
#define FLOAT_PORT    0xF0
#define IRQ           0x20              /* vectors: 20h to 2Fh */
#define IRQ_FLOAT     (IRQ + 13)
#define APIC_VECTOR   0x31
#define VECTORS       0x32
#define APIC          0xFEE00000
#define APIC_EOI      0xB0
#define APIC_SVR      0xF0
#define APIC_TPR      0x80
#define APIC_ICR      0x300
#define TEXT          0xB8000
#define NOBODY        0xE0000000        /* above storage */

/* Write down a register; what an instruction does, or the vector of its
 * fault. */
.macro note reg
        mov     [r15], \reg
        add     r15, 8
.endm
.macro try insn:vararg
        with    0x7000, \insn
.endm
.macro with value, insn:vararg          /* EAX */
        lea     rax, 990f[rip]
        mov     resume[rip], rax
        mov     eax, \value
        \insn
        note    rax
990:
.endm

.code64
.globl start
start:  lea     rsp, stack_end[rip]
        lea     r15, log[rip]
        call    make_idt
        call    make_pages
        call    make_pic
        call    identify
        call    registers
        call    undefined
        call    tables
        call    ports
        call    storage
        call    exceptions
        call    step
        call    timer
        call    float
        call    apic
        lea     rsi, bye[rip]
        mov     dx, DEBUG_PORT
        mov     ecx, offset bye_len
        rep outsb
        note    rcx
        rdtsc
        note    rax
        xor     eax, eax
        out     EXIT_PORT, eax
        hlt

/* ---- Tables ---- a stub for each vector, 16 bytes */

make_idt:
        lea     rsi, stubs[rip]
        lea     rdi, idt[rip]
        mov     ecx, VECTORS
1:      mov     rax, rsi
        mov     [rdi], ax
        mov     word ptr [rdi + 2], cs
        mov     word ptr [rdi + 4], 0x8E00
        shr     rax, 16
        mov     [rdi + 6], ax
        shr     rax, 16
        mov     [rdi + 8], rax
        add     rsi, 16
        add     rdi, 16
        loop    1b
        or      byte ptr idt[rip + 3 * 16 + 5], 0x60 /* INT3 at CPL 3, too */
        lea     rax, idt[rip]
        mov     idtr[rip + 2], rax
        lidt    idtr[rip]
        ret

        .balign 16
stubs:  .set    vector, 0
        .rept   VECTORS
        .if     vector == 8 || (vector >= 10 && vector <= 14) || vector == 17
        .else
        push    0
        .endif
        push    vector
        jmp     taken
        .balign 16
        .set    vector, vector + 1
        .endr

/* [rsp]: vector, error, RIP, CS, RFLAGS ... */
taken:  push    rax
        push    rdx
        mov     rax, [rsp + 16]
        cmp     eax, IRQ
        jae     irq
        cmp     eax, 2
        je      nmi
        shl     rax, 32
        or      rax, [rsp + 24]
        note    rax
        mov     rax, [rsp + 48]         /* RFLAGS */
        note    rax
        cmp     byte ptr [rsp + 16], 1
        je      1f
        cmp     byte ptr [rsp + 16], 3
        je      1f
        mov     rax, resume[rip]
        mov     [rsp + 32], rax
1:      pop     rdx
        pop     rax
        add     rsp, 16
        iretq
nmi:    note    rax
        mov     rax, [rsp + 32]
        note    rax
        xor     byte ptr again[rip], 1
        jz      1f
        mov     eax, APIC               /* one more, when this one is done */
        mov     dword ptr [rax + APIC_ICR], 0x00400
        nop
        note    rsp
1:      pop     rdx
        pop     rax
        add     rsp, 16
        iretq
irq:    note    rax
        mov     rax, [rsp + 32]         /* where it came */
        note    rax
        mov     rax, [rsp + 48]
        note    rax
        rdtsc
        note    rax
        inc     dword ptr came[rip]
        cmp     byte ptr [rsp + 16], IRQ_FLOAT
        jne     1f
        fnstsw  ax
        note    rax
        fnclex
        out     FLOAT_PORT, al
        mov     al, 0x20
        out     PIC_SECOND, al
1:      mov     al, 0x20
        cmp     byte ptr [rsp + 16], APIC_VECTOR
        je      2f
        out     PIC, al
        jmp     3f
2:      mov     eax, APIC
        mov     dword ptr [rax + APIC_EOI], 0
3:      pop     rdx
        pop     rax
        add     rsp, 16
        iretq

/* The devices above 3 GiB, which nobody has mapped, by pages of 2 MiB. */
make_pages:
        mov     rax, cr3
        mov     rax, [rax]
        and     rax, ~0xFFF
        lea     rbx, high[rip]
        mov     rcx, rbx
        or      rcx, 3
        mov     [rax + 8 * 3], rcx
        mov     eax, APIC | 0x83
        mov     [rbx + 8 * (APIC >> 21 & 511)], rax
        mov     eax, NOBODY | 0x83
        mov     [rbx + 8 * (NOBODY >> 21 & 511)], rax
        ret

make_pic:
        mov     al, 0x11
        out     PIC, al
        out     PIC_SECOND, al
        mov     al, IRQ
        out     PIC + 1, al
        mov     al, IRQ + 8
        out     PIC_SECOND + 1, al
        mov     al, 4
        out     PIC + 1, al
        mov     al, 2
        out     PIC_SECOND + 1, al
        mov     al, 1
        out     PIC + 1, al
        out     PIC_SECOND + 1, al
        mov     al, 0xFA                /* timer, the second one's */
        out     PIC + 1, al
        mov     al, 0xDF                /* x87 */
        out     PIC_SECOND + 1, al
        in      al, PIC + 1
        note    rax
        ret

/* ---- CPUID and MSRs ---- */

identify:
        lea     rsi, leaves[rip]
1:      lodsd
        cmp     eax, -1
        je      2f
        xor     ecx, ecx
        cpuid
        note    rax
        note    rbx
        note    rcx
        note    rdx
        jmp     1b
2:      lea     rsi, msrs[rip]
3:      lodsd
        mov     ecx, eax
        cmp     eax, -1
        je      4f
        try     rdmsr
        note    rdx
        jmp     3b
4:      mov     ecx, 0x277
        mov     edx, 0x00070406
        with    2, wrmsr       /* no type of memory */
        with    0x00070106, wrmsr
        try     rdmsr
        mov     ecx, 0xC0000102         /* KERNEL_GS_BASE */
        mov     edx, 0x12345678
        with    1, wrmsr       /* not canonical */
        xor     edx, edx
        with    5, wrmsr
        swapgs
        try     rdmsr
        mov     ecx, 0xC0000101
        try     rdmsr
        swapgs
        ret
leaves: .long   0, 1, 2, 7, 0x40000000, 0x40000001, 0x80000000, 0x80000001
        .long   0x80000002, 0x80000008, 0x12345, -1
msrs:   .long   0x10, 0x1B, 0x17, 0x8B, 0xFE, 0x174, 0x175, 0x176, 0x1A0, 0x1D9
        .long   0x277, 0x2FF, 0x480, 0xC0000080, 0xC0000081, 0xC0000082
        .long   0xC0000084, 0xC0000100, 0xC0000101, 0xC0000102, 0xC0000103
        .long   0xC0010015, 0xC0010114, 0x40000000, -1

/* ---- Control registers ---- */

registers:
        mov     rax, cr0
        note    rax
        mov     rbx, rax
        xor     rax, 0x20               /* NE, which VT-x fixes */
        mov     cr0, rax
        mov     rax, cr0
        note    rax
        smsw    rax
        note    rax
        or      rax, 0x2A               /* NE TS MP */
        mov     cr0, rax
        smsw    rax
        note    rax
        try     fninit                  /* #NM */
        clts
        mov     rax, cr0
        note    rax
        mov     ax, 0x0B
        lmsw    ax                      /* TS again */
        smsw    rax
        note    rax
        mov     rax, rbx
        and     eax, 0x7FFFFFFF
        try     mov cr0, rax            /* no paging in 64-bit code: #GP */
        mov     rax, rbx
        mov     cr0, rax
        mov     rax, cr4
        note    rax
        mov     rbx, rax
        mov     rcx, rax
        or      rcx, 0x2000             /* VMXE */
        try     mov cr4, rcx
        mov     rcx, rbx
        xor     rcx, 0x80               /* PGE */
        try     mov cr4, rcx
        mov     rax, cr4
        note    rax
        mov     cr4, rbx
        mov     rax, cr3
        note    rax
        mov     cr3, rax
        mov     eax, 5
        mov     cr8, rax
        xor     eax, eax
        mov     rax, cr8
        note    rax
        mov     ecx, 0x10
        try     mov cr8, rcx            /* #GP */
        xor     eax, eax
        mov     cr8, rax
        mov     rax, dr7
        note    rax
        mov     rax, dr6
        note    rax
        ret

/* ---- Instructions that are not there ---- and those that are a monitor's */

undefined:
        try     ud2
        xor     ecx, ecx
        xor     edx, edx
        try     xsetbv
        try     xgetbv
        try     vmcall
        try     vmmcall
        try     vmlaunch
        try     vmresume
        try     vmxoff
        try     vmxon mem[rip]
        try     vmclear mem[rip]
        try     vmptrld mem[rip]
        try     vmptrst mem[rip]
        try     vmread rcx, rdx
        try     vmwrite rcx, rdx
        try     invept rcx, oword ptr mem[rip]
        try     invvpid rcx, oword ptr mem[rip]
        try     vmrun
        try     vmload
        try     vmsave
        try     stgi
        try     clgi
        try     skinit
        try     invlpga
        try     monitor
        try     mwait
        try     rdpmc
        try     invd
        try     wbinvd
        try     pause
        try     invlpg mem[rip]
        rdtsc
        note    rax
        rdtscp
        note    rax
        note    rcx
        ret

/* ---- Descriptor tables ---- */

tables: sgdt    mem[rip]
        mov     rax, mem[rip]
        note    rax
        sidt    mem[rip]
        mov     rax, mem[rip]
        note    rax
        sldt    rax
        note    rax
        str     rax
        note    rax
        sgdt    mem[rip]
        lgdt    mem[rip]
        lidt    idtr[rip]
        xor     eax, eax
        lldt    ax
        mov     ecx, 0x18
        try     ltr cx                  /* no TSS: #GP */
        try     mov ds, ecx
        ret

/* ---- Ports ---- */

ports:  mov     dx, IDE + 6
        mov     al, 0xA0
        out     dx, al
        inc     edx
        mov     al, 0xEC                /* IDENTIFY DEVICE */
        out     dx, al
        mov     ecx, 100
1:      in      al, dx
        note    rax
        test    al, 8
        loopz   1b
        lea     rdi, sector[rip]
        mov     ecx, 100
        mov     dx, IDE
        rep insw
        note    rdi
        in      ax, dx
        note    rax
        in      eax, dx
        note    rax
        mov     ecx, 153
        rep insw
        note    rcx
        note    rdi
        std
        lea     rdi, sector[rip + 8]
        mov     dx, SERIAL_SCR
        mov     al, 0x5A
        out     dx, al
        mov     ecx, 4
        rep insb
        cld
        note    rdi
        xor     ecx, ecx
        rep insb                        /* none at all */
        note    rdi
        insb
        note    rdi
        lea     rsi, hello[rip]
        mov     dx, DEBUG_PORT
        mov     ecx, offset hello_len
        rep outsb
        note    rsi
        outsb
        note    rsi
        in      al, 0x61
        note    rax
        in      eax, 0x5C               /* nobody */
        note    rax
        mov     dx, 0xFFFF
        in      al, dx
        note    rax
        mov     eax, 0x1234
        out     HYPERCALL, eax          /* nobody, if the monitor hides */
        note    rax
        ret

/* ---- Devices in storage ---- and storage that is a device's */

storage:
        mov     ebx, SERIAL_MMIO
        mov     byte ptr [rbx + 7], 0x21
        movzx   eax, byte ptr [rbx + 7]
        note    rax
        or      byte ptr [rbx + 7], 0x42
        xchg    [rbx + 7], al
        note    rax
        mov     ecx, 3
        lea     rdi, [rbx + 7]
        rep stosb                       /* beyond it is nobody */
        note    rdi
        mov     ecx, 4
        lea     rsi, [rbx + 4]
        lea     rdi, sector[rip]
        rep movsb
        mov     eax, sector[rip]
        note    rax
        push    qword ptr [rbx + 0x1000]
        pop     rax
        note    rax
        cmp     word ptr [rbx + 7], 0x21
        pushfq
        pop     rax
        note    rax
        movups  xmm0, [rbx + 0x2000]
        movq    rax, xmm0
        note    rax
        lock inc qword ptr [rbx + 0x3000]
        mov     ebx, TEXT
        mov     dword ptr [rbx], 0x07410742
        mov     eax, [rbx + 1]
        note    rax
        mov     ecx, 0xC0000            /* ROM that is not there */
        mov     eax, [rcx]
        note    rax
        mov     ecx, NOBODY
        mov     [rcx], eax
        mov     rax, [rcx]
        note    rax
        ret

/* ---- Exceptions ---- which a monitor leaves to the guest */

exceptions:
        xor     ecx, ecx
        xor     edx, edx
        try     div ecx
        int3
        mov     rcx, 0x8000000000000000
        try     mov rax, [rcx]          /* #GP */
        mov     rcx, 0x7F0000000000
        try     mov rax, [rcx]          /* #PF */
        mov     rax, cr2
        note    rax
        try     lock inc dword ptr mem[rip]
        ret

/* ---- Single step ---- over instructions that exit */

step:   pushfq
        or      dword ptr [rsp], 0x100
        popfq
        nop
        xor     eax, eax
        cpuid
        in      al, 0x61
        mov     dx, DEBUG_PORT
        lea     rsi, hello[rip]
        mov     ecx, 2
        rep outsb
        mov     ecx, 0x10
        rdmsr
        mov     ebx, SERIAL_MMIO
        mov     [rbx + 7], al
        pushfq
        and     dword ptr [rsp], ~0x100
        popfq
        nop
        ret

/* ---- The timer ---- waited for, met in a loop, and held off */

timer:  mov     al, 0x34                /* rate generator */
        out     PIT + 3, al
        mov     al, 101
        out     PIT, al
        mov     al, 0                   /* 1193182 / 101 a second */
        out     PIT, al
        mov     dword ptr came[rip], 0
1:      sti
        hlt
        cmp     dword ptr came[rip], 3
        jb      1b
2:      inc     rbx
        cmp     dword ptr came[rip], 6
        jb      2b
        note    rbx
        cli
        mov     ecx, 30000              /* one is due meanwhile */
3:      loop    3b
        pushfq
        sti
        nop
        nop
        cli
        note    rcx
        mov     ecx, 30000
4:      loop    4b
        sti
        mov     eax, ss
        mov     ss, eax
        nop
        cli
        mov     ecx, 30000
5:      loop    5b
        or      dword ptr [rsp], 0x200
        popfq                           /* IF by POPF */
        nop
        mov     dx, SERIAL_SCR
        mov     ebx, 2000
6:      lea     rdi, sector[rip]        /* strings, interrupted */
        mov     ecx, 64
        rep insb
        dec     ebx
        jnz     6b
        cli
        mov     eax, came[rip]
        note    rax
        mov     al, 0xFF
        out     PIC + 1, al
        ret

/* ---- x87 exceptions as an interrupt ---- CR0.NE is 0 */

float:  mov     al, 0xFB
        out     PIC + 1, al
        mov     rax, cr0
        push    rax
        and     eax, ~0x2E              /* NE TS EM MP */
        mov     cr0, rax
        fninit
        fldcw   control[rip]            /* division by zero is told of */
        fld1
        fldz
        sti
        fdivp   st(1), st
        nop
        fwait                           /* here */
        fnstsw  ax
        note    rax
        fnclex
        fwait
        cli
        fld1
        fldz
        fdivp   st(1), st
        fwait                           /* not now: ignored */
        fnclex
        pop     rax
        or      eax, 0x20
        mov     cr0, rax
        fldz
        fld1
        fdivrp  st(1), st
        try     fwait                   /* #MF */
        fninit
        mov     al, 0xFF
        out     PIC + 1, al
        ret

/* ---- The local APIC ---- if there is one: a message to itself, held off by
 * CR8, by the task priority, and by IF */

apic:   mov     eax, 1
        cpuid
        bt      edx, 9
        jnc     9f
        mov     ecx, 0x1B
        rdmsr
        note    rax
        mov     ebx, APIC
        mov     eax, [rbx + 0x30]
        note    rax
        mov     dword ptr [rbx + APIC_SVR], 0x1FF
        mov     eax, 5
        mov     cr8, rax
        mov     eax, [rbx + APIC_TPR]
        note    rax
        sti
        mov     dword ptr [rbx + APIC_ICR], 0x40000 + APIC_VECTOR
        nop
        note    rax
        xor     eax, eax
        mov     cr8, rax                /* here */
        nop
        note    rax
        mov     dword ptr [rbx + APIC_TPR], 0x50
        mov     rax, cr8
        note    rax
        mov     dword ptr [rbx + APIC_ICR], 0x40000 + APIC_VECTOR
        nop
        mov     dword ptr [rbx + APIC_TPR], 0
        nop                             /* here */
        note    rax
        cli
        mov     dword ptr [rbx + APIC_ICR], 0x40000 + APIC_VECTOR
        nop
        sti
        nop
        nop                             /* here */
        cli
        mov     dword ptr [rbx + APIC_ICR], 0x00400 /* NMI */
        nop
        mov     eax, ss
        mov     ss, eax
        mov     dword ptr [rbx + APIC_ICR], 0x00400
        nop
        note    rax
        mov     ecx, 0x1B               /* off, and on again */
        rdmsr
        btr     eax, 11
        wrmsr
        mov     eax, 1
        cpuid
        note    rdx
        mov     eax, [rbx + 0x30]
        note    rax
        mov     ecx, 0x1B
        rdmsr
        bts     eax, 11
        wrmsr
        mov     eax, [rbx + APIC_SVR]
        note    rax
9:      ret

hello:  .ascii  "Once round the machine.\n"
.equ hello_len, . - hello - 1
bye:    .ascii  "There and back.\n"
.equ bye_len, . - bye
        .balign 16
control: .word  0x37B
        .balign 16
idtr:   .word   16 * VECTORS - 1
        .quad   0
        .balign 16
resume: .quad   0
mem:    .skip   64
came:   .long   0
again:  .byte   0
        .balign 4096
idt:    .skip   4096
high:   .skip   4096
sector: .skip   4096
stack:  .skip   4096
stack_end:
log:    .skip   16384
