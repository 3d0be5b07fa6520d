/* Dynamic address translation by the tables of any processor, real or
 * virtual. */
#ifndef S370_MACHINE_DAT_H
#define S370_MACHINE_DAT_H

#include "s370/machine/storage.h"

/* Whose tables they are: absolute storage, prefix, CR0 and CR1. */
struct s370_dat {
    const struct s370_storage *storage; /* borrowed */
    uint32_t prefix, cr0, cr1;
};

/* Translate one logical address, without a TLB.  0 and *real, or a
 * program-interruption code; *cc is what LRA reports, with *real the real
 * address of the entry at fault (GA22-7000, "Dynamic Address Translation"). */
MUST_USE int s370_dat_walk(const struct s370_dat *t, uint32_t logical,
                           uint32_t *real, uint8_t *cc);

#endif
