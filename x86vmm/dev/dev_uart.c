#include "x86vmm/dev/dev_uart.h"

enum uart_register { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

enum {
    IER_RECEIVED = 1,
    IER_TRANSMITTER = 2,
    IER_LINE = 4,
    IER_MODEM = 8,
    IIR_NONE = 1,
    IIR_MODEM = 0,
    IIR_TRANSMITTER = 2,
    IIR_RECEIVED = 4,
    IIR_LINE = 6,
    IIR_TIMEOUT = 0xC,
    IIR_FIFO = 0xC0,
    FCR_ENABLE = 1,
    FCR_CLEAR_RECEIVER = 2,
    FCR_TRIGGER = 0xC0,
    LCR_DLAB = 0x80,
    MCR_MASK = 0x1F,
    MCR_OUT2 = 8, /* on a PC it lets the interrupt out */
    MCR_LOOP = 0x10,
    LSR_READY = 1,
    LSR_OVERRUN = 2,
    LSR_EMPTY = 0x60, /* THRE and TEMT */
    MSR_RI = 0x40,
    MSR_CONNECTED = 0xB0 /* CTS, DSR, DCD: somebody listens */
};

static bool fifo_on(const struct uart *u)
{
    return u->fcr & FCR_ENABLE;
}

static unsigned trigger(const struct uart *u)
{
    static const uint8_t levels[4] = {1, 4, 8, 14};

    return fifo_on(u) ? levels[u->fcr >> 6] : 1;
}

/* Modem lines as MSR shows them.  Looped, they are the port's own outputs:
 * RTS is CTS, DTR is DSR, OUT1 is RI, OUT2 is DCD. */
static uint8_t modem_lines(const struct uart *u)
{
    uint8_t m = u->mcr;

    if (!(m & MCR_LOOP))
        return MSR_CONNECTED;
    return (uint8_t)((m & 2) << 3 | (m & 1) << 5 | (m & 4) << 4 | (m & 8) << 4);
}

/* Deltas tell of any change, but of RI only that it went off. */
static void update_modem(struct uart *u)
{
    uint8_t now = modem_lines(u), changed = now ^ u->msr_seen;

    if (now & MSR_RI)
        changed &= (uint8_t)~MSR_RI;
    u->msr_delta |= changed >> 4;
    u->msr_seen = now;
}

/* The pending interrupt of highest priority, as IIR identifies it. */
static uint8_t pending(const struct uart *u)
{
    if ((u->ier & IER_LINE) && u->overrun)
        return IIR_LINE;
    if ((u->ier & IER_RECEIVED) && u->count >= trigger(u))
        return IIR_RECEIVED;
    if ((u->ier & IER_RECEIVED) && u->count)
        return IIR_TIMEOUT;
    if ((u->ier & IER_TRANSMITTER) && u->thr_pending)
        return IIR_TRANSMITTER;
    if ((u->ier & IER_MODEM) && u->msr_delta)
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_line(struct uart *u)
{
    if (u->platform)
        x86_line_set(u->platform, u->line,
                     (u->ungated || (u->mcr & MCR_OUT2)) &&
                         pending(u) != IIR_NONE);
}

static void put(struct uart *u, uint8_t byte)
{
    u->queue[(u->head + u->count++) % UART_QUEUE] = byte;
}

static uint8_t take(struct uart *u)
{
    if (!u->count)
        return 0;
    uint8_t byte = u->queue[u->head];
    u->head = (u->head + 1) % UART_QUEUE;
    u->count--;
    return byte;
}

/* Looped characters come back at wire speed, so here an overrun can happen;
 * what the host types waits in the queue instead. */
static void loop_back(struct uart *u, uint8_t byte)
{
    if (u->count < (fifo_on(u) ? UART_FIFO : 1))
        put(u, byte);
    else
        u->overrun = true;
}

static void transmit(struct uart *u, uint8_t byte)
{
    if (u->mcr & MCR_LOOP)
        loop_back(u, byte);
    else if (u->output)
        u->output(u->to, &byte, 1);
    u->thr_pending = true;
}

static void set_fcr(struct uart *u, uint8_t value)
{
    bool switched = (value ^ u->fcr) & FCR_ENABLE;

    if ((value & FCR_CLEAR_RECEIVER) || switched) {
        u->count = 0;
        u->emptied++;
    }
    u->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
}

static void set_ier(struct uart *u, uint8_t value)
{
    if ((value & IER_TRANSMITTER) && !(u->ier & IER_TRANSMITTER))
        u->thr_pending = true; /* it is empty now */
    u->ier = value & 0xF;
}

static void write_register(struct uart *u, unsigned reg, uint8_t value)
{
    bool dlab = u->lcr & LCR_DLAB;

    switch (reg) {
    case RBR_THR:
        if (dlab)
            u->dll = value;
        else
            transmit(u, value);
        break;
    case IER:
        if (dlab)
            u->dlm = value;
        else
            set_ier(u, value);
        break;
    case IIR_FCR:
        set_fcr(u, value);
        break;
    case LCR:
        u->lcr = value;
        break;
    case MCR:
        u->mcr = value & MCR_MASK;
        update_modem(u);
        break;
    case SCR:
        u->scr = value;
        break;
    default: /* LSR and MSR are not for writing */
        break;
    }
}

static uint8_t read_iir(struct uart *u)
{
    uint8_t id = pending(u);

    if (id == IIR_TRANSMITTER)
        u->thr_pending = false;
    return id | (fifo_on(u) ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct uart *u)
{
    uint8_t lsr =
        LSR_EMPTY | (u->count ? LSR_READY : 0) | (u->overrun ? LSR_OVERRUN : 0);

    u->overrun = false;
    return lsr;
}

static uint8_t read_msr(struct uart *u)
{
    uint8_t msr = modem_lines(u) | u->msr_delta;

    u->msr_delta = 0;
    return msr;
}

static uint8_t read_register(struct uart *u, unsigned reg)
{
    bool dlab = u->lcr & LCR_DLAB;

    switch (reg) {
    case RBR_THR:
        return dlab ? u->dll : take(u);
    case IER:
        return dlab ? u->dlm : u->ier;
    case IIR_FCR:
        return read_iir(u);
    case LCR:
        return u->lcr;
    case MCR:
        return u->mcr;
    case LSR:
        return read_lsr(u);
    case MSR:
        return read_msr(u);
    case SCR:
        return u->scr;
    default: /* behind the last register */
        return 0xFF;
    }
}

void uart_io(void *dev, uint64_t offset, unsigned size, bool write,
             uint64_t *value)
{
    struct uart *u = dev;
    uint64_t result = 0;

    for (unsigned i = 0; i < size && i < 8; i++) {
        uint64_t at = offset + i;
        unsigned reg = at < UART_REGISTERS ? (unsigned)at : UART_REGISTERS;

        if (write)
            write_register(u, reg, (uint8_t)(*value >> 8 * i));
        else
            result |= (uint64_t)read_register(u, reg) << 8 * i;
    }
    if (!write)
        *value = result;
    update_line(u);
}

void uart_init(struct uart *u, struct x86_platform *platform, unsigned line)
{
    *u = (struct uart){.platform = platform, .line = line};
    u->msr_seen = modem_lines(u);
}

size_t uart_waiting(const struct uart *u, uint8_t *bytes, size_t n)
{
    size_t count = u->mcr & MCR_LOOP ? 0 : u->count < n ? u->count : n;

    for (size_t i = 0; i < count; i++)
        bytes[i] = u->queue[(u->head + i) % UART_QUEUE];
    return count;
}

size_t uart_input(struct uart *u, const uint8_t *bytes, size_t n)
{
    size_t taken = 0;

    while (taken < n && u->count < UART_QUEUE)
        put(u, bytes[taken++]);
    update_line(u);
    return taken;
}
