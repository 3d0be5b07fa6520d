/* The matrix of properties in words, and as JSON. */
#include "popek-goldberg/judge/properties.h"
#include "popek-goldberg/judge/space.h"
#include "popek-goldberg/report/report.h"
#include "popek-goldberg/report/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"trap and emulate",   "hybrid monitor",
                                    "interpretation",     "patching",
                                    "paravirtualization", "hardware assist"};

static const char *const definitions[] = {
    "the guest runs in user mode, and the monitor has its traps",
    "as trap and emulate, with virtual supervisor mode interpreted",
    "every instruction of the guest is interpreted",
    "as trap and emulate, with every critical encoding translated into a trap",
    "as trap and emulate, with a guest that is written anew for it",
    "the guest runs in a mode made for it, with duplicates of what is its own"};

static const char *const standings[] = {"holds", "holds with", "fails",
                                        "not derived"};

/* ---- Witnesses ---- */

static bool same_state(const struct isa_state *a, const struct isa_state *b)
{
    return !memcmp(a->v, b->v, sizeof(a->v)) &&
           !memcmp(a->mem, b->mem, sizeof(a->mem)) && a->unknown == b->unknown;
}

static bool same_witness(const struct pg_witness *a, const struct pg_witness *b)
{
    return a->why == b->why && a->component == b->component &&
           !memcmp(a->operands, b->operands, sizeof(a->operands)) &&
           same_state(&a->s[0], &b->s[0]) && same_state(&a->s[1], &b->s[1]);
}

unsigned pg_cell_row(const struct pg_properties *p, const struct pg_method *m,
                     const struct pg_cell *c, enum pg_reading r)
{
    struct pg_row rows[PG_ROWS];
    unsigned n = 0;

    if (m->isa != p->j->isa || !c->witness.found || c->proof != PG_MAPPED)
        return 0;
    for (unsigned i = 0; i < c->encoding; i++)
        n += pg_rows(p->j, i, r, rows);
    unsigned count = pg_rows(p->j, c->encoding, r, rows);
    for (unsigned k = 0; k < count; k++)
        if (rows[k].proof == PG_MAPPED &&
            same_witness(rows[k].witness, &c->witness))
            return n + k + 1;
    return 0;
}

static void put_because(FILE *to, const struct pg_method *m,
                        const struct pg_cell *c)
{
    const struct pg_judgement of = {.isa = m->isa, .setting = m->setting};
    const struct pg_row row = {
        .proof = c->proof, .encoding = c->encoding, .witness = &c->witness};

    if (c->proof == PG_ALONE)
        fputs("it completes", to);
    else
        pg_put_difference(to, &of, &row);
}

static void put_witness(FILE *to, const struct pg_method *m,
                        const struct pg_cell *c)
{
    static const char *const states[] = {"S", "f(S)"};
    const struct pg_witness *w = &c->witness;

    fputs("        instruction ", to);
    pg_put_operands(to, m->isa, c->encoding, w);
    fputc('\n', to);
    for (unsigned i = 0; i < (c->proof == PG_ALONE ? 1 : 2); i++) {
        fprintf(to, "        %-7s  ", states[i]);
        pg_put_state(to, m->isa, c->encoding, &w->s[i]);
        fprintf(to, "\n        i(%s)%*s", states[i],
                (int)(6 - strlen(states[i])), "");
        pg_put_outcome(to, m->isa, c->encoding, &w->r[i]);
        fputc('\n', to);
    }
    const struct pg_judgement of = {.isa = m->isa, .setting = m->setting};
    const struct pg_row row = {
        .proof = c->proof, .encoding = c->encoding, .witness = w};
    if (c->proof == PG_ALONE)
        fputs("        because  it completes.\n", to);
    else
        pg_put_because(to, &of, &row);
}

/* ---- Settings ---- */

static bool uses(const struct isa *isa, unsigned encoding, unsigned element)
{
    struct space s;

    space_open(&s, isa, &isa->encodings[encoding], false);
    return s.used >> element & 1;
}

/* Does what the monitor sets there matter to this cell? */
static bool matters(const struct pg_method *m, const struct pg_cell *c,
                    unsigned element)
{
    if (!m->isa->elements[element].enforced ||
        m->isa->elements[element].kind != ISA_KIND_SWITCH)
        return false;
    for (unsigned i = 0; i < m->isa->encoding_count; i++)
        if (c->breaks[i] && uses(m->isa, i, element))
            return true;
    return false;
}

/* umip=1, tsd=1 */
static void put_setting(struct pg_lines *to, const struct pg_method *m,
                        const struct pg_cell *c)
{
    const struct pg_judgement of = {.isa = m->isa, .setting = m->setting};

    for (unsigned i = 0; i < m->isa->element_count; i++)
        if (matters(m, c, i))
            pg_put_words_of(to, "%s=%llu,", m->isa->elements[i].name,
                            (unsigned long long)pg_setting_value(&of, i));
}

/* ---- Plain ---- */

/* An earlier technique with the same witness against the same property. */
static const struct pg_method *shown_before(const struct pg_properties *p,
                                            const struct pg_method *m,
                                            enum pg_property k)
{
    for (const struct pg_method *e = p->methods; e < m; e++)
        if (e->isa == m->isa && e->cell[k].witness.found &&
            e->cell[k].encoding == m->cell[k].encoding &&
            same_witness(&e->cell[k].witness, &m->cell[k].witness))
            return e;
    return NULL;
}

static void put_cell(FILE *to, const struct pg_properties *p,
                     const struct pg_method *m, enum pg_property k,
                     enum pg_reading r, bool all)
{
    const struct pg_cell *c = &m->cell[k];
    unsigned row = pg_cell_row(p, m, c, r);
    struct pg_lines l = {.to = to, .indent = 6};

    fputs("    ", to);
    l.column = 4;
    pg_put_words_of(&l, "%s %s%s", pg_property_words[k], standings[c->standing],
                    !*c->why                       ? "."
                    : c->standing != PG_STANDS_SET ? ":"
                                                   : "");
    if (c->standing == PG_STANDS_SET) {
        put_setting(&l, m, c);
        pg_put_words(&l, "not otherwise:");
    }
    pg_put_words(&l, c->why);
    if (row)
        pg_put_words_of(&l, "[%u]", row);
    pg_end_line(&l);
    if (!c->witness.found || row)
        return;
    const struct pg_method *shown = all ? NULL : shown_before(p, m, k);
    if (shown)
        fprintf(to, "        The witness is that of %s.\n",
                names[shown->technique]);
    else
        put_witness(to, m, c);
}

static void put_method(FILE *to, const struct pg_properties *p,
                       const struct pg_method *m, enum pg_reading r, bool all)
{
    struct pg_lines l = {.to = to, .indent = 4, .column = 2};
    bool whole = true;

    for (enum pg_property k = 0; k < PG_PROPERTIES; k++)
        whole = whole && m->cell[k].standing == PG_STANDS;
    if (whole && !all && !*m->note)
        return;
    fputs("  ", to);
    pg_put_words_of(&l, "%s%s", names[m->technique], *m->note ? ":" : "");
    pg_put_words(&l, m->note);
    pg_end_line(&l);
    for (enum pg_property k = 0; k < PG_PROPERTIES; k++)
        if (all || m->cell[k].standing != PG_STANDS)
            put_cell(to, p, m, k, r, all);
}

/* With the machine's name, where it is another one. */
static void name_method(const struct pg_properties *p,
                        const struct pg_method *m, char *out, size_t size)
{
    const char *of = m->imagined ? "imagined" : m->isa->name;

    if (!m->imagined && (m->isa == p->j->isa || m->technique == PG_PATCH) &&
        !p->j->isa->assisted)
        of = NULL;
    if (m->isa == p->j->isa)
        of = NULL;
    snprintf(out, size, "%s%s%s", names[m->technique], of ? ", " : "",
             of ? of : "");
}

/* Are these the instructions of the machine below an assisted one? */
static bool is_below(const struct pg_properties *p, const struct pg_method *m)
{
    return p->j->isa->assisted && m->technique != PG_ASSIST &&
           m->isa != p->j->isa;
}

void pg_properties_put(FILE *to, const struct pg_properties *p,
                       enum pg_reading r)
{
    fputs("\nThe properties of a monitor, by technique:\n", to);
    fprintf(to, "  %-32s %-13s %-17s %s\n", "", pg_property_words[0],
            pg_property_words[1], pg_property_words[2]);
    for (unsigned i = 0; i < p->count; i++) {
        const struct pg_method *m = &p->methods[i];
        const char *cell[PG_PROPERTIES];
        char name[ISA_NAME * 2];

        for (enum pg_property k = 0; k < PG_PROPERTIES; k++)
            cell[k] = m->cell[k].standing == PG_STANDS_SET
                          ? "holds if set"
                          : standings[m->cell[k].standing];
        name_method(p, m, name, sizeof(name));
        fprintf(to, "  %-32s %-13s %-17s %s\n", name, cell[0], cell[1],
                cell[2]);
    }
    if (is_below(p, &p->methods[0]))
        fprintf(to,
                "  Without its assist the machine is %s; the witnesses are in\n"
                "  trapline check %s.\n",
                p->methods[0].isa->name, p->methods[0].isa->name);
    for (unsigned i = 0; i < p->count; i++)
        if (!is_below(p, &p->methods[i]))
            put_method(to, p, &p->methods[i], r, false);
}

void pg_properties_put_technique(FILE *to, const struct pg_properties *p,
                                 enum pg_technique t, enum pg_reading r)
{
    struct pg_lines l = {.to = to, .indent = 2, .spaced = true};

    fprintf(to, "Machine %s: %s\n", p->j->isa->name, p->j->isa->title);
    pg_begin_line(&l, "Technique");
    pg_put_words_of(&l, "%s: %s.", pg_technique_words[t], definitions[t]);
    pg_end_line(&l);
    for (unsigned i = 0; i < p->count; i++)
        if (p->methods[i].technique == t)
            put_method(to, p, &p->methods[i], r, true);
}

/* ---- JSON ---- */

/* One part of a witness, as a string of JSON. */
enum part { PART_INSTRUCTION, PART_STATE, PART_OUTCOME, PART_BECAUSE };

static void put_part(FILE *to, const struct pg_method *m,
                     const struct pg_cell *c, enum part part, unsigned i)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f) {
        fputs("null", to);
        return;
    }
    if (part == PART_INSTRUCTION)
        pg_put_operands(f, m->isa, c->encoding, &c->witness);
    else if (part == PART_STATE)
        pg_put_state(f, m->isa, c->encoding, &c->witness.s[i]);
    else if (part == PART_OUTCOME)
        pg_put_outcome(f, m->isa, c->encoding, &c->witness.r[i]);
    else
        put_because(f, m, c);
    if (fclose(f) == 0 && text)
        pg_put_json_string(to, text);
    else
        fputs("null", to);
    free(text);
}

static void put_json_witness(FILE *to, const struct pg_properties *p,
                             const struct pg_method *m, const struct pg_cell *c,
                             enum pg_reading r)
{
    static const struct {
        const char *key;
        enum part part;
    } lists[] = {{"states", PART_STATE}, {"outcomes", PART_OUTCOME}};
    unsigned row = pg_cell_row(p, m, c, r);

    if (!c->witness.found) {
        fputs("null", to);
        return;
    }
    fputs("{\"number\":", to);
    if (row)
        fprintf(to, "%u", row);
    else
        fputs("null", to);
    fputs(",\"instruction\":", to);
    put_part(to, m, c, PART_INSTRUCTION, 0);
    for (unsigned k = 0; k < ARRAY_LEN(lists); k++) {
        fprintf(to, ",\"%s\":[", lists[k].key);
        put_part(to, m, c, lists[k].part, 0);
        if (c->proof != PG_ALONE) {
            fputc(',', to);
            put_part(to, m, c, lists[k].part, 1);
        }
        fputc(']', to);
    }
    fputs(",\"because\":", to);
    put_part(to, m, c, PART_BECAUSE, 0);
    fputc('}', to);
}

/* "umip":1,"tsd":1 */
static void put_json_setting(FILE *to, const struct pg_method *m,
                             const struct pg_cell *c)
{
    const struct pg_judgement of = {.isa = m->isa, .setting = m->setting};
    const char *separator = "";

    for (unsigned i = 0; i < m->isa->element_count; i++)
        if (matters(m, c, i)) {
            fprintf(to, "%s\"%s\":%llu", separator, m->isa->elements[i].name,
                    (unsigned long long)pg_setting_value(&of, i));
            separator = ",";
        }
}

static void put_json_cell(FILE *to, const struct pg_properties *p,
                          const struct pg_method *m, enum pg_property k,
                          enum pg_reading r)
{
    static const char *const keys[] = {"equivalence", "resource_control",
                                       "efficiency"};
    const struct pg_cell *c = &m->cell[k];
    const char *separator = "";

    fprintf(to, ",\"%s\":{\"verdict\":\"%s\",\"with\":{", keys[k],
            standings[c->standing]);
    if (c->standing == PG_STANDS_SET)
        put_json_setting(to, m, c);
    fputs("},\"why\":", to);
    pg_put_json_string(to, c->why);
    fputs(",\"encodings\":[", to);
    for (unsigned i = 0; i < m->isa->encoding_count; i++)
        if (c->breaks[i]) {
            fputs(separator, to);
            pg_put_json_string(to, m->isa->encodings[i].name);
            separator = ",";
        }
    fputs("],\"witness\":", to);
    put_json_witness(to, p, m, c, r);
    fputc('}', to);
}

void pg_properties_put_json(FILE *to, const struct pg_properties *p,
                            enum pg_reading r)
{
    fputc('[', to);
    for (unsigned i = 0; i < p->count; i++) {
        const struct pg_method *m = &p->methods[i];

        fprintf(to, "%s{\"technique\":\"%s\",\"machine\":", i ? "," : "",
                pg_technique_words[m->technique]);
        pg_put_json_string(to, m->isa->name);
        fputs(",\"note\":", to);
        pg_put_json_string(to, m->note);
        for (enum pg_property k = 0; k < PG_PROPERTIES; k++)
            put_json_cell(to, p, m, k, r);
        fputc('}', to);
    }
    fputc(']', to);
}
