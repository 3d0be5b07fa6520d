#include "cli/check.h"

#include "popek-goldberg/probe/agree_host.h"

#include <stdio.h>
#include <stdlib.h>

static void print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

/* Beside what was seen, what follows from the description x86-64. */
static int report(const struct pg_host_row *rows,
                  const struct pg_host_facts *facts)
{
    struct pg_host_answer *answers = calloc(facts->count, sizeof(*answers));
    const struct diag d = {"no memory for the rows of the probe"};
    struct check_subject s;

    if (!answers)
        return cli_fail(STATUS_NO_MEMORY, &d);
    int code = check_judge("x86-64", &s);
    if (code == CODE_DONE) {
        pg_host_agree(&s.j, rows, facts->count, answers);
        check_forget(&s);
        pg_host_report(rows, facts, answers, print_line, NULL);
        if (facts->differences || pg_host_unexplained(answers, facts->count)) {
            puts("\nNot all that is claimed was seen (*): exit status 1.");
            code = CODE_NEGATIVE;
        }
    }
    free(answers);
    return code;
}

int check_host(char **argv, const struct check_options *o)
{
    struct pg_host_row *rows = calloc(pg_host_count(), sizeof(*rows));
    struct pg_host_facts facts;
    struct diag d = {"no memory for the rows of the probe"};
    enum status st = STATUS_NO_MEMORY;

    (void)argv;
    (void)o;
    if (rows)
        st = pg_probe_host(rows, pg_host_count(), &facts, &d);
    int code = st == STATUS_OK ? report(rows, &facts) : cli_fail(st, &d);
    free(rows);
    return code;
}
