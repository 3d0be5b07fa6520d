/* The TOS/360 job, by the command itself, and on Hercules. */
#include "tests/bench/bench.h"
#include "tests/oracle/hercules.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the folder of images holds; the job writes beside them. */
static const char *const images[] = {"tos360.conf", "sysres.aws", "sieve.job"};

static const char operator[] = "attention\n"
                               "wait GIVE IPL CONTROL STATEMENTS\n"
                               "type SET DATE=02/01/69,CLOCK=00/00/00\n"
                               "wait READY FOR COMMUNICATIONS\n"
                               "type ASSGN SYSRDR,X'00A'\n"
                               "type ASSGN SYSIPT,X'00A'\n"
                               "type ASSGN SYSLST,X'00B'\n"
                               "type\n"
                               "wait EOJ SIEVE\n"
                               "stop\n";

/* A folder of our own with links to the images and the operator's script. */
static enum status make_folder(char *folder, struct diag *d)
{
    const char *named = getenv("TRAPLINE_TOS360");
    char from[PATH_MAX], to[PATH_MAX + 64], real[PATH_MAX];

    if (!realpath(named ? named : "../shared/guests/tos360", real))
        return diag_set(d, STATUS_UNSUPPORTED,
                        "no images (TRAPLINE_TOS360 names their folder)");
    if (!mkdtemp(folder))
        return diag_set(d, STATUS_HOST_FAILED, "%s: cannot be made", folder);
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        if (snprintf(from, sizeof(from), "%s/%s", real, images[i]) >=
            (int)sizeof(from))
            return diag_set(d, STATUS_HOST_FAILED, "%s: too long", real);
        snprintf(to, sizeof(to), "%s/%s", folder, images[i]);
        if (access(from, R_OK) || symlink(from, to))
            return diag_set(d, STATUS_UNSUPPORTED, "no %s", from);
    }
    snprintf(to, sizeof(to), "%s/operator.script", folder);
    FILE *f = fopen(to, "w");
    if (!f)
        return diag_set(d, STATUS_HOST_FAILED, "%s: cannot be made", to);
    fputs(operator, f);
    return fclose(f) ? STATUS_HOST_FAILED : STATUS_OK;
}

static double number_after(const char *json, const char *name)
{
    const char *at = strstr(json, name);

    return at ? strtod(at + strlen(name), NULL) : 0;
}

/* CPU time of the children that have ended. */
static double children_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static enum status run_command(const char *program, const char *folder,
                               const char *on, struct bench_run *r,
                               struct diag *d)
{
    char command[3 * PATH_MAX], account[8192] = "";

    snprintf(command, sizeof(command),
             "cd '%s' && '%s' run tos360.conf --ipl 0C0 --on %s "
             "--scratch-tapes --script operator.script --json 2>console",
             folder, program, on);
    double began = children_seconds();
    FILE *p = popen(command, "r");
    if (!p)
        return diag_set(d, STATUS_HOST_FAILED, "%s: cannot be run", program);
    size_t n = fread(account, 1, sizeof(account) - 1, p);
    account[n] = 0;
    int status = pclose(p);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return diag_set(d, STATUS_HOST_FAILED, "%s: TOS/360 did not end well",
                        program);
    r->seconds = children_seconds() - began;
    r->insns = (uint64_t)number_after(account, "\"instructions\":");
    r->exits = (uint64_t)number_after(account, "\"exits\":");
    return STATUS_OK;
}

/* Everything in the folder is ours. */
static void remove_folder(const char *folder)
{
    char command[PATH_MAX];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command))
        fprintf(stderr, "bench: %s: cannot be removed\n", folder);
}

/* ---- On Hercules ---- */

/* Three tape marks in AWS format: an empty tape. */
static enum status make_tapes(const char *folder, struct diag *d)
{
    static const char mark[6] = {0, 0, 0, 0, 0x40, 0};
    char path[PATH_MAX];

    for (unsigned i = 1; i <= 5; i++) {
        snprintf(path, sizeof(path), "%s/work%u.aws", folder, i);
        FILE *f = fopen(path, "wb");
        if (!f)
            return diag_set(d, STATUS_HOST_FAILED, "%s: cannot be made", path);
        for (unsigned k = 0; k < 3; k++)
            fwrite(mark, 1, sizeof(mark), f);
        if (fclose(f))
            return diag_set(d, STATUS_HOST_FAILED, "%s: cannot be made", path);
    }
    return STATUS_OK;
}

/* The devices of the configuration but for the console, which Hercules has. */
static enum status read_devices(const char *folder, char *text, size_t cap,
                                struct diag *d)
{
    char path[PATH_MAX], line[256];

    snprintf(path, sizeof(path), "%s/tos360.conf", folder);
    FILE *f = fopen(path, "r");
    if (!f)
        return diag_set(d, STATUS_HOST_FAILED, "%s: cannot be read", path);
    strcpy(text, "PANRATE SLOW\n"); /* the later statement counts */
    while (fgets(line, sizeof(line), f))
        if (line[0] == '0' && strncmp(line, "001F", 4) &&
            strlen(text) + strlen(line) < cap)
            strcat(text, line);
    fclose(f);
    return STATUS_OK;
}

/* What the operator says, and what must have been printed before the next.
 * Lines given at once are lost now and then, so that there are pauses, which
 * are not counted. */
static const struct {
    const char *says, *then;
} dialogue[] = {
    {"ipl 0c0", NULL},
    {"/", "GIVE IPL CONTROL"},
    {"/SET DATE=02/01/69,CLOCK=00/00/00", "READY FOR COMM"},
    {"/ASSGN SYSRDR,X'00A'", NULL},
    {"/ASSGN SYSIPT,X'00A'", NULL},
    {"/ASSGN SYSLST,X'00B'", NULL},
    {"/", "EOJ SIEVE"},
};

static void pause_for(long ms)
{
    nanosleep(
        &(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
        NULL);
}

static enum status converse(struct hercules *h, struct diag *d)
{
    enum { SECONDS = 60 };
    enum status st = STATUS_OK;

    for (size_t i = 0; st == STATUS_OK && i < ARRAY_LEN(dialogue); i++) {
        pause_for(500);
        st = hercules_command(h, dialogue[i].says, d);
        if (st == STATUS_OK && dialogue[i].then &&
            !hercules_says(h, dialogue[i].then, SECONDS))
            st = diag_set(d, STATUS_HOST_FAILED, "hercules: no '%s'",
                          dialogue[i].then);
    }
    return st;
}

static double wall_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* CPU time in a second in which nothing is asked of it: its panel's threads
 * look around all the time. */
static double idle_rate(const struct hercules *h)
{
    double cpu = hercules_cpu_seconds(h), wall = wall_seconds();

    pause_for(1000);
    return (hercules_cpu_seconds(h) - cpu) / (wall_seconds() - wall);
}

static enum status run_hercules(const char *folder, struct bench_run *r,
                                struct diag *d)
{
    static struct hercules h;
    char devices[2048];
    enum status st = make_tapes(folder, d);

    if (st == STATUS_OK)
        st = read_devices(folder, devices, sizeof(devices), d);
    if (st == STATUS_OK)
        st = hercules_start_with(&h, 2, devices, folder, d);
    if (st != STATUS_OK)
        return st;
    double idle = idle_rate(&h), cpu = hercules_cpu_seconds(&h);
    double wall = wall_seconds();
    st = converse(&h, d);
    r->seconds =
        hercules_cpu_seconds(&h) - cpu - idle * (wall_seconds() - wall);
    hercules_end(&h);
    return st;
}

enum status bench_tos(const char *program, enum bench_machine on,
                      struct bench_run *r, struct diag *d)
{
    char folder[] = "/tmp/trapline-bench-XXXXXX", real[PATH_MAX];

    if (!realpath(program, real))
        return diag_set(d, STATUS_UNSUPPORTED, "no %s", program);
    enum status st = make_folder(folder, d);
    if (st == STATUS_OK && on == BENCH_HERCULES)
        st = run_hercules(folder, r, d);
    else if (st == STATUS_OK)
        st =
            run_command(real, folder, on == BENCH_BARE ? "bare" : "trap", r, d);
    if (!access(folder, R_OK))
        remove_folder(folder);
    return st;
}
