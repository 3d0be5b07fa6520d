#include "cli/pc_files.h"

#include "cli/guest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum status pc_file_read(struct load_file *f, const char *path, size_t max,
                         struct diag *diag)
{
    struct guest_file file = {.kind = GUEST_X86};

    *f = (struct load_file){.name = path};
    if (!path)
        return STATUS_OK;
    if (snprintf(file.path, sizeof(file.path), "%s", path) >=
        (int)sizeof(file.path))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: too long a path", path);
    f->bytes = guest_file_read(&file, max, &f->size, diag);
    return f->bytes ? STATUS_OK : STATUS_BAD_INPUT;
}

enum status pc_firmware_read(struct load_file *f, const char *path,
                             struct diag *diag)
{
    enum status st = pc_file_read(f, path, PC_ROM_MAX, diag);

    if (st || f->size % PC_ROM_UNIT == 0)
        return st;
    pc_file_free(f);
    return diag_set(diag, STATUS_BAD_INPUT,
                    "%s: %zu bytes: firmware has whole pages of 4 KiB", path,
                    f->size);
}

void pc_file_free(struct load_file *f)
{
    free((void *)(uintptr_t)f->bytes);
    f->bytes = NULL;
}

const char *pc_file_command(const struct load_file *kernel, const char *append)
{
    enum load_kind kind = load_kind(kernel);

    if (append || (kind != LOAD_LINUX && kind != LOAD_PVH))
        return append;
    return "console=ttyS0 acpi=off pci=off noapic nokaslr reboot=k panic=-1";
}

/* ---- The disk ---- */

static bool read_sector(void *who, uint64_t sector, uint8_t bytes[IDE_SECTOR])
{
    const struct pc_drive *d = who;

    return pread(d->fd, bytes, IDE_SECTOR, (off_t)(sector * IDE_SECTOR)) ==
           IDE_SECTOR;
}

static bool write_sector(void *who, uint64_t sector,
                         const uint8_t bytes[IDE_SECTOR])
{
    const struct pc_drive *d = who;

    return !d->read_only && pwrite(d->fd, bytes, IDE_SECTOR,
                                   (off_t)(sector * IDE_SECTOR)) == IDE_SECTOR;
}

static bool flush_sectors(void *who)
{
    const struct pc_drive *d = who;

    return d->read_only || fdatasync(d->fd) == 0;
}

enum status pc_drive_size(int fd, const char *path, uint64_t *sectors,
                          struct diag *diag)
{
    off_t size = lseek(fd, 0, SEEK_END);

    if (size < 0)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path,
                        strerror(errno));
    if (!size)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: an empty disk", path);
    if (size % IDE_SECTOR)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: offset %llx: a disk has whole sectors of %d bytes",
                        path, (unsigned long long)size, IDE_SECTOR);
    *sectors = (uint64_t)size / IDE_SECTOR;
    return STATUS_OK;
}

enum status pc_drive_open(struct pc_drive *d, const char *path,
                          struct ide_medium *medium, struct diag *diag)
{
    *d = (struct pc_drive){.fd = -1};
    *medium =
        (struct ide_medium){0, read_sector, write_sector, flush_sectors, d};
    if (!path)
        return STATUS_OK;
    d->fd = open(path, O_RDWR | O_CLOEXEC);
    if (d->fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        d->read_only = true;
        d->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (d->fd < 0)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path,
                        strerror(errno));
    enum status st = pc_drive_size(d->fd, path, &medium->sectors, diag);
    if (st)
        pc_drive_close(d);
    return st;
}

enum status pc_floppy_check(const char *path, uint64_t sectors,
                            struct diag *diag)
{
    if (!path || fdc_format_of(sectors))
        return STATUS_OK;
    return diag_set(diag, STATUS_BAD_INPUT,
                    "%s: no floppy disk has %llu sectors; a hard disk is "
                    "--drive",
                    path, (unsigned long long)sectors);
}

enum status pc_floppy_open(struct pc_drive *d, const char *path,
                           struct fdc_medium *medium, struct diag *diag)
{
    enum status st = pc_drive_open(d, path, &medium->disk, diag);

    medium->read_only = d->read_only;
    if (st)
        return st;
    st = pc_floppy_check(path, medium->disk.sectors, diag);
    if (st)
        pc_drive_close(d);
    return st;
}

void pc_drive_close(struct pc_drive *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}
