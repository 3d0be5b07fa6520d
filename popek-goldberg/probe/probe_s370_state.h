/* Inside the System/370 probe: states, and one instruction run from one. */
#ifndef POPEK_GOLDBERG_PROBE_PROBE_S370_STATE_H
#define POPEK_GOLDBERG_PROBE_PROBE_S370_STATE_H

#include "popek-goldberg/judge/random.h"
#include "popek-goldberg/probe/probe_s370.h"

enum {
    PG_WINDOW_BLOCKS = 4, /* of 2K: what the instruction can address */
    PG_WINDOW_SIZE = PG_WINDOW_BLOCKS * S370_BLOCK,
    PG_BLOCKS = 16, /* real storage */
    PG_BYTES = PG_BLOCKS * S370_BLOCK,
    PG_DEVICES = 2
};

/* Everything that one instruction can depend on.  Addresses are logical; the
 * window begins at 0.  Without translation its blocks are real ones. */
struct pg_state {
    struct s370_cpu cpu; /* registers only */
    uint64_t now;        /* ticks */
    uint8_t window[PG_WINDOW_SIZE];
    uint8_t window_keys[PG_WINDOW_BLOCKS];
    uint8_t frame[PG_WINDOW_BLOCKS]; /* the real block of each */
    uint8_t keys[PG_BLOCKS];         /* of the real blocks elsewhere */
    uint8_t code[6];                 /* the instruction under test */
    bool executed;                   /* it is the target of an EXECUTE */
    bool io;                         /* channels are attached */
    uint8_t channels;                /* enum pg_channels */
    uint8_t command;                 /* of the channel program */
    uint16_t device;                 /* address */
};

/* What the addressed device is at. */
enum pg_channels {
    PG_IDLE,
    PG_WORKING,
    PG_ENDED,
    PG_ATTENTION,
    PG_ABSENT,
    PG_SITUATIONS
};

/* State `number` of the instruction. */
void pg_state_make(struct pg_state *s, uint64_t seed, unsigned op,
                   uint32_t number);
/* The same but for one part; false when this state cannot be varied so. */
bool pg_state_vary(struct pg_state *s, unsigned part, uint64_t seed,
                   uint32_t number);
bool pg_state_translated(const struct pg_state *s);

/* How a device looks from outside. */
struct pg_device_view {
    uint32_t state, phase, next;
    uint8_t key, unit, channel, device, busy, halted, pci, deferred;
};

/* Before and after an instruction. */
struct pg_view {
    struct s370_cpu cpu;
    uint8_t bytes[PG_BYTES]; /* absolute */
    uint8_t keys[PG_BLOCKS];
    uint8_t window[PG_WINDOW_SIZE]; /* by the map of the state */
    uint8_t stale; /* what a load through an old translation finds */
    struct pg_device_view devices[PG_DEVICES];
};

/* The machine that runs it. */
struct pg_bench {
    struct s370_cpu cpu;
    struct s370_storage storage;
    struct clock clock;
    uint8_t bytes[PG_BYTES], keys[PG_BLOCKS]; /* absolute */
    uint8_t image[PG_BYTES]; /* put aside while channels are made ready */
    struct s370_channels *channels; /* owned; NULL: none */
};

struct pg_run {
    struct pg_bench bench;
    struct pg_view before, after;
    struct s370_interruption in;
    bool inside[PG_BLOCKS]; /* absolute blocks of the window */
};

MUST_USE enum status pg_run(const struct pg_state *s,
                            const struct pg_s370_machine *machine,
                            struct pg_run *run);

/* ---- probe_s370_diff.c ---- */

uint64_t pg_register(const struct s370_cpu *cpu, const struct reg_desc *reg);

/* The first change of mode, mapping or resources that the instruction made; an
 * emptied translation-lookaside buffer is the last. */
struct pg_difference pg_control(const struct pg_run *run);
/* None but perhaps that: a machine may drop a translation at any time. */
bool pg_keeps(const struct pg_run *run);
/* The first difference of what two runs without traps gave. */
struct pg_difference pg_results(const struct pg_run *a, const struct pg_run *b);
/* Did it set a reference or change bit? */
bool pg_records(const struct pg_run *run);
/* As struct pg_difference has a trap; 0: none. */
uint64_t pg_trap(const struct pg_run *run);
/* Caused by an address: the paper's memory trap. */
bool pg_memory_trap(const struct pg_run *run);

#endif
