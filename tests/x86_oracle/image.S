/* What an image of the x86 oracle executes, in two parts: the template of the
 * arena (recorders of all modes, entered through the case's own gates) and the
 * harness, which begins at the reset vector, sets up one case after the other
 * and prints what was recorded through port E9. */
#include "tests/x86_oracle/layout.h"
.intel_syntax noprefix

/* ================= The arena's code ================= */
.section .arena, "ax"
.code32
arena:

/* Vectors that push an error code. */
.macro stub_of vector, record
.if (\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17)
.else
        .byte   0x6A, 0                 /* push 0 */
.endif
        .byte   0x68                    /* push vector */
        .long   \vector
        jmp     \record
        .balign 16, 0x90
.endm

/* Near enough for 16 bits. */
.code16
.org 0x0700, 0xCC
real_near:
        pushad
        push    ds
        push    es
        push    fs
        push    gs
        xor     ax, ax
        mov     ds, ax
        mov     ax, AT_LOG >> 4
        mov     es, ax
        cld
        mov     di, word ptr ds:[VAR_LOG]
        cmp     byte ptr ds:[VAR_BUSY], 0
        jne     nested_real
        inc     byte ptr ds:[VAR_BUSY]
        mov     bp, sp
        movzx   eax, word ptr ss:[bp + 40]
        or      eax, RECORD_REAL
        stosd
        mov     cx, 13                  /* 4 + 16 words, vector, frame: */
1:      mov     eax, ss:[bp]            /* 26 words */
        stosd
        add     bp, 4
        loop    1b
        xor     eax, eax
        mov     ax, ss
        stosd
        mov     eax, esp
        stosd
        mov     eax, cr0
        stosd
        mov     eax, cr2
        stosd
        mov     eax, cr3
        stosd
        mov     eax, cr4
        stosd
detect_real:
        mov     eax, dr6
        stosd
        mov     eax, dr7
        stosd
        xor     eax, eax
        stosd
        stosd
        .byte   0x66                    /* all of the base */
        sgdt    es:[di]
        add     di, 6
        .byte   0x66
        sidt    es:[di]
        add     di, 6
        mov     word ptr ds:[VAR_LOG], di
        mov     bp, sp
        mov     ax, ss:[bp + 40]
        inc     dword ptr ds:[VAR_COUNT]
        mov     ecx, ds:[VAR_COUNT]
        cmp     ecx, ds:[VAR_MAX]
        jae     finish_real
        cmp     al, VECTOR_END
        je      finish_real
        cmp     al, 1
        je      2f
        cmp     al, 3
        je      2f
        cmp     al, 4
        je      2f
        cmp     al, 0x30
        jb      finish_real
2:      mov     byte ptr ds:[VAR_BUSY], 0
resume_real:
        pop     gs
        pop     fs
        pop     es
        pop     ds
        popad
        add     sp, 2
        iret
nested_real:
        mov     bp, sp
        mov     eax, ds:[VAR_MAX]
        mov     ds:[VAR_COUNT], eax     /* the last event in any case */
        cmp     word ptr ss:[bp + 42], offset detect_real
        je      resume_real             /* DR7.GD, which is 0 now */
        movzx   eax, word ptr ss:[bp + 40]
        or      eax, RECORD_NEST
        stosd
        mov     eax, ss:[bp + 42]
        stosd
        mov     eax, ss:[bp + 46]
        stosd
        mov     eax, dr6
        stosd
        stosd
        mov     word ptr ds:[VAR_LOG], di
finish_real:
        mov     eax, 0x11
        .byte   0x66
        lgdt    ds:[harness_gdtr_low]
        mov     cr0, eax
        .byte   0x66, 0xEA              /* jmp SEL_CODE:finish */
        .long   finish
        .word   SEL_CODE
harness_gdtr_low:
        .word   0x3F
        .long   harness_gdt
/* From the harness: 16-bit protected mode, all segments SEL_DATA16.  EBX is
 * CR0, SI:SP the stack with what is popped here. */
real_entry:
        mov     cr0, ebx
        .byte   0xEA                    /* jmp 0:1f */
        .word   1f
        .word   0
1:      mov     ss, si
        pop     gs
        pop     fs
        pop     es
        pop     ds
        popad
        iretd

.code32
.org AT_STUBS, 0xCC
.set v, 0
.rept 256
        stub_of v, record_32
.set v, v + 1
.endr
.org AT_STUBS16, 0xCC
.set v, 0
.rept 256
        stub_of v, record_32_of_16
.set v, v + 1
.endr
.code64
.org AT_STUBS64, 0xCC
.set v, 0
.rept 256
        stub_of v, record_64
.set v, v + 1
.endr
.code16
.org AT_STUBS_R, 0xCC
.set v, 0
.rept 256
        .byte   0x68
        .word   v
        .byte   0xE9                    /* jmp rel16 */
        .word   real_near - . - 2
        .balign 16, 0x90
.set v, v + 1
.endr
/* Where far jumps and gates of cases lead: in any width they record, and then
 * end. */
.macro pads_at place
.org \place, 0xCC
.rept 32
        int     VECTOR_LOG
        int     VECTOR_END
        .balign 16, 0xCC
.endr
.endm
pads_at AT_PAD0
pads_at AT_PAD3

.code32
.org AT_RECORD, 0xCC
record_32_of_16:
        push    -1                      /* the frame has words */
        jmp     1f
record_32:
        push    0
1:      pushad
        mov     eax, ds
        push    eax
        mov     eax, es
        push    eax
        mov     eax, fs
        push    eax
        mov     eax, gs
        push    eax
        mov     eax, SEL_DATA
        mov     ds, eax
        mov     es, eax
        cld
        mov     ebp, esp
        mov     eax, ss
        lar     eax, eax
        test    eax, 0x400000
        jnz     1f
        movzx   ebp, bp
1:      mov     edi, ds:[VAR_LOG]
        add     edi, AT_LOG
        cmp     byte ptr ds:[VAR_BUSY], 0
        jne     nested_32
        inc     byte ptr ds:[VAR_BUSY]
        mov     eax, ss:[ebp + 52]
        or      eax, RECORD_32
        stosd
        xor     ecx, ecx
1:      mov     eax, ss:[ebp + ecx * 4] /* segments, registers, -1, vector, */
        stosd                           /* error code, frame */
        inc     ecx
        cmp     ecx, 26
        jb      1b
        mov     eax, ss
        stosd
        mov     eax, esp
        stosd
        mov     eax, cr0
        stosd
        mov     eax, cr2
        stosd
        mov     eax, cr3
        stosd
        mov     eax, cr4
        stosd
detect_32:
        mov     eax, dr6
        stosd
        mov     eax, dr7
        stosd
        xor     eax, eax
        str     ax
        stosd
        xor     eax, eax
        sldt    ax
        stosd
        sgdt    [edi]
        add     edi, 6
        sidt    [edi]
        add     edi, 6
        sub     edi, AT_LOG
        mov     ds:[VAR_LOG], edi
        inc     dword ptr ds:[VAR_COUNT]
        mov     ecx, ds:[VAR_COUNT]
        cmp     ecx, ds:[VAR_MAX]
        jae     finish_32
        mov     eax, ss:[ebp + 52]
        cmp     eax, VECTOR_END
        je      finish_32
        cmp     eax, 1
        je      2f
        cmp     eax, 3
        je      2f
        cmp     eax, 4
        je      2f
        cmp     eax, 0x30
        jb      finish_32
2:      cmp     dword ptr ss:[ebp + 48], 0
        mov     byte ptr ds:[VAR_BUSY], 0
        pop     eax
        mov     gs, eax
        pop     eax
        mov     fs, eax
        pop     eax
        mov     es, eax
        pop     eax
        mov     ds, eax
        jne     3f
        popad
        add     esp, 12
        iretd
3:      popad
        add     esp, 12
        iretw
nested_32:
        mov     eax, ds:[VAR_MAX]
        mov     ds:[VAR_COUNT], eax     /* the last event in any case */
        mov     eax, offset detect_32
        cmp     ss:[ebp + 60], eax
        jne     1f
        or      byte ptr ss:[ebp + 70], 1 /* RF, which Bochs has not saved */
        cmp     dword ptr ss:[ebp + 48], 0
        jne     1f
        pop     eax                     /* DR7.GD, which is 0 now; segments */
        pop     eax                     /* stay, a new task may have bad ones */
        pop     eax
        pop     eax
        popad
        add     esp, 12
        iretd
1:      mov     eax, ss:[ebp + 52]
        or      eax, RECORD_NEST
        stosd
        mov     eax, ss:[ebp + 56]
        stosd
        mov     eax, ss:[ebp + 60]
        stosd
        mov     eax, ss:[ebp + 68]
        stosd
        mov     eax, dr6
        stosd
        sub     edi, AT_LOG
        mov     ds:[VAR_LOG], edi
finish_32:
        lgdt    ds:[harness_gdtr]
        .byte   0xEA
        .long   finish
        .word   SEL_CODE

.code64
record_64:
        push    r15
        push    r14
        push    r13
        push    r12
        push    r11
        push    r10
        push    r9
        push    r8
        push    rdi
        push    rsi
        push    rbp
        push    rbx
        push    rdx
        push    rcx
        push    rax
        cld
        mov     ebx, VAR_LOG
        mov     edi, [rbx]
        add     edi, AT_LOG
        cmp     byte ptr [rbx + 4], 0
        jne     nested_64
        inc     byte ptr [rbx + 4]
        mov     rsi, rsp
        mov     eax, [rsi + 120]
        or      eax, RECORD_64
        stosd
        mov     ecx, 2 * 24             /* registers, vector, error code, */
        rep movsd                       /* frame */
        mov     eax, ds
        stosd
        mov     eax, es
        stosd
        mov     eax, fs
        stosd
        mov     eax, gs
        stosd
        mov     eax, ss
        stosd
        mov     rax, rsp
        stosq
        mov     rax, cr0
        stosd
        mov     rax, cr2
        stosq
        mov     rax, cr3
        stosd
        mov     rax, cr4
        stosd
detect_64:
        mov     rax, dr6
        stosd
        mov     rax, dr7
        stosd
        xor     eax, eax
        str     ax
        stosd
        xor     eax, eax
        sldt    ax
        stosd
        sgdt    [rdi]
        add     edi, 10
        sidt    [rdi]
        add     edi, 10
        mov     ecx, 0xC0000100
1:      rdmsr                           /* FS, GS, other GS */
        stosd
        mov     eax, edx
        stosd
        inc     ecx
        cmp     cl, 3
        jb      1b
        mov     ecx, 0xC0000080
        rdmsr
        stosd
        sub     edi, AT_LOG
        mov     [rbx], edi
        inc     dword ptr [rbx + 8]
        mov     ecx, [rbx + 8]
        cmp     ecx, [rbx + 12]
        jae     finish_64
        mov     eax, [rsp + 120]
        cmp     eax, VECTOR_END
        je      finish_64
        cmp     eax, 1
        je      2f
        cmp     eax, 3
        je      2f
        cmp     eax, 4
        je      2f
        cmp     eax, 0x30
        jb      finish_64
2:      mov     byte ptr [rbx + 4], 0
resume_64:
        pop     rax
        pop     rcx
        pop     rdx
        pop     rbx
        pop     rbp
        pop     rsi
        pop     rdi
        pop     r8
        pop     r9
        pop     r10
        pop     r11
        pop     r12
        pop     r13
        pop     r14
        pop     r15
        add     rsp, 16
        iretq
nested_64:
        mov     eax, [rbx + 12]
        mov     [rbx + 8], eax          /* the last event in any case */
        mov     eax, offset detect_64
        cmp     [rsp + 136], rax
        jne     1f
        or      byte ptr [rsp + 154], 1 /* RF, which Bochs has not saved */
        jmp     resume_64               /* DR7.GD, which is 0 now */
1:      mov     eax, [rsp + 120]
        or      eax, RECORD_NEST
        stosd
        mov     eax, [rsp + 128]
        stosd
        mov     eax, [rsp + 136]
        stosd
        mov     eax, [rsp + 152]
        stosd
        mov     rax, dr6
        stosd
        sub     edi, AT_LOG
        mov     [rbx], edi
finish_64:
        mov     ebx, offset harness_gdtr
        lgdt    [rbx]
        push    SEL_CODE
        push    offset finish
        retfq

.org ARENA_SIZE, 0xCC

/* ================= The harness ================= */
.section .harness, "ax"
.code32
harness:
        mov     ax, SEL_DATA
        mov     ds, ax
        mov     es, ax
        mov     fs, ax                  /* as behind a case, not a reset: a */
        mov     gs, ax                  /* breakpoint in the harness shows it */
        mov     ax, SEL_STACK
        mov     ss, ax
        mov     esp, AT_HARNESS_SP
        cld
        lgdt    ds:[harness_gdtr]       /* here, not in the ROM */
        call    own_task                /* as behind a case */
        mov     al, 0xFF                /* no interrupts */
        out     0x21, al
        out     0xA1, al
        xor     edx, edx                /* RESET# leaves the signature there */
        cmp     dword ptr ds:[AT_PROGRESS], PROGRESS_MAGIC
        je      after_reset
        call    fill_low
        mov     edi, AT_IMAGE + IMAGE_SIZE
        mov     ecx, (AT_PROGRESS - AT_IMAGE - IMAGE_SIZE) / 4
        rep stosd
        mov     edi, AT_PROGRESS + 0x1000
        mov     ecx, 0x200000 / 4
        rep stosd
        mov     dword ptr ds:[AT_PROGRESS], PROGRESS_MAGIC
        mov     dword ptr ds:[PROGRESS_QUIET], 0
        mov     dword ptr ds:[PROGRESS_8086], 0
        mov     eax, ds:[AT_PLAN]       /* the first case */
        mov     ds:[PROGRESS_CASE], eax
        jmp     find_case
after_reset:
        cmp     dword ptr ds:[PROGRESS_QUIET], 0
        mov     dword ptr ds:[PROGRESS_QUIET], 0
        jne     find_case
        mov     ah, 'T'                 /* and the events before it */
        call    put_log
        inc     dword ptr ds:[PROGRESS_CASE]

/* The case of that number: walk to it. */
find_case:
        mov     ebx, AT_CASES
        xor     ecx, ecx
1:      cmp     ecx, ds:[AT_PLAN + 4]
        jae     end_of_all
        cmp     ecx, ds:[PROGRESS_CASE]
        je      begin_case
        add     ebx, [ebx + CASE_SIZE]
        inc     ecx
        jmp     1b

end_of_all:
        mov     al, 'E'
        out     0xE9, al
        mov     al, 10
        out     0xE9, al
        mov     al, 0                   /* QEMU's exit port */
        out     0xF4, al
        mov     esi, offset shutdown
        mov     ecx, 8
        mov     dx, 0x8900              /* Bochs' */
        rep outsb
1:      hlt
        jmp     1b
shutdown: .ascii "Shutdown"

/* Whoever strays meets INT3. */
fill_low:
        mov     eax, 0xCCCCCCCC
        mov     edi, ARENA_SIZE
        mov     ecx, (AT_LOG + 0x10000 - ARENA_SIZE) / 4
        rep stosd
        mov     edi, 0x100000
        mov     ecx, 0xC0000 / 4
        rep stosd
        ret

begin_case:
        mov     dx, WATCHDOG_PORT       /* of QEMU's alone, which loses its */
        mov     al, WATCHDOG_6_S        /* way where it should have faulted */
        out     dx, al
        fninit                          /* nothing pending of one before */
        mov     edi, AT_HARNESS_SP - 0x200 /* a record of its IRET shows it */
        mov     ecx, 0x200 / 4
        xor     eax, eax
        rep stosd
        mov     edx, [ebx + CASE_FLAGS] /* VM, or real-address mode? */
        and     edx, 0x20000
        cmp     dword ptr [ebx + CASE_MODE], 1
        adc     edx, 0
        mov     eax, edx
        xchg    eax, ds:[PROGRESS_8086]
        or      eax, edx                /* this one or the one before */
        jz      1f
        call    fill_low
1:      mov     esi, AT_TEMPLATE
        xor     edi, edi
        mov     ecx, ARENA_SIZE / 4
        rep movsd
        mov     ebp, offset strays      /* what a case before has written */
        mov     eax, 0xCCCCCCCC
1:      mov     edi, [ebp]
        mov     ecx, [ebp + 4]
        rep stosd
        add     ebp, 8
        cmp     dword ptr [ebp], 0
        jne     1b
        lea     esi, [ebx + CASE_PATCH]
        mov     edx, ebx
        add     edx, [ebx + CASE_SIZE]
1:      cmp     esi, edx
        jae     2f
        lodsd
        mov     edi, eax
        lodsd
        lea     ecx, [eax + 3]
        shr     ecx, 2
        rep movsd
        jmp     1b
2:      cmp     dword ptr ds:[AT_PLAN + 8], 0
        je      1f
        xor     esi, esi                /* what it was, for `changes` */
        mov     edi, AT_BEFORE
        mov     ecx, ARENA_SIZE / 4
        rep movsd
1:      mov     dword ptr ds:[VAR_LOG], 0
        mov     dword ptr ds:[VAR_BUSY], 0
        mov     dword ptr ds:[VAR_COUNT], 0
        mov     eax, [ebx + CASE_MAX]
        mov     ds:[VAR_MAX], eax

        mov     ecx, 0xC0000081         /* STAR */
        xor     eax, eax
        mov     edx, [ebx + CASE_MSR]
        wrmsr
        inc     ecx                     /* LSTAR */
        xor     edx, edx
        mov     eax, [ebx + CASE_MSR + 4]
        wrmsr
        inc     ecx                     /* CSTAR */
        xor     eax, eax
        wrmsr
        inc     ecx                     /* FMASK */
        mov     eax, [ebx + CASE_MSR + 8]
        wrmsr
        mov     ecx, 0x277              /* PAT, as a reset leaves it */
        mov     eax, 0x00070406
        mov     edx, eax
        wrmsr
        xor     edx, edx
        mov     ecx, 0xC0000100         /* FS, GS, other GS */
        xor     eax, eax
        wrmsr
        inc     ecx
        wrmsr
        inc     ecx
        wrmsr
        mov     ecx, 0x174
        mov     eax, [ebx + CASE_MSR + 12]
        wrmsr
        inc     ecx
        mov     eax, [ebx + CASE_MSR + 16]
        wrmsr
        inc     ecx
        mov     eax, [ebx + CASE_MSR + 20]
        wrmsr
        mov     eax, [ebx + CASE_DR0]
        mov     dr0, eax
        mov     eax, [ebx + CASE_DR1]
        mov     dr1, eax
        xor     eax, eax
        mov     dr2, eax
        mov     dr3, eax
        mov     dr6, eax
        mov     cr2, eax

        cmp     dword ptr [ebx + CASE_MODE], 0
        je      to_real
        lgdt    [ebx + CASE_GDTR + 2]
        lidt    [ebx + CASE_IDTR + 2]
        mov     eax, [ebx + CASE_CR4]
        mov     cr4, eax
        mov     eax, [ebx + CASE_CR3]
        mov     cr3, eax
        mov     ecx, 0xC0000080
        xor     edx, edx
        mov     eax, [ebx + CASE_EFER]
        wrmsr
        mov     eax, [ebx + CASE_CR0]
        mov     cr0, eax
        jmp     1f
1:      lldt    [ebx + CASE_LDT]
        ltr     [ebx + CASE_TR]
        mov     eax, [ebx + CASE_DR7]
        mov     dr7, eax
        cmp     dword ptr [ebx + CASE_MODE], 2
        je      to_long

/* Protected and virtual-8086: the registers and an IRET frame are put on the
 * harness's stack, or for CPL 0 on the case's own. */
        test    byte ptr [ebx + CASE_FLAGS + 2], 2
        jnz     to_v86
        test    byte ptr [ebx + CASE_CS], 3
        jnz     1f
        mov     esp, [ebx + CASE_SP]
        mov     ss, [ebx + CASE_SS]
        jmp     2f
1:      push    [ebx + CASE_SS]
        push    [ebx + CASE_SP]
2:      push    [ebx + CASE_FLAGS]
        push    [ebx + CASE_CS]
        push    [ebx + CASE_IP]
        call    push_registers
        push    [ebx + CASE_DS]
        push    [ebx + CASE_ES]
        push    [ebx + CASE_FS]
        push    [ebx + CASE_GS]
        jmp     3f
to_v86: push    [ebx + CASE_GS]
        push    [ebx + CASE_FS]
        push    [ebx + CASE_DS]
        push    [ebx + CASE_ES]
        push    [ebx + CASE_SS]
        push    [ebx + CASE_SP]
        push    [ebx + CASE_FLAGS]
        push    [ebx + CASE_CS]
        push    [ebx + CASE_IP]
        call    push_registers
        push    0
        push    0
        push    0
        push    0
3:      pop     gs
        pop     fs
        pop     es
        pop     ds
        popad
        iretd

/* As PUSHAD would have pushed those of the case. */
push_registers:
        pop     edx
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        push    [ebx + CASE_GPR + 8 * \n]
        .endr
        jmp     edx

to_real:
        mov     eax, [ebx + CASE_CR3]
        mov     cr3, eax
        mov     eax, [ebx + CASE_DR7]
        mov     dr7, eax
        movzx   esp, word ptr [ebx + CASE_SP]
        mov     esi, [ebx + CASE_SS]
        mov     edi, esi
        shl     edi, 4
        add     esp, edi
        push    [ebx + CASE_FLAGS]
        push    [ebx + CASE_CS]
        push    [ebx + CASE_IP]
        call    push_registers
        push    word ptr [ebx + CASE_DS]
        push    word ptr [ebx + CASE_ES]
        push    word ptr [ebx + CASE_FS]
        push    word ptr [ebx + CASE_GS]
        sub     esp, edi
        mov     eax, [ebx + CASE_CR4]
        mov     cr4, eax
        lidt    [ebx + CASE_IDTR + 2]
        mov     ebx, [ebx + CASE_CR0]
        mov     ax, SEL_DATA16
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        .byte   0xEA
        .long   real_entry
        .word   SEL_CODE16

to_long:
        .byte   0xEA
        .long   1f
        .word   SEL_CODE64
.code64
1:      xor     eax, eax
        mov     cr8, rax
        push    [rbx + CASE_GS]         /* 8 bytes; the low ones count */
        push    [rbx + CASE_FS]
        push    [rbx + CASE_ES]
        push    [rbx + CASE_DS]
        mov     eax, [rsp]
        mov     ds, eax
        mov     eax, [rsp + 8]
        mov     es, eax
        mov     eax, [rsp + 16]
        mov     fs, eax
        mov     eax, [rsp + 24]
        mov     gs, eax
        add     rsp, 32
        mov     eax, [rbx + CASE_SS]
        push    rax
        mov     eax, [rbx + CASE_SP]
        push    rax
        mov     eax, [rbx + CASE_FLAGS]
        push    rax
        mov     eax, [rbx + CASE_CS]
        push    rax
        mov     eax, [rbx + CASE_IP]
        push    rax
        mov     rax, [rbx + CASE_GPR]
        mov     rcx, [rbx + CASE_GPR + 8]
        mov     rdx, [rbx + CASE_GPR + 16]
        mov     rbp, [rbx + CASE_GPR + 40]
        mov     rsi, [rbx + CASE_GPR + 48]
        mov     rdi, [rbx + CASE_GPR + 56]
        mov     r8, [rbx + CASE_GPR + 64]
        mov     r9, [rbx + CASE_GPR + 72]
        mov     r10, [rbx + CASE_GPR + 80]
        mov     r11, [rbx + CASE_GPR + 88]
        mov     r12, [rbx + CASE_GPR + 96]
        mov     r13, [rbx + CASE_GPR + 104]
        mov     r14, [rbx + CASE_GPR + 112]
        mov     r15, [rbx + CASE_GPR + 120]
        mov     rbx, [rbx + CASE_GPR + 24]
        iretq

/* ---- The end of a case ---- from a recorder, at CPL 0 with a flat CS; in
 * long mode a compatible one */
.code32
finish: mov     ax, SEL_DATA
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ax, SEL_STACK
        mov     ss, ax
        mov     esp, AT_HARNESS_SP
        push    2
        popfd
        mov     eax, 0x11
        mov     cr0, eax
        xor     eax, eax
        mov     cr4, eax
        mov     dr7, eax
        mov     ecx, 0xC0000080
        xor     edx, edx
        wrmsr
        lidt    no_idt
        call    own_task
        call    sums
        mov     ah, 'C'
        call    put_log
        inc     dword ptr ds:[PROGRESS_CASE]
        pushfd                          /* POPF leaves VIF and VIP */
        pop     eax
        test    eax, 0x180000
        jz      find_case
        inc     dword ptr ds:[PROGRESS_QUIET]
        ud2                             /* there is no IDT: a reset */

/* No task and no LDT of a case's. */
own_task:
        xor     eax, eax
        lldt    ax
        mov     byte ptr ds:[harness_gdt + SEL_TSS_OWN + 5], 0x89
        mov     eax, SEL_TSS_OWN
        ltr     ax
        ret

/* A line: letter AH, the number of the case, and the log, as two sums or in
 * full, then with a line of what is in storage.  C in full is R. */
put_log:
        mov     ecx, ds:[VAR_LOG]
        shr     ecx, 2
        cmp     ecx, 0x10000 / 4        /* a wild program has written there */
        jbe     1f
        xor     ecx, ecx
1:      mov     esi, AT_LOG
        mov     al, ah
        cmp     dword ptr ds:[AT_PLAN + 8], 0
        jne     in_full
        call    put_index
        call    put_sum
        call    loosen
        call    put_sum
        jmp     3f
in_full:
        cmp     al, 'C'
        jne     1f
        mov     al, 'R'
1:      call    put_index
        call    put_words
        call    changes
3:      mov     al, 10
        out     0xE9, al
        ret

/* ECX doublewords at ESI. */
put_words:
        jecxz   2f
1:      mov     al, ' '
        out     0xE9, al
        lodsd
        call    put_hex
        loop    1b
2:      ret

/* Their checksum; keeps ECX and ESI. */
put_sum:
        mov     al, ' '
        out     0xE9, al
        push    esi
        push    ecx
        xor     edx, edx
        jecxz   2f
1:      lodsd
        rol     edx, 5
        xor     edx, eax
        imul    edx, edx, 0x9E3779B1
        loop    1b
2:      mov     eax, edx
        pop     ecx
        pop     esi
        jmp     put_hex

/* "W", and address and contents of each word of the arena that the case has
 * changed. */
changes:
        mov     al, 10
        out     0xE9, al
        mov     al, 'W'
        call    put_index
        mov     esi, AT_GDT
        mov     edi, AT_BEFORE + AT_GDT
        mov     ecx, (ARENA_SIZE - AT_GDT) / 4
1:      repe cmpsd
        je      9f
        mov     al, ' '
        out     0xE9, al
        lea     eax, [esi - 4]
        call    put_hex
        mov     al, ' '
        out     0xE9, al
        mov     eax, [esi - 4]
        call    put_hex
        jecxz   9f
        jmp     1b
9:      ret

/* Checksums of pieces of the arena, into the log. */
sums:   mov     edi, ds:[VAR_LOG]
        add     edi, AT_LOG
        mov     eax, RECORD_SUMS
        stosd
        mov     ebp, offset pieces
1:      mov     esi, [ebp]
        mov     ecx, [ebp + 4]
        mov     ebx, [ebp + 8]
        xor     edx, edx
2:      lodsd
        and     eax, ebx
        rol     edx, 5
        xor     edx, eax
        imul    edx, edx, 0x9E3779B1
        loop    2b
        mov     eax, edx
        stosd
        add     ebp, 12
        cmp     dword ptr [ebp + 4], 0
        jne     1b
        sub     edi, AT_LOG
        mov     ds:[VAR_LOG], edi
        ret

/* Take out of the log what a looser comparison leaves out: RF in saved flags,
 * what is on stacks, and accessed bits of descriptors and pages.  ECX
 * doublewords at ESI; keeps both. */
loosen: pushad
        lea     edi, [esi + ecx * 4]
1:      cmp     esi, edi
        jae     9f
        mov     al, [esi + 3]
        mov     ecx, 40 * 4
        cmp     al, RECORD_32 >> 24
        jne     2f
        and     byte ptr [esi + 18 * 4 + 2], 0xFE
        jmp     8f
2:      mov     ecx, 77 * 4
        cmp     al, RECORD_64 >> 24
        jne     3f
        and     byte ptr [esi + 39 * 4 + 2], 0xFE
        jmp     8f
3:      mov     ecx, 27 * 4
        cmp     al, RECORD_REAL >> 24
        je      8f
        mov     ecx, 4 * 5
        cmp     al, RECORD_NEST >> 24
        jne     5f
        and     byte ptr [esi + 3 * 4 + 2], 0xFE
        jmp     8f
5:      cmp     al, RECORD_SUMS >> 24
        jne     9f
        xor     eax, eax
        mov     ecx, 5
        add     esi, 4 * 4
4:      mov     [esi], eax
        add     esi, 4
        loop    4b
        mov     [esi + 3 * 4], eax
        mov     [esi + 4 * 4], eax
9:      popad
        ret
8:      add     esi, ecx
        jmp     1b

/* Letter AL, then the number of the case. */
put_index:
        out     0xE9, al
        mov     eax, ds:[PROGRESS_CASE]
put_hex:                                /* EAX; keeps ECX, EDX */
        push    ecx
        push    edx
        mov     edx, eax
        mov     ecx, 8
1:      rol     edx, 4
        mov     al, dl
        and     al, 15
        cmp     al, 10
        sbb     al, 0x69
        das
        out     0xE9, al
        loop    1b
        pop     edx
        pop     ecx
        ret

/* Address, doublewords, mask. */
.balign 4
pieces:
#define PIECE(name, at, size, mask) .long at, size / 4, mask;
#include "tests/x86_oracle/piece.def"
#undef PIECE
        .long   0, 0

/* Where programs write beside the arena; IRET to a stack of 16 bits leaves the
 * upper half of the harness's ESP. */
strays: .long   ARENA_SIZE, 0x3000 / 4
        .long   WINDOW, 0x9000 / 4
        .long   0x600000, 0x2000 / 4
        .long   WINDOW_LARGE + AT_DATA3, 0x5000 / 4
        .long   AT_HARNESS_64K, (AT_HARNESS_SP - 0x200 - AT_HARNESS_64K) / 4
        .long   0

.balign 8
harness_gdt:
        .quad   0
        .quad   0x00CF9B000000FFFF              /* SEL_CODE */
        .quad   0x00CFF3000000FFFF              /* SEL_DATA */
        .quad   0x00AF9B000000FFFF              /* SEL_CODE64 */
        .quad   0x00009B000000FFFF              /* SEL_CODE16 */
        .quad   0x000093000000FFFF              /* SEL_DATA16 */
        .quad   0x00CF93000000FFFF              /* SEL_STACK */
        .quad   0x0000890000000067              /* SEL_TSS_OWN */
harness_gdtr:
        .word   0x3F
        .long   harness_gdt
        .long   0
no_idt: .word   0
        .long   0

/* ---- Reset ---- the last of the ROM */
.org 0xFF00, 0
.code32
reset_32:                               /* in the ROM still */
        mov     ax, SEL_DATA
        mov     ds, ax
        mov     es, ax
        cld
        mov     esi, IMAGE_ROM
        mov     edi, AT_IMAGE
        mov     ecx, IMAGE_SIZE / 4
        rep movsd
        mov     eax, offset harness
        jmp     eax
.code16
reset_16:
        cli
        mov     al, 2                   /* A20 */
        out     0x92, al
        .byte   0x66
        lgdt    cs:[reset_gdtr - harness]
        mov     eax, 0x11
        mov     cr0, eax
        .byte   0x66, 0xEA
        .long   IMAGE_ROM - AT_IMAGE + reset_32
        .word   SEL_CODE
reset_gdtr:
        .word   0x3F
        .long   IMAGE_ROM - AT_IMAGE + harness_gdt
.org 0xFFF0, 0
        jmp     reset_16
.org 0x10000, 0
