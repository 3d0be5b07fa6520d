/* A guest that fails for good: an invalid opcode, with no IDT to find its
 * handler, nor that of the double fault which this becomes.  A processor
 * shuts down then; the monitor sees SHUTDOWN and ends the machine. */
.code64
.globl start
start:  ud2
