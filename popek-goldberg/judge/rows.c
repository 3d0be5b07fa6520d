#include "popek-goldberg/judge/rows.h"

#include <string.h>

static const char *const not_privileged[PG_READINGS] = {
    "there are two states that differ in the mode only, neither outcome a "
    "memory trap, and it does not trap in the user's or traps in the "
    "supervisor's",
    "there are two states that differ in the mode only, neither outcome a "
    "memory trap, and it does not trap in the user's or takes a "
    "privileged-operation trap in the supervisor's"};
static const char *const control[PG_READINGS] = {
    "there is a state S in which it does not memory trap, and the mode, base "
    "or bound of i(S) is another",
    "there is a state S in which it does not trap, and the mode, base, bound, "
    "a resource register or a clock of i(S) is another"};
static const char location[] =
    "there are two states that differ in base only, both outcomes keep M and "
    "R, and registers, window or pc of the outcomes differ";
static const char by_mode[] =
    "there are two states that differ in the mode only, both outcomes keep M "
    "and R, and registers, window or pc of the outcomes differ";
static const char alone[] =
    "there are two states that differ in the mode only, and it traps in the "
    "supervisor's and goes on in the user's: a program moved to user mode "
    "misses the trap";
static const char leak[] =
    "there are two states that differ in a resource register only, and the "
    "program sees the difference";
static const char less[] =
    "what supervisor mode changes user mode leaves alone, and does not trap";
static const char exact[] =
    "there is a state S of the bare machine so that it does not trap in f(S) "
    "and i(f(S)) is not f(i(S))";
static const char exact_hybrid[] =
    "there is a state S of the bare machine in user mode so that it does not "
    "trap in f(S) and i(f(S)) is not f(i(S))";
static const char exact_nested[] =
    "there is a state S of the bare machine so that it does not trap in "
    "f(f(S)) and i(f(f(S))) is not f(f(i(S)))";

/* What a class is has no witness: each is about all states, or about others. */
static const struct pg_definition classes[PG_READINGS][PG_CLASSES] = {
    {{"privileged",
      "in every two states that differ in the mode only, neither outcome a "
      "memory trap, it traps in the user's and does not in the supervisor's; "
      "and there are two such states"},
     {"sensitive", "control, location or mode sensitive"},
     {"user sensitive",
      "control or location sensitive in user mode; that it is mode sensitive "
      "does not count"},
     {"critical", "sensitive and not privileged"},
     {"innocuous", "not sensitive"}},
    {{"privileged",
      "in every two states that differ in the mode only, neither outcome a "
      "memory trap, it traps in the user's and takes no privileged-operation "
      "trap in the supervisor's; and there is a user's in which it takes one"},
     {"sensitive", "control, location or mode sensitive, or it leaks state"},
     {"user sensitive",
      "control or location sensitive in user mode, or it leaks state there; "
      "that it is mode sensitive does not count"},
     {"critical", "sensitive and not privileged"},
     {"innocuous", "not sensitive"}}};

const struct pg_definition *pg_class_definitions(enum pg_reading r)
{
    return classes[r];
}

static void add(struct pg_row *rows, unsigned *n, enum pg_proof proof,
                unsigned encoding, const char *label, const char *definition,
                const struct pg_witness *w)
{
    if (w->found)
        rows[(*n)++] = (struct pg_row){proof, label, definition, encoding, w};
}

unsigned pg_rows(const struct pg_judgement *j, unsigned encoding,
                 enum pg_reading r, struct pg_row *rows)
{
    const struct pg_labels *l = &j->best.labels[encoding];
    const struct pg_exact *x = &j->best.exact[encoding];
    const char *c = control[r];
    unsigned n = 0;

    if (pg_sensitive(l, r))
        add(rows, &n, PG_PAIR, encoding, "not privileged", not_privileged[r],
            &l->unprivileged[r]);
    add(rows, &n, PG_ALONE, encoding, "control sensitive in supervisor mode", c,
        &l->control[r][ISA_SUPERVISOR]);
    add(rows, &n, PG_ALONE, encoding, "control sensitive in user mode", c,
        &l->control[r][ISA_USER]);
    add(rows, &n, PG_PAIR, encoding, "location sensitive in supervisor mode",
        location, &l->location[ISA_SUPERVISOR]);
    add(rows, &n, PG_PAIR, encoding, "location sensitive in user mode",
        location, &l->location[ISA_USER]);
    add(rows, &n, PG_PAIR, encoding, "mode sensitive", by_mode, &l->mode);
    if (r == PG_CORRECTED)
        add(rows, &n, PG_PAIR, encoding, "traps in supervisor mode only", alone,
            &l->alone);
    add(rows, &n, PG_PAIR, encoding, "leaks state in supervisor mode", leak,
        &l->leak[ISA_SUPERVISOR]);
    add(rows, &n, PG_PAIR, encoding, "leaks state in user mode", leak,
        &l->leak[ISA_USER]);
    add(rows, &n, PG_LESS, encoding, "silently does less in user mode", less,
        &l->less);
    add(rows, &n, PG_MAPPED, encoding, "fails the exact criterion", exact,
        &x->vm);
    add(rows, &n, PG_MAPPED, encoding,
        "fails the exact criterion of the hybrid monitor", exact_hybrid,
        &x->hybrid);
    if (!x->vm.found)
        add(rows, &n, PG_MAPPED, encoding,
            "fails the exact criterion twice mapped", exact_nested, &x->nested);
    return n;
}

unsigned pg_row_count(const struct pg_judgement *j, enum pg_reading r)
{
    struct pg_row rows[PG_ROWS];
    unsigned n = 0;

    for (unsigned i = 0; i < j->isa->encoding_count; i++)
        n += pg_rows(j, i, r, rows);
    return n;
}

bool pg_find_row(const struct pg_judgement *j, enum pg_reading r, unsigned n,
                 struct pg_row *out)
{
    struct pg_row rows[PG_ROWS];

    for (unsigned i = 0; n && i < j->isa->encoding_count; i++) {
        unsigned count = pg_rows(j, i, r, rows);

        if (n <= count) {
            *out = rows[n - 1];
            return true;
        }
        n -= count;
    }
    return false;
}

bool pg_is_named(const struct isa_encoding *code, const char *instruction)
{
    return !instruction || !strcmp(code->name, instruction) ||
           !strcmp(code->mnemonic, instruction);
}
