#include "popek-goldberg/judge/properties.h"

#include "popek-goldberg/judge/assist.h"
#include "popek-goldberg/judge/space.h"
#include "popek-goldberg/language/reform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const pg_technique_words[] = {"trap-and-emulate",
                                          "hybrid",
                                          "interpretation",
                                          "patching",
                                          "paravirtualization",
                                          "assist",
                                          NULL};
const char *const pg_property_words[] = {"equivalence", "resource control",
                                         "efficiency"};

enum pg_technique pg_technique_named(const char *word)
{
    enum pg_technique t = 0;

    while (t < PG_TECHNIQUES && strcmp(word, pg_technique_words[t]) != 0)
        t++;
    return t;
}

/* ---- Words ---- */

static void say(char text[PG_WORDS_SIZE], const char *words)
{
    size_t at = strlen(text);

    snprintf(text + at, PG_WORDS_SIZE - at, "%s", words);
}

enum { NAMED = 6 }; /* encodings that a sentence names */

static void say_names(char text[PG_WORDS_SIZE], const struct isa *isa,
                      const struct pg_cell *c)
{
    unsigned said = 0;
    char more[32];

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        if (!c->breaks[i])
            continue;
        if (said == NAMED && c->failing > NAMED + 1) {
            snprintf(more, sizeof(more), " and %u more", c->failing - NAMED);
            say(text, more);
            return;
        }
        if (said++)
            say(text, said == c->failing ? " and " : ", ");
        say(text, isa->encodings[i].name);
    }
}

/* ---- What is against a property ---- */

/* The witness that encoding i of this case breaks the property, or NULL. */
typedef const struct pg_witness *against(const struct pg_case *c, unsigned i,
                                         enum pg_property p);

static const struct pg_witness *found(const struct pg_witness *w)
{
    return w->found ? w : NULL;
}

static const struct pg_witness *against_direct(const struct pg_case *c,
                                               unsigned i, enum pg_property p)
{
    if (p == PG_EFFICIENCY)
        return pg_needlessly_stopped(&c->labels[i], &c->exact[i])
                   ? &c->exact[i].stopped
                   : NULL;
    return found(&c->exact[i].breaks[p]);
}

static const struct pg_witness *against_hybrid(const struct pg_case *c,
                                               unsigned i, enum pg_property p)
{
    return found(&c->exact[i].hybrid_breaks[p]);
}

/* What does harm has to be written anew, and then it is another program. */
static const struct pg_witness *against_rewritten(const struct pg_case *c,
                                                  unsigned i,
                                                  enum pg_property p)
{
    return p == PG_EQUIVALENCE ? found(&c->exact[i].vm)
                               : against_direct(c, i, p);
}

/* Is there a switch of the monitor's that the encoding depends on? */
static bool is_set(const struct isa *isa, unsigned encoding)
{
    struct space s;

    space_open(&s, isa, &isa->encodings[encoding], false);
    for (unsigned i = 0; i < isa->element_count; i++)
        if ((s.used >> i & 1) && isa->elements[i].enforced &&
            isa->elements[i].kind == ISA_KIND_SWITCH)
            return true;
    return false;
}

/* Note what breaks the property in this case.  Is there any?  `set`: only what
 * depends on the monitor's setting. */
static bool collect(struct pg_cell *cell, const struct isa *isa,
                    const struct pg_case *c, enum pg_property p, against *by,
                    bool set)
{
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const struct pg_witness *w = by(c, i, p);

        if (!w || isa->encodings[i].needed || (set && !is_set(isa, i)))
            continue;
        if (!cell->failing++) {
            cell->encoding = i;
            cell->witness = *w;
            cell->proof = PG_MAPPED;
        }
        cell->breaks[i] = true;
    }
    return cell->failing;
}

/* The cases under the monitor's setting and under any. */
struct cases {
    const struct pg_case *best, *worst;
};

static void fill(struct pg_method *m, enum pg_property p, struct cases c,
                 against *by, const char *words)
{
    struct pg_cell *cell = &m->cell[p];

    if (collect(cell, m->isa, c.best, p, by, false))
        cell->standing = PG_FALLS;
    else if (m->enforced && collect(cell, m->isa, c.worst, p, by, true))
        cell->standing = PG_STANDS_SET;
    if (!cell->failing)
        return;
    say_names(cell->why, m->isa, cell);
    say(cell->why, words);
}

static const char innocuous_traps[] =
    ": innocuous, and traps under the monitor where the bare machine does not.";

/* ---- The techniques ---- */

static struct pg_method *begin(struct pg_properties *p, enum pg_technique t,
                               const struct pg_judgement *j)
{
    struct pg_method *m = &p->methods[p->count++];

    m->technique = t;
    m->isa = j->isa;
    m->setting = j->setting;
    m->enforced = j->enforced;
    return m;
}

static struct cases cases_of(const struct pg_judgement *j)
{
    return (struct cases){&j->best, &j->worst};
}

static void fill_direct(struct pg_method *m, struct cases c)
{
    fill(m, PG_EQUIVALENCE, c, against_direct,
         ": in some state neither trapped nor done as on the bare machine.");
    fill(m, PG_CONTROL, c, against_direct,
         ": in user mode it changes, without a trap, what is the monitor's.");
    fill(m, PG_EFFICIENCY, c, against_direct, innocuous_traps);
}

/* A state of this mode in which some innocuous instruction completes. */
static bool find_innocuous(struct pg_cell *cell, const struct pg_judgement *j,
                           unsigned mode)
{
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const struct isa_encoding *code = &j->isa->encodings[i];
        const struct pg_labels *l = &j->best.labels[i];
        struct pg_witness *w = &cell->witness;
        struct space s;

        if (code->needed || l->privileged[PG_CORRECTED] ||
            pg_sensitive(l, PG_CORRECTED))
            continue;
        space_open(&s, j->isa, code, j->enforced);
        s.state.v[ISA_MODE] = mode;
        do
            isa_step(j->isa, code, ISA_SCALED, s.operands, &s.state, &w->r[0]);
        while (w->r[0].ending != ISA_DONE && space_next(&s));
        if (w->r[0].ending != ISA_DONE)
            continue;
        w->found = true;
        w->why = PG_DIFFERS;
        w->s[0] = w->s[1] = s.state;
        w->r[1] = w->r[0];
        memcpy(w->operands, s.operands, sizeof(w->operands));
        cell->encoding = i;
        cell->breaks[i] = true;
        return true;
    }
    return false;
}

/* The innocuous ones that are interpreted are against the letter. */
static void fill_interpreted(struct pg_method *m, const struct pg_judgement *j,
                             unsigned mode, const char *words)
{
    struct pg_cell *cell = &m->cell[PG_EFFICIENCY];

    if (!find_innocuous(cell, j, mode))
        return;
    cell->standing = PG_FALLS;
    cell->failing = 1;
    cell->proof = PG_ALONE;
    say(cell->why, words);
    say(cell->why, j->isa->encodings[cell->encoding].name);
    say(cell->why, ".");
}

static void fill_hybrid(struct pg_method *m, const struct pg_judgement *j)
{
    say(m->note, "virtual supervisor mode is interpreted, so that the exact "
                 "criterion is asked of virtual user mode only.");
    fill(m, PG_EQUIVALENCE, cases_of(j), against_hybrid,
         ": in some state of virtual user mode neither trapped nor done as on "
         "the bare machine.");
    fill(m, PG_CONTROL, cases_of(j), against_hybrid,
         ": in virtual user mode it changes, without a trap, what is the "
         "monitor's.");
    fill_interpreted(m, j, ISA_SUPERVISOR,
                     "by the letter: in virtual supervisor mode every "
                     "instruction is interpreted, innocuous ones too, such "
                     "as ");
}

static void fill_interpretation(struct pg_method *m,
                                const struct pg_judgement *j)
{
    say(m->note, "no instruction of the guest is given to the processor; only "
                 "timing differs.");
    fill_interpreted(m, j, ISA_USER,
                     "every instruction is interpreted, innocuous ones too, "
                     "such as ");
}

static void fill_paravirtual(struct pg_method *m, const struct pg_judgement *j)
{
    fill(m, PG_EQUIVALENCE, cases_of(j), against_rewritten,
         ": the guest must call the monitor instead, so that it is another "
         "program than the bare machine's.");
    fill(m, PG_CONTROL, cases_of(j), against_rewritten,
         ": nothing hinders a guest from executing the original.");
    fill(m, PG_EFFICIENCY, cases_of(j), against_rewritten, innocuous_traps);
}

static struct isa *keep_made(struct pg_properties *p, struct isa *isa)
{
    if (isa)
        p->made[p->made_count++] = isa;
    return isa;
}

static bool is_patched(const struct pg_judgement *j, unsigned encoding)
{
    return pg_critical(&j->best.labels[encoding], PG_CORRECTED) &&
           !j->isa->encodings[encoding].needed;
}

static void say_patched(struct pg_method *m, const struct pg_judgement *j)
{
    struct pg_cell which = {.failing = 0};

    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        if (is_patched(j, i)) {
            which.breaks[i] = true;
            which.failing++;
        }
    if (!which.failing) {
        say(m->note, "no encoding is critical, and none is patched.");
        return;
    }
    say(m->note, "made to trap: ");
    say_names(m->note, j->isa, &which);
    say(m->note, "; a program that reads its own patched code would see it, "
                 "which this model, with its instructions outside of storage, "
                 "does not.");
}

/* Each critical encoding of the copy traps in user mode. */
static bool patch(struct isa *isa, const struct pg_judgement *j)
{
    int trap = isa_privileged_trap(isa);

    for (unsigned i = 0; trap >= 0 && i < isa->encoding_count; i++)
        if (is_patched(j, i) && !isa_intercept(isa, i, (unsigned)trap))
            return false;
    return trap >= 0;
}

/* A case of a machine made from another: what changed is decided again. */
static bool copy_case(struct pg_case *to, const struct pg_case *from,
                      unsigned count)
{
    *to = *from;
    to->labels = malloc(count * sizeof(*to->labels));
    to->exact = malloc(count * sizeof(*to->exact));
    if (!to->labels || !to->exact)
        return false;
    memcpy(to->labels, from->labels, count * sizeof(*to->labels));
    memcpy(to->exact, from->exact, count * sizeof(*to->exact));
    return true;
}

static void free_case(struct pg_case *c)
{
    free(c->labels);
    free(c->exact);
}

static bool fill_patched(struct pg_properties *p, struct pg_method *m,
                         const struct pg_judgement *j)
{
    unsigned n = j->isa->encoding_count;
    struct isa *isa = keep_made(p, isa_clone(j->isa));
    struct pg_case c[2] = {{.labels = NULL}, {.labels = NULL}};
    bool done = isa && patch(isa, j) && copy_case(&c[0], &j->best, n) &&
                copy_case(&c[1], &j->worst, n);

    if (done) {
        m->isa = isa;
        say_patched(m, j);
        for (unsigned i = 0; i < n; i++)
            if (is_patched(j, i)) {
                pg_decide_in(isa, i, pg_monitor_of(j), &c[0].exact[i]);
                pg_decide_in(isa, i, PG_CONFIGS, &c[1].exact[i]);
            }
        fill_direct(m, (struct cases){&c[0], &c[1]});
    }
    free_case(&c[0]);
    free_case(&c[1]);
    return done;
}

/* ---- Hardware assist ---- */

static enum status parse_made(struct pg_properties *p,
                              const struct pg_machine *m, struct isa **isa,
                              struct diag *d)
{
    enum status st = isa_parse(m->name, m->text, strlen(m->text), isa, d);

    if (st == STATUS_OK)
        keep_made(p, *isa);
    return st;
}

static const char assisted_words[] =
    ": neither trapped nor done as on the bare machine, with the duplicates "
    "that the mode has.";
static const char assisted_control[] =
    ": it changes, without a trap, what is the monitor's and has no duplicate.";

static void fill_assist(struct pg_method *m, struct cases c)
{
    fill(m, PG_EQUIVALENCE, c, against_direct, assisted_words);
    fill(m, PG_CONTROL, c, against_direct, assisted_control);
    fill(m, PG_EFFICIENCY, c, against_direct, innocuous_traps);
}

/* Built-in machines that are this one with an assist. */
static enum status add_built_in(struct pg_properties *p, const char *name,
                                struct diag *d)
{
    for (const struct pg_machine *b = pg_built_in; b->name; b++) {
        struct pg_judgement j;
        struct isa *isa;

        if (p->count == PG_METHODS || !pg_is_like(b, name))
            continue;
        enum status st = isa_parse(b->name, b->text, strlen(b->text), &isa, d);
        if (st == STATUS_BAD_INPUT)
            continue; /* a fault of its own, told where it is asked for */
        if (st != STATUS_OK)
            return st;
        if (!isa->assisted) {
            isa_free(isa);
            continue;
        }
        keep_made(p, isa);
        st = pg_judge(isa, &j, d);
        if (st != STATUS_OK)
            return st;
        struct pg_method *m = begin(p, PG_ASSIST, &j);
        say(m->note, "built in as ");
        say(m->note, isa->name);
        say(m->note, ".");
        fill_assist(m, cases_of(&j));
        pg_judgement_free(&j);
    }
    return STATUS_OK;
}

/* Does the encoding use what has a duplicate now? */
static bool touched(const struct isa *isa, unsigned encoding)
{
    struct space s;

    space_open(&s, isa, &isa->encodings[encoding], false);
    for (unsigned i = 0; i < isa->element_count; i++)
        if ((s.used >> i & 1) && isa->elements[i].duplicated)
            return true;
    return false;
}

/* Would it take many seconds? */
static bool is_large(const struct isa *isa)
{
    enum { SIZE_MAX_LOG = 23 };
    uint64_t size = 0;
    struct space s;

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        space_open(&s, isa, &isa->encodings[i], false);
        size += s.size;
    }
    return size >> SIZE_MAX_LOG;
}

/* What an assist would give that duplicates all there is: the switches, too,
 * are as the guest sets them. */
static bool add_imagined(struct pg_properties *p, const struct pg_judgement *j)
{
    struct isa *isa = keep_made(p, pg_make_assisted(j->isa));
    struct pg_method *m = begin(p, PG_ASSIST, j);
    struct pg_case c = {.labels = NULL};
    struct diag ignored;

    m->enforced = false;
    m->imagined = true;
    say(m->note, "no built-in machine is this one with an assist; derived for "
                 "one that gives the guest duplicates of mode, base, bound, "
                 "every resource register, clock and switch.");
    if (!isa || pg_measure(isa, &ignored) != STATUS_OK || is_large(isa)) {
        for (enum pg_property k = 0; k < PG_PROPERTIES; k++)
            m->cell[k].standing = PG_NOT_DERIVED;
        return true;
    }
    if (!copy_case(&c, &j->worst, isa->encoding_count)) {
        free_case(&c);
        return false;
    }
    m->isa = isa;
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (touched(isa, i)) {
            pg_decide_in(isa, i, PG_CONFIGS, &c.exact[i]);
            if (c.exact[i].stopped.found)
                pg_label_in(isa, i, PG_CONFIGS, &c.labels[i]);
        }
    fill_assist(m, (struct cases){&c, &c});
    free_case(&c);
    return true;
}

/* ---- All of them ---- */

static enum status no_memory(const struct pg_judgement *j, struct diag *d)
{
    return diag_set(d, STATUS_NO_MEMORY, "%s: no memory for its properties",
                    j->isa->name);
}

/* The techniques that use the processor's own user mode. */
static enum status add_plain(struct pg_properties *p,
                             const struct pg_judgement *j, struct diag *d)
{
    struct pg_method *m = begin(p, PG_TRAP_EMULATE, j);

    fill_direct(m, cases_of(j));
    fill_hybrid(begin(p, PG_HYBRID, j), j);
    fill_interpretation(begin(p, PG_INTERPRET, j), j);
    if (!fill_patched(p, begin(p, PG_PATCH, j), j))
        return no_memory(j, d);
    fill_paravirtual(begin(p, PG_PARAVIRTUAL, j), j);
    return STATUS_OK;
}

static enum status add_below(struct pg_properties *p,
                             const struct pg_judgement *j, struct diag *d)
{
    const struct pg_machine *m = pg_machine_below(j->isa);
    struct pg_judgement below;
    struct isa *isa;

    if (!m)
        return add_plain(p, j, d);
    enum status st = parse_made(p, m, &isa, d);
    if (st == STATUS_OK)
        st = pg_judge(isa, &below, d);
    if (st != STATUS_OK)
        return st;
    st = add_plain(p, &below, d);
    pg_judgement_free(&below);
    return st;
}

static enum status derive(struct pg_properties *p, const struct pg_judgement *j,
                          struct diag *d)
{
    enum status st;

    if (j->isa->assisted) {
        st = add_below(p, j, d);
        fill_assist(begin(p, PG_ASSIST, j), cases_of(j));
        return st;
    }
    st = add_plain(p, j, d);
    if (st == STATUS_OK)
        st = add_built_in(p, j->isa->name, d);
    if (st == STATUS_OK && p->count == PG_ASSIST && !add_imagined(p, j))
        st = no_memory(j, d);
    return st;
}

enum status pg_properties_derive(const struct pg_judgement *j,
                                 struct pg_properties **out, struct diag *d)
{
    struct pg_properties *p = calloc(1, sizeof(*p));

    *out = p;
    if (!p)
        return no_memory(j, d);
    p->j = j;
    enum status st = derive(p, j, d);
    if (st != STATUS_OK) {
        pg_properties_free(p);
        *out = NULL;
    }
    return st;
}

void pg_properties_free(struct pg_properties *p)
{
    for (unsigned i = 0; p && i < p->made_count; i++)
        isa_free(p->made[i]);
    free(p);
}
