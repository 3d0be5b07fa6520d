#include "popek-goldberg/judge/mistakes.h"
#include "popek-goldberg/report/text.h"

#include <string.h>

static void put_part(FILE *to, const char *head, const char *text)
{
    struct pg_lines lines = {.to = to, .indent = 10, .column = 10};

    fprintf(to, "    %-6s", head);
    pg_put_words(&lines, text);
    pg_end_line(&lines);
}

static void put_one(FILE *to, const struct isa *isa, const struct pg_mistake *m)
{
    struct pg_lines lines = {.to = to, .indent = 4, .column = 4};
    struct pg_mistake_words words;

    pg_mistake_words(isa, m, &words);
    fputs("  ", to);
    if (m->line)
        pg_put_words_of(&lines, "Line %u: %s.", m->line, words.what);
    else
        pg_put_words_of(&lines, "%s.", words.what);
    pg_end_line(&lines);
    put_part(to, "Why:", words.why);
    put_part(to, "Mend:", words.mend);
}

static bool is_asked(const struct isa *isa, const struct pg_mistake *m,
                     const char *instruction)
{
    if (!instruction)
        return true;
    return m->encoding != PG_NOTHING &&
           (!strcmp(isa->encodings[m->encoding].name, instruction) ||
            !strcmp(isa->encodings[m->encoding].mnemonic, instruction));
}

void pg_report_mistakes(FILE *to, const struct pg_judgement *j,
                        const char *instruction)
{
    struct pg_mistakes found;
    bool whole = pg_find_mistakes(j, &found) == STATUS_OK;
    const char *heading = "\nLooks like a mistake:\n";

    for (unsigned i = 0; i < found.count; i++) {
        if (!is_asked(j->isa, &found.rows[i], instruction))
            continue;
        fputs(heading, to);
        heading = "";
        put_one(to, j->isa, &found.rows[i]);
    }
    if (!whole)
        fputs("\nNo memory was left to look for all mistakes.\n", to);
    pg_mistakes_free(&found);
}

static void put_json(FILE *to, const struct isa *isa,
                     const struct pg_mistake *m)
{
    struct pg_mistake_words words;

    pg_mistake_words(isa, m, &words);
    fprintf(to, "{\"mistake\":\"%s\",\"line\":%u,\"instruction\":", words.name,
            m->line);
    if (m->encoding == PG_NOTHING)
        fputs("null", to);
    else
        pg_put_json_string(to, isa->encodings[m->encoding].name);
    fputs(",\"what\":", to);
    pg_put_json_string(to, words.what);
    fputs(",\"why\":", to);
    pg_put_json_string(to, words.why);
    fputs(",\"mend\":", to);
    pg_put_json_string(to, words.mend);
    fputc('}', to);
}

void pg_report_mistakes_json(FILE *to, const struct pg_judgement *j)
{
    struct pg_mistakes found;

    if (pg_find_mistakes(j, &found) != STATUS_OK)
        found.count = 0; /* not all: none, and the report says why */
    fputc('[', to);
    for (unsigned i = 0; i < found.count; i++) {
        fputs(i ? "," : "", to);
        put_json(to, j->isa, &found.rows[i]);
    }
    fputc(']', to);
    pg_mistakes_free(&found);
}
