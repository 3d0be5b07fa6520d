#include "x86vmm/dev/dev_fwcfg.h"

#include "base/bytes.h"

enum { SELECTOR, DATA };

/* Items, by their selector. */
enum {
    ITEM_SIGNATURE = 0,
    ITEM_FEATURES = 1,
    ITEM_DIRECTORY = 0x19,
    ITEM_FILES = 0x20, /* the first one's */
    FEATURE_PORTS = 1,
    ENTRY = 64, /* of the directory: size, selector, 0, name; big-endian */
    ENTRY_SELECTOR = 4,
    ENTRY_NAME = 8,
    COUNT = 4 /* bytes of the directory's head */
};

static uint8_t byte_of_entry(const struct fwcfg *f, unsigned n, unsigned at)
{
    uint8_t entry[ENTRY] = {0};

    if (n >= f->count)
        return 0;
    store_be32(entry, f->files[n].size);
    store_be16(entry + ENTRY_SELECTOR, (uint16_t)(ITEM_FILES + n));
    __builtin_memcpy(entry + ENTRY_NAME, f->files[n].name, FWCFG_NAME);
    return entry[at];
}

static uint8_t byte_of_directory(const struct fwcfg *f, unsigned at)
{
    if (at < COUNT)
        return at == COUNT - 1 ? (uint8_t)f->count : 0;
    return byte_of_entry(f, (at - COUNT) / ENTRY, (at - COUNT) % ENTRY);
}

/* Behind the end of an item, and where there is none, all is zeros. */
static uint8_t byte_of(const struct fwcfg *f, unsigned item, unsigned at)
{
    static const char signature[] = "QEMU";

    switch (item) {
    case ITEM_SIGNATURE:
        return at < sizeof(signature) - 1 ? (uint8_t)signature[at] : 0;
    case ITEM_FEATURES:
        return at ? 0 : FEATURE_PORTS;
    case ITEM_DIRECTORY:
        return byte_of_directory(f, at);
    default:
        if (item < ITEM_FILES || item >= ITEM_FILES + f->count)
            return 0;
        const struct fwcfg_file *file = &f->files[item - ITEM_FILES];
        return at < file->size ? file->bytes[at] : 0;
    }
}

/* The selector is a word, its data are bytes. */
void fwcfg_io(void *dev, uint64_t offset, unsigned size, bool write,
              uint64_t *value)
{
    enum { NO_MORE = 1 << 24 };
    struct fwcfg *f = dev;

    if (write) {
        if (offset == SELECTOR && size >= 2) {
            f->selector = (uint16_t)*value;
            f->at = 0;
        }
        return;
    }
    *value = UINT64_MAX;
    if (offset == DATA && size == 1) {
        *value = byte_of(f, f->selector, f->at);
        f->at += f->at < NO_MORE;
    }
}

bool fwcfg_add_number(struct fwcfg *f, const char *name, uint64_t value,
                      unsigned size)
{
    struct fwcfg_file *file = &f->files[f->count];
    unsigned n = 0;

    if (f->count == FWCFG_FILES || !size || size > FWCFG_FILE_MAX)
        return false;
    *file = (struct fwcfg_file){.size = size};
    for (; n < FWCFG_NAME - 1 && name[n]; n++)
        file->name[n] = name[n];
    for (unsigned i = 0; i < size; i++)
        file->bytes[i] = (uint8_t)(value >> 8 * i);
    f->count += !name[n];
    return !name[n];
}

void fwcfg_init(struct fwcfg *f)
{
    __builtin_memset(f, 0, sizeof(*f));
}
