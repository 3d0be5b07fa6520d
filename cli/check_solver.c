#include "cli/check.h"

#include <string.h>

int check_certify(const struct pg_judgement *j, const char *solver,
                  const char *instruction, struct pg_certificates *out)
{
    const char *command = strcmp(solver, "z3") ? solver : PG_SOLVER_COMMAND;
    struct pg_solver s;
    struct diag d = {""};
    enum status st = pg_solver_init(&s, command, PG_QUERY_MS, PG_TOTAL_MS, &d);

    *out = (struct pg_certificates){0};
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    if (pg_solver_start(&s, &d) == PG_MISSING)
        st = STATUS_UNSUPPORTED;
    else
        st = pg_certify(j, &s, instruction, out, &d);
    pg_solver_close(&s);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    return out->count[PG_CONTRADICTED] || out->count[PG_LEFT_OPEN]
               ? CODE_NEGATIVE
               : CODE_DONE;
}
