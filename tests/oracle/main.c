/* build/oracle: random cases on our machine and on Hercules, compared.
 *
 *     oracle [--cases N] [--seed S] [--show N] [--alone]
 *
 * Exit status: 0 no unexplained difference, 1 there are, 2 usage, 77 no
 * Hercules. */
#include "tests/oracle/session.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option options[] = {
    {"cases", required_argument, NULL, 'c'},
    {"seed", required_argument, NULL, 's'},
    {"show", required_argument, NULL, 'n'},
    {"alone", no_argument, NULL, 'a'},
    {NULL, 0, NULL, 0},
};

static int usage(void)
{
    fputs("usage: oracle [--cases N] [--seed S] [--show N] [--alone]\n"
          "  --alone   our two drivers only, without Hercules\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct session_options o = {.cases = 60000, .seed = 1, .show = 10};
    struct session_result r;
    struct diag d = {{0}};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'c')
            o.cases = strtoull(optarg, NULL, 0);
        else if (c == 's')
            o.seed = strtoull(optarg, NULL, 0);
        else if (c == 'n')
            o.show = (unsigned)strtoul(optarg, NULL, 0);
        else if (c == 'a')
            o.alone = true;
        else
            return usage();
    }
    if (optind != argc || !o.cases)
        return usage();
    o.out = stdout;
    o.progress = stderr;
    enum status st = oracle_run(&o, &r, &d);
    if (st != STATUS_OK) {
        fprintf(stderr, "oracle: %s\n", d.text);
        return st == STATUS_UNSUPPORTED ? 77 : 2;
    }
    oracle_report(stdout, &r);
    return r.tally.unexplained || r.step_run ? 1 : 0;
}
