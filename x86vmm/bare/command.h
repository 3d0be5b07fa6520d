/* What the monitor was asked for: the module "command", words with space
 * between. */
#ifndef X86VMM_BARE_COMMAND_H
#define X86VMM_BARE_COMMAND_H

#include "x86vmm/bare/machine.h"

struct command {
    bool trace;     /* a line for each exit, on the console */
    bool json;      /* the same to the second serial port */
    bool wrong;     /* wrong.h, no guest */
    bool plain;     /* plain.h */
    bool reboot;    /* a reset of the whole PC begins it anew */
    uint64_t limit; /* "limit=N": of each guest's instructions; 0: none */
};

bool command_is(const char *name, const char *word);

/* Is this module the command?  Then it is read. */
bool command_read(struct command *c, const struct module *m);

#endif
