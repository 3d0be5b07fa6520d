/* trapline check: a described machine against Popek and Goldberg. */
#include "cli/check.h"
#include "cli/check_efficiency.h"
#include "popek-goldberg/report/dot.h"
#include "popek-goldberg/report/html.h"

#include <stdio.h>
#include <string.h>

static struct check_options given;

static const struct option_row rows[] = {
    {OPTION_TEXT, "reading", "WHICH",
     "literal: the words of 1974; corrected (default)", &given.reading, NULL},
    {OPTION_TEXT, "instruction", "NAME", "one encoding or mnemonic only",
     &given.instruction, NULL},
    {OPTION_NUMBER, "witness", "N", "print the report's witness N only",
     &given.witness, &given.one_witness},
    {OPTION_TEXT, "technique", "WHICH",
     "which properties it keeps: hybrid, patching ...", &given.technique, NULL},
    {OPTION_TEXT, "repair", "THEOREM",
     "fewest changes for the premise of t1, t2 or t3", &given.repair, NULL},
    {OPTION_FLAG, "json", NULL, "the judgement as JSON", &given.json, NULL},
    {OPTION_FLAG, "html", NULL, "the judgement as a page, with all witnesses",
     &given.html, NULL},
    {OPTION_FLAG, "dot", NULL, "the set diagram, for Graphviz", &given.dot,
     NULL},
    {OPTION_FLAG, "compare", NULL,
     "two machines: what is not the same, and why", &given.compare, NULL},
    {OPTION_TEXT, "solver", "COMMAND",
     "prove it in full width by this solver (as z3)", &given.solver, NULL},
    {OPTION_FLAG, "all", NULL, "a table of all built-in machines", &given.all,
     NULL},
    {OPTION_FLAG, "probe", NULL,
     "execute the instructions of our own machine s370", &given.probe, NULL},
    {OPTION_FLAG, "host", NULL, "run doubtful instructions on this processor",
     &given.host, NULL},
    {OPTION_FLAG, "construct", NULL,
     "build the monitor that is promised, and try it", &given.construct.given,
     NULL},
    {OPTION_NUMBER, "seed", "N", "of its first random program (1)",
     &given.construct.seed, &given.construct.seed_given},
    {OPTION_NUMBER, "programs", "N", "so many random programs (2000)",
     &given.construct.programs, &given.construct.programs_given},
    {OPTION_NUMBER, "level", "N", "monitors under monitors (1)",
     &given.construct.level, &given.construct.level_given},
    {OPTION_FLAG, "hybrid", NULL,
     "it interprets virtual supervisor mode: Theorem 3",
     &given.construct.hybrid, NULL},
    {OPTION_FLAG, "interpret", NULL, "it interprets everything",
     &given.construct.interpret, NULL},
    {OPTION_TEXT, "mutate", "MISTAKE",
     "with a mistake in it: drop-v, shift-k, ...", &given.construct.mutate,
     NULL},
    {OPTION_TEXT, "efficiency", "FILE",
     "what a run cost, and why; of run or trace --json", &given.efficiency,
     NULL},
    {.kind = OPTION_END},
};

const struct command_usage check_usage = {
    "check MACHINE|FILE.isa [OPTION]...",
    "Derives from the description of a machine which instructions are\n"
    "privileged and which are sensitive, decides the theorems of Popek and\n"
    "Goldberg and the exact criterion behind them, and gives a witness for\n"
    "each label.  The labels are those under the settings of its switches "
    "that\n"
    "a monitor would make.",
    rows,
    "Example: trapline check toy --instruction GETM\n"
    "Exit status: 0 when the premises of all theorems hold and no claim\n"
    "differs from what is derived (with --host: seen; with --compare: when\n"
    "nothing differs), 1 otherwise, 2 for a wrong description, 77 where "
    "--host\n"
    "finds no x86-64 Linux or --solver no solver.  README.md in\n"
    "popek-goldberg/ has the language.",
};

static bool knows_instruction(const struct isa *isa,
                              const struct check_options *o)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (pg_is_named(&isa->encodings[i], o->instruction))
            return true;
    return false;
}

static int complain_instruction(const struct isa *isa,
                                const struct check_options *o)
{
    const char *words[ISA_ENCODINGS + 1] = {NULL};

    for (unsigned i = 0; i < isa->encoding_count; i++)
        words[i] = isa->encodings[i].name;
    const char *guess = cli_did_you_mean(o->instruction, words);
    return options_complain(&check_usage, "--instruction %s: %s has none%s%s",
                            o->instruction, isa->name,
                            guess ? "; did you mean " : "", guess ? guess : "");
}

/* The instruction that is asked about: that of the witness, where one is. */
static const char *asked_about(const struct pg_judgement *j,
                               const struct check_options *o)
{
    struct pg_row row;

    if (o->one_witness && o->witness <= UINT32_MAX &&
        pg_find_row(j, o->r, (unsigned)o->witness, &row))
        return j->isa->encodings[row.encoding].name;
    return o->instruction;
}

static int print_witness(const struct pg_judgement *j,
                         const struct check_options *o)
{
    unsigned n = pg_row_count(j, o->r);

    if (o->witness <= n) {
        pg_report_witness(stdout, j, o->r, (unsigned)o->witness);
        return CODE_DONE;
    }
    return options_complain(
        &check_usage,
        "--witness %llu: there is none; %s has %u in this reading",
        (unsigned long long)o->witness, j->isa->name, n);
}

/* For a reader that waits: the proofs come after the report. */
static int report_plainly(const struct pg_judgement *j,
                          const struct check_options *o)
{
    struct pg_certificates c = {0};
    int code = CODE_DONE;

    if (o->one_witness)
        code = print_witness(j, o);
    else
        pg_report(stdout, j, o->r, o->instruction);
    fflush(stdout);
    if (code == CODE_DONE && o->solver)
        code = check_certify(j, o->solver, asked_about(j, o), PG_TOTAL_MS, &c);
    if (c.of)
        pg_certify_report(stdout, j, &c);
    pg_certificates_free(&c);
    return code;
}

int check_print_whole(const struct pg_judgement *j,
                      const struct check_options *o, unsigned total_ms)
{
    struct pg_certificates c = {0};
    int code = CODE_DONE;

    if (o->solver)
        code = check_certify(j, o->solver, o->instruction, total_ms, &c);
    const struct pg_page page = {stdout, j, o->r, c.of ? &c : NULL};
    if (code <= CODE_NEGATIVE && o->html)
        pg_report_html(&page);
    else if (code <= CODE_NEGATIVE)
        pg_report_json(stdout, j, o->r, o->instruction, page.certificates);
    pg_certificates_free(&c);
    return code;
}

static int report(const struct pg_judgement *j, const struct check_options *o)
{
    if (o->json || o->html)
        return check_print_whole(j, o, PG_TOTAL_MS);
    if (!o->dot)
        return report_plainly(j, o);
    pg_report_dot(stdout, j, o->r);
    return CODE_DONE;
}

int check_one(char **argv, const struct check_options *o)
{
    struct check_subject s;
    int code = check_judge(argv[1], &s);

    if (code != CODE_DONE)
        return code;
    if (!knows_instruction(s.isa, o)) {
        code = complain_instruction(s.isa, o);
    } else {
        int judged = check_verdict(&s.j, o->r);

        code = report(&s.j, o);
        code = judged > code ? judged : code;
    }
    check_forget(&s);
    return code;
}

/* ---- What goes with what ---- */

/* The first option that was given says what is done.  No other may be given
 * but those that it goes with. */
static const struct action {
    const char *option; /* NULL: none of them */
    const char *with;   /* parted by blanks */
    int machines;       /* -1: one or none */
    int (*run)(char **argv, const struct check_options *o);
} actions[] = {
    {"host", "", 0, check_host},
    {"efficiency", "json", 0, check_efficiency},
    {"probe", "", 1, check_probe},
    {"construct", "seed programs level hybrid interpret mutate instruction", -1,
     check_construct},
    {"all", "reading solver json", 0, check_all},
    {"technique", "reading", 1, check_technique},
    {"repair", "", 1, check_repair},
    {"witness", "reading solver", 1, check_one},
    {"compare", "reading json", 2, check_compare},
    {"dot", "reading", 1, check_one},
    {"html", "reading solver", 1, check_one},
    {"json", "reading instruction solver", 1, check_one},
    {NULL, "reading instruction solver", 1, check_one},
};

static bool is_given(const struct option_row *row)
{
    if (row->given)
        return *row->given;
    return row->kind == OPTION_FLAG ? *(const bool *)row->into
                                    : *(const char *const *)row->into != NULL;
}

static bool option_given(const char *name)
{
    for (const struct option_row *row = rows; row->kind != OPTION_END; row++)
        if (!strcmp(row->name, name))
            return is_given(row);
    return false;
}

/* Is it one of these words? */
static bool is_among(const char *name, const char *words)
{
    size_t len = strlen(name);

    for (const char *at = words; (at = strstr(at, name)); at += len)
        if ((at == words || at[-1] == ' ') && (!at[len] || at[len] == ' '))
            return true;
    return false;
}

/* "--a, --b and --c" of "a b c". */
static void list_options(const char *words, char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    while (*words && n < cap) {
        size_t len = strcspn(words, " ");
        const char *next = words + len + (words[len] == ' ');
        const char *joint = strchr(next, ' ') ? ", " : " and ";

        n += (size_t)snprintf(out + n, cap - n, "--%.*s%s", (int)len, words,
                              *next ? joint : "");
        words = next;
    }
}

static int complain_option(const struct action *a, const char *name)
{
    char with[128];

    for (const struct action *b = actions; !a->option && b->option; b++)
        if (is_among(name, b->with))
            return options_complain(&check_usage, "--%s goes with --%s", name,
                                    b->option);
    list_options(a->with, with, sizeof(with));
    if (!*with)
        return options_complain(
            &check_usage, "--%s goes with no other option, so not with --%s",
            a->option, name);
    return options_complain(&check_usage,
                            "--%s goes with %s only, not with --%s", a->option,
                            with, name);
}

static int complain_machines(const struct action *a, int count)
{
    if (!a->machines)
        return options_complain(&check_usage, "--%s takes no machine",
                                a->option);
    return options_complain(
        &check_usage, "%s wanted%s%s; %d given",
        a->machines == 2 ? "two machines are" : "one machine is",
        a->option ? " by --" : "", a->option ? a->option : "", count);
}

/* Is all that was given as this action wants it?  -1, or an exit code. */
static int check_words(const struct action *a, int machines)
{
    for (const struct option_row *row = rows; row->kind != OPTION_END; row++)
        if (is_given(row) && !is_among(row->name, a->with) &&
            !(a->option && !strcmp(row->name, a->option)))
            return complain_option(a, row->name);
    if (a->machines < 0 ? machines > 1 : machines != a->machines)
        return complain_machines(a, machines);
    if (given.reading && !strcmp(given.reading, "literal"))
        given.r = PG_LITERAL;
    else if (given.reading && strcmp(given.reading, "corrected") != 0)
        return options_complain(
            &check_usage, "--reading %s: literal or corrected", given.reading);
    return -1;
}

int cmd_check(int argc, char **argv)
{
    const struct action *a = actions;
    int code = options_parse(&check_usage, &argc, argv);

    if (code >= 0)
        return code;
    given.r = PG_CORRECTED;
    while (a->option && !option_given(a->option))
        a++;
    code = check_words(a, argc - 1);
    return code >= 0 ? code : cli_finish_stdout(a->run(argv, &given));
}
