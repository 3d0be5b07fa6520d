/* x86-oracle: random system programs on our processor, on Bochs and on QEMU.
 *
 *   x86-oracle IMAGE FOLDER [--cases N] [--seed S] [--first K] [--show N]
 *              [--peer bochs|qemu] [--all] [--more]
 *
 * IMAGE is what was made of image.S, FOLDER is for files of the run.  Status 0:
 * no difference without an explanation; 1: there are; 2: usage; 77: neither
 * peer is here. */
#include "tests/x86_oracle/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { FULL_MAX = 400 }; /* cases of a run that records in full */

/* A case that is not the same everywhere. */
struct odd {
    uint32_t number;
    bool at[OX_MACHINES]; /* which peers differ */
};

struct session {
    struct ox_image image;
    const char *folder;
    uint32_t cases, first, shown, show;
    uint64_t seed;
    bool skip[OX_MACHINES], all, more;
    struct ox_case c; /* the one at hand */
    /* Found: */
    uint32_t done, shutdowns, equal[OX_MACHINES], open[OX_MACHINES];
    uint32_t explained[OX_MACHINES][OX_ROWS_MAX];
};

static void generate(struct session *s, uint32_t number)
{
    ox_generate(&s->c, s->image.plain, s->seed, number, s->more);
}

/* ---- One case ---- */

static unsigned events_before(const struct ox_difference *d)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < d->start; n++)
        i += ox_record_size(ox_record_of(d->ours->word[i]));
    return n;
}

static void show(struct session *s, uint32_t number,
                 const struct ox_difference *d, const struct ox_run *runs,
                 uint32_t i)
{
    static const char *const modes[] = {"real", "protected", "virtual-8086",
                                        "64-bit", "compatibility"};
    const uint32_t *f = s->c.field;

    if (s->shown++ >= s->show)
        return;
    printf("case %u: %s, CPL %u, %u bits, CR0 %x CR4 %x EFER %x flags %x "
           "DR7 %x DR0 %x DR1 %x\n    %s\n",
           number, modes[s->c.mode], s->c.cpl, s->c.bits, f[CASE_CR0 / 4],
           f[CASE_CR4 / 4], f[CASE_EFER / 4], f[CASE_FLAGS / 4],
           f[CASE_DR7 / 4], f[CASE_DR0 / 4], f[CASE_DR1 / 4], s->c.text);
    if (d->field != OX_FIELD_COUNT)
        printf("    event %u, %s: ours %x, %s %x\n", events_before(d) + 1,
               ox_field_name(d->field), d->ours->word[d->at],
               ox_machine_name(d->peer), d->theirs->word[d->at]);
    if (d->record == OX_SUMS)
        ox_show_stored(d);
    for (unsigned m = 0; m < OX_MACHINES; m++)
        if (!runs[m].absent) {
            printf("    %-5s", ox_machine_name(m));
            ox_show(&runs[m].of[i]);
        }
    printf("    raised");
    ox_show_raised(&runs[OX_OURS].of[i]);
}

/* What QEMU has raised may tell why: it runs the case once more, to be asked.
 */
static const struct ox_explanation *listen(struct session *s,
                                           const struct ox_difference *d)
{
    const struct ox_explanation *why;
    struct ox_result theirs = *d->theirs;
    struct ox_difference heard = *d;

    heard.theirs = &theirs;
    ox_image_clear(&s->image, true);
    if (!ox_image_add(&s->image, &s->c))
        abort(); /* it was in one with others */
    ox_listen(&s->image, s->folder, &theirs);
    why = ox_explain_heard(&heard);
    free(theirs.raised);
    return why;
}

/* A peer that has differed in the run of all, and the same case run again.
 * False: it does not now, and is to be run without others before it. */
static bool judge_peer(struct session *s, uint32_t number, enum ox_machine m,
                       const struct ox_run *runs, uint32_t i, bool alone)
{
    struct ox_difference d = {.c = &s->c,
                              .peer = m,
                              .ours = &runs[OX_OURS].of[i],
                              .theirs = &runs[m].of[i]};
    const struct ox_explanation *why = NULL;
    bool heard;

    if (m == OX_QEMU && !runs[OX_BOCHS].absent)
        d.witness = &runs[OX_BOCHS].of[i];
    if (!ox_differs(&d)) {
        if (!alone)
            return false;
        if (m == OX_QEMU && (why = ox_explain_equal(&d))) {
            s->explained[m][why - ox_explanations(m)]++;
            return true;
        }
        if (s->shown < s->show)
            printf("only with other cases before it: ");
        s->open[m]++;
        show(s, number, &d, runs, i);
        return true;
    }
    do {
        why = ox_explain(&d);
        heard = !why && m == OX_QEMU;
        if (heard)
            why = listen(s, &d);
        if (!why) {
            s->open[m]++;
        } else {
            s->explained[m][why - ox_explanations(m)]++;
            if (s->all)
                printf("explained by %s: ", why->name);
        }
        if (!why || s->all)
            show(s, number, &d, runs, i);
    } while (why && !heard && ox_go_on(&d) && ox_differs(&d));
    return true;
}

/* What is left of `odd` is to be run alone. */
static void judge(struct session *s, struct odd *odd, const struct ox_run *runs,
                  uint32_t i, bool alone)
{
    generate(s, odd->number);
    for (unsigned m = OX_BOCHS; m < OX_MACHINES; m++)
        if (odd->at[m] && judge_peer(s, odd->number, m, runs, i, alone))
            odd->at[m] = false;
}

static bool is_left(const struct odd *odd)
{
    return odd->at[OX_BOCHS] || odd->at[OX_QEMU];
}

static void judge_alone(struct session *s, struct odd *odd)
{
    struct ox_run runs[OX_MACHINES];

    ox_image_clear(&s->image, true);
    generate(s, odd->number);
    if (!ox_image_add(&s->image, &s->c))
        abort(); /* it was in one with others */
    ox_run_all(runs, &s->image, s->folder, s->skip);
    judge(s, odd, runs, 0, true);
    for (unsigned m = 0; m < OX_MACHINES; m++)
        ox_run_free(&runs[m]);
}

/* ---- One batch ---- */

static bool is_equal(const struct ox_run *runs, unsigned m, uint32_t i)
{
    const struct ox_result *a = &runs[OX_OURS].of[i], *b = &runs[m].of[i];
    unsigned which = m == OX_QEMU; /* the looser checksum */

    return a->kind == b->kind &&
           (!a->kind || (a->count == 2 && b->count == 2 &&
                         a->word[which] == b->word[which]));
}

/* As many of those cases again as an image holds, recorded in full; returns how
 * many. */
static uint32_t look_closer(struct session *s, struct odd *odd, uint32_t n)
{
    struct ox_run runs[OX_MACHINES];
    uint32_t fit = 0;

    ox_image_clear(&s->image, true);
    for (; fit < n && fit < FULL_MAX; fit++) {
        generate(s, odd[fit].number);
        if (!ox_image_add(&s->image, &s->c))
            break;
    }
    ox_run_all(runs, &s->image, s->folder, s->skip);
    for (uint32_t i = 0; i < fit; i++)
        judge(s, &odd[i], runs, i, false);
    for (unsigned m = 0; m < OX_MACHINES; m++)
        ox_run_free(&runs[m]);
    for (uint32_t i = 0; i < fit; i++)
        if (is_left(&odd[i]))
            judge_alone(s, &odd[i]);
    return fit;
}

/* Those that differ, into `odd`; returns how many. */
static uint32_t find_odd(struct session *s, const struct ox_run *runs,
                         uint32_t first, uint32_t n, struct odd *odd)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct odd o = {.number = first + i};
        bool any = false;

        s->shutdowns += runs[OX_OURS].of[i].kind == 'T';
        for (unsigned m = OX_BOCHS; m < OX_MACHINES; m++) {
            bool equal = is_equal(runs, m, i);

            s->equal[m] += equal;
            o.at[m] = !equal && !runs[m].absent;
            any = any || o.at[m];
        }
        if (any)
            odd[found++] = o;
    }
    return found;
}

static void compare(struct session *s, uint32_t first, uint32_t n)
{
    struct ox_run runs[OX_MACHINES];
    struct odd *odd = calloc(n + 1, sizeof(*odd));
    uint32_t found;

    if (!odd)
        abort();
    ox_run_all(runs, &s->image, s->folder, s->skip);
    found = find_odd(s, runs, first, n, odd);
    for (unsigned m = 0; m < OX_MACHINES; m++)
        ox_run_free(&runs[m]);
    for (uint32_t i = 0; i < found;)
        i += look_closer(s, odd + i, found - i);
    free(odd);
}

static void run_batch(struct session *s)
{
    uint32_t n = 0;

    ox_image_clear(&s->image, false);
    for (; s->done + n < s->cases; n++) {
        generate(s, s->first + s->done + n);
        if (!ox_image_add(&s->image, &s->c))
            break;
    }
    compare(s, s->first + s->done, n);
    s->done += n;
}

/* ---- The whole ---- */

static void report_rows(const struct session *s, enum ox_machine m)
{
    const struct ox_explanation *e = ox_explanations(m);

    for (unsigned i = 0; e[i].name; i++)
        if (s->explained[m][i])
            printf("%6u explained: %s, %s: %s (%s)\n", s->explained[m][i],
                   ox_machine_name(m), e[i].name, e[i].words, e[i].source);
}

static int report(const struct session *s)
{
    uint32_t open = 0;

    for (unsigned m = OX_BOCHS; m < OX_MACHINES; m++)
        report_rows(s, m);
    for (unsigned m = OX_BOCHS; m < OX_MACHINES; m++) {
        open += s->open[m];
        if (!ox_machine_present(m))
            printf("SKIPPED: %s is not here\n", ox_machine_name(m));
        else if (!s->skip[m])
            printf("%s: %u cases, %u of them equal, %u without an "
                   "explanation\n",
                   ox_machine_name(m), s->done, s->equal[m], s->open[m]);
    }
    printf("%u cases from %u on, seed %llu; %u end in a shutdown\n", s->done,
           s->first, (unsigned long long)s->seed, s->shutdowns);
    return open ? 1 : 0;
}

static bool take_option(struct session *s, const char *name, const char *value)
{
    unsigned long v = strtoul(value, NULL, 0);

    if (!strcmp(name, "--cases"))
        s->cases = (uint32_t)v;
    else if (!strcmp(name, "--seed"))
        s->seed = v;
    else if (!strcmp(name, "--first"))
        s->first = (uint32_t)v;
    else if (!strcmp(name, "--show"))
        s->show = (uint32_t)v;
    else if (!strcmp(name, "--peer"))
        s->skip[strcmp(value, "bochs") ? OX_BOCHS : OX_QEMU] = true;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct session s = {.cases = 1000, .seed = 1, .show = 5};
    int status;

    setvbuf(stdout, NULL, _IOLBF, 0); /* a long run is watched */
    for (int i = 3; i < argc; i++) {
        if (!strcmp(argv[i], "--all"))
            s.all = true;
        else if (!strcmp(argv[i], "--more"))
            s.more = true;
        else if (i + 1 == argc || !take_option(&s, argv[i], argv[i + 1])) {
            argc = 0;
            break;
        } else
            i++;
    }
    if (argc < 3) {
        fprintf(stderr, "usage: x86-oracle IMAGE FOLDER [--cases N] [--seed S] "
                        "[--first K] [--show N] [--peer P] [--all] "
                        "[--more]\n");
        return 2;
    }
    if (!ox_machine_present(OX_BOCHS) && !ox_machine_present(OX_QEMU)) {
        printf("SKIPPED: needs bochs (packages bochs, bochs-term) or "
               "qemu-system-x86_64\n");
        return 77;
    }
    if (!ox_image_open(&s.image, argv[1])) {
        printf("SKIPPED: needs %s, which an assembler for x86 makes\n",
               argv[1]);
        return 77;
    }
    s.folder = argv[2];
    mkdir(s.folder, 0777);
    while (s.done < s.cases)
        run_batch(&s);
    status = report(&s);
    ox_image_close(&s.image);
    return status;
}
