/* Any bytes as the trace or the account of a run: refused with a place, or
 * counted so that the sums hold. */
#include "cli/check_efficiency.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char trace[] =
    "{\"schema\":\"trapline/trace/v1\"}\n"
    "{\"kind\":\"io\",\"seq\":1,\"vm\":1,\"insns\":0,\"info\":[384,0]}\n"
    "{\"kind\":\"exit\",\"seq\":3,\"vm\":1,\"insns\":9,\"reason\":"
    "\"SENSITIVE\",\"insn\":\"SSM\",\"cost_ns\":70,\"state\":\"BC 0\"}\n"
    "{\"kind\":\"exit\",\"seq\":4,\"vm\":2,\"insns\":9,\"reason\":\"TIMER\","
    "\"raw_name\":\"\\u0041\\n\"}\n";

static const char account[] =
    "{\"schema\":\"trapline/run/v1\",\"on\":\"trap\",\"seconds\":0.25,"
    "\"guests\":[{\"name\":\"g\",\"instructions\":9,\"direct\":8,"
    "\"interpreted\":1,\"exits\":3,\"by_reason\":[{\"reason\":\"TRAP\","
    "\"insn\":\"SVC\",\"count\":2,\"cost_ns\":70}],\"lost\":1}]}\n";

const struct fuzz_seed fuzz_seeds[] = {
    {trace, sizeof(trace) - 1},
    {account, sizeof(account) - 1},
    {NULL, 0},
};

static void check(const struct efficiency *e)
{
    for (unsigned i = 0; i < EFFICIENCY_GUESTS; i++) {
        const struct efficiency_guest *g = &e->guests[i];
        struct efficiency_sums s;
        uint64_t exits = g->lost;

        efficiency_sum(e, g, NULL, &s);
        for (unsigned k = 0; k < EFFICIENCY_CAUSES; k++)
            exits += s.exits[k];
        if (efficiency_direct(g) > g->insns || exits != g->exits ||
            g->row_count > EFFICIENCY_ROWS)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct efficiency e;
    struct diag d = {""};
    FILE *f = len ? fmemopen((void *)(uintptr_t)bytes, len, "r") : NULL;

    if (!f)
        return 0;
    if (efficiency_read_from(f, "f", &e, &d) == STATUS_OK)
        check(&e);
    else if (strncmp(d.text, "f:", 2) != 0)
        abort();
    fclose(f);
    return 0;
}
