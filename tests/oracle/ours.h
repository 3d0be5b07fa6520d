/* A batch on our machine. */
#ifndef TESTS_ORACLE_OURS_H
#define TESTS_ORACLE_OURS_H

#include "tests/oracle/batch.h"

struct s370_machine;
struct s370_interruption;

/* Run the batch instruction by instruction (s370_step), judging each case: the
 * ones that cannot be compared get a fate and are blanked in b->image.  The
 * outcome is in b->result. */
void ours_step(struct batch *b, struct s370_machine *m);

/* Run b->image as it is with s370_machine_run (s370_run); the storage that
 * remains is the machine's.  False: it did not come to its end. */
bool ours_run(const struct batch *b, struct s370_machine *m);

/* ---- operands.c ---- */

/* The storage that the instruction's operands take: at most two stretches.
 * Returns how many. */
struct stretch {
    uint32_t at; /* logical */
    uint32_t len;
};
struct s370_cpu;
unsigned operands_of(const struct s370_cpu *cpu, const struct s370_decoded *d,
                     struct stretch s[2]);
bool operands_overlap(const struct stretch s[2]);
/* Bit n: program-interruption code n (access exceptions) is due somewhere in
 * these stretches, for a fetch or a store. */
uint32_t operands_exceptions(struct s370_machine *m, const struct stretch *s,
                             unsigned n, bool *outside);
bool operands_own_block(uint32_t absolute);
/* And this bit: an address is beyond the end of a page table. */
#define OPERANDS_EXCEED 0x80000000u
/* Is the page index of the address beyond the length in its segment-table
 * entry?  ("Dynamic Address Translation", page-table lookup) */
bool operands_exceed_table(struct s370_machine *m, uint32_t logical);
/* Absolute block of a logical address; UINT32_MAX: it has none. */
uint32_t operands_block(struct s370_machine *m, uint32_t logical);
/* Do two stretches of at most a block use one real block by different logical
 * addresses? */
bool operands_aliased(struct s370_machine *m, const struct stretch s[2]);

/* ---- vet.c ---- */

/* Judge the instruction that is about to be executed, and what it has left. */
void vet_before(struct s370_machine *m, struct fact *f);
void vet_after(struct s370_machine *m, struct fact *f);
/* And the interruption that ends the case, before it is taken. */
void vet_ended(struct s370_machine *m, const struct s370_interruption *in,
               struct fact *f);

#endif
