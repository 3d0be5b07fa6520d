/* The state of one assembly, private to s370/asm.
 *
 * Two halves work hand in hand.  Generation (generate.c, macro.c, condition.c)
 * reads source lines, obeys conditional assembly, expands macros, and gives
 * each resulting statement to pass 1 (assemble.c), which assigns locations and
 * defines symbols.  So the attributes of what came before are known to
 * conditional assembly.  At END the sections are placed, and pass 2 makes
 * object code.  Statements, symbols and texts live in one arena. */
#ifndef S370_ASM_STATE_H
#define S370_ASM_STATE_H

#include "s370/asm/asm.h"
#include "s370/machine/insn.h"

enum {
    NAME_MAX_LEN = 63,
    STATEMENT_MAX = 8192,         /* characters of a joined statement */
    SETC_MAX = 255,               /* characters of a SETC value */
    TERMS_MAX = 4,                /* sections in one expression */
    BUCKETS = 1021,               /* of hash tables */
    NESTING_MAX = 32,             /* parentheses, macro calls, COPYs */
    STORAGE_END = 1 << 24,        /* addresses have 24 bits */
    STEPS_MAX = 2000000,          /* statements generated, skipped or not */
    WORK_MAX = 500000000,         /* steps of searches, and characters */
    LINES_MAX = 1000000,          /* source lines, COPYs included */
    MESSAGES_MAX = 500,           /* then it is enough */
    OBJECT_MAX = 64 * 1024 * 1024 /* bytes emitted, overlays counted twice */
};

/* One source line, tabs expanded, without its end. */
struct line {
    struct line *next;
    const char *file, *text;
    unsigned number;
    uint8_t depth; /* of COPY */
    bool fixed;    /* columns 72-80 have their card meaning */
};

/* Where a part of a joined statement came from. */
struct segment {
    unsigned at; /* offset in the text */
    unsigned line, column;
};

struct section {
    struct section *next;
    const char *name; /* "" for private code */
    enum section_kind { SECTION_CONTROL, SECTION_DUMMY, SECTION_EXTERNAL } kind;
    bool weak;       /* WXTRN */
    bool v_only;     /* known from a V constant only */
    unsigned id;     /* ESDID; 0 for a DSECT */
    uint32_t origin; /* address of its first byte; known after pass 1 */
    uint32_t loc;    /* location counter, relative */
    uint32_t size;   /* highest location */
};

/* A number and the sections it is relocatable in: n + sum of count * origin.
 * Terms have different sections and count is never 0. */
struct value {
    int64_t n; /* always within 32 bits, signed */
    unsigned nterms;
    struct term {
        const struct section *section;
        int count;
    } terms[TERMS_MAX];
};

struct reference {
    struct reference *next;
    unsigned statement;
};

struct symbol {
    struct symbol *next; /* in its bucket */
    const char *name;
    bool defined;
    bool entry;  /* named by ENTRY */
    bool wanted; /* named by a V constant */
    struct symbol *next_wanted;
    struct value value;
    uint32_t length;         /* L' */
    char type;               /* T' */
    unsigned statement;      /* where it is defined */
    struct section *section; /* when it names one */
    struct reference *refs, **refs_end;
};

enum statement_kind {
    STATEMENT_LISTED, /* nothing to assemble: comments, macro calls and such */
    STATEMENT_INSN,
    STATEMENT_DIRECTIVE,
    STATEMENT_LITERAL /* one literal of a pool */
};

struct statement {
    struct statement *next; /* in order of the listing, or of the body */
    struct line *source;    /* listed as it stands; NULL when generated */
    unsigned source_lines;
    const char *text;                    /* joined, or generated */
    const char *name, *op;               /* upper case; "" when there is none */
    const char *operand;                 /* as written, its remarks cut off */
    unsigned name_at, op_at, operand_at; /* offsets in text */
    const char *file;
    const struct segment *segments;
    unsigned nsegments;
    const struct statement *call; /* the macro call that it came from */
    bool generated;               /* listed with a plus sign */
    bool is_comment;

    enum statement_kind kind;
    const struct insn_desc *insn;      /* STATEMENT_INSN */
    int mask;                          /* of an extended mnemonic, or -1 */
    const struct directive *directive; /* STATEMENT_DIRECTIVE */
    struct literal *literal;           /* STATEMENT_LITERAL */
    unsigned number;                   /* STMT */
    struct section *section;
    uint32_t loc;  /* relative to the section */
    unsigned pool; /* of its literals */

    /* For the listing, by pass 2. */
    bool show_loc, show_value;
    bool has_addr[2];
    uint32_t addr[2], shown_value;
    size_t object, objects;  /* rows of assembly.objects */
    bool hidden;             /* PRINT OFF or NOGEN, TITLE, EJECT, SPACE */
    bool all_data;           /* PRINT DATA */
    const char *shown_title; /* TITLE's */
};

struct literal {
    struct literal *next, *next_same; /* all; those of the bucket */
    const char *text;                 /* after the equals sign */
    unsigned pool;
    uint32_t length; /* L' */
    uint32_t size;
    unsigned align;
    struct section *section;
    uint32_t loc;
    const struct statement *by; /* the first to use it: for messages */
    bool single;                /* holds a location counter: not shared */
};

/* A piece of object code in order of its making. */
struct object {
    struct section *section;
    uint32_t loc;
    size_t at, len; /* in assembly.code */
};

/* An address constant for the relocation dictionary. */
struct relocation {
    struct relocation *next;
    const struct section *target, *in;
    uint32_t loc;
    uint8_t len;
    bool negative, branch; /* branch: V type */
};

/* What a base register is said to hold. */
struct base {
    bool active;
    struct value value;
};

/* PRINT */
struct print {
    bool on, gen, data;
};

struct saved {
    struct saved *next;
    bool is_using;
    struct base bases[16];
    struct print print;
};

struct chunk;
struct macro;
struct frame;
struct variable;

struct assembly {
    /* the arena */
    struct chunk *chunks;
    size_t used;    /* bytes, all chunks */
    bool no_memory; /* stop */
    bool too_large; /* why: the source's fault, not the host's */

    const struct s370_asm_options *options; /* borrowed during assembly */
    struct s370_asm_message *messages;      /* by statement */
    unsigned errors, nmessages;

    /* generation */
    struct line *lines, *cursor;
    unsigned nlines;
    struct macro *macros;
    struct frame *frame; /* innermost macro call; NULL in open code */
    struct variable *globals, *open_locals;
    unsigned steps, sysndx, open_actr;
    uint64_t work; /* so that no source takes for ever; see WORK_MAX */
    bool ended;

    /* passes */
    unsigned pass;
    struct statement *first, **end;
    unsigned count;
    struct symbol *symbols[BUCKETS];
    struct symbol *wanted, **wanted_end; /* by V constants */
    struct section *sections, **sections_end, *section;
    struct literal *literals, **literals_end, *literal_buckets[BUCKETS];
    unsigned pool;
    struct base bases[16];
    struct print print;
    struct saved *saved;
    struct value entry;
    bool has_entry;

    /* object code */
    struct object *objects;
    size_t nobjects, objects_cap;
    struct s370_buffer code;
    struct relocation *relocations, **relocations_end;
};

/* A row of directive.def. */
struct directive {
    const char *name;
    void (*pass1)(struct assembly *, struct statement *);
    void (*pass2)(struct assembly *, struct statement *);
};

#endif
