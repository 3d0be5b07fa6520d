#include "popek-goldberg/witness/walk.h"

#include "popek-goldberg/report/text.h"
#include "popek-goldberg/witness/expr_words.h"

#include <stdlib.h>
#include <string.h>

enum { NAME = 26, CELL = 24, TEXT = 512 };

/* ---- Steps as texts ---- */

enum status pg_walk_begin(FILE **step, char **text, size_t *size)
{
    *text = NULL;
    *step = open_memstream(text, size);
    return *step ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status pg_walk_end(struct pg_walk *w, FILE *step, char **text)
{
    bool good = !ferror(step);

    if (fclose(step) != 0 || !good || !*text || w->count == PG_WALK_STEPS) {
        free(*text);
        return STATUS_NO_MEMORY;
    }
    w->steps[w->count++] = *text;
    return STATUS_OK;
}

void pg_walk_free(struct pg_walk *w)
{
    while (w->count)
        free(w->steps[--w->count]);
}

/* ---- What is walked ---- */

struct walker {
    const struct isa *isa;
    const struct isa_encoding *code;
    const struct pg_row *row;
    struct pg_walk *out;
    unsigned sides; /* 1: one state and its outcome */
    bool ended[2];  /* by a trap, so far */
    FILE *to;       /* of the step that is being written */
};

static const char *side_name(const struct walker *w, unsigned side)
{
    const struct isa_state *s = w->row->witness->s;
    static const char *const names[3][2] = {
        {"S1", "S2"}, {"S", "f(S)"}, {"S", "f(f(S))"}};
    unsigned levels = 0;

    if (w->row->proof == PG_ALONE)
        return "S";
    if (w->row->proof == PG_MAPPED) /* each monitor has storage of its own */
        levels = s[1].q - s[0].q > w->isa->monitor_words ? 2 : 1;
    return names[levels][side];
}

/* A cell of the table on this side; what ends a line has no blanks. */
static void cell(const struct walker *w, unsigned side, const char *text)
{
    if (side + 1 < w->sides)
        fprintf(w->to, "%-*s ", CELL - 1, text);
    else
        fputs(text, w->to);
}

static void heads(const struct walker *w, bool outcomes)
{
    char name[16];

    fprintf(w->to, "  %-*s", NAME, "");
    for (unsigned k = 0; k < w->sides; k++) {
        snprintf(name, sizeof(name), outcomes ? "i(%s)" : "%s",
                 side_name(w, k));
        cell(w, k, name);
    }
    fputc('\n', w->to);
}

/* Printing into a small text. */
struct scrap {
    char text[TEXT];
    FILE *to;
};

static bool scrap_open(struct scrap *s)
{
    memset(s->text, 0, sizeof(s->text));
    s->to = fmemopen(s->text, sizeof(s->text) - 1, "w");
    return s->to != NULL;
}

static const char *value_words(const struct walker *w, struct scrap *s,
                               const struct isa_state *state,
                               unsigned component)
{
    if (!scrap_open(s))
        return "?";
    pg_put_value(s->to, w->isa, state, component);
    fclose(s->to);
    return s->text;
}

static const char *expression_words(const struct walker *w, struct scrap *s,
                                    const struct isa_expr *e)
{
    if (!scrap_open(s))
        return "?";
    pg_put_expression(s->to, w->isa, w->code, ISA_SCALED, e);
    fclose(s->to);
    return s->text;
}

/* ---- States ---- */

static bool has_value(const struct isa_state *s, unsigned component)
{
    return component >= PG_WORD
               ? s->mem[component - PG_WORD] ||
                     (s->unknown_mem >> (component - PG_WORD) & 1)
               : true;
}

static bool equal(const struct isa_state *a, const struct isa_state *b,
                  unsigned component)
{
    if (component >= PG_WORD) {
        unsigned i = component - PG_WORD;

        return a->mem[i] == b->mem[i] &&
               !((a->unknown_mem ^ b->unknown_mem) >> i & 1);
    }
    return a->v[component] == b->v[component] &&
           !((a->unknown ^ b->unknown) >> component & 1);
}

/* Its value before and, where that is another, after. */
static void put_change(const struct walker *w, unsigned side,
                       unsigned component)
{
    const struct isa_state *before = &w->row->witness->s[side];
    const struct isa_result *r = &w->row->witness->r[side];
    struct scrap was, is;
    char text[2 * TEXT + 8];

    if (r->ending != ISA_DONE || equal(before, &r->state, component)) {
        cell(w, side, value_words(w, &was, before, component));
        return;
    }
    snprintf(text, sizeof(text), "%s -> %s",
             value_words(w, &was, before, component),
             value_words(w, &is, &r->state, component));
    cell(w, side, text);
}

/* `*` where the two sides differ, `<--` at the component of the witness. */
static void put_component(const struct walker *w, unsigned component,
                          bool outcomes)
{
    const struct pg_witness *x = w->row->witness;
    const struct isa_state *a = outcomes ? &x->r[0].state : &x->s[0];
    const struct isa_state *b = outcomes ? &x->r[1].state : &x->s[1];
    bool differs = w->sides == 2 && !equal(a, b, component);
    bool named =
        outcomes && component == x->component &&
        (x->why == PG_DIFFERS || x->why == PG_HIDDEN || x->why == PG_SEIZED);
    struct scrap s, value;

    if (!scrap_open(&s))
        return;
    pg_put_component(s.to, w->isa, component);
    fclose(s.to);
    fprintf(w->to, "%c %-*s", differs ? '*' : ' ', NAME, s.text);
    for (unsigned k = 0; k < w->sides; k++)
        if (outcomes)
            put_change(w, k, component);
        else
            cell(w, k, value_words(w, &value, &x->s[k], component));
    fputs(named ? "   <--\n" : "\n", w->to);
}

static void put_states(const struct walker *w, bool outcomes)
{
    const struct pg_witness *x = w->row->witness;
    uint64_t shown = pg_shown_elements(w->isa, w->row->encoding);

    for (unsigned i = 0; i < w->isa->element_count; i++) {
        bool carried =
            w->sides == 1 || (equal(&x->s[0], &x->s[1], i) &&
                              equal(&x->r[0].state, &x->r[1].state, i));

        if ((shown >> i & 1) || !carried)
            put_component(w, i, outcomes);
    }
    for (unsigned i = PG_WORD; i < PG_WORD + w->isa->cells; i++)
        if (has_value(&x->s[0], i) || has_value(&x->s[1], i) ||
            has_value(&x->r[0].state, i) || has_value(&x->r[1].state, i))
            put_component(w, i, outcomes);
}

/* ---- Actions ---- */

/* What an expression looks at, each once. */
struct leaves {
    const struct isa_expr *at[ISA_ELEMENTS + ISA_OPERANDS];
    unsigned count;
};

static bool same_leaf(const struct isa_expr *a, const struct isa_expr *b)
{
    return a == b ||
           (a->op == b->op && a->op != ISA_MEMORY && a->index == b->index);
}

static void find_leaves(struct leaves *l, const struct isa_expr *e)
{
    if (!e)
        return;
    find_leaves(l, e->a);
    find_leaves(l, e->b);
    find_leaves(l, e->c);
    if (e->op != ISA_ELEMENT && e->op != ISA_OPERAND && e->op != ISA_MEMORY)
        return;
    for (unsigned i = 0; i < l->count; i++)
        if (same_leaf(l->at[i], e))
            return;
    if (l->count < ARRAY_LEN(l->at))
        l->at[l->count++] = e;
}

/* The value on this side: a number, yes or no, a mode. */
static bool put_result(const struct walker *w, unsigned side,
                       const struct isa_expr *e, bool condition)
{
    const struct pg_witness *x = w->row->witness;
    bool mode = e->op == ISA_ELEMENT &&
                w->isa->elements[e->index].kind == ISA_KIND_MODE;
    char text[32];
    uint64_t v;

    if (w->ended[side]) {
        cell(w, side, "");
        return false;
    }
    if (!isa_value(w->isa, ISA_SCALED, x->operands, &x->s[side], e, &v)) {
        cell(w, side, "memory trap");
        return false;
    }
    snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    cell(w, side,
         condition ? (v ? "yes" : "no")
         : mode    ? (v ? "user" : "supervisor")
                   : text);
    return true;
}

static void put_line(const struct walker *w, const struct isa_expr *e,
                     bool condition)
{
    struct scrap s;
    const char *words = expression_words(w, &s, e);

    fprintf(w->to, "  %-*s", NAME, words);
    if (strlen(words) > NAME - 2) /* too long to stand beside anything */
        fprintf(w->to, "\n  %-*s", NAME, "");
    for (unsigned k = 0; k < w->sides; k++)
        (void)put_result(w, k, e, condition);
    fputc('\n', w->to);
}

static void put_leaves(const struct walker *w, const struct isa_action *a)
{
    struct leaves l = {.count = 0};

    find_leaves(&l, a->guard);
    find_leaves(&l, a->address);
    find_leaves(&l, a->value);
    for (unsigned i = 0; i < l.count; i++)
        put_line(w, l.at[i], false);
}

static bool traps_on(const struct walker *w, unsigned side,
                     const struct isa_expr *e)
{
    const struct pg_witness *x = w->row->witness;
    uint64_t v;

    return e && !isa_value(w->isa, ISA_SCALED, x->operands, &x->s[side], e, &v);
}

/* Does a store reach its word? */
static bool unreachable(const struct walker *w, unsigned side,
                        const struct isa_action *a)
{
    struct isa_expr word = {.op = ISA_MEMORY, .a = a->address};

    memcpy(word.width, w->isa->cell_width, sizeof(word.width));
    return a->kind == ISA_STORE && traps_on(w, side, &word);
}

/* What the action does here; it may end the instruction. */
static const char *effect(struct walker *w, unsigned side,
                          const struct isa_action *a, char *text, size_t size)
{
    const struct pg_witness *x = w->row->witness;
    uint64_t taken = 1, v = 0;

    if (w->ended[side])
        return "(ended)";
    w->ended[side] = true;
    if (a->guard && !isa_value(w->isa, ISA_SCALED, x->operands, &x->s[side],
                               a->guard, &taken))
        return "memory trap: the end";
    if (taken && a->kind == ISA_TRAP)
        return "it traps: the end";
    if (taken && a->kind == ISA_UNPREDICTABLY)
        return "anything may happen";
    if (taken && (traps_on(w, side, a->value) || unreachable(w, side, a)))
        return "memory trap: the end";
    w->ended[side] = false;
    if (!taken)
        return "not done";
    if (a->value && a->value->op == ISA_UNPREDICTABLE)
        return "unpredictable";
    if (a->value)
        (void)isa_value(w->isa, ISA_SCALED, x->operands, &x->s[side], a->value,
                        &v);
    snprintf(text, size, "%llu", (unsigned long long)v);
    return text;
}

static void put_action(struct walker *w, const struct isa_action *a)
{
    struct scrap s;
    char text[64];

    if (a->guard)
        fprintf(w->to, "when %s:\n    ", expression_words(w, &s, a->guard));
    pg_put_action(w->to, w->isa, w->code, ISA_SCALED, a);
    fprintf(w->to, "\n    # line %u%s\n\n", a->line,
            w->code->inherited ? ", inherited" : "");
    heads(w, false);
    put_leaves(w, a);
    if (a->guard)
        put_line(w, a->guard, true);
    fprintf(w->to, "  %-*s", NAME, "so");
    for (unsigned k = 0; k < w->sides; k++)
        cell(w, k, effect(w, k, a, text, sizeof(text)));
    fputc('\n', w->to);
}

/* ---- Beginning and end ---- */

static void put_operands(const struct walker *w)
{
    pg_put_operands(w->to, w->isa, w->row->encoding, w->row->witness);
    fprintf(w->to, "%s%s\n", *w->code->title ? "\n    # " : "", w->code->title);
}

static void put_claim(const struct walker *w)
{
    struct pg_lines l = {.to = w->to};

    pg_put_words_of(&l, "%s, %s: %s.", w->code->name, w->row->label,
                    w->row->definition);
    pg_end_line(&l);
    fputc('\n', w->to);
    put_operands(w);
    heads(w, false);
    put_states(w, false);
}

static void put_endings(const struct walker *w)
{
    fprintf(w->to, "  %-*s", NAME, "it");
    for (unsigned k = 0; k < w->sides; k++) {
        const struct isa_result *r = &w->row->witness->r[k];
        char text[64];

        snprintf(text, sizeof(text), "traps: %s",
                 r->ending == ISA_TRAPPED ? w->isa->traps[r->trap].name : "");
        cell(w, k,
             r->ending == ISA_DONE      ? "completes"
             : r->ending == ISA_TRAPPED ? text
                                        : "may do anything");
    }
    fputc('\n', w->to);
}

static bool trapped(const struct walker *w)
{
    const struct pg_witness *x = w->row->witness;

    return x->r[0].ending == ISA_TRAPPED || x->r[1].ending == ISA_TRAPPED;
}

static void put_outcome(const struct walker *w)
{
    const struct pg_judgement j = {.isa = w->isa};
    struct pg_lines l = {.to = w->to};
    struct scrap s;

    fputs(trapped(w) ? "Where it traps nothing else has changed.\n\n"
                     : "All assignments are made at once; pc goes on unless "
                       "it was assigned.\n\n",
          w->to);
    heads(w, true);
    put_endings(w);
    put_states(w, true);
    if (!scrap_open(&s))
        return;
    pg_put_difference(s.to, &j, w->row);
    fclose(s.to);
    fputc('\n', w->to);
    pg_put_words_of(&l, "Because %s.", s.text);
    pg_end_line(&l);
    if (w->row->proof == PG_MAPPED)
        fprintf(w->to, "So it breaks %s.\n",
                pg_breaks(w->row->witness) == PG_CONTROL ? "resource control"
                                                         : "equivalence");
}

/* Step 0: the states; 1 to the number of actions; the outcomes. */
static void put_step(struct walker *w, unsigned n)
{
    if (n == 0)
        put_claim(w);
    else if (n <= w->code->action_count)
        put_action(w, &w->code->actions[n - 1]);
    else
        put_outcome(w);
}

static bool all_ended(const struct walker *w)
{
    return w->ended[0] && (w->sides == 1 || w->ended[1]);
}

enum status pg_walk_row(const struct isa *isa, const struct pg_row *row,
                        struct pg_walk *out)
{
    struct walker w = {.isa = isa,
                       .code = &isa->encodings[row->encoding],
                       .row = row,
                       .out = out,
                       .sides = row->proof == PG_ALONE ? 1 : 2};
    unsigned last = w.code->action_count + 1;
    enum status st = STATUS_OK;

    *out = (struct pg_walk){.count = 0};
    for (unsigned n = 0; n <= last && !st; n++) {
        char *text;
        size_t size;

        if (n > 0 && all_ended(&w))
            n = last;
        st = pg_walk_begin(&w.to, &text, &size);
        if (st)
            break;
        put_step(&w, n);
        st = pg_walk_end(out, w.to, &text);
    }
    return st;
}
