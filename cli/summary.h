/* The account of a run: what ran directly, what came out as an exit, why. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "cli/session.h"

#include <stdio.h>

/* Counts the exits of each guest; attach `sink` to the trace of the run. */
struct summary {
    struct trace_sink sink;
    struct trace_ledger ledgers[SESSION_GUESTS_MAX + 1]; /* by vm number */
    struct {
        uint64_t written, most; /* in all, and in 1/PAGES_ASKED s */
    } pages[SESSION_GUESTS_MAX + 1];
};

void summary_init(struct summary *m);

/* 1234567 as "1,234,567"; returns its length. */
int summary_print_count(FILE *to, uint64_t n);

/* Words for a person, or one JSON object on one line. */
void summary_print(const struct summary *m, const struct session *s, FILE *to);
void summary_print_json(const struct summary *m, const struct session *s,
                        int code, FILE *to);

#endif
