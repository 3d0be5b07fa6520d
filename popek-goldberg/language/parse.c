/* Declarations, instructions and claims of a description. */
#include "popek-goldberg/language/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *parse_take(struct parse *p, size_t size)
{
    void *bytes = isa_take(p->isa, size);

    if (!bytes) {
        p->no_memory = true;
        lex_fault_at(&p->lex, p->lex.token.line, p->lex.token.column,
                     "no memory left on this machine");
    }
    return bytes;
}

bool parse_accept(struct parse *p, const char *word)
{
    if (!lex_is(&p->lex, word))
        return false;
    lex_next(&p->lex);
    return true;
}

bool parse_expect(struct parse *p, const char *word)
{
    const char *words[] = {word, NULL};
    char what[ISA_NAME];

    if (parse_accept(p, word))
        return true;
    snprintf(what, sizeof(what), "'%s'", word);
    lex_expected(&p->lex, what, words);
    return false;
}

bool parse_enter(struct parse *p)
{
    if (p->lex.failed)
        return false;
    if (++p->depth <= ISA_DEPTH)
        return true;
    p->depth--;
    lex_fault_at(&p->lex, p->lex.token.line, p->lex.token.column,
                 "nested deeper than %d levels", ISA_DEPTH);
    return false;
}

void parse_leave(struct parse *p)
{
    p->depth--;
}

/* ---- Small parts ---- */

bool parse_fault(struct parse *p, const char *what)
{
    lex_fault_at(&p->lex, p->lex.token.line, p->lex.token.column, "%s", what);
    return false;
}

bool parse_word(struct parse *p, char into[ISA_NAME], const char *what)
{
    const struct lex_token *t = &p->lex.token;

    if (t->kind != LEX_WORD) {
        lex_expected(&p->lex, what, NULL);
        return false;
    }
    if (t->len >= ISA_NAME)
        return parse_fault(p, "a name of more than 31 letters");
    memcpy(into, t->text, t->len);
    into[t->len] = '\0';
    lex_next(&p->lex);
    return true;
}

char *parse_text(struct parse *p)
{
    const struct lex_token t = p->lex.token;

    if (t.kind != LEX_STRING) {
        lex_expected(&p->lex, "a text in quotes", NULL);
        return NULL;
    }
    char *text = parse_take(p, t.len + 1);
    if (text)
        memcpy(text, t.text, t.len);
    lex_next(&p->lex);
    return text;
}

static bool take_number(struct parse *p, uint64_t *n)
{
    if (p->lex.token.kind != LEX_NUMBER) {
        lex_expected(&p->lex, "a number", NULL);
        return false;
    }
    *n = p->lex.token.value;
    lex_next(&p->lex);
    return true;
}

static bool take_range(struct parse *p, const char *what, unsigned least,
                       unsigned most, unsigned *n)
{
    const struct lex_token t = p->lex.token;
    uint64_t v;

    if (!take_number(p, &v))
        return false;
    *n = (unsigned)v;
    if (v < least || v > most) {
        lex_fault_at(&p->lex, t.line, t.column, "%s is %u to %u", what, least,
                     most);
        return false;
    }
    return true;
}

/* FULL [scaled SMALL]; without it, at most two bits. */
bool parse_width(struct parse *p, unsigned width[ISA_SCALES])
{
    if (!take_range(p, "a width", 1, 64, &width[ISA_FULL]))
        return false;
    width[ISA_SCALED] = width[ISA_FULL] < 2 ? width[ISA_FULL] : 2;
    return !parse_accept(p, "scaled") ||
           take_range(p, "a scaled width", 1,
                      width[ISA_FULL] < 8 ? width[ISA_FULL] : 8,
                      &width[ISA_SCALED]);
}

static bool take_value(struct parse *p, uint64_t value[ISA_SCALES])
{
    if (!take_number(p, &value[ISA_FULL]))
        return false;
    value[ISA_SCALED] = value[ISA_FULL];
    return !parse_accept(p, "scaled") || take_number(p, &value[ISA_SCALED]);
}

static bool is_reserved(const char *name)
{
    static const char *const words[] = {
        "mem",      "cat",    "user",          "supervisor",  "not",
        "and",      "or",     "unpredictable", "when",        "else",
        "trap",     "of",     "scaled",        "instruction", "claim",
        "register", "switch", "resource",      "monitor",     "const"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!strcmp(words[i], name))
            return true;
    return false;
}

/* A new name of a place or a constant. */
bool parse_new(struct parse *p, char into[ISA_NAME])
{
    const struct lex_token t = p->lex.token;
    bool known = false;

    if (!parse_word(p, into, "a name"))
        return false;
    for (unsigned i = 0; i < p->constant_count; i++)
        known = known || !strcmp(p->constants[i].name, into);
    if (known || isa_find_element(p->isa, into, strlen(into)) >= 0) {
        lex_fault_at(&p->lex, t.line, t.column,
                     "'%s' is there already; every machine has mode, pc, base "
                     "and bound",
                     into);
        return false;
    }
    if (is_reserved(into)) {
        lex_fault_at(&p->lex, t.line, t.column,
                     "'%s' is a word of the language, not a name", into);
        return false;
    }
    return true;
}

/* ---- Declarations ---- */

/* An inherited one of this name, to be declared again; or NULL. */
static struct isa_element *find_inherited(struct parse *p)
{
    const struct lex_token *t = &p->lex.token;
    int i =
        t->kind == LEX_WORD ? isa_find_element(p->isa, t->text, t->len) : -1;

    return i >= ISA_BUILT_IN && p->isa->elements[i].inherited
               ? &p->isa->elements[i]
               : NULL;
}

/* Index of the next name, new or inherited; -1 after a complaint. */
static int add_element(struct parse *p, const struct isa_element *like)
{
    struct isa_element *old = find_inherited(p);
    struct isa_element *e =
        old ? old : &p->isa->elements[p->isa->element_count];

    if (!old && p->isa->element_count == ISA_ELEMENTS) {
        parse_fault(p, "too many registers: at most 60");
        return -1;
    }
    struct isa_element own = *like;
    own.line = p->lex.token.line;
    if (old) {
        memcpy(own.name, old->name, sizeof(own.name));
        memcpy(own.width, old->width, sizeof(own.width));
        lex_next(&p->lex);
    } else if (!parse_new(p, own.name)) {
        return -1;
    } else {
        p->isa->element_count++;
    }
    *e = own;
    return (int)(e - p->isa->elements);
}

/* What may stand behind the width. */
static bool take_real_value(struct parse *p, struct isa_element *e)
{
    if (e->kind == ISA_KIND_RESOURCE && parse_accept(p, "monitor") &&
        !take_value(p, e->monitor))
        return false;
    for (enum isa_scale s = 0; s < ISA_SCALES; s++)
        if (e->width[s] < 64 && e->monitor[s] >> e->width[s])
            return parse_fault(p,
                               "the monitor's value does not fit; give both: "
                               "monitor FULL scaled SMALL");
    if (e->kind == ISA_KIND_SWITCH || e->kind == ISA_KIND_RESOURCE)
        e->enforced = parse_accept(p, "enforced");
    return true;
}

/* An inherited name keeps the width that its instructions were read with. */
static bool set_width(struct parse *p, struct isa_element *e,
                      const unsigned width[ISA_SCALES])
{
    if (e->width[ISA_FULL] && (e->width[ISA_FULL] != width[ISA_FULL] ||
                               e->width[ISA_SCALED] != width[ISA_SCALED])) {
        lex_fault_at(&p->lex, p->lex.token.line, p->lex.token.column,
                     "'%s' is inherited with %u bits, scaled %u; it keeps them",
                     e->name, e->width[ISA_FULL], e->width[ISA_SCALED]);
        return false;
    }
    memcpy(e->width, width, sizeof(e->width));
    return true;
}

/* NAME [, NAME]... : WIDTH */
static bool take_elements(struct parse *p, const struct isa_element *like)
{
    unsigned width[ISA_SCALES], count = 0;
    int at[ISA_ELEMENTS];

    do
        if (count == ISA_ELEMENTS || (at[count++] = add_element(p, like)) < 0)
            return false;
    while (parse_accept(p, ","));
    if (!parse_expect(p, ":") || !parse_width(p, width))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (!set_width(p, &p->isa->elements[at[i]], width))
            return false;
    struct isa_element *e = &p->isa->elements[at[0]];
    if (!take_real_value(p, e))
        return false;
    for (unsigned i = 1; i < count; i++) {
        p->isa->elements[at[i]].enforced = e->enforced;
        memcpy(p->isa->elements[at[i]].monitor, e->monitor, sizeof(e->monitor));
    }
    return true;
}

static bool declare_register(struct parse *p)
{
    return take_elements(
        p, &(const struct isa_element){.kind = ISA_KIND_REGISTER});
}

static bool declare_resource(struct parse *p)
{
    return take_elements(
        p, &(const struct isa_element){.kind = ISA_KIND_RESOURCE});
}

static bool declare_clock(struct parse *p)
{
    return take_elements(p,
                         &(const struct isa_element){.kind = ISA_KIND_CLOCK});
}

static bool declare_switch(struct parse *p)
{
    return take_elements(p,
                         &(const struct isa_element){.kind = ISA_KIND_SWITCH});
}

bool parse_new_duplicates(struct parse *p)
{
    return take_elements(p, &(const struct isa_element){
                                .kind = ISA_KIND_REGISTER, .duplicated = true});
}

static bool early(struct parse *p)
{
    return p->isa->encoding_count ? parse_fault(p, "expected before the first "
                                                   "instruction")
                                  : true;
}

static bool declare_word(struct parse *p)
{
    return early(p) && parse_width(p, p->isa->cell_width);
}

void parse_set_address_width(struct isa *isa)
{
    for (enum isa_scale s = 0; s < ISA_SCALES; s++)
        isa->elements[ISA_PC].width[s] = isa->elements[ISA_BASE].width[s] =
            isa->elements[ISA_BOUND].width[s] = isa->address_width[s];
}

static bool declare_address(struct parse *p)
{
    if (!early(p) || !take_range(p, "the width of an address", 1, 64,
                                 &p->isa->address_width[ISA_FULL]))
        return false;
    parse_set_address_width(p->isa);
    return true;
}

static bool declare_memory(struct parse *p)
{
    return early(p) && take_range(p, "the number of words of memory", 1,
                                  ISA_CELLS, &p->isa->cells);
}

static bool declare_monitor(struct parse *p)
{
    return early(p) && take_range(p, "the number of the monitor's words", 2, 16,
                                  &p->isa->monitor_words);
}

static bool declare_timing(struct parse *p)
{
    p->isa->timing = parse_text(p);
    return p->isa->timing != NULL;
}

static bool declare_const(struct parse *p)
{
    if (p->constant_count == PARSE_CONSTANTS)
        return parse_fault(p, "too many constants: at most 128");
    struct parse_constant *c = &p->constants[p->constant_count];
    if (!parse_new(p, c->name) || !parse_expect(p, "=") ||
        !take_value(p, c->value))
        return false;
    p->constant_count++;
    return true;
}

static const char *const trap_kinds[] = {"privileged", "memory", "operand",
                                         "system_call", NULL};

static bool declare_trap(struct parse *p)
{
    struct isa_trap *t = &p->isa->traps[p->isa->trap_count];

    if (p->isa->trap_count == ISA_TRAPS)
        return parse_fault(p, "too many traps: at most 16");
    if (parse_find_trap(p->isa, &p->lex.token) >= 0)
        return parse_fault(p, "this trap is there already; 'memory' always is");
    t->line = p->lex.token.line;
    if (!parse_word(p, t->name, "the name of a trap") || !parse_expect(p, ":"))
        return false;
    for (unsigned k = 0; k < ISA_TRAP_KINDS; k++)
        if (parse_accept(p, trap_kinds[k])) {
            t->kind = k;
            p->isa->trap_count++;
            return true;
        }
    lex_expected(&p->lex,
                 "a kind of trap: privileged, memory, operand or system_call",
                 trap_kinds);
    return false;
}

/* ---- The whole ---- */

static const struct {
    const char *word;
    bool (*declare)(struct parse *);
} declarations[] = {
    {"address", declare_address},
    {"word", declare_word},
    {"memory", declare_memory},
    {"monitor", declare_monitor},
    {"timing", declare_timing},
    {"const", declare_const},
    {"register", declare_register},
    {"resource", declare_resource},
    {"switch", declare_switch},
    {"clock", declare_clock},
    {"duplicate", parse_duplicate},
    {"trap", declare_trap},
    {"without", parse_without},
    {"intercept", parse_intercept},
    {"claim", parse_claim},
    {"note", parse_note},
    {"needs", parse_needs},
    {"list", parse_list},
    {"repair", parse_repair},
    {"leaves_out", parse_leaves_out},
    {"instruction", parse_instruction},
};

static bool declare(struct parse *p)
{
    const char *words[ARRAY_LEN(declarations) + 1] = {NULL};

    for (size_t i = 0; i < ARRAY_LEN(declarations); i++)
        if (parse_accept(p, declarations[i].word))
            return declarations[i].declare(p);
    for (size_t i = 0; i < ARRAY_LEN(declarations); i++)
        words[i] = declarations[i].word;
    lex_expected(&p->lex, "a declaration", words);
    return false;
}

static void build_in(struct isa *isa)
{
    static const char *const names[] = {"mode", "pc", "base", "bound"};

    for (unsigned i = 0; i < ISA_BUILT_IN; i++) {
        memcpy(isa->elements[i].name, names[i], strlen(names[i]) + 1);
        isa->elements[i].kind = (enum isa_kind)i;
    }
    isa->element_count = ISA_BUILT_IN;
    isa->elements[ISA_MODE].width[ISA_FULL] = 1;
    isa->elements[ISA_MODE].width[ISA_SCALED] = 1;
    isa->cells = 4;
    isa->monitor_words = 2;
    isa->cell_width[ISA_FULL] = 16;
    isa->cell_width[ISA_SCALED] = 2;
    isa->address_width[ISA_FULL] = 16;
    parse_set_address_width(isa);
    memcpy(isa->traps[0].name, "memory", sizeof("memory"));
    isa->traps[0].kind = ISA_TRAP_MEMORY;
    isa->trap_count = 1;
}

/* A word, and more of them or numbers with '-' between: pdp10-ka10. */
bool parse_machine_name(struct parse *p, char into[ISA_NAME], const char *what)
{
    const struct lex_token *t = &p->lex.token;

    if (!parse_word(p, into, what))
        return false;
    while (parse_accept(p, "-")) {
        size_t n = strlen(into);

        if (t->kind != LEX_WORD && t->kind != LEX_NUMBER) {
            lex_expected(&p->lex, "the rest of the machine's name", NULL);
            return false;
        }
        if (n + 1 + t->len >= ISA_NAME)
            return parse_fault(p, "a name of more than 31 letters");
        into[n] = '-';
        memcpy(into + n + 1, t->text, t->len);
        into[n + 1 + t->len] = '\0';
        lex_next(&p->lex);
    }
    return true;
}

static bool take_tables(struct parse *p)
{
    struct isa *isa = p->isa;

    isa->title = "";
    isa->encodings = parse_take(p, ISA_ENCODINGS * sizeof(*isa->encodings));
    isa->claims = parse_take(p, ISA_CLAIMS * sizeof(*isa->claims));
    isa->notes = parse_take(p, ISA_NOTES * sizeof(*isa->notes));
    isa->leaves_out = parse_take(p, ISA_NOTES * sizeof(*isa->leaves_out));
    isa->lists = parse_take(p, ISA_LISTS * sizeof(*isa->lists));
    isa->repairs = parse_take(p, ISA_REPAIRS * sizeof(*isa->repairs));
    return !p->no_memory;
}

/* machine NAME [like BASE] ["TITLE"], and all that follows */
static bool take_machine(struct parse *p)
{
    if (!parse_expect(p, "machine") ||
        !parse_machine_name(p, p->isa->name, "the machine's name") ||
        (lex_is(&p->lex, "like") && !parse_like(p)))
        return false;
    if (p->lex.token.kind == LEX_STRING && !(p->isa->title = parse_text(p)))
        return false;
    while (p->lex.token.kind != LEX_END)
        if (!declare(p))
            return false;
    return !p->lex.failed;
}

bool parse_base(struct parse *p, const char *name, const char *text)
{
    const struct lex here = p->lex;
    struct isa *isa = p->isa;
    char own[ISA_NAME];
    bool ok;

    memcpy(own, isa->name, sizeof(own));
    lex_open(&p->lex, name, text, strlen(text), here.diag);
    ok = take_machine(p);
    p->lex = here;
    p->lex.failed = p->lex.failed || !ok;
    memcpy(isa->name, own, sizeof(own));
    isa->title = "";
    isa->claim_count = isa->note_count = isa->leaves_out_count = 0;
    isa->list_count = isa->repair_count = 0;
    p->inherited_traps = isa->trap_count;
    for (unsigned i = 0; i < isa->element_count; i++)
        isa->elements[i].inherited = true;
    isa->needs = NULL;
    for (unsigned i = 0; i < isa->encoding_count; i++) {
        isa->encodings[i].inherited = true;
        isa->encodings[i].needed = false;
    }
    return ok;
}

static bool parse_all(struct parse *p)
{
    build_in(p->isa);
    if (!take_tables(p) || !take_machine(p))
        return false;
    return p->isa->encoding_count
               ? true
               : parse_fault(p, "a machine without an instruction");
}

enum status isa_parse(const char *file, const char *text, size_t len,
                      struct isa **out, struct diag *d)
{
    struct parse p = {.isa = calloc(1, sizeof(*p.isa))};

    *out = NULL;
    if (!p.isa)
        return diag_set(d, STATUS_NO_MEMORY, "%s: no memory", file);
    if (len > ISA_TEXT) {
        isa_free(p.isa);
        return diag_set(d, STATUS_BAD_INPUT, "%s: more than 256 kilobytes",
                        file);
    }
    lex_open(&p.lex, file, text, len, d);
    if (parse_all(&p) && !p.lex.failed) {
        *out = p.isa;
        return STATUS_OK;
    }
    isa_free(p.isa);
    return p.no_memory ? STATUS_NO_MEMORY : STATUS_BAD_INPUT;
}
