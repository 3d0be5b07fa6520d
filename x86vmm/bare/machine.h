/* Guests: storage, devices and a processor from the allocator, and their
 * images, which lie behind the monitor's own (layout.h).  A machine is a small
 * PC (vm/make.h). */
#ifndef X86VMM_BARE_MACHINE_H
#define X86VMM_BARE_MACHINE_H

#include "x86vmm/vm/make.h"

enum {
    MACHINES_MAX = 8,
    MACHINE_STORAGE = 4 << 20, /* of one */
    MACHINE_LINE = 128
};

/* vm is first: a struct vm of ours is a struct machine. */
struct machine {
    struct vm vm;
    struct x86_state state;
    struct x86_platform platform;
    struct small_pc small;
    char line[MACHINE_LINE]; /* what it has printed since the last newline */
    size_t printed;
    bool raw;    /* the console is its terminal: bytes as they come */
    bool traced; /* the console shows the trace, which has these lines, too */
};

/* A file that has come with the monitor. */
struct module {
    const char *name;
    const uint8_t *bytes;
    uint64_t size;
};

/* The next module after *m (at first: all zeros).  False: no more. */
bool module_next(struct module *m);

/* A machine with this image in it, in real mode for a boot sector, in long mode
 * for all others. */
MUST_USE enum status machine_make(struct machine *m, struct allocator *a,
                                  const struct engine_ops *engine,
                                  const struct module *image,
                                  struct trace *trace, struct diag *d);

/* Its parts: all that needs no storage; and what it prints by these two, told
 * line by line. */
void machine_begin(struct machine *m, const char *name,
                   const struct engine_ops *engine, struct trace *trace);
void machine_listen(struct machine *m, struct uart *u, struct debug_port *p);

#endif
