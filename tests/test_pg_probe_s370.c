/* The labels of System/370 instructions, observed, are the declared ones; and
 * a machine that is wrong in one instruction is found out. */
#include "popek-goldberg/probe/agree_s370.h"

#include "base/bits.h"
#include "s370/machine/access.h"
#include "s370/machine/execute.h"
#include "tests/command.h"
#include "tests/pg_isa.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1974, FEWER = 24, TIMEOUT = 60 };

static struct pg_probe_row *rows;
static struct isa *isa;
static struct pg_judgement derived;
static struct pg_s370_answers answers;

static void probe(void)
{
    struct diag d = {""};

    isa = pg_machine_named("s370");
    ck_assert_msg(pg_judge(isa, &derived, &d) == STATUS_OK, "%s", d.text);
    rows = calloc(S370_OP_COUNT, sizeof(*rows));
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(pg_probe_s370(rows, &pg_s370_step, SEED, PG_S370_STATES),
                     STATUS_OK);
    answers = (struct pg_s370_answers){&s370_insns, &derived, rows};
}

static void forget(void)
{
    free(rows);
    pg_judgement_free(&derived);
    isa_free(isa);
}

static char *report(int *bad)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(f);
    *bad = pg_s370_report(&answers, f);
    fclose(f);
    return text;
}

START_TEST(test_every_row_agrees_or_is_explained)
{
    int bad;
    char *text = report(&bad);

    ck_assert_msg(bad == 0, "%s", text);
    free(text);
}
END_TEST

/* The footnotes are all in use: none explains what no longer differs. */
START_TEST(test_the_explained_are_five)
{
    static const uint8_t explained[] = {S370_OP_SVC, S370_OP_EX, S370_OP_DIAG,
                                        S370_OP_MC, S370_OP_STCK};
    unsigned n = 0;

    for (unsigned op = 0; op < S370_OP_COUNT; op++)
        n += pg_s370_judge(&answers, op).explained != NULL;
    ck_assert_uint_eq(n, ARRAY_LEN(explained));
    for (size_t i = 0; i < ARRAY_LEN(explained); i++)
        ck_assert_ptr_nonnull(pg_s370_judge(&answers, explained[i]).explained);
}
END_TEST

/* What the footnotes say of CR8 and of the clock. */
START_TEST(test_footnotes_are_true)
{
    const uint64_t clock = UINT64_C(1) << S370_REG_TOD | UINT64_C(1)
                                                             << PG_TOD_SET;

    ck_assert(rows[S370_OP_MC].traps_by == UINT64_C(1) << S370_REG_CR8);
    ck_assert(rows[S370_OP_STCK].leaks == clock);
    ck_assert(rows[S370_OP_EX].user_leaks == clock);
    ck_assert_uint_eq(rows[S370_OP_EX].user, SENS_MODE);
    ck_assert_uint_eq(rows[S370_OP_SVC].completed, 0);
    ck_assert_uint_eq(rows[S370_OP_DIAG].supervised, 0);
}
END_TEST

/* Nothing is sensitive in the problem state without a trap but STORE CLOCK,
 * by itself or executed: what Theorem 3 asks. */
START_TEST(test_user_sensitive)
{
    for (unsigned op = 0; op < S370_OP_COUNT; op++)
        if (op != S370_OP_STCK && op != S370_OP_EX)
            ck_assert_msg(rows[op].user == 0, "%s", s370_insns.rows[op].name);
}
END_TEST

/* A label that is missing means something only where both runs went through;
 * the scarcest is a privileged one that wants a rare operand. */
START_TEST(test_pairs_went_through)
{
    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        const struct pg_probe_row *row = &rows[op];

        if (op == S370_OP_SVC || op == S370_OP_DIAG)
            continue;
        ck_assert_msg(row->completed * 20 >= row->pairs, "%s: %u of %u",
                      s370_insns.rows[op].name, row->completed, row->pairs);
        ck_assert_msg(row->privilege == PRIV_P ? row->trap.found : true, "%s",
                      s370_insns.rows[op].name);
    }
}
END_TEST

static unsigned replayed(const struct pg_probe_witness *w)
{
    if (!w->found)
        return 0;
    ck_assert_msg(pg_probe_replay(w, &pg_s370_step), "%s by %s",
                  s370_insns.rows[w->op].name, pg_part_name(w->varied));
    return 1;
}

START_TEST(test_witnesses_replay)
{
    unsigned n = 0;

    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        n += replayed(&rows[op].trap) + replayed(&rows[op].control) +
             replayed(&rows[op].less);
        for (unsigned part = 0; part < PG_PARTS; part++)
            n += replayed(&rows[op].shows[part]);
    }
    ck_assert_uint_gt(n, 100);
}
END_TEST

/* A witness that says something else than the machine does is refused. */
START_TEST(test_false_witness)
{
    struct pg_probe_witness w = rows[S370_OP_LRA].shows[PG_LOCATION];

    ck_assert(w.found);
    w.seen.b ^= 1;
    ck_assert(!pg_probe_replay(&w, &pg_s370_step));
    w = (struct pg_probe_witness){0};
    ck_assert(!pg_probe_replay(&w, &pg_s370_step));
}
END_TEST

START_TEST(test_witness_in_words)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(f);
    pg_probe_print_witness(&rows[S370_OP_STPX].shows[S370_REG_PREFIX], f);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, "STPX, state "));
    ck_assert_ptr_nonnull(strstr(text, "varied: PREFIX"));
    ck_assert_ptr_nonnull(strstr(text, "S2: PSW "));
    ck_assert_ptr_nonnull(strstr(text, "    STORAGE["));
    free(text);
}
END_TEST

/* Labels, not counts: the fast driver is the same machine. */
START_TEST(test_the_fast_driver_has_the_same_labels)
{
    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        struct pg_probe_row true_row = rows[op];

        if (op == S370_OP_EX) /* its body is the same */
            continue;
        ck_assert_int_eq(
            pg_probe_s370_insn(&rows[op], op, &pg_s370_run, SEED, FEWER),
            STATUS_OK);
        struct pg_s370_verdict v = pg_s370_judge(&answers, op);
        ck_assert_msg(pg_s370_good(&v), "%s", s370_insns.rows[op].name);
        rows[op] = true_row;
    }
}
END_TEST

START_TEST(test_opcodes_that_are_not_there)
{
    unsigned tried;
    uint32_t first;

    ck_assert_int_eq(pg_probe_s370_invalid(&pg_s370_step, SEED, &tried, &first),
                     STATUS_OK);
    ck_assert_msg(first == 0x10000, "%04x", first);
    ck_assert_uint_gt(tried, 400);
}
END_TEST

static const struct command_case commands[] = {
    {"$F check s370 --probe", 0, "\n181 instructions; 0 neither agree nor"},
    {"check toy --probe", 2, "only s370 has a probe"},
    {"check s370 --probe --json", 2, "goes with no other option"},
};

START_TEST(test_command)
{
    command_expect(&commands[_i]);
}
END_TEST

/* ---- Machines that are wrong in one instruction ---- */

struct mutant {
    const char *name;
    enum s370_op op;
    s370_body_fn body; /* in both modes, without the privilege check */
    uint8_t privilege, sensitivity; /* as it is then observed */
    bool silent;
};

/* The instruction about to be executed, by EXECUTE too; its length, or 0 when
 * it cannot be fetched. */
static unsigned peek(struct s370_cpu *cpu, struct s370_decoded *d)
{
    uint8_t bytes[6] = {0};

    if ((cpu->psw.ia & 1) || s370_load_bytes(cpu, cpu->psw.ia, 6, bytes))
        return 0;
    s370_decode(bytes, d);
    if (d->op != S370_OP_EX)
        return d->len;
    uint8_t more = d->r1 ? (uint8_t)cpu->gr[d->r1] : 0;
    if (s370_load_bytes(cpu, s370_ea2(cpu, d), 6, bytes))
        return 0;
    bytes[1] |= more;
    s370_decode(bytes, d);
    return 4;
}

/* As s370_step, but for the one instruction. */
static void mutant_step(void *of, struct s370_cpu *cpu,
                        struct s370_interruption *in)
{
    const struct mutant *m = of;
    struct s370_decoded d;

    s370_context_changed(cpu);
    unsigned len = peek(cpu, &d);
    if (!len || d.op != m->op) {
        s370_step(cpu, in);
        return;
    }
    cpu->ilc = (uint8_t)len;
    cpu->psw.ia = (cpu->psw.ia + len) & S370_ADDRESS_MASK;
    cpu->ran++;
    s370_conclude(cpu, m->body(cpu, &d), in);
}

static int lpsw_is_ignored(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return cpu->psw.problem ? S370_DONE : op_lpsw(cpu, d);
}

static int ptlb_is_ignored(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return cpu->psw.problem ? S370_DONE : op_ptlb(cpu, d);
}

static int lr_shows_mode(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    cpu->gr[d->r1] = cpu->gr[d->r2] ^ cpu->psw.problem;
    return S370_DONE;
}

static int balr_shows_key(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    int outcome = op_balr(cpu, d);

    cpu->gr[d->r1] ^= (uint32_t)cpu->psw.key << 24;
    return outcome;
}

/* The real address: what LOAD REAL ADDRESS is privileged for. */
static int la_translates(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t real = s370_ea2(cpu, d);
    uint8_t cc;

    if (s370_psw_dat(&cpu->psw))
        TRY(s370_translate(cpu, s370_ea2(cpu, d), &real, &cc));
    cpu->gr[d->r1] = real;
    return S370_DONE;
}

static int spm_sets_key(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    cpu->psw.key = ibm32(cpu->gr[d->r1], 4, 7) & 0xF;
    return op_spm(cpu, d);
}

static int ni_stops(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    cpu->stopped = true;
    return op_ni(cpu, d);
}

static int svc_is_privileged(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    return cpu->psw.problem ? S370_PGM_PRIVILEGED_OPERATION : op_svc(cpu, d);
}

static const struct mutant mutants[] = {
    {"LPSW is ignored by the user", S370_OP_LPSW, lpsw_is_ignored, PRIV_U,
     SENS_CTL, true},
    {"PTLB is ignored by the user", S370_OP_PTLB, ptlb_is_ignored, PRIV_U,
     SENS_CTL, true},
    {"STIDP is unprivileged", S370_OP_STIDP, op_stidp, PRIV_U, SENS_MODE,
     false},
    {"SSK is unprivileged", S370_OP_SSK, op_ssk, PRIV_U, SENS_CTL, false},
    {"LR shows the mode", S370_OP_LR, lr_shows_mode, PRIV_U, SENS_MODE, false},
    {"BALR shows the key", S370_OP_BALR, balr_shows_key, PRIV_U, SENS_MODE,
     false},
    {"LA translates", S370_OP_LA, la_translates, PRIV_U, SENS_LOC, false},
    {"SPM sets the key", S370_OP_SPM, spm_sets_key, PRIV_U, SENS_CTL, false},
    {"NI stops the CPU", S370_OP_NI, ni_stops, PRIV_U, SENS_CTL, false},
    {"SVC is privileged", S370_OP_SVC, svc_is_privileged, PRIV_P, 0, false},
};

START_TEST(test_mutant_is_named)
{
    struct mutant m = mutants[_i];
    struct pg_s370_machine machine = {mutant_step, &m};
    struct pg_probe_row *row = &rows[m.op], true_row = *row;
    char named[16], *text;
    int bad;

    ck_assert_int_eq(
        pg_probe_s370_insn(row, m.op, &machine, SEED, PG_S370_STATES),
        STATUS_OK);
    ck_assert_msg(row->privilege == m.privilege, "%s: %u", m.name,
                  row->privilege);
    ck_assert_msg(row->sensitivity == m.sensitivity, "%s: %u", m.name,
                  row->sensitivity);
    ck_assert_msg(row->silent == m.silent, "%s", m.name);
    text = report(&bad);
    ck_assert_int_eq(bad, 1);
    snprintf(named, sizeof(named), "\n%-6s ", s370_insns.rows[m.op].name);
    const char *line = strstr(text, named);
    ck_assert_ptr_nonnull(line);
    const char *end = strchr(line + 1, '\n'), *word = strstr(line, "DIFFERS");
    ck_assert_msg(word && word < end, "%s", m.name);
    if (m.silent)
        ck_assert(pg_probe_replay(&row->less, &machine));
    *row = true_row;
    free(text);
}
END_TEST

Suite *suite_pg_probe_s370(void)
{
    Suite *s = suite_create("pg_probe_s370");
    TCase *t = tcase_create("labels");

    tcase_add_unchecked_fixture(t, probe, forget);
    tcase_set_timeout(t, TIMEOUT);
    tcase_add_test(t, test_every_row_agrees_or_is_explained);
    tcase_add_test(t, test_the_explained_are_five);
    tcase_add_test(t, test_footnotes_are_true);
    tcase_add_test(t, test_user_sensitive);
    tcase_add_test(t, test_pairs_went_through);
    tcase_add_test(t, test_witnesses_replay);
    tcase_add_test(t, test_false_witness);
    tcase_add_test(t, test_witness_in_words);
    tcase_add_test(t, test_the_fast_driver_has_the_same_labels);
    tcase_add_test(t, test_opcodes_that_are_not_there);
    tcase_add_loop_test(t, test_command, 0, ARRAY_LEN(commands));
    tcase_add_loop_test(t, test_mutant_is_named, 0, ARRAY_LEN(mutants));
    suite_add_tcase(s, t);
    return s;
}
