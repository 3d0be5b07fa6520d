/* Kernels as bytes, for whoever needs one to load: what x86vmm/pc/load.h looks
 * at of each format.  All are made in storage of zeros. */
#ifndef TESTS_KERNEL_IMAGE_H
#define TESTS_KERNEL_IMAGE_H

#include "base/types.h"

/* An ELF's one segment. */
struct kernel_part {
    uint64_t entry, linear, physical; /* addresses */
    uint32_t offset, size;            /* in the file */
    uint32_t room;                    /* in storage */
};

/* With notes (PT_NOTE) at `notes`, of so many bytes. */
void kernel_elf64(uint8_t *f, const struct kernel_part *p, uint32_t notes,
                  uint32_t notes_size);
/* Shared, as a loader finds it. */
void kernel_elf32(uint8_t *f, const struct kernel_part *p);

/* Xen's note (XEN_ELFNOTE_PHYS32_ENTRY), 20 bytes; a Multiboot header's first
 * 12. */
enum { KERNEL_XEN_NOTE = 20 };
void kernel_xen_note(uint8_t *at, uint32_t entry);
void kernel_multiboot(uint8_t *at, uint32_t flags);

/* A bzImage's setup header, protocol 2.15: setup sectors behind the first, its
 * preferred address, and the storage that it wants there. */
void kernel_bzimage(uint8_t *f, uint8_t sectors, uint64_t address,
                    uint32_t room);

#endif
