/* x86-bench --program TRAPLINE --image LOOPS [--kernel F --initrd F]
 *           [--rounds N]
 *
 * In each round everybody runs once, one after the other, so that a busy host
 * is busy for all of them.  What is printed is the median of the rounds, with
 * the least and the most. */
#include "tests/x86_bench/bench.h"
#include "tests/x86_bench/turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS_MAX = 99 };

static const struct loop {
    char letter;
    unsigned tenths, turns, exits;
    const char *title;
} loops[] = {
#define LOOP(letter, tenths, turns, exits, title) \
    {letter, tenths, turns, exits, title},
#include "tests/x86_bench/loops.def"
#undef LOOP
};
enum { LOOPS = sizeof(loops) / sizeof(loops[0]) };

/* Seconds of a part in each round, sorted. */
struct series {
    double seconds[ROUNDS_MAX];
    unsigned rounds;
};

struct bench {
    struct x86_bench_files files;
    unsigned rounds;
    struct series loop[X86_BENCH_MACHINES][LOOPS];
    struct series debian[X86_BENCH_MACHINES];
    /* Not to be asked again: it has said so, or has failed. */
    bool without[X86_BENCH_MACHINES], without_debian[X86_BENCH_MACHINES];
    double load[2]; /* of the host, when it began and ended */
    struct diag diag;
};

static void add(struct series *s, double seconds)
{
    unsigned i = s->rounds++;

    for (; i > 0 && s->seconds[i - 1] > seconds; i--)
        s->seconds[i] = s->seconds[i - 1];
    s->seconds[i] = seconds;
}

static double median(const struct series *s)
{
    return s->rounds ? s->seconds[s->rounds / 2] : 0;
}

/* ---- Measuring ---- */

static void take_loops(struct bench *b, enum x86_bench_machine m,
                       const struct x86_bench_run *r)
{
    for (unsigned l = 0; l < LOOPS; l++)
        for (unsigned k = 1; k < r->parts; k++)
            if (r->letter[k] == loops[l].letter)
                add(&b->loop[m][l], r->seconds[k] - r->seconds[k - 1]);
}

/* What is being measured, for a person who waits. */
static void say_progress(const char *what, const char *who)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-40s\r%s %s", "", what, who);
}

/* One run; false: the bench cannot go on. */
static bool measure(struct bench *b, enum x86_bench_machine m, bool debian)
{
    bool *without = debian ? &b->without_debian[m] : &b->without[m];
    struct x86_bench_run r;

    if (*without)
        return true;
    say_progress(debian ? "Debian on" : "the loops on", x86_bench_name(m));
    enum status st = x86_bench_run(&b->files, m, debian, &r, &b->diag);
    if (st == STATUS_OK && debian)
        add(&b->debian[m],
            r.seconds[r.parts - 1] - (r.parts > 1 ? r.seconds[0] : 0));
    else if (st == STATUS_OK)
        take_loops(b, m, &r);
    if (st == STATUS_OK)
        return true;
    *without = true;
    say_progress("", "");
    fprintf(stderr, "x86-bench: %s %s on %s: %s\n",
            st == STATUS_UNSUPPORTED ? "SKIPPED" : "FAILED",
            debian ? "Debian" : "the loops", x86_bench_name(m), b->diag.text);
    return st == STATUS_UNSUPPORTED;
}

static bool measure_all(struct bench *b)
{
    bool good = true;

    getloadavg(&b->load[0], 1);
    if (!b->files.kernel)
        fprintf(stderr, "x86-bench: SKIPPED Debian: no kernel or initrd\n");
    for (unsigned i = 0; good && i < b->rounds; i++) {
        for (int m = 0; good && m < X86_BENCH_MACHINES; m++)
            good = measure(b, (enum x86_bench_machine)m, false);
        for (int m = 0; good && b->files.kernel && m < X86_BENCH_MACHINES; m++)
            good = measure(b, (enum x86_bench_machine)m, true);
    }
    say_progress("", "");
    getloadavg(&b->load[1], 1);
    return good;
}

/* ---- Printing ---- */

static void print_host(const struct bench *b)
{
    char line[256], *name = NULL;
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f && !name && fgets(line, sizeof(line), f))
        if (!strncmp(line, "model name", 10) && (name = strchr(line, ':')))
            name[strcspn(name, "\n")] = '\0';
    if (f)
        fclose(f);
    printf("x86 guests.  Host: %s, %ld processors, load %.1f at the start, "
           "%.1f at the end.\nCPU time of the whole program, median of %u "
           "rounds (least-most).\n",
           name ? name + 2 : "unknown", sysconf(_SC_NPROCESSORS_ONLN),
           b->load[0], b->load[1], b->rounds);
}

/* Millions of instructions a second; 0: not measured. */
static double speed(const struct loop *l, double seconds)
{
    return seconds > 0 ? l->tenths / 10.0 * l->turns / seconds / 1e6 : 0;
}

static void print_speed(const struct loop *l, const struct series *s)
{
    char text[40] = "-";

    if (s->rounds)
        snprintf(text, sizeof(text), "%.1f (%.0f-%.0f)", speed(l, median(s)),
                 speed(l, s->seconds[s->rounds - 1]), speed(l, s->seconds[0]));
    printf(" %-17s", text);
}

/* How many times as fast is ours? */
static void print_ratio(const struct series *ours, const struct series *other)
{
    if (median(ours) > 0 && median(other) > 0)
        printf(" %8.2f", median(other) / median(ours));
    else
        printf(" %8s", "-");
}

static void print_loops(const struct bench *b)
{
    static const enum x86_bench_machine shown[] = {
        X86_BENCH_BARE, X86_BENCH_VTX, X86_BENCH_BOCHS, X86_BENCH_QEMU};

    printf("\nMillions of instructions a second, the same boot image for "
           "all:\n%-22s",
           "");
    for (size_t k = 0; k < ARRAY_LEN(shown); k++)
        printf(" %-17s", x86_bench_name(shown[k]));
    printf(" %8s %8s\n", "bare is", "bare is");
    printf("%-22s %71s %8s %8s\n", "", "", "x Bochs", "x QEMU");
    for (unsigned l = 0; l < LOOPS && !loops[l].exits; l++) {
        printf("%c %-20s", loops[l].letter, loops[l].title);
        for (size_t k = 0; k < ARRAY_LEN(shown); k++)
            print_speed(&loops[l], &b->loop[shown[k]][l]);
        print_ratio(&b->loop[X86_BENCH_BARE][l], &b->loop[X86_BENCH_BOCHS][l]);
        print_ratio(&b->loop[X86_BENCH_BARE][l], &b->loop[X86_BENCH_QEMU][l]);
        putchar('\n');
    }
}

static void print_exits(const struct bench *b)
{
    printf("\nThousands of exits a second, by the instruction that exits:\n");
    for (int m = X86_BENCH_VTX; m < X86_BENCH_OURS; m++) {
        printf("%-8s", x86_bench_name((enum x86_bench_machine)m));
        for (unsigned l = 0; l < LOOPS; l++)
            if (loops[l].exits) {
                double s = median(&b->loop[m][l]);

                if (s > 0)
                    printf(" %5s %7.0f", loops[l].title,
                           loops[l].exits * loops[l].turns / s / 1e3);
                else
                    printf(" %5s %7s", loops[l].title, "-");
            }
        putchar('\n');
    }
}

static void print_debian(const struct bench *b)
{
    double bare = median(&b->debian[X86_BENCH_BARE]);

    printf("\nSeconds until Debian's kernel is at its init:\n");
    for (int m = 0; m < X86_BENCH_MACHINES; m++) {
        const struct series *s = &b->debian[m];

        if (!s->rounds)
            continue;
        printf("%-8s %6.2f (%.2f-%.2f)",
               x86_bench_name((enum x86_bench_machine)m), median(s),
               s->seconds[0], s->seconds[s->rounds - 1]);
        if (m != X86_BENCH_BARE && bare > 0)
            printf(", %.2f of bare", median(s) / bare);
        putchar('\n');
    }
}

/* ---- Options ---- */

static bool take_option(struct bench *b, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **into;
    } texts[] = {{"--program", &b->files.program},
                 {"--image", &b->files.image},
                 {"--kernel", &b->files.kernel},
                 {"--initrd", &b->files.initrd},
                 {"--disc", &b->files.disc}};
    char *end = NULL;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!strcmp(name, texts[i].name)) {
            *texts[i].into = realpath(value, NULL);
            if (!*texts[i].into)
                perror(value);
            return *texts[i].into;
        }
    if (strcmp(name, "--rounds") != 0)
        return false;
    unsigned long n = strtoul(value, &end, 10);
    b->rounds = (unsigned)n;
    return !*end && n >= 1 && n <= ROUNDS_MAX;
}

static bool options(struct bench *b, int argc, char **argv)
{
    if (argc % 2 == 0)
        return false;
    for (int i = 1; i < argc; i += 2)
        if (!take_option(b, argv[i], argv[i + 1]))
            return false;
    return b->files.program && b->files.image &&
           !b->files.kernel == !b->files.initrd;
}

int main(int argc, char **argv)
{
    static struct bench b = {.rounds = 3};
    bool good = false;

    if (!options(&b, argc, argv)) {
        fprintf(stderr,
                "usage: x86-bench --program TRAPLINE --image LOOPS\n"
                "                 [--kernel FILE --initrd FILE [--disc FILE]] "
                "[--rounds 1..%d]\n",
                ROUNDS_MAX);
        return 2;
    }
    if (x86_bench_begin(&b.files, &b.diag) == STATUS_OK)
        good = measure_all(&b);
    else
        fprintf(stderr, "x86-bench: %s\n", b.diag.text);
    x86_bench_end(&b.files);
    if (!good)
        return 125;
    print_host(&b);
    print_loops(&b);
    print_exits(&b);
    if (b.files.kernel)
        print_debian(&b);
    return 0;
}
