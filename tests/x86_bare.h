/* A modelled x86 processor with flat storage and an empty bus, for tests. */
#ifndef TESTS_X86_BARE_H
#define TESTS_X86_BARE_H

#include "x86vmm/machine/cpu.h"
#include "x86vmm/machine/mode.h"
#include "x86vmm/vtx/vmcs.h"

enum {
    BARE_STORAGE = 1 << 20,
    BARE_CODE = 0x10000, /* where programs begin */
    BARE_DATA = 0x20000,
    BARE_STACK = 0x40000, /* grows down */
    BARE_PAGE_TABLE = 0x60000,
    BARE_PAGE = 0x400000 /* linear, for x86_bare_map */
};

struct x86_bare {
    struct x86_cpu cpu;
    struct mem_map mem;
    struct bus bus;
    struct clock clock;
    uint8_t *storage; /* BARE_STORAGE bytes from guest-physical 0 */
};

/* In this mode, at BARE_CODE, with RSP at BARE_STACK.  Exits the program when
 * there is no memory.  Freed by x86_bare_free. */
struct x86_bare *x86_bare_new(enum x86_mode mode);
void x86_bare_free(struct x86_bare *m);

/* The mode again, with the storage as it is but for the mode's tables. */
void x86_bare_enter(struct x86_bare *m, enum x86_mode mode);

/* In long mode the linear page BARE_PAGE gets this entry, in a page table at
 * BARE_PAGE_TABLE; returns where the entry is. */
uint8_t *x86_bare_map(struct x86_bare *m, uint64_t entry);

/* The host of a VMCS: a monitor in this state, which goes on at `rip` with its
 * stack at BARE_STACK. */
void x86_bare_host(struct vmcs *v, const struct x86_state *s, uint64_t rip);

/* CPL 3: flat user segments; pages are the user's. */
void x86_bare_user(struct x86_bare *m);

#endif
