/* What is said of a machine: claims, lists, notes, what is left out, and the
 * repairs that its hardware got or might get. */
#include "popek-goldberg/language/parse.h"

#include <string.h>

/* ---- Small parts ---- */

char (*parse_names(struct parse *p, unsigned *count,
                   const char *what))[ISA_NAME]
{
    char names[ISA_NAMES][ISA_NAME];

    *count = 0;
    if (!parse_expect(p, "{"))
        return NULL;
    do {
        if (*count == ISA_NAMES) {
            parse_fault(p, "more than 256 names");
            return NULL;
        }
        if (!parse_word(p, names[*count], what))
            return NULL;
        ++*count;
        parse_accept(p, ",");
    } while (!parse_accept(p, "}"));
    char(*own)[ISA_NAME] = parse_take(p, *count * sizeof(*names));
    if (own)
        memcpy(own, names, *count * sizeof(*names));
    return own;
}

/* source "TEXT" confidence H|M|L */
static bool take_source(struct parse *p, char **source, char *confidence)
{
    if (!parse_expect(p, "source") || !(*source = parse_text(p)) ||
        !parse_expect(p, "confidence"))
        return false;
    for (const char *k = "HML"; *k; k++)
        if (p->lex.token.len == 1 && p->lex.token.text[0] == *k)
            *confidence = *k;
    if (!*confidence) {
        lex_expected(&p->lex, "a confidence: H, M or L", NULL);
        return false;
    }
    lex_next(&p->lex);
    return true;
}

enum { WORDS_MAX = 2 * ISA_ENCODINGS + ISA_SUBJECTS };

/* The names of all encodings and mnemonics, behind `n` other words. */
static void list_words(const struct isa *isa, const char **words, unsigned n)
{
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        words[n++] = isa->encodings[i].name;
        words[n++] = isa->encodings[i].mnemonic;
    }
    words[n] = NULL;
}

/* The current token: an encoding, or else a mnemonic. */
static bool take_named(struct parse *p, const char *what, unsigned *encoding,
                       bool *mnemonic)
{
    const char *words[WORDS_MAX + 1] = {NULL};
    const struct lex_token t = p->lex.token;
    char name[ISA_NAME] = "";

    if (t.kind == LEX_WORD && t.len < ISA_NAME)
        memcpy(name, t.text, t.len);
    int i = isa_find_encoding(p->isa, name);
    *mnemonic = i < 0;
    if (i < 0)
        i = isa_find_mnemonic(p->isa, name);
    if (i < 0) {
        list_words(p->isa, words, 0);
        lex_expected(&p->lex, what, words);
        return false;
    }
    *encoding = (unsigned)i;
    lex_next(&p->lex);
    return true;
}

/* ---- Claims ---- */

static const char *const subjects[ISA_ABOUT_CODE] = {
    "t1", "t2", "t3", "exact", "hybrid", "efficiency"};

static const char *const verdicts[] = {"holds",    "fails",     "privileged",
                                       "critical", "innocuous", NULL};

static bool take_subject(struct parse *p, struct isa_claim *c)
{
    bool mnemonic;

    for (unsigned i = 0; i < ISA_ABOUT_CODE; i++)
        if (parse_accept(p, subjects[i])) {
            c->subject = i;
            return true;
        }
    if (!take_named(p,
                    "t1, t2, t3, exact, hybrid, efficiency, or an instruction "
                    "declared above",
                    &c->encoding, &mnemonic))
        return false;
    c->subject = mnemonic ? ISA_ABOUT_MNEMONIC : ISA_ABOUT_CODE;
    return true;
}

static bool take_verdict(struct parse *p, struct isa_claim *c)
{
    bool code = c->subject >= ISA_ABOUT_CODE;
    unsigned from = code ? ISA_SAYS_PRIVILEGED : 0;
    unsigned to = code ? ISA_VERDICT_COUNT : ISA_SAYS_PRIVILEGED;

    for (unsigned v = from; v < to; v++)
        if (parse_accept(p, verdicts[v])) {
            c->verdict = v;
            return true;
        }
    lex_expected(&p->lex,
                 code ? "privileged, critical or innocuous" : "holds or fails",
                 verdicts);
    return false;
}

bool parse_claim(struct parse *p)
{
    struct isa_claim *c = &p->isa->claims[p->isa->claim_count];

    if (p->isa->claim_count == ISA_CLAIMS)
        return parse_fault(p, "more than 512 claims");
    *c = (struct isa_claim){.line = p->lex.token.line};
    if (!take_subject(p, c) || !take_verdict(p, c) ||
        !take_source(p, &c->source, &c->confidence))
        return false;
    if (parse_accept(p, "differs") && !(c->differs = parse_text(p)))
        return false;
    p->isa->claim_count++;
    return true;
}

/* ---- Notes ---- */

bool parse_note(struct parse *p)
{
    struct isa_note *n = &p->isa->notes[p->isa->note_count];
    unsigned encoding;
    bool mnemonic;

    if (p->isa->note_count == ISA_NOTES)
        return parse_fault(p, "more than 128 notes");
    *n = (struct isa_note){.line = p->lex.token.line};
    if (p->lex.token.kind != LEX_STRING) {
        if (!take_named(p, "a text in quotes, or an instruction declared above",
                        &encoding, &mnemonic))
            return false;
        const struct isa_encoding *c = &p->isa->encodings[encoding];
        memcpy(n->name, mnemonic ? c->mnemonic : c->name, sizeof(n->name));
    }
    n->text = parse_text(p);
    p->isa->note_count += n->text != NULL;
    return n->text != NULL;
}

bool parse_leaves_out(struct parse *p)
{
    struct isa_note *n = &p->isa->leaves_out[p->isa->leaves_out_count];

    if (p->isa->leaves_out_count == ISA_NOTES)
        return parse_fault(p, "more than 128 of them");
    *n = (struct isa_note){.line = p->lex.token.line};
    n->text = parse_text(p);
    p->isa->leaves_out_count += n->text != NULL;
    return n->text != NULL;
}

/* ---- What only a monitor has ---- */

/* needs { INSTRUCTION ... } "WHY" */
bool parse_needs(struct parse *p)
{
    unsigned encoding;
    bool mnemonic;

    if (p->isa->needs)
        return parse_fault(p, "what a monitor needs is said already");
    if (!parse_expect(p, "{"))
        return false;
    do {
        if (!take_named(p, "an instruction declared above", &encoding,
                        &mnemonic))
            return false;
        const struct isa_encoding *named = &p->isa->encodings[encoding];
        for (unsigned i = 0; mnemonic && i < p->isa->encoding_count; i++)
            if (!strcmp(p->isa->encodings[i].mnemonic, named->mnemonic))
                p->isa->encodings[i].needed = true;
        p->isa->encodings[encoding].needed = true;
        parse_accept(p, ",");
    } while (!parse_accept(p, "}"));
    p->isa->needs = parse_text(p);
    return p->isa->needs != NULL;
}

/* ---- Lists of the literature ---- */

static bool take_beyond(struct parse *p, struct isa_list *l)
{
    struct isa_beyond found[ISA_NAMES];

    if (!parse_accept(p, "beyond"))
        return true;
    if (!parse_expect(p, "{"))
        return false;
    do {
        struct isa_beyond *b = &found[l->beyond_count];

        if (l->beyond_count == ISA_NAMES)
            return parse_fault(p, "more than 256 names");
        if (!parse_word(p, b->name, "a mnemonic") || !(b->why = parse_text(p)))
            return false;
        l->beyond_count++;
        parse_accept(p, ",");
    } while (!parse_accept(p, "}"));
    l->beyond = parse_take(p, l->beyond_count * sizeof(*found));
    if (l->beyond)
        memcpy(l->beyond, found, l->beyond_count * sizeof(*found));
    return l->beyond != NULL;
}

bool parse_list(struct parse *p)
{
    struct isa_list *l = &p->isa->lists[p->isa->list_count];

    if (p->isa->list_count == ISA_LISTS)
        return parse_fault(p, "more than 8 lists");
    *l = (struct isa_list){.line = p->lex.token.line};
    if (!(l->title = parse_text(p)) ||
        !(l->names = parse_names(p, &l->count, "a mnemonic")) ||
        !take_beyond(p, l) || !take_source(p, &l->source, &l->confidence))
        return false;
    p->isa->list_count++;
    return true;
}

/* ---- Repairs ---- */

/* One encoding, or all of a mnemonic. */
static bool mark_named(struct parse *p, bool marked[ISA_ENCODINGS])
{
    const struct isa *isa = p->isa;
    unsigned first;
    bool mnemonic;

    if (!take_named(p, "an instruction declared above", &first, &mnemonic))
        return false;
    marked[first] = true;
    for (unsigned i = first; mnemonic && i < isa->encoding_count; i++)
        if (!strcmp(isa->encodings[i].mnemonic, isa->encodings[first].mnemonic))
            marked[i] = true;
    return true;
}

static unsigned *list_marked(struct parse *p, const bool marked[ISA_ENCODINGS],
                             unsigned *count)
{
    unsigned found[ISA_ENCODINGS];

    *count = 0;
    for (unsigned i = 0; i < ISA_ENCODINGS; i++)
        if (marked[i])
            found[(*count)++] = i;
    unsigned *own = parse_take(p, *count * sizeof(*found));
    if (own)
        memcpy(own, found, *count * sizeof(*found));
    return own;
}

bool parse_repair(struct parse *p)
{
    struct isa_repair *r = &p->isa->repairs[p->isa->repair_count];
    bool marked[ISA_ENCODINGS] = {false};

    if (p->isa->repair_count == ISA_REPAIRS)
        return parse_fault(p, "more than 16 repairs");
    *r = (struct isa_repair){.line = p->lex.token.line};
    if (!parse_word(p, r->name, "the name of a repair") ||
        !(r->title = parse_text(p)) || !parse_expect(p, "{"))
        return false;
    do {
        if (!mark_named(p, marked))
            return false;
        parse_accept(p, ",");
    } while (!parse_accept(p, "}"));
    r->encodings = list_marked(p, marked, &r->count);
    p->isa->repair_count += r->encodings != NULL;
    return r->encodings != NULL;
}
