/* What the processor that the program runs on does with privileged, sensitive
 * and doubtful encodings in user mode: observed, not looked up.
 *
 * Each encoding of host_insn.def runs once in a child process of its own, at
 * CPL 3, under a time limit; what happened is read from the signal's context
 * (Intel SDM volume 3A, "Exception and Interrupt Reference").  Only on x86-64
 * Linux; elsewhere everything here compiles and the probe says what it needs.
 */
#ifndef POPEK_GOLDBERG_PROBE_PROBE_HOST_H
#define POPEK_GOLDBERG_PROBE_PROBE_HOST_H

#include "base/diag.h"
#include "popek-goldberg/probe/probe_host_run.h"

/* What the literature says that the encoding does in user mode. */
enum pg_host_claim {
    PG_CLAIM_PRIVILEGED,   /* traps; does not trap at CPL 0 */
    PG_CLAIM_IOPL,         /* traps when CPL > IOPL */
    PG_CLAIM_CONTROL,      /* a control register or MSR decides */
    PG_CLAIM_CRITICAL,     /* sensitive, and does not trap */
    PG_CLAIM_CHECKED,      /* the same, where CPL makes it refuse or trap */
    PG_CLAIM_UNPRIVILEGED, /* does not trap, at any level */
    PG_CLAIM_BOTH,         /* traps or calls the supervisor, at any level */
    PG_CLAIM_COUNT
};

/* What was seen. */
enum pg_host_verdict {
    PG_HOST_TRAPS,     /* a signal at the instruction */
    PG_HOST_EXECUTES,  /* went through */
    PG_HOST_DOES_LESS, /* went through and left out what CPL 0 would do */
    PG_HOST_REVEALS,   /* went through and showed privileged state */
    PG_HOST_EMULATED,  /* trapped, and the kernel made up a result (UMIP) */
    PG_HOST_CALLS,     /* entered the kernel and came back with its answer */
    PG_HOST_ABSENT,    /* #UD, and this processor or mode has no such one */
    PG_HOST_CUT,       /* still running when its time was over */
    PG_HOST_LOST,      /* its process died and left no record */
    PG_HOST_NOT_RUN,   /* it could have done harm: the words say why */
    PG_HOST_VERDICTS
};

/* Where the effect shows (host_insn.def). */
enum pg_host_look {
    PG_LOOK_NOTHING,
    PG_LOOK_VALUE,         /* eax, told */
    PG_LOOK_COUNT,         /* rax, different at every run and not told */
    PG_LOOK_CONTROL_VALUE, /* eax holds a control register */
    PG_LOOK_FLAGS_SEEN,    /* RFLAGS pushed */
    PG_LOOK_FLAGS_KEPT,    /* RFLAGS loaded */
    PG_LOOK_SELECTOR,      /* ax */
    PG_LOOK_PUSHED,        /* the highest word pushed is a selector */
    PG_LOOK_RIGHTS,        /* ZF and ecx */
    PG_LOOK_VERIFIED,      /* ZF */
    PG_LOOK_UMIP_TABLE,    /* limit and base in storage */
    PG_LOOK_UMIP_WORD,     /* eax */
    PG_LOOK_CALL           /* rax was a number and is an answer */
};

enum pg_host_feature {
    PG_FEATURE_ALWAYS,
    PG_FEATURE_NOT_LONG,   /* not in 64-bit mode */
    PG_FEATURE_NOT_ON_AMD, /* AMD has none in long mode */
#define HOST_FEATURE(name, leaf, subleaf, reg, bit, words) PG_FEATURE_##name,
#include "popek-goldberg/probe/host_insn.def"
    PG_FEATURE_COUNT
};

struct pg_host_insn {
    const char *name; /* "MOV r,CS" */
    const char *source;
    struct pg_host_code code;
    enum pg_host_look look;
    enum pg_host_claim claim;
    enum pg_host_feature feature;
    const char *isa; /* its encoding in isa/x86-64.isa; "" or NULL: none */
};

enum { PG_HOST_WORDS = 96 };

struct pg_host_row {
    const struct pg_host_insn *insn;
    enum pg_host_verdict verdict;
    bool differs; /* what was seen is not what is claimed */
    struct pg_host_seen seen;
    char words[PG_HOST_WORDS]; /* of the verdict, with its figures */
};

/* About the host as a whole.  Times are evidence only: they differ from run to
 * run and decide nothing.
 *
 * Since Linux 5.5 a process that called iopl keeps IOPL 0 and has the ports by
 * the bitmap in the TSS: its IN and OUT go through, and say so, at a port where
 * nobody listens. */
struct pg_host_facts {
    uint32_t features;    /* bit f: CPUID has enum pg_host_feature f */
    bool cpuid_read;      /* otherwise features says nothing */
    bool kernel_umip;     /* /proc/cpuinfo has the flag umip */
    unsigned iopl;        /* in RFLAGS */
    unsigned ns_direct;   /* for one PUSHFQ, which does not trap ... */
    unsigned ns_sgdt;     /* ... one SGDT ... */
    unsigned ns_trap;     /* ... one CLI, with a handler that steps over it */
    unsigned count;       /* of the rows */
    unsigned differences; /* rows with `differs` */
};

/* The rows of host_insn.def: pg_host_count() of them. */
size_t pg_host_count(void);
const struct pg_host_insn *pg_host_insn_at(size_t i);

/* Run every row.  rows has room for cap and gets facts->count, in the table's
 * order; STATUS_BAD_INPUT when cap is less than pg_host_count().
 * STATUS_UNSUPPORTED: not an x86-64 Linux, or it lets no code page be made;
 * STATUS_HOST_FAILED: no child could be made. */
enum status pg_probe_host(struct pg_host_row *rows, size_t cap,
                          struct pg_host_facts *facts,
                          struct diag *diag) MUST_USE;

/* The same for one instruction, of the table or not, within `limit_ms`
 * milliseconds.  facts come from pg_host_look_around. */
enum status pg_probe_host_one(struct pg_host_row *row,
                              const struct pg_host_insn *insn,
                              const struct pg_host_facts *facts,
                              unsigned limit_ms, struct diag *diag) MUST_USE;

/* CPUID, IOPL and the flag umip, without the times. */
enum status pg_host_look_around(struct pg_host_facts *facts,
                                struct diag *diag) MUST_USE;

/* A line without its newline. */
typedef void (*pg_host_print)(void *context, const char *line);

struct pg_host_answer; /* agree_host.h */

/* The table, the differences between claim and observation, and the evidence
 * for the emulated ones, as text.  answers: what is derived of each row, shown
 * as one more column, with the reasons where it is another; or NULL. */
void pg_host_report(const struct pg_host_row *rows,
                    const struct pg_host_facts *facts,
                    const struct pg_host_answer *answers, pg_host_print print,
                    void *context);

const char *pg_host_claim_name(enum pg_host_claim claim);
const char *pg_host_verdict_name(enum pg_host_verdict verdict);
const char *pg_host_feature_name(enum pg_host_feature feature);

#endif
