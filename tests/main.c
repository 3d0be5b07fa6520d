/* Runs every suite, each in a process of its own and as many at a time as the
 * machine has processors.  `build/check NAME...` runs only these suites.
 *
 * tests/expected says how many tests a suite has at least: one that shrinks
 * fails the run.  tests/needs-zydis names the suites that are skipped in
 * a build without Zydis.  The last line, "N passed, N failed, N skipped", sums
 * up. */
#include "tests/skip.h"
#include "x86vmm/machine/op.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUITE(name) Suite *suite_##name(void);
#include "suites.inc"
#undef SUITE

struct suite {
    const char *name;
    Suite *(*make)(void);
    unsigned least; /* tests that it must run */
    bool wanted;
    pid_t pid;
    FILE *output, *skips;
    unsigned ran, failed, skipped;
    bool wrong; /* the suite itself: it did not end, it shrank */
    double cpu; /* seconds of processor time */
};

static struct suite suites[] = {
#define SUITE(suite_name) {.name = #suite_name, .make = suite_##suite_name},
#include "suites.inc"
#undef SUITE
};
enum { SUITES = sizeof(suites) / sizeof(suites[0]) };

/* What a child leaves for its parent, through a file. */
struct counts {
    unsigned ran, failed;
};

static struct suite *find_suite(const char *name)
{
    for (int i = 0; i < SUITES; i++)
        if (!strcmp(suites[i].name, name))
            return &suites[i];
    return NULL;
}

static int choose(int argc, char **argv)
{
    for (int i = 0; i < SUITES; i++)
        suites[i].wanted = argc == 1;
    for (int i = 1; i < argc; i++) {
        struct suite *s = find_suite(argv[i]);
        if (!s) {
            fprintf(stderr, "check: no suite '%s'; there are:", argv[i]);
            for (int k = 0; k < SUITES; k++)
                fprintf(stderr, " %s", suites[k].name);
            fputc('\n', stderr);
            return -1;
        }
        s->wanted = true;
    }
    return 0;
}

/* A build of some suites only (make SUITES=...) still has the others' files. */
static bool has_file(const char *name)
{
    char path[96];

    snprintf(path, sizeof(path), "tests/test_%s.c", name);
    return access(path, R_OK) == 0;
}

/* tests/expected: a line "name least" for each suite. */
static int read_expected(void)
{
    FILE *f = fopen("tests/expected", "r");
    char name[64];
    unsigned least;
    int faults = 0;

    if (!f) {
        fprintf(stderr, "check: tests/expected: %s\n", strerror(errno));
        return -1;
    }
    while (fscanf(f, "%63s %u", name, &least) == 2) {
        struct suite *s = find_suite(name);
        if (s)
            s->least = least;
        else if (!has_file(name))
            faults += fprintf(stderr, "FAILED: suite %s is gone\n", name) > 0;
    }
    fclose(f);
    return faults;
}

/* Without Zydis the modelled x86 processor executes nothing. */
static int skip_without_zydis(void)
{
    char name[64];

    if (x86_op_decode_available())
        return 0;
    FILE *f = fopen("tests/needs-zydis", "r");
    if (!f) {
        fprintf(stderr, "check: tests/needs-zydis: %s\n", strerror(errno));
        return -1;
    }
    while (fscanf(f, "%63s", name) == 1) {
        struct suite *s = find_suite(name);

        if (!s || !s->wanted)
            continue;
        s->wanted = false;
        s->ran = s->skipped = s->least;
        printf("SKIPPED: %s, %u tests: %s\n", name, s->least, X86_NO_DECODER);
    }
    fclose(f);
    return 0;
}

static void run_child(struct suite *s)
{
    SRunner *runner = srunner_create(s->make());
    struct counts c;

    dup2(fileno(s->output), STDOUT_FILENO);
    dup2(fileno(s->output), STDERR_FILENO);
    skip_to(fileno(s->skips));
    srunner_run_all(runner, CK_NORMAL);
    c.ran = (unsigned)srunner_ntests_run(runner);
    c.failed = (unsigned)srunner_ntests_failed(runner);
    srunner_free(runner);
    fflush(NULL);
    ssize_t n = pwrite(fileno(s->skips), &c, sizeof(c), 0);
    _exit(n == sizeof(c) ? 0 : 1);
}

static void start(struct suite *s)
{
    static const struct counts none;

    s->output = tmpfile();
    s->skips = tmpfile();
    if (!s->output || !s->skips ||
        write(fileno(s->skips), &none, sizeof(none)) != sizeof(none)) {
        perror("check: temporary file");
        exit(EXIT_FAILURE);
    }
    fflush(NULL);
    s->pid = fork();
    if (s->pid == 0)
        run_child(s);
    if (s->pid < 0) {
        perror("check: fork");
        exit(EXIT_FAILURE);
    }
}

static void copy_out(FILE *from)
{
    char line[4096];

    rewind(from);
    while (fgets(line, sizeof(line), from))
        fputs(line, stdout);
}

/* The skips stand behind the counts in the same file, one line each. */
static void read_skips(struct suite *s)
{
    struct counts c = {0, 0};
    char line[512];

    rewind(s->skips);
    if (fread(&c, sizeof(c), 1, s->skips) != 1)
        c = (struct counts){0, 0};
    while (fgets(line, sizeof(line), s->skips)) {
        printf("SKIPPED: %s: %s", s->name, line);
        s->skipped++;
    }
    s->ran = c.ran;
    s->failed = c.failed;
}

/* A suite is as large as it was, or somebody has said otherwise. */
static bool right(const struct suite *s, int status)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) || !s->ran)
        printf("FAILED: suite %s did not end (status %d)\n", s->name, status);
    else if (s->ran < s->least && !getenv("CK_RUN_CASE"))
        printf("FAILED: suite %s ran %u tests; tests/expected has %u\n",
               s->name, s->ran, s->least);
    else if (!s->least)
        printf("FAILED: suite %s is not in tests/expected: make expected\n",
               s->name);
    else
        return true;
    return false;
}

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* The processor's time is its own and its children's: what it costs when the
 * machine has other things to do. */
static void finish(struct suite *s, int status, const struct rusage *used)
{
    read_skips(s);
    s->wrong = !right(s, status);
    s->cpu = seconds(&used->ru_utime) + seconds(&used->ru_stime);
    printf("%-16s %4u passed, %u failed, %u skipped, %.1f s of CPU\n", s->name,
           s->ran - s->failed - s->skipped, s->failed, s->skipped, s->cpu);
    if (s->failed || s->wrong)
        copy_out(s->output);
    fflush(stdout);
    fclose(s->output);
    fclose(s->skips);
}

static void finish_one(void)
{
    int status;
    struct rusage used;
    pid_t pid = wait4(-1, &status, 0, &used);

    for (int i = 0; i < SUITES; i++)
        if (suites[i].pid && suites[i].pid == pid)
            finish(&suites[i], status, &used);
}

/* Those that we may use: as nproc, not as the machine has. */
static unsigned processors(void)
{
    cpu_set_t mine;

    if (!sched_getaffinity(0, sizeof(mine), &mine) && CPU_COUNT(&mine) > 0)
        return (unsigned)CPU_COUNT(&mine);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

/* Who hangs is ended, and who has only to wait for a busy machine is not: Check
 * reads how many seconds a test has that says none, and by how much all have
 * more. */
static void be_patient(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    setenv("CK_TIMEOUT_MULTIPLIER", "3", 0);
}

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0, skipped = 0, running = 0;
    double cpu = 0;

    if (choose(argc, argv))
        return 2;
    be_patient();
    int gone = read_expected() || skip_without_zydis();
    for (int i = 0; i < SUITES; i++) {
        if (!suites[i].wanted)
            continue;
        if (running == processors())
            finish_one(), running--;
        start(&suites[i]), running++;
    }
    while (running--)
        finish_one();
    for (int i = 0; i < SUITES; i++) {
        passed += suites[i].ran - suites[i].failed - suites[i].skipped;
        failed += suites[i].failed + suites[i].wrong;
        skipped += suites[i].skipped;
        cpu += suites[i].cpu;
    }
    failed += gone != 0;
    printf("%.0f s of CPU in all\n", cpu);
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed || !passed;
}
