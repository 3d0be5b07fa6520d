#include "cli/equip.h"

#include "cli/vmm_s370.h"
#include "s370/dev/dev_console.h"
#include "s370/vcpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CORE_MAX = 16 << 20, TEXT_MAX = 2048 };

/* What a machine has around a tape or a core image that comes without a
 * configuration. */
static const char tape_machine[] = "MAINSIZE 1\n"
                                   "001F 3215-C\n"
                                   "0180 3420 \"%s\" ro\n";
static const char core_machine[] = "MAINSIZE 1\n"
                                   "001F 3215-C\n";

static enum status make_up(struct equip *e, const char *machine,
                           struct diag *diag)
{
    char text[TEXT_MAX];

    /* The name is quoted: it must not end its quotation or its line, and so
     * become statements. */
    if (strpbrk(e->file.path, "\"\r\n"))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: a quotation mark or an end of line in the name",
                        e->file.path);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(text, sizeof(text), machine, e->file.path);
#pragma GCC diagnostic pop
    enum status st =
        s370_config_parse(text, (size_t)n, e->file.path, &e->config, diag);
    for (unsigned i = 0; i < e->config.device_count; i++)
        e->config.devices[i].line = 0; /* which no file has */
    return st;
}

static enum status read_core(struct equip *e, struct diag *diag)
{
    size_t size;
    enum status st = make_up(e, core_machine, diag);

    if (st)
        return st;
    e->core = guest_file_read(&e->file, CORE_MAX, &size, diag);
    e->core_size = (uint32_t)size;
    if (!e->core)
        return STATUS_BAD_INPUT;
    while (e->config.main_size < e->core_size)
        e->config.main_size *= 2;
    return STATUS_OK;
}

static enum status read_file(struct equip *e, struct diag *diag)
{
    switch (e->file.kind) {
    case GUEST_CONFIG:
        return s370_config_read(e->file.path, &e->config, diag);
    case GUEST_TAPE:
        return make_up(e, tape_machine, diag);
    case GUEST_CORE:
        return read_core(e, diag);
    default:
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: an x86 image does not run on a System/370: run "
                        "it with --on vtx",
                        e->file.path);
    }
}

/* ---- Where to IPL from ---- */

static bool is_class(const struct s370_config_device *d, const char *class)
{
    return !strncmp(d->type->class, class, strlen(class)) && d->count &&
           !s370_config_writes(d);
}

static const struct s370_config_device *first(const struct equip *e,
                                              const char *class,
                                              unsigned *count)
{
    const struct s370_config_device *found = NULL;

    *count = 0;
    for (unsigned i = 0; i < e->config.device_count; i++)
        if (is_class(&e->config.devices[i], class) && !(*count)++)
            found = &e->config.devices[i];
    return found;
}

/* A console or a printer would only say that it rejects the command. */
static enum status check_ipl(const struct equip *e, uint64_t ipl,
                             struct diag *diag)
{
    if (ipl > UINT16_MAX)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--ipl %llx: not the address of a device",
                        (unsigned long long)ipl);
    for (unsigned i = 0; i < e->config.device_count; i++) {
        const struct s370_config_device *d = &e->config.devices[i];
        const char *class = d->type->class;

        if (d->address == ipl && strcmp(class, "tape") &&
            (s370_config_writes(d) || strncmp(class, "card reader", 11)))
            return diag_set(diag, STATUS_BAD_INPUT,
                            "--ipl %03llX: nothing can be loaded from a %s",
                            (unsigned long long)ipl, class);
    }
    return STATUS_OK;
}

static enum status find_ipl(struct equip *e, const uint64_t *ipl,
                            struct diag *diag)
{
    unsigned n;
    const struct s370_config_device *d = first(e, "tape", &n);

    enum status st = ipl ? check_ipl(e, *ipl, diag) : STATUS_OK;
    if (st)
        return st;
    if (!d && !ipl) {
        d = first(e, "card reader", &n);
        if (n != 1)
            return diag_set(diag, STATUS_BAD_INPUT, "%s: %s; say --ipl ADDRESS",
                            e->file.path,
                            n ? "several card readers to IPL from"
                              : "no tape and no card reader with a file");
    }
    e->ipl = ipl ? (uint16_t)*ipl : d->address;
    return STATUS_OK;
}

enum status equip_open(struct equip *e, const struct guest_file *file,
                       const uint64_t *ipl, struct diag *diag)
{
    *e = (struct equip){.file = *file};
    enum status st = read_file(e, diag);

    if (!st && file->kind != GUEST_CORE)
        st = find_ipl(e, ipl, diag);
    else if (!st && ipl)
        st = diag_set(diag, STATUS_BAD_INPUT,
                      "--ipl: %s is an image of storage, and on no device",
                      file->path);
    if (st)
        equip_close(e);
    return st;
}

void equip_close(struct equip *e)
{
    if (e->config.path)
        s370_config_free(&e->config);
    free(e->core);
    *e = (struct equip){0};
}

/* ---- On a machine ---- */

enum status equip_attach(const struct equip *e, struct s370_channels *channels,
                         const struct s370_console_host *host, unsigned flags,
                         struct diag *diag)
{
    return s370_config_attach(&e->config, channels, host, flags, diag);
}

struct s370_device *equip_console(const struct equip *e,
                                  struct s370_channels *channels)
{
    for (unsigned i = 0; i < e->config.device_count; i++) {
        struct s370_device *d =
            s370_channels_find(channels, e->config.devices[i].address);

        if (s370_console_is(d))
            return d;
    }
    return NULL;
}

static uint64_t cpuid(const struct equip *e)
{
    return (uint64_t)e->config.cpu_serial << 32 | (uint64_t)e->config.cpu_model
                                                      << 16;
}

/* An IPL has failed: what was loaded from? */
static enum status loaded_from(const struct equip *e, enum status st,
                               struct diag *diag)
{
    const struct s370_config_device *d = e->config.devices;
    struct diag why = *diag;

    for (unsigned i = 0; st && i < e->config.device_count; i++)
        if (d[i].address == e->ipl && d[i].count)
            return diag_set(diag, st, "%s: %s", d[i].args[0], why.text);
    return st;
}

enum status equip_start_bare(const struct equip *e, struct s370_machine *m,
                             struct diag *diag)
{
    m->cpu.cpuid = cpuid(e);
    if (!e->core)
        return loaded_from(e, s370_machine_ipl(m, e->ipl, diag), diag);
    if (s370_machine_load(m, 0, e->core, e->core_size))
        return diag_set(diag, STATUS_BAD_INPUT, "%s does not fit in storage",
                        e->file.path);
    s370_machine_restart(m);
    return STATUS_OK;
}

enum status equip_start_vm(const struct equip *e, struct vm *vm,
                           struct diag *diag)
{
    s370_vcpu(&vm->vcpu)->cpuid = cpuid(e);
    if (!e->core)
        return loaded_from(e, s370_vm_ipl(vm, e->ipl, diag), diag);
    enum status st = s370_vm_load(vm, 0, e->core, e->core_size, diag);
    if (!st)
        s370_vm_restart(vm);
    return st;
}
