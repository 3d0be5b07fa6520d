/* A device that does what a test says, on channels with storage between two
 * fences. */
#ifndef TESTS_FAKE_DEVICE_H
#define TESTS_FAKE_DEVICE_H

#include "s370/machine/channel.h"

/* Its commands. */
enum {
    READ = 0x02,     /* a record of `length` bytes, 1 2 3 ... */
    WRITE = 0x01,    /* takes `limit` bytes */
    BACKWARD = 0x0C, /* the same record as READ */
    SENSE = 0x04,
    NOP = 0x03,    /* immediate */
    SLOW = 0x07,   /* CE at once, DE later */
    MODIFY = 0x0B, /* immediate, with status modifier */
    WAIT = 0x0A,   /* a read that waits for s370_device_ready */
    REFUSE = 0x13, /* unit check at initial selection */
    BREAK = 0x11,  /* a write that ends with unit check */
    MARK = 0x12,   /* a read of nothing that ends with unit exception */
    TIC = 0x08,
    ENDED = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END,
    LATENCY = 10
};

/* Flags of a CCW, and channel status. */
enum { CD = 0x80, CC = 0x40, SLI = 0x20, SKIP = 0x10, PCI = 0x08, IDA = 0x04 };
enum { IL = 0x40, PGC = 0x20, PRC = 0x10 };

struct fake {
    struct s370_device base;
    uint32_t length, limit;
    uint8_t got[S370_RECORD_MAX];
    uint32_t got_len;
    unsigned starts, halts, writes;
    bool chained;
};

extern unsigned fake_destroyed; /* devices, since fake_set_up */

/* The bench of the test that runs. */
enum {
    SIZE = 64 * 1024,
    FENCE = 64, /* bytes on both sides that nobody may touch */
    PROGRAM = 0x1000,
    DATA = 0x2000
};

extern uint8_t *const io_bytes; /* storage */
extern uint8_t io_keys[];
extern struct s370_storage io_storage;
extern struct clock io_clock;
extern struct s370_channels *io_channels;

/* Everything fresh; afterwards the fences must stand. */
void fake_set_up(void);
void fake_tear_down(void);

struct fake *fake_attach(uint16_t address);
void fake_ccw(uint32_t at, uint8_t command, uint32_t address, uint8_t flags,
              uint16_t count);
void fake_caw(uint8_t key, uint32_t at);

struct fake_csw {
    uint8_t key, unit, channel;
    uint32_t next, count;
};

/* What storage holds at 64. */
struct fake_csw fake_csw(void);
/* Let everything happen, then take the one interruption. */
struct fake_csw fake_end(uint16_t from);

#endif
