/* From a configuration to devices on channels. */
#include "s370/dev/config.h"

#include <string.h>
#include <sys/stat.h>

static struct s370_dev_spec spec_of(const struct s370_config *c,
                                    const struct s370_config_device *d)
{
    return (struct s370_dev_spec){.address = d->address,
                                  .type = d->type->name,
                                  .args = (const char *const *)d->args,
                                  .count = d->count,
                                  .folder = c->folder};
}

/* ---- What is read is not written over ---- */

bool s370_config_writes(const struct s370_config_device *d)
{
    bool punches = !strcmp(d->type->class, "line printer") ||
                   !strcmp(d->type->class, "card punch");

    for (unsigned i = 1; i < d->count; i++)
        punches = punches || dev_option(d->args[i], "punch");
    return punches && d->count;
}

static bool is_same(const char *path, const struct stat *file)
{
    struct stat other;

    return !stat(path, &other) && other.st_dev == file->st_dev &&
           other.st_ino == file->st_ino;
}

/* Does this device read the file?  Arguments that are no names of files name
 * none. */
static bool reads(const struct s370_config *c,
                  const struct s370_config_device *d, const struct stat *file)
{
    struct s370_dev_spec spec = spec_of(c, d);
    char path[DEV_PATH_MAX];

    for (unsigned i = 0; i < d->count && !s370_config_writes(d); i++)
        if (dev_path(&spec, d->args[i], path, NULL) == STATUS_OK &&
            is_same(path, file))
            return true;
    return false;
}

static enum status spare(const struct s370_config *c,
                         const struct s370_config_device *d, struct diag *diag)
{
    struct s370_dev_spec spec = spec_of(c, d);
    char path[DEV_PATH_MAX];
    struct stat file;

    if (!s370_config_writes(d) || dev_path(&spec, d->args[0], path, NULL) ||
        stat(path, &file) || !S_ISREG(file.st_mode))
        return STATUS_OK;
    for (unsigned i = 0; i < c->device_count; i++)
        if (reads(c, &c->devices[i], &file))
            return dev_fail(&spec, diag, STATUS_BAD_INPUT,
                            "%s: device %03X reads this file", path,
                            c->devices[i].address);
    return STATUS_OK;
}

/* ---- Attaching ---- */

static enum status attach(const struct s370_config *c,
                          const struct s370_config_device *d,
                          struct s370_channels *ch,
                          const struct s370_console_host *host, unsigned flags,
                          struct diag *diag)
{
    struct s370_dev_spec spec = spec_of(c, d);
    struct s370_device *device;

    spec.create_tapes = flags & S370_CONFIG_CREATE_TAPES;
    spec.host = host;
    enum status st = spare(c, d, diag);
    if (st == STATUS_OK)
        st = d->type->create(&spec, &device, diag);
    if (st != STATUS_OK)
        return st;
    st = s370_channels_attach(ch, device, diag);
    if (st != STATUS_OK)
        device->ops->destroy(device);
    return st;
}

enum status s370_config_attach(const struct s370_config *c,
                               struct s370_channels *ch,
                               const struct s370_console_host *host,
                               unsigned flags, struct diag *diag)
{
    for (unsigned i = 0; i < c->device_count; i++) {
        const struct s370_config_device *d = &c->devices[i];
        struct diag why = {{0}};
        enum status st = attach(c, d, ch, host, flags, &why);

        if (st != STATUS_OK && !d->line)
            return diag_set(diag, st, "%s", why.text);
        if (st != STATUS_OK)
            return diag_set(diag, st, "%s:%u: %s", c->path, d->line, why.text);
    }
    return STATUS_OK;
}
