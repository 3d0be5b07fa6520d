/* What the boot sector, the monitor and `trapline bare build` agree upon. */
#ifndef X86VMM_BARE_LAYOUT_H
#define X86VMM_BARE_LAYOUT_H

/* In the image's file, and in storage from IMAGE_AT on. */
#define IMAGE_AT       0x100000  /* 1 MiB */
#define IMAGE_END      0x2000000 /* 32 MiB: the monitor's own storage begins */
#define SECTOR_SIZE_AT 500 /* 4 bytes in the sector: the image's sectors */

/* The boot sector's piece of the disk. */
#define PIECE_AT      0x10000
#define PIECE_SECTORS 64

#define MAGIC_MULTIBOOT 0x2BADB002 /* in EAX at `start` */
#define MAGIC_SECTOR    0x7472616C

/* In the monitor's descriptor table. */
#define SELECTOR_CODE32 0x08
#define SELECTOR_DATA   0x10
#define SELECTOR_CODE64 0x18
#define SELECTOR_TASK   0x20

/* Behind the monitor, modules: PACK_MAGIC, the length as text in hexadecimal,
 * and the name, in PACK_HEADER bytes; then the bytes, and zeros up to a
 * multiple of PACK_UNIT.  A length of 0 is the end. */
#define PACK_MAGIC  "TRAPLINE"
#define PACK_HEADER 64
#define PACK_LENGTH 8  /* at: 8 bytes, little-endian */
#define PACK_NAME   16 /* at: 48 characters, ended by a zero */
#define PACK_UNIT   64

#endif
