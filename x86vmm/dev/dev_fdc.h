/* The floppy disk controller of a PC: an 82077AA in AT mode at ports 3F2h to
 * 3F5h and 3F7h, line 6, channel 2 of the DMA, with two drives.
 *
 * Source: Intel, 82077AA data sheet (290166).  A drive fits the disk in it
 * (fdc_format.def).  What is only of the magnetic surface is not there: gaps,
 * deleted data marks (a sector written deleted is a plain one), sectors whose
 * identification is not that of their place.  Without disk or motor there is
 * no index hole, and a command that waits for it ends by a reset. */
#ifndef X86VMM_DEV_DEV_FDC_H
#define X86VMM_DEV_DEV_FDC_H

#include "base/bus.h"
#include "base/clock.h"
#include "x86vmm/dev/dev_dma.h"
#include "x86vmm/dev/dev_ide.h"
#include "x86vmm/machine/platform.h"

enum {
    FDC_PORT = 0x3F2,
    FDC_PORTS = 4,
    FDC_PORT_RATE = 0x3F7,
    FDC_DMA = 2,
    FDC_DISKS = 2,  /* drives that may have one */
    FDC_DRIVES = 4, /* that can be selected */
    FDC_SECTOR = 512,
    /* So long take a sector or the search for one, a step of the heads, and
     * the beginning after a reset. */
    FDC_TICKS_SECTOR = X86_TICKS_SECOND / 1000000 * 200,
    FDC_TICKS_STEP = X86_TICKS_SECOND / 1000000 * 100,
    FDC_TICKS_RESET = X86_TICKS_SECOND / 1000000 * 100
};

struct fdc_format {
    uint8_t cylinders, heads, sectors; /* sectors of a track */
    uint8_t type, rates;
};

/* The format of a disk of so many sectors of 512 bytes, or NULL. */
const struct fdc_format *fdc_format_of(uint64_t sectors);

/* A disk; sectors as ide_medium's, 0: none. */
struct fdc_medium {
    struct ide_medium disk;
    bool read_only;
};

struct fdc_drive {
    struct fdc_medium medium;
    const struct fdc_format *format; /* NULL: no disk */
    uint8_t cylinder;                /* where its heads are */
    bool changed;                    /* no step since the disk came */
};

enum fdc_phase {
    FDC_COMMANDS, /* takes the bytes of a command */
    FDC_BUSY,
    FDC_TO_HOST, /* data through the FIFO, without DMA */
    FDC_FROM_HOST,
    FDC_RESULTS
};

/* What READ, WRITE and their like are at. */
struct fdc_transfer {
    uint8_t drive, cylinder, head, sector, size, last; /* size: N; last: EOT */
    uint8_t left; /* sectors, of VERIFY with a count and of FORMAT */
    bool multi, skip;
};

struct fdc {
    struct fdc_drive drives[FDC_DRIVES];
    struct clock *clock;
    struct x86_platform *platform;
    struct dma *dma;

    uint8_t output;     /* the digital output register */
    uint8_t rate, tape; /* of the data rate; the tape drive register */
    uint8_t specified[2], config[2], gap, locked;
    uint8_t at_cylinder[FDC_DRIVES]; /* as far as the controller knows */

    enum fdc_phase phase;
    uint8_t command;   /* enum fdc_command, of the one that is at work */
    uint8_t bytes[10]; /* of a command or of its results */
    unsigned got, end; /* of bytes; or of data */
    uint8_t st1, st2;
    struct fdc_transfer t;
    uint8_t data[FDC_SECTOR];

    bool interrupt;
    uint8_t waiting;         /* drives that SENSE INTERRUPT has to tell of */
    uint8_t why[FDC_DRIVES]; /* and their ST0 */
    uint8_t seeking;         /* drives */
};

void fdc_init(struct fdc *f, struct clock *clock, struct x86_platform *platform,
              struct dma *dma, const struct fdc_medium media[FDC_DISKS]);

/* bus_io_fn of the four registers, and of the rate register. */
void fdc_io(void *dev, uint64_t offset, unsigned size, bool write,
            uint64_t *value);
void fdc_rate_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value);

/* ---- Between its files ---- */

enum fdc_command {
#define FDC_COMMAND(name, code, mask, bytes, run) FDC_##name,
#include "x86vmm/dev/fdc_command.def"
#undef FDC_COMMAND
    FDC_INVALID
};

enum {
    FDC_ABNORMAL = 0x40, /* ST0: how it ended */
    FDC_INVALID_END = 0x80,
    FDC_POLLED = 0xC0, /* a drive became ready: after a reset */
    FDC_SEEK_END = 0x20,
    FDC_NO_TRACK_0 = 0x10,
    FDC_GATE = 8,       /* output register: interrupts and DMA requests pass */
    FDC_MOTORS = 4,     /* shift of its bits of the motors */
    FDC_NO_DMA = 1,     /* of SPECIFY's second byte */
    FDC_IMPLIED = 0x40, /* of CONFIGURE: a transfer seeks its cylinder */
    FDC_NO_POLL = 0x10, /* no interrupt after a reset */
    FDC_SIDE = 4        /* of a command's second byte: head 1 */
};

static inline bool fdc_ready(const struct fdc *f, unsigned drive)
{
    return f->drives[drive].format && (f->output >> (FDC_MOTORS + drive) & 1);
}

void fdc_set_line(struct fdc *f);
void fdc_interrupt(struct fdc *f);
/* The n bytes of f->bytes are the results. */
void fdc_answer(struct fdc *f, unsigned n);
/* Move the heads by so many cylinders. */
void fdc_step(struct fdc *f, unsigned drive, int by);

/* fdc_transfer.c: the commands that look for sectors, and the FIFO. */
void fdc_transfer(struct fdc *f);
void fdc_read_id(struct fdc *f);
void fdc_format_track(struct fdc *f);
uint8_t fdc_fifo_read(struct fdc *f);
void fdc_fifo_write(struct fdc *f, uint8_t value);
/* No event of a transfer comes any more. */
void fdc_transfer_cancel(struct fdc *f);

#endif
