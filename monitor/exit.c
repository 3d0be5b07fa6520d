#include "monitor/exit.h"

static const struct {
    const char *name, *words;
} reasons[EXIT_REASON_COUNT] = {
#define EXIT_REASON(name, payload, instead, words) \
    [EXIT_##name] = {#name, words},
#include "monitor/exit_reason.def"
#undef EXIT_REASON
};

static const char *const verdicts[VERDICT_COUNT] = {
#define VERDICT(name, word, does) [VERDICT_##name] = word,
#include "monitor/verdict.def"
#undef VERDICT
};

EXIT_PATH const char *exit_reason_name(enum exit_reason r)
{
    return r < EXIT_REASON_COUNT ? reasons[r].name : "?";
}

const char *exit_reason_words(enum exit_reason r)
{
    return r < EXIT_REASON_COUNT ? reasons[r].words : "?";
}

const char *verdict_word(enum verdict v)
{
    return v < VERDICT_COUNT ? verdicts[v] : "?";
}

EXIT_PATH uint64_t exit_io_first(const struct exit_io *io)
{
    uint64_t value = 0;

    if (!io->data)
        return io->value;
    for (unsigned i = io->size < 8 ? io->size : 8; i-- > 0;)
        value = value << 8 | io->data[i];
    return value;
}
