/* Any text as a witness file: refused with a place, or executed again. */
#include "popek-goldberg/language/machines.h"
#include "popek-goldberg/witness/walk_s370.h"
#include "popek-goldberg/witness/witness_file.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char described[] =
    "trapline witness 1\nmachine toy\ninstruction LOAD\nlabel sensitive\n"
    "means something\nproof pair\nreason differs ac\noperand a 1\n"
    "state q=5 bound=5 mem[1]=1\noutcome done q=5 bound=5 mem[1]=1 pc=1 ac=1\n"
    "state q=5 mode=1 base=1 ac=?\noutcome trap memory\n";
static const char probed[] =
    "trapline witness 1\nprobe s370\ninstruction LRA\nseed 1974\nnumber 0\n"
    "varied CR1\nseen GR2 0 614c 604c\n";

const struct fuzz_seed fuzz_seeds[] = {
    {described, sizeof(described) - 1},
    {probed, sizeof(probed) - 1},
    {NULL, 0},
};

static struct isa *open_machine(const char *name)
{
    struct isa *isa = NULL;
    struct diag d = {""};

    for (const struct pg_machine *m = pg_built_in; m->name; m++)
        if (!strcmp(m->name, name) &&
            isa_parse(name, m->text, strlen(m->text), &isa, &d) != STATUS_OK)
            abort();
    return isa;
}

static void walk(const struct isa *isa, const struct pg_kept *k)
{
    struct pg_walk steps;
    struct diag d = {""};
    enum status st = k->probe ? pg_walk_s370(&k->seen, &pg_s370_step, &steps)
                              : pg_walk_row(isa, &k->row, &steps);

    pg_walk_free(&steps);
    if (st == STATUS_OK && !k->probe && !pg_kept_replays(isa, k, &d) &&
        !*d.text)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct pg_kept k;
    const char *text = (const char *)bytes;
    struct diag d = {""};
    struct isa *isa = NULL;
    enum status st = pg_kept_machine("fuzz", text, len, &k, &d);

    if (st == STATUS_OK && !k.probe)
        isa = open_machine(k.machine);
    if (st == STATUS_OK && (isa || k.probe)) {
        st = pg_kept_read("fuzz", text, len, isa, &k, &d);
        if (st == STATUS_OK)
            walk(isa, &k);
    }
    if (st != STATUS_OK && strncmp(d.text, "fuzz:", 5) != 0)
        abort();
    isa_free(isa);
    return 0;
}
