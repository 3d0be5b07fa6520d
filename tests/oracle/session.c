#include "tests/oracle/session.h"
#include "s370/machine/machine.h"
#include "tests/oracle/driver.h"
#include "tests/oracle/hercules.h"
#include "tests/oracle/ours.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What STIDP stores on the other machine. */
#define CPUID UINT64_C(0xFD00000130330000)

enum { HERCULES_SECONDS = 20, LOST_MAX = 20 };

struct session {
    const struct session_options *o;
    struct session_result *r;
    struct batch batch;
    struct s370_machine *machine;
    struct hercules hercules;
    uint8_t *theirs; /* storage of the other machine after a batch */
    uint8_t driver[DRIVER_SIZE];
    unsigned lost; /* cases in which Hercules was lost */
    unsigned shown;
    struct diag *d;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Hercules ---- */

/* It came to no end: a case has lost it.  Blame the case, blank it, and go on
 * behind it with a new one. */
static enum status recover(struct session *s, uint8_t *image, unsigned *next)
{
    uint32_t at = load_be32(s->theirs + AT_CUR);
    unsigned number = (at - AT_CASES) / CASE_SIZE;

    if (at < AT_CASES || number < *next || number >= s->batch.count ||
        ++s->lost > LOST_MAX)
        return diag_set(s->d, STATUS_HOST_FAILED,
                        "hercules is lost, near case %u", number);
    hercules_end(&s->hercules);
    memset(s->theirs + case_at(number) + RESULT, 0xEE, RESULT_SIZE);
    *next = number + 1;
    memcpy(image + AT_CASES, s->theirs + AT_CASES, *next * CASE_SIZE);
    batch_select(image, *next, s->batch.count - *next);
    return *next < s->batch.count
               ? hercules_start(&s->hercules, STORAGE_SIZE >> 20, s->d)
               : STATUS_OK;
}

static enum status run_hercules(struct session *s)
{
    uint8_t *image = malloc(STORAGE_SIZE);
    enum status st = STATUS_OK;
    unsigned next = 0;

    if (!image)
        return diag_set(s->d, STATUS_NO_MEMORY, "no memory");
    memcpy(image, s->batch.image, STORAGE_SIZE);
    if (s->hercules.pid <= 0)
        st = hercules_start(&s->hercules, STORAGE_SIZE >> 20, s->d);
    while (st == STATUS_OK && next < s->batch.count) {
        uint32_t end;
        st = hercules_run(&s->hercules, image, s->theirs, STORAGE_SIZE,
                          HERCULES_SECONDS, &end, s->d);
        if (st == STATUS_OK && end == DONE_ADDRESS)
            break;
        if (st == STATUS_OK)
            st = recover(s, image, &next);
    }
    free(image);
    return st;
}

/* ---- One batch ---- */

static void count_fates(struct session *s)
{
    struct tally *t = &s->r->tally;

    for (unsigned i = 0; i < s->batch.count; i++) {
        const struct fact *f = &s->batch.facts[i];
        t->fates[f->fate]++;
        t->unexplained += f->accepted;
        if (f->fate == FATE_RUN && f->last_op < S370_OP_COUNT)
            t->ops[f->last_op]++;
    }
}

/* Returns how many cases differ. */
static uint64_t judge_all(struct session *s, const uint8_t *theirs,
                          const char *name, struct tally *t)
{
    uint64_t different = 0;

    for (unsigned i = 0; i < s->batch.count; i++) {
        if (s->batch.facts[i].fate != FATE_RUN ||
            judge(&s->batch, i, theirs, t) != JUDGED_DIFFERENT)
            continue;
        different++;
        if (s->o->out && s->shown < s->o->show) {
            s->shown++;
            judge_show(s->o->out, &s->batch, i, theirs, name);
        }
    }
    return different;
}

/* The two drivers of our machine must do the same, clocks aside. */
static void run_ours(struct session *s)
{
    struct tally ignored = {0};
    double began = now();

    ours_step(&s->batch, s->machine);
    if (!ours_run(&s->batch, s->machine))
        s->r->step_run++;
    s->r->step_run +=
        judge_all(s, s->machine->storage.bytes, "s370_run", &ignored);
    s->r->our_seconds += now() - began;
}

static enum status run_batch(struct session *s, unsigned count, struct rng *r)
{
    enum status st = STATUS_OK;

    batch_generate(&s->batch, s->driver, count, r);
    run_ours(s);
    count_fates(s);
    if (!s->o->alone) {
        double began = now();
        st = run_hercules(s);
        s->r->their_seconds += now() - began;
        if (st == STATUS_OK)
            s->r->tally.unexplained +=
                judge_all(s, s->theirs, "Hercules", &s->r->tally);
    }
    return st;
}

/* ---- All batches ---- */

static enum status run_batches(struct session *s)
{
    struct rng r = {s->o->seed};
    enum status st = STATUS_OK;
    unsigned size = s->o->batch ? s->o->batch : CASES_MAX;

    while (st == STATUS_OK && s->r->tally.fates[FATE_RUN] < s->o->cases) {
        uint64_t left = s->o->cases - s->r->tally.fates[FATE_RUN];
        /* Some will not be run: begin with a few more. */
        unsigned count = left + left / 16 + 16 < size
                             ? (unsigned)(left + left / 16 + 16)
                             : size;
        st = run_batch(s, count, &r);
        if (s->o->progress)
            fprintf(s->o->progress, "\r%llu of %llu cases, %llu differ ",
                    (unsigned long long)s->r->tally.fates[FATE_RUN],
                    (unsigned long long)s->o->cases,
                    (unsigned long long)s->r->tally.unexplained);
    }
    if (s->o->progress)
        fputc('\n', s->o->progress);
    return st;
}

enum status oracle_run(const struct session_options *o,
                       struct session_result *r, struct diag *d)
{
    struct session *s = calloc(1, sizeof(*s));
    double began = now();

    memset(r, 0, sizeof(*r));
    if (!s)
        return diag_set(d, STATUS_NO_MEMORY, "no memory");
    *s = (struct session){.o = o, .r = r, .d = d};
    enum status st = driver_assemble("tests/oracle/driver.asm", s->driver, d);
    s->machine = s370_machine_new(STORAGE_SIZE, NULL);
    if (s->machine)
        s->machine->cpu.cpuid = CPUID;
    s->theirs = malloc(STORAGE_SIZE);
    bool room = batch_init(&s->batch) && s->machine && s->theirs;
    if (st == STATUS_OK && !room)
        st = diag_set(d, STATUS_NO_MEMORY, "no memory");
    if (st == STATUS_OK && !o->alone && !hercules_installed())
        st = diag_set(d, STATUS_UNSUPPORTED, "hercules is not installed");
    if (st == STATUS_OK)
        st = run_batches(s);
    hercules_end(&s->hercules);
    batch_fini(&s->batch);
    s370_machine_free(s->machine);
    free(s->theirs);
    free(s);
    r->seconds = now() - began;
    return st;
}

static const char *const fates[FATE_COUNT] = {
    [FATE_LATER] = "use a later facility that Hercules has",
    [FATE_UNNOTICED] =
        "have an exception or event that Hercules does not look for",
    [FATE_OPEN] = "have a result that the manual calls unpredictable",
    [FATE_WILD] = "would lose the bench, or depend on time",
};

void oracle_report(FILE *out, const struct session_result *r)
{
    const struct tally *t = &r->tally;
    unsigned ops = 0;

    for (unsigned i = 0; i < S370_OP_COUNT; i++)
        ops += t->ops[i] != 0;
    fprintf(out, "%llu cases in %.1f s (ours twice %.1f s, Hercules %.1f s)\n",
            (unsigned long long)t->fates[FATE_RUN], r->seconds, r->our_seconds,
            r->their_seconds);
    fprintf(out, "  they ended with %u of %d instructions\n", ops,
            S370_OP_COUNT);
    for (unsigned i = FATE_RUN + 1; i < FATE_COUNT; i++)
        fprintf(out, "  %8llu more not asked: %s\n",
                (unsigned long long)t->fates[i], fates[i]);
    for (unsigned i = 0; i < DIFFER_COUNT; i++)
        fprintf(out, "  %8llu explained: %s\n",
                (unsigned long long)t->explained[i], difference_what[i]);
    fprintf(out, "  %8llu differ between s370_step and s370_run\n",
            (unsigned long long)r->step_run);
    fprintf(out, "  %8llu differ from Hercules without explanation\n",
            (unsigned long long)t->unexplained);
}
