#include "cli/check.h"
#include "popek-goldberg/probe_s370.h"

#include <stdio.h>
#include <string.h>

/* The machine itself, not a description of it. */
int check_probe(char **argv, const struct check_options *o)
{
    const char *name = argv[1];
    static struct pg_probe_row found[S370_OP_COUNT];
    enum { SEED = 1974, NONE = 0x10000 };
    const struct diag d = {"no memory for the states of the probe"};
    unsigned tried = 0;
    uint32_t wrong = NONE;

    (void)o;
    if (strcmp(name, "s370") != 0)
        return options_complain(
            &check_usage,
            "--probe %s: of our own machines only s370 has a probe", name);
    enum status st = pg_probe_s370(found, &pg_s370_step, SEED, PG_S370_STATES);
    if (st == STATUS_OK)
        st = pg_probe_s370_invalid(&pg_s370_step, SEED, &tried, &wrong);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    int bad = pg_probe_s370_report(found, stdout);
    printf("%u opcodes that are not in the table: ", tried);
    if (wrong == NONE)
        puts("an operation exception and nothing else.");
    else
        printf("%04x is no operation exception.\n", wrong);
    return bad || wrong != NONE ? CODE_NEGATIVE : CODE_DONE;
}
