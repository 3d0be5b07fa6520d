/* Witnesses, walked through, kept in files and replayed: described ones, and
 * those of the probe. */
#include "popek-goldberg/language/machines.h"
#include "popek-goldberg/witness/expr_words.h"
#include "popek-goldberg/witness/walk_s370.h"
#include "popek-goldberg/witness/witness_file.h"
#include "tests/command.h"
#include "tests/pg_isa.h"
#include "tests/terminal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { SEED = 1974, STATES = 24 };

/* ---- Every witness of a machine ---- */

static const char *const machines[] = {"toy", "paper", "tutorial", "m68000",
                                       "z-sie"};

struct text {
    char *at;
    size_t size;
};

static void check_kept(const struct isa *isa, const struct pg_row *row)
{
    static struct pg_kept k;
    struct diag d = {""};
    struct text t = {NULL, 0};
    FILE *f = open_memstream(&t.at, &t.size);

    ck_assert_ptr_nonnull(f);
    pg_keep(f, isa->name, isa, row);
    fclose(f);
    ck_assert_msg(pg_kept_machine("w", t.at, t.size, &k, &d) == STATUS_OK &&
                      pg_kept_read("w", t.at, t.size, isa, &k, &d) == STATUS_OK,
                  "%s\n%s", d.text, t.at);
    ck_assert_str_eq(k.machine, isa->name);
    ck_assert_uint_eq(k.row.encoding, row->encoding);
    ck_assert_str_eq(k.row.label, row->label);
    ck_assert_mem_eq(k.witness.s, row->witness->s, sizeof(k.witness.s[0]));
    ck_assert_msg(pg_kept_replays(isa, &k, &d), "%s: %s\n%s", isa->name, d.text,
                  t.at);
    free(t.at);
}

static void check_walk(const struct isa *isa, const struct pg_row *row)
{
    const struct isa_encoding *code = &isa->encodings[row->encoding];
    struct pg_walk walk;

    ck_assert_int_eq(pg_walk_row(isa, row, &walk), STATUS_OK);
    ck_assert_uint_ge(walk.count, 2 + (code->action_count > 0));
    ck_assert_uint_le(walk.count, 2 + code->action_count);
    ck_assert(!strncmp(walk.steps[0], code->name, strlen(code->name)));
    ck_assert_ptr_nonnull(strstr(walk.steps[walk.count - 1], "Because "));
    pg_walk_free(&walk);
}

START_TEST(test_every_witness)
{
    struct isa *isa = pg_machine_named(machines[_i]);
    struct pg_row rows[PG_ROWS];
    struct pg_judgement j;
    struct diag d = {""};
    unsigned seen = 0;

    ck_assert_msg(pg_judge(isa, &j, &d) == STATUS_OK, "%s", d.text);
    for (unsigned i = 0; i < isa->encoding_count; i++)
        for (unsigned r = 0; r < PG_READINGS; r++) {
            unsigned n = pg_rows(&j, i, r, rows);

            for (unsigned k = 0; k < n; k++, seen++) {
                check_walk(isa, &rows[k]);
                check_kept(isa, &rows[k]);
            }
        }
    ck_assert_uint_gt(seen, 5);
    pg_judgement_free(&j);
    isa_free(isa);
}
END_TEST

/* ---- What a step says ---- */

static const struct {
    const char *args, *says;
} said[] = {
    {"step toy --witness GETM:2", "GETM, mode sensitive: "},
    {"step toy --witness GETM:2", "Step 2 of 3\n\nac <- mode"},
    {"step toy --witness GETM:2",
     "\n  mode                      supervisor              user\n"
     "  so                        0                       1\n"},
    {"step toy --witness GETM:2",
     "\n* ac                        0                       0 -> 1   <--\n"},
    {"step toy --witness POPF:4", "when mode = supervisor:\n    bound <- ac"},
    {"step toy --witness POPF:4", "not done"},
    {"step s370 --witness SSM:1 --reading literal", "it traps: the end"},
    {"step s370 --witness SSM:1 --reading literal", "(ended)"},
    {"step m68000 --witness MOVE_from_SR:1", "MOVE_from_SR, "},
    {"step toy --witness POPF:4", "So it breaks equivalence.\n"},
    {"step toy --witness POPF:4", "                            S             "
                                  "          f(S)\n"},
    {"step toy --witness 1 --reading literal", "Step 1 of "},
    {"step tutorial --witness 1", "Because "},
    {"step s370 --probe --witness LRA", "LRA, LOAD REAL ADDRESS"},
    {"step s370 --probe --witness LRA", "The machine does it again"},
    {"step s370 --probe --witness STIDP", "\n* CPU_ID  "},
    {"step s370 --probe --witness STPX:2", "privileged-operation exception"},
};

START_TEST(test_said)
{
    const struct command_case c = {said[_i].args, 0, said[_i].says};

    command_expect(&c);
}
END_TEST

static const struct command_case wrong[] = {
    {"step", 2, "one machine or file is wanted"},
    {"step toy", 2, "--witness N or NAME"},
    {"step toy --witness 0", 2, "--witness 0: there is none"},
    {"step toy --witness 100000", 2, "there is none"},
    {"step toy --witness GETM:99", 2, "there is none"},
    {"step toy --witness GETM:", 2, "there is none"},
    {"step toy --witness LA", 2, "there is none"},
    {"step tois --witness 1", 2, "did you mean toy?"},
    {"step toy --witness 1 --reading both", 2, "literal or corrected"},
    {"step toy --probe --witness 1", 2, "only s370 has a probe"},
    {"step s370 --probe --witness LR", 2, "there is none"},
    {"step s370 --probe --witness LRA --reading literal", 2, "no --reading"},
    {"step none.witness", 2, "none.witness"},
    {"step none.witness --witness 1", 2, "no option"},
    {"step toy --witness 1 --save /no/such/folder/x", 2, "No such file"},
    {"step none.isa --witness 1", 2, "none.isa"},
};

START_TEST(test_wrong_use)
{
    command_expect(&wrong[_i]);
}
END_TEST

/* ---- The probe's ---- */

static const enum s370_op probed[] = {
    S370_OP_LRA,  S370_OP_STNSM, S370_OP_ISK,  S370_OP_LPSW,
    S370_OP_RRB,  S370_OP_SIO,   S370_OP_STCK, S370_OP_SPX,
    S370_OP_PTLB, S370_OP_STIDC, S370_OP_SIGP};

static void check_seen(const struct pg_probe_witness *w)
{
    static struct pg_kept k;
    struct diag d = {""};
    struct pg_walk walk;
    struct text t = {NULL, 0};
    FILE *f = open_memstream(&t.at, &t.size);

    ck_assert_ptr_nonnull(f);
    pg_keep_probe(f, w);
    fclose(f);
    ck_assert_msg(
        pg_kept_machine("w", t.at, t.size, &k, &d) == STATUS_OK && k.probe &&
            pg_kept_read("w", t.at, t.size, NULL, &k, &d) == STATUS_OK,
        "%s\n%s", d.text, t.at);
    ck_assert_msg(pg_probe_replay(&k.seen, &pg_s370_step), "%s", t.at);
    free(t.at);

    ck_assert_int_eq(pg_walk_s370(w, &pg_s370_step, &walk), STATUS_OK);
    ck_assert_uint_eq(walk.count, 3);
    ck_assert_ptr_nonnull(strstr(walk.steps[2], "the witness replays"));
    pg_walk_free(&walk);
    k.seen.seen.b ^= 1;
    ck_assert_int_eq(pg_walk_s370(&k.seen, &pg_s370_step, &walk), STATUS_OK);
    ck_assert_ptr_nonnull(strstr(walk.steps[2], "does not replay"));
    pg_walk_free(&walk);
}

START_TEST(test_probed)
{
    const struct pg_probe_witness *all[PG_S370_WITNESSES];
    struct pg_probe_row row;

    ck_assert_int_eq(
        pg_probe_s370_insn(&row, probed[_i], &pg_s370_step, SEED, STATES),
        STATUS_OK);
    unsigned n = pg_s370_witnesses(&row, all);
    ck_assert_uint_gt(n, 0);
    for (unsigned i = 0; i < n; i++)
        check_seen(all[i]);
}
END_TEST

/* ---- Files ---- */

#define HEAD  "trapline witness 1\nmachine toy\ninstruction GETM\n"
#define KIND  "proof pair\nreason differs ac\n"
#define FIRST "state q=5 bound=5\noutcome done q=5 bound=5 pc=1\n"
#define SECOND \
    "state q=5 bound=5 mode=1\noutcome done q=5 bound=5 mode=1 pc=1 ac=1\n"

static const struct command_case files[] = {
    {HEAD KIND FIRST SECOND, 0, "Step 3 of 3"},
    {HEAD "# a comment\n\n" KIND FIRST SECOND "label so\n", 0, "GETM, so"},
    /* Not true. */
    {HEAD KIND FIRST "state q=5 bound=5 mode=1\n"
                     "outcome done q=5 bound=5 mode=1 pc=1 ac=2\n",
     1, "the second outcome is another one"},
    {HEAD KIND FIRST "state q=5 bound=5 mode=1 ac=2\n"
                     "outcome done q=5 bound=5 mode=1 pc=1 ac=1\n",
     1, "do not differ in one thing alone"},
    {HEAD "proof pair\nreason differs pc\n" FIRST SECOND, 1,
     "the reason is not true"},
    {HEAD "proof pair\nreason traps-too ac\n" FIRST SECOND, 1,
     "the reason is not true"},
    {HEAD "proof mapped\nreason differs ac\n" FIRST SECOND, 1, "not f(S)"},
    {HEAD KIND "state q=5 bound=5\noutcome trap memory\n" SECOND, 1,
     "the first outcome is another one"},
    /* Not a witness. */
    {"", 2, "f.witness:0: expected 'trapline witness 1'"},
    {"trapline witness 2\n", 2, "f.witness:1: expected 'trapline witness 1'"},
    {"trapline witness 1\n", 2, "f.witness:1: expected 'machine NAME'"},
    {"trapline witness 1\nengine toy\n", 2, "f.witness:2: expected 'machine"},
    {"trapline witness 1\nmachine\n", 2, "f.witness:2: expected a name"},
    {"trapline witness 1\nmachine tois\n", 2, "did you mean toy?"},
    {"trapline witness 1\nprobe s360\n", 2, "f.witness:2: expected s370"},
    {HEAD "proof pairs\n", 2, "f.witness:4: expected alone, pair"},
    {HEAD "reason why ac\n", 2, "f.witness:4: expected a reason"},
    {HEAD "reason differs bc\n", 2, "f.witness:4: expected a register"},
    {HEAD "reason differs mem[9]\n", 2, "f.witness:4: expected a register"},
    {HEAD "proof pair twice\n", 2, "f.witness:4: expected the end of the"},
    {HEAD "operand x 1\n", 2, "f.witness:4: expected an operand"},
    {HEAD "state q=5 ac\n", 2, "f.witness:4: expected PLACE=NUMBER"},
    {HEAD "state q=5 ac=99\n", 2, "f.witness:4: expected a number, found 99"},
    {HEAD "state q=5 ac=-1\n", 2, "f.witness:4: expected a number, found -1"},
    {HEAD "state ac=1\n", 2, "f.witness:4: expected q"},
    {HEAD "outcome done q=5\n", 2, "f.witness:4: expected a state before"},
    {HEAD FIRST "outcome done q=5\n", 2, "f.witness:6: expected a state"},
    {HEAD "state q=5\nstate q=5\n", 2, "f.witness:5: expected at most two"},
    {HEAD "state q=5\noutcome trap fire\n", 2, "f.witness:5: expected a trap"},
    {HEAD "state q=5\noutcome lost\n", 2, "f.witness:5: expected done, trap"},
    {HEAD "colour red\n", 2, "f.witness:4: expected instruction, label"},
    {HEAD KIND FIRST, 2, "f.witness:7: expected an instruction, a proof"},
    {"trapline witness 1\nmachine toy\ninstruction HALT\n", 2,
     "f.witness:3: expected an instruction of the machine"},
    {"trapline witness 1\nprobe s370\ninstruction XYZ\n", 2,
     "f.witness:3: expected an instruction of System/370"},
    {"trapline witness 1\nprobe s370\ninstruction LRA\nvaried CR99\n", 2,
     "f.witness:4: expected a part"},
    {"trapline witness 1\nprobe s370\ninstruction LRA\nseen GR5 0 x 1\n", 2,
     "f.witness:4: expected a hexadecimal number"},
    {"trapline witness 1\nprobe s370\ninstruction LRA\n", 2,
     "f.witness:3: expected an instruction and what was seen"},
    {"trapline witness 1\nprobe s370\ninstruction LRA\nseed 1974\n"
     "number 0\nvaried CR1\nseen GR2 0 1 2\n",
     1, "does not replay"},
};

START_TEST(test_file)
{
    const struct command_case *c = &files[_i];
    const char *folder = command_folder();

    command_file("f.witness", c->args, strlen(c->args));
    const struct command *r = command_run(folder, "step f.witness");
    ck_assert_msg(r->status == c->status, "%d\n%s%s", r->status, r->out,
                  r->err);
    ck_assert_msg(strstr(r->out, c->says) || strstr(r->err, c->says), "%s%s",
                  r->out, r->err);
    command_clean();
}
END_TEST

START_TEST(test_saved)
{
    const char *folder = command_folder();
    const struct command *r =
        command_run(folder, "step toy --witness GETM:2 --save a.witness");

    ck_assert_int_eq(r->status, 0);
    r = command_run(folder, "step a.witness");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "GETM, mode sensitive: "));
    r = command_run(folder,
                    "step s370 --probe --witness STPX --save b.witness");
    ck_assert_int_eq(r->status, 0);
    r = command_run(folder, "step b.witness");
    ck_assert_msg(r->status == 0, "%s", r->err);
    ck_assert_ptr_nonnull(strstr(r->out, "another PREFIX"));
    command_clean();
}
END_TEST

/* ---- On a terminal ---- */

static pid_t start_step(int other)
{
    const char *const argv[] = {"trapline",  "step",   "toy",
                                "--witness", "GETM:2", NULL};

    return terminal_start(other, argv);
}

static void press(int fd, char key)
{
    ck_assert_int_eq(write(fd, &key, 1), 1);
}

static void press_cursor(int fd, const char *sequence)
{
    size_t n = strlen(sequence);

    ck_assert_int_eq(write(fd, sequence, n), (ssize_t)n);
}

START_TEST(test_keys)
{
    struct termios before, after;
    int other, status, fd = terminal_open(&other);

    if (fd < 0)
        return;
    tcgetattr(other, &before);
    pid_t pid = start_step(other);
    terminal_expect(fd, "\nn next, q quit: ");
    press(fd, 'n');
    terminal_expect(fd, "\nn next, b back, q quit: ");
    press(fd, 'n');
    terminal_expect(fd, "\nb back, q quit: ");
    press(fd, ' '); /* there is no further one */
    terminal_expect(fd, "Because ac is 0");
    press(fd, 'b');
    terminal_expect(fd, "Step 2 of 3");
    press_cursor(fd, "\033[B"); /* down */
    terminal_expect(fd, "Step 3 of 3");
    press_cursor(fd, "\033OD"); /* left, as an application's */
    terminal_expect(fd, "Step 2 of 3");
    press_cursor(fd, "\033[15~"); /* F5 */
    terminal_expect(fd, "Step 2 of 3");
    press_cursor(fd, "\033[6~"); /* page down */
    terminal_expect(fd, "Step 3 of 3");
    press(fd, '\033');
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tcgetattr(other, &after);
    ck_assert_uint_eq(before.c_lflag, after.c_lflag);
    close(fd);
    close(other);
    command_clean();
}
END_TEST

/* ---- Expressions, written out ---- */

static const struct {
    const char *in, *out;
} expressions[] = {
    {"x + y * 2", "x + y * 2"},
    {"(x + y) * 2", "(x + y) * 2"},
    {"x - (y - 1)", "x - (y - 1)"},
    {"x - y - 1", "x - y - 1"},
    {"(x = y) = 1", "(x = y) = 1"},
    {"not x = 1 and y = 2", "not x = 1 and y = 2"},
    {"not (x = 1 and y = 2)", "not (x = 1 and y = 2)"},
    {"x = 1 or y = 2 and x = 2", "x = 1 or y = 2 and x = 2"},
    {"(x = 1 or y = 2) and x = 2", "(x = 1 or y = 2) and x = 2"},
    {"x = 1 ? y : x = 2 ? 0 : 1", "x = 1 ? y : x = 2 ? 0 : 1"},
    {"(x = 1 ? y : 2) + 1", "(x = 1 ? y : 2) + 1"},
    {"~(x & y) | -x ^ 1", "~(x & y) | -x ^ 1"},
    {"mem[x + 1]", "mem[x + 1]"},
    {"(x + y)[1:0]", "(x + y)[1:0]"},
    {"x[1]", "x[1]"},
    {"cat(x, y)[2:1]", "cat(x, y)[2:1]"},
    {"mode = user", "mode = user"},
    {"supervisor = mode", "supervisor = mode"},
    {"x >> 1 & y << n", "x >> 1 & y << n"},
};

START_TEST(test_expression)
{
    struct isa *isa;
    struct diag d = {""};
    struct text t = {NULL, 0};
    char machine[512];

    snprintf(machine, sizeof(machine),
             "machine m address 8 word 8 scaled 4 memory 2 monitor 2\n"
             "register x, y : 2 register z : 8 scaled 8\n"
             "instruction I (n : 2) { z <- %s }",
             expressions[_i].in);
    ck_assert_msg(isa_parse("m", machine, strlen(machine), &isa, &d) ==
                      STATUS_OK,
                  "%s", d.text);
    FILE *f = open_memstream(&t.at, &t.size);
    ck_assert_ptr_nonnull(f);
    pg_put_expression(f, isa, isa->encodings, ISA_SCALED,
                      isa->encodings->actions->value);
    fclose(f);
    ck_assert_str_eq(t.at, expressions[_i].out);
    free(t.at);
    isa_free(isa);
}
END_TEST

Suite *suite_pg_step(void)
{
    Suite *s = suite_create("pg_step");
    TCase *t = tcase_create("steps");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_every_witness, 0, ARRAY_LEN(machines));
    tcase_add_loop_test(t, test_said, 0, ARRAY_LEN(said));
    tcase_add_loop_test(t, test_wrong_use, 0, ARRAY_LEN(wrong));
    tcase_add_loop_test(t, test_probed, 0, ARRAY_LEN(probed));
    tcase_add_loop_test(t, test_file, 0, ARRAY_LEN(files));
    tcase_add_test(t, test_saved);
    tcase_add_test(t, test_keys);
    tcase_add_loop_test(t, test_expression, 0, ARRAY_LEN(expressions));
    suite_add_tcase(s, t);
    return s;
}
