/* Direct memory access of a PC: two 8237As, the first one on channel 0 of the
 * second, and the page registers that give the upper address lines.
 *
 * Channels 0 to 3 move bytes, 5 to 7 words; 4 is the cascade.  An address has
 * 24 bits: the page does not count on when the lower 16 (17 of words) wrap.
 * Source: Intel, 8237A data sheet (231466), "Register description"; IBM, PC AT
 * Technical Reference, "Direct memory access".  Not there: transfers from
 * storage to storage, and requests by software, which a PC does not use. */
#ifndef X86VMM_DEV_DEV_DMA_H
#define X86VMM_DEV_DEV_DMA_H

#include "base/bus.h"
#include "base/mem.h"

enum {
    DMA_PORT = 0x00,
    DMA_PORTS = 0x10,
    DMA_PORT_SECOND = 0xC0, /* each register twice */
    DMA_PORTS_SECOND = 0x20,
    DMA_PORT_PAGES = 0x80,
    DMA_PAGES = 0x10,
    DMA_CHANNELS = 8
};

struct dma_channel {
    uint16_t base_address, base_count; /* as written last */
    uint16_t address, count;           /* current; count is one less */
    uint8_t mode;
};

struct dma_chip {
    struct dma_channel channels[4];
    uint8_t command, status, mask; /* a bit a channel; status: TC */
    bool high;                     /* the flip-flop: upper byte comes next */
};

struct dma {
    struct dma_chip chips[2];
    uint8_t pages[DMA_PAGES];
    const struct mem_map *mem; /* borrowed */
    /* Storage has been written; NULL: nobody minds. */
    void (*written)(void *who, uint64_t gpa, size_t n);
    void *who;
};

/* As firmware leaves it: all channels masked but the cascade. */
void dma_init(struct dma *d, const struct mem_map *mem);

/* A device requests: up to n bytes (even on channels 5 to 7) between it and
 * storage, in the direction that the channel's mode says; *bytes is read or
 * filled.  In a verify transfer nothing moves, and it is as if it had.  Returns
 * how many; fewer when the count ended, which *ended tells (TC), or when the
 * channel does not answer. */
size_t dma_move(struct dma *d, unsigned channel, uint8_t *bytes, size_t n,
                bool *ended);

/* bus_io_fn of the registers of each chip and of the pages. */
void dma_first_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value);
void dma_second_io(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value);
void dma_page_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value);

#endif
