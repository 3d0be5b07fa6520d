/* Three answers to one question.  What is an instruction of System/370 after
 * Popek and Goldberg: by what s370/machine/insn.def declares, by what follows
 * from a description of the machine, and by what the machine was seen to do?
 * They were made apart from each other, so that each holds the other two to
 * account. */
#ifndef POPEK_GOLDBERG_PROBE_AGREE_S370_H
#define POPEK_GOLDBERG_PROBE_AGREE_S370_H

#include "popek-goldberg/judge/decide.h"
#include "popek-goldberg/probe/probe_s370.h"

/* All borrowed. */
struct pg_s370_answers {
    const struct insn_table *declared;   /* row per enum s370_op */
    const struct pg_judgement *derived;  /* of a description, like s370.isa */
    const struct pg_probe_row *observed; /* row per enum s370_op */
};

enum pg_s370_source { PG_DECLARED, PG_DERIVED, PG_OBSERVED, PG_SOURCES };

struct pg_s370_column {
    bool there;          /* the description names it */
    bool critical;       /* derived: sensitive and not privileged, in one of
                          * its encodings */
    uint8_t privilege;   /* enum privilege */
    uint8_t sensitivity; /* OR of enum sensitivity; SENS_MODE also for what
                          * shows a privileged register */
};

struct pg_s370_verdict {
    struct pg_s370_column columns[PG_SOURCES];
    bool agrees; /* one answer, which leaves nothing to be explained: what is
                  * sensitive is privileged, and it was seen to complete */
    const char *explained; /* by s370_footnotes.def, or NULL; what is derived
                            * to be critical is explained by nothing */
};

/* What is derived of a mnemonic, which may be one that an encoding covers: all
 * that is true of any of its encodings, corrected, in the setting that the
 * monitor makes. */
struct pg_s370_column pg_s370_derived(const struct pg_judgement *j,
                                      const char *name);

struct pg_s370_verdict pg_s370_judge(const struct pg_s370_answers *a,
                                     enum s370_op op);
static inline bool pg_s370_good(const struct pg_s370_verdict *v)
{
    return v->agrees || v->explained;
}

/* Instructions of the description that the table has not: how many.  Those
 * that fit are put into names, which borrows them. */
unsigned pg_s370_beyond(const struct pg_s370_answers *a, const char **names,
                        unsigned room);

/* All three side by side: what is innocuous in all of them as a list, a row for
 * the rest, the footnotes, and the witnesses of what needs a word and has none.
 * Returns how many instructions that are. */
int pg_s370_report(const struct pg_s370_answers *a, FILE *out);

#endif
