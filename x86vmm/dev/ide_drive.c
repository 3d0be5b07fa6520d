/* A disk's geometry, and what it says of itself. */
#include "base/bytes.h"
#include "x86vmm/dev/dev_ide.h"

enum { CHS_HEADS = 16, CHS_SECTORS = 63, CHS_CYLINDERS = 16383 };

bool ide_drive_divide(struct ide_drive *d, uint32_t heads, uint32_t sectors)
{
    if (!sectors)
        return false;
    d->heads = (uint16_t)heads;
    d->sectors = (uint16_t)sectors;
    d->cylinders =
        (uint16_t)min_u64(d->medium.sectors / (heads * sectors), CHS_CYLINDERS);
    return true;
}

struct ide_drive ide_drive_make(const struct ide_medium *medium)
{
    struct ide_drive d = {.medium = *medium};

    (void)ide_drive_divide(&d, CHS_HEADS, CHS_SECTORS);
    return d;
}

/* Text in a word's two bytes: the first one is the high one. */
static void put_text(uint8_t *words, const char *text, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        words[i ^ 1] = *text ? (uint8_t)*text++ : ' ';
}

static void word(uint8_t *words, unsigned n, uint32_t value)
{
    store_le16(words + (size_t)2 * n, (uint16_t)value);
}

/* What follows from its size and its CHS. */
static void identify_size(const struct ide_drive *d, uint8_t *words)
{
    uint64_t all = d->medium.sectors;
    uint32_t in_28 = (uint32_t)min_u64(all, IDE_LBA28_MAX);
    uint32_t chs = (uint32_t)d->cylinders * d->heads * d->sectors;

    word(words, 1, d->cylinders);
    word(words, 3, d->heads);
    word(words, 6, d->sectors);
    word(words, 54, d->cylinders);
    word(words, 55, d->heads);
    word(words, 56, d->sectors);
    store_le32(words + 2 * 57, chs);
    store_le32(words + 2 * 60, in_28);
    store_le64(words + 2 * 100, all);
}

void ide_identify(const struct ide_drive *d, uint8_t words[IDE_SECTOR])
{
    __builtin_memset(words, 0, IDE_SECTOR);
    word(words, 0, 0x0040); /* a fixed device */
    put_text(words + 2 * 10, "TL0001", 20);
    put_text(words + 2 * 23, "1.0", 8);
    put_text(words + 2 * 27, "Trapline disk", 40);
    word(words, 47, 0x8000 | IDE_MULTIPLE_MAX);
    word(words, 49, 0x0200); /* LBA */
    word(words, 50, 0x4000);
    word(words, 53, 0x0001); /* words 54 to 58 hold */
    word(words, 59, d->multiple ? 0x0100u | d->multiple : 0);
    word(words, 80, 0x0070); /* ATA-4 to ATA-6 */
    word(words, 82, 0x4000); /* NOP */
    word(words, 83, 0x7400); /* FLUSH CACHE, the same EXT, 48 bits */
    word(words, 84, 0x4000);
    word(words, 85, 0x4000);
    word(words, 86, 0x3400);
    word(words, 87, 0x4000);
    word(words, 93, 0x4041); /* it has passed its diagnostic */
    identify_size(d, words);
}
