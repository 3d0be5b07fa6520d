#include "x86vmm/dev/dev_ide.h"

#include "x86vmm/dev/bytewise.h"

enum {
    DATA,
    ERROR_FEATURES,
    COUNT,
    LOW,
    MIDDLE,
    HIGH,
    DEVICE,
    STATUS_COMMAND,
    REGISTERS
};

enum {
    ST_ERROR = 1,
    ST_DRQ = 8,
    ST_SEEK = 0x10, /* obsolete: seek complete; old drivers wait for it */
    ST_READY = 0x40,
    ST_BUSY = 0x80,
    ER_ABORT = 4,
    ER_NOT_FOUND = 0x10,
    ER_MEDIUM = 0x40,
    ER_PASSED = 1, /* of the diagnostic: device 0 is good */
    DEV_LBA = 0x40,
    CTL_NO_IRQ = 2,
    CTL_RESET = 4,
    CTL_HIGH_ORDER = 0x80,
};

static struct ide_drive *drive(struct ide *d)
{
    return &d->drives[d->device >> 4 & 1];
}

static bool is_there(const struct ide *d)
{
    return ide_drive(d)->medium.sectors;
}

/* Is there any? */
static bool is_connected(const struct ide *d)
{
    return d->drives[0].medium.sectors || d->drives[1].medium.sectors;
}

static void set_line(struct ide *d)
{
    x86_line_set(d->platform, X86_LINE_DISK,
                 d->interrupt && !(d->control & CTL_NO_IRQ) && is_there(d));
}

static void interrupt(struct ide *d)
{
    d->interrupt = true;
    set_line(d);
}

static void finish(struct ide *d)
{
    d->phase = IDE_IDLE;
    d->status = ST_READY | ST_SEEK;
    interrupt(d);
}

static void fail(struct ide *d, uint8_t error)
{
    d->phase = IDE_IDLE;
    d->status = ST_READY | ST_SEEK | ST_ERROR;
    d->error = error;
    interrupt(d);
}

static void reset(struct ide *d)
{
    d->phase = IDE_IDLE;
    d->status = ST_READY | ST_SEEK;
    d->error = ER_PASSED;
    d->count[0] = d->low[0] = 1;
    d->middle[0] = d->high[0] = 0;
    d->device = 0;
    d->interrupt = false;
    set_line(d);
}

/* ---- Addresses ---- */

/* Of commands whose operation code has the 48-bit form's. */
static bool is_extended(uint8_t command)
{
    switch (command) {
    case 0x24: /* READ SECTORS EXT */
    case 0x29: /* READ MULTIPLE EXT */
    case 0x34: /* WRITE SECTORS EXT */
    case 0x39: /* WRITE MULTIPLE EXT */
    case 0x42: /* READ VERIFY EXT */
        return true;
    default:
        return false;
    }
}

static uint64_t lba_48(const struct ide *d)
{
    return (uint64_t)d->low[0] | (uint64_t)d->middle[0] << 8 |
           (uint64_t)d->high[0] << 16 | (uint64_t)d->low[1] << 24 |
           (uint64_t)d->middle[1] << 32 | (uint64_t)d->high[1] << 40;
}

/* The sector that the registers name; UINT64_MAX for none. */
static uint64_t address(const struct ide *d)
{
    uint32_t low = (uint32_t)d->low[0] | (uint32_t)d->middle[0] << 8 |
                   (uint32_t)d->high[0] << 16;

    if (is_extended(d->command))
        return lba_48(d);
    if (d->device & DEV_LBA)
        return low | (uint32_t)(d->device & 0xF) << 24;
    const struct ide_drive *v = ide_drive(d);
    uint32_t head = d->device & 0xF, sector = d->low[0], cylinder = low >> 8;
    if (!sector || sector > v->sectors || head >= v->heads)
        return UINT64_MAX;
    return ((uint64_t)cylinder * v->heads + head) * v->sectors + sector - 1;
}

/* Leave the address of a sector in the registers. */
static void set_address(struct ide *d, uint64_t sector)
{
    if (!is_extended(d->command) && !(d->device & DEV_LBA)) {
        const struct ide_drive *v = ide_drive(d);
        uint64_t track = sector / v->sectors, cylinder = track / v->heads;

        d->low[0] = (uint8_t)(sector % v->sectors + 1);
        d->middle[0] = (uint8_t)cylinder;
        d->high[0] = (uint8_t)(cylinder >> 8);
        d->device = (uint8_t)((d->device & 0xF0) | track % v->heads);
        return;
    }
    d->low[0] = (uint8_t)sector;
    d->middle[0] = (uint8_t)(sector >> 8);
    d->high[0] = (uint8_t)(sector >> 16);
    if (is_extended(d->command)) {
        d->low[1] = (uint8_t)(sector >> 24);
        d->middle[1] = (uint8_t)(sector >> 32);
        d->high[1] = (uint8_t)(sector >> 40);
    } else {
        d->device = (uint8_t)((d->device & 0xF0) | (sector >> 24 & 0xF));
    }
}

/* Sector and count from the registers; an error when the disk has no such
 * sectors. */
static bool take_address(struct ide *d)
{
    d->sector = address(d);
    if (is_extended(d->command)) {
        d->left = (uint32_t)d->count[1] << 8 | d->count[0];
        d->left = d->left ? d->left : 0x10000;
    } else {
        d->left = d->count[0] ? d->count[0] : 0x100;
    }
    uint64_t all = ide_drive(d)->medium.sectors;
    if (d->sector < all && d->left <= all - d->sector)
        return true;
    fail(d, ER_NOT_FOUND);
    return false;
}

/* ---- Data ---- */

static void after(struct ide *d);

static void later(void *owner, uint64_t arg)
{
    (void)arg;
    after(owner);
}

/* Be busy for a while; then `after` does what is to be done. */
static void wait(struct ide *d)
{
    d->phase = IDE_BUSY;
    d->status = ST_BUSY | ST_SEEK;
    if (clock_after(d->clock, IDE_LATENCY, later, d, 0))
        after(d); /* no room to wait: at once, then */
}

static uint32_t next_block(const struct ide *d)
{
    return min_u32(d->block, d->left);
}

static void offer(struct ide *d, uint32_t bytes, enum ide_phase phase)
{
    d->at = 0;
    d->end = bytes;
    d->phase = phase;
    d->status = ST_READY | ST_SEEK | ST_DRQ;
}

/* The next block of sectors is read, or has been written by the host. */
static bool move_block(struct ide *d)
{
    const struct ide_medium *m = &drive(d)->medium;

    for (uint32_t n = next_block(d), i = 0; i < n; i++) {
        uint8_t *bytes = d->data + (size_t)i * IDE_SECTOR;
        bool good = d->in ? m->read(m->who, d->sector, bytes)
                          : m->write(m->who, d->sector, bytes);
        if (!good) {
            set_address(d, d->sector);
            fail(d, d->in ? ER_MEDIUM : ER_ABORT);
            return false;
        }
        d->sector++;
        d->left--;
    }
    set_address(d, d->sector - 1);
    return true;
}

static void after(struct ide *d)
{
    uint32_t n = next_block(d);

    if (!move_block(d))
        return;
    if (d->in) {
        offer(d, n * IDE_SECTOR, IDE_READS);
        interrupt(d);
    } else if (d->left) {
        offer(d, next_block(d) * IDE_SECTOR, IDE_WRITES);
        interrupt(d);
    } else {
        finish(d);
    }
}

/* The host has moved the whole block. */
static void block_done(struct ide *d)
{
    if (d->phase == IDE_WRITES || (d->in && d->left)) {
        wait(d);
        return;
    }
    d->phase = IDE_IDLE;
    d->status = ST_READY | ST_SEEK;
}

static uint64_t read_data(struct ide *d, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = 0xFF;

        if (d->phase == IDE_READS && d->at < d->end)
            byte = d->data[d->at++];
        value |= (uint64_t)byte << 8 * i;
    }
    if (d->phase == IDE_READS && d->at >= d->end)
        block_done(d);
    return value;
}

static void write_data(struct ide *d, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        if (d->phase == IDE_WRITES && d->at < d->end)
            d->data[d->at++] = (uint8_t)(value >> 8 * i);
    if (d->phase == IDE_WRITES && d->at >= d->end)
        block_done(d);
}

/* ---- Commands ---- */

static void begin_read(struct ide *d, uint32_t block)
{
    d->in = true;
    d->block = block;
    if (take_address(d))
        wait(d);
}

static void begin_write(struct ide *d, uint32_t block)
{
    d->in = false;
    d->block = block;
    if (take_address(d)) /* the first block is asked for without interrupt */
        offer(d, next_block(d) * IDE_SECTOR, IDE_WRITES);
}

static void identify(struct ide *d)
{
    ide_identify(drive(d), d->data);
    d->in = true;
    d->left = 0;
    offer(d, IDE_SECTOR, IDE_READS);
    interrupt(d);
}

static void set_geometry(struct ide *d)
{
    if (ide_drive_divide(drive(d), (d->device & 0xF) + 1u, d->count[0]))
        finish(d);
    else
        fail(d, ER_ABORT);
}

static void set_multiple(struct ide *d)
{
    uint8_t n = d->count[0];

    if (n > IDE_MULTIPLE_MAX || (n & (n - 1))) {
        fail(d, ER_ABORT);
        return;
    }
    drive(d)->multiple = n;
    finish(d);
}

/* Transfer modes of programmed I/O, and caches, which are as they are. */
static void set_features(struct ide *d)
{
    switch (d->features[0]) {
    case 0x03: /* transfer mode */
        if (d->count[0] > 0x0C)
            break;
        finish(d);
        return;
    case 0x02: /* write cache */
    case 0x82:
    case 0x55: /* look-ahead */
    case 0xAA:
    case 0x66: /* defaults after a reset */
    case 0xCC:
        finish(d);
        return;
    default:
        break;
    }
    fail(d, ER_ABORT);
}

static void flush(struct ide *d)
{
    const struct ide_medium *m = &drive(d)->medium;

    if (m->flush && !m->flush(m->who))
        fail(d, ER_ABORT);
    else
        finish(d);
}

static void diagnose(struct ide *d)
{
    reset(d);
    interrupt(d);
}

static void read_verify(struct ide *d)
{
    if (take_address(d)) {
        set_address(d, d->sector + d->left - 1);
        finish(d);
    }
}

static void set_maximum(struct ide *d, bool extended)
{
    uint64_t last = drive(d)->medium.sectors - 1;

    d->device |= DEV_LBA;
    set_address(d, extended ? last : min_u64(last, IDE_LBA28_MAX));
    finish(d);
}

/* Commands that only say that all is well, and what a guest may send. */
static void rest(struct ide *d)
{
    switch (d->command) {
    case 0x91:
        set_geometry(d);
        return;
    case 0xC6:
        set_multiple(d);
        return;
    case 0xEF:
        set_features(d);
        return;
    case 0xE7: /* FLUSH CACHE, EXT */
    case 0xEA:
        flush(d);
        return;
    case 0x90:
        diagnose(d);
        return;
    case 0xF8: /* READ NATIVE MAX ADDRESS, EXT */
    case 0x27:
        set_maximum(d, d->command == 0x27);
        return;
    case 0xE5: /* CHECK POWER MODE: active */
        d->count[0] = 0xFF;
        finish(d);
        return;
    case 0xE0: /* STANDBY, IDLE, at once or in time; SEEK */
    case 0xE1:
    case 0xE2:
    case 0xE3:
    case 0x70:
        finish(d);
        return;
    default:
        if (d->command >> 4 == 1) /* RECALIBRATE */
            finish(d);
        else
            fail(d, ER_ABORT);
        return;
    }
}

static void execute(struct ide *d, uint8_t command)
{
    d->command = command;
    d->error = 0;
    d->interrupt = false;
    set_line(d);
    switch (command) {
    case 0xEC:
        identify(d);
        break;
    case 0x20: /* READ SECTORS, with retries and without; EXT */
    case 0x21:
    case 0x24:
        begin_read(d, 1);
        break;
    case 0x30:
    case 0x31:
    case 0x34:
        begin_write(d, 1);
        break;
    case 0xC4: /* MULTIPLE */
    case 0x29:
    case 0xC5:
    case 0x39:
        if (!drive(d)->multiple)
            fail(d, ER_ABORT);
        else if (command == 0xC4 || command == 0x29)
            begin_read(d, drive(d)->multiple);
        else
            begin_write(d, drive(d)->multiple);
        break;
    case 0x40:
    case 0x41:
    case 0x42:
        read_verify(d);
        break;
    default:
        rest(d);
        break;
    }
}

/* ---- Registers ---- */

static uint8_t of(const struct ide *d, const uint8_t pair[2])
{
    return pair[d->control & CTL_HIGH_ORDER ? 1 : 0];
}

static uint8_t read_register(void *dev, unsigned reg)
{
    struct ide *d = dev;

    if (!is_connected(d))
        return 0xFF;
    if (!is_there(d)) /* the other one answers for it: nothing */
        return reg == DEVICE ? d->device : 0;
    switch (reg) {
    case ERROR_FEATURES:
        return d->error;
    case COUNT:
        return of(d, d->count);
    case LOW:
        return of(d, d->low);
    case MIDDLE:
        return of(d, d->middle);
    case HIGH:
        return of(d, d->high);
    case DEVICE:
        return d->device | 0xA0;
    default:
        d->interrupt = false;
        set_line(d);
        return d->status;
    }
}

static void push(uint8_t pair[2], uint8_t value)
{
    pair[1] = pair[0];
    pair[0] = value;
}

static void write_register(void *dev, unsigned reg, uint8_t value)
{
    struct ide *d = dev;

    if ((d->status & ST_BUSY) || !is_connected(d))
        return;
    d->control &= (uint8_t)~CTL_HIGH_ORDER;
    switch (reg) {
    case ERROR_FEATURES:
        push(d->features, value);
        break;
    case COUNT:
        push(d->count, value);
        break;
    case LOW:
        push(d->low, value);
        break;
    case MIDDLE:
        push(d->middle, value);
        break;
    case HIGH:
        push(d->high, value);
        break;
    case DEVICE:
        d->device = value;
        set_line(d);
        break;
    default:
        if (is_there(d) || value == 0x90)
            execute(d, value);
        break;
    }
}

void ide_io(void *dev, uint64_t offset, unsigned size, bool write,
            uint64_t *value)
{
    struct ide *d = dev;

    if (offset != DATA)
        bytewise_io(dev, REGISTERS, read_register, write_register, offset, size,
                    write, value);
    else if (write)
        write_data(d, size, *value);
    else
        *value = read_data(d, size);
}

static uint8_t read_control(void *dev, unsigned reg)
{
    const struct ide *d = dev;

    (void)reg;
    return is_there(d) ? d->status : is_connected(d) ? 0 : 0xFF;
}

/* A reset lasts while its bit is on. */
static void write_control(void *dev, unsigned reg, uint8_t value)
{
    struct ide *d = dev;
    bool was = d->control & CTL_RESET;

    (void)reg;
    d->control = value;
    if (value & CTL_RESET) {
        clock_cancel(d->clock, later, d);
        d->status = ST_BUSY;
        d->phase = IDE_BUSY;
    } else if (was) {
        reset(d);
    }
    set_line(d);
}

void ide_control_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    bytewise_io(dev, 1, read_control, write_control, offset, size, write,
                value);
}

void ide_init(struct ide *d, struct clock *clock, struct x86_platform *platform,
              const struct ide_medium media[2])
{
    clock_cancel(clock, later, d);
    *d = (struct ide){
        .drives = {ide_drive_make(&media[0]), ide_drive_make(&media[1])},
        .clock = clock,
        .platform = platform};
    reset(d);
}
