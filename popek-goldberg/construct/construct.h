/* Random programs on the bare machine and under the generated monitor, in
 * lock-step through f.
 *
 * Where Theorem 1 holds, or the exact criterion, no program may tell the two
 * apart: after every instruction the virtual machine is the bare one, the real
 * machine is f of it, and no word of a monitor has changed.  Where the
 * criterion fails, some program must diverge. */
#ifndef POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_H
#define POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_H

#include "popek-goldberg/construct/construct_monitor.h"
#include "popek-goldberg/construct/construct_program.h"

enum {
    CONSTRUCT_LEVELS = 4,      /* monitors, each under the one before it */
    CONSTRUCT_PROGRAMS = 2000, /* unless said */
    CONSTRUCT_STEPS = 24       /* instructions of a program */
};

struct construct_options {
    enum construct_technique technique;
    enum construct_mutation mutation;
    unsigned target; /* encoding of a mutation that is about one */
    unsigned levels; /* 1: a monitor; 2: a monitor under a monitor ... */
    bool blind;      /* do not look at the real machine's registers: only at
                      * what the guest sees, and at the monitors' words */
    uint64_t seed;   /* of the first program; the next has the next number */
    uint64_t programs;
    uint64_t steps; /* at most, of each */
};

/* What is not as it should be. */
enum construct_wrong {
    CONSTRUCT_VIRTUAL,   /* component of the virtual machine, held against the
                          * bare one */
    CONSTRUCT_OLD,       /* its `old` PSW, which its trap handler finds */
    CONSTRUCT_CAUSE,     /* the trap that it took last */
    CONSTRUCT_REAL,      /* component of a host, held against f of the bare */
    CONSTRUCT_UNTOLD,    /* a bound grew, or a clock was set, and A not asked */
    CONSTRUCT_OVERWRITE, /* a word of a monitor */
    CONSTRUCT_GAVE_UP,   /* the monitor could not go on: text */
    CONSTRUCT_WRONGS
};

/* A value of a component. */
struct construct_value {
    uint64_t v;
    bool unknown; /* unpredictable */
};

struct construct_divergence {
    enum construct_wrong wrong;
    uint64_t seed;            /* of the program */
    uint64_t step;            /* from 1; 0: before the first instruction */
    unsigned weight;          /* bits of its state that are not zero */
    struct construct_insn at; /* code NULL: the fetch trapped */
    unsigned component;       /* element, or PG_WORD + a word of that machine */
    unsigned level; /* of the host or monitor, from 1: the outermost */
    struct construct_value want, got;
    struct isa_state bare, real; /* before the instruction */
    enum construct_ending ended; /* the bare machine's instruction */
    unsigned trap;
    enum construct_ending real_ended; /* the real machine's */
    enum construct_did did;           /* to the guest's */
    struct diag text;
};

/* Of one encoding, as an instruction of the innermost guest. */
struct construct_count {
    uint64_t direct;    /* no monitor ran */
    uint64_t emulated;  /* D -> v_i */
    uint64_t asked;     /* of these, v_i -> A */
    uint64_t reflected; /* the trap was the guest's own */
    uint64_t diverged;  /* programs that did so here */
};

struct construct_result {
    uint64_t programs, steps, diverged;
    uint64_t unfinished; /* programs that ended at `unpredictable` */
    struct construct_count code[ISA_ENCODINGS];
    struct construct_count fetch;             /* its memory traps */
    uint64_t interventions[CONSTRUCT_LEVELS]; /* by monitor, outermost first */
    /* Of all divergences the one after the fewest steps, and of these the one
     * with the least numbers. */
    struct construct_divergence first;
};

/* STATUS_BAD_INPUT when so many monitors have no place in the machine;
 * STATUS_NO_MEMORY. */
MUST_USE enum status construct_run(const struct pg_judgement *j,
                                   const struct construct_options *o,
                                   struct construct_result *out,
                                   struct diag *d);

/* Which of the monitor's properties it breaks. */
enum pg_property construct_breaks(const struct construct_divergence *d);

/* Has the virtual machine no such instruction, for it is its monitor's? */
bool construct_is_absent(const struct isa *isa,
                         const struct construct_options *o, unsigned encoding);

/* Does the exact criterion of what was built hold for this encoding? */
bool construct_is_promised(const struct pg_judgement *j,
                           const struct construct_options *o,
                           unsigned encoding);

/* Did programs diverge if, and only where, that criterion fails? */
bool construct_is_as_promised(const struct pg_judgement *j,
                              const struct construct_options *o,
                              const struct construct_result *r);

#endif
