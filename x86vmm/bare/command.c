#include "x86vmm/bare/command.h"

#include "x86vmm/bare/console.h"

static bool is_word(const char *p, size_t n, const char *word)
{
    size_t i = 0;

    while (i < n && word[i] && p[i] == word[i])
        i++;
    return i == n && !word[i];
}

/* "limit=N", decimal. */
static bool is_limit(const char *p, size_t n, uint64_t *limit)
{
    enum { BEFORE = 6 };

    if (n <= BEFORE || !is_word(p, BEFORE, "limit="))
        return false;
    *limit = 0;
    for (size_t i = BEFORE; i < n; i++)
        *limit = *limit * 10 + (uint64_t)(p[i] - '0');
    return true;
}

static void take(struct command *c, const char *word, size_t n)
{
    const struct {
        const char *name;
        bool *into;
    } words[] = {{"trace", &c->trace},
                 {"json", &c->json},
                 {"wrong", &c->wrong},
                 {"plain", &c->plain},
                 {"reboot", &c->reboot}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (is_word(word, n, words[i].name)) {
            *words[i].into = true;
            return;
        }
    if (!is_limit(word, n, &c->limit))
        say("'%.*s' is no word of the command: trace, json, wrong, plain, "
            "limit=N",
            (int)n, word);
}

bool command_is(const char *name, const char *word)
{
    size_t length = 0;

    while (name[length])
        length++;
    return is_word(name, length, word);
}

bool command_read(struct command *c, const struct module *m)
{
    const char *p = (const char *)m->bytes, *end = p + m->size;

    if (!command_is(m->name, "command"))
        return false;
    while (p < end) {
        const char *word = p;

        while (p<end && * p> ' ')
            p++;
        if (p > word)
            take(c, word, (size_t)(p - word));
        while (p < end && *p <= ' ')
            p++;
    }
    return true;
}
