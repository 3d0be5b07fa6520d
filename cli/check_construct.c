#include "cli/check_construct.h"

#include "cli/check.h"
#include "popek-goldberg/construct/construct_mutation.h"
#include "popek-goldberg/construct/construct_report.h"
#include "popek-goldberg/language/machines.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRAMS_MAX = 10000000 };

static int complain_mutation(const char *name)
{
    const char *words[CONSTRUCT_MUTATIONS + 1] = {NULL};
    char list[256] = "";

    for (enum construct_mutation m = 1; m < CONSTRUCT_MUTATIONS; m++) {
        words[m - 1] = construct_mutation_name(m);
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
                 m > 1 ? " " : "", words[m - 1]);
    }
    const char *guess = cli_did_you_mean(name, words);
    return options_complain(&check_usage, "--mutate %s: %s%s; one of %s", name,
                            guess ? "did you mean " : "there is none",
                            guess ? guess : "", list);
}

/* The encoding that a mutation is about: the one of --instruction, or the
 * first that it can spoil, a privileged one where there is one. */
static int choose_target(const struct pg_judgement *j, const char *instruction,
                         struct construct_options *c)
{
    const struct isa *isa = j->isa;
    int found = -1;

    if (!construct_has_target(c->mutation) && instruction)
        return options_complain(&check_usage,
                                "--mutate %s is about no one instruction",
                                construct_mutation_name(c->mutation));
    for (unsigned i = isa->encoding_count; i-- > 0;)
        if (!construct_is_absent(isa, c, i) &&
            construct_can_matter(j, c->technique, c->mutation, i) &&
            (!instruction || pg_is_named(&isa->encodings[i], instruction)) &&
            (found < 0 || j->best.labels[i].privileged[PG_CORRECTED]))
            found = (int)i;
    c->target = found < 0 ? 0 : (unsigned)found;
    if (found >= 0)
        return CODE_DONE;
    return options_complain(
        &check_usage, "--mutate %s: %s has nothing%s%s that it could spoil",
        construct_mutation_name(c->mutation), isa->name,
        instruction ? " named " : "", instruction ? instruction : "");
}

/* What is to be built, of what was asked for. */
static int choose(const struct pg_judgement *j, const struct check_options *o,
                  struct construct_options *c)
{
    const struct check_construct *g = &o->construct;

    *c = (struct construct_options){
        .technique = g->interpret ? CONSTRUCT_INTERPRET
                     : g->hybrid  ? CONSTRUCT_HYBRID
                                  : CONSTRUCT_TRAP,
        .levels = g->level_given ? (unsigned)g->level : 1,
        .seed = g->seed_given ? g->seed : 1,
        .programs = g->programs_given ? g->programs : CONSTRUCT_PROGRAMS,
        .steps = CONSTRUCT_STEPS};
    if (g->hybrid && g->interpret)
        return options_complain(&check_usage, "--hybrid or --interpret");
    if (g->level_given && (g->level < 1 || g->level > CONSTRUCT_LEVELS))
        return options_complain(&check_usage, "--level: 1 to %u monitors",
                                CONSTRUCT_LEVELS);
    if (g->programs_given && (!g->programs || g->programs > PROGRAMS_MAX))
        return options_complain(&check_usage, "--programs: 1 to %u",
                                PROGRAMS_MAX);
    if (c->levels > 1 && c->technique != CONSTRUCT_TRAP)
        return options_complain(&check_usage,
                                "--level goes with the monitor of Theorem 1: "
                                "what interprets its guest needs no second");
    if (o->instruction && !g->mutate)
        return options_complain(&check_usage,
                                "--instruction with --construct says what "
                                "--mutate is about");
    if (!g->mutate)
        return CODE_DONE;
    c->mutation = construct_find_mutation(g->mutate);
    if (c->mutation == CONSTRUCT_MUTATIONS)
        return complain_mutation(g->mutate);
    return c->mutation ? choose_target(j, o->instruction, c) : CODE_DONE;
}

/* A mistake that shows in the real machine: does a program notice it? */
static enum status look_blindly(const struct pg_judgement *j,
                                const struct construct_options *o,
                                struct construct_result *r, struct diag *d)
{
    struct construct_options blind = *o;

    blind.blind = true;
    enum status st = construct_run(j, &blind, r, d);
    if (st != STATUS_OK)
        return st;
    puts("\nThe same, and nobody looks at the real machine's registers: only "
         "the guest, and\nwhoever reads the monitor's words.");
    construct_report_verdict(stdout, j, &blind, r);
    return st;
}

static int run(const struct pg_judgement *j, const struct construct_options *o)
{
    struct construct_result *r = malloc(sizeof(*r));
    struct diag d = {"no memory"};
    enum status st = STATUS_NO_MEMORY;
    bool diverged = false;

    if (r)
        st = construct_run(j, o, r, &d);
    if (st == STATUS_OK) {
        construct_report_plan(stdout, j, o);
        construct_report(stdout, j, o, r);
        diverged = r->diverged;
        if (o->mutation && construct_breaks(&r->first) == PG_CONTROL)
            st = look_blindly(j, o, r, &d);
    }
    free(r);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    return diverged ? CODE_NEGATIVE : CODE_DONE;
}

/* All machines built in: is each as the criterion promises? */
static int check_all_machines(const struct check_options *o)
{
    struct construct_result *r = malloc(sizeof(*r));
    struct diag d = {"no memory"};
    int code = r ? CODE_DONE : cli_fail(STATUS_NO_MEMORY, &d);

    if (r)
        construct_report_head(stdout);
    for (const struct pg_machine *m = pg_built_in;
         m->name && code <= CODE_NEGATIVE; m++) {
        struct construct_options c;
        struct check_subject s;
        int one = check_judge(m->name, &s);

        if (one != CODE_DONE) {
            code = one;
            break;
        }
        one = choose(&s.j, o, &c);
        if (one == CODE_DONE && construct_run(&s.j, &c, r, &d) != STATUS_OK)
            one = cli_fail(STATUS_BAD_INPUT, &d);
        if (one == CODE_DONE) {
            construct_report_row(stdout, &s.j, &c, r);
            fflush(stdout);
            if (!construct_is_as_promised(&s.j, &c, r))
                one = CODE_NEGATIVE;
        }
        check_forget(&s);
        code = one > code ? one : code;
    }
    free(r);
    return code;
}

int check_construct(char **argv, const struct check_options *o)
{
    struct construct_options c;
    struct check_subject s;

    if (!argv[1] && o->construct.mutate)
        return options_complain(&check_usage,
                                "--mutate: one machine is wanted");
    if (!argv[1])
        return check_all_machines(o);
    int code = check_judge(argv[1], &s);

    if (code != CODE_DONE)
        return code;
    code = choose(&s.j, o, &c);
    if (code == CODE_DONE)
        code = run(&s.j, &c);
    check_forget(&s);
    return code;
}
