#include "popek-goldberg/construct/construct_report.h"

#include "popek-goldberg/construct/construct_mutation.h"
#include "popek-goldberg/report/text.h"

/* ---- The plan ---- */

static const char *const monitors[] = {
    [CONSTRUCT_TRAP] = "The monitor of Theorem 1",
    [CONSTRUCT_HYBRID] = "The hybrid monitor of Theorem 3",
    [CONSTRUCT_INTERPRET] = "An interpreter of everything",
};

static unsigned theorem_of(const struct construct_options *o)
{
    return o->technique == CONSTRUCT_HYBRID ? PG_T3
           : o->levels > 1                  ? PG_T2
                                            : PG_T1;
}

/* Encodings that fail the exact criterion of what is built. */
static unsigned count_failing(const struct pg_judgement *j,
                              const struct construct_options *o)
{
    unsigned n = 0;

    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        n += !construct_is_promised(j, o, i);
    return n;
}

/* What the theorem and the exact criterion say of it beforehand. */
static void put_promise(struct pg_lines *l, const struct pg_judgement *j,
                        const struct construct_options *o)
{
    unsigned theorem = theorem_of(o);
    bool premise = j->best.holds[PG_CORRECTED][theorem];
    bool exact = !count_failing(j, o);

    if (o->technique == CONSTRUCT_INTERPRET) {
        pg_put_words(l, "It must work on any machine, and has no efficiency.");
        return;
    }
    pg_put_words_of(l, "The premise of Theorem %u %s,", theorem + 1,
                    premise ? "holds" : "fails");
    if (exact && premise)
        pg_put_words(l, "and so does the exact criterion: no program may find "
                        "out.");
    else if (exact)
        pg_put_words(l, "so that it promises nothing; but the exact criterion "
                        "holds: no program may find out.");
    else
        pg_put_words(l, "and the exact criterion fails: some program must find "
                        "out.");
}

static void put_mistake(struct pg_lines *l, const struct isa *isa,
                        const struct construct_options *o)
{
    pg_put_words_of(l, "With a mistake, %s: %s",
                    construct_mutation_name(o->mutation),
                    construct_mutation_words(o->mutation));
    if (construct_has_target(o->mutation))
        pg_put_words_of(l, "(%s)", isa->encodings[o->target].name);
    pg_put_mark(l, '.');
    pg_put_words(l, "The lock-step must find it.");
}

static void put_dispatcher(struct pg_lines *l,
                           const struct construct_options *o)
{
    pg_begin_line(l, "  D    ");
    pg_put_words(l, "dispatcher: a trap of the real machine lands here. It "
                    "looks at the instruction that trapped: one that has a "
                    "v_i goes to it, any other trap is the guest's own and is "
                    "reflected to its handler.");
    if (o->technique == CONSTRUCT_HYBRID)
        pg_put_words(l, "In virtual supervisor mode the guest does not run: "
                        "each instruction goes to its v_i.");
    if (o->technique == CONSTRUCT_INTERPRET)
        pg_put_words(l, "The guest does not run at all: each instruction goes "
                        "to its v_i.");
    pg_end_line(l);
}

static void put_allocator(struct pg_lines *l, const struct isa *isa,
                          const struct construct_options *o)
{
    unsigned k = isa->monitor_words;

    pg_begin_line(l, "  A    ");
    pg_put_words_of(l,
                    "allocator: words 0 to %u are the monitor's, %u to %u the "
                    "virtual machine's. Asked whenever the virtual mode, base, "
                    "bound or a resource changes; for R = (l, b) it loads "
                    "(l + %u, b).",
                    k - 1, k, isa->cells + o->levels * k - 1, k);
    if (o->levels > 1)
        pg_put_words_of(l,
                        "That virtual machine's lowest %u words are monitor "
                        "2's, and so on: %u monitors.",
                        k, o->levels);
    pg_end_line(l);
}

static void put_interpreters(struct pg_lines *l, const struct isa *isa,
                             const struct construct_options *o)
{
    unsigned n = 0;

    pg_begin_line(l, "  v_i  ");
    pg_put_words(l, "interpretive routines, each what the description says, "
                    "done to the virtual machine:");
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        const struct isa_encoding *code = &isa->encodings[i];
        bool needed =
            o->technique != CONSTRUCT_TRAP || construct_needs_v(isa, code);

        if (!needed || construct_is_absent(isa, o, i))
            continue;
        pg_put_words(l, code->name);
        n++;
    }
    if (!n)
        pg_put_words(l, "none");
    pg_end_line(l);
}

static void put_trial(struct pg_lines *l, const struct isa *isa,
                      const struct construct_options *o)
{
    pg_put_words_of(
        l,
        "%llu random programs of %u words (seeds %llu to %llu), at most %llu "
        "instructions of each, from a random state: on the bare machine, and "
        "under the monitor. After each instruction the virtual machine must "
        "be the bare one, the real machine f of it, and each word of the "
        "monitor what it was.",
        (unsigned long long)o->programs, isa->cells,
        (unsigned long long)o->seed,
        (unsigned long long)(o->seed + o->programs - 1),
        (unsigned long long)o->steps);
    if (isa->timing && o->levels > 1)
        pg_put_words_of(l,
                        "Not looked at: a monitor for this machine needs "
                        "timing (%s). Here there is no time.",
                        isa->timing);
    pg_end_line(l);
}

void construct_report_plan(FILE *to, const struct pg_judgement *j,
                           const struct construct_options *o)
{
    const struct isa *isa = j->isa;
    struct pg_lines l = {.to = to};

    pg_put_words_of(&l, "%s%s, made from the description of %s.",
                    monitors[o->technique],
                    o->levels > 1 ? ", under itself" : "", isa->name);
    if (o->mutation == CONSTRUCT_NONE)
        put_promise(&l, j, o);
    else
        put_mistake(&l, isa, o);
    pg_end_line(&l);
    fputc('\n', to);
    l.indent = 7;
    put_dispatcher(&l, o);
    put_allocator(&l, isa, o);
    put_interpreters(&l, isa, o);
    fputc('\n', to);
    l.indent = 0;
    put_trial(&l, isa, o);
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
    fprintf(to, "  %-16s %-10s %9llu %9llu %9llu %9llu %9llu\n", name, class,
            (unsigned long long)n->direct, (unsigned long long)n->emulated,
            (unsigned long long)n->asked, (unsigned long long)n->reflected,
            (unsigned long long)n->diverged);
}

static double thousandth(uint64_t n, uint64_t of)
{
    return of ? 1000.0 * (double)n / (double)of : 0;
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

    fprintf(to, "\n  %-16s %-10s %9s %9s %9s %9s %9s\n", "instruction", "is",
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
    struct pg_lines l = {.to = to, .indent = 2};
    uint64_t needless = 0;
    bool set = false;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        set = set || is_set_to_trap(j, r, i);
        if (pg_needlessly_stopped(&j->best.labels[i], &j->best.exact[i]))
            needless += r->code[i].emulated;
    }
    fputc('\n', to);
    pg_put_words_of(
        &l,
        "Of 1000 instructions %.0f ran directly; %.0f were "
        "interpreted, and for %.0f of these A was asked; %.0f "
        "trapped for the guest. (Real programs trap less: these "
        "are so short that many a trap is pc at the end of "
        "storage.)",
        thousandth(sum->direct, r->steps), thousandth(sum->emulated, r->steps),
        thousandth(sum->asked, r->steps), thousandth(sum->reflected, r->steps));
    pg_end_line(&l);
    if (o->technique != CONSTRUCT_TRAP)
        return;
    if (set)
        pg_put_words(&l, "Set to trap: innocuous, for in the setting that the "
                         "monitor makes it traps where it would be sensitive.");
    pg_end_line(&l);
    if (needless)
        pg_put_words_of(&l,
                        "Efficiency fails: %llu times an innocuous instruction "
                        "trapped that would have completed on the bare "
                        "machine.",
                        (unsigned long long)needless);
    else
        pg_put_words(&l, "Efficiency holds: each innocuous instruction that "
                         "the bare machine completed ran directly.");
    pg_end_line(&l);
}

/* ---- The verdict ---- */

/* The encodings for which `is` holds, with a heading; how many. */
static unsigned put_list(struct pg_lines *l, const struct pg_judgement *j,
                         const struct construct_options *o,
                         const struct construct_result *r, const char *heading,
                         bool (*is)(const struct pg_judgement *,
                                    const struct construct_options *,
                                    const struct construct_result *, unsigned))
{
    unsigned n = 0;

    l->indent = 2;
    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        if (!is(j, o, r, i))
            continue;
        if (!n++)
            pg_put_words_of(l, "%s:", heading);
        l->indent = 4;
        pg_put_words(l, j->isa->encodings[i].name);
    }
    pg_end_line(l);
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
    struct pg_lines l = {.to = to};

    if (o->mutation != CONSTRUCT_NONE)
        return;
    put_list(&l, j, o, r, "Fails the exact criterion, and diverged",
             is_expected);
    put_list(&l, j, o, r,
             "Fails the exact criterion, and no program came upon it",
             is_missed);
    if (put_list(&l, j, o, r, "Meets the exact criterion, and diverged",
                 is_surprising))
        pg_put_words(&l, "That must not be: the scaled machine, in which the "
                         "criterion was decided, hides something of the full "
                         "one. Widen what is scaled, or try --solver.");
    pg_end_line(&l);
    if (put_list(&l, j, o, r, "Spoils the premise, and does no harm",
                 is_spared))
        pg_put_words(&l, "The premise of the theorem is sufficient, not "
                         "necessary: wherever it would do harm, it traps.");
    pg_end_line(&l);
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

/* ---- All machines ---- */

void construct_report_head(FILE *to)
{
    fprintf(to, "%-13s%-8s%-8s%-11s%-9s%9s%6s%6s%9s\n", "machine", "premise",
            "exact", "lock-step", "found", "directly", "v_i", "A", "guest");
}

void construct_report_row(FILE *to, const struct pg_judgement *j,
                          const struct construct_options *o,
                          const struct construct_result *r)
{
    bool premise = j->best.holds[PG_CORRECTED][theorem_of(o)];
    unsigned failing = count_failing(j, o), found = 0;
    struct construct_count sum = r->fetch;
    char of[32] = "";

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        add(&sum, &r->code[i]);
        found += r->code[i].diverged && !construct_is_promised(j, o, i);
    }
    if (failing)
        snprintf(of, sizeof(of), "%u of %u", found, failing);
    fprintf(to, "%-13s%-8s%-8s%-11s%-9s%9.0f%6.0f%6.0f%9.0f%s\n", j->isa->name,
            o->technique == CONSTRUCT_INTERPRET ? "-"
            : premise                           ? "holds"
                                                : "fails",
            failing ? "fails" : "holds", r->diverged ? "diverges" : "holds", of,
            thousandth(sum.direct, r->steps),
            thousandth(sum.emulated, r->steps), thousandth(sum.asked, r->steps),
            thousandth(sum.reflected, r->steps),
            construct_is_as_promised(j, o, r) ? "" : "  NOT AS PROMISED");
}
