#include "s370/asm/generate.h"

#include "s370/asm/assemble.h"
#include "s370/asm/condition.h"
#include "s370/asm/evaluate.h"
#include "s370/asm/location.h"
#include "s370/asm/reader.h"
#include "s370/asm/text.h"

#include <string.h>

/* The next statement: of the innermost macro, or of the open code. */
static struct statement *next_statement(struct assembly *a)
{
    while (a->frame && !a->frame->cursor)
        a->frame = a->frame->up;
    if (!a->frame)
        return reader_next(a);
    struct statement *body = a->frame->cursor;
    struct statement *st = asm_new(a, sizeof(*st));

    a->frame->cursor = body->next;
    *st = *body;
    st->next = NULL;
    st->call = a->frame->call;
    st->generated = true;
    return st;
}

/* Which of the fields have variable symbols to replace? */
static bool has_variables(const struct statement *st)
{
    const char *fields[] = {st->name, st->op, st->operand};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        for (const char *p = fields[i]; (p = strchr(p, '&')) != NULL; p++)
            if (*++p != '&')
                return true;
    return false;
}

static struct statement *substitute(struct assembly *a, struct statement *st)
{
    const char *name = eval_substitute(a, st, st->name);
    const char *op = eval_substitute(a, st, st->op);
    const char *operand = eval_substitute(a, st, st->operand);

    if (!name || !op || !operand)
        return NULL;
    return reader_compose(a, st, name, op, operand);
}

static void take_comment(struct assembly *a, struct statement *st)
{
    if (a->frame && st->text[0] == '.')
        return; /* ".*" is for the reader of the definition */
    if (a->frame)
        st->source = NULL;
    location_list(a, st);
}

/* The statement as it is assembled: a macro call, or for pass 1. */
static void take(struct assembly *a, struct statement *st)
{
    const struct macro *m = macro_find(a, st->op);

    if (!m) {
        assemble_pass1(a, st);
        return;
    }
    location_list(a, st);
    macro_call(a, st, m);
}

static void process(struct assembly *a, struct statement *st)
{
    struct statement *model = st;

    if (st->is_comment) {
        take_comment(a, st);
        return;
    }
    if (condition_obey(a, st))
        return;
    if (has_variables(st)) {
        st = substitute(a, model);
        if (!a->frame || !st) /* show what could not be, or was, replaced */
            location_list(a, model);
        if (!st)
            return;
    } else if (a->frame) {
        st->source = NULL;
    }
    if (*st->name == '.')
        st->name = "";
    take(a, st);
}

void generate_all(struct assembly *a)
{
    struct statement *st;

    a->cursor = a->lines;
    while (!a->ended && asm_room(a) && (st = next_statement(a)) != NULL) {
        a->work += strlen(st->text);
        if (a->steps++ < STEPS_MAX && a->work < WORK_MAX) {
            process(a, st);
            continue;
        }
        asm_error(a, st, NULL, "the source generates too many statements");
        return;
    }
}
