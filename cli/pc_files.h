/* What the command line names for a bare PC: kernel, initrd, firmware,
 * disks. */
#ifndef CLI_PC_FILES_H
#define CLI_PC_FILES_H

#include "base/diag.h"
#include "x86vmm/dev/dev_fdc.h"
#include "x86vmm/pc/board.h"
#include "x86vmm/pc/load.h"

/* All of a file; *f owns its bytes until pc_file_free.  NULL path: none. */
MUST_USE enum status pc_file_read(struct load_file *f, const char *path,
                                  size_t max, struct diag *diag);
/* The same of firmware, whose size must be one that a plan takes. */
MUST_USE enum status pc_firmware_read(struct load_file *f, const char *path,
                                      struct diag *diag);
void pc_file_free(struct load_file *f);

/* The command line of this kernel: what the user says; NULL: for Linux, as a
 * guest without ACPI, PCI, APIC, what it should not look for. */
const char *pc_file_command(const struct load_file *kernel, const char *append);

/* A raw image of a disk, whole sectors.  One that cannot be written is
 * read-only.  NULL path: no disk. */
struct pc_drive {
    int fd; /* -1: none */
    bool read_only;
};
MUST_USE enum status pc_drive_open(struct pc_drive *d, const char *path,
                                   struct ide_medium *medium,
                                   struct diag *diag);
/* Is there a floppy disk of this size?  NULL path: none is wanted. */
MUST_USE enum status pc_floppy_check(const char *path, uint64_t sectors,
                                     struct diag *diag);

/* Likewise of a floppy disk, of a size that there is. */
MUST_USE enum status pc_floppy_open(struct pc_drive *d, const char *path,
                                    struct fdc_medium *medium,
                                    struct diag *diag);
void pc_drive_close(struct pc_drive *d);

/* Sectors of an open image; complains of what is no disk. */
MUST_USE enum status pc_drive_size(int fd, const char *path, uint64_t *sectors,
                                   struct diag *diag);

#endif
