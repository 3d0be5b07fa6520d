/* What the report has of the literature, and of the description itself. */
#include "popek-goldberg/report/report_parts.h"
#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/text.h"

#include <string.h>

static const char *const verdicts[ISA_VERDICT_COUNT] = {
    "holds", "fails", "privileged", "critical", "innocuous"};

/* ---- Claims ---- */

static void put_difference(FILE *to, const struct pg_judgement *j,
                           const struct isa_claim *c)
{
    struct pg_lines lines = {.to = to, .indent = 4};

    pg_begin_line(&lines, "  ");
    pg_put_words_of(&lines, "%s %s, DERIVED OTHERWISE: %s (%s; %c).",
                    pg_claim_subject(j->isa, c), verdicts[c->verdict],
                    verdicts[pg_derived(j, c)], c->source, c->confidence);
    pg_put_words(&lines, c->differs ? "Why:" : "");
    if (c->differs)
        pg_put_sentence(&lines, c->differs);
    else
        pg_put_words(&lines, "Why is not said.");
    pg_end_line(&lines);
}

static bool same_kind(const struct isa_claim *a, const struct isa_claim *b)
{
    return a->verdict == b->verdict && a->confidence == b->confidence &&
           !strcmp(a->source, b->source);
}

/* Is there one like it, that agrees too, before it? */
static bool is_told(const struct pg_judgement *j, unsigned i)
{
    const struct isa_claim *c = j->isa->claims;

    for (unsigned k = 0; k < i; k++)
        if (same_kind(&c[k], &c[i]) && pg_claim_agrees(j, &c[k]))
            return true;
    return false;
}

/* Those of one source that are derived too, together. */
static void put_agreement(FILE *to, const struct pg_judgement *j, unsigned i)
{
    const struct isa_claim *c = j->isa->claims;
    struct pg_lines lines = {.to = to, .indent = 4};
    bool any = false;

    pg_begin_line(&lines, "  ");
    for (unsigned k = i; k < j->isa->claim_count; k++)
        if (same_kind(&c[i], &c[k]) && pg_claim_agrees(j, &c[k])) {
            if (any)
                pg_put_mark(&lines, ',');
            pg_put_words(&lines, pg_claim_subject(j->isa, &c[k]));
            any = true;
        }
    pg_put_words_of(&lines, "%s, derived too (%s; %c)", verdicts[c[i].verdict],
                    c[i].source, c[i].confidence);
    pg_end_line(&lines);
}

static void put_claims(FILE *to, const struct pg_judgement *j)
{
    const struct isa *isa = j->isa;
    unsigned differ = 0;

    for (unsigned i = 0; i < isa->claim_count; i++)
        differ += !pg_claim_agrees(j, &isa->claims[i]);
    if (isa->claim_count)
        fprintf(to,
                "\nClaims of the literature: %u, of which %u are derived "
                "otherwise (corrected\nreading; H, M, L: high, medium, low "
                "confidence)\n",
                isa->claim_count, differ);
    for (unsigned i = 0; i < isa->claim_count; i++)
        if (!pg_claim_agrees(j, &isa->claims[i]))
            put_difference(to, j, &isa->claims[i]);
    for (unsigned i = 0; i < isa->claim_count; i++)
        if (pg_claim_agrees(j, &isa->claims[i]) && !is_told(j, i))
            put_agreement(to, j, i);
}

/* ---- Lists ---- */

static bool is_critical(const struct pg_judgement *j, const char *name)
{
    return !strcmp(pg_listed_words(j, name), "critical");
}

static bool is_listed(const struct isa_list *l, const char *name)
{
    for (unsigned i = 0; i < l->count; i++)
        if (!strcmp(l->names[i], name))
            return true;
    for (unsigned i = 0; i < l->beyond_count; i++)
        if (!strcmp(l->beyond[i].name, name))
            return true;
    return false;
}

/* Is it listed, itself or by its mnemonic? */
static bool knows(const struct isa_list *l, const struct isa_encoding *c)
{
    return is_listed(l, c->name) || is_listed(l, c->mnemonic);
}

/* What is critical and neither on the list nor explained. */
static void put_unexplained(FILE *to, const struct pg_judgement *j,
                            const struct isa_list *l)
{
    struct pg_lines lines = {.to = to, .indent = 2};

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const struct isa_encoding *c = &j->isa->encodings[i];

        if (!pg_critical(&j->best.labels[i], PG_CORRECTED) || knows(l, c))
            continue;
        if (!lines.column)
            pg_put_words(&lines, "Derived critical, not on the list, and not "
                                 "explained:");
        pg_put_words(&lines, c->name);
    }
    pg_end_line(&lines);
}

static void put_list(FILE *to, const struct pg_judgement *j,
                     const struct isa_list *l)
{
    struct pg_lines lines = {.to = to, .indent = 0};
    unsigned critical = 0;

    for (unsigned i = 0; i < l->count; i++)
        critical += is_critical(j, l->names[i]);
    fputc('\n', to);
    pg_put_words_of(&lines, "%s (%s; %c): %u of %u are derived critical.",
                    l->title, l->source, l->confidence, critical, l->count);
    pg_end_line(&lines);
    lines.indent = 2;
    for (unsigned i = 0; i < l->count; i++)
        if (is_critical(j, l->names[i]))
            pg_put_words(&lines, l->names[i]);
    pg_end_line(&lines);
    for (unsigned i = 0; i < l->count; i++)
        if (!is_critical(j, l->names[i])) {
            pg_put_words_of(&lines, "%s is not: %s.", l->names[i],
                            pg_listed_words(j, l->names[i]));
            pg_end_line(&lines);
        }
    for (unsigned i = 0; i < l->beyond_count; i++) {
        const struct isa_beyond *b = &l->beyond[i];

        lines.indent = 2;
        pg_put_words_of(&lines, "Beyond it: %s, %s;", b->name,
                        pg_listed_words(j, b->name));
        lines.indent = 4;
        pg_put_sentence(&lines, b->why);
        pg_end_line(&lines);
    }
    put_unexplained(to, j, l);
}

/* ---- The description ---- */

static void put_text(FILE *to, const char *before, const char *name,
                     const char *text)
{
    struct pg_lines lines = {.to = to, .indent = 2};

    pg_put_words(&lines, before);
    lines.indent = 4;
    if (*name)
        pg_put_words_of(&lines, "%s:", name);
    pg_put_sentence(&lines, text);
    pg_end_line(&lines);
}

static void put_clock(FILE *to, const struct isa *isa)
{
    struct pg_lines lines = {.to = to, .indent = 2};

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        if (!pg_reads_clock(isa, i))
            continue;
        if (!lines.column)
            pg_put_words(&lines, "Excused, as a matter of timing, is that a "
                                 "clock is read by");
        pg_put_words(&lines, isa->encodings[i].name);
    }
    pg_end_line(&lines);
}

static void put_covers(FILE *to, const struct isa *isa)
{
    struct pg_lines lines = {.to = to, .indent = 2};

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const struct isa_encoding *c = &isa->encodings[i];

        if (!c->cover_count)
            continue;
        lines.indent = 2;
        pg_put_words_of(&lines, "%s stands for", c->name);
        lines.indent = 4;
        for (unsigned k = 0; k < c->cover_count; k++)
            pg_put_words(&lines, c->covers[k]);
        pg_end_line(&lines);
    }
}

void pg_put_code_notes(FILE *to, const struct isa *isa, unsigned encoding)
{
    const struct isa_encoding *c = &isa->encodings[encoding];

    for (unsigned i = 0; i < isa->note_count; i++)
        if (!strcmp(isa->notes[i].name, c->name) ||
            !strcmp(isa->notes[i].name, c->mnemonic))
            put_text(to, "Note.", "", isa->notes[i].text);
    if (pg_reads_clock(isa, encoding))
        fputs("  It reads a clock, which is excused as a matter of timing.\n",
              to);
    if (c->needed && isa->needs)
        put_text(to, "The monitor's own; Theorem 2 alone counts it:", "",
                 isa->needs);
}

static void put_notes(FILE *to, const struct isa *isa)
{
    if (isa->note_count || isa->leaves_out_count)
        fputs("\nNotes\n", to);
    put_clock(to, isa);
    for (unsigned i = 0; i < isa->note_count; i++)
        put_text(to, "-", isa->notes[i].name, isa->notes[i].text);
    for (unsigned i = 0; i < isa->leaves_out_count; i++)
        put_text(to, "- Left out:", "", isa->leaves_out[i].text);
    put_covers(to, isa);
}

void pg_put_about(FILE *to, const struct pg_judgement *j)
{
    put_claims(to, j);
    for (unsigned i = 0; i < j->isa->list_count; i++)
        put_list(to, j, &j->isa->lists[i]);
    put_notes(to, j->isa);
}
