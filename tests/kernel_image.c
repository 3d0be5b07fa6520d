#include "tests/kernel_image.h"

#include "base/bytes.h"

#include <string.h>

void kernel_elf64(uint8_t *f, const struct kernel_part *p, uint32_t notes,
                  uint32_t notes_size)
{
    static const uint8_t magic[] = {0x7F, 'E', 'L', 'F', 2, 1, 1};
    uint8_t *h = f + 64; /* program headers */

    memcpy(f, magic, sizeof(magic));
    store_le16(f + 16, 2);
    store_le16(f + 18, 62);
    store_le64(f + 24, p->entry);
    store_le64(f + 32, 64);
    store_le16(f + 54, 56);
    store_le16(f + 56, 2);
    store_le32(h, 1);
    store_le64(h + 8, p->offset);
    store_le64(h + 16, p->linear);
    store_le64(h + 24, p->physical);
    store_le64(h + 32, p->size);
    store_le64(h + 40, p->room);
    h += 56;
    store_le32(h, 4);
    store_le64(h + 8, notes);
    store_le64(h + 32, notes_size);
}

void kernel_elf32(uint8_t *f, const struct kernel_part *p)
{
    static const uint8_t magic[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
    uint8_t *h = f + 52;

    memcpy(f, magic, sizeof(magic));
    store_le16(f + 16, 2);
    store_le16(f + 18, 3);
    store_le32(f + 24, (uint32_t)p->entry);
    store_le32(f + 28, 52);
    store_le16(f + 42, 32);
    store_le16(f + 44, 1);
    store_le32(h, 1);
    store_le32(h + 4, p->offset);
    store_le32(h + 8, (uint32_t)p->linear);
    store_le32(h + 12, (uint32_t)p->physical);
    store_le32(h + 16, p->size);
    store_le32(h + 20, p->room);
}

void kernel_xen_note(uint8_t *at, uint32_t entry)
{
    store_le32(at, 4);
    store_le32(at + 4, 4);
    store_le32(at + 8, 18);
    memcpy(at + 12, "Xen", 4);
    store_le32(at + 16, entry);
}

void kernel_multiboot(uint8_t *at, uint32_t flags)
{
    store_le32(at, 0x1BADB002);
    store_le32(at + 4, flags);
    store_le32(at + 8, -(0x1BADB002 + flags));
}

void kernel_bzimage(uint8_t *f, uint8_t sectors, uint64_t address,
                    uint32_t room)
{
    f[0x1F1] = sectors;
    f[0x201] = 0x62;
    memcpy(f + 0x202, "HdrS", 4);
    store_le16(f + 0x206, 0x20F);
    f[0x211] = 1;
    store_le32(f + 0x22C, 0x7FFFFFFF);
    f[0x234] = 1;
    store_le16(f + 0x236, 1);
    store_le32(f + 0x238, 2047);
    store_le64(f + 0x258, address);
    store_le32(f + 0x260, room);
}
