/* Programs for other processors, written word by word and run by QEMU: another
 * hand's reading of the manuals, to hold our descriptions against.  It is no
 * manual: what that leaves UNPREDICTABLE it has to choose. */
#ifndef TESTS_FOREIGN_H
#define TESTS_FOREIGN_H

#include "base/types.h"

/* Is there a program of this name, and does it start? */
bool foreign_have(const char *program);

enum foreign_arch { FOREIGN_ARM, FOREIGN_AARCH64, FOREIGN_ARCHS };

/* "qemu-arm", ... */
const char *foreign_emulator(enum foreign_arch arch);

/* A Linux program of these words, which then exits with its first register: its
 * status, or 1000 and the signal that ended it. */
int foreign_run(enum foreign_arch arch, const uint32_t *words, unsigned count);

/* One instruction of RISC-V in one mode of the bare machine. */
struct foreign_probe {
    char mode; /* S, U; with the hypervisor extension: V for VS, W for VU */
    uint32_t word;
    unsigned mcounteren, scounteren, hcounteren; /* 0 or 1, for all counters */
    unsigned fs;                                 /* of mstatus */
    unsigned tw;
    unsigned vtvm, vtw, vtsr, hu; /* of hstatus */
};

struct foreign_outcome {
    unsigned cause; /* mcause of the trap into M-mode */
    bool refused;   /* by this instruction; else by the ECALL behind it */
};

enum foreign_levels {
    FOREIGN_MU,
    FOREIGN_MSU,
    FOREIGN_H, /* with the hypervisor extension */
    FOREIGN_LEVELS
};

/* All in one run of qemu-system-riscv64.  False: it did not run to the end. */
bool foreign_riscv(enum foreign_levels levels,
                   const struct foreign_probe *probes, unsigned count,
                   struct foreign_outcome *out);

#endif
