#include "popek-goldberg/judge/mistake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The list ---- */

void pg_mistakes_add(struct pg_mistakes *m, struct pg_mistake one)
{
    if (m->count == m->room) {
        unsigned room = m->room ? 2 * m->room : 16;
        struct pg_mistake *rows = realloc(m->rows, room * sizeof(*rows));

        if (!rows) {
            m->no_memory = true;
            return;
        }
        m->rows = rows;
        m->room = room;
    }
    m->rows[m->count++] = one;
}

void pg_mistakes_free(struct pg_mistakes *m)
{
    free(m->rows);
    *m = (struct pg_mistakes){0};
}

void pg_mistakes_sort(struct pg_mistakes *m)
{
    for (unsigned i = 1; i < m->count; i++)
        for (unsigned k = i; k && m->rows[k - 1].line > m->rows[k].line; k--) {
            struct pg_mistake t = m->rows[k];

            m->rows[k] = m->rows[k - 1];
            m->rows[k - 1] = t;
        }
}

/* ---- Words ---- */

/* MISTAKE(kind, name, what, why, mend) */
#define MISTAKE(kind, name, what, why, mend) [kind] = {name, what, why, mend},
static const struct {
    const char *name, *what, *why, *mend;
} all[PG_MISTAKE_KINDS] = {
#include "popek-goldberg/judge/mistake.def"
};
#undef MISTAKE

/* What stands for {i}, {e}, {t} and {other}. */
struct names {
    const char *instruction, *element, *trap;
    char other[16];
};

static struct names names_of(const struct isa *isa, const struct pg_mistake *m)
{
    struct names n = {"it", "what is the machine's", "another trap", ""};

    if (m->encoding != PG_NOTHING)
        n.instruction = isa->encodings[m->encoding].name;
    if (m->element != PG_NOTHING)
        n.element = isa->elements[m->element].name;
    if (m->trap != PG_NOTHING)
        n.trap = isa->traps[m->trap].name;
    snprintf(n.other, sizeof(n.other), "%u", m->other);
    return n;
}

static void fill(char *to, const char *from, const struct names *names)
{
    const struct {
        const char *mark, *text;
    } marks[] = {{"{i}", names->instruction},
                 {"{e}", names->element},
                 {"{t}", names->trap},
                 {"{other}", names->other}};
    size_t n = 0;

    while (*from && n + ISA_NAME < PG_MISTAKE_TEXT) {
        size_t k = 0;

        while (k < ARRAY_LEN(marks) &&
               strncmp(from, marks[k].mark, strlen(marks[k].mark)) != 0)
            k++;
        if (k == ARRAY_LEN(marks)) {
            to[n++] = *from++;
            continue;
        }
        n += (size_t)snprintf(to + n, PG_MISTAKE_TEXT - n, "%s", marks[k].text);
        from += strlen(marks[k].mark);
    }
    to[n] = '\0';
}

void pg_mistake_words(const struct isa *isa, const struct pg_mistake *m,
                      struct pg_mistake_words *out)
{
    const struct names names = names_of(isa, m);

    out->name = all[m->kind].name;
    fill(out->what, all[m->kind].what, &names);
    fill(out->why, all[m->kind].why, &names);
    fill(out->mend, all[m->kind].mend, &names);
}
