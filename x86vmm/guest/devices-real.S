/* A guest that uses its serial port in storage (D0000) as no compiler would:
 * it adds to the scratch register, exchanges with it, shifts it, moves strings
 * there and back.  Hardware tells a monitor the address, and no more. */
#include "x86vmm/guest/pc.inc"

#define SCRATCH   byte ptr es:[7]
#define WORD      word ptr es:[6]       /* the modem's status, and that */

.macro show                             /* what the register is by now */
        mov     al, SCRATCH
        out     dx, al
.endm

.code16
.globl start
start:  cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7C00
        mov     ax, 0xD000
        mov     es, ax
        mov     dx, DEBUG_PORT

        mov     SCRATCH, 'a' - 2
        add     SCRATCH, 2
        show                            /* a */
        inc     SCRATCH
        show                            /* b */
        mov     al, 'c'
        xchg    al, SCRATCH
        show                            /* c */
        xor     SCRATCH, 'c' ^ 'd'
        show                            /* d */
        mov     al, 'd'
        mov     cl, 'e'
        lock cmpxchg SCRATCH, cl
        show                            /* e */
        cmpxchg SCRATCH, cl             /* 'd' it is no more */
        mov     al, 1
        xadd    SCRATCH, al
        show                            /* f */
        mov     SCRATCH, 'h' / 2
        shl     SCRATCH, 1
        dec     SCRATCH
        show                            /* g */
        mov     cl, 7                   /* 'h' in 7 is 'h' again */
        not     SCRATCH
        neg     SCRATCH
        show                            /* h */
        bts     WORD, 8
        show                            /* i */
        btr     WORD, 8
        rol     WORD, cl
        setz    SCRATCH
        mov     ax, 0x6A00
        push    ax
        pop     WORD
        show                            /* j */
        push    WORD
        pop     ax
        mov     al, ah
        inc     ax
        out     dx, al                  /* k */
        movzx   bx, SCRATCH
        imul    cx, WORD, 3
        cmovz   cx, WORD
        test    SCRATCH, 2
        jnz     1f
        mov     al, '?'
        out     dx, al

1:      mov     si, offset words        /* three registers, of which two are */
        mov     di, 5                   /* not written */
        mov     cx, 3
        rep movsb
        show                            /* l */
        push    es                      /* all eight of them, into storage */
        push    ds
        pop     es
        pop     ds
        xor     si, si
        mov     di, 0x7000
        mov     cx, 8
        rep movsb
        push    es
        push    ds
        pop     es
        pop     ds
        mov     al, [0x7007]
        inc     ax
        out     dx, al                  /* m */
        mov     si, offset line         /* one register, a byte at a time */
2:      xor     di, di
        movsb
        cmp     byte ptr [si - 1], '\n'
        jne     2b
        mov     di, 7                   /* it is 'l': found at once */
        mov     al, 'l'
        mov     cx, 9
        repne scasb
        mov     al, cl
        add     al, 'n' - 8
        out     dx, al                  /* n */
        mov     al, '\n'
        out     dx, al
        xor     eax, eax
        out     EXIT_PORT, al

words:  .ascii  "xyl"
line:   .ascii  "My devices take what I give them.\n"
        .org    510
        .word   0xAA55
