/* The image of a batch. */
#include "tests/oracle/batch.h"

#include <stdlib.h>
#include <string.h>

bool batch_init(struct batch *b)
{
    b->image = calloc(1, STORAGE_SIZE);
    b->result = calloc(1, STORAGE_SIZE);
    b->facts = calloc(CASES_MAX, sizeof(*b->facts));
    b->count = 0;
    return b->image && b->result && b->facts;
}

void batch_fini(struct batch *b)
{
    free(b->image);
    free(b->result);
    free(b->facts);
}

/* The driver's variables that depend on the size of storage. */
static void put_driver(uint8_t *image, const uint8_t *driver)
{
    memcpy(image, driver, DRIVER_SIZE);
    memcpy(image + AT_ALT, driver, DRIVER_SIZE);
    store_be32(image + AT_TOPBLOCK, STORAGE_END_BLOCK);
    store_be32(image + AT_LASTBLK, STORAGE_END_BLOCK);
    store_be32(image + AT_STRETCH2, STORAGE_END_BLOCK);
}

static void put_region(struct rng *r, uint8_t *image)
{
    uint8_t *pristine = image + AT_PRISTINE;

    fill_operands(r, pristine, REGION_SIZE + 0x800);
    for (unsigned i = 0; i < CODE_FIELD_SIZE; i += 2)
        store_be16(pristine + CODE_FIELD - AT_REGION + i, 0x0AFE);
    fill_control(r, image);
    memcpy(image + AT_REGION, pristine, REGION_SIZE);
    memcpy(image + AT_COPY, pristine, REGION_SIZE + 0x800);
    memcpy(image + STORAGE_END_BLOCK, image + AT_PRISTINE_END, 0x800);
}

void batch_generate(struct batch *b, const uint8_t *driver, unsigned count,
                    struct rng *r)
{
    memset(b->image, 0, STORAGE_SIZE);
    memset(b->facts, 0, CASES_MAX * sizeof(*b->facts));
    b->count = count;
    put_driver(b->image, driver);
    fill_tables(r, b->image);
    put_region(r, b->image);
    for (unsigned i = 0; i < count; i++)
        fill_case(r, b->image + case_at(i));
    batch_select(b->image, 0, count);
}

void batch_select(uint8_t *image, unsigned first, unsigned count)
{
    store_be32(image + AT_FIRST, case_at(first));
    store_be32(image + AT_NCASE, count);
}

void batch_blank(struct batch *b, unsigned number)
{
    uint8_t *at = b->image + case_at(number);
    uint32_t code = CODE_FIELD;

    store_be64(at + CASE_PSW, code);
    memset(at + CASE_CR, 0, 64);
    store_be32(at + CASE_PATCHES, code);
    store_be32(at + CASE_PATCHES + 4, code + AT_COPY - AT_REGION);
    for (unsigned i = 0; i < CODE_SIZE; i += 2)
        store_be16(at + CASE_CODE + i, 0x0AFE);
}
