#include "s370/dev/dev.h"

#include "base/format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct s370_dev_type types[] = {
#define DEVICE(type, class, create, help) {type, class, create, help},
#include "s370/dev/devices.def"
};

const struct s370_dev_type *s370_dev_types(unsigned *count)
{
    *count = ARRAY_LEN(types);
    return types;
}

const struct s370_dev_type *s370_dev_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(types); i++)
        if (!strcasecmp(types[i].name, name))
            return &types[i];
    return NULL;
}

uint8_t dev_check(struct s370_device *d, uint8_t sense0)
{
    d->sense[0] |= sense0;
    return DEV_ENDED | S370_UNIT_CHECK;
}

struct s370_start dev_refuse(struct s370_device *d, uint8_t sense0)
{
    d->sense[0] |= sense0;
    return (struct s370_start){.status = S370_UNIT_CHECK};
}

struct s370_start dev_immediate(void)
{
    return (struct s370_start){.status = DEV_ENDED};
}

struct s370_start dev_started(uint32_t latency)
{
    return (struct s370_start){.latency = latency};
}

void dev_trouble(const struct s370_device *d,
                 const struct s370_console_host *host, const char *fmt, ...)
{
    char text[DIAG_SIZE];
    va_list ap;

    if (!host->trouble)
        return;
    size_t n =
        format(text, sizeof(text), "%03X %s: ", d->address, d->ops->type);
    va_start(ap, fmt);
    format_va(text + n, sizeof(text) - n, fmt, ap);
    va_end(ap);
    host->trouble(host->who, d->address, text);
}

enum status dev_fail(const struct s370_dev_spec *spec, struct diag *diag,
                     enum status st, const char *fmt, ...)
{
    char text[DIAG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    format_va(text, sizeof(text), fmt, ap);
    va_end(ap);
    return diag_set(diag, st, "%03X %s: %s", spec->address, spec->type, text);
}

bool dev_option(const char *arg, const char *option)
{
    return !strcasecmp(arg, option);
}

enum status dev_path(const struct s370_dev_spec *spec, const char *name,
                     char out[DEV_PATH_MAX], struct diag *diag)
{
    size_t need = strlen(spec->folder) + strlen(name) + 2;

    if (need > DEV_PATH_MAX)
        return dev_fail(spec, diag, STATUS_BAD_INPUT,
                        "%.64s...: the path is too long", name);
    if (name[0] != '/' && spec->folder[0] && access(name, F_OK)) {
        format(out, DEV_PATH_MAX, "%s/%s", spec->folder, name);
        if (!access(out, F_OK))
            return STATUS_OK;
    }
    format(out, DEV_PATH_MAX, "%s", name);
    return STATUS_OK;
}

/* Two devices on one file would make soup of it.  Terminals and the like are
 * nobody's. */
static bool taken(int fd)
{
    struct stat info;

    return !fstat(fd, &info) && S_ISREG(info.st_mode) &&
           flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
}

enum status dev_output(const struct s370_dev_spec *spec, bool append,
                       char path[DEV_PATH_MAX], FILE **out, struct diag *diag)
{
    enum status st = dev_path(spec, spec->args[0], path, diag);

    if (st != STATUS_OK)
        return st;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd >= 0 && taken(fd)) {
        close(fd);
        return dev_fail(spec, diag, STATUS_BAD_INPUT,
                        "%s: another device writes this file", path);
    }
    /* emptying fails on what is no file, and need not be */
    if (fd >= 0 && !append && ftruncate(fd, 0) && errno != EINVAL) {
        close(fd);
        fd = -1;
    }
    *out = fd >= 0 ? fdopen(fd, "ab") : NULL;
    if (*out)
        return STATUS_OK;
    st = dev_fail(spec, diag, STATUS_BAD_INPUT, "%s: cannot write: %s", path,
                  strerror(errno));
    if (fd >= 0)
        close(fd);
    return st;
}

uint8_t dev_written(struct s370_device *d, const struct s370_console_host *host,
                    const char *path, FILE *file)
{
    if (!ferror(file) && !fflush(file))
        return DEV_ENDED;
    dev_trouble(d, host, "%s: cannot write: %s", path, strerror(errno));
    clearerr(file);
    return dev_check(d, S370_SENSE_EQUIPMENT_CHECK);
}
