/* A bare PC: the modelled processor, storage, devices and their clock.
 *
 * A tick of the clock is an instruction, and X86_TICKS_SECOND of them are a
 * second of the devices; while the processor waits in HLT, time goes on to the
 * next event.  So the same input gives the same run on every host. */
#ifndef X86VMM_PC_PC_H
#define X86VMM_PC_PC_H

#include "base/diag.h"
#include "x86vmm/dev/dev_ide.h"
#include "x86vmm/dev/dev_ioapic.h"
#include "x86vmm/dev/dev_kbc.h"
#include "x86vmm/dev/dev_lapic.h"
#include "x86vmm/dev/dev_pic.h"
#include "x86vmm/dev/dev_pit.h"
#include "x86vmm/dev/dev_port.h"
#include "x86vmm/dev/dev_rtc.h"
#include "x86vmm/dev/dev_text.h"
#include "x86vmm/dev/dev_uart.h"
#include "x86vmm/machine/cpu.h"

enum {
    PC_STORAGE_UNIT = 1 << 20, /* its size is a multiple of this */
    PC_ROM_MAX = 16 << 20,
    PC_VENDOR = 12,         /* characters of CPUID's vendor */
    PC_LOW_END = 0xA0000,   /* where a PC's adapters begin */
    PC_HIGH_BEGIN = 1 << 20 /* and end */
};
#define PC_STORAGE_MIN UINT64_C(0x200000)   /* 2 MiB */
#define PC_STORAGE_MAX UINT64_C(0xC0000000) /* 3 GiB: devices are above */

/* The second at which a PC's calendar begins when nobody says another one:
 * 2024-01-01 00:00:00. */
#define PC_EPOCH INT64_C(1704067200)

struct pc_plan {
    uint64_t storage; /* bytes */
    int64_t seconds;  /* since 1970, of the calendar at the start */
    struct ide_medium disks[2];
    /* Firmware, mapped so that it ends at 4 GiB, its last 128 KiB below 1 MiB
     * too, as RAM; copied.  NULL: none. */
    const uint8_t *rom;
    size_t rom_size; /* a multiple of 4096, at most PC_ROM_MAX */
    bool apic;       /* a local and an I/O APIC beside the 8259As */
    /* Of the processor, PC_VENDOR characters; NULL: our own.  Borrowed. */
    const char *vendor;
};

/* How a run came back. */
enum pc_stop {
    PC_BUDGET,  /* as many instructions as asked for were attempted */
    PC_STOPPED, /* a device ended it: platform.how and .through */
    PC_HALTED,  /* HLT with interrupts off: nothing can wake it */
    PC_IDLE,    /* HLT, and no event is due: only input can wake it */
    PC_SHUTDOWN /* triple fault */
};

/* A device on the bus, before which time is brought up to date. */
struct pc_port {
    struct pc *pc;
    bus_io_fn io;
    void *dev;
};
enum { PC_PORTS = 24 };

struct pc {
    struct mem_map mem;
    struct bus bus;
    struct clock clock;
    struct x86_platform platform;
    struct pic pic;
    bool apic;            /* the next two are there */
    unsigned apic_device; /* where the local one is on the bus */
    struct lapic lapic;
    struct ioapic ioapic;
    struct pit pit;
    struct rtc rtc;
    struct kbc kbc;
    struct ide ide;
    struct text text;
    struct uart uart;
    struct debug_port debug;
    struct off_port off;
    struct pc_port ports[PC_PORTS];
    unsigned port_count;
    uint8_t *storage, *rom; /* owned */
    uint64_t bytes;         /* of storage */
    struct x86_cpu cpu;
};

/* NULL, with *diag, when it cannot be made.  It stands after a reset: a loader
 * or firmware does the rest. */
struct pc *pc_new(const struct pc_plan *plan, struct diag *diag);
void pc_free(struct pc *pc);

/* The state has been set from outside: begin from it. */
void pc_state_set(struct pc *pc);

/* Attempt n instructions, or come back earlier. */
enum pc_stop pc_run(struct pc *pc, uint64_t n);

/* Characters for the serial port; returns how many found room. */
size_t pc_input(struct pc *pc, const uint8_t *bytes, size_t n);

/* "through its exit port, code 3": why it came back; "" for PC_BUDGET. */
void pc_stop_words(const struct pc *pc, enum pc_stop stop, char *out,
                   size_t size);

#endif
