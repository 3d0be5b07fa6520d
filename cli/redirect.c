#include "cli/redirect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1200 };

static bool has(const struct s370_config_device *d, const char *option)
{
    for (unsigned i = 0; i < d->count; i++)
        if (!strcasecmp(d->args[i], option))
            return true;
    return false;
}

static bool prints(const struct s370_config_device *d)
{
    const char *class = d->type->class;

    return !strcmp(class, "line printer") || !strcmp(class, "card punch") ||
           has(d, "punch");
}

/* As devices look for their files: where we are, or beside the
 * configuration. */
static void find(const struct s370_config *c, const char *name,
                 char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s", name);
    if (name[0] == '/' || !c->folder[0] || !access(name, F_OK))
        return;
    snprintf(path, PATH_SIZE, "%s/%s", c->folder, name);
}

static enum status copy_file(const char *from, const char *to,
                             struct diag *diag)
{
    char buffer[65536];
    FILE *in = fopen(from, "rb"), *out;
    size_t n;

    if (!in)
        return STATUS_OK; /* the device will say what it thinks of that */
    out = fopen(to, "wb");
    while (out && (n = fread(buffer, 1, sizeof(buffer), in)) > 0)
        fwrite(buffer, 1, n, out);
    bool bad = !out || ferror(in) || ferror(out);
    fclose(in);
    if (out && fclose(out))
        bad = true;
    return bad ? diag_set(diag, STATUS_HOST_FAILED,
                          "%s: cannot be copied to %s", from, to)
               : STATUS_OK;
}

static enum status replace(struct s370_config_device *d, const char *path,
                           struct diag *diag)
{
    char *arg = strdup(path);

    if (!arg)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    free(d->args[0]);
    d->args[0] = arg;
    return STATUS_OK;
}

static enum status redirect(const struct s370_config *c,
                            struct s370_config_device *d, const char *folder,
                            struct diag *diag)
{
    bool tape = !strcmp(d->type->class, "tape") && !has(d, "ro");
    char from[PATH_SIZE], to[PATH_SIZE];

    if (!d->count || (!tape && !prints(d)))
        return STATUS_OK;
    snprintf(to, sizeof(to), "%s/%03X.%s", folder, d->address,
             tape ? "aws" : "out");
    if (tape) {
        find(c, d->args[0], from);
        enum status st = copy_file(from, to, diag);
        if (st)
            return st;
    }
    return replace(d, to, diag);
}

enum status redirect_outputs(struct s370_config *c, const char *folder,
                             struct diag *diag)
{
    enum status st = STATUS_OK;

    for (unsigned i = 0; i < c->device_count && !st; i++)
        st = redirect(c, &c->devices[i], folder, diag);
    return st;
}

enum status redirect_namesake(struct s370_config *c, const char *name,
                              struct diag *diag)
{
    char to[PATH_SIZE];

    for (unsigned i = 0; i < c->device_count; i++) {
        struct s370_config_device *d = &c->devices[i];
        const char *path = d->count ? d->args[0] : "";
        const char *slash = strrchr(path, '/');
        int folder = slash ? (int)(slash + 1 - path) : 0;

        if (!d->count || !prints(d))
            continue;
        snprintf(to, sizeof(to), "%.*s%s.%s", folder, path, name,
                 path + folder);
        enum status st = replace(d, to, diag);
        if (st)
            return st;
    }
    return STATUS_OK;
}

enum status redirect_missing_tape(const struct s370_config *c,
                                  struct diag *diag)
{
    char path[PATH_SIZE];

    for (unsigned i = 0; i < c->device_count; i++) {
        const struct s370_config_device *d = &c->devices[i];

        if (strcmp(d->type->class, "tape") || !d->count || has(d, "ro"))
            continue;
        find(c, d->args[0], path);
        if (access(path, F_OK))
            return diag_set(diag, STATUS_BAD_INPUT,
                            "%s:%u: %03X %s: %s: %s; --scratch-tapes makes "
                            "missing tapes",
                            c->path, d->line, d->address, d->type->name,
                            d->args[0], strerror(errno));
    }
    return STATUS_OK;
}

size_t redirect_written(const struct s370_config *c, char *out, size_t cap)
{
    char path[PATH_SIZE];
    struct stat st;
    size_t n = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < c->device_count; i++) {
        const struct s370_config_device *d = &c->devices[i];

        if (!d->count || !prints(d))
            continue;
        find(c, d->args[0], path);
        if (!stat(path, &st) && S_ISREG(st.st_mode) && st.st_size && n < cap)
            n +=
                (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "", path);
    }
    return n;
}
