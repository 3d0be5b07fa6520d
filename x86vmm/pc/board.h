/* A PC's board: all its devices, on the bus, clock and platform of whoever has
 * the processor: a bare PC (pc.h) or a monitor's virtual machine.
 *
 * It makes itself the platform's interrupt controller (platform.h). */
#ifndef X86VMM_PC_BOARD_H
#define X86VMM_PC_BOARD_H

#include "base/diag.h"
#include "base/mem.h"
#include "x86vmm/dev/dev_dma.h"
#include "x86vmm/dev/dev_fdc.h"
#include "x86vmm/dev/dev_fwcfg.h"
#include "x86vmm/dev/dev_ide.h"
#include "x86vmm/dev/dev_ioapic.h"
#include "x86vmm/dev/dev_kbc.h"
#include "x86vmm/dev/dev_lapic.h"
#include "x86vmm/dev/dev_pic.h"
#include "x86vmm/dev/dev_pit.h"
#include "x86vmm/dev/dev_port.h"
#include "x86vmm/dev/dev_rtc.h"
#include "x86vmm/dev/dev_test.h"
#include "x86vmm/dev/dev_text.h"
#include "x86vmm/dev/dev_uart.h"

enum {
    PC_STORAGE_UNIT = 1 << 20, /* its size is a multiple of this */
    PC_ROM_MAX = 16 << 20,
    PC_ROM_UNIT = 4096,     /* firmware is a multiple of this */
    PC_VENDOR = 12,         /* characters of CPUID's vendor */
    PC_LOW_END = 0xA0000,   /* where a PC's adapters begin */
    PC_HIGH_BEGIN = 1 << 20 /* and end */
};
#define PC_STORAGE_MIN UINT64_C(0x200000)   /* 2 MiB */
#define PC_STORAGE_MAX UINT64_C(0xC0000000) /* 3 GiB: devices are above */

/* The second at which a PC's calendar begins when nobody says another one:
 * 2024-01-01 00:00:00. */
#define PC_EPOCH INT64_C(1704067200)

/* A PC, bare or virtual. */
struct pc_plan {
    uint64_t storage; /* bytes */
    int64_t seconds;  /* since 1970, of the calendar at the start */
    struct ide_medium disks[2];
    struct fdc_medium floppies[FDC_DISKS]; /* of a size of fdc_format.def */
    /* Firmware, mapped so that it ends at 4 GiB, its last 256 KiB below 1 MiB
     * too, as RAM; copied.  It is told that the serial port is its console.
     * NULL: none. */
    const uint8_t *rom;
    size_t rom_size;  /* a multiple of PC_ROM_UNIT, at most PC_ROM_MAX */
    bool apic;        /* a local and an I/O APIC beside the 8259As */
    bool test_device; /* dev_test.h */
    /* Of the processor, PC_VENDOR characters; NULL: our own.  Borrowed. */
    const char *vendor;
    /* Under a monitor: its engine has the 8259As and the 8254; the guest sees
     * what it sees on a bare PC. */
    bool outside_irqchip, hides_monitor;
    bool watched; /* under a monitor, x86_platform has it */
    bool nested;  /* and that: it has VT-x itself (x86_platform.own) */
};

/* STATUS_BAD_INPUT, with *diag, when there is no such PC. */
MUST_USE enum status pc_plan_check(const struct pc_plan *plan,
                                   struct diag *diag);

/* ---- Storage ---- */

/* Its slots, without host memory yet; returns how many. */
enum { PC_SLOTS = 5 };
unsigned pc_plan_slots(const struct pc_plan *plan,
                       struct mem_slot slots[PC_SLOTS]);

/* Storage, zeros until now and in that form, as firmware would have left it;
 * or with the plan's own firmware. */
void pc_plan_fill(const struct pc_plan *plan, const struct mem_map *mem);

/* ---- Devices ---- */

/* Whoever has the processor; functions may be NULL. */
struct board_host {
    void (*before)(void *who); /* a device is asked: let the clock be right */
    void (*after)(void *who);  /* lines and events may have changed */
    void (*nmi)(void *who);    /* a local APIC has sent one */
    /* Address line 20 has been turned on or off; NULL: it is always on. */
    void (*a20)(void *who, bool on);
    /* DMA has written n bytes of storage at gpa. */
    void (*written)(void *who, uint64_t gpa, size_t n);
    /* A device has been asked, for a trace: at this address, and what it was
     * told or has answered. */
    void (*asked)(void *who, const struct bus_device *d, uint64_t address,
                  unsigned size, bool write, uint64_t value);
    void *who;
};

struct board;

/* A device of the board, as the bus has it. */
struct board_port {
    struct board *board;
    struct bus_device device;
};
enum { BOARD_PORTS = 32 };

/* Characters on their way to the serial port.  They come as fast as 115200
 * baud lets them, and wait while the program has BOARD_AHEAD to read: firmware
 * that looks only at each timer tick has room for no more.
 *
 * A driver resets the port's FIFO, and reads a character to nowhere, before it
 * listens.  Who types while a kernel boots loses nothing by that: the line is
 * quiet for BOARD_PAUSE then, and what was in the FIFO comes again. */
enum {
    BOARD_CHARACTER = X86_TICKS_SECOND / 11520,
    BOARD_AHEAD = 8,
    BOARD_PAUSE = X86_TICKS_SECOND / 100,
    BOARD_LINE = UART_QUEUE
};
struct board_line {
    uint8_t bytes[BOARD_LINE]; /* a ring */
    unsigned head, count;
    bool busy;      /* an event will bring the next one, */
    uint64_t after; /* not before this tick */
};

struct board {
    struct bus *bus; /* these four are borrowed */
    const struct mem_map *mem;
    struct clock *clock;
    struct x86_platform *platform;
    struct board_host host;
    struct pic pic;
    bool apic; /* the next two are there */
    struct lapic lapic;
    struct ioapic ioapic;
    struct pit pit;
    struct rtc rtc;
    struct kbc kbc;
    struct ide ide;
    struct dma dma;
    struct fdc fdc;
    struct fwcfg fwcfg;
    struct text text;
    struct uart uart;
    struct board_line line;
    struct debug_port debug;
    struct off_port off;
    bool tests; /* the next one is there */
    struct test_device test;
    struct board_port ports[BOARD_PORTS];
    unsigned count;
};

/* As after power-on.  bus, mem, clock, platform and host are set; the devices
 * are yet to be added to the bus: board_device. */
void board_init(struct board *b, const struct pc_plan *plan);

/* As after a reset of the board: the devices begin anew, with the media that
 * they have, but for the clock and its storage.  Nothing of them is due. */
void board_reset(struct board *b, const struct pc_plan *plan);

/* The i-th of its devices (0 to count - 1), to be added to its bus. */
struct bus_device board_device(struct board *b, unsigned i);

/* Characters for the serial port; returns how many found room. */
size_t board_input(struct board *b, const uint8_t *bytes, size_t n);

/* How many of them its program has not read. */
unsigned board_unread(const struct board *b);

#endif
