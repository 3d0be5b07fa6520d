#include "cli/check.h"

#include "popek-goldberg/probe_host.h"

#include <stdio.h>
#include <stdlib.h>

static void print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
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
    if (st == STATUS_OK)
        pg_host_report(rows, &facts, print_line, NULL);
    free(rows);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    return facts.differences ? CODE_NEGATIVE : CODE_DONE;
}
