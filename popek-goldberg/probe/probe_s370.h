/* What the System/370 machine's instructions are after Popek and Goldberg,
 * found by executing them.
 *
 * Each instruction is run from many pairs of states that differ in one thing:
 * the mode, the place of the window in real storage, or one register that only
 * the supervisor may change.  What follows from a difference of the results is
 * a label, and the pair is its witness.  Traps are left out of the comparison,
 * all of them, and operand exceptions do not spoil "privileged": the corrected
 * reading of the 1974 definitions, under which SVC and DIVIDE are not control
 * sensitive because they trap.
 *
 * What is not tried: program-event recording (the PER mask stays off), the wait
 * state, other page and segment sizes than 2K and 64K, several instructions in
 * a row, and what an interruption shows of the state that it stores.  A label
 * that is missing was not seen in the number of pairs that stands beside it;
 * that is no proof.
 */
#ifndef POPEK_GOLDBERG_PROBE_PROBE_S370_H
#define POPEK_GOLDBERG_PROBE_PROBE_S370_H

#include "s370/machine/cpu.h"
#include "s370/machine/regs.h"

#include <stdio.h>

/* Parts of a state: what is varied, and where a difference shows.  First the
 * registers as enum s370_reg has them, S370_REG_PSW_P being the mode. */
enum pg_part {
    PG_TOD_SET = S370_REG_COUNT, /* the clock has been set */
    PG_SIGNALS,                  /* SIGP's pending conditions */
    PG_STOPPED,                  /* the stopped state, a pending restart */
    PG_CPU_ID,
    PG_CPU_ADDRESS,
    PG_STORAGE_KEYS, /* access and fetch-protection bits */
    PG_REFERENCE,    /* reference and change bits */
    PG_TRANSLATION,  /* what the translation-lookaside buffer holds */
    PG_CHANNELS,
    PG_OUTSIDE,  /* storage that is not in the window */
    PG_WINDOW,   /* storage that is; logical addresses */
    PG_LOCATION, /* where the window is in real storage */
    PG_TRAP,     /* an interruption: class << 16 | code, or none */
    PG_PARTS
};

/* "CR8", "PSW_P", "storage". */
const char *pg_part_name(unsigned part);

/* The first part in which two states differ. */
struct pg_difference {
    uint8_t part;   /* PG_PARTS: none */
    uint32_t index; /* PG_WINDOW, PG_OUTSIDE: address; keys: block */
    uint64_t a, b;
};

/* An observation that pg_probe_replay can make again: the states follow from
 * seed, op, number and varied.  With `varied` PG_PARTS there is one state, and
 * `seen` is before and after. */
struct pg_probe_witness {
    bool found;
    bool less;       /* `seen` is what only the supervisor's run changed */
    uint8_t varied;  /* enum pg_part */
    uint16_t op;     /* enum s370_op */
    uint32_t number; /* of the state */
    uint64_t seed;
    struct pg_difference seen;
};

/* The machine under the probe: runs one instruction as s370_step does. */
struct pg_s370_machine {
    void (*step)(void *of, struct s370_cpu *cpu, struct s370_interruption *in);
    void *of;
};
/* s370_step itself, and the fast driver. */
extern const struct pg_s370_machine pg_s370_step, pg_s370_run;

struct pg_probe_row {
    uint16_t op;         /* enum s370_op */
    uint8_t privilege;   /* enum privilege, as observed */
    uint8_t sensitivity; /* OR of enum sensitivity; SENS_MODE also for what
                          * shows a privileged register */
    uint8_t user;        /* the same, seen in the problem state alone */
    bool silent;         /* does less in the problem state, without a trap */
    bool records;        /* sets reference and change bits, and is not
                          * control sensitive for that */
    uint64_t leaks;      /* parts of which it shows something: 1 << part */
    uint64_t user_leaks; /* those in the problem state */
    uint64_t traps_by;   /* parts on which it depends whether it traps;
                          * protection and translation are left out */
    uint32_t pairs;      /* of states tried */
    uint32_t completed;  /* of them, pairs in which neither trapped */
    uint32_t supervised; /* states of the supervisor without a trap */
    /* Of each positive observation the first: by the part that was varied
     * (S370_REG_PSW_P: mode, PG_LOCATION: location, others: leaks). */
    struct pg_probe_witness shows[PG_PARTS];
    struct pg_probe_witness control, trap, less;
};

/* As many states as find every label, and half as many again. */
enum { PG_S370_STATES = 64 };

/* One instruction.  The same seed and states give the same row. */
MUST_USE enum status pg_probe_s370_insn(struct pg_probe_row *row,
                                        enum s370_op op,
                                        const struct pg_s370_machine *machine,
                                        uint64_t seed, unsigned states);

/* Fill a row for each instruction; rows has S370_OP_COUNT of them.
 * STATUS_NO_MEMORY is possible. */
MUST_USE enum status pg_probe_s370(struct pg_probe_row *rows,
                                   const struct pg_s370_machine *machine,
                                   uint64_t seed, unsigned states);

/* Every opcode that is not in the table, in both modes: how many were tried,
 * and the first that did not end in an operation exception and nothing else
 * (0x10000: none). */
MUST_USE enum status pg_probe_s370_invalid(
    const struct pg_s370_machine *machine, uint64_t seed, unsigned *tried,
    uint32_t *first);

/* Run the witness's states again: true when the same difference shows. */
bool pg_probe_replay(const struct pg_probe_witness *w,
                     const struct pg_s370_machine *machine);
/* Both states, the instruction, and the difference, in words. */
void pg_probe_print_witness(const struct pg_probe_witness *w, FILE *out);

#endif
