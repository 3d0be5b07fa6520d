#include "tests/x86_guest.h"

#include "tests/skip.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORAGE_MIB = 256, PIECE = 100000 };

static void print(void *to, const uint8_t *bytes, size_t n)
{
    struct x86_guest *g = to;

    for (; n-- && g->length < GUEST_TEXT - 1; bytes++)
        if (*bytes) /* firmware prints zeros */
            g->text[g->length++] = (char)*bytes;
}

/* ---- Files ---- */

void x86_guest_path(const char *name, char *path, size_t size)
{
    const char *named = getenv("TRAPLINE_X86_GUESTS");
    const char *build = getenv("BUILD");

    if (named)
        snprintf(path, size, "%s/%s", named, name);
    else
        snprintf(path, size, "%s/guests/%s", build ? build : "build", name);
}

static uint8_t *read_file(const char *name, size_t *size)
{
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    long end;

    x86_guest_path(name, path, sizeof(path));
    FILE *f = fopen(path, "rb");
    if (!f) {
        skip_test("no guest %s (%s): `make guests` fetches it", path,
                  strerror(errno));
        return NULL;
    }
    ck_assert(!fseek(f, 0, SEEK_END) && (end = ftell(f)) > 0);
    rewind(f);
    *size = (size_t)end;
    bytes = malloc(*size);
    ck_assert(bytes && fread(bytes, 1, *size, f) == *size);
    fclose(f);
    return bytes;
}

static bool read_sector(void *who, uint64_t sector, uint8_t bytes[IDE_SECTOR])
{
    const struct guest_disk *d = who;

    memcpy(bytes, d->bytes + sector * IDE_SECTOR, IDE_SECTOR);
    return true;
}

static bool write_sector(void *who, uint64_t sector,
                         const uint8_t bytes[IDE_SECTOR])
{
    struct guest_disk *d = who;

    memcpy(d->bytes + sector * IDE_SECTOR, bytes, IDE_SECTOR);
    return true;
}

static bool flush_sectors(void *who)
{
    (void)who;
    return true;
}

static bool read_disks(struct x86_guest *g, const struct x86_guest_plan *plan,
                       struct pc_plan *pc)
{
    enum { FLOPPY = 2 };

    for (unsigned i = 0; i < GUEST_DISKS; i++) {
        struct guest_disk *d = &g->disks[i];

        if (!plan->disks[i])
            continue;
        d->bytes = read_file(plan->disks[i], &d->size);
        if (!d->bytes)
            return false;
        *(i == FLOPPY ? &pc->floppies[0].disk : &pc->disks[i]) =
            (struct ide_medium){d->size / IDE_SECTOR, read_sector, write_sector,
                                flush_sectors, d};
    }
    return true;
}

/* ---- The guest ---- */

static bool start(struct x86_guest *g, const struct x86_guest_plan *plan)
{
    struct pc_plan pc = {.storage = (uint64_t)STORAGE_MIB << 20,
                         .seconds = PC_EPOCH,
                         .apic = plan->apic,
                         .test_device = plan->test_device,
                         .vendor = "GenuineIntel"};
    struct load_plan load = {.append = plan->append};
    struct diag diag = {{0}};
    uint8_t *kernel;

    if (!read_disks(g, plan, &pc))
        return false;
    kernel = read_file(plan->kernel, &load.kernel.size);
    if (!kernel)
        return false;
    if (plan->firmware) {
        pc.rom = kernel;
        pc.rom_size = load.kernel.size;
    }
    g->pc = pc_new(&pc, &diag);
    ck_assert_msg(g->pc != NULL, "%s", diag.text);
    g->pc->board.uart.output = g->pc->board.debug.output = print;
    g->pc->board.uart.to = g->pc->board.debug.to = g;
    if (plan->firmware) {
        free(kernel);
        return true;
    }
    load.mem = &g->pc->mem;
    load.storage = g->pc->bytes;
    load.kernel.name = plan->kernel;
    load.kernel.bytes = kernel;
    if (plan->module)
        load.initrd = (struct load_file){
            "module", (const uint8_t *)plan->module, strlen(plan->module)};
    ck_assert_msg(!load_kernel(&load, &g->pc->cpu.state, &diag), "%s",
                  diag.text);
    pc_state_set(g->pc);
    free(kernel);
    return true;
}

struct x86_guest *x86_guest_new(const struct x86_guest_plan *plan)
{
    struct x86_guest *g = calloc(1, sizeof(*g));

    ck_assert_ptr_nonnull(g);
    if (start(g, plan))
        return g;
    x86_guest_free(g);
    return NULL;
}

void x86_guest_free(struct x86_guest *g)
{
    for (unsigned i = 0; i < GUEST_DISKS; i++)
        free(g->disks[i].bytes);
    pc_free(g->pc);
    free(g);
}

bool x86_guest_wait(struct x86_guest *g, const char *text, uint64_t n)
{
    uint64_t end = g->pc->cpu.ran + n;
    enum pc_stop stop = PC_BUDGET;

    for (;;) {
        const char *at = strstr(g->text + g->seen, text);

        if (at) {
            g->seen = (size_t)(at - g->text) + strlen(text);
            return true;
        }
        if (stop != PC_BUDGET || g->pc->cpu.ran >= end)
            return false;
        stop = pc_run(g->pc, PIECE);
    }
}

void x86_guest_type(struct x86_guest *g, const char *line)
{
    size_t n = strlen(line);

    ck_assert_uint_eq(pc_input(g->pc, (const uint8_t *)line, n), n);
    ck_assert_uint_eq(pc_input(g->pc, (const uint8_t *)"\r", 1), 1);
}
