#include "popek-goldberg/construct_report.h"

#include "popek-goldberg/construct_mutation.h"

#include <string.h>

/* ---- The plan ---- */

static const char *const monitors[] = {
    [CONSTRUCT_TRAP] = "The monitor of Theorem 1",
    [CONSTRUCT_HYBRID] = "The hybrid monitor of Theorem 3",
    [CONSTRUCT_INTERPRET] = "An interpreter of everything",
};

/* What the theorem and the exact criterion say of it beforehand. */
static void put_promise(FILE *to, const struct pg_judgement *j,
                        const struct construct_options *o)
{
    unsigned theorem = o->technique == CONSTRUCT_HYBRID ? PG_T3
                       : o->levels > 1                  ? PG_T2
                                                        : PG_T1;
    bool premise = j->best.holds[PG_CORRECTED][theorem], exact = true;

    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        exact = exact && construct_is_promised(j, o, i);
    if (o->technique == CONSTRUCT_INTERPRET)
        fputs("It must work on any machine, and has no efficiency.\n\n", to);
    else if (exact && premise)
        fprintf(to,
                "The premise of Theorem %u holds, and the exact criterion: no "
                "program may find out.\n\n",
                theorem + 1);
    else if (exact)
        fprintf(to,
                "The premise of Theorem %u fails, so that it promises nothing; "
                "but the exact\ncriterion holds: no program may find out.\n\n",
                theorem + 1);
    else
        fprintf(to,
                "The premise of Theorem %u %s, and the exact criterion fails: "
                "some program must\nfind out.\n\n",
                theorem + 1, premise ? "holds" : "fails");
}

static void put_dispatcher(FILE *to, const struct construct_options *o)
{
    fputs("  D    dispatcher: a trap of the real machine lands here.  It looks "
          "at the\n"
          "       instruction that trapped: one that has a v_i goes to it, "
          "any other trap\n"
          "       is the guest's own and is reflected to its handler.\n",
          to);
    if (o->technique == CONSTRUCT_HYBRID)
        fputs("       In virtual supervisor mode the guest does not run: each "
              "instruction goes\n"
              "       to its v_i.\n",
              to);
    if (o->technique == CONSTRUCT_INTERPRET)
        fputs("       The guest does not run at all: each instruction goes to "
              "its v_i.\n",
              to);
}

static void put_allocator(FILE *to, const struct isa *isa,
                          const struct construct_options *o)
{
    unsigned k = isa->monitor_words;

    fprintf(to,
            "  A    allocator: words 0 to %u are the monitor's, %u to %u the "
            "virtual machine's.\n"
            "       Asked whenever the virtual mode, base, bound or a "
            "resource changes; for\n"
            "       R = (l, b) it loads (l + %u, b).\n",
            k - 1, k, k + isa->cells - 1, k);
    if (o->levels > 1)
        fprintf(to,
                "       The virtual machine of monitor 1 is as large as the "
                "real one without its\n"
                "       %u words, and monitor 2 has the lowest of them, and "
                "so on: %u monitors.\n",
                k, o->levels);
}

static void put_interpreters(FILE *to, const struct isa *isa,
                             const struct construct_options *o)
{
    unsigned column = 7, n = 0;

    fputs("  v_i  interpretive routines, each what the description says, done "
          "to the virtual\n"
          "       machine:",
          to);
    column = 16;
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const struct isa_encoding *code = &isa->encodings[i];

        if (o->technique == CONSTRUCT_TRAP && !construct_needs_v(isa, code))
            continue;
        if (column + 1 + strlen(code->name) > 78)
            column = (unsigned)fprintf(to, "\n      ") - 1;
        column += (unsigned)fprintf(to, " %s", code->name);
        n++;
    }
    fputs(n ? "\n" : " none\n", to);
}

static void put_mistake(FILE *to, const struct isa *isa,
                        const struct construct_options *o)
{
    fprintf(to, "With a mistake, %s: %s", construct_mutation_name(o->mutation),
            construct_mutation_words(o->mutation));
    if (construct_has_target(o->mutation))
        fprintf(to, " (%s)", isa->encodings[o->target].name);
    fputs(".\nThe lock-step must find it.\n\n", to);
}

void construct_report_plan(FILE *to, const struct pg_judgement *j,
                           const struct construct_options *o)
{
    const struct isa *isa = j->isa;

    fprintf(to, "%s%s, made from the description of %s.\n",
            monitors[o->technique],
            o->levels > 1 ? ", under itself (Theorem 2)" : "", isa->name);
    if (o->mutation == CONSTRUCT_NONE)
        put_promise(to, j, o);
    else
        put_mistake(to, isa, o);
    put_dispatcher(to, o);
    put_allocator(to, isa, o);
    put_interpreters(to, isa, o);
    if (isa->timing && o->levels > 1)
        fprintf(to,
                "\nNot looked at: a monitor for this machine needs "
                "timing (%s).\nThere is no time here.\n",
                isa->timing);
    fprintf(to,
            "\n%llu random programs of %u words (seeds %llu to %llu), at most "
            "%llu instructions\nof each, from a random state: on the bare "
            "machine, and under the monitor.  After\neach instruction the "
            "virtual machine must be the bare one, the real machine f of\nit, "
            "and each word of the monitor what it was.\n",
            (unsigned long long)o->programs, isa->cells,
            (unsigned long long)o->seed,
            (unsigned long long)(o->seed + o->programs - 1),
            (unsigned long long)o->steps);
}

/* ---- What each instruction cost ---- */

/* Innocuous in the monitor's setting may be, because that makes it trap. */
static bool is_set_to_trap(const struct pg_judgement *j,
                           const struct construct_result *r, unsigned i)
{
    const struct pg_labels *l = &j->best.labels[i];

    return !l->privileged[PG_CORRECTED] && !pg_sensitive(l, PG_CORRECTED) &&
           !pg_needlessly_stopped(l, &j->best.exact[i]) && r->code[i].emulated;
}

static const char *class_of(const struct pg_judgement *j,
                            const struct construct_options *o,
                            const struct construct_result *r, unsigned i)
{
    const struct pg_labels *l = &j->best.labels[i];

    if (pg_critical(l, PG_CORRECTED))
        return "critical";
    if (l->privileged[PG_CORRECTED])
        return "privileged";
    return o->technique == CONSTRUCT_TRAP && is_set_to_trap(j, r, i)
               ? "set to trap"
               : "innocuous";
}

static void put_count(FILE *to, const char *name, const char *class,
                      const struct construct_count *n)
{
    fprintf(to, "  %-17s %-11s %9llu %9llu %9llu %9llu %9llu\n", name, class,
            (unsigned long long)n->direct, (unsigned long long)n->emulated,
            (unsigned long long)n->asked, (unsigned long long)n->reflected,
            (unsigned long long)n->diverged);
}

static void add(struct construct_count *sum, const struct construct_count *n)
{
    sum->direct += n->direct;
    sum->emulated += n->emulated;
    sum->asked += n->asked;
    sum->reflected += n->reflected;
    sum->diverged += n->diverged;
}

static struct construct_count put_counts(FILE *to, const struct pg_judgement *j,
                                         const struct construct_options *o,
                                         const struct construct_result *r)
{
    struct construct_count sum = {0};

    fprintf(to, "\n  %-17s %-11s %9s %9s %9s %9s %9s\n", "instruction", "is",
            "directly", "D -> v_i", "v_i -> A", "reflected", "diverged");
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (construct_is_absent(j->isa, o, i))
            continue;
        put_count(to, j->isa->encodings[i].name, class_of(j, o, r, i),
                  &r->code[i]);
        add(&sum, &r->code[i]);
    }
    put_count(to, "(fetch)", "", &r->fetch);
    add(&sum, &r->fetch);
    put_count(to, "all", "", &sum);
    return sum;
}

static double thousandth(uint64_t n, uint64_t of)
{
    return of ? 1000.0 * (double)n / (double)of : 0;
}

static void put_levels(FILE *to, const struct construct_options *o,
                       const struct construct_result *r)
{
    if (o->levels < 2)
        return;
    fputs("\n  Interventions:", to);
    for (unsigned i = 0; i < o->levels; i++)
        fprintf(to, "%s %llu of monitor %u", i ? "," : "",
                (unsigned long long)r->interventions[i], i + 1);
    fprintf(to,
            ".\n  One of monitor 2 costs %.2f of monitor 1: its trap lands "
            "there first and is\n  reflected, and the load of the PSW with "
            "which it ends is privileged.\n",
            r->interventions[1]
                ? (double)r->interventions[0] / (double)r->interventions[1]
                : 0.0);
}

/* Efficiency: what is innocuous and completes is executed directly. */
static void put_efficiency(FILE *to, const struct pg_judgement *j,
                           const struct construct_options *o,
                           const struct construct_count *sum,
                           const struct construct_result *r)
{
    uint64_t needless = 0;
    bool set = false;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        set = set || is_set_to_trap(j, r, i);
        if (pg_needlessly_stopped(&j->best.labels[i], &j->best.exact[i]))
            needless += r->code[i].emulated;
    }
    fprintf(
        to,
        "\n  Of 1000 instructions %.0f ran directly; %.0f were "
        "interpreted, and for %.0f of these\n  A was asked; %.0f trapped "
        "for the guest.  (Real programs trap less: these are\n  so short "
        "that most traps are pc at the end of storage.)\n",
        thousandth(sum->direct, r->steps), thousandth(sum->emulated, r->steps),
        thousandth(sum->asked, r->steps), thousandth(sum->reflected, r->steps));
    if (o->technique == CONSTRUCT_TRAP && set)
        fputs("  Set to trap: innocuous, for in the setting that the monitor "
              "makes it traps where\n  it would be sensitive.\n",
              to);
    if (o->technique == CONSTRUCT_TRAP && needless)
        fprintf(to,
                "  Efficiency fails: %llu times an innocuous instruction "
                "trapped that would have\n  completed on the bare machine.\n",
                (unsigned long long)needless);
    else if (o->technique == CONSTRUCT_TRAP)
        fputs("  Efficiency holds: each innocuous instruction that the bare "
              "machine completed\n  ran directly.\n",
              to);
}

/* ---- The verdict ---- */

/* The encodings for which `is` holds, with a heading; how many. */
static unsigned put_list(FILE *to, const struct pg_judgement *j,
                         const struct construct_options *o,
                         const struct construct_result *r, const char *heading,
                         bool (*is)(const struct pg_judgement *,
                                    const struct construct_options *,
                                    const struct construct_result *, unsigned))
{
    unsigned n = 0;
    size_t column = 0;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const char *name = j->isa->encodings[i].name;

        if (!is(j, o, r, i))
            continue;
        if (!n++)
            column = (size_t)fprintf(to, "  %s:", heading);
        if (column + 1 + strlen(name) > 78)
            column = (size_t)fprintf(to, "\n   ") - 1;
        column += (size_t)fprintf(to, " %s", name);
    }
    fputs(n ? "\n" : "", to);
    return n;
}

static bool is_expected(const struct pg_judgement *j,
                        const struct construct_options *o,
                        const struct construct_result *r, unsigned i)
{
    return r->code[i].diverged && !construct_is_promised(j, o, i);
}

static bool is_surprising(const struct pg_judgement *j,
                          const struct construct_options *o,
                          const struct construct_result *r, unsigned i)
{
    return r->code[i].diverged && construct_is_promised(j, o, i);
}

static bool is_missed(const struct pg_judgement *j,
                      const struct construct_options *o,
                      const struct construct_result *r, unsigned i)
{
    return !r->code[i].diverged && !construct_is_promised(j, o, i);
}

/* The premise of the theorem fails for it, and all goes well. */
static bool is_spared(const struct pg_judgement *j,
                      const struct construct_options *o,
                      const struct construct_result *r, unsigned i)
{
    const struct pg_labels *l = &j->best.labels[i];
    bool spoils =
        o->technique == CONSTRUCT_HYBRID
            ? pg_user_sensitive(l, PG_CORRECTED) && !l->privileged[PG_CORRECTED]
            : pg_critical(l, PG_CORRECTED);

    return o->technique != CONSTRUCT_INTERPRET && spoils &&
           !r->code[i].diverged && construct_is_promised(j, o, i) &&
           !construct_is_absent(j->isa, o, i);
}

static void put_why(FILE *to, const struct pg_judgement *j,
                    const struct construct_options *o,
                    const struct construct_result *r)
{
    if (o->mutation != CONSTRUCT_NONE)
        return;
    put_list(to, j, o, r, "Fails the exact criterion, and diverged",
             is_expected);
    put_list(to, j, o, r,
             "Fails the exact criterion, and no program came upon it",
             is_missed);
    if (put_list(to, j, o, r, "Meets the exact criterion, and diverged",
                 is_surprising))
        fputs("    That must not be: the scaled machine, in which the "
              "criterion was decided, hides\n    something of the full one.  "
              "Widen what is scaled, or try --solver.\n",
              to);
    if (put_list(to, j, o, r, "Spoils the premise, and does no harm",
                 is_spared))
        fputs("    The premise of the theorem is sufficient, not "
              "necessary: wherever it would do\n    harm, it traps.\n",
              to);
}

void construct_report_verdict(FILE *to, const struct pg_judgement *j,
                              const struct construct_options *o,
                              const struct construct_result *r)
{
    if (!r->diverged)
        fprintf(to,
                "\nLock-step HOLDS: %llu instructions of %llu programs, and no "
                "difference.\n",
                (unsigned long long)r->steps, (unsigned long long)r->programs);
    else
        fprintf(to, "\nLock-step DIVERGES, in %llu of %llu programs.\n",
                (unsigned long long)r->diverged,
                (unsigned long long)r->programs);
    put_why(to, j, o, r);
    if (r->diverged)
        construct_report_divergence(to, j, &r->first);
}

void construct_report(FILE *to, const struct pg_judgement *j,
                      const struct construct_options *o,
                      const struct construct_result *r)
{
    if (o->mutation == CONSTRUCT_NONE) {
        struct construct_count sum = put_counts(to, j, o, r);

        put_efficiency(to, j, o, &sum, r);
        put_levels(to, o, r);
    }
    if (r->unfinished)
        fprintf(to,
                "  %llu programs ended at an unpredictable instruction that "
                "was interpreted: there\n  the bare machine may do "
                "anything, and so may the virtual one.\n",
                (unsigned long long)r->unfinished);
    construct_report_verdict(to, j, o, r);
}
