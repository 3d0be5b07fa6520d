/* Which pages of storage have been written since somebody last looked: a dirty
 * log, for who wants to compare or copy only what has changed.
 *
 * A page that is not in the log has no direct write tag in the TLB, so that the
 * first store to it comes past x86_code_written; a processor without a log
 * (cpu->written is NULL) does nothing for it. */
#ifndef X86VMM_MACHINE_WRITTEN_H
#define X86VMM_MACHINE_WRITTEN_H

#include "x86vmm/machine/cpu.h"

struct x86_written {
    uint64_t pages; /* of storage, from address 0 on; others are not logged */
    uint64_t *bits; /* one a page: it is in the list; owned */
    uint32_t *list; /* numbers of pages, each once; owned */
    uint32_t count;
};

/* An empty log of so many bytes; NULL: no memory. */
struct x86_written *x86_written_new(uint64_t bytes);
void x86_written_free(struct x86_written *w);

/* Log from now on what this processor writes, or (NULL) no more. */
void x86_written_attach(struct x86_cpu *cpu, struct x86_written *w);

/* Empty this processor's log. */
void x86_written_forget(struct x86_cpu *cpu);

/* Storage was written. */
void x86_written_note(struct x86_written *w, uint64_t gpa, size_t size);

static inline bool x86_written_has(const struct x86_written *w, uint64_t gpa)
{
    uint64_t page = gpa / X86_PAGE;

    return page >= w->pages || (w->bits[page / 64] >> page % 64 & 1);
}

#endif
