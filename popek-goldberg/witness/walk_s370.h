/* A witness of the probe, replayed on s370/machine and shown step by step: the
 * states that are loaded, the instruction, and what has become of registers,
 * PSW and storage. */
#ifndef POPEK_GOLDBERG_WITNESS_WALK_S370_H
#define POPEK_GOLDBERG_WITNESS_WALK_S370_H

#include "popek-goldberg/probe/probe_s370.h"
#include "popek-goldberg/witness/walk.h"

/* *out is for pg_walk_free, whatever is returned. */
MUST_USE enum status pg_walk_s370(const struct pg_probe_witness *w,
                                  const struct pg_s370_machine *machine,
                                  struct pg_walk *out);

/* All witnesses of a row, in the order in which they are numbered; at most
 * PG_PARTS + 3.  Borrowed from the row.  Returns how many. */
enum { PG_S370_WITNESSES = PG_PARTS + 3 };
unsigned pg_s370_witnesses(
    const struct pg_probe_row *row,
    const struct pg_probe_witness *all[PG_S370_WITNESSES]);

#endif
