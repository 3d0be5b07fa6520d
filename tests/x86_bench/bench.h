/* How fast x86 guests run: our processor beside other programs that have one.
 *
 * Everybody runs the same boot image (loops.S), and Debian's kernel, as a
 * child whose console is a terminal of ours.  A line ~LETTER~ on it ends a
 * part; what counts is the child's CPU time between two of them. */
#ifndef TESTS_X86_BENCH_BENCH_H
#define TESTS_X86_BENCH_BENCH_H

#include "base/diag.h"

enum { X86_BENCH_PARTS = 8, X86_BENCH_ARGS = 40 };

/* Who runs it.  The first three are ours. */
enum x86_bench_machine {
    X86_BENCH_BARE,
    X86_BENCH_VTX,
    X86_BENCH_SVM,
    X86_BENCH_OURS,
    X86_BENCH_BOCHS = X86_BENCH_OURS,
    X86_BENCH_QEMU,
    X86_BENCH_MACHINES
};

struct x86_bench_files {
    const char *program;         /* trapline; absolute, as all paths */
    const char *image;           /* of the loops */
    const char *kernel, *initrd; /* of Debian; NULL: none */
    const char *disc; /* and both, with a boot loader that prints ~g~ when they
                       * are in storage; NULL: none */
    char folder[64];  /* temporary */
};

/* CPU seconds of a child when it printed each line, in order. */
struct x86_bench_run {
    unsigned parts;
    char letter[X86_BENCH_PARTS];
    double seconds[X86_BENCH_PARTS];
};

const char *x86_bench_name(enum x86_bench_machine m);

/* Make and remove the temporary folder with what the others need. */
MUST_USE enum status x86_bench_begin(struct x86_bench_files *f,
                                     struct diag *diag);
void x86_bench_end(struct x86_bench_files *f);

/* Run the loops, or (debian) the kernel until its init has printed a line.
 * STATUS_UNSUPPORTED: it is not installed, or cannot; *diag says what. */
MUST_USE enum status x86_bench_run(const struct x86_bench_files *f,
                                   enum x86_bench_machine m, bool debian,
                                   struct x86_bench_run *r, struct diag *diag);

/* ---- child.c ---- */

/* argv[0] in this folder until its terminal is closed, or until `last` has
 * been printed; then it is killed.  *status as of wait(2), -1 if killed;
 * `said` keeps the end of what it has printed. */
enum { X86_BENCH_SAID = 400 };
MUST_USE enum status x86_bench_child(const char *const argv[],
                                     const char *folder, char last,
                                     struct x86_bench_run *r, int *status,
                                     char said[X86_BENCH_SAID],
                                     struct diag *diag);

#endif
