/* What the functions of the rows of difference_*.def ask of a difference. */
#ifndef TESTS_X86_ORACLE_DIFFERENCE_H
#define TESTS_X86_ORACLE_DIFFERENCE_H

#include "tests/x86_oracle/record.h"

#include <string.h>

/* The word that differs; of a result that has ended before it 0. */
#define OURS(d) (ox_word_there((d)->ours, (d)->at))
#define PEER(d) (ox_word_there((d)->theirs, (d)->at))

static inline uint32_t ox_word_there(const struct ox_result *r, uint32_t at)
{
    return at < r->count ? r->word[at] : 0;
}

static inline bool says(const struct ox_difference *d, const char *word)
{
    return strstr(d->c->text, word) != NULL;
}

/* Of 48 bits. */
static inline bool is_canonical(uint64_t v)
{
    return (uint64_t)((int64_t)(v << 16) >> 16) == v;
}

static inline bool is_flags(const struct ox_difference *d)
{
    return d->field == OX_R32_EFLAGS || d->field == OX_R64_RFLAGS ||
           d->field == OX_NEST_FLAGS;
}

/* The vector of the record that differs, as ours has it; none: 256. */
static inline unsigned vector_of(const struct ox_difference *d)
{
    if (d->record == OX_RECORD_COUNT || d->record == OX_SUMS ||
        d->start >= d->ours->count)
        return 256;
    return d->ours->word[d->start] & 0xFF;
}

static inline uint32_t word_of(const struct ox_difference *d, enum ox_field f)
{
    return d->ours->word[d->start + (f - ox_record_head(d->record))];
}

static inline bool goes_to_task(const struct ox_difference *d)
{
    return says(d, "jmp far") || says(d, "call far") || says(d, "int 84") ||
           says(d, "iret");
}

/* Of an event that is another one there: its vector; else 256. */
static inline unsigned vector_there(const struct ox_difference *d)
{
    return d->at == d->start && d->field != OX_FIELD_COUNT ? PEER(d) & 0xFF
                                                           : 256;
}

/* The vectors at which the two have parted. */
static inline bool parted(const struct ox_difference *d, unsigned ours,
                          unsigned peer)
{
    return vector_of(d) == ours && vector_there(d) == peer;
}

#endif
