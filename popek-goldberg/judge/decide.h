/* The three theorems and the exact criterion, for a whole machine. */
#ifndef POPEK_GOLDBERG_JUDGE_DECIDE_H
#define POPEK_GOLDBERG_JUDGE_DECIDE_H

#include "popek-goldberg/judge/classify.h"

enum { PG_T1, PG_T2, PG_T3, PG_THEOREMS };

/* Under some settings of the switches. */
struct pg_case {
    struct pg_labels *labels; /* of each encoding, united over the settings */
    struct pg_exact *exact;
    bool holds[PG_READINGS][PG_THEOREMS]; /* the theorem's premise */
    bool vm, hybrid, nested;              /* the exact criterion */
    bool direct; /* what is innocuous and not privileged never traps for the
                  * monitor's sake: efficiency */
};

struct pg_judgement {
    const struct isa *isa;
    struct pg_case worst; /* any setting, and the monitor leaves it */
    struct pg_case best;  /* the setting below, made by the monitor */
    unsigned setting;     /* that leaves the fewest critical instructions */
    bool enforced; /* there is a switch or a resource that a monitor holds */
};

/* isa stays the caller's and must outlive the judgement.  Fails with a text
 * when the scaled machine is too large, or no memory is left. */
MUST_USE enum status pg_judge(const struct isa *isa, struct pg_judgement *out,
                              struct diag *d);
void pg_judgement_free(struct pg_judgement *j);

/* Of one encoding, united over the settings in which the monitor's part is as
 * in `monitor`; PG_CONFIGS: over all settings, and the monitor leaves them. */
void pg_label_in(const struct isa *isa, unsigned encoding, unsigned monitor,
                 struct pg_labels *out);
void pg_decide_in(const struct isa *isa, unsigned encoding, unsigned monitor,
                  struct pg_exact *out);

/* `monitor` of the best case. */
unsigned pg_monitor_of(const struct pg_judgement *j);

/* Sensitive and not privileged. */
bool pg_critical(const struct pg_labels *l, enum pg_reading r);

/* What stands in an enforced switch or resource of the best setting. */
uint64_t pg_setting_value(const struct pg_judgement *j, unsigned element);

/* Innocuous, not privileged, and yet it traps under the monitor in a state in
 * which the bare machine completes it. */
bool pg_needlessly_stopped(const struct pg_labels *l, const struct pg_exact *x);

/* Of all encodings of a mnemonic, in the best setting, corrected: critical if
 * one is, privileged if all are. */
enum isa_verdict pg_of_mnemonic(const struct pg_judgement *j, const char *name);

/* What is derived of a claim's subject, for the best setting, corrected. */
enum isa_verdict pg_derived(const struct pg_judgement *j,
                            const struct isa_claim *c);
bool pg_claim_agrees(const struct pg_judgement *j, const struct isa_claim *c);

/* "Theorem 1", "exact criterion", or an encoding's or mnemonic's name. */
const char *pg_claim_subject(const struct isa *isa, const struct isa_claim *c);

#endif
