/* Words of storage that are not the same on two machines. */
#include "tests/x86_oracle/record.h"

#include <stdio.h>

static const struct {
    enum ox_field field;
    uint32_t from, size, mask;
} pieces[] = {
#define PIECE(name, at, size, mask) {OX_SUMS_##name, at, size, mask},
#include "tests/x86_oracle/piece.def"
#undef PIECE
};

/* A walk along both lists of words that have changed. */
struct walk {
    const struct ox_difference *d;
    uint32_t i, j;
    uint32_t at, before, ours, theirs;
};

static uint32_t address_of(const struct ox_result *r, uint32_t i)
{
    return i < r->pairs ? r->stored[2 * i] : UINT32_MAX;
}

/* The next word that differs. */
static bool next_word(struct walk *w)
{
    const struct ox_result *a = w->d->ours, *b = w->d->theirs;

    for (;;) {
        uint32_t x = address_of(a, w->i), y = address_of(b, w->j);

        w->at = x < y ? x : y;
        if (w->at > ARENA_SIZE - 4)
            return false;
        w->before = load_le32(w->d->c->arena + w->at);
        w->ours = x == w->at ? a->stored[2 * w->i++ + 1] : w->before;
        w->theirs = y == w->at ? b->stored[2 * w->j++ + 1] : w->before;
        if (w->ours != w->theirs)
            return true;
    }
}

bool ox_all_words(const struct ox_difference *d, ox_word_test *test)
{
    struct walk w = {.d = d};
    unsigned p = 0;
    bool any = false;

    while (p < ARRAY_LEN(pieces) && pieces[p].field != d->field)
        p++;
    if (p == ARRAY_LEN(pieces))
        return false;
    while (next_word(&w)) {
        if (w.at - pieces[p].from >= pieces[p].size ||
            !((w.ours ^ w.theirs) & pieces[p].mask))
            continue;
        if (!test(d, w.at, w.before, w.ours, w.theirs))
            return false;
        any = true;
    }
    return any;
}

void ox_show_stored(const struct ox_difference *d)
{
    enum { SHOWN_MAX = 12 };
    struct walk w = {.d = d};

    for (unsigned n = 0; next_word(&w); n++) {
        if (n == SHOWN_MAX) {
            printf("    and more\n");
            return;
        }
        printf("    at %x: %x before, ours %x, %x there\n", w.at, w.before,
               w.ours, w.theirs);
    }
}
