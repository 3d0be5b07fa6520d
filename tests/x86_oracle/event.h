/* One event that a machine has recorded, and the code that it points to. */
#ifndef TESTS_X86_ORACLE_EVENT_H
#define TESTS_X86_ORACLE_EVENT_H

#include "tests/x86_oracle/difference.h"

struct ox_event {
    enum ox_record record; /* R16, R32 or R64 */
    unsigned vector;
    uint32_t error, cs, flags, cr0, cr4, dr6;
    uint64_t ip, cr2, sp;
    uint64_t gpr[GPRS]; /* in the order of their encodings; that of the stack
                         * as it was in the program, for R64 alone */
    const struct ox_result *of; /* where it is from, if its code is to be read
                                 * as the case has left it */
    bool halved;                /* its frame had words */
    bool based; /* CS's base is known: it need not be the descriptor's */
    uint32_t base;
};

/* In R32_WIDTH: no recorder has written it down, and it is of dwords. */
enum { OX_TOLD = 1 };

/* Where R64 has a register, by its number. */
enum ox_field ox_long_register(unsigned n);

/* The event that begins at that word; false: none does, or one within a
 * recorder.  A double fault through a task gate leaves no frame: where it came
 * of is in the old task's TSS. */
bool ox_event_at(const struct ox_case *c, const struct ox_result *r,
                 uint32_t at, struct ox_event *e);

/* The last one that begins before that word. */
bool ox_last_event(const struct ox_case *c, const struct ox_result *r,
                   uint32_t end, struct ox_event *e);

/* What our processor has raised, recorded or not (machine.h); its SP is a
 * linear address.  False: there are no more. */
bool ox_raised_event(const struct ox_result *ours, uint32_t n,
                     struct ox_event *e);

/* The peer's #TS of a TSS of 32 bits that ends behind the selector of an inner
 * stack, and before the two reserved bytes that follow. */
bool ox_ends_behind_stack(const struct ox_difference *d);

/* Of an event of ours: what it has raised tells CS's base, and the upper half
 * of an IP of which the frame had a word. */
void ox_find_base(const struct ox_result *ours, struct ox_event *e);

/* In real-address and virtual-8086 mode: by its DS its operands may have been
 * in a PC's video storage or firmware; what differs is a register or a flag. */
bool ox_is_operand_outside(const struct ox_difference *d);

/* A word of the arena at the end of a case. */
uint32_t ox_stored_at(const struct ox_case *c, const struct ox_result *r,
                      uint32_t at);

/* An instruction behind its prefixes. */
struct ox_code {
    const uint8_t *at; /* in the case's arena, or in `bytes`; 16 are there */
    uint32_t address;  /* of them */
    bool lock;
    uint8_t override; /* the last segment prefix; 0: none */
    uint8_t rex;
    uint8_t bytes[32];
};

/* What the event's CS:IP points to, before the program has run: false where
 * that is not in the arena.  `back` bytes before it: for traps. */
bool ox_code_of(const struct ox_case *c, const struct ox_event *e,
                unsigned back, struct ox_code *code);

/* Of the case's own tables, before the program has run: limit and base, and
 * rights. */
uint32_t ox_lower_half_of(const struct ox_case *c, uint32_t selector);
uint32_t ox_upper_half_of(const struct ox_case *c, uint32_t selector);
uint32_t ox_base_of(const struct ox_case *c, uint32_t selector);

#endif
