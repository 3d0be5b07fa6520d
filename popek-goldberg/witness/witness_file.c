#include "popek-goldberg/witness/witness_file.h"

#include "popek-goldberg/language/lex.h"

#include <stdlib.h>
#include <string.h>

static const char first_line[] = "trapline witness 1";

static const char *const proofs[] = {"alone", "pair", "less", "mapped", NULL};

static const char *const reasons[] = {
    [PG_DIFFERS] = "differs",
    [PG_TRAP_CONTROLS] = "trap-controls",
    [PG_UNPREDICTABLE] = "unpredictable",
    [PG_NO_TRAP] = "no-trap",
    [PG_TRAPS_TOO] = "traps-too",
    [PG_HIDDEN] = "hidden",
    [PG_SEIZED] = "seized",
    [PG_REAL_TRAPS] = "real-traps",
    [PG_VIRTUAL_TRAPS] = "virtual-traps",
    NULL,
};

static const char *const endings[] = {"done", "trap", "anything", NULL};

/* ---- Writing ---- */

static void put_place(FILE *to, const struct isa *isa, unsigned component)
{
    if (component >= PG_WORD)
        fprintf(to, "mem[%u]", component - PG_WORD);
    else
        fputs(isa->elements[component].name, to);
}

static void put_value(FILE *to, const struct isa *isa, unsigned component,
                      uint64_t value, bool unknown)
{
    if (!value && !unknown)
        return;
    fputc(' ', to);
    put_place(to, isa, component);
    if (unknown)
        fputs("=?", to);
    else
        fprintf(to, "=%llu", (unsigned long long)value);
}

/* What is zero is left out. */
static void put_values(FILE *to, const struct isa *isa,
                       const struct isa_state *s)
{
    fprintf(to, " q=%u", s->q);
    for (unsigned i = 0; i < isa->element_count; i++)
        put_value(to, isa, i, s->v[i], s->unknown >> i & 1);
    for (unsigned i = 0; i < isa->cells; i++)
        put_value(to, isa, PG_WORD + i, s->mem[i], s->unknown_mem >> i & 1);
    fputc('\n', to);
}

void pg_keep(FILE *to, const char *machine, const struct isa *isa,
             const struct pg_row *row)
{
    const struct pg_witness *w = row->witness;
    const struct isa_encoding *code = &isa->encodings[row->encoding];

    fprintf(to, "%s\nmachine %s\ninstruction %s\nlabel %s\nmeans %s\n",
            first_line, machine, code->name, row->label, row->definition);
    fprintf(to, "proof %s\nreason %s ", proofs[row->proof], reasons[w->why]);
    put_place(to, isa, w->component);
    fputc('\n', to);
    for (unsigned i = 0; i < code->operand_count; i++)
        fprintf(to, "operand %s %llu\n", code->operands[i].name,
                (unsigned long long)w->operands[i]);
    for (unsigned i = 0; i < (row->proof == PG_ALONE ? 1 : 2); i++) {
        const struct isa_result *r = &w->r[i];

        fputs("state", to);
        put_values(to, isa, &w->s[i]);
        fprintf(to, "outcome %s", endings[r->ending]);
        if (r->ending == ISA_DONE)
            put_values(to, isa, &r->state);
        else if (r->ending == ISA_TRAPPED)
            fprintf(to, " %s\n", isa->traps[r->trap].name);
        else
            fputc('\n', to);
    }
}

void pg_keep_probe(FILE *to, const struct pg_probe_witness *w)
{
    fprintf(to, "%s\nprobe s370\ninstruction %s\nseed %llu\nnumber %u\n",
            first_line, s370_insns.rows[w->op].name,
            (unsigned long long)w->seed, w->number);
    if (w->varied != PG_PARTS)
        fprintf(to, "varied %s\n", pg_part_name(w->varied));
    if (w->less)
        fputs("less\n", to);
    fprintf(to, "seen %s %x %llx %llx\n", pg_part_name(w->seen.part),
            w->seen.index, (unsigned long long)w->seen.a,
            (unsigned long long)w->seen.b);
}

/* ---- Reading: a line, and words of it ---- */

struct reader {
    const char *file, *at, *end;
    unsigned line;
    char words[4096]; /* what is left of the current line */
    char *next;
    struct diag *d;
    enum status st;
};

static bool fault(struct reader *r, const char *what, const char *found)
{
    if (r->st == STATUS_OK)
        r->st = diag_set(r->d, STATUS_BAD_INPUT, "%s:%u: expected %s, found %s",
                         r->file, r->line, what,
                         found && *found ? found : "nothing");
    return false;
}

/* The next line that is neither empty nor a comment. */
static bool next_line(struct reader *r)
{
    while (r->st == STATUS_OK && r->at < r->end) {
        const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
        size_t len = (size_t)((stop ? stop : r->end) - r->at);

        r->line++;
        if (len >= sizeof(r->words) || memchr(r->at, '\0', len))
            return fault(r, "a line of text", "something else");
        memcpy(r->words, r->at, len);
        r->words[len] = '\0';
        r->next = r->words + strspn(r->words, " \t\r");
        r->at += len + (stop != NULL);
        if (*r->next && *r->next != '#')
            return true;
    }
    return false;
}

/* The next word of the line, or "". */
static char *word(struct reader *r)
{
    char *w = r->next + strspn(r->next, " \t\r");
    size_t len = strcspn(w, " \t\r");

    r->next = w + len + (w[len] != '\0');
    w[len] = '\0';
    return w;
}

/* What is left of the line. */
static bool rest(struct reader *r, char *into, size_t size, const char *what)
{
    char *w = r->next + strspn(r->next, " \t\r");
    size_t len = strlen(w);

    while (len && strchr(" \t\r", w[len - 1]))
        w[--len] = '\0';
    if (!len || len >= size)
        return fault(r, what, len ? "too many words" : "nothing");
    memcpy(into, w, len + 1);
    r->next = w + len;
    return true;
}

static bool done(struct reader *r)
{
    const char *w = word(r);

    return !*w || fault(r, "the end of the line", w);
}

static bool number(struct reader *r, const char *w, int base, uint64_t most,
                   uint64_t *n)
{
    char *end;

    *n = strtoull(w, &end, base);
    if (!*w || *end || strchr("+-", *w) || *n > most)
        return fault(r, base == 16 ? "a hexadecimal number" : "a number", w);
    return true;
}

static bool choice(struct reader *r, const char *w, const char *const *list,
                   const char *what, unsigned *n)
{
    for (*n = 0; list[*n]; (*n)++)
        if (!strcmp(list[*n], w))
            return true;
    return fault(r, what, w);
}

static void reader_open(struct reader *r, const char *file, const char *text,
                        size_t len, struct diag *d)
{
    *r = (struct reader){
        .file = file, .at = text, .end = text + len, .d = d, .st = STATUS_OK};
    r->next = r->words;
    if (len > PG_KEPT_SIZE)
        fault(r, "a witness of at most 64 kilobytes", "more");
    if (!next_line(r) || strcmp(r->next, first_line) != 0)
        fault(r, "'trapline witness 1'", r->next);
}

enum status pg_kept_machine(const char *file, const char *text, size_t len,
                            struct pg_kept *out, struct diag *d)
{
    struct reader r;

    *out = (struct pg_kept){.probe = false};
    reader_open(&r, file, text, len, d);
    if (!next_line(&r))
        fault(&r, "'machine NAME' or 'probe s370'", "nothing");
    if (r.st)
        return r.st;
    const char *w = word(&r);
    out->probe = !strcmp(w, "probe");
    if (!out->probe && strcmp(w, "machine") != 0)
        fault(&r, "'machine NAME' or 'probe s370'", w);
    else if (rest(&r, out->machine, sizeof(out->machine), "a name") &&
             out->probe && strcmp(out->machine, "s370") != 0)
        fault(&r, "s370", out->machine);
    return r.st;
}

/* ---- Of a described machine ---- */

struct kept {
    struct reader r;
    const struct isa *isa;
    struct pg_kept *out;
    unsigned states, outcomes;
    bool instruction, proof, reason;
};

/* Index of an element or of a word; width is how many bits it has. */
static bool place(struct kept *k, const char *name, unsigned *component,
                  unsigned *width)
{
    const struct isa *isa = k->isa;
    int i = isa_find_element(isa, name, strlen(name));
    unsigned cell;
    char extra;

    if (i >= 0) {
        *component = (unsigned)i;
        *width = isa->elements[i].width[ISA_SCALED];
        return true;
    }
    if (sscanf(name, "mem[%2u]%c", &cell, &extra) == 1 &&
        name[strlen(name) - 1] == ']' && cell < isa->cells) {
        *component = PG_WORD + cell;
        *width = isa->cell_width[ISA_SCALED];
        return true;
    }
    return fault(&k->r, "a register of the machine, or mem[N]", name);
}

static bool take_value(struct kept *k, char *w, struct isa_state *s)
{
    char *value = strchr(w, '=');
    unsigned component, width;
    uint64_t n = 0;

    if (!value)
        return fault(&k->r, "PLACE=NUMBER", w);
    *value++ = '\0';
    if (!strcmp(w, "q")) {
        if (!number(&k->r, value, 10, 1000, &n))
            return false;
        s->q = (unsigned)n;
        return true;
    }
    bool unknown = !strcmp(value, "?");
    if (!place(k, w, &component, &width))
        return false;
    /* Mapped, base is beyond the words that a program has. */
    uint64_t most = component == ISA_BASE ? 1000
                    : width < 64          ? (UINT64_C(1) << width) - 1
                                          : UINT64_MAX;
    if (!unknown && !number(&k->r, value, 10, most, &n))
        return false;
    if (component >= PG_WORD) {
        s->mem[component - PG_WORD] = n;
        s->unknown_mem |= (unsigned)unknown << (component - PG_WORD);
    } else {
        s->v[component] = n;
        s->unknown |= (uint64_t)unknown << component;
    }
    return true;
}

static bool take_values(struct kept *k, struct isa_state *s)
{
    char *w;

    *s = (struct isa_state){.q = 0};
    while (*(w = word(&k->r)))
        if (!take_value(k, w, s))
            return false;
    return s->q >= k->isa->cells ||
           fault(&k->r, "q, no less than the machine's words", "too little");
}

static bool take_outcome(struct kept *k)
{
    struct pg_witness *x = &k->out->witness;
    struct isa_result *r = &x->r[k->outcomes % 2];
    const char *name;
    unsigned ending;

    if (k->outcomes >= k->states)
        return fault(&k->r, "a state before its outcome", "'outcome'");
    r->state = x->s[k->outcomes++];
    if (!choice(&k->r, word(&k->r), endings, "done, trap or anything", &ending))
        return false;
    r->ending = ending;
    if (ending == ISA_DONE)
        return take_values(k, &r->state);
    if (ending == ISA_ANYTHING)
        return done(&k->r);
    name = word(&k->r);
    for (r->trap = 0; r->trap < k->isa->trap_count; r->trap++)
        if (!strcmp(k->isa->traps[r->trap].name, name))
            return done(&k->r);
    r->trap = 0;
    return fault(&k->r, "a trap of the machine", name);
}

static bool take_operand(struct kept *k)
{
    const struct isa_encoding *code = &k->isa->encodings[k->out->row.encoding];
    const char *name = word(&k->r);

    for (unsigned i = 0; k->instruction && i < code->operand_count; i++) {
        unsigned width = code->operands[i].width[ISA_SCALED];

        if (!strcmp(code->operands[i].name, name))
            return number(&k->r, word(&k->r), 10, (UINT64_C(1) << width) - 1,
                          &k->out->witness.operands[i]) &&
                   done(&k->r);
    }
    return fault(&k->r, "an operand of the instruction", name);
}

static bool take_reason(struct kept *k)
{
    unsigned why, width;

    if (!choice(&k->r, word(&k->r), reasons, "a reason", &why) ||
        !place(k, word(&k->r), &k->out->witness.component, &width))
        return false;
    k->out->witness.why = why;
    k->reason = true;
    return done(&k->r);
}

static bool take_instruction(struct kept *k)
{
    const char *name = word(&k->r);
    int i = isa_find_encoding(k->isa, name);

    if (i < 0)
        return fault(&k->r, "an instruction of the machine", name);
    k->out->row.encoding = (unsigned)i;
    k->instruction = true;
    return done(&k->r);
}

static bool take_state(struct kept *k)
{
    if (k->states >= 2 || k->states > k->outcomes)
        return fault(&k->r, "at most two states, each with its outcome",
                     "one more");
    return take_values(k, &k->out->witness.s[k->states++]);
}

static bool take_proof(struct kept *k)
{
    unsigned proof;

    if (!choice(&k->r, word(&k->r), proofs, "alone, pair, less or mapped",
                &proof))
        return false;
    k->out->row.proof = proof;
    k->proof = true;
    return done(&k->r);
}

static bool take_line(struct kept *k)
{
    struct pg_kept *out = k->out;
    const char *w = word(&k->r);

    if (!strcmp(w, "machine"))
        return true;
    if (!strcmp(w, "instruction"))
        return take_instruction(k);
    if (!strcmp(w, "label"))
        return rest(&k->r, out->label, sizeof(out->label), "words");
    if (!strcmp(w, "means"))
        return rest(&k->r, out->definition, sizeof(out->definition), "words");
    if (!strcmp(w, "proof"))
        return take_proof(k);
    if (!strcmp(w, "reason"))
        return take_reason(k);
    if (!strcmp(w, "operand"))
        return take_operand(k);
    if (!strcmp(w, "state"))
        return take_state(k);
    if (!strcmp(w, "outcome"))
        return take_outcome(k);
    return fault(&k->r,
                 "instruction, label, means, proof, reason, operand, state or "
                 "outcome",
                 w);
}

static enum status read_described(const char *file, const char *text,
                                  size_t len, const struct isa *isa,
                                  struct pg_kept *out, struct diag *d)
{
    struct kept k = {.isa = isa, .out = out};

    reader_open(&k.r, file, text, len, d);
    out->row.witness = &out->witness;
    out->row.label = out->label;
    out->row.definition = out->definition;
    out->witness.found = true;
    while (next_line(&k.r) && take_line(&k))
        ;
    unsigned wanted = out->row.proof == PG_ALONE ? 1 : 2;
    if (!k.instruction || !k.proof || !k.reason || k.outcomes != wanted ||
        k.states != wanted)
        fault(&k.r,
              "an instruction, a proof, a reason, and as many states and "
              "outcomes as the proof has",
              "the end");
    if (wanted == 1) {
        out->witness.s[1] = out->witness.s[0];
        out->witness.r[1] = out->witness.r[0];
    }
    return k.r.st;
}

/* ---- Of the probe ---- */

static bool take_part(struct reader *r, uint8_t *part)
{
    const char *name = word(r);

    for (unsigned i = 0; i < PG_PARTS; i++)
        if (!strcmp(pg_part_name(i), name)) {
            *part = (uint8_t)i;
            return true;
        }
    return fault(r, "a part of the state", name);
}

static bool take_seen(struct reader *r, struct pg_difference *d)
{
    uint64_t index;

    if (!take_part(r, &d->part) ||
        !number(r, word(r), 16, UINT32_MAX, &index) ||
        !number(r, word(r), 16, UINT64_MAX, &d->a) ||
        !number(r, word(r), 16, UINT64_MAX, &d->b))
        return false;
    d->index = (uint32_t)index;
    return done(r);
}

static bool take_opcode(struct reader *r, struct pg_probe_witness *w)
{
    const char *name = word(r);

    for (unsigned op = 0; op < S370_OP_COUNT; op++)
        if (!strcmp(s370_insns.rows[op].name, name)) {
            w->op = (uint16_t)op;
            w->found = true;
            return done(r);
        }
    return fault(r, "an instruction of System/370", name);
}

static bool take_probe_line(struct reader *r, struct pg_probe_witness *w)
{
    const char *what = word(r);
    uint64_t n;

    if (!strcmp(what, "probe"))
        return true;
    if (!strcmp(what, "instruction"))
        return take_opcode(r, w);
    if (!strcmp(what, "seed"))
        return number(r, word(r), 10, UINT64_MAX, &w->seed) && done(r);
    if (!strcmp(what, "number")) {
        if (!number(r, word(r), 10, UINT32_MAX, &n))
            return false;
        w->number = (uint32_t)n;
        return done(r);
    }
    if (!strcmp(what, "varied"))
        return take_part(r, &w->varied) && done(r);
    if (!strcmp(what, "seen"))
        return take_seen(r, &w->seen);
    if (!strcmp(what, "less"))
        return done(r) && (w->less = true);
    return fault(r, "instruction, seed, number, varied, less or seen", what);
}

static enum status read_probe(const char *file, const char *text, size_t len,
                              struct pg_kept *out, struct diag *d)
{
    struct reader r;
    struct pg_probe_witness *w = &out->seen;

    *w = (struct pg_probe_witness){.varied = PG_PARTS,
                                   .seen = {.part = PG_PARTS}};
    reader_open(&r, file, text, len, d);
    while (next_line(&r) && take_probe_line(&r, w))
        ;
    if (!w->found || w->seen.part == PG_PARTS)
        fault(&r, "an instruction and what was seen", "the end");
    return r.st;
}

enum status pg_kept_read(const char *file, const char *text, size_t len,
                         const struct isa *isa, struct pg_kept *out,
                         struct diag *d)
{
    return out->probe ? read_probe(file, text, len, out, d)
                      : read_described(file, text, len, isa, out, d);
}
