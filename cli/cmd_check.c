/* trapline check: a described machine against Popek and Goldberg. */
#include "cli/check_host.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/options.h"
#include "popek-goldberg/certify.h"
#include "popek-goldberg/machines.h"
#include "popek-goldberg/probe_s370.h"
#include "popek-goldberg/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MACHINES_MAX = 64 };

static struct {
    bool all, json, probe;
    const char *reading, *instruction, *solver;
    uint64_t witness;
    bool one_witness, host;
} given;

static const struct option_row rows[] = {
    {OPTION_TEXT, "reading", "WHICH",
     "literal: the words of 1974; corrected (default)", &given.reading, NULL},
    {OPTION_TEXT, "instruction", "NAME", "one encoding or mnemonic only",
     &given.instruction, NULL},
    {OPTION_NUMBER, "witness", "N", "print the report's witness N only",
     &given.witness, &given.one_witness},
    {OPTION_FLAG, "json", NULL, "the judgement as one JSON object", &given.json,
     NULL},
    {OPTION_TEXT, "solver", "COMMAND",
     "prove it in full width by this SMT-LIB 2 solver; z3: " PG_SOLVER_COMMAND,
     &given.solver, NULL},
    {OPTION_FLAG, "all", NULL, "a table of all built-in machines", &given.all,
     NULL},
    {OPTION_FLAG, "probe", NULL,
     "execute the instructions of our own machine s370", &given.probe, NULL},
    {OPTION_FLAG, "host", NULL,
     "run doubtful instructions on this processor, in user mode", &given.host,
     NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    "check MACHINE|FILE.isa [OPTION]...",
    "Derives from the description of a machine which instructions are\n"
    "privileged and which are sensitive, decides the theorems of Popek and\n"
    "Goldberg and the exact criterion behind them, and gives a witness for\n"
    "each label.  The labels are those under the settings of its switches "
    "that\n"
    "a monitor would make.",
    rows,
    "Example: trapline check toy --instruction GETM\n"
    "Exit status: 0 when all theorems hold and no claim differs from what is\n"
    "derived (with --host: seen), 1 otherwise, 2 for a wrong description, 77\n"
    "where --host finds no x86-64 Linux or --solver no solver.  README.md in\n"
    "popek-goldberg/ has the language.",
};

static const struct pg_machine *find_machine(const char *name)
{
    for (const struct pg_machine *m = pg_built_in; m->name; m++)
        if (!strcmp(m->name, name))
            return m;
    return NULL;
}

static int complain_machine(const char *name)
{
    const char *words[MACHINES_MAX + 1] = {NULL};

    for (size_t i = 0; i < MACHINES_MAX && pg_built_in[i].name; i++)
        words[i] = pg_built_in[i].name;
    const char *guess = cli_did_you_mean(name, words);
    if (guess)
        return options_complain(
            &usage, "no machine and no file is named %s; did you mean %s?",
            name, guess);
    return options_complain(&usage,
                            "no machine and no file is named %s; --all lists "
                            "the machines",
                            name);
}

/* A file where the name has a dot or a slash, or none is built in. */
static int open_machine(const char *name, struct isa **isa)
{
    const struct pg_machine *m =
        strpbrk(name, "./") ? NULL : find_machine(name);
    struct s370_buffer in = {0};
    struct diag d = {""};
    enum status st;

    if (m) {
        st = isa_parse(name, m->text, strlen(m->text), isa, &d);
    } else if (!strpbrk(name, "./") && access(name, F_OK) != 0) {
        return complain_machine(name);
    } else {
        st = file_read(name, &in, &d);
        if (st == STATUS_OK)
            st = isa_parse(name, (const char *)in.bytes, in.len, isa, &d);
        s370_buffer_free(&in);
    }
    return st == STATUS_OK ? CODE_DONE : cli_fail(st, &d);
}

static int verdict(const struct pg_judgement *j, enum pg_reading r)
{
    for (unsigned t = 0; t < PG_THEOREMS; t++)
        if (!j->best.holds[r][t])
            return CODE_NEGATIVE;
    for (unsigned i = 0; i < j->isa->claim_count; i++)
        if (!pg_claim_agrees(j, &j->isa->claims[i]))
            return CODE_NEGATIVE;
    return CODE_DONE;
}

static bool knows_instruction(const struct isa *isa)
{
    for (unsigned i = 0; i < isa->encoding_count; i++)
        if (pg_is_named(&isa->encodings[i], given.instruction))
            return true;
    return false;
}

static int complain_instruction(const struct isa *isa)
{
    const char *words[ISA_ENCODINGS + 1] = {NULL};

    for (unsigned i = 0; i < isa->encoding_count; i++)
        words[i] = isa->encodings[i].name;
    const char *guess = cli_did_you_mean(given.instruction, words);
    return options_complain(&usage, "--instruction %s: %s has none%s%s",
                            given.instruction, isa->name,
                            guess ? "; did you mean " : "", guess ? guess : "");
}

/* Prove all labels in full width.  What is not proved is negative. */
static int certify(const struct pg_judgement *j)
{
    const char *command =
        strcmp(given.solver, "z3") ? given.solver : PG_SOLVER_COMMAND;
    struct pg_certificates c = {0};
    struct pg_solver s;
    struct diag d = {""};
    enum status st = pg_solver_init(&s, command, PG_QUERY_MS, PG_TOTAL_MS, &d);

    if (st != STATUS_OK)
        return cli_fail(st, &d);
    if (pg_solver_start(&s, &d) == PG_MISSING)
        st = STATUS_UNSUPPORTED;
    else
        pg_certify(stdout, j, &s, given.instruction, &c);
    pg_solver_close(&s);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    return c.differ || c.open ? CODE_NEGATIVE : CODE_DONE;
}

/* The worse of what the scaled machine and the solver say. */
static int conclude(const struct pg_judgement *j, enum pg_reading r)
{
    int proved = given.solver ? certify(j) : CODE_DONE;
    int judged = verdict(j, r);

    return proved > judged ? proved : judged;
}

static int report(const struct pg_judgement *j, enum pg_reading r)
{
    if (given.one_witness) {
        if (given.witness > 100000 ||
            !pg_report_witness(stdout, j, r, (unsigned)given.witness))
            return options_complain(&usage, "--witness %llu: there is none",
                                    (unsigned long long)given.witness);
    } else if (given.json) {
        pg_report_json(stdout, j, r, given.instruction);
    } else {
        pg_report(stdout, j, r, given.instruction);
    }
    return conclude(j, r);
}

static int check_one(const char *name, enum pg_reading r)
{
    struct isa *isa = NULL;
    struct pg_judgement j;
    struct diag d = {""};
    int code = open_machine(name, &isa);

    if (code != CODE_DONE)
        return code;
    if (!knows_instruction(isa))
        code = complain_instruction(isa);
    else if (pg_judge(isa, &j, &d) != STATUS_OK)
        code = cli_fail(STATUS_BAD_INPUT, &d);
    else {
        code = report(&j, r);
        pg_judgement_free(&j);
    }
    isa_free(isa);
    return code;
}

static void print_line(const struct pg_judgement *j, enum pg_reading r)
{
    const bool *holds = j->best.holds[r];
    unsigned critical = 0, differ = 0;

    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        critical += pg_critical(&j->best.labels[i], r);
    for (unsigned i = 0; i < j->isa->claim_count; i++)
        differ += !pg_claim_agrees(j, &j->isa->claims[i]);
    printf("%-14s %4u %8u  %-5s %-5s %-5s %-6s %-6s %4u of %u\n", j->isa->name,
           j->isa->encoding_count, critical, holds[0] ? "holds" : "fails",
           holds[1] ? "holds" : "fails", holds[2] ? "holds" : "fails",
           j->best.vm ? "holds" : "fails", j->best.hybrid ? "holds" : "fails",
           differ, j->isa->claim_count);
}

static int check_all(enum pg_reading r)
{
    int code = CODE_DONE;

    printf("%-14s %4s %8s  %-5s %-5s %-5s %-6s %-6s %s\n", "machine", "ops",
           "critical", "T1", "T2", "T3", "exact", "hybrid", "claims differ");
    for (const struct pg_machine *m = pg_built_in; m->name; m++) {
        struct isa *isa = NULL;
        struct pg_judgement j;
        struct diag d = {""};
        int one = open_machine(m->name, &isa);

        if (one == CODE_DONE && pg_judge(isa, &j, &d) != STATUS_OK)
            one = cli_fail(STATUS_BAD_INPUT, &d);
        else if (one == CODE_DONE) {
            print_line(&j, r);
            fflush(stdout);
            one = conclude(&j, r);
            pg_judgement_free(&j);
        }
        isa_free(isa);
        code = one > code ? one : code;
    }
    return code;
}

/* The machine itself, not a description of it. */
static int check_probe(const char *name)
{
    static struct pg_probe_row found[S370_OP_COUNT];
    enum { SEED = 1974, NONE = 0x10000 };
    const struct diag d = {"no memory for the states of the probe"};
    unsigned tried = 0;
    uint32_t wrong = NONE;

    if (strcmp(name, "s370") != 0)
        return options_complain(
            &usage, "--probe %s: of our own machines only s370 has a probe",
            name);
    enum status st = pg_probe_s370(found, &pg_s370_step, SEED, PG_S370_STATES);
    if (st == STATUS_OK)
        st = pg_probe_s370_invalid(&pg_s370_step, SEED, &tried, &wrong);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    int bad = pg_probe_s370_report(found, stdout);
    printf("%u opcodes that are not in the table: ", tried);
    if (wrong == NONE)
        puts("an operation exception and nothing else.");
    else
        printf("%04x is no operation exception.\n", wrong);
    return bad || wrong != NONE ? CODE_NEGATIVE : CODE_DONE;
}

int cmd_check(int argc, char **argv)
{
    enum pg_reading r = PG_CORRECTED;
    int words = argc;
    int code = options_parse(&usage, &argc, argv);

    if (code >= 0)
        return code;
    if (given.host && words != 2)
        return options_complain(&usage, "--host goes with nothing else");
    if (given.host)
        return cli_finish_stdout(check_host());
    if (given.reading && !strcmp(given.reading, "literal"))
        r = PG_LITERAL;
    else if (given.reading && strcmp(given.reading, "corrected") != 0)
        return options_complain(&usage, "--reading %s: literal or corrected",
                                given.reading);
    if (given.all && (given.json || given.instruction || given.one_witness))
        return options_complain(&usage,
                                "--all goes with --reading and --solver only");
    if (given.json && given.one_witness)
        return options_complain(&usage, "--json or --witness, not both");
    if (given.solver && (given.json || given.one_witness))
        return options_complain(&usage,
                                "--solver goes with the plain report only");
    if (given.probe && (given.all || given.solver || given.reading ||
                        given.json || given.instruction || given.one_witness))
        return options_complain(&usage, "--probe goes with no other option");
    if (argc != (given.all ? 1 : 2))
        return options_complain(&usage, given.all ? "--all takes no machine"
                                                  : "one machine is wanted");
    return cli_finish_stdout(given.all     ? check_all(r)
                             : given.probe ? check_probe(argv[1])
                                           : check_one(argv[1], r));
}
