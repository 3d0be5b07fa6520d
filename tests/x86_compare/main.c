/* x86-mutants KERNEL INITRD [NAME]: monitors with one mistake each, that only
 * an operating system shows, must be found and named; or the one whose name
 * begins like that. */
#include "tests/x86_mutants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_named(const struct x86_mutant *m, const struct session_plan *pc)
{
    struct x86_lockstep_plan plan = {
        .pc = pc,
        .side = {{"bare", NULL},
                 {m->svm ? "svm" : "vtx", x86_mutant_engine(m)}},
        .made = x86_mutant_made,
        .who = (void *)(uintptr_t)m};
    struct x86_lockstep_report *r = malloc(sizeof(*r));
    struct diag diag = {""};
    bool named = false;

    if (r && x86_lockstep_run(&plan, r, &diag) == STATUS_OK) {
        named = m->debian ? x86_mutant_named(m, r) : !r->same && r->exact;
        printf("%-30s %s: %llu instructions, %s: %s\n", m->name,
               named ? "found" : "NOT FOUND", (unsigned long long)r->insns,
               r->insn, r->what);
    } else {
        printf("%s: %s\n", m->name, diag.text);
    }
    free(r);
    return named;
}

int main(int argc, char **argv)
{
    struct session_plan pc = {.count = 1, .kernel = true};
    bool all = true;

    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: x86-mutants KERNEL INITRD [NAME]\n");
        return 2;
    }
    pc.guests = &argv[1];
    pc.initrd = argv[2];
    puts("");
    for (size_t i = 0; i < x86_mutant_count; i++)
        if (argc == 4 ? !strncmp(x86_mutants[i].name, argv[3], strlen(argv[3]))
                      : x86_mutants[i].debian)
            all &= is_named(&x86_mutants[i], &pc);
    return !all;
}
