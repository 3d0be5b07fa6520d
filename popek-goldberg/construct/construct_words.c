/* A divergence in words. */
#include "popek-goldberg/construct/construct_report.h"
#include "popek-goldberg/report/report.h"
#include "popek-goldberg/report/text.h"

#include <stdlib.h>

/* Text that is to be broken into lines which a terminal holds; none where
 * there is no memory for it. */
struct flow {
    struct pg_lines lines;
    FILE *text;
    char *bytes;
    size_t size;
};

static void flow_open(struct flow *f, FILE *to, const char *label)
{
    *f = (struct flow){.lines = {.to = to, .indent = 18}};
    pg_begin_line(&f->lines, label);
    f->text = open_memstream(&f->bytes, &f->size);
}

static void flow_close(struct flow *f)
{
    if (f->text && fclose(f->text) == 0)
        pg_put_words(&f->lines, f->bytes);
    pg_end_line(&f->lines);
    free(f->bytes);
}

static void put_number(FILE *to, unsigned component,
                       const struct construct_value *x)
{
    if (x->unknown)
        fputs("unpredictable", to);
    else if (component == ISA_MODE)
        fputs(x->v ? "user" : "supervisor", to);
    else
        fprintf(to, "%llu", (unsigned long long)x->v);
}

static void put_name(FILE *to, const struct isa *isa, unsigned component)
{
    if (component >= PG_WORD)
        fprintf(to, "word %u", component - PG_WORD);
    else
        fputs(isa->elements[component].name, to);
}

static unsigned encoding_of(const struct isa *isa,
                            const struct construct_divergence *d)
{
    return (unsigned)(d->at.code - isa->encodings);
}

static void put_instruction(FILE *to, const struct construct_divergence *d)
{
    fputs("    instruction   ", to);
    if (!d->at.code) {
        fputs("none: its fetch memory traps\n", to);
        return;
    }
    fputs(d->at.code->name, to);
    for (unsigned i = 0; i < d->at.code->operand_count; i++)
        fprintf(to, "%s %s=%llu", i ? "," : "", d->at.code->operands[i].name,
                (unsigned long long)d->at.operands[i]);
    fputc('\n', to);
}

static void put_elements(FILE *to, const struct isa *isa,
                         const struct construct_divergence *d,
                         const struct isa_state *s)
{
    if (d->at.code)
        pg_put_state(to, isa, encoding_of(isa, d), s);
    else
        fprintf(to, "mode=%s pc=%llu base=%llu bound=%llu",
                s->v[ISA_MODE] ? "user" : "supervisor",
                (unsigned long long)s->v[ISA_PC],
                (unsigned long long)s->v[ISA_BASE],
                (unsigned long long)s->v[ISA_BOUND]);
}

static void put_state(FILE *to, const struct isa *isa, const char *name,
                      const struct construct_divergence *d,
                      const struct isa_state *s)
{
    struct flow f;

    flow_open(&f, to, name);
    if (f.text)
        put_elements(f.text, isa, d, s);
    flow_close(&f);
}

static void put_outcomes(FILE *to, const struct isa *isa,
                         const struct construct_divergence *d)
{
    const char *v = d->at.code ? d->at.code->name : "?";

    fputs("    bare          ", to);
    if (d->ended == CONSTRUCT_TRAPPED)
        fprintf(to, "%s trap\n", isa->traps[d->trap].name);
    else
        fputs(d->ended == CONSTRUCT_DONE ? "completes\n"
                                         : "unpredictable: may do anything\n",
              to);
    fputs("    monitored     ", to);
    if (d->real_ended == CONSTRUCT_ANYTHING)
        fputs("no trap: unpredictable\n", to);
    else if (d->real_ended == CONSTRUCT_LOST)
        fputs("no trap: it runs what is not its own\n", to);
    else if (d->wrong == CONSTRUCT_GAVE_UP)
        fputs("D stops\n", to);
    else if (d->did == CONSTRUCT_DIRECT)
        fputs("no trap: it ran directly, and D never heard of it\n", to);
    else if (d->did == CONSTRUCT_EMULATED)
        fprintf(to, "D called v_%s\n", v);
    else
        fputs("a trap, which D reflected to the guest\n", to);
}

static void put_values(FILE *to, const struct construct_divergence *d,
                       const char *first, const char *second)
{
    fprintf(to, " is ");
    put_number(to, d->component, &d->want);
    fprintf(to, " %s and ", first);
    put_number(to, d->component, &d->got);
    fprintf(to, " %s.\n", second);
}

static void put_because(FILE *to, const struct isa *isa,
                        const struct construct_divergence *d)
{
    char machine[48] = "in the real machine";

    switch (d->wrong) {
    case CONSTRUCT_VIRTUAL:
        put_name(to, isa, d->component);
        put_values(to, d, "in the bare machine", "in the virtual one");
        return;
    case CONSTRUCT_OLD:
        fputs("the trap handler finds another old PSW: its ", to);
        put_name(to, isa, d->component);
        put_values(to, d, "in the bare machine", "in the virtual one");
        return;
    case CONSTRUCT_CAUSE:
        fprintf(to, "the bare machine took the %s trap, the virtual one %s.\n",
                isa->traps[d->want.v].name,
                d->got.v < isa->trap_count ? isa->traps[d->got.v].name
                                           : "another");
        return;
    case CONSTRUCT_REAL:
        if (d->level > 1)
            snprintf(machine, sizeof(machine), "in the machine of monitor %u",
                     d->level);
        put_name(to, isa, d->component);
        put_values(to, d, "in f of the bare machine", machine);
        return;
    case CONSTRUCT_UNTOLD:
        put_name(to, isa, d->component);
        put_values(to, d, "before", "after, and A was not asked");
        return;
    case CONSTRUCT_OVERWRITE:
        fprintf(to, "real ");
        put_name(to, isa, d->component);
        fprintf(to, ", which is monitor %u's,", d->level);
        put_values(to, d, "before", "after");
        return;
    case CONSTRUCT_GAVE_UP:
    case CONSTRUCT_WRONGS:
        break;
    }
    fprintf(to, "%s.\n", d->text.text);
}

void construct_report_divergence(FILE *to, const struct pg_judgement *j,
                                 const struct construct_divergence *d)
{
    const struct isa *isa = j->isa;
    struct flow f;

    fprintf(to, "\n  The first one, of the program with seed %llu, ",
            (unsigned long long)d->seed);
    if (d->step)
        fprintf(to, "at its instruction %llu:\n", (unsigned long long)d->step);
    else
        fputs("before its first instruction:\n", to);
    if (d->step)
        put_instruction(to, d);
    put_state(to, isa, "    bare machine  ", d, &d->bare);
    put_state(to, isa, "    real machine  ", d, &d->real);
    if (d->step)
        put_outcomes(to, isa, d);
    flow_open(&f, to, "    because       ");
    if (f.text)
        put_because(f.text, isa, d);
    flow_close(&f);
    fprintf(to, "    so breaks     %s.\n",
            construct_breaks(d) == PG_CONTROL ? "resource control"
                                              : "equivalence");
    fprintf(to,
            "    again         the same command with --seed %llu "
            "--programs 1\n",
            (unsigned long long)d->seed);
}
