#include "s370/asm/condition.h"

#include "s370/asm/evaluate.h"
#include "s370/asm/location.h"
#include "s370/asm/reader.h"
#include "s370/asm/text.h"

#include <string.h>

enum { DIMENSION_MAX = 10000, MEMBER_MAX = 63, SEVERITY_ERROR = 8 };

#define CONDITION(name, function) \
    static void obey_##function(struct assembly *, struct statement *);
#include "s370/asm/condition.def"
#undef CONDITION

static const struct {
    const char *name;
    void (*obey)(struct assembly *, struct statement *);
} conditions[] = {
#define CONDITION(name, function) {name, obey_##function},
#include "s370/asm/condition.def"
#undef CONDITION
};

bool condition_obey(struct assembly *a, struct statement *st)
{
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        if (strcmp(conditions[i].name, st->op) != 0)
            continue;
        if (!a->frame)
            location_list(a, st);
        conditions[i].obey(a, st);
        return true;
    }
    return false;
}

static void obey_anop(struct assembly *a, struct statement *st)
{
    (void)a;
    (void)st;
}

static void obey_mexit(struct assembly *a, struct statement *st)
{
    if (a->frame)
        a->frame = a->frame->up;
    else
        asm_error(a, st, NULL, "%s outside a macro", st->op);
}

static void obey_macro(struct assembly *a, struct statement *st)
{
    if (a->frame)
        asm_error(a, st, NULL, "a macro cannot be defined inside a macro");
    else
        macro_define(a, st);
}

/* SET symbols ---------------------------------------------------------- */

static void obey_declare(struct assembly *a, struct statement *st)
{
    struct eval e = eval_begin(a, st);
    struct target t;

    for (;;) {
        const char *at = e.p;

        if (!eval_target(&e, &t))
            return;
        struct variable *v =
            variable_declare(a, t.name, t.len, st->op[3], st->op[0] == 'G');
        struct variable *real = v->global ? v->global : v;
        if (t.index > DIMENSION_MAX) {
            asm_error(a, st, at, "an array has at most %d elements",
                      DIMENSION_MAX);
            return;
        }
        if (!real->cells || t.index > real->dimension)
            real->dimension = t.index;
        if (real->kind != st->op[3])
            asm_error(a, st, at, "&%s is declared with another type", v->name);
        if (*e.p != ',')
            break;
        e.p++;
    }
    if (*e.p)
        asm_error(a, st, e.p, "'%.20s' is not expected here", e.p);
}

static struct cell *find_target(struct assembly *a, struct statement *st,
                                struct eval *e)
{
    struct target t;

    e->from = e->p = st->name;
    if (!eval_target(e, &t))
        return NULL;
    struct variable *v = variable_find(a, t.name, t.len);
    if (!v) /* SETx declares a local one by itself */
        v = variable_declare(a, t.name, t.len, st->op[3], false);
    struct variable *real = v->global ? v->global : v;
    if (real->kind != st->op[3]) {
        asm_error(a, st, st->name, "&%s is declared for SET%c", v->name,
                  real->kind);
        return NULL;
    }
    if (t.index > real->dimension || (real->dimension && !t.index)) {
        asm_error(a, st, st->name, "the subscript of &%s must be 1 to %u",
                  v->name, real->dimension);
        return NULL;
    }
    return variable_cell(a, v, t.index, true);
}

static void obey_set(struct assembly *a, struct statement *st)
{
    struct eval e = eval_begin(a, st);
    struct cell *c = find_target(a, st, &e);
    struct evaluated v;

    if (!c)
        return;
    e = eval_begin(a, st);
    if (st->op[3] != 'C') {
        if (!eval_number(&e, &c->n))
            return;
        if (st->op[3] == 'B')
            c->n = c->n != 0;
    } else {
        if (!eval_any(&e, &v))
            return;
        if (!v.is_text)
            asm_error(a, st, st->operand, "SETC needs text in apostrophes");
        c->text = asm_copy(a, v.text, v.len);
    }
    if (*e.p)
        asm_error(a, st, e.p, "'%.20s' is not expected here", e.p);
}

/* Branches ------------------------------------------------------------- */

/* In the open code: the line, which must not lie in a macro definition. */
static struct line *find_line(struct assembly *a, const char *name)
{
    unsigned inside = 0;
    char op[8];

    for (struct line *l = a->lines; l; l = l->next) {
        if (!inside && reader_has_name(l, name))
            return l;
        reader_peek_op(l, op, sizeof(op));
        if (!strcmp(op, "MACRO"))
            inside++;
        else if (!strcmp(op, "MEND") && inside)
            inside--;
    }
    return NULL;
}

static bool count_branch(struct assembly *a, struct statement *st)
{
    unsigned *actr = a->frame ? &a->frame->actr : &a->open_actr;

    if (*actr) {
        --*actr;
        return true;
    }
    asm_error(a, st, NULL, "too many branches of AIF and AGO; see ACTR");
    a->frame = NULL; /* leave the loop: out of the macros, or to the end */
    a->cursor = NULL;
    return false;
}

/* Go to the sequence symbol at p; false after a complaint. */
static bool go(struct assembly *a, struct statement *st, const char *p,
               const char **end)
{
    size_t len = *p == '.' ? asm_name_len(p + 1) : 0;

    if (!len) {
        asm_error(a, st, p, "a sequence symbol, .NAME, is expected here");
        return false;
    }
    *end = p + 1 + len;
    if (!count_branch(a, st))
        return false;
    const char *name = asm_copy_upper(a, p, len + 1);
    if (!a->frame) {
        struct line *l = find_line(a, name);

        a->work += a->nlines;
        if (l)
            a->cursor = l;
        else
            asm_error(a, st, p, "%s is nowhere in the open code", name);
        return l != NULL;
    }
    for (struct statement *b = a->frame->macro->body; b; b = b->next) {
        a->work++;
        if (strcmp(b->name, name) != 0)
            continue;
        a->frame->cursor = b;
        return true;
    }
    asm_error(a, st, p, "%s is nowhere in the macro", name);
    return false;
}

static void obey_ago(struct assembly *a, struct statement *st)
{
    const char *end;

    if (go(a, st, st->operand, &end) && *end)
        asm_error(a, st, end, "'%.20s' is not expected here", end);
}

/* AIF (expression).NAME, and more of them behind commas. */
static void obey_aif(struct assembly *a, struct statement *st)
{
    struct eval e = eval_begin(a, st);
    const char *end;
    int32_t n;

    for (;;) {
        if (*e.p != '(') {
            asm_error(a, st, e.p, "AIF needs an expression in parentheses");
            return;
        }
        if (!eval_number(&e, &n))
            return;
        if (n) {
            go(a, st, e.p, &end);
            return;
        }
        e.p += *e.p == '.';
        e.p += asm_name_len(e.p);
        if (*e.p != ',')
            return;
        e.p += 1 + strspn(e.p + 1, " ");
    }
}

static void obey_actr(struct assembly *a, struct statement *st)
{
    struct eval e = eval_begin(a, st);
    unsigned *actr = a->frame ? &a->frame->actr : &a->open_actr;
    int32_t n;

    if (eval_number(&e, &n))
        *actr = n < 0 ? 0 : (unsigned)n;
}

/* The rest ------------------------------------------------------------- */

/* MNOTE 'text', MNOTE *,'text' or MNOTE severity,'text' */
static void obey_mnote(struct assembly *a, struct statement *st)
{
    const char *operand = eval_substitute(a, st, st->operand);

    if (!operand)
        return;
    if (a->frame) {
        st = reader_compose(a, st, "", st->op, operand);
        st->call = a->frame->call;
        location_list(a, st);
    }
    struct eval e = eval_begin(a, st);
    struct evaluated v;
    int32_t severity = 1;
    bool note = *e.p == '*';

    if (note)
        e.p++;
    else if (*e.p == ',')
        ;
    else if (*e.p != '\'' && !eval_number(&e, &severity))
        return;
    e.p += *e.p == ',';
    if (*e.p != '\'') {
        asm_error(a, st, e.p, "MNOTE needs text in apostrophes");
        return;
    }
    if (!eval_any(&e, &v) || note)
        return;
    if (severity >= SEVERITY_ERROR)
        asm_error(a, st, NULL, "%s", v.text);
    else
        asm_warn(a, st, NULL, "%s", v.text);
}

static void obey_copy(struct assembly *a, struct statement *st)
{
    size_t len = asm_name_len(st->operand);
    struct s370_buffer text = {0};
    char member[MEMBER_MAX + 1], file[DIAG_SIZE] = "";
    unsigned depth = st->source ? st->source->depth + 1u : 1;

    if (a->frame || !len || st->operand[len] || len > MEMBER_MAX) {
        asm_error(a, st, st->operand,
                  a->frame ? "COPY cannot stand in a macro that is called"
                           : "COPY needs the name of a member");
        return;
    }
    if (depth > NESTING_MAX) {
        asm_error(a, st, NULL, "COPYs are nested more than %d deep",
                  NESTING_MAX);
        return;
    }
    for (size_t i = 0; i <= len; i++)
        member[i] = asm_upper(st->operand[i]);
    if (!a->options->copy || !a->options->copy(a->options->copy_context, member,
                                               &text, file, sizeof(file))) {
        asm_error(a, st, st->operand, "there is no member %s", member);
    } else {
        /* Behind the COPY, and before what the cursor has reached. */
        struct line *last = st->source;

        for (unsigned i = 1; i < st->source_lines; i++)
            last = last->next;
        if (!reader_add(a, last, file, (char *)text.bytes, text.len, depth))
            a->no_memory = true;
        a->cursor = last->next;
    }
    s370_buffer_free(&text);
}
