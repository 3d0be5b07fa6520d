/* A disk whose image is read only: what the guest writes is kept in memory and
 * thrown away, so that two machines may have the same disk. */
#ifndef CLI_PC_SCRATCH_H
#define CLI_PC_SCRATCH_H

#include "base/diag.h"
#include "x86vmm/dev/dev_ide.h"

struct pc_scratch {
    int fd;            /* of the image; -1: no disk */
    uint8_t *bytes;    /* of the sectors written, in the order in which each was
                        * written first; owned */
    uint64_t *numbers; /* theirs; owned */
    size_t count, room;
    uint32_t *places; /* by a hash of the number: index + 1, or 0; owned */
    size_t place_count;
};

/* NULL path: no disk.  *medium is for the machine's plan. */
MUST_USE enum status pc_scratch_open(struct pc_scratch *s, const char *path,
                                     struct ide_medium *medium,
                                     struct diag *diag);
void pc_scratch_close(struct pc_scratch *s);

/* The first sector in which both differ, or UINT64_MAX; of the same image. */
uint64_t pc_scratch_differ(const struct pc_scratch *a,
                           const struct pc_scratch *b);

#endif
