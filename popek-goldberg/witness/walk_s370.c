#include "popek-goldberg/witness/walk_s370.h"

#include "popek-goldberg/probe/probe_s370_state.h"
#include "s370/machine/interruption.h"

#include <stdlib.h>
#include <string.h>

enum { NAME = 16, CELL = 30, BYTES_SHOWN = 16, REGISTERS_A_LINE = 4 };

struct walker {
    const struct pg_probe_witness *w;
    const struct pg_s370_machine *machine;
    struct pg_walk *out;
    unsigned sides;
    struct pg_state state[2];
    struct pg_run run[2];
    FILE *to;
};

unsigned pg_s370_witnesses(
    const struct pg_probe_row *row,
    const struct pg_probe_witness *all[PG_S370_WITNESSES])
{
    const struct pg_probe_witness *some[] = {&row->control, &row->less,
                                             &row->trap};
    unsigned n = 0;

    for (unsigned i = 0; i < PG_PARTS; i++)
        if (row->shows[i].found)
            all[n++] = &row->shows[i];
    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        if (some[i]->found)
            all[n++] = some[i];
    return n;
}

/* ---- Cells ---- */

static void row(const struct walker *k, bool differs, const char *name)
{
    fprintf(k->to, "%c %-*s", differs ? '*' : ' ', NAME, name);
}

static void cell(const struct walker *k, unsigned side, const char *text)
{
    if (side + 1 < k->sides)
        fprintf(k->to, "%-*s ", CELL - 1, text);
    else
        fprintf(k->to, "%s", text);
}

static void end_row(const struct walker *k, bool named)
{
    fputs(named ? "   <--\n" : "\n", k->to);
}

static void heads(const struct walker *k, const char *form)
{
    row(k, false, "");
    for (unsigned i = 0; i < k->sides; i++) {
        char text[16];
        const char *name = k->sides == 1 ? "S" : i ? "S2" : "S1";

        snprintf(text, sizeof(text), "%s%s%s", form, name, *form ? ")" : "");
        cell(k, i, text);
    }
    end_row(k, false);
}

/* A value before and, where that is another, after. */
static void change(const struct walker *k, unsigned side, unsigned digits,
                   uint64_t was, uint64_t is)
{
    char text[64];

    if (was == is)
        snprintf(text, sizeof(text), "%0*llx", (int)digits,
                 (unsigned long long)is);
    else
        snprintf(text, sizeof(text), "%0*llx -> %0*llx", (int)digits,
                 (unsigned long long)was, (int)digits, (unsigned long long)is);
    cell(k, side, text);
}

static bool is_seen(const struct walker *k, unsigned part, uint32_t index)
{
    return k->w->seen.part == part && k->w->seen.index == index;
}

/* ---- Registers ---- */

static uint64_t before(const struct walker *k, unsigned side,
                       const struct reg_desc *reg)
{
    return pg_register(&k->run[side].before.cpu, reg);
}

static uint64_t after(const struct walker *k, unsigned side,
                      const struct reg_desc *reg)
{
    return pg_register(&k->run[side].after.cpu, reg);
}

static void put_psw(const struct walker *k, bool outcomes)
{
    char text[2][64];

    for (unsigned i = 0; i < k->sides; i++) {
        const struct pg_view *v =
            outcomes ? &k->run[i].after : &k->run[i].before;
        size_t n = s370_psw_brief(&v->cpu.psw, text[i], sizeof(text[i]));

        snprintf(text[i] + n, sizeof(text[i]) - n, " %s",
                 v->cpu.psw.problem ? "problem" : "super.");
    }
    row(k, k->sides == 2 && strcmp(text[0], text[1]) != 0, "PSW");
    for (unsigned i = 0; i < k->sides; i++)
        cell(k, i, text[i]);
    end_row(k, false);
}

/* What is varied and is no register of the table. */
static void put_varied(const struct walker *k)
{
    char text[2][64];

    if (k->sides == 1 || k->w->varied < S370_REG_COUNT ||
        k->w->varied == PG_LOCATION)
        return;
    for (unsigned i = 0; i < 2; i++) {
        const struct s370_cpu *cpu = &k->run[i].before.cpu;
        const struct s370_timers *t = &cpu->timers;

        switch (k->w->varied) {
        case PG_CPU_ID:
            snprintf(text[i], sizeof(text[i]), "%016llx",
                     (unsigned long long)cpu->cpuid);
            break;
        case PG_CPU_ADDRESS:
            snprintf(text[i], sizeof(text[i]), "%04x", cpu->address);
            break;
        case PG_TOD_SET:
            snprintf(text[i], sizeof(text[i]), "%s",
                     t->tod_set ? "set" : "not set");
            break;
        case PG_SIGNALS:
            snprintf(text[i], sizeof(text[i]), "call %u, emergency %u",
                     t->call_pending, t->emergency_pending);
            break;
        default:
            snprintf(text[i], sizeof(text[i]), "%s", i ? "others" : "some");
        }
    }
    row(k, true, pg_part_name(k->w->varied));
    for (unsigned i = 0; i < 2; i++)
        cell(k, i, text[i]);
    end_row(k, false);
}

/* What the two states have in common, or what the only one has. */
static void put_general(const struct walker *k)
{
    fputs("\n  General registers of both:\n", k->to);
    for (unsigned i = 0; i < 16; i++)
        fprintf(k->to, "%s%2u %08x%s", i % REGISTERS_A_LINE ? "   " : "    ", i,
                k->run[0].before.cpu.gr[i],
                (i + 1) % REGISTERS_A_LINE ? "" : "\n");
}

static void put_registers_before(const struct walker *k)
{
    for (size_t i = 0; k->sides == 2 && i < s370_regs.count; i++) {
        const struct reg_desc *reg = &s370_regs.rows[i];

        if (before(k, 0, reg) == before(k, 1, reg))
            continue;
        row(k, true, reg->name);
        for (unsigned side = 0; side < 2; side++)
            change(k, side, reg->bits / 4, before(k, side, reg),
                   before(k, side, reg));
        end_row(k, false);
    }
}

static void put_registers_after(const struct walker *k)
{
    for (size_t i = 0; i < s370_regs.count; i++) {
        const struct reg_desc *reg = &s370_regs.rows[i];
        bool differs = k->sides == 2 && after(k, 0, reg) != after(k, 1, reg);
        bool changed = before(k, 0, reg) != after(k, 0, reg) ||
                       (k->sides == 2 && before(k, 1, reg) != after(k, 1, reg));

        if (!differs && !changed)
            continue;
        row(k, differs, reg->name);
        for (unsigned side = 0; side < k->sides; side++)
            change(k, side, reg->bits / 4, before(k, side, reg),
                   after(k, side, reg));
        end_row(k, is_seen(k, reg->id, 0));
    }
}

/* ---- Bytes: the window, storage outside of it, keys ---- */

struct bytes {
    unsigned part;
    const char *name;
    uint32_t count;
    const uint8_t *before[2], *after[2];
    bool (*skip)(const struct walker *k, uint32_t at);
};

static bool inside(const struct walker *k, uint32_t at)
{
    return k->run[0].inside[at / S370_BLOCK] ||
           (k->sides == 2 && k->run[1].inside[at / S370_BLOCK]);
}

static void put_byte(const struct walker *k, const struct bytes *b, uint32_t at)
{
    bool differs = k->sides == 2 && b->after[0][at] != b->after[1][at];
    bool key = b->part == PG_STORAGE_KEYS;
    char name[40];

    snprintf(name, sizeof(name), "%s %x", b->name, at);
    row(k, differs, name);
    for (unsigned side = 0; side < k->sides; side++)
        change(k, side, 2, b->before[side][at], b->after[side][at]);
    end_row(k,
            is_seen(k, b->part, at) || (key && is_seen(k, PG_REFERENCE, at)));
}

/* What changed or differs; the one that is spoken of is always there. */
static void put_bytes(const struct walker *k, const struct bytes *b)
{
    unsigned shown = 0, more = 0;

    for (uint32_t at = 0; at < b->count; at++) {
        bool wanted = b->before[0][at] != b->after[0][at];

        if (k->sides == 2)
            wanted = wanted || b->before[1][at] != b->after[1][at] ||
                     b->after[0][at] != b->after[1][at];
        if (!wanted || (b->skip && b->skip(k, at)))
            continue;
        if (shown < BYTES_SHOWN || is_seen(k, b->part, at)) {
            put_byte(k, b, at);
            shown++;
        } else {
            more++;
        }
    }
    if (more)
        fprintf(k->to, "  and %u more of %s\n", more, b->name);
}

static void put_storage(const struct walker *k)
{
    const struct pg_run *a = &k->run[0], *z = &k->run[k->sides - 1];
    const struct bytes all[] = {
        {PG_WINDOW,
         "storage",
         PG_WINDOW_SIZE,
         {a->before.window, z->before.window},
         {a->after.window, z->after.window},
         NULL},
        {PG_OUTSIDE,
         "outside",
         PG_BYTES,
         {a->before.bytes, z->before.bytes},
         {a->after.bytes, z->after.bytes},
         inside},
        {PG_STORAGE_KEYS,
         "key of block",
         PG_BLOCKS,
         {a->before.keys, z->before.keys},
         {a->after.keys, z->after.keys},
         NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        bool moved =
            k->w->varied == PG_LOCATION || k->w->varied == S370_REG_PREFIX;

        if (all[i].part == PG_WINDOW || !moved || k->sides == 1)
            put_bytes(k, &all[i]);
    }
}

/* ---- What has no row of its own ---- */

static void put_others(const struct walker *k)
{
    const struct pg_view *v = &k->run[0].after;

    if (v->stale != k->run[0].before.stale)
        fprintf(k->to, "  The translation-lookaside buffer was emptied.\n");
    for (unsigned i = 0; i < PG_DEVICES; i++)
        if (memcmp(&v->devices[i], &k->run[0].before.devices[i],
                   sizeof(v->devices[i])) != 0)
            fprintf(k->to, "  Device %u of the channels is in another state.\n",
                    i);
}

static void put_seen(const struct walker *k)
{
    const struct pg_difference *d = &k->w->seen;

    fprintf(k->to, "\nSeen: %s", pg_part_name(d->part));
    if (d->part == PG_WINDOW || d->part == PG_OUTSIDE ||
        d->part == PG_STORAGE_KEYS || d->part == PG_REFERENCE)
        fprintf(k->to, " %x", d->index);
    fprintf(k->to, " is %llx %s and %llx %s.\n", (unsigned long long)d->a,
            k->sides == 1 ? "before"
            : k->w->less  ? "before, for the supervisor,"
                          : "in the first",
            (unsigned long long)d->b,
            k->sides == 1 || k->w->less ? "after" : "in the second");
    if (d->part == PG_TRAP)
        fputs("(Class of the interruption, then its code; 0: none.)\n", k->to);
    fprintf(k->to, "%s\n",
            pg_probe_replay(k->w, k->machine)
                ? "The machine does it again: the witness replays."
                : "THE MACHINE DOES SOMETHING ELSE: the witness does not "
                  "replay.");
}

/* ---- Steps ---- */

static void put_loaded(const struct walker *k)
{
    const struct insn_desc *d = &s370_insns.rows[k->w->op];
    const struct pg_state *s = &k->state[0];

    fprintf(k->to, "%s, %s: %s\nState %u of the probe, ", d->name, d->title,
            d->effect, k->w->number);
    if (k->sides == 1)
        fputs("before and after.\n", k->to);
    else
        fprintf(k->to, "and the same with another %s.\n",
                k->w->varied == S370_REG_PSW_P ? "mode"
                                               : pg_part_name(k->w->varied));
    fprintf(k->to, "The instruction: ");
    for (unsigned i = 0; i < s370_insn_len(s->code[0]); i++)
        fprintf(k->to, "%02x", s->code[i]);
    fprintf(k->to, "%s at %06x.\n\n", s->executed ? ", by the EXECUTE" : "",
            s->cpu.psw.ia);
    heads(k, "");
    put_psw(k, false);
    row(k,
        k->sides == 2 && memcmp(k->state[0].frame, k->state[1].frame, 4) != 0,
        "real blocks");
    for (unsigned side = 0; side < k->sides; side++) {
        const uint8_t *f = k->state[side].frame;
        char text[32];

        snprintf(text, sizeof(text), "%u %u %u %u", f[0], f[1], f[2], f[3]);
        cell(k, side, text);
    }
    end_row(k, false);
    put_registers_before(k);
    put_varied(k);
    put_general(k);
}

static const char *program_words(unsigned code)
{
    switch (code) {
#define PROGRAM(number, name, ends, words) \
    case number:                           \
        return words;
#include "s370/machine/interruption.def"
#undef PROGRAM
    default:
        return "program interruption";
    }
}

static void put_executed(const struct walker *k)
{
    fputs("Executed once, by the machine that runs the guests.\n\n", k->to);
    heads(k, "");
    row(k, k->sides == 2 && pg_trap(&k->run[0]) != pg_trap(&k->run[1]), "it");
    for (unsigned i = 0; i < k->sides; i++) {
        const struct s370_interruption *in = &k->run[i].in;

        cell(k, i,
             in->class == S370_INT_NONE      ? "completes"
             : in->class == S370_INT_PROGRAM ? program_words(in->code)
             : in->class == S370_INT_SVC     ? "supervisor-call interruption"
                                             : "another interruption");
    }
    end_row(k, k->w->seen.part == PG_TRAP);
}

static void put_after(const struct walker *k)
{
    fputs("What changed (->), or differs (*).\n\n", k->to);
    heads(k, "i(");
    put_psw(k, true);
    put_registers_after(k);
    put_storage(k);
    put_others(k);
    put_seen(k);
}

static enum status prepare(struct walker *k)
{
    const struct pg_probe_witness *w = k->w;

    k->sides = w->varied == PG_PARTS ? 1 : 2;
    for (unsigned i = 0; i < k->sides; i++) {
        pg_state_make(&k->state[i], w->seed, w->op, w->number);
        if (i && !pg_state_vary(&k->state[i], w->varied, w->seed, w->number))
            return STATUS_BAD_INPUT;
        enum status st = pg_run(&k->state[i], k->machine, &k->run[i]);
        if (st)
            return st;
    }
    return STATUS_OK;
}

enum status pg_walk_s370(const struct pg_probe_witness *w,
                         const struct pg_s370_machine *machine,
                         struct pg_walk *out)
{
    static void (*const steps[])(const struct walker *) = {
        put_loaded, put_executed, put_after};
    struct walker *k = calloc(1, sizeof(*k));
    enum status st = k ? STATUS_OK : STATUS_NO_MEMORY;

    *out = (struct pg_walk){.count = 0};
    if (k) {
        k->w = w;
        k->machine = machine;
        k->out = out;
        st = prepare(k);
    }
    for (size_t i = 0; i < ARRAY_LEN(steps) && !st; i++) {
        char *text;
        size_t size;

        st = pg_walk_begin(&k->to, &text, &size);
        if (st)
            break;
        steps[i](k);
        st = pg_walk_end(out, k->to, &text);
    }
    free(k);
    return st;
}
