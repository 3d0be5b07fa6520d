#include "cli/check.h"
#include "popek-goldberg/probe/agree_s370.h"

#include <stdio.h>
#include <string.h>

enum { SEED = 1974, NONE = 0x10000 };

static int complain(const char *name)
{
    return options_complain(
        &check_usage,
        "--probe %s: of our own machines only s370 has a probe; a file may "
        "hold another description of it",
        name);
}

static int probe(const struct pg_judgement *derived)
{
    static struct pg_probe_row found[S370_OP_COUNT];
    const struct pg_s370_answers answers = {&s370_insns, derived, found};
    const struct diag d = {"no memory for the states of the probe"};
    unsigned tried = 0;
    uint32_t wrong = NONE;
    enum status st = pg_probe_s370(found, &pg_s370_step, SEED, PG_S370_STATES);

    if (st == STATUS_OK)
        st = pg_probe_s370_invalid(&pg_s370_step, SEED, &tried, &wrong);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    int bad = pg_s370_report(&answers, stdout);
    printf("%u opcodes that are not in the table: ", tried);
    if (wrong == NONE)
        puts("an operation exception and nothing else.");
    else
        printf("%04x is no operation exception.\n", wrong);
    return bad || wrong != NONE ? CODE_NEGATIVE : CODE_DONE;
}

/* The machine itself, beside its table and a description of it: the one that
 * is built in, or a file's. */
int check_probe(char **argv, const struct check_options *o)
{
    const char *name = argv[1];
    struct check_subject s;

    (void)o;
    if (!strpbrk(name, "./") && strcmp(name, "s370") != 0)
        return complain(name);
    int code = check_judge(name, &s);
    if (code != CODE_DONE)
        return code;
    code = strcmp(s.isa->name, "s370") ? complain(name) : probe(&s.j);
    check_forget(&s);
    return code;
}
