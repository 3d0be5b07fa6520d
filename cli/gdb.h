/* gdb's remote protocol, for the modelled PC (GDB's manual, "Remote Protocol"):
 * registers, storage, breakpoints, single steps.  One processor, one gdb. */
#ifndef CLI_GDB_H
#define CLI_GDB_H

#include "base/diag.h"
#include "x86vmm/pc/pc.h"

enum { GDB_BREAKS = 32, GDB_PACKET = 4096 };

struct gdb {
    int listens, fd; /* -1: none */
    unsigned port;
    bool steps; /* one instruction, not on and on */
    uint64_t breaks[GDB_BREAKS];
    unsigned count;
    char packet[GDB_PACKET];
};

/* Listen on this machine alone, at port 1234 or, where that is taken, at
 * another: g->port. */
MUST_USE enum status gdb_open(struct gdb *g, struct diag *d);
void gdb_close(struct gdb *g);

/* Wait until somebody has come, and has let the PC go on.  False: nobody will,
 * the run ends: it was killed, or session_interrupted is set. */
bool gdb_begin(struct gdb *g, struct pc *pc);
/* As pc_run, until a breakpoint, a step or gdb's Ctrl-C stops it and gdb lets
 * it go on.  *ended: as gdb_begin's false. */
enum pc_stop gdb_run(struct gdb *g, struct pc *pc, uint64_t n, bool *ended);

#endif
