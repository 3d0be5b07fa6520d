/* A guest that never makes an exit.  Only the host's clock brings the monitor
 * back; without it, this loop would own the processor. */
.code64
.globl start
start:  jmp     start
