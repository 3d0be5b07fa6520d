#include "tests/x86_oracle/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HARNESS_SIZE = 0x10000, CASES_MAX = 1000 };

bool ox_image_open(struct ox_image *i, const char *path)
{
    FILE *f = fopen(path, "rb");
    bool ok;

    *i = (struct ox_image){.bytes = calloc(1, IMAGE_SIZE),
                           .plain = calloc(1, ARENA_SIZE)};
    if (!i->bytes || !i->plain)
        abort();
    ok = f && fread(i->plain, ARENA_SIZE, 1, f) == 1 &&
         fread(i->bytes + AT_HARNESS - AT_IMAGE, HARNESS_SIZE, 1, f) == 1;
    if (f)
        fclose(f);
    if (!ok)
        return false;
    ox_make_tables(i->plain);
    memcpy(i->bytes, i->plain, ARENA_SIZE);
    return true;
}

void ox_image_close(struct ox_image *i)
{
    free(i->bytes);
    free(i->plain);
}

void ox_image_clear(struct ox_image *i, bool verbose)
{
    uint8_t *plan = i->bytes + AT_PLAN - AT_IMAGE;

    i->end = AT_CASES - AT_IMAGE;
    i->cases = 0;
    memset(plan, 0, 16);
    store_le32(plan + 8, verbose);
}

bool ox_image_add(struct ox_image *i, const struct ox_case *c)
{
    if (i->cases == CASES_MAX ||
        i->end + CASE_BYTES_MAX > AT_HARNESS - AT_IMAGE)
        return false;
    i->end += ox_encode(c, i->plain, i->bytes + i->end);
    i->cases++;
    store_le32(i->bytes + AT_PLAN - AT_IMAGE + 4, i->cases);
    return true;
}

bool ox_image_write(const struct ox_image *i, const char *path)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(i->bytes, IMAGE_SIZE, 1, f) == 1;

    if (f && fclose(f))
        ok = false;
    return ok;
}
