/* The exit record: what every engine produces and every handler may read. */
#ifndef MONITOR_EXIT_H
#define MONITOR_EXIT_H

#include "base/table.h"
#include "base/types.h"

enum exit_reason {
#define EXIT_REASON(name, payload, instead, words) EXIT_##name,
#include "monitor/exit_reason.def"
#undef EXIT_REASON
    EXIT_REASON_COUNT
};

/* A bit for each reason by which an instruction did not run directly. */
enum {
    EXITS_INSTEAD = 0
#define EXIT_REASON(name, payload, instead, words) | (instead) << EXIT_##name
#include "monitor/exit_reason.def"
#undef EXIT_REASON
};

enum verdict {
#define VERDICT(name, word, does) VERDICT_##name,
#include "monitor/verdict.def"
#undef VERDICT
    VERDICT_COUNT
};

/* "SENSITIVE", and "sensitive instruction". */
const char *exit_reason_name(enum exit_reason r);
const char *exit_reason_words(enum exit_reason r);
/* "resume" */
const char *verdict_word(enum verdict v);

/* What the guest receives: an interruption, or an exception or interrupt, as
 * its manual says.  Kinds and codes are the wing's own. */
struct vm_event {
    uint8_t kind;     /* the wing's enum */
    bool past_insn;   /* the saved pc points past the exiting instruction
                       * (suppression, completion), not at it (nullification) */
    bool has_error;   /* an error code goes with it */
    uint32_t code;    /* interruption code or vector */
    uint64_t info[2]; /* what else it tells: an address, a code ... */
};

/* Operands of a sensitive instruction, decoded as far as both wings agree. */
struct exit_op {
    uint64_t addr;    /* effective address of the first storage operand */
    uint64_t addr2;   /* and of the second */
    uint8_t r1, r2;   /* register fields */
    uint8_t imm;      /* immediate byte */
    uint8_t bytes[8]; /* the instruction itself, insn_len or fewer of them */
    bool executed;    /* it is the target of an execute at pc */
};

/* I/O by port, memory or channel. */
struct exit_io {
    uint64_t addr;  /* port, guest-physical address, or device address */
    uint64_t value; /* to write; the handler leaves a read's result here */
    uint8_t size;   /* bytes of one item: 1, 2, 4, 8 */
    bool write;
    uint32_t count; /* items of a string instruction, 1 otherwise */
    uint8_t *data;  /* count * size bytes, or NULL when `value` is meant */
};

/* The value of the first item, wherever it is. */
uint64_t exit_io_first(const struct exit_io *io);

enum access { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE };

struct exit_fault {
    uint64_t gva, gpa; /* guest-virtual and, where known, -physical address */
    enum access access;
};

struct exit_call {
    uint32_t number;
    uint64_t args[4];
    uint64_t result; /* left by the handler */
};

struct vm_exit {
    enum exit_reason reason;
    uint32_t raw;         /* the engine's own number, for the tracer only */
    const char *raw_name; /* and its name, or NULL */
    uint64_t raw_info[2];
    const char *why;  /* of a failure, in words, or NULL; the engine's until
                       * its next run */
    uint64_t ran;     /* guest instructions attempted since entry, the exiting
                       * one included: guest time goes on by as many ticks */
    uint64_t pc;      /* guest address of the exiting instruction */
    uint8_t insn_len; /* 0: not known; the engine itself goes past it, if the
                       * verdict is ADVANCE */
    const struct insn_desc *insn; /* decoded by hardware or by us, or NULL */
    struct vm_event event; /* what the guest receives on VERDICT_REFLECT */
    union {
        struct exit_op op;
        struct exit_io io;
        struct exit_fault fault;
        struct exit_call call;
    };
};

#endif
