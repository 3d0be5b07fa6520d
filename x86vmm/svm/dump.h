/* A VMCB as text, to be read by people and by us.
 *
 * Lines of `NAME = VALUE`, with names of vmcb.def in any case and numbers as C
 * writes them, 0x before hexadecimal ones; `#` begins a comment; blank lines
 * do not count.  Two names are not fields:
 *
 *   like = long       begin from a VMCB that can be entered (sample.h); comes
 *                     first.  Without it all that is not given is 0
 *   host_paging = yes | no   the monitor's CR0.PG at VMRUN; without it, yes
 *
 * Or the whole block as `hexdump -C` prints it, in lines of an offset and up to
 * 16 bytes: 4096 bytes of a VMCB as they are in storage; `*` stands for lines
 * like the one before. */
#ifndef X86VMM_SVM_DUMP_H
#define X86VMM_SVM_DUMP_H

#include "base/diag.h"
#include "x86vmm/svm/vmcb.h"

struct vmcb_dump {
    struct vmcb vmcb;
    bool host_paging;
    unsigned given; /* fields, or bytes */
};

/* Does this text look like one of a VMCB: has it a line that only a VMCB's can
 * have? */
bool vmcb_dump_is(const char *text, size_t n);

/* Read it.  STATUS_BAD_INPUT: `name`:line: what is wrong. */
MUST_USE enum status vmcb_dump_read(const char *name, const char *text,
                                    size_t n, struct vmcb_dump *dump,
                                    struct diag *d);

#endif
