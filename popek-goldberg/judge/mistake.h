/* One mistake, a list of them, and what is to be said of it. */
#ifndef POPEK_GOLDBERG_JUDGE_MISTAKE_H
#define POPEK_GOLDBERG_JUDGE_MISTAKE_H

#include "popek-goldberg/language/isa.h"

enum pg_mistake_kind {
    /* Slips of one instruction */
    PG_INVERTED,        /* refused to the supervisor and not to the user */
    PG_REFUSED_TO_ALL,  /* traps in both modes, and what follows is in vain */
    PG_CALL_PRIVILEGED, /* only a trap, and it is declared privileged */
    PG_WRONG_TRAP,      /* refused to the user, by a trap that is no refusal */
    PG_VACUOUS,         /* the refusal is never reached */
    PG_IN_VAIN,         /* what follows a trap that is always taken */
    PG_LATE_CHECK,      /* an operand exception shows a resource before it */
    PG_NEVER,           /* a guard that never holds */
    PG_ALWAYS,          /* a guard that always holds */
    PG_OVERWRITTEN,     /* an assignment that a later one always undoes */
    PG_MIXED_UP,        /* user or supervisor compared with something wide */
    /* Flaws: it is critical, and fails the exact criterion */
    PG_UNPREDICTED,   /* unpredictable in user mode */
    PG_HALF_REFUSED,  /* refused in some user states, harmful in others */
    PG_MODE_TAKEN,    /* a program makes itself supervisor */
    PG_WRITTEN,       /* a program changes what is the machine's */
    PG_NO_OP,         /* silently nothing in user mode */
    PG_MODE_LEFT,     /* supervisor mode is left untold */
    PG_LOCATION_READ, /* shows where the program lies */
    PG_RESOURCE_READ, /* shows what is the machine's */
    PG_MODE_READ,     /* shows the mode */
    /* Slips of the machine */
    PG_REGISTER_OF_THE_MACHINE, /* only the supervisor ever writes it */
    PG_UNUSED,                  /* nothing reads or writes it */
    PG_UNTAKEN,                 /* a trap that nothing takes */
    PG_NO_WAY_TO_USER,          /* nothing enters user mode */
    PG_NO_WAY_TO_R,             /* nothing sets base or bound */
    PG_CLAIMS_CLASH,            /* two claims that cannot both be true */
    PG_MISTAKE_KINDS
};

enum { PG_NOTHING = 0xffff };

struct pg_mistake {
    enum pg_mistake_kind kind;
    unsigned encoding; /* or PG_NOTHING */
    unsigned element;  /* or PG_NOTHING */
    unsigned trap;     /* or PG_NOTHING */
    unsigned line;     /* of the description */
    unsigned other;    /* a second line, or 0 */
};

struct pg_mistakes {
    struct pg_mistake *rows;
    unsigned count, room;
    unsigned asked; /* conditions looked at so far */
    bool no_memory;
};

/* Adds a copy, or notes that there is no memory. */
void pg_mistakes_add(struct pg_mistakes *m, struct pg_mistake one);

/* In the order of their lines. */
void pg_mistakes_sort(struct pg_mistakes *m);
void pg_mistakes_free(struct pg_mistakes *m);

/* One in words: what it is, why by the definitions, how to mend it. */
enum { PG_MISTAKE_TEXT = 512 };
struct pg_mistake_words {
    const char *name; /* of the kind, for programs: "no-op" */
    char what[PG_MISTAKE_TEXT], why[PG_MISTAKE_TEXT], mend[PG_MISTAKE_TEXT];
};
void pg_mistake_words(const struct isa *isa, const struct pg_mistake *m,
                      struct pg_mistake_words *out);

#endif
