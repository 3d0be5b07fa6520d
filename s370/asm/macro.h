/* Macro definitions, macro calls, and the variables of the macro language. */
#ifndef S370_ASM_MACRO_H
#define S370_ASM_MACRO_H

#include "s370/asm/state.h"

/* A SET symbol, or a local name for a global one. */
struct variable {
    struct variable *next;
    const char *name;   /* upper case, without the ampersand */
    char kind;          /* 'A', 'B' or 'C' */
    unsigned dimension; /* 0: not an array */
    struct cell *cells;
    struct variable *global; /* where the cells are, if it is one */
};

/* A value of a SET symbol; cells that were never set are 0 or empty. */
struct cell {
    struct cell *next;
    unsigned index; /* from 1; 0 when it is not an array */
    int32_t n;
    const char *text;
};

struct parameter {
    struct parameter *next;
    const char *name;
    bool keyword;
    const char *value; /* the default */
};

struct macro {
    struct macro *next;
    const char *name;
    const char *label; /* name of the name-field parameter; "" if none */
    struct parameter *parameters;
    struct statement *body;
    const struct line *defined;
};

/* An argument that belongs to a parameter of the call. */
struct argument {
    struct argument *next;
    const char *name; /* of the parameter; "" when there is none */
    bool keyword;
    bool given; /* by the call */
    const char *value;
};

/* One macro call that is being expanded. */
struct frame {
    struct frame *up;
    const struct macro *macro;
    const struct statement *call;
    struct statement *cursor; /* next statement of the body */
    struct argument *arguments, **arguments_end; /* positional ones in order */
    struct variable *locals;
    const char *label;                  /* name field of the call */
    const char *section;                /* &SYSECT */
    unsigned index, depth, actr, count; /* of arguments */
};

struct macro *macro_find(struct assembly *a, const char *name);

/* Read the definition behind a MACRO statement in the open code. */
void macro_define(struct assembly *a, struct statement *st);
/* Begin to expand. */
void macro_call(struct assembly *a, struct statement *st,
                const struct macro *m);

/* A SET symbol that was declared here, or NULL. */
struct variable *variable_find(struct assembly *a, const char *name,
                               size_t len);
struct variable *variable_declare(struct assembly *a, const char *name,
                                  size_t len, char kind, bool global);
/* Its cell; made when missing if `make`, else NULL. */
struct cell *variable_cell(struct assembly *a, struct variable *v,
                           unsigned index, bool make);

/* The argument of a parameter, or NULL when there is no such parameter. */
const struct argument *argument_find(const struct frame *f, const char *name,
                                     size_t len);
/* The nth positional argument, from 1; NULL when there are fewer. */
const struct argument *argument_at(const struct frame *f, unsigned n);
unsigned argument_count(const struct frame *f);

#endif
