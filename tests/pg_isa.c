#include "tests/pg_isa.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>

static struct isa *read_machine(const char *path)
{
    static char text[ISA_TEXT];
    struct isa *isa = NULL;
    struct diag d = {{0}};
    FILE *f = fopen(path, "r");

    ck_assert_msg(f != NULL, "%s", path);
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    ck_assert_msg(isa_parse(path, text, n, &isa, &d) == STATUS_OK, "%s",
                  d.text);
    return isa;
}

unsigned pg_machines(struct isa *machines[PG_MACHINES])
{
    unsigned n = 0;
    glob_t g;

    ck_assert_int_eq(glob("popek-goldberg/isa/*.isa", 0, NULL, &g), 0);
    ck_assert_uint_le(g.gl_pathc, PG_MACHINES);
    for (; n < g.gl_pathc; n++)
        machines[n] = read_machine(g.gl_pathv[n]);
    globfree(&g);
    return n;
}

struct isa *pg_machine_named(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "popek-goldberg/isa/%s.isa", name);
    return read_machine(path);
}
