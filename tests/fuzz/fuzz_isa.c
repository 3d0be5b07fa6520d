/* Any text as a description of a machine: refused with a place, or judged
 * within bounds; then every witness is what the evaluator finds again, and a
 * monitor can be made of it. */
#include "popek-goldberg/construct/construct_report.h"
#include "popek-goldberg/judge/space.h"
#include "popek-goldberg/report/compare.h"
#include "popek-goldberg/report/dot.h"
#include "popek-goldberg/report/html.h"
#include "popek-goldberg/report/report.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 12, CODES = 6, CONFIGS = 4 }; /* what is worth a wait */

static const char machine[] =
    "machine m \"t\" address 8 word 8 scaled 1 memory 2 monitor 2\n"
    "register ac, x : 8 scaled 2 resource ie : 1 monitor 1\n"
    "switch lock : 1 enforced const c = 0x80 scaled 2\n"
    "trap priv : privileged trap op : operand\n"
    "instruction A of B \"t\" (a : 8 scaled 1) {\n"
    "  when mode = user and lock = 1: trap priv else { when a = 1: trap op }\n"
    "  ac <- mem[a + 1] * x / 3 % 5 - cat(ie, ac[0:0]) ie <- not ac >= c\n"
    "  mem[a] <- mode ? ~ac : -x << 1 >> 1\n"
    "}\n"
    "instruction C { mode <- supervisor x <- unpredictable bound <- base }\n"
    "instruction D { when mode = user: unpredictable pc <- pc & 1 | 2 ^ 3 }\n"
    "claim A privileged source \"s\" confidence H timing \"w\"\n"
    "claim t1 fails source \"s\" confidence L\n";

const struct fuzz_seed fuzz_seeds[] = {
    {machine, sizeof(machine) - 1},
    {NULL, 0},
};

static bool small(const struct isa *isa)
{
    struct space s;

    for (unsigned i = 0; i < isa->encoding_count; i++) {
        space_open(&s, isa, &isa->encodings[i], false);
        if (s.size > SIZE)
            return false;
    }
    return isa->encoding_count <= CODES && pg_configs(isa) <= CONFIGS;
}

static void replay(const struct pg_judgement *j)
{
    struct pg_row rows[PG_ROWS];
    struct isa_result r;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        unsigned n = pg_rows(j, i, PG_CORRECTED, rows);

        for (unsigned k = 0; k < 2 * n; k++) {
            const struct pg_witness *w = rows[k / 2].witness;

            isa_step(j->isa, &j->isa->encodings[i], ISA_SCALED, w->operands,
                     &w->s[k % 2], &r);
            if (r.ending != w->r[k % 2].ending)
                abort();
        }
    }
}

static void write_out(const struct pg_judgement *j)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return;
    pg_report(f, j, PG_LITERAL, NULL);
    pg_report_json(f, j, PG_CORRECTED, NULL, NULL);
    const struct pg_page page = {.to = f, .j = j, .r = PG_CORRECTED};
    const struct pg_comparison both = {.j = {j, j}, .r = PG_CORRECTED};
    pg_report_html(&page);
    pg_report_dot(f, j, PG_CORRECTED);
    pg_compare(f, &both);
    if (pg_compare_differs(&both))
        abort();
    fclose(f);
    free(text);
}

/* It may diverge, but not fall over; what interprets everything may not even
 * diverge. */
static void construct(const struct pg_judgement *j, size_t seed)
{
    static struct construct_result r;
    struct construct_options o = {.seed = seed,
                                  .levels = 1 + seed % 3,
                                  .technique = CONSTRUCT_TRAP,
                                  .programs = 4,
                                  .steps = 12};
    FILE *f = fopen("/dev/null", "w");
    struct diag d = {""};

    if (construct_run(j, &o, &r, &d) == STATUS_OK && f) {
        construct_report_plan(f, j, &o);
        construct_report(f, j, &o, &r);
    }
    o.technique = CONSTRUCT_INTERPRET;
    o.levels = 1;
    if (construct_run(j, &o, &r, &d) == STATUS_OK && r.diverged)
        abort();
    if (f)
        fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct diag d = {""};
    struct pg_judgement j;
    struct isa *isa;

    if (isa_parse("fuzz", (const char *)bytes, len, &isa, &d) != STATUS_OK) {
        if (strncmp(d.text, "fuzz:", 5) != 0)
            abort();
        return 0;
    }
    if (small(isa) && pg_judge(isa, &j, &d) == STATUS_OK) {
        replay(&j);
        write_out(&j);
        construct(&j, len);
        pg_judgement_free(&j);
    }
    isa_free(isa);
    return 0;
}
