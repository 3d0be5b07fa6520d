/* trapline step: a witness, replayed one step at a time. */
#include "cli/check.h"
#include "cli/file.h"
#include "cli/step_show.h"
#include "popek-goldberg/witness/walk_s370.h"
#include "popek-goldberg/witness/witness_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1974 };

static struct {
    const char *witness, *reading, *save;
    bool probe;
} given;

static const struct option_row rows[] = {
    {OPTION_TEXT, "witness", "WHICH",
     "number N of `trapline check`; NAME, NAME:K: of NAME", &given.witness,
     NULL},
    {OPTION_TEXT, "reading", "WHICH",
     "literal: the words of 1974; corrected (default)", &given.reading, NULL},
    {OPTION_FLAG, "probe", NULL,
     "a witness of the probe, on our own machine s370", &given.probe, NULL},
    {OPTION_TEXT, "save", "FILE", "keep the witness in this file", &given.save,
     NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    "step MACHINE|FILE.isa --witness WHICH | FILE.witness [OPTION]...",
    "Walks through a witness: both states side by side, each action of the\n"
    "instruction in both, and the outcomes up to the first difference.  On a\n"
    "terminal n or an arrow goes on, b or the other back, and q quits.  A "
    "witness\nthat was saved is replayed.",
    rows,
    "Example: trapline step toy --witness GETM\n"
    "         trapline step s370 --probe --witness LRA\n"
    "Exit status: 0, 1 when a saved witness does not replay, 2 for a wrong "
    "file\nor command line.",
};

/* ---- Which witness ---- */

/* NAME:K, NAME (its first) or a number (name is "").  k counts from 1. */
struct which {
    char name[64];
    uint64_t k;
};

static bool parse_which(struct which *out)
{
    const char *colon = strchr(given.witness, ':');
    size_t len =
        colon ? (size_t)(colon - given.witness) : strlen(given.witness);

    *out = (struct which){.k = 1};
    if (options_number(given.witness, 10, &out->k))
        return out->k > 0 && out->k <= UINT32_MAX;
    if (!len || len >= sizeof(out->name))
        return false;
    memcpy(out->name, given.witness, len);
    return !colon || (options_number(colon + 1, 10, &out->k) && out->k > 0 &&
                      out->k <= UINT32_MAX);
}

static int complain_witness(void)
{
    return options_complain(&usage, "--witness %s: there is none",
                            given.witness);
}

/* ---- Showing and keeping ---- */

static int fail_memory(enum status st)
{
    const struct diag d = {"no memory for the steps"};

    return cli_fail(st, &d);
}

/* An open file, or NULL with the complaint made. */
static FILE *open_save(void)
{
    FILE *f = fopen(given.save, "w");

    if (!f)
        cli_say("%s: %s", given.save, strerror(errno));
    return f;
}

static int close_save(FILE *f)
{
    bool good = !ferror(f);

    if (fclose(f) == 0 && good)
        return CODE_DONE;
    cli_say("%s: cannot be written", given.save);
    return CODE_OURS;
}

static int show_row(const char *machine, const struct isa *isa,
                    const struct pg_row *row)
{
    struct pg_walk walk;
    int code = CODE_DONE;

    if (given.save) {
        FILE *f = open_save();

        if (!f)
            return CODE_USAGE;
        pg_keep(f, machine, isa, row);
        code = close_save(f);
    }
    if (code != CODE_DONE)
        return code;
    enum status st = pg_walk_row(isa, row, &walk);
    code = st == STATUS_OK ? step_show(&walk) : fail_memory(st);
    pg_walk_free(&walk);
    return code;
}

static int show_seen(const struct pg_probe_witness *w)
{
    struct pg_walk walk;
    int code = CODE_DONE;

    if (given.save) {
        FILE *f = open_save();

        if (!f)
            return CODE_USAGE;
        pg_keep_probe(f, w);
        code = close_save(f);
    }
    if (code != CODE_DONE)
        return code;
    enum status st = pg_walk_s370(w, &pg_s370_step, &walk);
    code = st == STATUS_OK ? step_show(&walk) : fail_memory(st);
    pg_walk_free(&walk);
    return code;
}

/* ---- A described machine ---- */

/* The witness of that number, or number k of the encodings of that name. */
static bool find_row(const struct pg_judgement *j, enum pg_reading r,
                     const struct which *which, struct pg_row *out)
{
    struct pg_row some[PG_ROWS];
    uint64_t k = which->k;

    for (unsigned i = 0; i < j->isa->encoding_count; i++) {
        const struct isa_encoding *code = &j->isa->encodings[i];
        unsigned n;

        if (*which->name && !pg_is_named(code, which->name))
            continue;
        n = pg_rows(j, i, r, some);
        if (k <= n) {
            *out = some[k - 1];
            return true;
        }
        k -= n;
    }
    return false;
}

static int step_described(const char *name, enum pg_reading r,
                          const struct which *which)
{
    struct pg_judgement j;
    struct pg_row row;
    struct isa *isa = NULL;
    struct diag d = {""};
    int code = check_open_for(&usage, name, &isa);

    if (code != CODE_DONE)
        return code;
    enum status st = pg_judge(isa, &j, &d);
    if (st != STATUS_OK)
        code = cli_fail(st, &d);
    else if (!find_row(&j, r, which, &row))
        code = complain_witness();
    else
        code = show_row(name, isa, &row);
    if (st == STATUS_OK)
        pg_judgement_free(&j);
    isa_free(isa);
    return code;
}

/* ---- Our own machine ---- */

static bool is_asked(const struct which *which, unsigned op)
{
    return !*which->name || !strcmp(s370_insns.rows[op].name, which->name);
}

static int step_probe(const char *name, const struct which *which)
{
    const struct pg_probe_witness *all[PG_S370_WITNESSES];
    struct pg_probe_row row;
    uint64_t k = which->k;

    if (strcmp(name, "s370") != 0)
        return options_complain(
            &usage, "--probe %s: of our own machines only s370 has a probe",
            name);
    for (unsigned op = 0; op < S370_OP_COUNT; op++) {
        if (!is_asked(which, op))
            continue;
        enum status st =
            pg_probe_s370_insn(&row, op, &pg_s370_step, SEED, PG_S370_STATES);
        if (st != STATUS_OK)
            return fail_memory(st);
        unsigned n = pg_s370_witnesses(&row, all);
        if (k <= n)
            return show_seen(all[k - 1]);
        k -= n;
    }
    return complain_witness();
}

/* ---- A file ---- */

static int replay_described(const char *file, const char *text, size_t len,
                            struct pg_kept *kept)
{
    struct isa *isa = NULL;
    struct diag d = {""};
    int code = check_open_for(&usage, kept->machine, &isa);

    if (code != CODE_DONE)
        return code;
    enum status st = pg_kept_read(file, text, len, isa, kept, &d);
    if (st != STATUS_OK) {
        code = cli_fail(st, &d);
    } else {
        code = show_row(kept->machine, isa, &kept->row);
        if (code == CODE_DONE && !pg_kept_replays(isa, kept, &d)) {
            cli_say("%s does not replay: %s", file, d.text);
            code = CODE_NEGATIVE;
        }
    }
    isa_free(isa);
    return code;
}

static int replay_seen(const char *file, const char *text, size_t len,
                       struct pg_kept *kept)
{
    struct diag d = {""};
    enum status st = pg_kept_read(file, text, len, NULL, kept, &d);
    int code = st == STATUS_OK ? CODE_DONE : cli_fail(st, &d);

    if (code == CODE_DONE && !pg_probe_replay(&kept->seen, &pg_s370_step)) {
        cli_say("%s does not replay: the machine does something else", file);
        return CODE_NEGATIVE;
    }
    return code == CODE_DONE ? show_seen(&kept->seen) : code;
}

static int step_file(const char *name)
{
    static struct pg_kept kept;
    struct s370_buffer in = {0};
    struct diag d = {""};
    enum status st = file_read(name, &in, &d);
    const char *text = (const char *)in.bytes;
    int code;

    if (st == STATUS_OK)
        st = pg_kept_machine(name, text ? text : "", in.len, &kept, &d);
    if (st != STATUS_OK)
        code = cli_fail(st, &d);
    else
        code = kept.probe ? replay_seen(name, text, in.len, &kept)
                          : replay_described(name, text, in.len, &kept);
    s370_buffer_free(&in);
    return code;
}

/* ---- The command ---- */

static bool is_witness_file(const char *name)
{
    size_t n = strlen(name), tail = strlen(".witness");

    return n > tail && !strcmp(name + n - tail, ".witness");
}

int cmd_step(int argc, char **argv)
{
    enum pg_reading r = PG_CORRECTED;
    struct which which;
    int code = options_parse(&usage, &argc, argv);

    if (code >= 0)
        return code;
    if (argc != 2)
        return options_complain(&usage, "one machine or file is wanted");
    if (is_witness_file(argv[1])) {
        if (given.witness || given.reading || given.probe || given.save)
            return options_complain(&usage, "a witness file goes with no "
                                            "option");
        return step_file(argv[1]);
    }
    if (given.reading && !strcmp(given.reading, "literal"))
        r = PG_LITERAL;
    else if (given.reading && strcmp(given.reading, "corrected") != 0)
        return options_complain(&usage, "--reading %s: literal or corrected",
                                given.reading);
    if (given.probe && given.reading)
        return options_complain(&usage, "--probe goes with no --reading");
    if (!given.witness)
        return options_complain(&usage, "which one?  --witness N or NAME");
    if (!parse_which(&which))
        return complain_witness();
    return given.probe ? step_probe(argv[1], &which)
                       : step_described(argv[1], r, &which);
}
