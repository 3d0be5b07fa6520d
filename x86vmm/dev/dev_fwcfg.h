/* What a machine tells its firmware: named files, through the two ports of
 * QEMU's "fw_cfg", which SeaBIOS looks for.
 *
 * A selector is written to the first port, then bytes are read from the second
 * one.  Source: QEMU, docs/specs/fw_cfg ("Guest-side Hardware Interface",
 * "Firmware Configuration Items").  Not there: its DMA interface. */
#ifndef X86VMM_DEV_DEV_FWCFG_H
#define X86VMM_DEV_DEV_FWCFG_H

#include "base/bus.h"

enum {
    FWCFG_PORT = 0x510,
    FWCFG_PORTS = 2,
    FWCFG_FILES = 4,
    FWCFG_NAME = 56, /* bytes, ended by 0 */
    FWCFG_FILE_MAX = 8
};

struct fwcfg_file {
    char name[FWCFG_NAME];
    uint8_t bytes[FWCFG_FILE_MAX];
    unsigned size;
};

struct fwcfg {
    struct fwcfg_file files[FWCFG_FILES];
    unsigned count;
    uint16_t selector;
    unsigned at; /* the byte that is read next */
};

void fwcfg_init(struct fwcfg *f);

/* A file of a little-endian number of `size` bytes, 1 to 8.  False: no room. */
bool fwcfg_add_number(struct fwcfg *f, const char *name, uint64_t value,
                      unsigned size);

/* bus_io_fn of the two ports. */
void fwcfg_io(void *dev, uint64_t offset, unsigned size, bool write,
              uint64_t *value);

#endif
