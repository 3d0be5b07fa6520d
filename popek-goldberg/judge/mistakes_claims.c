#include "popek-goldberg/judge/mistakes_claims.h"

#include <string.h>

/* ---- What is said of an instruction ---- */

static bool is_name_of(const struct isa_encoding *c, const char *name)
{
    return !strcmp(c->name, name) || !strcmp(c->mnemonic, name);
}

static bool is_listed(const struct isa_list *l, const struct isa_encoding *c)
{
    for (unsigned i = 0; i < l->count; i++)
        if (is_name_of(c, l->names[i]))
            return true;
    for (unsigned i = 0; i < l->beyond_count; i++)
        if (is_name_of(c, l->beyond[i].name))
            return true;
    return false;
}

static bool is_claimed(const struct isa *isa, const struct isa_claim *c,
                       unsigned encoding)
{
    return c->subject == ISA_ABOUT_CODE
               ? c->encoding == encoding
               : c->subject == ISA_ABOUT_MNEMONIC &&
                     !strcmp(isa->encodings[c->encoding].mnemonic,
                             isa->encodings[encoding].mnemonic);
}

bool pg_is_known_critical(const struct isa *isa, unsigned encoding)
{
    for (unsigned i = 0; i < isa->claim_count; i++)
        if (isa->claims[i].verdict == ISA_SAYS_CRITICAL &&
            is_claimed(isa, &isa->claims[i], encoding))
            return true;
    for (unsigned i = 0; i < isa->list_count; i++)
        if (is_listed(&isa->lists[i], &isa->encodings[encoding]))
            return true;
    return false;
}

bool pg_is_vouched_for(const struct isa *isa, unsigned encoding)
{
    for (unsigned i = 0; i < isa->claim_count; i++)
        if (is_claimed(isa, &isa->claims[i], encoding))
            return true;
    for (unsigned i = 0; i < isa->note_count; i++)
        if (is_name_of(&isa->encodings[encoding], isa->notes[i].name))
            return true;
    return false;
}

/* ---- Clashes ---- */

static bool is_about(const struct isa_claim *c, bool instruction)
{
    return (c->subject == ISA_ABOUT_CODE || c->subject == ISA_ABOUT_MNEMONIC) ==
           instruction;
}

static bool instructions_clash(const struct isa *isa, const struct isa_claim *a,
                               const struct isa_claim *b)
{
    const struct isa_encoding *x = &isa->encodings[a->encoding];
    const struct isa_encoding *y = &isa->encodings[b->encoding];

    if (a->subject == b->subject)
        return a->verdict != b->verdict &&
               (a->subject == ISA_ABOUT_CODE
                    ? x == y
                    : !strcmp(x->mnemonic, y->mnemonic));
    const struct isa_claim *all = a->subject == ISA_ABOUT_MNEMONIC ? a : b;
    const struct isa_claim *one = all == a ? b : a;
    return !strcmp(x->mnemonic, y->mnemonic) &&
           ((one->verdict == ISA_SAYS_CRITICAL &&
             all->verdict != ISA_SAYS_CRITICAL) ||
            (all->verdict == ISA_SAYS_PRIVILEGED &&
             one->verdict != ISA_SAYS_PRIVILEGED));
}

static bool says(const struct isa_claim *c, enum isa_subject subject,
                 enum isa_verdict verdict)
{
    return c->subject == subject && c->verdict == verdict;
}

/* a holds, and by the definitions b cannot be as it is claimed. */
static bool excludes(const struct isa *isa, const struct isa_claim *a,
                     const struct isa_claim *b)
{
    if (says(a, ISA_ABOUT_T1, ISA_SAYS_HOLDS))
        return says(b, ISA_ABOUT_T3, ISA_SAYS_FAILS) ||
               (is_about(b, true) && b->verdict == ISA_SAYS_CRITICAL &&
                !isa->encodings[b->encoding].needed);
    return says(a, ISA_ABOUT_T2, ISA_SAYS_HOLDS) &&
           says(b, ISA_ABOUT_T1, ISA_SAYS_FAILS);
}

static bool clash(const struct isa *isa, const struct isa_claim *a,
                  const struct isa_claim *b)
{
    if (a->differs || b->differs)
        return false;
    if (is_about(a, true) && is_about(b, true))
        return instructions_clash(isa, a, b);
    if (a->subject == b->subject)
        return a->verdict != b->verdict;
    return excludes(isa, a, b) || excludes(isa, b, a);
}

void pg_find_clashes(const struct isa *isa, struct pg_mistakes *out)
{
    for (unsigned i = 0; i < isa->claim_count; i++)
        for (unsigned k = i + 1; k < isa->claim_count; k++) {
            struct pg_mistake one = {.kind = PG_CLAIMS_CLASH,
                                     .encoding = PG_NOTHING,
                                     .element = PG_NOTHING,
                                     .trap = PG_NOTHING,
                                     .line = isa->claims[i].line};

            if (!clash(isa, &isa->claims[i], &isa->claims[k]))
                continue;
            one.other = isa->claims[k].line;
            pg_mistakes_add(out, one);
            break;
        }
}
