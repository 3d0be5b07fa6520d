/* The serial port: a 16550 UART with its other end on a callback and a queue.
 *
 * Source: National Semiconductor, PC16550D data sheet, "Registers" and "FIFO
 * Interrupt Mode Operation".  Chosen where the sheet leaves timing open:
 * characters take no time, so the transmitter is always empty again at once,
 * and a character below the trigger level counts as timed out.  Break, parity
 * and framing have no meaning here and are never reported. */
#ifndef X86VMM_DEV_DEV_UART_H
#define X86VMM_DEV_DEV_UART_H

#include "base/bus.h"
#include "x86vmm/machine/platform.h"

enum {
    UART_REGISTERS = 8,
    UART_QUEUE = 1024, /* characters that wait for the guest */
    UART_FIFO = 16
};

/* Characters from the guest. */
typedef void (*uart_output_fn)(void *to, const uint8_t *bytes, size_t n);

struct uart {
    uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    uint8_t msr_delta; /* bits 0-3 of MSR */
    uint8_t msr_seen;  /* bits 4-7 when the deltas were last computed */
    bool overrun;
    bool thr_pending; /* the transmitter became empty and was not yet heard */

    uint8_t queue[UART_QUEUE]; /* ring of received characters */
    unsigned head, count;
    unsigned emptied; /* so often the program has reset the receiver's FIFO */

    uart_output_fn output; /* NULL: characters are lost */
    void *to;
    struct x86_platform *platform; /* borrowed; its line is raised */
    unsigned line;
    /* Interrupts come out whatever OUT2 says, as programs expect that have
     * only ever met emulators; set after uart_init. */
    bool ungated;
};

void uart_init(struct uart *u, struct x86_platform *platform, unsigned line);

/* One access on the bus (bus_io_fn); wider ones are bytes side by side. */
void uart_io(void *dev, uint64_t offset, unsigned size, bool write,
             uint64_t *value);

/* The characters that wait for it, at most n, and not those that it has sent
 * itself in loopback; returns how many. */
size_t uart_waiting(const struct uart *u, uint8_t *bytes, size_t n);

/* Characters arrive; returns how many found room. */
size_t uart_input(struct uart *u, const uint8_t *bytes, size_t n);

#endif
