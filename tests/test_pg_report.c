/* The plain report, --compare and --all; wrong use, full disks, closed pipes.
 * (--html and --dot have a suite of their own.) */
#include "cli/parallel.h"
#include "popek-goldberg/language/machines.h"
#include "popek-goldberg/report/report.h"
#include "popek-goldberg/report/text.h"
#include "tests/command.h"
#include "tests/json.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void ck_has(const char *text, const char *words)
{
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is missing in:\n%.3000s",
                  words, text);
}

/* The report on a description; the caller frees it. */
static char *report(const char *name, const char *text)
{
    struct pg_judgement j;
    struct diag d = {""};
    struct isa *isa;
    char *out;
    size_t size;

    ck_assert_msg(isa_parse(name, text, strlen(text), &isa, &d) == STATUS_OK,
                  "%s", d.text);
    ck_assert_msg(pg_judge(isa, &j, &d) == STATUS_OK, "%s", d.text);
    FILE *f = open_memstream(&out, &size);
    pg_report(f, &j, PG_CORRECTED, NULL);
    fclose(f);
    pg_judgement_free(&j);
    isa_free(isa);
    return out;
}

/* ---- What is said of a machine ---- */

static const char described[] =
    "machine m \"a machine with everything\"\n"
    "word 8 memory 3 register ac : 2 resource ie : 1 clock tod : 2\n"
    "trap priv : privileged\n"
    "leaves_out \"The rest\"\n"
    "instruction ADD \"add\" covers { SUB AND } { ac <- ac + 1 }\n"
    "instruction GETM of GET \"the mode\" { ac <- mode }\n"
    "instruction GETI of GET \"the enable bit\" { ac <- ie }\n"
    "instruction SETI { when mode = user: trap priv ie <- ac[0] }\n"
    "instruction CLOCK { ac <- tod }\n"
    "note \"Said of the machine.\"\n"
    "note GETM \"Said of one.\"\n"
    "list \"A list\" { GETM SETI MISSING SUB } beyond { GETI \"It is new\" }\n"
    "  source \"a book\" confidence M\n"
    "claim GETM critical source \"a book\" confidence H\n"
    "claim GETI critical source \"a book\" confidence H\n"
    "claim SETI critical source \"a paper\" confidence L differs \"A slip\"\n"
    "claim ADD critical source \"a rumour\" confidence L\n";

static const char *const said[] = {
    "Machine m: a machine with everything\n",
    /* classes, with the numbers of witnesses */
    "  CRITICAL, in user mode too: 1\n    leak: GETI [4-8]\n",
    "  CRITICAL, in supervisor mode: 1\n    mode: GETM [1-3]\n",
    "  privileged and sensitive: 1\n    control: SETI [9]\n",
    "  innocuous: 2\n    ADD CLOCK\n",
    /* the table */
    "GETI             ok/ok     BAD/BAD   FAIL/FAIL [8] E leak of ie\n",
    "ADD              ok/ok     ok/ok     ok/ok\n",
    /* a definition, a witness, a verdict */
    "  privileged: in every two states that differ in the mode only",
    "  user sensitive: control or location sensitive in user mode, or it leaks",
    "  mode sensitive: there are two states that differ in the mode only",
    "\nGETM (of GET), the mode: CRITICAL: sensitive and not privileged.\n"
    "  [1] not privileged: it does not trap in user mode.\n"
    "  [2] mode sensitive:\n",
    "        so breaks equivalence.\n",
    "  Premise: fails because of GETM, GETI.\n",
    "  GET           2 encodings; critical: one at least is\n",
    /* the literature */
    "Claims of the literature: 4, of which 2 are derived otherwise",
    "  SETI critical, DERIVED OTHERWISE: privileged (a paper; L). Why: A slip.",
    "  ADD critical, DERIVED OTHERWISE: innocuous (a rumour; L). Why is not",
    "  GETM, GETI critical, derived too (a book; H)\n",
    "A list (a book; M): 1 of 4 are derived critical.\n  GETM\n",
    "  SETI is not: privileged.\n",
    "  MISSING is not: not described.\n",
    "  SUB is not: innocuous.\n",
    "  Beyond it: GETI, critical; It is new.\n",
    /* notes */
    "a clock is read by CLOCK\n",
    "  - Said of the machine.\n",
    "  - GETM: Said of one.\n",
    "  - Left out: The rest.\n",
    "  ADD stands for SUB AND\n",
};

START_TEST(test_report_says)
{
    char *text = report("m", described);

    ck_has(text, said[_i]);
    free(text);
}
END_TEST

/* What stands on no list and is critical does not pass in silence. */
START_TEST(test_a_gap_in_a_list_is_shown)
{
    static const char text[] =
        "machine m register ac : 2 instruction A { ac <- mode } instruction B "
        "{ ac <- base } list \"L\" { A } source \"s\" confidence L";
    char *out = report("m", text);

    ck_has(out, "Derived critical, not on the list, and not explained: B\n");
    free(out);
}
END_TEST

static const char *const some[] = {"toy", "pdp11-45", "vax", "riscv-h", "mips"};

/* No line is too wide, and each machine has its verdicts. */
START_TEST(test_reports_are_narrow)
{
    const struct pg_machine *m = pg_built_in;

    while (strcmp(m->name, some[_i]) != 0)
        m++;
    char *text = report(m->name, m->text);
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        ck_assert_msg(pg_text_length(line) <= 80, "%s: %s", m->name, line);
        *end = '\n';
    }
    ck_has(text, "\nTheorem 3: ");
    free(text);
}
END_TEST

/* ---- Characters ---- */

static const struct {
    const char *text, *json;
    unsigned length;
} strings[] = {
    {"plain", "\"plain\"", 5},
    {"a\"b\\c\n", "\"a\\\"b\\\\c\\u000a\"", 6},
    {"\xC3\xA9", "\"\\u00e9\"", 1},
    {"\xE2\x82\xAC", "\"\\u20ac\"", 1},
    {"\xF0\x9F\x98\x80", "\"\\ud83d\\ude00\"", 1},
    {"\xFF", "\"\\ufffd\"", 1},
    {"\xC3", "\"\\ufffd\"", 1},                       /* cut */
    {"\xE2\x82", "\"\\ufffd\\ufffd\"", 2},            /* cut */
    {"\xC0\x80", "\"\\ufffd\\ufffd\"", 2},            /* too long for NUL */
    {"\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\"", 3}, /* a surrogate */
    {"\xF4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"", 4},
};

START_TEST(test_characters)
{
    char *out;
    size_t size;
    FILE *f = open_memstream(&out, &size);

    pg_put_json_string(f, strings[_i].text);
    fclose(f);
    ck_assert_str_eq(out, strings[_i].json);
    ck_assert(json_valid(out));
    ck_assert_uint_eq(pg_text_length(strings[_i].text), strings[_i].length);
    free(out);
}
END_TEST

/* ---- Two machines ---- */

static const struct command_case comparisons[] = {
    {"check --compare m68000 m68010", 1,
     "    m68000       CRITICAL, in user mode too; sensitive by mode, leak of "
     "ipl;\n                 breaks equivalence\n"
     "    m68010       privileged and sensitive"},
    {"check --compare m68000 m68010", 1,
     "because of\n      m68000: MOVE_from_SR (m68010: privileged and "
     "sensitive)\n"},
    {"check --compare m68000 m68010", 1, "Theorem 1                  fails "},
    {"check --compare m68000 m68010", 1, "Only in m68010:\n  MOVE_from_CCR"},
    {"check --compare toy toy", 0, "The same in both: 14."},
    {"check --compare toy toy --reading literal", 0, "(literal reading)"},
    {"check --compare toy", 2, "two machines are wanted by --compare; 1 given"},
    {"check --compare toy tutrial", 2, "did you mean tutorial?"},
    {"check --compare toy paper --html", 2, "not with --html"},
    {"check --compare toy paper >/dev/full", 125, "No space left on device"},
};

START_TEST(test_compare)
{
    command_expect(&comparisons[_i]);
}
END_TEST

/* Two drafts of a student's machine have one name: the files tell them apart.
 */
START_TEST(test_compare_drafts)
{
    static const char first[] = "machine mine register ac : 2\n"
                                "instruction A { ac <- mode }\n";
    static const char second[] = "machine mine register ac : 2\n"
                                 "trap p : privileged\ninstruction A {\n"
                                 "when mode = user: trap p ac <- mode }\n";

    command_file("a.isa", first, sizeof(first) - 1);
    command_file("b.isa", second, sizeof(second) - 1);
    const struct command *c =
        command_run(command_folder(), "check --compare a.isa b.isa");
    ck_assert_int_eq(c->status, 1);
    ck_has(c->out, "a.isa against b.isa");
    ck_has(c->out, "    a.isa        CRITICAL");
    ck_has(c->out, "    b.isa        privileged");
    command_clean();
}
END_TEST

START_TEST(test_compare_json)
{
    const struct command *c =
        command_run("/", "check --compare m68000 m68010 --json");

    ck_assert_int_eq(c->status, 1);
    ck_assert_msg(json_valid(c->out), "%.1000s", c->out);
    ck_has(c->out, "\"machines\":[\"m68000\",\"m68010\"]");
    ck_has(c->out, "\"t1\":{\"says\":[\"fails\",\"holds\"],\"because\":[["
                   "\"MOVE_from_SR\"],[]]}");
    ck_has(c->out, "\"differ\":[{\"encoding\":\"MOVE_from_SR\",\"class\":[");
}
END_TEST

/* ---- All machines ---- */

START_TEST(test_all_as_json)
{
    const struct command *c = command_run("/", "$F check --all --json");
    const char *at = c->out;

    ck_assert_int_eq(c->status, 1);
    ck_assert_str_eq(c->err, ""); /* a stderr that is no terminal */
    ck_assert_msg(json_valid(at), "%.500s", at);
    ck_assert_int_eq(*at, '[');
    for (const struct pg_machine *m = pg_built_in; m->name; m++) {
        char key[64];

        snprintf(key, sizeof(key), "{\"machine\":\"%s\",", m->name);
        at = strstr(at, key);
        ck_assert_msg(at != NULL, "%s", key);
    }
}
END_TEST

/* A solver that kills the process that asks it: that is told, and the rows
 * come all the same, in their order. */
START_TEST(test_all_through_deaths)
{
    static const char solver[] = "#!/bin/sh\n"
                                 "while read -r line; do\n"
                                 "  case $line in\n"
                                 "  *:name*) echo '(:name \"Killer\")' ;;\n"
                                 "  *:version*) echo '(:version \"1\")' ;;\n"
                                 "  *check-sat*) kill -9 $PPID ;;\n"
                                 "  '(echo \"'*) m=${line#*\\\"}\n"
                                 "              echo \"${m%%\\\"*}\" ;;\n"
                                 "  esac\n"
                                 "done\n";
    char path[128], row[64], death[96];
    unsigned n = 0;

    command_file("killer", solver, sizeof(solver) - 1);
    snprintf(path, sizeof(path), "%s/killer", command_folder());
    ck_assert_int_eq(chmod(path, 0755), 0);
    const struct command *c =
        command_run("/", "$F check --all --solver %s", path);
    const char *at = c->out;
    ck_assert_int_eq(c->status, 125);
    for (const struct pg_machine *m = pg_built_in; m->name; m++, n++) {
        snprintf(row, sizeof(row), "\n%-12s ", m->name);
        at = strstr(at, row);
        ck_assert_msg(at != NULL, "%s", m->name);
        snprintf(death, sizeof(death),
                 "%s: the process that looked at it was ended by signal 9",
                 m->name);
        ck_has(c->err, death);
    }
    snprintf(row, sizeof(row), "\n%u machines: the premise of Theorem 1", n);
    ck_has(at, row);
    ck_has(at, "their processes died");
    command_clean();
}
END_TEST

static const struct command_case wrong[] = {
    {"check --all toy", 2, "--all takes no machine"},
    {"check --all --witness 1", 2, "not with --witness"},
    {"check --all --html", 2, "not with --html"},
    {"check --all --solver /no/such", 77, "/no/such"},
    {"check toy --witness 0", 2, "at least 1"},
    {"check toy --witness x", 2, "not a number"},
    {"check toy --witness 24", 2, "there is none; toy has 23"},
    {"check toy --witness 1 --instruction GETM", 2,
     "--witness goes with --reading and --solver only, not with "
     "--instruction"},
    {"check toy --json --dot", 2, "not with --json"},
    {"check toy --probe", 2, "only s370 has a probe"},
    {"check toy --host", 2, "--host takes no machine"},
    {"check toy --jsn", 2, "did you mean --json?"},
    {"check toy paper", 2, "one machine is wanted; 2 given"},
    {"check toy --instruction NONE", 2, "toy has none"},
    {"check toy >/dev/full", 125, "No space left on device"},
    {"check toy --json >/dev/full", 125, "No space left on device"},
};

START_TEST(test_wrong_use)
{
    command_expect(&wrong[_i]);
}
END_TEST

static const char *const piped[] = {"toy", "vax --json", "s360-67 --html"};

START_TEST(test_a_closed_pipe_is_no_news)
{
    const struct command *c = command_run(
        "/", "{ $T check %s; echo $? >&2; } | head -c 1", piped[_i]);

    ck_assert_uint_eq(strlen(c->out), 1);
    ck_assert_msg(!strcmp(c->err, "141\n") || !strcmp(c->err, "1\n"), "%s",
                  c->err);
}
END_TEST

/* ---- Several processes ---- */

enum { PIECES = 9, LONG = 300000 };

struct seen {
    unsigned next, most;
    size_t longest;
};

static int piece(unsigned n, void *context)
{
    (void)context;
    for (unsigned i = 0; n == 4 && i < LONG; i++)
        putchar('x');
    printf("piece %u\n", n);
    fprintf(stderr, "of %u", n);
    if (n == 5) {
        fflush(stdout);
        raise(SIGKILL);
    }
    return (int)n;
}

static void piece_done(unsigned n, const struct parallel_result *r,
                       void *context)
{
    struct seen *s = context;
    char words[32];

    ck_assert_uint_eq(n, s->next++);
    snprintf(words, sizeof(words), "piece %u\n", n);
    ck_has(r->out + (n == 4 ? LONG : 0), words);
    ck_assert_int_eq(r->signal, n == 5 ? SIGKILL : 0);
    ck_assert_int_eq(r->status, n == 5 ? -1 : (int)n);
    ck_assert_uint_eq(r->out_len, strlen(r->out));
    snprintf(words, sizeof(words), "of %u", n);
    ck_assert_str_eq(r->err, words);
}

static void piece_tick(unsigned ended, const bool *running, void *context)
{
    struct seen *s = context;
    unsigned n = 0;

    (void)ended;
    for (unsigned i = 0; i < PIECES; i++)
        n += running[i];
    s->most = n > s->most ? n : s->most;
}

START_TEST(test_pieces_come_in_order)
{
    static const unsigned order[PIECES] = {8, 7, 6, 5, 4, 3, 2, 1, 0};
    struct seen s = {0};
    const struct parallel_plan plan = {.count = PIECES,
                                       .processes = (unsigned)_i,
                                       .order = _i % 2 ? order : NULL,
                                       .work = piece,
                                       .done = piece_done,
                                       .tick = piece_tick,
                                       .context = &s};
    struct diag d = {""};

    ck_assert_msg(parallel_run(&plan, &d) == STATUS_OK, "%s", d.text);
    ck_assert_uint_eq(s.next, PIECES);
    ck_assert_uint_eq(s.most, _i ? (unsigned)_i : s.most);
    ck_assert_uint_ge(parallel_processors(), 1);
}
END_TEST

Suite *suite_pg_report(void)
{
    Suite *s = suite_create("pg_report");
    TCase *t = tcase_create("report");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_report_says, 0, (int)ARRAY_LEN(said));
    tcase_add_test(t, test_a_gap_in_a_list_is_shown);
    tcase_add_loop_test(t, test_reports_are_narrow, 0, (int)ARRAY_LEN(some));
    tcase_add_loop_test(t, test_characters, 0, (int)ARRAY_LEN(strings));
    tcase_add_loop_test(t, test_compare, 0, (int)ARRAY_LEN(comparisons));
    tcase_add_test(t, test_compare_drafts);
    tcase_add_test(t, test_compare_json);
    tcase_add_test(t, test_all_as_json);
    tcase_add_test(t, test_all_through_deaths);
    tcase_add_loop_test(t, test_wrong_use, 0, (int)ARRAY_LEN(wrong));
    tcase_add_loop_test(t, test_a_closed_pipe_is_no_news, 0,
                        (int)ARRAY_LEN(piped));
    tcase_add_loop_test(t, test_pieces_come_in_order, 0, 5);
    suite_add_tcase(s, t);
    return s;
}
