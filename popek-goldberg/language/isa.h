/* A described machine: the tree that a .isa text becomes.
 *
 * The language is in popek-goldberg/README.md.  Everything that looks at a
 * machine - evaluator, classifier, solver's translator - looks at this tree.
 *
 * A state has elements (fixed-width unsigned numbers) and a memory of `cells`
 * words, which an instruction reaches only through mem[a]: a memory trap when
 * a >= bound or base + a >= q, else the word base + a.  (Popek and Goldberg
 * 1974, with the bound as a size.)  The bare machine has q = cells;
 * under n monitors of `monitor_words` words each q = cells + n monitor_words.
 * In the states that are looked at, base < q_bare and bound <= cells.
 *
 * Every width and literal is there twice: in full, and scaled down so that the
 * whole space of states can be looked at. */
#ifndef POPEK_GOLDBERG_LANGUAGE_ISA_H
#define POPEK_GOLDBERG_LANGUAGE_ISA_H

#include "base/diag.h"

enum {
    ISA_NAME = 32,        /* size of a name with its end */
    ISA_ELEMENTS = 64,    /* of a machine, the built-in four among them */
    ISA_OPERANDS = 6,     /* of an instruction */
    ISA_CELLS = 8,        /* words of memory */
    ISA_TRAPS = 16,       /* of a machine */
    ISA_ENCODINGS = 256,  /* of a machine */
    ISA_ACTIONS = 64,     /* of an instruction */
    ISA_CLAIMS = 512,     /* of a machine */
    ISA_NOTES = 128,      /* of a machine, and as many that it leaves out */
    ISA_LISTS = 8,        /* of a machine */
    ISA_REPAIRS = 16,     /* of a machine */
    ISA_NAMES = 256,      /* in braces */
    ISA_DEPTH = 40,       /* of nested expressions and guards */
    ISA_TEXT = 256 * 1024 /* size of a description */
};

enum isa_scale { ISA_FULL, ISA_SCALED, ISA_SCALES };

/* The built-in elements, always the first of a machine. */
enum { ISA_MODE, ISA_PC, ISA_BASE, ISA_BOUND, ISA_BUILT_IN };

enum { ISA_SUPERVISOR = 0, ISA_USER = 1 }; /* values of mode */

enum isa_kind {
    ISA_KIND_MODE,
    ISA_KIND_PC,
    ISA_KIND_BASE,
    ISA_KIND_BOUND,
    ISA_KIND_REGISTER, /* the program's own */
    ISA_KIND_RESOURCE, /* the machine's: the monitor keeps a value of its own */
    ISA_KIND_CLOCK,    /* time: every program may read it, none may set it */
    ISA_KIND_SWITCH,   /* how the machine is set up; no instruction writes it */
    ISA_KIND_COUNT
};

struct isa_element {
    char name[ISA_NAME];
    enum isa_kind kind;
    unsigned width[ISA_SCALES];   /* bits, 1 to 64 */
    uint64_t monitor[ISA_SCALES]; /* resource: its real value under a monitor */
    /* Switch: a monitor may set it as it likes.  Resource: the monitor's value
     * stands in it whenever a program runs. */
    bool enforced;
    bool duplicated; /* register: user mode has one of its own in hardware */
    bool inherited;
    unsigned line;
};

/* What is the machine's, so that changing it is control sensitive. */
static inline bool isa_is_control(enum isa_kind kind)
{
    return kind == ISA_KIND_RESOURCE || kind == ISA_KIND_CLOCK;
}

enum isa_op {
    ISA_LITERAL, /* value */
    ISA_ELEMENT, /* index: of the machine's elements */
    ISA_OPERAND, /* index: of the instruction's operands */
    ISA_MEMORY,  /* mem[a]; the width of a word */
    ISA_NOT,     /* is a zero?  1 bit */
    ISA_COMPLEMENT,
    ISA_NEGATE,
    ISA_ADD,
    ISA_SUB,
    ISA_MUL,
    ISA_DIV, /* by zero: all ones, as bvudiv */
    ISA_REM, /* by zero: the dividend, as bvurem */
    ISA_BITAND,
    ISA_BITOR,
    ISA_BITXOR,
    ISA_SHL, /* by the width or more: zero */
    ISA_SHR,
    ISA_EQ, /* comparisons: unsigned, 1 bit; operands as wide as the wider */
    ISA_NE,
    ISA_LT,
    ISA_LE,
    ISA_GT,
    ISA_GE,
    ISA_AND,           /* 1 bit; b is not looked at when a is zero */
    ISA_OR,            /* 1 bit; b is not looked at when a is not */
    ISA_CHOOSE,        /* a ? b : c; only the chosen one is looked at */
    ISA_CAT,           /* a above b */
    ISA_SLICE,         /* bits high to low of a */
    ISA_UNPREDICTABLE, /* as the whole value of an assignment only */
    ISA_OP_COUNT
};

/* The operands of an arithmetic or bitwise operation are extended with zeros
 * to its width, and the result is cut to it.  Nodes may be shared. */
struct isa_expr {
    enum isa_op op;
    unsigned width[ISA_SCALES];
    uint64_t value[ISA_SCALES];
    unsigned index;
    unsigned high, low;
    struct isa_expr *a, *b, *c;
    unsigned line, column;
};

enum isa_trap_kind {
    ISA_TRAP_PRIVILEGED, /* the operation is not allowed in this mode */
    ISA_TRAP_MEMORY,
    ISA_TRAP_OPERAND,
    ISA_TRAP_SYSTEM_CALL,
    ISA_TRAP_KINDS
};

/* Trap 0 is always the built-in one, named memory. */
struct isa_trap {
    char name[ISA_NAME];
    enum isa_trap_kind kind;
    unsigned line; /* 0: not in this description */
};

enum isa_action_kind {
    ISA_ASSIGN,       /* element <- value */
    ISA_STORE,        /* mem[address] <- value */
    ISA_TRAP,         /* trap */
    ISA_UNPREDICTABLY /* the whole instruction may do anything */
};

struct isa_action {
    enum isa_action_kind kind;
    struct isa_expr *guard; /* NULL: always */
    unsigned element;
    unsigned trap;
    struct isa_expr *address, *value;
    unsigned line;
};

struct isa_operand {
    char name[ISA_NAME];
    unsigned width[ISA_SCALES];
};

/* One encoding of an instruction.  Its actions are gone through in order.  An
 * action whose guard holds is taken: it evaluates what it needs in the old
 * state.  The first trap or unpredictable ends it, and nothing has changed.  A
 * memory trap may come from a guard, an address or a value.  At the end all
 * assignments are made at once; of two to one place the later one counts.  pc
 * becomes pc + 1 unless an assignment was made to it.  A value is cut to, or
 * extended with zeros to, the width of its place, an address to that of an
 * address. */
struct isa_encoding {
    char name[ISA_NAME], mnemonic[ISA_NAME];
    char *title; /* "" without one */
    struct isa_operand operands[ISA_OPERANDS];
    unsigned operand_count;
    struct isa_action *actions;
    unsigned action_count;
    char (*covers)[ISA_NAME]; /* mnemonics of the class that it stands for */
    unsigned cover_count;
    bool needed; /* the monitor's own: its virtual machines do not have it */
    bool inherited;
    unsigned line;
};

enum isa_subject {
    ISA_ABOUT_T1, /* the premise of a theorem */
    ISA_ABOUT_T2,
    ISA_ABOUT_T3,
    ISA_ABOUT_EXACT,      /* the exact criterion of trap and emulate */
    ISA_ABOUT_HYBRID,     /* and of the hybrid monitor */
    ISA_ABOUT_EFFICIENCY, /* innocuous instructions run directly */
    ISA_ABOUT_CODE,       /* one encoding */
    ISA_ABOUT_MNEMONIC,   /* all encodings of the mnemonic of `encoding` */
    ISA_SUBJECTS
};

enum isa_verdict {
    ISA_SAYS_HOLDS, /* of what is no instruction */
    ISA_SAYS_FAILS,
    ISA_SAYS_PRIVILEGED, /* of an instruction, from here on */
    ISA_SAYS_CRITICAL,   /* sensitive and not privileged */
    ISA_SAYS_INNOCUOUS,  /* not sensitive */
    ISA_VERDICT_COUNT
};

/* What the literature says; never used to derive anything. */
struct isa_claim {
    enum isa_subject subject;
    unsigned encoding; /* for ISA_ABOUT_CODE and ISA_ABOUT_MNEMONIC */
    enum isa_verdict verdict;
    char *source;
    char confidence; /* 'H', 'M' or 'L' */
    char *differs;   /* why something else is derived; NULL: it is not */
    unsigned line;
};

/* A footnote. */
struct isa_note {
    char name[ISA_NAME]; /* of an encoding or mnemonic; "": of the machine */
    char *text;
    unsigned line;
};

struct isa_beyond {
    char name[ISA_NAME];
    char *why;
};

/* Mnemonics that the literature lists as critical, and those that it should
 * have listed, with the reason why it does not. */
struct isa_list {
    char *title, *source;
    char confidence;
    char (*names)[ISA_NAME];
    unsigned count;
    struct isa_beyond *beyond;
    unsigned beyond_count;
    unsigned line;
};

/* A change of the hardware that makes some encodings privileged at once. */
struct isa_repair {
    char name[ISA_NAME];
    char *title;
    unsigned *encodings;
    unsigned count;
    unsigned line;
};

struct isa {
    char name[ISA_NAME];
    char *title;
    unsigned cells;
    unsigned cell_width[ISA_SCALES];
    unsigned address_width[ISA_SCALES];
    unsigned monitor_words; /* k, at least 2 */
    /* The monitor takes the highest words instead of the lowest: the program
     * runs unrelocated, and location makes no difference. */
    bool high_core;
    char *timing; /* why a monitor must depend on timing; NULL: it need not */
    char *needs;  /* why it needs what is `needed`; NULL: nothing is */
    char like[ISA_NAME]; /* the machine that it is described from, or "" */
    bool assisted;       /* user mode is a mode of its own for whole machines,
                          * with a duplicate of the mode that programs see */
    struct isa_element elements[ISA_ELEMENTS];
    unsigned element_count;
    struct isa_trap traps[ISA_TRAPS];
    unsigned trap_count;
    struct isa_encoding *encodings;
    unsigned encoding_count;
    struct isa_claim *claims;
    unsigned claim_count;
    struct isa_note *notes;
    unsigned note_count;
    struct isa_note *leaves_out;
    unsigned leaves_out_count;
    struct isa_list *lists;
    unsigned list_count;
    struct isa_repair *repairs;
    unsigned repair_count;
    struct isa_chunk *chunks; /* all that the pointers above point to */
};

/* Read a description.  STATUS_BAD_INPUT: d has "file:line:column: what was
 * expected".  *out is the caller's, for isa_free; NULL on failure. */
MUST_USE enum status isa_parse(const char *file, const char *text, size_t len,
                               struct isa **out, struct diag *d);
void isa_free(struct isa *isa);

/* Zeroed memory that lives as long as the machine; NULL: there is none. */
void *isa_take(struct isa *isa, size_t size);

/* Index, or -1. */
int isa_find_element(const struct isa *isa, const char *text, size_t len);
int isa_find_encoding(const struct isa *isa, const char *name);
int isa_find_mnemonic(const struct isa *isa, const char *name); /* its first */

#endif
