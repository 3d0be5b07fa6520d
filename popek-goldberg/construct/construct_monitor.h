/* The monitor that Theorem 1 promises: the control program CP = <D, A, {v_i}>,
 * made from a description (Popek and Goldberg 1974, section 4).
 *
 * D is monitor/dispatcher.h with the handlers below, A is construct_allocate
 * over monitor/allocator.h, and v_i is one routine that does to the virtual
 * machine what the description says the instruction does.  The described
 * machine is an architecture (guest_isa) and its hardware an engine
 * (construct_engine.h), like the other ones of this project.
 *
 * The monitor keeps the virtual mode, base, resources and switches, and the
 * virtual `old` and `new` PSW.  The rest of the virtual machine - registers,
 * clocks, pc, bound, words - is in the machine that it stands on, which is a
 * real one or the virtual machine of another such monitor (Theorem 2). */
#ifndef POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_MONITOR_H
#define POPEK_GOLDBERG_CONSTRUCT_CONSTRUCT_MONITOR_H

#include "monitor/allocator.h"
#include "monitor/vm.h"
#include "popek-goldberg/construct/construct_machine.h"
#include "popek-goldberg/judge/decide.h"

/* How much of the guest the monitor interprets. */
enum construct_technique {
    CONSTRUCT_TRAP,     /* what traps: Theorem 1 */
    CONSTRUCT_HYBRID,   /* and all in virtual supervisor mode: Theorem 3 */
    CONSTRUCT_INTERPRET /* everything */
};

/* Deliberate mistakes. */
enum construct_mutation {
#define MUTATION(name, word, what) CONSTRUCT_##name,
#include "popek-goldberg/construct/construct_mutation.def"
#undef MUTATION
    CONSTRUCT_MUTATIONS
};

/* The privileged instruction that a monitor itself ends with, as a row after
 * those of the encodings: load the PSW. */
struct construct_design {
    const struct isa *isa;
    const struct pg_judgement *j;
    enum construct_technique technique;
    enum construct_mutation mutation;
    unsigned target; /* encoding that the mutation is about */
    struct insn_desc rows[ISA_ENCODINGS + 1];
    interpreter_fn v[ISA_ENCODINGS + 1]; /* v_i; NULL: its traps are the
                                          * guest's own */
    struct insn_table table;
    struct guest_isa guest;
    struct handler_row handlers[EXIT_REASON_COUNT]; /* D's decisions */
};

/* What a turn did to the guest's instruction. */
enum construct_did {
    CONSTRUCT_DIRECT,
    CONSTRUCT_EMULATED,
    CONSTRUCT_REFLECTED
};

struct construct_monitor {
    const struct construct_design *design;
    struct construct_machine *host;  /* it stands on this */
    struct construct_monitor *outer; /* whose guest the host is; NULL: real */
    struct construct_machine guest;  /* the virtual machine */
    struct allocator allocator;      /* of the host's words */
    struct vm vm;
    uint64_t base, bound; /* what A gave: the host's while the guest runs */
    bool trapped;         /* the guest's PSW is in the host's `old` */
    bool loading;         /* the guest, a monitor, loads a PSW: this one */
    struct construct_psw psw;
    enum construct_did did;      /* of the last turn */
    enum construct_ending ended; /* of the hardware's last instruction */
    bool asked;                  /* A was asked in the last turn */
    uint64_t interventions; /* turns in which it ran, since construct_boot */
};

/* Generate the rows, the v_i and D's decisions (construct_design.c).  j must
 * outlive it, and it must not move; `target` is for a mutation about one
 * encoding. */
void construct_design(const struct pg_judgement *j,
                      enum construct_technique technique,
                      enum construct_mutation mutation, unsigned target,
                      struct construct_design *out);

/* Does a trap of this encoding need interpreting: does what it reads differ
 * between S and f(S) - mode, base, resources, switches - or can it be refused
 * as privileged?  All other traps are the guest's own, by Lemma 1. */
bool construct_needs_v(const struct isa *isa, const struct isa_encoding *code);

/* Is it privileged, and does D know so from the virtual mode alone? */
bool construct_by_mode_alone(const struct pg_judgement *j, unsigned encoding);

/* What construct_design puts together (construct_monitor.c). */
extern const struct guest_isa construct_guest;
extern const struct handler_row construct_handlers[EXIT_REASON_COUNT];
enum verdict construct_v(struct vcpu *, struct vm_exit *); /* any v_i */
enum verdict construct_v_psw(struct vcpu *,
                             struct vm_exit *); /* of a monitor */

/* Put the monitor into the lowest words of the host, and make a virtual
 * machine of the others: c->guest has its words, all 0, and its size. */
MUST_USE enum status construct_boot(const struct construct_design *design,
                                    struct construct_machine *host,
                                    struct construct_monitor *outer,
                                    struct construct_monitor *c);

/* A: give the virtual machine the real R that goes with its own. */
void construct_allocate(struct construct_monitor *c);

/* Make the host's state that in which c->guest runs, without telling outer
 * monitors: for the beginning of everything. */
void construct_enter(struct construct_monitor *c);

/* CP's last act: hand the guest its registers, and load its PSW. */
MUST_USE enum status construct_resume(struct construct_monitor *c);

/* Bring c->guest up to date: what is in the host, and in that one's host. */
void construct_observe(struct construct_monitor *c);

#endif
