#include "cli/pc_scratch.h"

#include "cli/pc_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_ROOM = 256 };

/* Where the number is, or would be. */
static uint32_t *place_of(const struct pc_scratch *s, uint64_t number)
{
    size_t i = (size_t)(number * UINT64_C(0x9E3779B97F4A7C15) >> 20);

    for (;; i++) {
        uint32_t *at = &s->places[i & (s->place_count - 1)];

        if (!*at || s->numbers[*at - 1] == number)
            return at;
    }
}

static const uint8_t *written(const struct pc_scratch *s, uint64_t number)
{
    uint32_t *at = s->count ? place_of(s, number) : NULL;

    return at && *at ? s->bytes + (size_t)(*at - 1) * IDE_SECTOR : NULL;
}

/* Room for one more, with half of the places empty. */
static bool grow(struct pc_scratch *s)
{
    size_t room = s->room ? 2 * s->room : FIRST_ROOM;
    uint32_t *places;
    void *p;

    if (s->count < s->room)
        return true;
    p = realloc(s->bytes, room * IDE_SECTOR);
    if (!p)
        return false;
    s->bytes = p;
    p = realloc(s->numbers, room * sizeof(s->numbers[0]));
    if (!p)
        return false;
    s->numbers = p;
    places = calloc(2 * room, sizeof(places[0]));
    if (!places)
        return false;
    free(s->places);
    s->places = places;
    s->place_count = 2 * room;
    s->room = room;
    for (size_t i = 0; i < s->count; i++)
        *place_of(s, s->numbers[i]) = (uint32_t)i + 1;
    return true;
}

/* ---- The medium ---- */

static bool read_sector(void *who, uint64_t sector, uint8_t bytes[IDE_SECTOR])
{
    const struct pc_scratch *s = who;
    const uint8_t *own = written(s, sector);

    if (own) {
        memcpy(bytes, own, IDE_SECTOR);
        return true;
    }
    return pread(s->fd, bytes, IDE_SECTOR, (off_t)(sector * IDE_SECTOR)) ==
           IDE_SECTOR;
}

static bool write_sector(void *who, uint64_t sector,
                         const uint8_t bytes[IDE_SECTOR])
{
    struct pc_scratch *s = who;

    if (!grow(s))
        return false;
    uint32_t *at = place_of(s, sector);
    if (!*at) {
        s->numbers[s->count] = sector;
        *at = (uint32_t)++s->count;
    }
    memcpy(s->bytes + (size_t)(*at - 1) * IDE_SECTOR, bytes, IDE_SECTOR);
    return true;
}

static bool flush_sectors(void *who)
{
    (void)who;
    return true;
}

enum status pc_scratch_open(struct pc_scratch *s, const char *path,
                            struct ide_medium *medium, struct diag *diag)
{
    *s = (struct pc_scratch){.fd = -1};
    *medium =
        (struct ide_medium){0, read_sector, write_sector, flush_sectors, s};
    if (!path)
        return STATUS_OK;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path,
                        strerror(errno));
    enum status st = pc_drive_size(s->fd, path, &medium->sectors, diag);
    if (st)
        pc_scratch_close(s);
    return st;
}

void pc_scratch_close(struct pc_scratch *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->bytes);
    free(s->numbers);
    free(s->places);
    *s = (struct pc_scratch){.fd = -1};
}

uint64_t pc_scratch_differ(const struct pc_scratch *a,
                           const struct pc_scratch *b)
{
    uint64_t first = UINT64_MAX;

    for (unsigned turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < a->count; i++) {
            const uint8_t *other = written(b, a->numbers[i]);

            if (!other ||
                memcmp(a->bytes + i * IDE_SECTOR, other, IDE_SECTOR) != 0)
                first = min_u64(first, a->numbers[i]);
        }
        const struct pc_scratch *t = a;
        a = b;
        b = t;
    }
    return first;
}
