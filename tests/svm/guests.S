/* Guests of the monitor in main.c: each a label of that name, GUEST_END behind
 * it.  They are copied to GUEST and begin at its first byte, in the mode that
 * cases.def says. */
.intel_syntax noprefix

.macro guest name
.globl guest_\name
guest_\name:
.endm

.section .rodata
.code16
guest cpuid
        cpuid
        hlt
guest hlt
        hlt
guest vmmcall
        vmmcall
        hlt
guest rdtsc
        rdtsc
        hlt
guest flags
        pushf
        popf
        hlt
guest interrupt
        mov     ax, 0x1234
        int     0x21
        hlt
guest iret
        push    0x202
        push    0x3000
        push    0x40
        iret
guest invd
        invd
        hlt
guest wbinvd
        wbinvd
        hlt
guest pause
        pause
        hlt
guest invlpg
        invlpg  [0x1234]
        hlt
guest tables
        sgdt    [0x5000]
        sidt    [0x5008]
        lgdt    [0x5000]
        lidt    [0x5008]
        hlt
guest in_byte
        in      al, 0x21
        hlt
guest out_byte
        mov     al, 0x55
        out     0x80, al
        hlt
guest out_word
        mov     dx, 0x80
        out     dx, ax
        hlt
guest out_long
        mov     dx, 0x80
        out     dx, eax
        hlt
guest outs
        mov     dx, 0x80
        mov     si, 0x5000
        mov     cx, 3
        cld
        rep outsb
        hlt
guest ins
        mov     dx, 0x61
        mov     di, 0x5000
        cld
        insb
        hlt
guest rdmsr
        mov     ecx, 0x174
        rdmsr
        hlt
guest wrmsr
        mov     ecx, 0x174
        mov     eax, 0x10
        xor     edx, edx
        wrmsr
        rdmsr
        hlt
guest rdmsr_far
        mov     ecx, 0xC0010117
        rdmsr
        hlt
guest read_cr0
        mov     ebx, cr0
        hlt
guest write_cr0
        mov     ecx, cr0
        xor     ecx, 4
        mov     cr0, ecx
        hlt
guest ts_and_mp
        mov     ecx, cr0
        xor     ecx, 10
        mov     cr0, ecx
        hlt
guest write_cr3
        mov     esi, 0x5000
        mov     cr3, esi
        hlt
guest read_cr3
        mov     edi, cr3
        hlt
guest cr4
        mov     eax, cr4
        mov     cr4, eax
        hlt
guest clts
        clts
        hlt
guest lmsw
        mov     ax, 2
        lmsw    ax
        hlt
guest smsw
        smsw    bx
        hlt
guest debug_registers
        mov     ecx, 0x1234
        mov     dr1, ecx
        mov     edx, dr1
        hlt
guest undefined
        ud2
guest divide
        xor     bx, bx
        div     bx
guest breakpoint
        int3
        hlt
guest overflow
        mov     al, 0x7F
        add     al, 1
        into
        hlt
guest bounds
        bound   bx, [0x5000]
        hlt
guest icebp
        .byte   0xF1
        hlt
guest step
        nop
        nop
        hlt
guest cr0_bad
        mov     eax, 0x80000000
        mov     cr0, eax
        hlt
guest write_far
        mov     ax, 0x8000
        mov     ds, ax
        mov     byte ptr [0x123], 1
        hlt
guest read_far
        mov     ax, 0x8000
        mov     ds, ax
        mov     bl, [0x124]
        hlt
guest fetch_far
        .byte   0xEA
        .word   0x0010, 0x8000
guest int_far
        int     0x21
        hlt
guest loop
        jmp     guest_loop
guest pops
guest virtual
guest priority
guest shadowed
        nop
        hlt
guest bad
        hlt
guest enable
        sti
        nop
        nop
        hlt
guest sti_hlt
        sti
        hlt
guest ss_cpuid
        mov     ax, ss
        mov     ss, ax
        cpuid
        hlt
guest protect
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        hlt

.code32
guest task
        .byte   0xEA
        .long   0
        .word   0x28
guest int_task
        int     0x30
        hlt

.code64
guest cpuid64
        cpuid
        hlt
guest sldt
        sldt    ax
        str     bx
        hlt
guest cr8
        mov     rbx, cr8
        mov     eax, 4
        mov     cr8, rax
        mov     rcx, cr8
        hlt
guest page_fault
        mov     rax, 0x700000000010
        mov     [rax], ebx
        hlt
guest page_fault_read
        mov     rax, 0x700000000010
        mov     ebx, [rax]
        hlt
guest protection
        mov     rax, 0x8000000000000000
        mov     ebx, [rax]
        hlt
guest cr3_64
        mov     rax, cr3
        mov     cr3, rax
        hlt
guest cr0_64
        mov     rax, 0x100000000
        mov     cr0, rax
        hlt
guest dr7_64
        mov     rax, 0x100000000
        mov     dr7, rax
        hlt
guest invlpga
        mov     eax, 0x5000
        xor     ecx, ecx
        invlpga rax, ecx
        hlt
guest stgi
        stgi
        clgi
        stgi
        hlt
guest vmload
        mov     eax, 0x5000
        vmload  rax
        hlt
guest vmsave
        mov     eax, 0x5000
        vmsave  rax
        hlt
guest vmrun
        mov     eax, 0x5000
        vmrun   rax
        hlt
guest vmrun_bad
        mov     eax, 0x5001
        vmrun   rax
        hlt
guest vmcall
        vmcall
        hlt
guest user
        hlt
guest user_in
        in      al, 0x21
guest user_msr
        mov     ecx, 0x174
        rdmsr
guest hlt64
        hlt
guest bad64
        hlt
guest npf_write
        mov     eax, 0x80123
        mov     [rax], ebx
        hlt
guest npf_push
        mov     esp, 0x80800
        push    rax
        hlt
guest rdtscp
        rdtscp
        hlt
guest end
        .skip   16

.section .note.GNU-stack, "", @progbits
