/* A guest that listens: it sleeps in HLT, is woken by each character that is
 * typed, and sends it back; control-D ends it.  Watch it in a trace: asleep
 * it costs nothing. */
#include "x86vmm/guest/pc.inc"

.code16
.globl start
start:  mov     word ptr [4 * SERIAL_VECTOR], offset heard
        mov     word ptr [4 * SERIAL_VECTOR + 2], 0
        mov     dx, SERIAL_MCR
        mov     al, MCR_OUT2
        out     dx, al
        mov     dx, SERIAL_IER
        mov     al, IER_RECEIVED
        out     dx, al
1:      sti                             /* no interrupt can come between */
        hlt                             /* these two */
        jmp     1b

heard:  mov     dx, SERIAL_LSR          /* all that is there */
        in      al, dx
        test    al, LSR_READY
        jz      2f
        mov     dx, SERIAL
        in      al, dx
        cmp     al, 4                   /* control-D */
        je      done
        out     dx, al
        cmp     al, '\r'                /* what Enter sends */
        jne     heard
        mov     al, '\n'
        out     dx, al
        jmp     heard
2:      iret

done:   xor     al, al
        out     EXIT_PORT, al

        .org    510
        .word   0xAA55
