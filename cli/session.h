/* A run: guests on one machine, an operator, an end, an account of it. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "base/trace.h"
#include "cli/consoles.h"
#include "cli/equip.h"
#include "cli/pc_assist.h"

enum {
    SESSION_GUESTS_MAX = CONSOLES_SEATS_MAX,
    SESSION_MEM_DEFAULT = 256 << 20 /* of a bare PC */
};

/* What the guests run on.
 * SESSION_ON(id, name as --on takes it, title) */
#define SESSION_ONS(X)                                                    \
    X(BARE, "bare", "the bare machine, no monitor")                       \
    X(TRAP, "trap", "the monitor on the System/370, by trap and emulate") \
    X(KVM, "kvm", "the monitor on /dev/kvm")                              \
    X(VTX, "vtx", "the monitor on a modelled x86 processor with VT-x")    \
    X(SVM, "svm", "the monitor on a modelled x86 processor with AMD-V")

enum session_on {
#define X(id, name, title) ON_##id,
    SESSION_ONS(X)
#undef X
        ON_COUNT
};

extern const char *const session_on_names[ON_COUNT];

/* What this word of --on means; STATUS_BAD_INPUT says which words there are. */
MUST_USE enum status session_on_find(const char *word, enum session_on *on,
                                     struct diag *diag);

/* How a guest ended, and the exit code that a run with one such guest has; by
 * its own wish (ENDED), or (REFUSED) saying so with a code that is not 0.
 * GUEST_END(id, code, name for JSON, words) */
#define GUEST_ENDS(X)                                                          \
    X(RUNNING, CODE_DONE, "interrupted", "stopped from outside")               \
    X(IDLE, CODE_DONE, "idle", "waits for an interruption that will not come") \
    X(ENDED, CODE_DONE, "ended", "has ended")                                  \
    X(STOPPED, CODE_DONE, "stopped", "stopped by its operator")                \
    X(REFUSED, CODE_NEGATIVE, "ended", "has ended")                            \
    X(LIMIT, CODE_LIMIT, "limit", "stopped at its instruction limit")          \
    X(FAILED, CODE_NEGATIVE, "failed", "cannot go on")

enum guest_end {
#define X(id, code, name, words) GUEST_##id,
    GUEST_ENDS(X)
#undef X
        GUEST_ENDS_COUNT
};

/* What the user asked for; all borrowed. */
struct session_plan {
    char *const *guests; /* operands */
    unsigned count;
    bool on_given;
    enum session_on on; /* when given; otherwise what suits the first guest */
    const uint64_t *ipl;
    uint64_t stop_after; /* instructions of each guest; 0: no limit */
    const struct script *script;
    bool scratch_tapes;
    bool console_to_stderr;
    bool console_to_trace;
    /* A program listens instead of a person: it hears the consoles, and nobody
     * but the script types at them. */
    void (*heard)(void *who, const char *text, size_t len);
    void *who;
    /* Of a PC; NULL or 0: none, the default. */
    bool kernel; /* the guest is any kernel, whatever its name */
    const char *initrd, *append, *drives[2], *floppies[2], *bios;
    uint64_t mem;         /* bytes of storage */
    bool apic;            /* it has APICs */
    bool test_device;     /* it has that of kvm-unit-tests */
    bool pages;           /* count those that it writes */
    bool outside_irqchip; /* its interrupt controllers are KVM's */
    bool hides_monitor, watched, nested;
    bool reboots; /* the bare PC begins anew after a reset */
    enum pc_assist assist;
    const char *vendor;   /* of its processor */
    const char *outputs;  /* a folder: what System/370 devices write goes there
                           * and not where the configuration says; or NULL */
    bool stepping;        /* every instruction is an exit and is traced, */
    const uint64_t *from; /* from that at this linear address on; NULL: all */
    struct trace *trace;  /* NULL: none */
};

struct session;

/* One guest and its machine; filled in as the session goes. */
struct guest {
    struct session *session;
    unsigned seat;
    struct guest_file file;
    char name[40];
    enum guest_end end;
    bool stopped;        /* by the operator's script */
    char why[DIAG_SIZE]; /* more words about the end, or "" */
    char wrote[256];     /* files that its printers and punches wrote, or "" */
    bool troubled;       /* a file of a device's failed, which was said */

    /* System/370: */
    struct equip equip;
    struct s370_machine *bare;
    struct s370_device *console; /* the one that read last */
    /* under a monitor: */
    struct vm *vm;

    /* the account */
    uint64_t insns, interpreted, exits, ticks;
};

/* What differs between them. */
struct session_ops {
    /* Make the machine and all guests, ready to run; sit the operator down. */
    enum status (*open)(struct session *s, struct diag *diag);
    /* Go on until all guests have ended or are idle, or *interrupted.  Sets
     * guest->end of those that have ended. */
    void (*run)(struct session *s);
    /* Fill in the accounts. */
    void (*account)(struct session *s);
    void (*close)(struct session *s);
};

struct session {
    const struct session_plan *plan;
    const struct session_ops *ops;
    enum session_on on;
    struct guest guests[SESSION_GUESTS_MAX];
    unsigned count;
    struct consoles consoles;
    void *machine;     /* of the ops */
    double seconds;    /* of the host, running */
    bool cut;          /* Ctrl-C */
    struct diag unmet; /* the script's line that was not reached, or "" */
};

/* Make the machine and its guests, ready to run.  After a failure there is
 * nothing to close. */
MUST_USE enum status session_open(struct session *s,
                                  const struct session_plan *plan,
                                  struct diag *diag);
void session_close(struct session *s);

/* Open, run to the end, close.  Returns the exit code of the run; complaints
 * have been said.  The accounts stay in *s. */
int session_run(struct session *s, const struct session_plan *plan);

/* ---- For the machines' files ---- */

/* BARE is session_bare for System/370, TRAP session_trap.  A small x86 image
 * under a monitor is session_kvm's on every engine; a PC, bare or not, is
 * session_pc's. */
extern const struct session_ops session_bare, session_pc, session_trap,
    session_kvm;

/* The engine of the x86 monitor's that a word of --on means; NULL: none. */
const struct engine_ops *session_engine(enum session_on on);
/* What small x86 images run on when nobody says: /dev/kvm, or, where it lacks
 * what they need, the modelled VT-x, which is then said. */
enum session_on session_choose_x86(const struct session *s);

/* Set by signals: return from run soon. */
extern volatile bool session_interrupted;

/* From here on SIGINT, SIGTERM and SIGHUP set it; a second one ends the
 * program, the terminal as it was.  At a terminal a tick sets it, too, now and
 * then. */
void session_watch_signals(bool terminal);
void session_forget_signals(void);
/* The status of a run that signals have cut off: Ctrl-C is a wish, and 0. */
int session_cut_code(void);

/* The host's clock, in nanoseconds: for what a run and its exits cost. */
uint64_t session_host_ns(void);

/* The person leaves: end the run, as Ctrl-C does. */
void session_leave(void);

/* What the run prints reaches nobody any more (a closed pipe, a full disk):
 * a guest that never ends must not go on for that. */
void session_output_failed(void);

/* Sit the operator down at this guest's console. */
MUST_USE enum status session_sit(struct guest *g,
                                 const struct script_hands *hands,
                                 struct clock *clock,
                                 uint64_t (*insns)(const void *guest),
                                 struct diag *diag);

/* Step it, if the plan says so. */
void session_step(const struct session_plan *plan, struct vcpu *v);

/* How a guest under a monitor stands after vmm_run came back. */
void session_judge_vm(struct guest *g);
/* Fill in the accounts of guests under a monitor. */
void session_account_vms(struct session *s);

/* A guest has printed, begins to read. */
void session_printed(struct guest *g, const char *text, size_t len);
void session_reading(struct guest *g);
/* A line was typed at its console, which nothing else will show. */
void session_typed(struct guest *g, const char *text);

#endif
