/* trapline check --all: the machines built in, each in a process of its own. */
#include "cli/check.h"
#include "cli/parallel.h"
#include "cli/terminal.h"
#include "popek-goldberg/language/machines.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MACHINES_MAX = 64, ALL_MS = 110000, PROGRESS_COLUMNS = 70 };

/* What is said of a machine in its row.  Shared with its process. */
struct tally {
    bool judged;
    unsigned encodings, critical;
    bool holds[PG_THEOREMS], vm, hybrid;
    unsigned claims, differ, explained;
    bool proved;
    unsigned count[PG_PROVED];
};

struct all {
    const struct check_options *o;
    struct tally *tallies;
    unsigned count;
    struct timespec begun;
    bool terminal; /* progress is shown, and must be wiped away */
    int code;      /* the worst so far */
    unsigned died;
};

static unsigned left_ms(const struct all *a)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    long long spent = (long long)(now.tv_sec - a->begun.tv_sec) * 1000 +
                      (now.tv_nsec - a->begun.tv_nsec) / 1000000;
    return spent < ALL_MS ? (unsigned)(ALL_MS - spent) : 1;
}

/* ---- In the machine's process ---- */

static void count(const struct pg_judgement *j, enum pg_reading r,
                  struct tally *t)
{
    t->encodings = j->isa->encoding_count;
    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        t->critical += pg_critical(&j->best.labels[i], r);
    memcpy(t->holds, j->best.holds[r], sizeof(t->holds));
    t->vm = j->best.vm;
    t->hybrid = j->best.hybrid;
    t->claims = j->isa->claim_count;
    for (unsigned i = 0; i < j->isa->claim_count; i++)
        if (!pg_claim_agrees(j, &j->isa->claims[i])) {
            t->differ++;
            t->explained += j->isa->claims[i].differs != NULL;
        }
    t->judged = true;
}

static int prove(const struct pg_judgement *j, const struct all *a,
                 struct tally *t)
{
    struct pg_certificates c;
    int code = check_certify(j, a->o->solver, NULL, left_ms(a), &c);

    if (!c.of)
        return code;
    t->proved = true;
    memcpy(t->count, c.count, sizeof(t->count));
    pg_certificates_free(&c);
    return code;
}

static int work(unsigned n, void *context)
{
    struct all *a = context;
    struct check_subject s;
    int code = check_judge(pg_built_in[n].name, &s), proved = CODE_DONE;

    if (code != CODE_DONE)
        return code;
    count(&s.j, a->o->r, &a->tallies[n]);
    code = check_verdict(&s.j, a->o->r);
    if (a->o->json)
        proved = check_print_whole(&s.j, a->o, left_ms(a));
    else if (a->o->solver)
        proved = prove(&s.j, a, &a->tallies[n]);
    check_forget(&s);
    return proved > code ? proved : code;
}

/* ---- Here ---- */

static const char *holds(bool b)
{
    return b ? "holds" : "fails";
}

static void print_head(const struct check_options *o)
{
    printf("%-12s %4s %4s %-5s %-5s %-5s %-5s %-6s %6s %6s %5s%s\n", "machine",
           "ops", "crit", "T1", "T2", "T3", "exact", "hybrid", "claims",
           "differ", "why", o->solver ? " open" : "");
}

static void print_row(const char *name, const struct tally *t)
{
    printf("%-12s %4u %4u %-5s %-5s %-5s %-5s %-6s %6u %6u %5u", name,
           t->encodings, t->critical, holds(t->holds[PG_T1]),
           holds(t->holds[PG_T2]), holds(t->holds[PG_T3]), holds(t->vm),
           holds(t->hybrid), t->claims, t->differ, t->explained);
    if (t->proved)
        printf(" %4u", t->count[PG_LEFT_OPEN] + t->count[PG_CONTRADICTED]);
    putchar('\n');
}

static void wipe(const struct all *a)
{
    if (a->terminal)
        fputs("\r\033[K", stderr);
}

/* One line: "12 of 31: s370, vax". */
static void tick(unsigned ended, const bool *running, void *context)
{
    const struct all *a = context;
    const char *joint = ":";
    int n;

    if (!a->terminal)
        return;
    wipe(a);
    n = fprintf(stderr, "%u of %u", ended, a->count);
    for (unsigned i = 0; i < a->count; i++) {
        if (!running[i] || n > PROGRESS_COLUMNS)
            continue;
        n += fprintf(stderr, "%s %s", joint, pg_built_in[i].name);
        joint = ",";
    }
    fflush(stderr);
}

/* Its process did not come to its end. */
static void tell_death(const char *name, const struct parallel_result *r,
                       struct all *a)
{
    a->died++;
    a->code = CODE_OURS;
    cli_say("%s: the process that looked at it was ended by signal %d (%s)",
            name, r->signal, strsignal(r->signal));
}

static void done(unsigned n, const struct parallel_result *r, void *context)
{
    const char *name = pg_built_in[n].name;
    struct all *a = context;
    bool whole = r->out_len && r->out[r->out_len - 1] == '\n';

    wipe(a);
    fputs(r->err, stderr);
    if (a->o->json) {
        fputs(n ? "," : "[", stdout);
        if (whole)
            fputs(r->out, stdout);
        else
            printf("{\"machine\":\"%s\",\"error\":\"not judged\"}\n", name);
    } else if (a->tallies[n].judged) {
        print_row(name, &a->tallies[n]);
    } else {
        printf("%-14s is not judged\n", name);
    }
    fflush(stdout);
    if (r->signal)
        tell_death(name, r, a);
    else if (r->status > a->code)
        a->code = r->status;
}

static void print_proofs(const struct all *a)
{
    unsigned count[PG_PROVED] = {0}, asked = 0;

    for (unsigned i = 0; i < a->count; i++)
        for (unsigned k = PG_CERTIFIED; k < PG_PROVED; k++) {
            count[k] += a->tallies[i].count[k];
            asked += a->tallies[i].count[k];
        }
    printf("Of %u questions in full width, %u have no witness (certified as\n"
           "unsatisfiable), %u have one, %u differ from the scaled machine, "
           "%u are open.\n",
           asked, count[PG_CERTIFIED], count[PG_REPLAYED],
           count[PG_CONTRADICTED], count[PG_LEFT_OPEN]);
}

static void print_sum(const struct all *a)
{
    unsigned holding[PG_THEOREMS] = {0}, differ = 0, explained = 0;

    for (unsigned i = 0; i < a->count; i++) {
        const struct tally *t = &a->tallies[i];

        for (unsigned k = 0; k < PG_THEOREMS; k++)
            holding[k] += t->holds[k];
        differ += t->differ;
        explained += t->explained;
    }
    printf("%u machines: the premise of Theorem 1 holds for %u, of 2 for %u, "
           "of 3 for %u.\n%u claims differ from what is derived; why is said "
           "of %u of them.\n",
           a->count, holding[PG_T1], holding[PG_T2], holding[PG_T3], differ,
           explained);
    if (a->o->solver)
        print_proofs(a);
    if (a->died)
        printf("%u machines are not judged: their processes died.\n", a->died);
}

/* The longest description first, so that none is left for the end. */
static void put_in_order(unsigned *order, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned k = i;

        for (; k > 0 && strlen(pg_built_in[order[k - 1]].text) <
                            strlen(pg_built_in[i].text);
             k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
}

static int run(struct all *a)
{
    unsigned order[MACHINES_MAX];
    struct parallel_plan plan = {.count = a->count,
                                 .order = order,
                                 .work = work,
                                 .done = done,
                                 .tick = tick,
                                 .context = a};
    struct diag d = {""};

    put_in_order(order, a->count);
    if (!a->o->json)
        print_head(a->o);
    enum status st = parallel_run(&plan, &d);
    wipe(a);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    if (a->o->json)
        puts("]");
    else
        print_sum(a);
    return a->code;
}

int check_all(char **argv, const struct check_options *o)
{
    struct all a = {.o = o,
                    .terminal = isatty(STDERR_FILENO) && terminal_has_cursor()};
    struct diag d = {"no memory for the rows"};
    int code = o->solver ? check_solver(o->solver) : CODE_DONE;

    (void)argv;
    if (code != CODE_DONE)
        return code;
    while (a.count < MACHINES_MAX && pg_built_in[a.count].name)
        a.count++;
    clock_gettime(CLOCK_MONOTONIC, &a.begun);
    a.tallies = mmap(NULL, a.count * sizeof(*a.tallies), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (a.tallies == MAP_FAILED)
        return cli_fail(STATUS_NO_MEMORY, &d);
    code = run(&a);
    munmap(a.tallies, a.count * sizeof(*a.tallies));
    return code;
}
