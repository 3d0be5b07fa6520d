#include "cli/guest_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* How a file's name tells its kind, and where a sample of that kind lies. */
static const struct {
    const char *suffix;
    enum guest_kind kind;
    const char *folder; /* below the build's */
} suffixes[] = {
    {".conf", GUEST_CONFIG, "s370/guest"}, {".cnf", GUEST_CONFIG, NULL},
    {".aws", GUEST_TAPE, "s370/guest"},    {".core", GUEST_CORE, "s370/guest"},
    {".img", GUEST_X86, "x86vmm/guest"},   {".bin", GUEST_X86, "x86vmm/guest"},
};

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void name_it(struct guest_file *f)
{
    const char *base = base_name(f->path);
    size_t n = strcspn(base, ".");

    snprintf(f->name, sizeof(f->name), "%.*s", n ? (int)n : 31, base);
}

static enum status known_file(const char *path, struct guest_file *f,
                              struct diag *diag)
{
    const char *dot = strrchr(base_name(path), '.');

    if (snprintf(f->path, sizeof(f->path), "%s", path) >= (int)sizeof(f->path))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: too long a path", path);
    name_it(f);
    for (size_t i = 0; dot && i < ARRAY_LEN(suffixes); i++)
        if (!strcasecmp(dot, suffixes[i].suffix)) {
            f->kind = suffixes[i].kind;
            return STATUS_OK;
        }
    return diag_set(diag, STATUS_BAD_INPUT,
                    "%s: its name does not tell what it is (.conf, .aws, "
                    ".core, .img, .bin); a kernel is run by --kernel",
                    path);
}

/* The folder that the program is in: the build's, or one beside ../share. */
static void program_folder(char out[1024])
{
    ssize_t n = readlink("/proc/self/exe", out, 1023);

    out[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(out, '/');
    if (slash)
        *slash = '\0';
}

static bool find_below(const char *folder, const char *name,
                       struct guest_file *f)
{
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        int n = suffixes[i].folder
                    ? snprintf(f->path, sizeof(f->path), "%s/%s/%s%s", folder,
                               suffixes[i].folder, name, suffixes[i].suffix)
                    : -1;
        if (n < 0 || n >= (int)sizeof(f->path) || !is_file(f->path))
            continue;
        f->kind = suffixes[i].kind;
        name_it(f);
        return true;
    }
    return false;
}

static bool find_sample(const char *name, struct guest_file *f)
{
    char program[1024], share[1060];

    program_folder(program);
    snprintf(share, sizeof(share), "%s/../share/trapline", program);
    return find_below(program, name, f) || find_below(share, name, f) ||
           find_below("build", name, f);
}

enum status guest_file_find(const char *operand, struct guest_file *f,
                            struct diag *diag)
{
    *f = (struct guest_file){0};
    if (is_file(operand))
        return known_file(operand, f, diag);
    if (!strchr(operand, '/') && !strchr(operand, '.') &&
        find_sample(operand, f))
        return STATUS_OK;
    if (access(operand, F_OK) == 0)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: not a file", operand);
    if (strchr(operand, '/') || strchr(operand, '.'))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: %s", operand,
                        strerror(errno));
    return diag_set(diag, STATUS_BAD_INPUT,
                    "%s: no such file, and no sample guest of that name (has "
                    "`make` built them?)",
                    operand);
}

enum status guest_file_kernel(const char *path, struct guest_file *f,
                              struct diag *diag)
{
    *f = (struct guest_file){.kind = GUEST_X86};
    if (snprintf(f->path, sizeof(f->path), "%s", path) >= (int)sizeof(f->path))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: too long a path", path);
    /* Whole: what is behind a kernel's first dot is its version. */
    snprintf(f->name, sizeof(f->name), "%.31s", base_name(path));
    if (is_file(path))
        return STATUS_OK;
    return diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path,
                    access(path, F_OK) ? strerror(errno) : "not a file");
}

/* What is left of the file, and one byte more than max at most: in a block that
 * grows with it.  NULL: no memory. */
static uint8_t *read_all(FILE *in, size_t max, size_t *size)
{
    uint8_t *bytes = NULL, *larger;
    size_t room = 0;

    *size = 0;
    while (*size == room && room <= max) {
        room = room > max / 2 ? max + 1 : room ? 2 * room : 1 << 16;
        larger = realloc(bytes, room);
        if (!larger) {
            free(bytes);
            return NULL;
        }
        bytes = larger;
        *size += fread(bytes + *size, 1, room - *size, in);
    }
    return bytes;
}

uint8_t *guest_file_read(const struct guest_file *f, size_t max, size_t *size,
                         struct diag *diag)
{
    FILE *in = fopen(f->path, "rb");
    uint8_t *bytes = in ? read_all(in, max, size) : NULL;

    if (!in || (bytes && ferror(in)))
        diag_set(diag, STATUS_BAD_INPUT, "%s: %s", f->path, strerror(errno));
    else if (!bytes)
        diag_set(diag, STATUS_NO_MEMORY, "%s: no memory", f->path);
    else if (!*size || *size > max)
        diag_set(diag, STATUS_BAD_INPUT, "%s: %s", f->path,
                 *size ? "longer than the storage it is for" : "empty");
    bool good = bytes && !ferror(in) && *size && *size <= max;
    if (in)
        fclose(in);
    if (good)
        return bytes;
    free(bytes);
    return NULL;
}
