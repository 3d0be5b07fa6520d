#include "popek-goldberg/construct/construct_program.h"

#include "popek-goldberg/judge/classify.h"
#include "popek-goldberg/judge/random.h"

enum { LITERALS = 64 };

struct maker {
    const struct isa *isa;
    bool monitor; /* instructions that only a monitor has, too */
    struct pg_random random;
    uint64_t literals[LITERALS]; /* of one encoding */
    unsigned count;
};

static void collect(struct maker *m, const struct isa_expr *e)
{
    if (!e)
        return;
    if (e->op == ISA_LITERAL && m->count < LITERALS)
        m->literals[m->count++] = e->value[ISA_FULL];
    collect(m, e->a);
    collect(m, e->b);
    collect(m, e->c);
}

static void collect_literals(struct maker *m, const struct isa_encoding *code)
{
    m->count = 0;
    for (unsigned i = 0; i < code->action_count; i++) {
        collect(m, code->actions[i].guard);
        collect(m, code->actions[i].address);
        collect(m, code->actions[i].value);
    }
}

static unsigned below(struct maker *m, unsigned n)
{
    return pg_random_below(&m->random, n);
}

static uint64_t a_literal(struct maker *m)
{
    return m->count ? m->literals[below(m, m->count)] : 0;
}

static uint64_t number(struct maker *m, unsigned width)
{
    uint64_t all = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX, v;

    switch (below(m, 8)) {
    case 0:
        v = pg_random_next(&m->random);
        break;
    case 1:
        v = a_literal(m);
        break;
    case 2:
        v = a_literal(m) + below(m, 3) - 1;
        break;
    case 3:
        v = all >> below(m, 3);
        break;
    case 4: /* of a segment: few bits set above, a small number below */
        v = below(m, m->isa->cells) | (all & ~(all >> 3) & all << below(m, 4));
        break;
    default:
        v = below(m, m->isa->cells + 2);
    }
    return v & all;
}

/* This encoding, or another one where it has no place. */
static const struct isa_encoding *choose(struct maker *m, unsigned encoding)
{
    const struct isa *isa = m->isa;
    const struct isa_encoding *code = &isa->encodings[encoding];

    for (unsigned i = 0; i < 2 * isa->encoding_count; i++) {
        if (m->monitor || !code->needed)
            break;
        code = &isa->encodings[below(m, isa->encoding_count)];
    }
    return code;
}

static void make_insn(struct maker *m, const struct isa_encoding *code,
                      struct construct_insn *out)
{
    *out = (struct construct_insn){.code = code};
    collect_literals(m, code);
    for (unsigned i = 0; i < code->operand_count; i++)
        out->operands[i] = number(m, code->operands[i].width[ISA_FULL]);
}

/* Literals are those of the instruction that comes first. */
static void make_start(struct maker *m, const struct isa_encoding *first,
                       struct isa_state *s)
{
    const struct isa *isa = m->isa;
    unsigned config = below(m, pg_configs(isa));

    collect_literals(m, first);
    *s = (struct isa_state){.q = isa->cells};
    for (unsigned i = 0; i < isa->element_count; i++)
        s->v[i] = isa->elements[i].kind == ISA_KIND_SWITCH
                      ? pg_config_value(isa, config, i)
                      : number(m, isa->elements[i].width[ISA_FULL]);
    for (unsigned i = 0; i < isa->cells; i++)
        s->mem[i] = number(m, isa->cell_width[ISA_FULL]);
    s->v[ISA_MODE] = below(m, 2);
    s->v[ISA_PC] = below(m, isa->cells);
    s->v[ISA_BASE] = 0;
    s->v[ISA_BOUND] = isa->cells;
    if (below(m, 3) == 0) {
        s->v[ISA_BASE] = below(m, isa->cells);
        s->v[ISA_PC] = below(m, isa->cells - (unsigned)s->v[ISA_BASE]);
    }
    if (below(m, 6) == 0)
        s->v[ISA_BOUND] = below(m, isa->cells + 1);
}

void construct_program(const struct isa *isa, uint64_t seed, bool monitor,
                       struct construct_program *out)
{
    struct maker m = {
        .isa = isa, .monitor = monitor, .random = pg_random_seeded(seed)};
    const struct isa_encoding *first =
        choose(&m, (unsigned)(seed % isa->encoding_count));

    *out = (struct construct_program){.seed = seed};
    for (unsigned i = 0; i < isa->cells; i++)
        make_insn(&m, choose(&m, below(&m, isa->encoding_count)),
                  &out->insns[i]);
    make_start(&m, first, &out->start);
    make_insn(&m, first,
              &out->insns[out->start.v[ISA_BASE] + out->start.v[ISA_PC]]);
    out->new.v[ISA_MODE] = ISA_SUPERVISOR;
    out->new.v[ISA_PC] = below(&m, isa->cells);
    out->new.v[ISA_BASE] = 0;
    out->new.v[ISA_BOUND] = isa->cells;
}
