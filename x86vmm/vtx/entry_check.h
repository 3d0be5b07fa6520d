/* The checks of VM entry (Intel SDM vol. 3, chapter 27, "VM Entries", in the
 * editions of 2023; 26 in older ones), each a row of entry_check.def. */
#ifndef X86VMM_VTX_ENTRY_CHECK_H
#define X86VMM_VTX_ENTRY_CHECK_H

#include "base/mem.h"
#include "x86vmm/vtx/control.h"
#include "x86vmm/vtx/exit.h"

/* What fails with it, and how. */
enum entry_stage {
    ENTRY_CONTROLS, /* VMfailValid 7 */
    ENTRY_HOST,     /* VMfailValid 8 */
    ENTRY_GUEST,    /* exit 33, qualification 0 */
    ENTRY_PDPTE,    /* exit 33, qualification 2 */
    ENTRY_NMI,      /* exit 33, qualification 3 */
    ENTRY_LINK,     /* exit 33, qualification 4 */
    ENTRY_MSR,      /* exit 34, qualification: which entry, from 1 */
    ENTRY_STAGE_COUNT
};

/* What is entered, and from where. */
struct entry {
    const struct vmcs *vmcs;
    const struct mem_map *mem; /* NULL: checks of what is in storage are left
                                * out */
    uint64_t address;          /* of the current VMCS */
    bool host_long;            /* IA32_EFER.LMA at the VM entry */
    /* What the processor's capability MSRs say, and how wide its physical
     * addresses are.  NULL, 0: the modelled processor's. */
    uint64_t (*capability)(uint32_t msr);
    unsigned physical_bits;
    /* Writes an MSR of the list; false where WRMSR would fault.  NULL: none is
     * loaded. */
    bool (*load)(void *who, uint32_t msr, uint64_t value);
    void *who;
    /* What the rows have looked at, is noted here: entry_memo.h.  May be
     * NULL. */
    struct entry_reads *reads;
    /* Of the row that is being checked: which of several fields, or which
     * entry of an MSR list. */
    unsigned i;
    uint32_t msr;
    uint64_t msr_high, msr_value;
};

/* Beside the fields, a row may look at RFLAGS.VM alone, and at storage. */
enum {
    ENTRY_READS_VM = VMCS_FIELD_COUNT,
    ENTRY_READS_STORAGE,
    ENTRY_READS_COUNT
};
struct entry_reads {
    uint64_t bits[(ENTRY_READS_COUNT + 63) / 64];
};

struct entry_check {
    const char *name;
    enum entry_stage stage;
    enum vmcs_field field; /* the first of them, where it is about several */
    uint32_t each;         /* which ones after it, a bit each; 0: it alone */
    const char *section, *words;
    bool (*holds)(const struct entry *e);
    /* Bits that should have been 1, that may be; NULL: words say it. */
    void (*bits)(const struct entry *e, uint64_t *must, uint64_t *may);
};

struct entry_check_table {
    const struct entry_check *rows;
    size_t count;
};

extern const struct entry_check_table entry_checks;

/* A rule that does not hold. */
struct entry_failure {
    const struct entry_check *check;
    enum vmcs_field field;
    uint64_t value;
    bool computed;       /* there is a figure for: */
    uint64_t should_be;  /* the nearest value that this rule accepts */
    uint32_t msr;        /* of ENTRY_MSR */
    unsigned msr_number; /* from 1 */
};

/* All rows in order; as many failures as fit; returns how many there are. */
size_t entry_check_all(struct entry *e, struct entry_failure *failures,
                       size_t cap);
/* Those of stages first..last, as the processor asks: until one fails. */
bool entry_check_until(struct entry *e, enum entry_stage first,
                       enum entry_stage last, struct entry_failure *failure);

/* The row of this number in entry_checks, not of ENTRY_MSR. */
bool entry_check_row(struct entry *e, size_t row,
                     struct entry_failure *failure);

/* What a failure of this stage shows: the VM-instruction error number, or the
 * exit reason without bit 31; and the qualification of the latter. */
bool entry_stage_fails_instruction(enum entry_stage stage);
unsigned entry_stage_number(enum entry_stage stage);
uint64_t entry_qualification(const struct entry_failure *f);

/* One sentence: "GUEST_CR0 is 0x1: should ...".  Cut to `cap`, terminated. */
void entry_failure_words(const struct entry_failure *f, char *text, size_t cap);

#endif
