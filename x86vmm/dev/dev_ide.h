/* Disks at the first ATA channel of a PC: ports 1F0h to 1F7h and 3F6h, line
 * 14, programmed I/O.
 *
 * Source: ANSI INCITS 361, ATA/ATAPI-6, "Register descriptions", "Command
 * descriptions" (LBA of 28 and 48 bits; CHS as in ATA-5).  Commands run on one
 * device at a time, and both show the same status.  Not there: DMA, packets,
 * security, SMART. */
#ifndef X86VMM_DEV_DEV_IDE_H
#define X86VMM_DEV_DEV_IDE_H

#include "base/bus.h"
#include "base/clock.h"
#include "x86vmm/machine/platform.h"

enum {
    IDE_PORT = 0x1F0,
    IDE_PORT_CONTROL = 0x3F6,
    IDE_SECTOR = 512,
    IDE_MULTIPLE_MAX = 16, /* sectors a block */
    /* A command, or the next block of one, takes so long. */
    IDE_LATENCY = X86_TICKS_SECOND / 1000000 * 50
};

/* Where the sectors are.  The callbacks return false for a medium's error;
 * sector < sectors always. */
struct ide_medium {
    uint64_t sectors; /* 0: no disk is there */
    bool (*read)(void *who, uint64_t sector, uint8_t bytes[IDE_SECTOR]);
    bool (*write)(void *who, uint64_t sector, const uint8_t bytes[IDE_SECTOR]);
    bool (*flush)(void *who);
    void *who;
};

#define IDE_LBA28_MAX UINT64_C(0x0FFFFFFF)

enum ide_phase { IDE_IDLE, IDE_BUSY, IDE_READS, IDE_WRITES };

/* One of the two at a channel. */
struct ide_drive {
    struct ide_medium medium;
    uint8_t multiple; /* sectors a block of READ, WRITE MULTIPLE; 0: off */
    uint16_t cylinders, heads, sectors; /* CHS, as set by the program */
};

struct ide {
    struct ide_drive drives[2];
    struct clock *clock;
    struct x86_platform *platform;

    uint8_t status, error, device, control, command;
    /* [0] the byte written last, [1] the one before it (48-bit commands). */
    uint8_t features[2], count[2], low[2], middle[2], high[2];
    bool interrupt; /* wanted; the line is it and not nIEN */

    enum ide_phase phase; /* of the host's view of the data register */
    bool in;              /* a command that reads; and else writes */
    uint64_t sector;      /* next one of the command */
    uint32_t left;        /* sectors that are to be moved yet */
    uint32_t block;       /* sectors a block of this command */
    uint32_t at, end;     /* in data: bytes moved, bytes there are */
    uint8_t data[IDE_MULTIPLE_MAX * IDE_SECTOR];
};

void ide_init(struct ide *d, struct clock *clock, struct x86_platform *platform,
              const struct ide_medium media[2]);

/* The device that the registers select. */
static inline const struct ide_drive *ide_drive(const struct ide *d)
{
    return &d->drives[d->device >> 4 & 1];
}

struct ide_drive ide_drive_make(const struct ide_medium *medium);
/* Of heads and sectors a track; false where that cannot be. */
bool ide_drive_divide(struct ide_drive *d, uint32_t heads, uint32_t sectors);

/* The 256 words of IDENTIFY DEVICE. */
void ide_identify(const struct ide_drive *d, uint8_t words[IDE_SECTOR]);

/* bus_io_fn of the eight command registers, and of the control register. */
void ide_io(void *dev, uint64_t offset, unsigned size, bool write,
            uint64_t *value);
void ide_control_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value);

#endif
