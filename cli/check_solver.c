#include "cli/check.h"

#include <string.h>

static const char *full_command(const char *solver)
{
    return strcmp(solver, "z3") ? solver : PG_SOLVER_COMMAND;
}

int check_solver(const char *solver)
{
    struct pg_solver s;
    struct diag d = {""};
    enum status st =
        pg_solver_init(&s, full_command(solver), PG_QUERY_MS, PG_TOTAL_MS, &d);

    if (st == STATUS_OK && pg_solver_start(&s, &d) == PG_MISSING)
        st = STATUS_UNSUPPORTED;
    if (st == STATUS_OK || st == STATUS_UNSUPPORTED)
        pg_solver_close(&s);
    return st == STATUS_OK ? CODE_DONE : cli_fail(st, &d);
}

int check_certify(const struct pg_judgement *j, const char *solver,
                  const char *instruction, unsigned total_ms,
                  struct pg_certificates *out)
{
    struct pg_solver s;
    struct diag d = {""};
    enum status st =
        pg_solver_init(&s, full_command(solver), PG_QUERY_MS, total_ms, &d);

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
