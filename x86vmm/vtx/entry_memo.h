/* The checks of a VM entry, not asked again where nothing has changed that
 * their rules look at.
 *
 * It finds out by itself what a rule looks at: the fields that it has read.  A
 * rule that held holds as long as these are what they were. */
#ifndef X86VMM_VTX_ENTRY_MEMO_H
#define X86VMM_VTX_ENTRY_MEMO_H

#include "x86vmm/vtx/entry_check.h"

/* Rows before those of ENTRY_MSR, which load what they check. */
enum {
#define CHECK(name, stage, first, each, section, when, holds, words) \
    ENTRY_ROW_##name,
#define BITS(name, stage, first, each, section, when, must, may, words) \
    ENTRY_ROW_##name,
#include "x86vmm/vtx/entry_check.def"
#undef CHECK
#undef BITS
    ENTRY_ROWS = ENTRY_ROW_MSR_RESERVED
};

/* A bit a row. */
struct entry_rows {
    uint64_t bits[(ENTRY_ROWS + 63) / 64];
};

/* All zero: nothing is known. */
struct entry_memo {
    bool known;
    uint64_t address; /* of the VMCS that held, and from where it was entered */
    bool host_long;
    uint64_t field[VMCS_FIELD_COUNT];             /* what it had */
    struct entry_rows readers[ENTRY_READS_COUNT]; /* who has looked at what */
    struct entry_rows due; /* of this entry: yet to be asked */
};

/* An entry begins: which rows are to be asked? */
void entry_memo_begin(struct entry_memo *m, const struct entry *e);
/* As entry_check_until, from begin on; stages in ascending order, none twice,
 * not ENTRY_MSR. */
bool entry_memo_until(struct entry_memo *m, struct entry *e,
                      enum entry_stage first, enum entry_stage last,
                      struct entry_failure *failure);
/* All of them held. */
void entry_memo_end(struct entry_memo *m, const struct entry *e);

#endif
