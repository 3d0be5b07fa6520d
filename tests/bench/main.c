/* bench [--rounds N] [--program FILE]: measures and prints.
 *
 * In every round each loop runs once on each machine, so that a busy host is
 * busy for all of them, and CPU time is measured, not the time of day.  What is
 * printed is the median of the rounds, with the least and the most. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 99 };

static const struct bench_loop loops[] = {
#define LOOP(name, insns, exits, turns, what) \
    {#name, insns, exits, turns, what},
#include "tests/bench/loops.def"
#undef LOOP
};
enum { LOOPS = sizeof(loops) / sizeof(loops[0]) };

static const char *const machine_names[BENCH_MACHINES] = {"bare", "monitor",
                                                          "Hercules"};

struct series {
    double seconds[ROUNDS_MAX]; /* sorted */
    unsigned rounds;
    uint64_t insns, exits;
};

struct bench {
    unsigned rounds;
    const char *program; /* the trapline to run TOS/360 with */
    bool hercules;
    struct series loop[LOOPS][BENCH_MACHINES], tos[BENCH_MACHINES];
    struct diag diag;
};

static void add(struct series *s, const struct bench_run *r)
{
    unsigned i = s->rounds++;

    for (; i > 0 && s->seconds[i - 1] > r->seconds; i--)
        s->seconds[i] = s->seconds[i - 1];
    s->seconds[i] = r->seconds;
    s->insns = r->insns;
    s->exits = r->exits;
}

static double median(const struct series *s)
{
    return s->rounds ? s->seconds[s->rounds / 2] : 0;
}

/* ---- Measuring ---- */

static enum status run_on(enum bench_machine m, const uint8_t *image,
                          struct bench_run *r, struct diag *d)
{
    switch (m) {
    case BENCH_BARE:
        return bench_bare(image, r, d);
    case BENCH_TRAP:
        return bench_trap(image, r, d);
    default:
        return bench_hercules(image, r, d);
    }
}

static enum status measure_loop(struct bench *b, unsigned l)
{
    static uint8_t image[BENCH_STORAGE];
    enum status st = bench_image(&loops[l], loops[l].turns, image, &b->diag);

    for (int m = 0; st == STATUS_OK && m < BENCH_MACHINES; m++) {
        struct bench_run r = {0};

        if (m == BENCH_HERCULES && !b->hercules)
            continue;
        st = run_on((enum bench_machine)m, image, &r, &b->diag);
        if (m == BENCH_HERCULES) /* it does not count: they are the same */
            r.insns = b->loop[l][BENCH_BARE].insns;
        if (st == STATUS_OK)
            add(&b->loop[l][m], &r);
    }
    return st;
}

static enum status measure_tos(struct bench *b)
{
    enum status st = STATUS_OK;

    for (int m = 0; st == STATUS_OK && m < BENCH_MACHINES; m++) {
        struct bench_run r = {0};

        if (m == BENCH_HERCULES && !b->hercules)
            continue;
        st = bench_tos(b->program, (enum bench_machine)m, &r, &b->diag);
        if (m == BENCH_HERCULES)
            r.insns = b->tos[BENCH_BARE].insns;
        if (st == STATUS_OK)
            add(&b->tos[m], &r);
    }
    return st;
}

static enum status measure(struct bench *b)
{
    enum status st = STATUS_OK;
    bool tos = true;

    for (unsigned i = 0; st == STATUS_OK && i < b->rounds; i++) {
        fprintf(stderr, "\rround %u of %u ", i + 1, b->rounds);
        for (unsigned l = 0; st == STATUS_OK && l < LOOPS; l++)
            st = measure_loop(b, l);
        if (st == STATUS_OK && tos)
            st = measure_tos(b);
        if (st == STATUS_UNSUPPORTED) {
            fprintf(stderr, "\rbench: SKIPPED the TOS/360 job: %s\n",
                    b->diag.text);
            tos = false;
            st = STATUS_OK;
        }
    }
    fprintf(stderr, "\r                    \r");
    return st;
}

/* ---- Printing ---- */

static double mips(const struct series *s, double seconds)
{
    return seconds > 0 ? (double)s->insns / seconds / 1e6 : 0;
}

/* "574 (560-590)", or a dash. */
static void print_mips(const struct series *s)
{
    char text[40] = "-";

    if (s->rounds)
        snprintf(text, sizeof(text), "%.0f (%.0f-%.0f)", mips(s, median(s)),
                 mips(s, s->seconds[s->rounds - 1]), mips(s, s->seconds[0]));
    printf(" %-16s", text);
}

/* Of the fastest runs: what else the host does only makes runs slower. */
static void print_ratio(const struct series *of, const struct series *to)
{
    if (of->rounds && to->rounds)
        printf(" %6.2f", mips(of, of->seconds[0]) / mips(to, to->seconds[0]));
    else
        printf("      -");
}

static void print_speed(const char *name, const struct series *s)
{
    printf("%-10s", name);
    for (int m = 0; m < BENCH_MACHINES; m++)
        print_mips(&s[m]);
    print_ratio(&s[BENCH_BARE], &s[BENCH_HERCULES]);
    print_ratio(&s[BENCH_TRAP], &s[BENCH_BARE]);
    putchar('\n');
}

static void print_exits(const struct bench_loop *l, const struct series *s)
{
    printf("%-10s", l->name);
    for (int m = 0; m < BENCH_MACHINES; m++)
        if (s[m].rounds)
            printf(" %8.1f", median(&s[m]) / l->turns * 1e9);
        else
            printf("        -");
    const struct series *t = &s[BENCH_TRAP];
    double exits = (double)t->exits;
    printf(" %8.1f (%.1f-%.1f)   %s\n", median(t) / exits * 1e9,
           t->seconds[0] / exits * 1e9, t->seconds[t->rounds - 1] / exits * 1e9,
           l->what);
}

static void print(const struct bench *b)
{
    printf("Median of %u rounds (least-most); ratios are those of the fastest "
           "runs.\n\n"
           "Millions of guest instructions in a second of CPU time:\n"
           "%-10s %-16s %-16s %-16s %6s %6s\n"
           "%-10s %-16s %-16s %-16s %6s %6s\n",
           b->rounds, "", machine_names[0], machine_names[1], machine_names[2],
           "bare/", "mon./", "", "", "", "", "Herc.", "bare");
    for (unsigned l = 0; l < LOOPS; l++)
        if (!loops[l].exits)
            print_speed(loops[l].name, b->loop[l]);
    if (b->tos[BENCH_BARE].rounds)
        print_speed("TOS/360", b->tos);
    if (b->tos[BENCH_HERCULES].rounds)
        puts("(TOS/360 on Hercules: its device threads too, less what its\n"
             "panel uses when idle; rough.)");
    printf("\nNanoseconds for a turn of a loop that exits, and for an exit:\n"
           "%-10s %8s %8s %8s %8s\n",
           "", machine_names[0], machine_names[1], machine_names[2], "an exit");
    for (unsigned l = 0; l < LOOPS; l++)
        if (loops[l].exits)
            print_exits(&loops[l], b->loop[l]);
}

/* ---- Options ---- */

static bool options(struct bench *b, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        char *end = NULL;

        if (i + 1 == argc)
            return false;
        if (!strcmp(argv[i], "--rounds")) {
            unsigned long n = strtoul(argv[i + 1], &end, 10);
            if (*end || n < 1 || n > ROUNDS_MAX)
                return false;
            b->rounds = (unsigned)n;
        } else if (!strcmp(argv[i], "--program")) {
            b->program = argv[i + 1];
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct bench b = {.rounds = 5, .program = "build/trapline"};

    if (!options(&b, argc, argv)) {
        fprintf(stderr, "usage: bench [--rounds 1..%d] [--program TRAPLINE]\n",
                ROUNDS_MAX);
        return 2;
    }
    enum status st = bench_hercules_start(&b.diag);
    b.hercules = st == STATUS_OK;
    if (st == STATUS_UNSUPPORTED)
        fprintf(stderr, "bench: SKIPPED Hercules: %s\n", b.diag.text);
    else if (st != STATUS_OK)
        fprintf(stderr, "bench: %s\n", b.diag.text);
    st = measure(&b);
    bench_hercules_end();
    if (st != STATUS_OK) {
        fprintf(stderr, "bench: %s\n", b.diag.text);
        return 125;
    }
    print(&b);
    return 0;
}
