#include "popek-goldberg/probe/agree_host.h"

#include <string.h>

static const char *const names[PG_HOST_CLASSES] = {
    [PG_HOST_UNDESCRIBED] = "-",         [PG_HOST_PRIVILEGED] = "privileged",
    [PG_HOST_BY_SETTING] = "by control", [PG_HOST_CRITICAL] = "critical",
    [PG_HOST_IN_BOTH] = "in both",       [PG_HOST_INNOCUOUS] = "innocuous",
};

const char *pg_host_class_name(enum pg_host_class derived)
{
    return names[derived];
}

static const struct {
    const char *name, *words;
} footnotes[] = {
#define HOST_FOOTNOTE(name, words) {name, words},
#include "popek-goldberg/probe/host_footnotes.def"
};

unsigned pg_host_footnotes(void)
{
    return ARRAY_LEN(footnotes);
}

static const char *footnote_of(const struct pg_host_insn *insn)
{
    for (size_t i = 0; i < ARRAY_LEN(footnotes); i++)
        if (!strcmp(footnotes[i].name, insn->name))
            return footnotes[i].words;
    return NULL;
}

/* "Privileged" is vacuous of what traps in every pair of states. */
static enum pg_host_class class_of(const struct pg_judgement *j, unsigned i)
{
    const struct pg_labels *best = &j->best.labels[i];
    const struct pg_labels *worst = &j->worst.labels[i];

    if (worst->privileged[PG_CORRECTED])
        return PG_HOST_PRIVILEGED;
    if (best->privileged[PG_CORRECTED] ||
        best->vacuous[PG_CORRECTED] != worst->vacuous[PG_CORRECTED])
        return PG_HOST_BY_SETTING;
    if (pg_critical(best, PG_CORRECTED))
        return PG_HOST_CRITICAL;
    return best->vacuous[PG_CORRECTED] ? PG_HOST_IN_BOTH : PG_HOST_INNOCUOUS;
}

static bool is_claimed(enum pg_host_class derived, enum pg_host_claim claim)
{
    switch (claim) {
    case PG_CLAIM_PRIVILEGED:
        return derived == PG_HOST_PRIVILEGED;
    case PG_CLAIM_IOPL:
    case PG_CLAIM_CONTROL:
        return derived == PG_HOST_BY_SETTING;
    case PG_CLAIM_CRITICAL:
    case PG_CLAIM_CHECKED:
        return derived == PG_HOST_CRITICAL;
    case PG_CLAIM_BOTH:
        return derived == PG_HOST_IN_BOTH;
    default: /* that it does not trap says nothing of what it touches */
        return derived == PG_HOST_CRITICAL || derived == PG_HOST_INNOCUOUS;
    }
}

/* Is the encoding one of those that CR4.UMIP guards? */
static bool is_guarded(const struct isa *isa, unsigned encoding)
{
    for (unsigned i = 0; i < isa->repair_count; i++) {
        const struct isa_repair *r = &isa->repairs[i];

        for (unsigned k = 0; !strcmp(r->name, "umip") && k < r->count; k++)
            if (r->encodings[k] == encoding)
                return true;
    }
    return false;
}

static bool is_seen(enum pg_host_class derived, const struct pg_host_row *row,
                    bool guarded)
{
    bool went = row->verdict == PG_HOST_EXECUTES ||
                row->verdict == PG_HOST_DOES_LESS ||
                row->verdict == PG_HOST_REVEALS;
    bool trapped = row->verdict == PG_HOST_TRAPS;

    if (row->verdict == PG_HOST_ABSENT || row->verdict == PG_HOST_NOT_RUN)
        return true; /* nothing was */
    switch (derived) {
    case PG_HOST_PRIVILEGED:
        return trapped;
    case PG_HOST_BY_SETTING:
        return went || trapped;
    case PG_HOST_CRITICAL:
        return went || (trapped && row->insn->claim == PG_CLAIM_CHECKED) ||
               (row->verdict == PG_HOST_EMULATED && guarded);
    case PG_HOST_IN_BOTH:
        return trapped || row->verdict == PG_HOST_CALLS;
    default:
        return went;
    }
}

static void answer(const struct pg_judgement *j, const struct pg_host_row *row,
                   struct pg_host_answer *out)
{
    const char *name = row->insn->isa;
    int i = name && *name ? isa_find_encoding(j->isa, name) : -1;

    *out = (struct pg_host_answer){.derived = PG_HOST_UNDESCRIBED,
                                   .agrees = !name || !*name};
    if (i < 0)
        return;
    out->derived = class_of(j, (unsigned)i);
    out->agrees = is_claimed(out->derived, row->insn->claim) &&
                  is_seen(out->derived, row, is_guarded(j->isa, (unsigned)i));
    if (!out->agrees)
        out->why = footnote_of(row->insn);
}

void pg_host_agree(const struct pg_judgement *derived,
                   const struct pg_host_row *rows, unsigned count,
                   struct pg_host_answer *answers)
{
    for (unsigned i = 0; i < count; i++)
        answer(derived, &rows[i], &answers[i]);
}

unsigned pg_host_unexplained(const struct pg_host_answer *answers,
                             unsigned count)
{
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++)
        n += !answers[i].agrees && !answers[i].why;
    return n;
}
