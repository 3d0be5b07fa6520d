/* Hostile guests on x86, for as long as one likes.
 *
 *     fuzz_x86 [SECONDS [SEED]]
 *
 * Each seed is one program: on both engines of the modelled processor beside
 * the bare one, in long turns, short ones, or stepped, in protected and
 * virtual-8086 mode without paging, with 32-bit paging and with PAE; as a
 * monitor with VT-x under ours; and, run at once beside stepped, alone and as a
 * monitor with VT-x and with AMD-V.
 *
 * Of four seeds in a row two meet interrupts and NMIs, each before the same
 * instruction on both (x86_hostile_arrival.h).
 *
 * An odd seed's plain programs are those of the seed with HOSTILE_EDGES
 * (x86_hostile.h); that is the number that is named.
 *
 * Where the two differ, the first instruction that does is looked for.  The
 * difference is none of ours only if it vanishes when both drop all
 * translations right before that instruction, one of them had kept a
 * translation that the tables do not say any more, and none had kept one that
 * the program has dropped; x86_hostile_judge.h has the rule and its one
 * exception.  These are counted.  Every other difference is a failure that
 * names the seed, the instruction and what differs; `fuzz_x86 0 SEED` runs that
 * seed alone.  Meant to be built with the sanitizers. */
#include "tests/x86_hostile_judge.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SECONDS = 60, INSNS = 3000 };

/* What has come of all programs. */
struct tally {
    unsigned long long programs[SYS_MODE_COUNT][HOSTILE_PAGING_COUNT];
    unsigned long long monitors, stale, parted;
    unsigned failed;
};

static void judge(struct tally *t, const struct hostile_guest *g,
                  const char *where)
{
    static const char *const paging[] = {"", ", 32-bit paging", ", PAE"};
    char words[HOSTILE_WORDS] = "";
    enum hostile_verdict v = hostile_judge(g, words);

    t->stale += v == HOSTILE_STALE;
    t->parted += v == HOSTILE_PARTED;
    if (v != HOSTILE_DIFFERENT)
        return;
    t->failed++;
    printf("seed %llu, %s%s: %s\n", (unsigned long long)g->seed, where,
           paging[g->paging], words);
}

static void run_engine(struct tally *t, struct hostile_guest g)
{
    unsigned cpl,
        last = hostile_chooses_paging(g.seed) ? HOSTILE_PAGING_COUNT : 1;

    for (unsigned i = 0; i < last; i++) {
        g.paging = (enum hostile_paging)i;
        judge(t, &g, g.engine->name);
        t->programs[hostile_mode(g.seed, &cpl)][i]++;
    }
}

/* At once beside stepped. */
static void run_stepped(struct tally *t, struct hostile_guest g)
{
    g.engine = NULL;
    judge(t, &g, "stepped");
    g.monitor = true;
    t->monitors += 2;
    judge(t, &g, "a monitor with VT-x, stepped");
    g.svm = true;
    judge(t, &g, "a monitor with AMD-V, stepped");
}

static void run_inner(struct tally *t, struct hostile_guest g)
{
    g.monitor = true;
    t->monitors += 2;
    judge(t, &g, "a monitor under ours");
    g.resumes = true;
    judge(t, &g, "a monitor under ours that resumes its guest");
}

static void run_seed(struct tally *t, uint64_t seed)
{
    static const uint64_t slices[] = {1000000, 7, 1};
    struct hostile_guest g = {.seed = seed,
                              .insns = INSNS,
                              .slice = slices[seed % 3],
                              .disturbed = seed / 2 % 2};

    if (seed % 2)
        g.seed |= HOSTILE_EDGES;
    g.engine = &engine_svm;
    run_engine(t, g);
    g.engine = &engine_vtx;
    run_engine(t, g);
    g.seed = seed;
    run_inner(t, g);
    run_stepped(t, g);
}

static void print_tally(const struct tally *t)
{
    static const char *const modes[] = {"real", "protected", "virtual-8086",
                                        "long", "compatibility"};
    static const char *const paging[] = {"", " 32-bit paging", " PAE"};

    for (unsigned m = 0; m < SYS_MODE_COUNT; m++)
        for (unsigned p = 0; p < HOSTILE_PAGING_COUNT; p++)
            if (t->programs[m][p])
                printf("  %8llu %s%s\n", t->programs[m][p], modes[m],
                       paging[p]);
    printf("  %8llu monitors\n", t->monitors);
    printf("  %8llu used translations of tables that had changed, and the "
           "machines differ\n",
           t->stale);
    printf("  %8llu parted with right: at pointers of PAE paging that AMD-V "
           "does not check, or\n           in code that is a page table\n",
           t->parted);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : SECONDS;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1, seed = first;
    time_t end = time(NULL) + (time_t)seconds;
    struct tally t = {0};

    if (!x86_op_decode_available()) {
        printf("SKIPPED: %s\n", X86_NO_DECODER);
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* a failure is seen at once */
    do
        run_seed(&t, seed++);
    while (time(NULL) < end && t.failed < 20);
    printf("%llu programs from seed %llu, %u failed\n",
           (unsigned long long)(seed - first), (unsigned long long)first,
           t.failed);
    print_tally(&t);
    return t.failed != 0;
}
