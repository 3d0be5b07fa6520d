#include "x86vmm/dev/dev_fdc.h"

#include "x86vmm/dev/bytewise.h"

/* Registers, from FDC_PORT on. */
enum { OUTPUT, TAPE, STATUS_RATE, FIFO };

enum {
    OUT_SELECT = 3,
    OUT_RUNNING = 4, /* 0: reset */
    MAIN_BUSY = 0x10,
    MAIN_NO_DMA = 0x20,
    MAIN_TO_HOST = 0x40,
    MAIN_READY = 0x80,
    RATE_MASK = 3,
    RATE_250 = 2,
    RATE_RESET = 0x80,
    IN_CHANGED = 0x80,
    ST3_ALWAYS = 0x28, /* ready, two heads */
    ST3_TRACK_0 = 0x10,
    ST3_PROTECTED = 0x40,
    CYLINDER_LAST = 83, /* where the heads stop */
    VERSION_82077 = 0x90,
    ALL_DRIVES = 0xF
};

const struct fdc_format *fdc_format_of(uint64_t sectors)
{
    static const struct {
        uint64_t sectors;
        struct fdc_format format;
    } rows[] = {
#define FDC_FORMAT(kib, c, h, s, type, rates) \
    {UINT64_C(kib) * 2, {c, h, s, type, rates}},
#include "x86vmm/dev/fdc_format.def"
#undef FDC_FORMAT
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].sectors == sectors)
            return &rows[i].format;
    return NULL;
}

/* ---- Interrupts and results ---- */

void fdc_set_line(struct fdc *f)
{
    x86_line_set(f->platform, X86_LINE_FLOPPY,
                 f->interrupt && (f->output & FDC_GATE));
}

void fdc_interrupt(struct fdc *f)
{
    f->interrupt = true;
    fdc_set_line(f);
}

void fdc_answer(struct fdc *f, unsigned n)
{
    f->phase = FDC_RESULTS;
    f->got = 0;
    f->end = n;
}

static void answer_byte(struct fdc *f, uint8_t byte)
{
    f->bytes[0] = byte;
    fdc_answer(f, 1);
}

static void done(struct fdc *f)
{
    f->phase = FDC_COMMANDS;
    f->got = 0;
}

/* ---- Reset ---- */

static void ready_again(void *owner, uint64_t arg)
{
    struct fdc *f = owner;

    (void)arg;
    f->waiting = ALL_DRIVES;
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        f->why[i] = (uint8_t)(FDC_POLLED | i);
    fdc_interrupt(f);
}

static void arrive(void *owner, uint64_t drive);

static void stop(struct fdc *f)
{
    clock_cancel(f->clock, ready_again, f);
    clock_cancel(f->clock, arrive, f);
    fdc_transfer_cancel(f);
    f->interrupt = false;
    f->waiting = f->seeking = 0;
    __builtin_memset(f->at_cylinder, 0, sizeof(f->at_cylinder));
    if (!f->locked)
        __builtin_memset(f->config, 0, sizeof(f->config));
    done(f);
    fdc_set_line(f);
}

static void begin(struct fdc *f)
{
    if (!(f->config[0] & FDC_NO_POLL) &&
        clock_after(f->clock, FDC_TICKS_RESET, ready_again, f, 0))
        ready_again(f, 0); /* no room to wait: at once, then */
}

static void write_output(struct fdc *f, uint8_t value)
{
    uint8_t before = f->output;

    f->output = value;
    if (!(value & OUT_RUNNING))
        stop(f);
    else if (!(before & OUT_RUNNING))
        begin(f);
    fdc_set_line(f);
}

static void write_rate(struct fdc *f, uint8_t value)
{
    f->rate = value & RATE_MASK;
    if ((value & RATE_RESET) && (f->output & OUT_RUNNING)) {
        stop(f);
        begin(f);
    }
}

/* ---- Seeks ---- */

void fdc_step(struct fdc *f, unsigned drive, int by)
{
    struct fdc_drive *d = &f->drives[drive];
    int to = d->cylinder + by;

    d->cylinder = (uint8_t)(to < 0               ? 0
                            : to > CYLINDER_LAST ? CYLINDER_LAST
                                                 : to);
    if (d->format)
        d->changed = false;
}

static void arrive(void *owner, uint64_t drive)
{
    struct fdc *f = owner;

    f->seeking &= (uint8_t) ~(1u << drive);
    f->waiting |= (uint8_t)(1u << drive);
    fdc_interrupt(f);
}

/* Steps take their time, in which other commands may be given. */
static void move(struct fdc *f, unsigned drive, int by, uint8_t why)
{
    unsigned steps = (unsigned)(by < 0 ? -by : by) + 1;
    uint8_t bit = (uint8_t)(1u << drive);

    fdc_step(f, drive, by);
    f->why[drive] = why | FDC_SEEK_END | (uint8_t)drive;
    done(f);
    if (f->seeking & bit) /* it arrives by the seek before */
        return;
    f->seeking |= bit;
    if (clock_after(f->clock, (uint64_t)FDC_TICKS_STEP * steps, arrive, f,
                    drive))
        arrive(f, drive);
}

static void seek(struct fdc *f)
{
    unsigned drive = f->bytes[1] & OUT_SELECT;
    int by = f->bytes[2] - f->at_cylinder[drive];

    f->at_cylinder[drive] = f->bytes[2];
    move(f, drive, by, f->bytes[1] & FDC_SIDE);
}

static void relative_seek(struct fdc *f)
{
    unsigned drive = f->bytes[1] & OUT_SELECT;
    int by = f->bytes[0] & 0x40 ? f->bytes[2] : -f->bytes[2];

    f->at_cylinder[drive] = (uint8_t)(f->at_cylinder[drive] + by);
    move(f, drive, by, f->bytes[1] & FDC_SIDE);
}

/* A drive that is not there never says that it is at cylinder 0. */
static void recalibrate(struct fdc *f)
{
    unsigned drive = f->bytes[1] & OUT_SELECT;
    bool there = f->drives[drive].format;

    f->at_cylinder[drive] = 0;
    move(f, drive, -f->drives[drive].cylinder,
         there ? 0 : FDC_ABNORMAL | FDC_NO_TRACK_0);
}

/* ---- Commands without data ---- */

static void sense_interrupt(struct fdc *f)
{
    unsigned drive = 0;

    if (!f->waiting) {
        answer_byte(f, FDC_INVALID_END);
        return;
    }
    while (!(f->waiting >> drive & 1))
        drive++;
    f->waiting &= (uint8_t) ~(1u << drive);
    f->interrupt = false;
    fdc_set_line(f);
    f->bytes[0] = f->why[drive];
    f->bytes[1] = f->at_cylinder[drive];
    fdc_answer(f, 2);
}

static void sense_drive(struct fdc *f)
{
    const struct fdc_drive *d = &f->drives[f->bytes[1] & OUT_SELECT];
    uint8_t st3 = (f->bytes[1] & (OUT_SELECT | FDC_SIDE)) | ST3_ALWAYS;

    st3 |= d->format && !d->cylinder ? ST3_TRACK_0 : 0;
    st3 |= d->format && d->medium.read_only ? ST3_PROTECTED : 0;
    answer_byte(f, st3);
}

static void specify(struct fdc *f)
{
    __builtin_memcpy(f->specified, f->bytes + 1, sizeof(f->specified));
    done(f);
}

static void configure(struct fdc *f)
{
    __builtin_memcpy(f->config, f->bytes + 2, sizeof(f->config));
    done(f);
}

static void perpendicular(struct fdc *f)
{
    f->gap = f->bytes[1];
    done(f);
}

static void version(struct fdc *f)
{
    answer_byte(f, VERSION_82077);
}

static void lock(struct fdc *f)
{
    f->locked = f->bytes[0] >> 7;
    answer_byte(f, (uint8_t)(f->locked << 4));
}

static void dump(struct fdc *f)
{
    const uint8_t registers[] = {
        f->at_cylinder[0], f->at_cylinder[1],
        f->at_cylinder[2], f->at_cylinder[3],
        f->specified[0],   f->specified[1],
        f->t.last,         (uint8_t)(f->locked << 7 | (f->gap & 0x3F)),
        f->config[0],      f->config[1]};

    __builtin_memcpy(f->bytes, registers, sizeof(registers));
    fdc_answer(f, sizeof(registers));
}

static void transfer(struct fdc *f)
{
    fdc_transfer(f);
}

static void read_id(struct fdc *f)
{
    fdc_read_id(f);
}

static void format_track(struct fdc *f)
{
    fdc_format_track(f);
}

/* ---- Taking commands ---- */

static const struct row {
    uint8_t code, mask, bytes;
    void (*run)(struct fdc *f);
} rows[FDC_INVALID] = {
#define FDC_COMMAND(name, code, mask, bytes, run) {code, mask, bytes, run},
#include "x86vmm/dev/fdc_command.def"
#undef FDC_COMMAND
};

static uint8_t command_of(uint8_t first)
{
    uint8_t i = 0;

    while (i < FDC_INVALID && (first & rows[i].mask) != rows[i].code)
        i++;
    return i;
}

static void take(struct fdc *f, uint8_t byte)
{
    if (!f->got)
        f->command = command_of(byte);
    f->bytes[f->got++] = byte;
    if (f->command == FDC_INVALID)
        answer_byte(f, FDC_INVALID_END);
    else if (f->got == rows[f->command].bytes)
        rows[f->command].run(f);
}

/* The first byte of results that is read takes the interrupt back. */
static uint8_t give(struct fdc *f)
{
    uint8_t byte = f->bytes[f->got++];

    if (f->got == 1 && !f->waiting) {
        f->interrupt = false;
        fdc_set_line(f);
    }
    if (f->got == f->end)
        done(f);
    return byte;
}

/* ---- Registers ---- */

static uint8_t main_status(const struct fdc *f)
{
    uint8_t status = f->seeking;

    if (!(f->output & OUT_RUNNING))
        return 0;
    switch (f->phase) {
    case FDC_COMMANDS:
        return status | MAIN_READY | (f->got ? MAIN_BUSY : 0);
    case FDC_RESULTS:
        return status | MAIN_READY | MAIN_BUSY | MAIN_TO_HOST;
    case FDC_TO_HOST:
        return status | MAIN_READY | MAIN_BUSY | MAIN_NO_DMA | MAIN_TO_HOST;
    case FDC_FROM_HOST:
        return status | MAIN_READY | MAIN_BUSY | MAIN_NO_DMA;
    default:
        return status | MAIN_BUSY;
    }
}

static uint8_t read_fifo(struct fdc *f)
{
    if (f->phase == FDC_RESULTS)
        return give(f);
    return f->phase == FDC_TO_HOST ? fdc_fifo_read(f) : 0xFF;
}

static void write_fifo(struct fdc *f, uint8_t value)
{
    if (!(f->output & OUT_RUNNING))
        return;
    if (f->phase == FDC_COMMANDS)
        take(f, value);
    else if (f->phase == FDC_FROM_HOST)
        fdc_fifo_write(f, value);
}

static uint8_t read_register(void *dev, unsigned reg)
{
    struct fdc *f = dev;

    switch (reg) {
    case OUTPUT:
        return f->output;
    case TAPE:
        return f->tape;
    case STATUS_RATE:
        return main_status(f);
    default:
        return read_fifo(f);
    }
}

static void write_register(void *dev, unsigned reg, uint8_t value)
{
    struct fdc *f = dev;

    switch (reg) {
    case OUTPUT:
        write_output(f, value);
        break;
    case TAPE:
        f->tape = value & OUT_SELECT;
        break;
    case STATUS_RATE:
        write_rate(f, value);
        break;
    default:
        write_fifo(f, value);
        break;
    }
}

static uint8_t read_changed(void *dev, unsigned reg)
{
    const struct fdc *f = dev;
    unsigned drive = f->output & OUT_SELECT;

    (void)reg;
    if (!(f->output >> (FDC_MOTORS + drive) & 1))
        return 0;
    return !f->drives[drive].format || f->drives[drive].changed ? IN_CHANGED
                                                                : 0;
}

static void write_changed(void *dev, unsigned reg, uint8_t value)
{
    (void)reg;
    ((struct fdc *)dev)->rate = value & RATE_MASK;
}

void fdc_io(void *dev, uint64_t offset, unsigned size, bool write,
            uint64_t *value)
{
    bytewise_io(dev, FDC_PORTS, read_register, write_register, offset, size,
                write, value);
}

void fdc_rate_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value)
{
    bytewise_io(dev, 1, read_changed, write_changed, offset, size, write,
                value);
}

void fdc_init(struct fdc *f, struct clock *clock, struct x86_platform *platform,
              struct dma *dma, const struct fdc_medium media[FDC_DISKS])
{
    *f = (struct fdc){.clock = clock,
                      .platform = platform,
                      .dma = dma,
                      .rate = RATE_250,
                      .output = 0};
    for (unsigned i = 0; i < FDC_DISKS; i++) {
        f->drives[i].medium = media[i];
        f->drives[i].format = fdc_format_of(media[i].disk.sectors);
        f->drives[i].changed = true;
    }
}
