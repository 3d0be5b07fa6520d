#include "cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 64 << 20 };

enum status file_read(const char *path, struct s370_buffer *into,
                      struct diag *d)
{
    bool standard = !strcmp(path, "-");
    FILE *f = standard ? stdin : fopen(path, "rb");
    char block[16384];
    size_t n;

    if (!f)
        return diag_set(d, STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
    errno = 0;
    while ((n = fread(block, 1, sizeof(block), f)) > 0 && into->len < FILE_MAX)
        s370_buffer_put(into, block, n);
    int why = ferror(f) ? errno : into->len >= FILE_MAX ? EFBIG : 0;
    if (!standard)
        fclose(f);
    if (why)
        return diag_set(d, STATUS_BAD_INPUT, "%s: %s", path, strerror(why));
    if (into->failed)
        return diag_set(d, STATUS_NO_MEMORY, "%s: no memory", path);
    return STATUS_OK;
}

enum status file_write(const char *path, const struct s370_buffer *b,
                       struct diag *d)
{
    bool standard = !strcmp(path, "-");

    if (b->failed)
        return diag_set(d, STATUS_NO_MEMORY, "%s: no memory", path);
    FILE *f = standard ? stdout : fopen(path, "wb");
    if (!f)
        return diag_set(d, STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
    bool ok = fwrite(b->bytes, 1, b->len, f) == b->len;
    ok &= standard ? fflush(f) == 0 : fclose(f) == 0;
    int error = errno;
    if (standard)
        clearerr(stdout); /* or it would be said again */
    if (!ok)
        return diag_set(d, STATUS_HOST_FAILED, "%s: %s",
                        standard ? "standard output" : path, strerror(error));
    return STATUS_OK;
}

static bool find(const char *path, struct stat *info)
{
    return path && strcmp(path, "-") != 0 && !stat(path, info) &&
           S_ISREG(info->st_mode);
}

enum status file_spare(const char *written, const char *read, struct diag *d)
{
    struct stat a, b;

    if (find(written, &a) && find(read, &b) && a.st_dev == b.st_dev &&
        a.st_ino == b.st_ino)
        return diag_set(d, STATUS_BAD_INPUT,
                        "%s: is read, and would be written over", written);
    return STATUS_OK;
}
