/* The execution phase of the floppy controller: sectors under the heads. */
#include "x86vmm/dev/dev_fdc.h"

enum {
    ST1_NO_MARK = 1,
    ST1_PROTECTED = 2,
    ST1_NO_DATA = 4, /* no such sector */
    ST1_OVERRUN = 0x10,
    ST1_DATA_ERROR = 0x20,
    ST1_END = 0x80, /* behind the last sector of the cylinder */
    ST2_NO_MARK = 1,
    ST2_NOT_MET = 4, /* of SCAN */
    ST2_EQUAL = 8,
    ST2_CYLINDER = 0x10,
    ST2_DATA_ERROR = 0x20,
    ST2_MARK = 0x40, /* not the kind of data mark that was asked for */
    MFM = 0x40,
    MULTI = 0x80,
    SKIP = 0x20,
    VERIFY_COUNT = 0x80, /* of its second byte */
    SIZE_512 = 2,
    ID_BYTES = 4
};

static void turn(void *owner, uint64_t arg);

/* The next sector comes by. */
static void wait(struct fdc *f)
{
    f->phase = FDC_BUSY;
    if (clock_after(f->clock, FDC_TICKS_SECTOR, turn, f, 0))
        turn(f, 0); /* no room to wait: at once, then */
}

void fdc_transfer_cancel(struct fdc *f)
{
    clock_cancel(f->clock, turn, f);
}

static void finish(struct fdc *f, uint8_t how)
{
    const struct fdc_transfer *t = &f->t;
    const uint8_t results[] = {
        (uint8_t)(how | (t->head ? FDC_SIDE : 0) | t->drive),
        f->st1,
        f->st2,
        t->cylinder,
        t->head,
        t->sector,
        t->size};

    __builtin_memcpy(f->bytes, results, sizeof(results));
    fdc_answer(f, sizeof(results));
    fdc_interrupt(f);
}

static void fail(struct fdc *f, uint8_t st1, uint8_t st2)
{
    f->st1 |= st1;
    f->st2 |= st2;
    finish(f, FDC_ABNORMAL);
}

static const struct fdc_drive *drive_of(const struct fdc *f)
{
    return &f->drives[f->t.drive];
}

/* Can anything be read under this head? */
static bool is_formatted(const struct fdc *f)
{
    const struct fdc_drive *d = drive_of(f);

    return (f->bytes[0] & MFM) && (d->format->rates >> f->rate & 1) &&
           f->t.head < d->format->heads && d->cylinder < d->format->cylinders;
}

/* The sector's number on the disk. */
static uint64_t number(const struct fdc *f, unsigned sector)
{
    const struct fdc_drive *d = drive_of(f);

    return ((uint64_t)d->cylinder * d->format->heads + f->t.head) *
               d->format->sectors +
           sector - 1;
}

/* Look for the sector; READ TRACK takes what comes. */
static bool find(struct fdc *f)
{
    const struct fdc_transfer *t = &f->t;
    const struct fdc_drive *d = drive_of(f);
    bool there = t->sector >= 1 && t->sector <= d->format->sectors;

    if (!is_formatted(f)) {
        fail(f, ST1_NO_MARK, f->command == FDC_READ_ID ? 0 : ST2_NO_MARK);
        return false;
    }
    if (t->cylinder != d->cylinder) {
        fail(f, ST1_NO_DATA, ST2_CYLINDER);
        return false;
    }
    if (!there || t->size != SIZE_512) {
        fail(f, ST1_NO_DATA, 0);
        return false;
    }
    return true;
}

/* To the next sector's identification; false behind the last one (82077AA data
 * sheet, "Result phase table"). */
static bool advance(struct fdc_transfer *t)
{
    if (t->sector != t->last) {
        t->sector++;
        return true;
    }
    t->sector = 1;
    if (t->multi) {
        t->head ^= 1;
        if (t->head)
            return true;
    }
    t->cylinder++;
    return false;
}

/* ---- What the commands do with a sector ---- */

static bool reads(const struct fdc *f)
{
    return f->command == FDC_READ || f->command == FDC_READ_DELETED ||
           f->command == FDC_READ_TRACK;
}

static bool writes(const struct fdc *f)
{
    return f->command == FDC_WRITE || f->command == FDC_WRITE_DELETED ||
           f->command == FDC_FORMAT;
}

static bool read_disk(const struct fdc *f, uint8_t *bytes)
{
    const struct ide_medium *m = &drive_of(f)->medium.disk;

    return m->read(m->who, number(f, f->t.sector), bytes);
}

static bool write_disk(const struct fdc *f, unsigned sector)
{
    const struct ide_medium *m = &drive_of(f)->medium.disk;

    return m->write(m->who, number(f, sector), f->data);
}

/* FORMAT: the identification says which sector; all of it gets the filler.
 * One that the disk has no place for is not kept. */
static bool format_sector(struct fdc *f)
{
    const struct fdc_drive *d = drive_of(f);
    unsigned sector = f->data[2];
    bool ours = f->data[0] == d->cylinder && f->data[1] == f->t.head &&
                f->data[3] == SIZE_512 && sector >= 1 &&
                sector <= d->format->sectors;

    __builtin_memset(f->data, f->bytes[5], FDC_SECTOR);
    return !ours || write_disk(f, sector);
}

/* SCAN: every byte of the sector against the host's; FFh of either is equal to
 * all.  True when the condition is met. */
static bool compare(struct fdc *f, const uint8_t *disk)
{
    int order = 0;

    for (unsigned i = 0; i < FDC_SECTOR && !order; i++)
        if (disk[i] != 0xFF && f->data[i] != 0xFF)
            order = disk[i] - f->data[i];
    f->st2 &= (uint8_t) ~(ST2_EQUAL | ST2_NOT_MET);
    f->st2 |= !order ? ST2_EQUAL : 0;
    bool met = !order || (f->command == FDC_SCAN_LOW && order < 0) ||
               (f->command == FDC_SCAN_HIGH && order > 0);
    f->st2 |= met ? 0 : ST2_NOT_MET;
    return met;
}

static bool scans(const struct fdc *f)
{
    return f->command == FDC_SCAN_EQUAL || f->command == FDC_SCAN_LOW ||
           f->command == FDC_SCAN_HIGH;
}

/* ---- From sector to sector ---- */

static void end_of_cylinder(struct fdc *f)
{
    if (f->command == FDC_VERIFY || f->command == FDC_READ_TRACK || scans(f))
        finish(f, 0);
    else
        fail(f, ST1_END, 0);
}

/* SCAN steps by its last byte, 1 or 2. */
static bool advance_by(struct fdc *f)
{
    unsigned n = scans(f) && f->bytes[8] == 2 ? 2 : 1;
    bool more = true;

    while (n-- && more)
        more = advance(&f->t);
    return more;
}

/* FORMAT names no sector in its results. */
static void format_next(struct fdc *f, bool ended)
{
    if (--f->t.left && !ended)
        wait(f);
    else
        finish(f, 0);
}

/* The data of a sector are where they belong; `ended` is TC of the DMA. */
static void sector_done(struct fdc *f, bool ended, bool met)
{
    bool more;

    if (f->command == FDC_FORMAT) {
        format_next(f, ended);
        return;
    }
    more = advance_by(f);
    if (f->command == FDC_VERIFY && (f->bytes[1] & VERIFY_COUNT) &&
        !--f->t.left)
        ended = true;
    if (ended || (scans(f) && met) || (f->st2 & ST2_MARK))
        finish(f, 0);
    else if (more)
        wait(f);
    else
        end_of_cylinder(f);
}

/* All bytes that the sector wants from the host, or has for it, have moved. */
static void moved(struct fdc *f, bool ended)
{
    uint8_t disk[FDC_SECTOR];
    bool good = true, met = false;

    if (f->command == FDC_FORMAT)
        good = format_sector(f);
    else if (writes(f))
        good = write_disk(f, f->t.sector);
    else if (scans(f) && (good = read_disk(f, disk)))
        met = compare(f, disk);
    if (good)
        sector_done(f, ended, met);
    else
        fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
}

/* Ask the host for its bytes, or offer them. */
static void exchange(struct fdc *f, unsigned n)
{
    bool ended = false;

    f->got = 0;
    f->end = n;
    if (f->specified[1] & FDC_NO_DMA) {
        f->phase = reads(f) ? FDC_TO_HOST : FDC_FROM_HOST;
        fdc_interrupt(f);
        return;
    }
    if (!(f->output & FDC_GATE))
        return; /* its request reaches nobody */
    size_t done = dma_move(f->dma, FDC_DMA, f->data, n, &ended);
    if (done < n && !ended) {
        fail(f, ST1_OVERRUN, 0);
        return;
    }
    if (done < n && !reads(f)) /* the rest of the sector is zeros */
        __builtin_memset(f->data + done, 0, n - done);
    moved(f, ended);
}

/* Marks: all data on these disks are plain. */
static bool mark_fits(struct fdc *f)
{
    if (f->command != FDC_READ_DELETED)
        return true;
    if (f->t.skip) {
        sector_done(f, false, false);
        return false;
    }
    f->st2 |= ST2_MARK;
    return true;
}

static void turn(void *owner, uint64_t arg)
{
    struct fdc *f = owner;

    (void)arg;
    if (f->command == FDC_FORMAT) {
        exchange(f, ID_BYTES);
        return;
    }
    if (!find(f))
        return;
    if (f->command == FDC_READ_ID) {
        finish(f, 0);
        return;
    }
    if (!mark_fits(f))
        return;
    if ((reads(f) || f->command == FDC_VERIFY) && !read_disk(f, f->data))
        fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
    else if (f->command == FDC_VERIFY)
        sector_done(f, false, false);
    else
        exchange(f, FDC_SECTOR);
}

/* ---- The FIFO, without DMA ---- */

static void fifo_moved(struct fdc *f)
{
    if (f->got < f->end)
        return;
    f->interrupt = false;
    fdc_set_line(f);
    moved(f, false);
}

uint8_t fdc_fifo_read(struct fdc *f)
{
    uint8_t byte = f->data[f->got++];

    fifo_moved(f);
    return byte;
}

void fdc_fifo_write(struct fdc *f, uint8_t value)
{
    f->data[f->got++] = value;
    fifo_moved(f);
}

/* ---- Commands ---- */

/* Without an index hole it never begins; a write-protected disk is seen at
 * once. */
static void start(struct fdc *f)
{
    f->phase = FDC_BUSY;
    f->st1 = f->st2 = 0;
    if (!fdc_ready(f, f->t.drive))
        return;
    if (writes(f) && drive_of(f)->medium.read_only)
        fail(f, ST1_PROTECTED, 0);
    else
        wait(f);
}

void fdc_transfer(struct fdc *f)
{
    const uint8_t *b = f->bytes;
    struct fdc_transfer *t = &f->t;

    *t = (struct fdc_transfer){.drive = b[1] & 3,
                               .cylinder = b[2],
                               .head = b[3] & 1,
                               .sector = b[4],
                               .size = b[5],
                               .last = b[6],
                               .left = b[8],
                               .multi = b[0] & MULTI,
                               .skip = b[0] & SKIP};
    if (f->command == FDC_READ_TRACK) {
        t->sector = 1;
        t->multi = false;
    }
    if ((f->config[0] & FDC_IMPLIED) && f->drives[t->drive].format) {
        fdc_step(f, t->drive, t->cylinder - f->at_cylinder[t->drive]);
        f->at_cylinder[t->drive] = t->cylinder;
    }
    start(f);
}

/* Which one comes next is a matter of time. */
void fdc_read_id(struct fdc *f)
{
    const struct fdc_drive *d = &f->drives[f->bytes[1] & 3];
    uint64_t turned = f->clock->now / FDC_TICKS_SECTOR;

    f->t = (struct fdc_transfer){.drive = f->bytes[1] & 3,
                                 .cylinder = d->cylinder,
                                 .head = f->bytes[1] & FDC_SIDE ? 1 : 0,
                                 .size = SIZE_512};
    f->t.sector =
        d->format ? (uint8_t)(turned % d->format->sectors + 1) : (uint8_t)1;
    start(f);
}

void fdc_format_track(struct fdc *f)
{
    const struct fdc_drive *d = &f->drives[f->bytes[1] & 3];

    f->t = (struct fdc_transfer){.drive = f->bytes[1] & 3,
                                 .cylinder = d->cylinder,
                                 .head = f->bytes[1] & FDC_SIDE ? 1 : 0,
                                 .sector = 1,
                                 .size = f->bytes[2],
                                 .left = f->bytes[3]};
    start(f);
    if (f->phase == FDC_BUSY && fdc_ready(f, f->t.drive) && !is_formatted(f)) {
        fdc_transfer_cancel(f);
        fail(f, ST1_NO_MARK, 0);
    }
}
