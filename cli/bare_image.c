/* The image: monitor.img, the command, the guests (x86vmm/bare/layout.h). */
#include "base/bytes.h"
#include "cli/bare.h"
#include "cli/command.h"
#include "cli/pc_files.h"
#include "x86vmm/bare/layout.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SECTOR = 512,
    NAME_MAX_LENGTH = PACK_HEADER - PACK_NAME - 1,
    CYLINDER = 16 * 63 * SECTOR, /* Bochs takes whole ones */
    IMAGE_MAX = IMAGE_END - IMAGE_AT - (1 << 20)
};

/* `what` in a folder of the build, or of an installed trapline; false: in
 * neither. */
static bool find(const char *what, char path[BARE_PATH])
{
    static const char *const folders[] = {"", "/../share/trapline"};
    char program[BARE_PATH / 2];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, BARE_PATH, "%s%s/x86vmm/%s", program, folders[i], what);
        if (!access(path, R_OK))
            return true;
    }
    return false;
}

void bare_tell_gdb(unsigned port)
{
    char path[BARE_PATH];

    if (!find("bare/monitor.elf", path))
        snprintf(path, BARE_PATH, "monitor.elf");
    cli_say("it waits: gdb %s -ex 'target remote :%u'", path, port);
}

/* ---- Putting it together ---- */

struct image {
    uint8_t *bytes;
    size_t n, room;
};

static bool append(struct image *m, const void *bytes, size_t n)
{
    if (m->room - m->n < n) {
        size_t room = (m->n + n) * 2;
        uint8_t *larger = realloc(m->bytes, room);

        if (!larger)
            return false;
        memset(larger + m->room, 0, room - m->room);
        m->bytes = larger;
        m->room = room;
    }
    if (bytes)
        memcpy(m->bytes + m->n, bytes, n);
    m->n += n;
    return true;
}

static bool pad(struct image *m, size_t unit)
{
    return append(m, NULL, (unit - m->n % unit) % unit);
}

static bool append_module(struct image *m, const char *name, const void *bytes,
                          size_t n)
{
    uint8_t head[PACK_HEADER] = PACK_MAGIC;

    store_le64(head + PACK_LENGTH, n);
    snprintf((char *)head + PACK_NAME, NAME_MAX_LENGTH + 1, "%s", name);
    return append(m, head, sizeof(head)) && append(m, bytes, n) &&
           pad(m, PACK_UNIT);
}

/* "dir/hello-real.bin" is hello-real.  Some names tell the monitor what else a
 * module is: "kernel.bin" is kernel-guest. */
static void short_name(const char *path, char name[NAME_MAX_LENGTH + 1])
{
    static const char *const taken[] = {"command", "kernel", "initrd",
                                        "append"};
    const char *slash = strrchr(path, '/');

    snprintf(name, NAME_MAX_LENGTH + 1, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (!strcmp(name, taken[i]))
            snprintf(name, NAME_MAX_LENGTH + 1, "%s-guest", taken[i]);
}

/* No file, and none of ours, which are named. */
static enum status refuse_guest(const char *guest, struct diag *d)
{
    char path[BARE_PATH];
    enum status st = diag_set(d, STATUS_BAD_INPUT,
                              "%s: no such file, and no guest of ours:", guest);
    DIR *folder = find("guest", path) ? opendir(path) : NULL;

    for (struct dirent *e; folder && (e = readdir(folder));) {
        size_t n = strlen(d->text), name = strcspn(e->d_name, ".");

        if (!strcmp(e->d_name + name, ".bin"))
            snprintf(d->text + n, sizeof(d->text) - n, " %.*s", (int)name,
                     e->d_name);
    }
    if (folder)
        closedir(folder);
    return st;
}

static enum status append_guest(struct image *m, const char *guest,
                                struct diag *d)
{
    char ours[BARE_PATH], what[256], name[NAME_MAX_LENGTH + 1];
    struct load_file f;
    bool known = false;

    snprintf(what, sizeof(what), "guest/%s.bin", guest);
    if (!strchr(guest, '/') && access(guest, R_OK))
        known = find(what, ours);
    if (!known && access(guest, F_OK))
        return refuse_guest(guest, d);
    enum status st = pc_file_read(&f, known ? ours : guest, IMAGE_MAX, d);
    if (st)
        return st;
    short_name(guest, name);
    bool room = f.size && append_module(m, name, f.bytes, f.size);
    if (!room)
        st = diag_set(d, STATUS_BAD_INPUT, "%s: %s", guest,
                      f.size ? "no memory" : "the file is empty");
    pc_file_free(&f);
    return st;
}

/* A file as a module of this name; NULL: none. */
static enum status append_file(struct image *m, const char *name,
                               const char *path, struct diag *d)
{
    struct load_file f;
    enum status st = path ? pc_file_read(&f, path, IMAGE_MAX, d) : STATUS_OK;

    if (!path || st)
        return st;
    if (!append_module(m, name, f.bytes, f.size))
        st = diag_set(d, STATUS_NO_MEMORY, "%s: no memory", path);
    pc_file_free(&f);
    return st;
}

/* The kernel, its initrd and its command line, as `run --kernel` has them. */
static enum status append_pc(struct image *m, const struct bare_plan *plan,
                             struct diag *d)
{
    struct load_file kernel;
    enum status st;

    if (!plan->kernel)
        return STATUS_OK;
    st = pc_file_read(&kernel, plan->kernel, IMAGE_MAX, d);
    if (st)
        return st;
    const char *line = pc_file_command(&kernel, plan->append);
    if (!append_module(m, "kernel", kernel.bytes, kernel.size) ||
        (line && !append_module(m, "append", line, strlen(line))))
        st = diag_set(d, STATUS_NO_MEMORY, "no memory for an image");
    if (!st)
        st = append_file(m, "initrd", plan->initrd, d);
    pc_file_free(&kernel);
    return st;
}

static enum status append_all(struct image *m, const struct bare_plan *plan,
                              struct diag *d)
{
    const char *command = plan->command ? plan->command : "";
    enum status st = STATUS_OK;

    if (!pad(m, PACK_UNIT) ||
        (*command && !append_module(m, "command", command, strlen(command))))
        return diag_set(d, STATUS_NO_MEMORY, "no memory for an image");
    for (unsigned i = 0; i < plan->count && !st; i++)
        st = append_guest(m, plan->guests[i], d);
    if (!st)
        st = append_pc(m, plan, d);
    if (!st && m->n > IMAGE_MAX)
        st = diag_set(d, STATUS_BAD_INPUT,
                      "an image of %zu MiB: at most %d have room", m->n >> 20,
                      IMAGE_MAX >> 20);
    if (st)
        return st;
    if (!append_module(m, "", "", 0) || !pad(m, SECTOR))
        return diag_set(d, STATUS_NO_MEMORY, "no memory for an image");
    store_le32(m->bytes + SECTOR_SIZE_AT, (uint32_t)(m->n / SECTOR));
    return pad(m, CYLINDER)
               ? STATUS_OK
               : diag_set(d, STATUS_NO_MEMORY, "no memory for an image");
}

uint8_t *bare_image(const struct bare_plan *plan, size_t *size, enum status *st,
                    struct diag *d)
{
    char path[BARE_PATH];
    struct load_file f;
    struct image m = {0};

    if (!find("bare/monitor.img", path)) {
        *st = diag_set(d, STATUS_UNSUPPORTED,
                       "this trapline was built without the monitor on bare "
                       "metal (%s is missing): make wants a compiler for "
                       "x86-64 (make X86_CC=x86_64-linux-gnu-gcc X86_AS=... "
                       "X86_LD=... X86_OBJCOPY=...)",
                       path);
        return NULL;
    }
    *st = pc_file_read(&f, path, IMAGE_MAX, d);
    if (*st)
        return NULL;
    if (!append(&m, f.bytes, f.size))
        *st = diag_set(d, STATUS_NO_MEMORY, "no memory for an image");
    pc_file_free(&f);
    if (!*st)
        *st = append_all(&m, plan, d);
    if (*st) {
        free(m.bytes);
        return NULL;
    }
    *size = m.n;
    return m.bytes;
}
