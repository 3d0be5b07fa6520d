#include "x86vmm/dev/dev_dma.h"

#include "x86vmm/dev/bytewise.h"

enum { CHANNELS = 4, CASCADE = 4 };

/* Registers behind the four pairs of address and count. */
enum {
    STATUS_COMMAND = 8,
    REQUEST,
    MASK_ONE,
    MODE,
    CLEAR_FLIP_FLOP,
    TEMPORARY_CLEAR,
    CLEAR_MASK,
    MASK_ALL,
    REGISTERS
};

enum {
    COMMAND_OFF = 4,
    MODE_TYPE = 0x0C,
    TYPE_WRITE = 0x04, /* to storage */
    TYPE_READ = 0x08,
    MODE_AUTO = 0x10, /* begin anew at the end of the count */
    MODE_DOWN = 0x20,
    MODE_KIND = 0xC0,
    KIND_CASCADE = 0xC0,
    MASK_SET = 4
};

/* ---- Transfers ---- */

static struct dma_channel *channel_of(struct dma *d, unsigned channel)
{
    return &d->chips[channel / CHANNELS].channels[channel % CHANNELS];
}

static bool is_open(const struct dma_chip *c, unsigned n)
{
    return !(c->command & COMMAND_OFF) && !(c->mask >> n & 1);
}

/* The first chip asks through the second one's channel 0. */
static bool answers(struct dma *d, unsigned channel)
{
    if (channel >= DMA_CHANNELS || channel == CASCADE)
        return false;
    if (channel < CASCADE &&
        (!is_open(&d->chips[1], 0) ||
         (channel_of(d, CASCADE)->mode & MODE_KIND) != KIND_CASCADE))
        return false;
    return is_open(&d->chips[channel / CHANNELS], channel % CHANNELS) &&
           (channel_of(d, channel)->mode & MODE_KIND) != KIND_CASCADE;
}

/* Which page register is whose. */
static uint8_t page(const struct dma *d, unsigned channel)
{
    static const uint8_t at[DMA_CHANNELS] = {7, 3, 1, 2, 15, 11, 9, 10};

    return d->pages[at[channel]];
}

/* Words count in units of two bytes; the page's bit 0 is the address's. */
static uint64_t address(struct dma *d, unsigned channel)
{
    const struct dma_channel *c = channel_of(d, channel);

    if (channel < CASCADE)
        return (uint64_t)page(d, channel) << 16 | c->address;
    return (uint64_t)(page(d, channel) & 0xFE) << 16 | (uint64_t)c->address
                                                           << 1;
}

static void move_byte(struct dma *d, uint64_t gpa, uint8_t type, uint8_t *byte)
{
    const struct mem_slot *slot = mem_find(d->mem, gpa, 1);

    if (type == TYPE_READ) {
        *byte = slot ? slot->host[gpa - slot->gpa] : 0xFF;
    } else if (type == TYPE_WRITE && slot && !(slot->flags & MEM_READ_ONLY)) {
        slot->host[gpa - slot->gpa] = *byte;
        if (d->written)
            d->written(d->who, gpa, 1);
    }
}

/* One unit is done; true when it was the last. */
static bool count_down(struct dma_chip *chip, unsigned n)
{
    struct dma_channel *c = &chip->channels[n];

    c->address =
        (uint16_t)(c->mode & MODE_DOWN ? c->address - 1u : c->address + 1u);
    if (c->count--)
        return false;
    chip->status |= (uint8_t)(1u << n);
    if (c->mode & MODE_AUTO) {
        c->address = c->base_address;
        c->count = c->base_count;
    } else {
        chip->mask |= (uint8_t)(1u << n);
    }
    return true;
}

size_t dma_move(struct dma *d, unsigned channel, uint8_t *bytes, size_t n,
                bool *ended)
{
    size_t unit = channel < CASCADE ? 1 : 2, moved = 0;

    *ended = false;
    if (!answers(d, channel))
        return 0;
    uint8_t type = channel_of(d, channel)->mode & MODE_TYPE;
    while (!*ended && moved + unit <= n) {
        for (size_t i = 0; i < unit; i++)
            move_byte(d, address(d, channel) + i, type, &bytes[moved + i]);
        moved += unit;
        *ended = count_down(&d->chips[channel / CHANNELS], channel % CHANNELS);
    }
    return moved;
}

/* ---- Registers ---- */

static void set_half(uint16_t *word, uint8_t value, bool high)
{
    *word = (uint16_t)(high ? (*word & 0xFF) | value << 8
                            : (*word & 0xFF00) | value);
}

/* Base and current at once. */
static void write_pair(struct dma_chip *chip, unsigned reg, uint8_t value)
{
    struct dma_channel *c = &chip->channels[reg / 2];

    if (reg % 2) {
        set_half(&c->base_count, value, chip->high);
        c->count = c->base_count;
    } else {
        set_half(&c->base_address, value, chip->high);
        c->address = c->base_address;
    }
    chip->high = !chip->high;
}

static uint8_t read_pair(struct dma_chip *chip, unsigned reg)
{
    const struct dma_channel *c = &chip->channels[reg / 2];
    uint16_t word = reg % 2 ? c->count : c->address;

    chip->high = !chip->high;
    return (uint8_t)(chip->high ? word : word >> 8);
}

static void clear(struct dma_chip *c)
{
    c->command = c->status = 0;
    c->mask = 0xF;
    c->high = false;
}

static void write_chip(struct dma_chip *c, unsigned reg, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << value % CHANNELS);

    if (reg < STATUS_COMMAND) {
        write_pair(c, reg, value);
        return;
    }
    switch (reg) {
    case STATUS_COMMAND:
        c->command = value;
        break;
    case MASK_ONE:
        c->mask = value & MASK_SET ? c->mask | bit : c->mask & (uint8_t)~bit;
        break;
    case MODE:
        c->channels[value % CHANNELS].mode = value;
        break;
    case CLEAR_FLIP_FLOP:
        c->high = false;
        break;
    case TEMPORARY_CLEAR:
        clear(c);
        break;
    case CLEAR_MASK:
        c->mask = 0;
        break;
    case MASK_ALL:
        c->mask = value & 0xF;
        break;
    default: /* requests by software: none */
        break;
    }
}

static uint8_t read_chip(struct dma_chip *c, unsigned reg)
{
    uint8_t status = c->status;

    if (reg < STATUS_COMMAND)
        return read_pair(c, reg);
    switch (reg) {
    case STATUS_COMMAND: /* to read the ends is to forget them */
        c->status = 0;
        return status;
    case TEMPORARY_CLEAR:
        return 0;
    case MASK_ALL: /* as later chipsets have it */
        return c->mask | 0xF0;
    default:
        return 0xFF;
    }
}

static uint8_t read_first(void *dev, unsigned reg)
{
    return read_chip(&((struct dma *)dev)->chips[0], reg);
}

static void write_first(void *dev, unsigned reg, uint8_t value)
{
    write_chip(&((struct dma *)dev)->chips[0], reg, value);
}

static uint8_t read_second(void *dev, unsigned reg)
{
    return reg % 2 ? 0xFF : read_chip(&((struct dma *)dev)->chips[1], reg / 2);
}

static void write_second(void *dev, unsigned reg, uint8_t value)
{
    if (reg % 2 == 0)
        write_chip(&((struct dma *)dev)->chips[1], reg / 2, value);
}

static uint8_t read_page(void *dev, unsigned reg)
{
    return ((struct dma *)dev)->pages[reg];
}

static void write_page(void *dev, unsigned reg, uint8_t value)
{
    ((struct dma *)dev)->pages[reg] = value;
}

void dma_first_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value)
{
    bytewise_io(dev, DMA_PORTS, read_first, write_first, offset, size, write,
                value);
}

void dma_second_io(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value)
{
    bytewise_io(dev, DMA_PORTS_SECOND, read_second, write_second, offset, size,
                write, value);
}

void dma_page_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value)
{
    bytewise_io(dev, DMA_PAGES, read_page, write_page, offset, size, write,
                value);
}

void dma_init(struct dma *d, const struct mem_map *mem)
{
    *d = (struct dma){.mem = mem};
    clear(&d->chips[0]);
    clear(&d->chips[1]);
    d->chips[1].channels[0].mode = KIND_CASCADE;
    d->chips[1].mask = 0xE;
}
