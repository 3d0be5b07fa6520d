/* A witness kept in a text file, to be replayed: README.md has the form. */
#ifndef POPEK_GOLDBERG_WITNESS_WITNESS_FILE_H
#define POPEK_GOLDBERG_WITNESS_WITNESS_FILE_H

#include "popek-goldberg/probe/probe_s370.h"
#include "popek-goldberg/report/report.h"

enum { PG_KEPT_NAME = 256, PG_KEPT_WORDS = 512, PG_KEPT_SIZE = 64 * 1024 };

/* A witness of a described machine, or of the probe. */
struct pg_kept {
    char machine[PG_KEPT_NAME]; /* built in, or a file; of the probe: s370 */
    bool probe;
    char label[PG_KEPT_WORDS], definition[PG_KEPT_WORDS];
    struct pg_row row; /* points into this struct, which must not move */
    struct pg_witness witness;
    struct pg_probe_witness seen;
};

void pg_keep(FILE *to, const char *machine, const struct isa *isa,
             const struct pg_row *row);
void pg_keep_probe(FILE *to, const struct pg_probe_witness *w);

/* Of which machine is it?  Fills machine and probe; the rest needs that
 * machine.  STATUS_BAD_INPUT: d has "file:line: what was expected". */
MUST_USE enum status pg_kept_machine(const char *file, const char *text,
                                     size_t len, struct pg_kept *out,
                                     struct diag *d);

/* All of it; isa is NULL for a witness of the probe. */
MUST_USE enum status pg_kept_read(const char *file, const char *text,
                                  size_t len, const struct isa *isa,
                                  struct pg_kept *out, struct diag *d);

/* Execute it again: are the states such as its kind of proof needs, the
 * outcomes as they are kept, and is the reason true of them?  Otherwise d says
 * what is not. */
bool pg_kept_replays(const struct isa *isa, const struct pg_kept *k,
                     struct diag *d);

#endif
