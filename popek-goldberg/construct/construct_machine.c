#include "popek-goldberg/construct/construct_machine.h"

#include <string.h>

/* The bits of `unknown` that are about a PSW. */
static const uint64_t psw_bits = (UINT64_C(1) << ISA_BUILT_IN) - 1;

struct construct_psw construct_psw(const struct construct_machine *m)
{
    struct construct_psw psw = {.unknown = m->s.unknown & psw_bits};

    memcpy(psw.v, m->s.v, sizeof(psw.v));
    return psw;
}

void construct_load_psw(struct construct_machine *m,
                        const struct construct_psw *psw)
{
    memcpy(m->s.v, psw->v, sizeof(psw->v));
    m->s.unknown = (m->s.unknown & ~psw_bits) | psw->unknown;
}

struct construct_word *construct_reach(const struct construct_machine *m,
                                       uint64_t base, uint64_t bound,
                                       uint64_t a)
{
    if (a >= bound || a >= m->s.q || base >= m->s.q - a)
        return NULL;
    return &m->word[base + a];
}

/* What an instruction sees of storage; beyond its end there is nothing. */
void construct_window(const struct construct_machine *m, struct isa_state *s)
{
    *s = m->s;
    s->unknown_mem = 0;
    for (unsigned i = 0; i < ISA_CELLS; i++) {
        const struct construct_word *w =
            construct_reach(m, s->v[ISA_BASE], ISA_CELLS, i);

        s->mem[i] = w ? w->value : 0;
        s->unknown_mem |= (unsigned)(w && w->unknown) << i;
    }
}

static bool refused(const struct construct_machine *m,
                    const struct isa_result *r)
{
    return r->ending == ISA_TRAPPED && m->s.v[ISA_MODE] == ISA_USER &&
           m->isa->traps[r->trap].kind == ISA_TRAP_PRIVILEGED;
}

void construct_execute(const struct construct_machine *m,
                       const struct construct_insn *insn, struct isa_result *r)
{
    unsigned width = m->isa->elements[ISA_PC].width[ISA_FULL];
    struct isa_state s;

    construct_window(m, &s);
    isa_step(m->isa, insn->code, ISA_FULL, insn->operands, &s, r);
    if (insn->code == m->no_op && refused(m, r)) {
        r->ending = ISA_DONE;
        r->state.v[ISA_PC]++;
        if (width < 64)
            r->state.v[ISA_PC] &= (UINT64_C(1) << width) - 1;
    }
}

void construct_commit(struct construct_machine *m, const struct isa_state *s)
{
    uint64_t base = m->s.v[ISA_BASE]; /* of the window */

    for (unsigned i = 0; i < ISA_CELLS; i++) {
        struct construct_word *w = construct_reach(m, base, ISA_CELLS, i);

        if (!w)
            break;
        w->value = s->mem[i];
        w->unknown = s->unknown_mem >> i & 1;
    }
    m->s = *s;
}

void construct_trap(struct construct_machine *m, unsigned trap)
{
    m->old = construct_psw(m);
    m->cause = trap;
    construct_load_psw(m, &m->new);
}

/* A memory trap is trap 0 of every machine. */
static void take(struct construct_machine *m, unsigned trap,
                 struct construct_step *out)
{
    out->ending = CONSTRUCT_TRAPPED;
    out->trap = trap;
    construct_trap(m, trap);
}

void construct_step(struct construct_machine *m, struct construct_step *out)
{
    const uint64_t *v = m->s.v;
    const struct construct_word *w =
        construct_reach(m, v[ISA_BASE], v[ISA_BOUND], v[ISA_PC]);
    struct isa_result r;

    *out = (struct construct_step){.ending = CONSTRUCT_LOST};
    if (!w)
        return take(m, 0, out);
    out->insn = w->insn;
    if (!w->insn)
        return;
    construct_execute(m, w->insn, &r);
    if (r.ending == ISA_TRAPPED)
        return take(m, r.trap, out);
    out->ending = CONSTRUCT_ANYTHING;
    if (r.ending == ISA_ANYTHING)
        return;
    out->ending = CONSTRUCT_DONE;
    construct_commit(m, &r.state);
}
