/* The location counter, and the list of statements, in pass 1. */
#ifndef S370_ASM_LOCATION_H
#define S370_ASM_LOCATION_H

#include "s370/asm/state.h"

/* Put the statement into the listing and number it. */
void location_list(struct assembly *a, struct statement *st);
/* Align the counter.  Bytes that are skipped are zero in an image and absent
 * from a deck. */
void location_align(struct assembly *a, unsigned to);
/* The statement's section and location are those of the counter. */
void location_locate(struct assembly *a, struct statement *st);
/* Move the counter on; complains when storage ends. */
void location_advance(struct assembly *a, struct statement *st, uint64_t n);

#endif
