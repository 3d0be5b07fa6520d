#include "x86vmm/machine/written.h"

#include <stdlib.h>

struct x86_written *x86_written_new(uint64_t bytes)
{
    struct x86_written *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->pages = (bytes + X86_PAGE - 1) / X86_PAGE;
    w->bits = calloc((size_t)(w->pages / 64 + 1), sizeof(w->bits[0]));
    w->list = calloc((size_t)w->pages + 1, sizeof(w->list[0]));
    if (w->bits && w->list)
        return w;
    x86_written_free(w);
    return NULL;
}

void x86_written_free(struct x86_written *w)
{
    if (!w)
        return;
    free(w->bits);
    free(w->list);
    free(w);
}

void x86_written_note(struct x86_written *w, uint64_t gpa, size_t size)
{
    uint64_t page = gpa / X86_PAGE, last = (gpa + size - 1) / X86_PAGE;

    for (; size && page <= last && page < w->pages; page++) {
        uint64_t bit = UINT64_C(1) << page % 64;

        if (w->bits[page / 64] & bit)
            continue;
        w->bits[page / 64] |= bit;
        w->list[w->count++] = (uint32_t)page;
    }
}

/* The next store to each page is to be seen. */
static void slow_down(struct x86_cpu *cpu)
{
    for (unsigned i = 0; i < ARRAY_LEN(cpu->tlb_used); i++)
        for (uint64_t left = cpu->tlb_used[i]; left; left &= left - 1) {
            struct x86_tlb_entry *t =
                &cpu->tlb[64 * i + (unsigned)__builtin_ctzll(left)];

            if (t->tag[1] != X86_TLB_NONE)
                t->tag[1] |= X86_TLB_SLOW;
        }
}

void x86_written_attach(struct x86_cpu *cpu, struct x86_written *w)
{
    cpu->written = w;
    if (w)
        slow_down(cpu);
}

void x86_written_forget(struct x86_cpu *cpu)
{
    struct x86_written *w = cpu->written;

    for (uint32_t i = 0; i < w->count; i++)
        w->bits[w->list[i] / 64] = 0;
    w->count = 0;
    slow_down(cpu);
}
