/* trapline check --all: a table of the machines built in. */
#include "cli/check.h"
#include "popek-goldberg/machines.h"

#include <stdio.h>

static void print_line(const struct pg_judgement *j, enum pg_reading r)
{
    const bool *holds = j->best.holds[r];
    unsigned critical = 0, differ = 0;

    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        critical += pg_critical(&j->best.labels[i], r);
    for (unsigned i = 0; i < j->isa->claim_count; i++)
        differ += !pg_claim_agrees(j, &j->isa->claims[i]);
    printf("%-14s %4u %8u  %-5s %-5s %-5s %-6s %-6s %4u of %u\n", j->isa->name,
           j->isa->encoding_count, critical, holds[0] ? "holds" : "fails",
           holds[1] ? "holds" : "fails", holds[2] ? "holds" : "fails",
           j->best.vm ? "holds" : "fails", j->best.hybrid ? "holds" : "fails",
           differ, j->isa->claim_count);
}

int check_all(char **argv, const struct check_options *o)
{
    int code = CODE_DONE;

    (void)argv;
    printf("%-14s %4s %8s  %-5s %-5s %-5s %-6s %-6s %s\n", "machine", "ops",
           "critical", "T1", "T2", "T3", "exact", "hybrid", "claims differ");
    for (const struct pg_machine *m = pg_built_in; m->name; m++) {
        struct check_subject s;
        int one = check_judge(m->name, &s);

        if (one == CODE_DONE) {
            print_line(&s.j, o->r);
            fflush(stdout);
            one = check_verdict(&s.j, o->r);
            check_forget(&s);
        }
        code = one > code ? one : code;
    }
    return code;
}
