/* The trace is the hub: one stream of events that everybody reads.
 *
 * Whoever has something to tell emits one event; sinks turn the stream into
 * text, JSON lines, a ring for the tracer, or a ledger of counts and costs.
 * A run that is not traced pays one test of a pointer. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/types.h"

#define TRACE_SCHEMA "trapline/trace/v1"

/* kind, name in JSON */
#define TRACE_KINDS(X)                                                     \
    X(INSN, "insn")   /* one instruction that ran directly */              \
    X(EXIT, "exit")   /* one exit, after its verdict was applied */        \
    X(EVENT, "event") /* an interruption or exception reached the guest */ \
    X(IO, "io")       /* a device did something: a CCW, a port */          \
    X(MEM, "mem")     /* an engine mapped storage for the guest */         \
    X(NOTE, "note")   /* words: start, stop, diagnosis */

enum trace_kind {
#define X(name, text) TRACE_##name,
    TRACE_KINDS(X)
#undef X
        TRACE_KIND_COUNT
};

/* One event.  Pointers are to static strings or NULL; arrays are terminated.
 * Which fields say something depends on the kind; the others are zero. */
struct trace_event {
    enum trace_kind kind;
    unsigned vm;          /* number of the virtual machine; 0 on bare */
    uint64_t seq;         /* set by trace_emit: 1, 2, 3 ... */
    uint64_t time;        /* guest clock, ticks */
    uint64_t insns;       /* guest instructions completed so far */
    uint64_t pc;          /* guest address of the instruction */
    unsigned pc_digits;   /* hexadecimal digits that an address has */
    const char *reason;   /* EXIT: neutral reason; EVENT: interruption */
    const char *insn;     /* mnemonic, if any */
    const char *verdict;  /* EXIT */
    char mode_before;     /* 'S' or 'P' (user mode), 0 if not known */
    char mode_after;      /* what the guest BELIEVES it is in */
    uint32_t raw;         /* EXIT: the engine's own number */
    const char *raw_name; /* EXIT: and its name, or NULL */
    uint64_t info[2];     /* address and length, port and value, code ... */
    uint64_t cost_ns;     /* EXIT: host time from exit to resume, or 0 */
    char text[80];        /* disassembly, or the words of a NOTE or IO */
    char state[64];       /* virtual PSW, or RIP and flags, as ISA prints */
};

struct trace_sink {
    void (*emit)(struct trace_sink *, const struct trace_event *);
    bool wordless; /* only counts: reads neither `text`, `state`, the modes, the
                    * pc nor the verdict */
    struct trace_sink *next;
};

/* One trace belongs to one machine and all VMs on it. */
struct trace {
    struct trace_sink *sinks; /* borrowed; NULL when nobody listens */
    uint64_t seq;
    bool words; /* some sink is not wordless; without one whoever emits may
                 * leave empty what those do not read.  Set by trace_attach */
    bool insns; /* TRACE_INSN events are wanted (slow: steps one by one) */
    uint64_t (*host_ns)(void); /* for cost_ns; NULL: costs are not measured */
};

void trace_attach(struct trace *t, struct trace_sink *s);

static inline bool trace_on(const struct trace *t)
{
    return UNLIKELY(t && t->sinks);
}

/* Does somebody read more than counts? */
static inline bool trace_words(const struct trace *t)
{
    return UNLIKELY(t && t->words);
}

/* Number the event and give it to every sink. */
void trace_emit(struct trace *t, struct trace_event *e);

/* Where a text sink writes; returns false when the write failed (a full disk),
 * after which the sink says no more and `failed` is set. */
typedef bool (*trace_write_fn)(void *to, const char *text, size_t len);

/* Text: a line that names the columns, then one line an event: the golden
 * format of tests and book.  Exits have their reason in capitals; other events
 * have their kind there.  The engine's name of an exit is shown where nothing
 * else tells what happened. */
struct trace_text {
    struct trace_sink sink;
    trace_write_fn write;
    void *to;
    unsigned columns; /* lines of events are cut there; 0: none is.  What a
                       * guest prints is never cut */
    bool failed, begun;
};
void trace_text_init(struct trace_text *s, trace_write_fn write, void *to);
/* The line for one event, and the one that names its columns, without newline;
 * they return its length. */
size_t trace_text_line(const struct trace_event *e, char *out, size_t cap);
size_t trace_text_header(unsigned pc_digits, char *out, size_t cap);

/* JSON lines; the first object names the schema. */
struct trace_jsonl {
    struct trace_sink sink;
    trace_write_fn write;
    void *to;
    bool failed, begun;
};
void trace_jsonl_init(struct trace_jsonl *s, trace_write_fn write, void *to);
size_t trace_jsonl_line(const struct trace_event *e, char *out, size_t cap);

/* Ring: the last `cap` events, in storage of the caller's. */
struct trace_ring {
    struct trace_sink sink;
    struct trace_event *events;
    size_t cap;
    uint64_t total; /* ever emitted */
};
void trace_ring_init(struct trace_ring *s, struct trace_event *events,
                     size_t cap);
/* The event `back` places before the newest (0), or NULL when it is gone. */
const struct trace_event *trace_ring_at(const struct trace_ring *s,
                                        uint64_t back);

/* Ledger: how often, and at what cost, by the reason and the instruction, or
 * where there is none the engine's name of the exit. */
enum { LEDGER_ROWS = 192 };
struct ledger_row {
    const char *reason, *insn, *raw_name; /* compared by content; of the last
                                           * two at most one is not NULL */
    uint64_t count, cost_ns;
};
struct trace_ledger {
    struct trace_sink sink;
    struct ledger_row rows[LEDGER_ROWS];
    unsigned count;
    uint64_t exits, cost_ns; /* all exits */
    uint64_t lost;           /* exits that found no row: never silently */
};
void trace_ledger_init(struct trace_ledger *s);

#endif
