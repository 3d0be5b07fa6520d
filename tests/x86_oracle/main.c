/* x86-oracle: random system programs on our processor, on Bochs and on QEMU.
 *
 *   x86-oracle IMAGE FOLDER [--cases N] [--seed S] [--first K] [--show N]
 *              [--peer bochs|qemu] [--all]
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

struct session {
    struct ox_image image;
    const char *folder;
    uint32_t cases, first, shown, show;
    uint64_t seed;
    bool skip[OX_MACHINES], all;
    struct ox_case c; /* the one at hand */
    /* Found: */
    uint32_t done, shutdowns, equal[OX_MACHINES], open[OX_MACHINES];
    uint32_t *explained; /* by row */
};

static void generate(struct session *s, uint32_t number)
{
    ox_generate(&s->c, s->image.plain, s->seed, number);
}

/* ---- One case ---- */

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
           "DR7 %x\n    %s\n",
           number, modes[s->c.mode], s->c.cpl, s->c.bits, f[CASE_CR0 / 4],
           f[CASE_CR4 / 4], f[CASE_EFER / 4], f[CASE_FLAGS / 4],
           f[CASE_DR7 / 4], s->c.text);
    if (d->field != OX_FIELD_COUNT)
        printf("    %s: ours %x, %s %x\n", ox_field_name(d->field),
               d->ours->word[d->at], ox_machine_name(d->peer),
               d->theirs->word[d->at]);
    for (unsigned m = 0; m < OX_MACHINES; m++)
        if (!runs[m].absent) {
            printf("    %-5s", ox_machine_name(m));
            ox_show(&runs[m].of[i]);
        }
}

static void judge(struct session *s, uint32_t number, const struct ox_run *runs,
                  uint32_t i)
{
    generate(s, number);
    for (unsigned m = OX_BOCHS; m < OX_MACHINES; m++) {
        struct ox_difference d = {.c = &s->c,
                                  .peer = m,
                                  .ours = &runs[OX_OURS].of[i],
                                  .theirs = &runs[m].of[i]};
        const struct ox_explanation *why;

        if (runs[m].absent || !ox_differs(&d))
            continue;
        why = ox_explain(&d);
        if (why) {
            s->explained[why - ox_explanations]++;
            if (s->all) {
                printf("explained by %s: ", why->name);
                show(s, number, &d, runs, i);
            }
        } else {
            s->open[m]++;
            show(s, number, &d, runs, i);
        }
    }
}

/* ---- One batch ---- */

static bool is_equal(const struct ox_run *runs, unsigned m, uint32_t i)
{
    const struct ox_result *a = &runs[OX_OURS].of[i], *b = &runs[m].of[i];
    unsigned which = m == OX_QEMU; /* the looser checksum */

    return a->kind == b->kind &&
           (a->kind != 'C' || (a->count == 2 && b->count == 2 &&
                               a->word[which] == b->word[which]));
}

/* Those cases again, recorded in full. */
static void look_closer(struct session *s, const uint32_t *numbers, uint32_t n)
{
    struct ox_run runs[OX_MACHINES];

    ox_image_clear(&s->image, true);
    for (uint32_t i = 0; i < n; i++) {
        generate(s, numbers[i]);
        if (!ox_image_add(&s->image, &s->c))
            n = i;
    }
    ox_run_all(runs, &s->image, s->folder, s->skip);
    for (uint32_t i = 0; i < n; i++)
        judge(s, numbers[i], runs, i);
    for (unsigned m = 0; m < OX_MACHINES; m++)
        ox_run_free(&runs[m]);
}

static void compare(struct session *s, uint32_t first, uint32_t n)
{
    uint32_t numbers[FULL_MAX], found = 0;
    struct ox_run runs[OX_MACHINES];
    bool *odd = calloc(n + 1, sizeof(*odd));

    if (!odd)
        abort();
    ox_run_all(runs, &s->image, s->folder, s->skip);
    for (uint32_t i = 0; i < n; i++) {
        s->shutdowns += runs[OX_OURS].of[i].kind == 'T';
        for (unsigned m = OX_BOCHS; m < OX_MACHINES; m++) {
            bool equal = is_equal(runs, m, i);

            s->equal[m] += equal;
            odd[i] = odd[i] || (!equal && !runs[m].absent);
        }
    }
    for (unsigned m = 0; m < OX_MACHINES; m++)
        ox_run_free(&runs[m]);
    for (uint32_t i = 0; i < n; i++) {
        if (odd[i])
            numbers[found++] = first + i;
        if (found == FULL_MAX || (i + 1 == n && found)) {
            look_closer(s, numbers, found);
            found = 0;
        }
    }
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

static int report(const struct session *s)
{
    uint32_t open = 0;

    for (size_t i = 0; i < ox_explanation_count; i++)
        if (s->explained[i])
            printf("%6u explained: %s, %s: %s (%s)\n", s->explained[i],
                   ox_machine_name(ox_explanations[i].peer),
                   ox_explanations[i].name, ox_explanations[i].words,
                   ox_explanations[i].source);
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
        else if (i + 1 == argc || !take_option(&s, argv[i], argv[i + 1])) {
            argc = 0;
            break;
        } else
            i++;
    }
    if (argc < 3) {
        fprintf(stderr, "usage: x86-oracle IMAGE FOLDER [--cases N] [--seed S] "
                        "[--first K] [--show N] [--peer P] [--all]\n");
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
    s.explained = calloc(ox_explanation_count, sizeof(*s.explained));
    if (!s.explained)
        abort();
    mkdir(s.folder, 0777);
    while (s.done < s.cases)
        run_batch(&s);
    status = report(&s);
    ox_image_close(&s.image);
    free(s.explained);
    return status;
}
