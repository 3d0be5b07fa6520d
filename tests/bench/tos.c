/* The TOS/360 job, by the command itself. */
#include "tests/bench/bench.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

enum status bench_tos(const char *program, enum bench_machine on,
                      struct bench_run *r, struct diag *d)
{
    char folder[] = "/tmp/trapline-bench-XXXXXX", real[PATH_MAX];

    if (!realpath(program, real))
        return diag_set(d, STATUS_UNSUPPORTED, "no %s", program);
    enum status st = make_folder(folder, d);
    if (st == STATUS_OK)
        st =
            run_command(real, folder, on == BENCH_BARE ? "bare" : "trap", r, d);
    if (!access(folder, R_OK))
        remove_folder(folder);
    return st;
}
