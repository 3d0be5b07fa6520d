/* Find, read and judge a machine that was named on the command line. */
#include "cli/check.h"
#include "cli/file.h"
#include "popek-goldberg/language/machines.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MACHINES_MAX = 64 };

static const struct pg_machine *find_machine(const char *name)
{
    for (const struct pg_machine *m = pg_built_in; m->name; m++)
        if (!strcmp(m->name, name))
            return m;
    return NULL;
}

/* Machines have versions in their names, which one does not think of: SPARC is
 * sparc-v9. */
static const char *begun_so(const char *name)
{
    for (const struct pg_machine *m = pg_built_in; *name && m->name; m++)
        if (!strncasecmp(m->name, name, strlen(name)))
            return m->name;
    return NULL;
}

static int complain_machine(const struct command_usage *u, const char *name)
{
    const char *words[MACHINES_MAX + 1] = {NULL};
    const char *guess = begun_so(name);

    for (size_t i = 0; i < MACHINES_MAX && pg_built_in[i].name; i++)
        words[i] = pg_built_in[i].name;
    if (!guess)
        guess = cli_did_you_mean(name, words);
    if (guess)
        return options_complain(
            u, "no machine and no file is named %s; did you mean %s?", name,
            guess);
    return options_complain(u,
                            "no machine and no file is named %s; `trapline "
                            "check --all` lists the machines",
                            name);
}

int check_open_for(const struct command_usage *u, const char *name,
                   struct isa **isa)
{
    const struct pg_machine *m =
        strpbrk(name, "./") ? NULL : find_machine(name);
    struct s370_buffer in = {0};
    struct diag d = {""};
    enum status st;

    if (m) {
        st = isa_parse(name, m->text, strlen(m->text), isa, &d);
    } else if (!strpbrk(name, "./") && access(name, F_OK) != 0) {
        return complain_machine(u, name);
    } else {
        st = file_read(name, &in, &d);
        if (st == STATUS_OK)
            st = isa_parse(name, (const char *)in.bytes, in.len, isa, &d);
        s370_buffer_free(&in);
    }
    return st == STATUS_OK ? CODE_DONE : cli_fail(st, &d);
}

int check_open(const char *name, struct isa **isa)
{
    return check_open_for(&check_usage, name, isa);
}

int check_judge(const char *name, struct check_subject *out)
{
    struct diag d = {""};
    int code = check_open(name, &out->isa);

    if (code != CODE_DONE)
        return code;
    if (pg_judge(out->isa, &out->j, &d) == STATUS_OK)
        return CODE_DONE;
    isa_free(out->isa);
    return cli_fail(STATUS_BAD_INPUT, &d);
}

void check_forget(struct check_subject *s)
{
    pg_judgement_free(&s->j);
    isa_free(s->isa);
}

int check_verdict(const struct pg_judgement *j, enum pg_reading r)
{
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        if (!j->best.holds[r][t])
            return CODE_NEGATIVE;
    for (unsigned i = 0; i < j->isa->claim_count; i++)
        if (!pg_claim_agrees(j, &j->isa->claims[i]))
            return CODE_NEGATIVE;
    return CODE_DONE;
}
