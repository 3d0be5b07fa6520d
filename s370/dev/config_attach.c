/* From a configuration to devices on channels. */
#include "s370/dev/config.h"

static enum status attach(const struct s370_config *c,
                          const struct s370_config_device *d,
                          struct s370_channels *ch,
                          const struct s370_console_host *host, unsigned flags,
                          struct diag *diag)
{
    struct s370_dev_spec spec = {.address = d->address,
                                 .type = d->type->name,
                                 .args = (const char *const *)d->args,
                                 .count = d->count,
                                 .folder = c->folder,
                                 .create_tapes =
                                     flags & S370_CONFIG_CREATE_TAPES,
                                 .host = host};
    struct s370_device *device;
    enum status st = d->type->create(&spec, &device, diag);

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
