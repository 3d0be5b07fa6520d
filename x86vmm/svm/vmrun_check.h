/* The consistency checks of VMRUN (AMD APM vol. 2, 15.5.1, 15.20, 15.25), each
 * a row of vmrun_check.def.  All end alike: #VMEXIT with SVM_EXIT_INVALID,
 * before anything of the guest is loaded. */
#ifndef X86VMM_SVM_VMRUN_CHECK_H
#define X86VMM_SVM_VMRUN_CHECK_H

#include "base/mem.h"
#include "x86vmm/svm/exit.h"

/* What is entered, and where. */
struct vmrun {
    const struct vmcb *vmcb;
    const struct mem_map *mem; /* NULL: what is in storage is not checked */
    uint64_t efer, cr4;        /* bits that the processor has */
    bool host_paging;          /* the monitor's CR0.PG */
    unsigned physical_bits;    /* of addresses; 0: the modelled processor's */
};

struct vmrun_check {
    const char *name;
    enum vmcb_field field;
    const char *section, *words;
    bool (*holds)(const struct vmrun *r);
    /* Bits that should have been 1, that may be; NULL: words say it. */
    void (*bits)(const struct vmrun *r, uint64_t *must, uint64_t *may);
};

struct vmrun_check_table {
    const struct vmrun_check *rows;
    size_t count;
};

extern const struct vmrun_check_table vmrun_checks;

/* A rule that does not hold. */
struct vmrun_failure {
    const struct vmrun_check *check;
    uint64_t value;     /* of its field */
    bool computed;      /* there is a figure for: */
    uint64_t should_be; /* the nearest value that this rule accepts */
};

/* All rows in order; as many failures as fit; returns how many there are. */
size_t vmrun_check_all(const struct vmrun *r, struct vmrun_failure *failures,
                       size_t cap);
/* As the processor asks: until one fails. */
bool vmrun_check(const struct vmrun *r, struct vmrun_failure *failure);

/* One sentence: "CR0 is 0x1: should ...".  Cut to `cap`, terminated. */
void vmrun_failure_words(const struct vmrun_failure *f, char *text, size_t cap);

#endif
