/* From a description to a control program. */
#include "popek-goldberg/construct/construct_monitor.h"
#include "popek-goldberg/judge/space.h"

/* ---- Which instructions need a v_i ---- */

/* What differs between S and f(S), and may therefore not be asked of the real
 * machine. */
static bool is_hidden(const struct isa *isa, unsigned i)
{
    switch (isa->elements[i].kind) {
    case ISA_KIND_MODE:
    case ISA_KIND_BASE:
    case ISA_KIND_RESOURCE:
        return true;
    case ISA_KIND_SWITCH:
        return isa->elements[i].enforced;
    default:
        return false;
    }
}

static bool reads_hidden(const struct isa *isa, const struct isa_encoding *code)
{
    struct space s;

    space_open(&s, isa, code, false);
    for (unsigned i = 0; i < isa->element_count; i++)
        if ((s.read >> i & 1) && is_hidden(isa, i))
            return true;
    return false;
}

static bool is_privileged_trap(const struct isa *isa,
                               const struct isa_action *a)
{
    return a->kind == ISA_TRAP &&
           isa->traps[a->trap].kind == ISA_TRAP_PRIVILEGED;
}

static bool has_trap(const struct isa_encoding *code)
{
    for (unsigned i = 0; i < code->action_count; i++)
        if (code->actions[i].kind == ISA_TRAP)
            return true;
    return false;
}

bool construct_needs_v(const struct isa *isa, const struct isa_encoding *code)
{
    struct space s;

    space_open(&s, isa, code, false);
    if (reads_hidden(isa, code) && (s.memory || has_trap(code)))
        return true;
    for (unsigned i = 0; i < code->action_count; i++) {
        const struct isa_action *a = &code->actions[i];

        if (is_privileged_trap(isa, a))
            return true;
    }
    return false;
}

/* ---- Rows, as an architecture has them ---- */

/* The trap of a privileged instruction in user mode; a machine that has none
 * gives it a number of its own. */
static unsigned privileged_trap(const struct isa *isa)
{
    unsigned i = 0;

    while (i < isa->trap_count && isa->traps[i].kind != ISA_TRAP_PRIVILEGED)
        i++;
    return i;
}

/* Privileged by the mode alone: D may refuse it in virtual user mode without
 * asking its v_i. */
static bool by_mode_alone(const struct isa *isa,
                          const struct isa_encoding *code)
{
    struct space s;

    space_open(&s, isa, code, false);
    for (unsigned i = ISA_BASE; i < isa->element_count; i++)
        if ((s.read >> i & 1) && is_hidden(isa, i))
            return false;
    for (unsigned i = 0; i < code->action_count; i++)
        if (is_privileged_trap(isa, &code->actions[i]) &&
            code->actions[i].trap != privileged_trap(isa))
            return false;
    return true;
}

bool construct_by_mode_alone(const struct pg_judgement *j, unsigned encoding)
{
    return j->best.labels[encoding].privileged[PG_CORRECTED] &&
           by_mode_alone(j->isa, &j->isa->encodings[encoding]);
}

static enum privilege privilege_of(const struct construct_design *d, unsigned i)
{
    if (!construct_needs_v(d->isa, &d->isa->encodings[i]))
        return PRIV_U;
    return d->technique != CONSTRUCT_INTERPRET &&
                   construct_by_mode_alone(d->j, i)
               ? PRIV_P
               : PRIV_Q;
}

static void make_rows(struct construct_design *d)
{
    unsigned n = d->isa->encoding_count;

    for (unsigned i = 0; i < n; i++) {
        const struct isa_encoding *code = &d->isa->encodings[i];
        bool needed =
            d->technique != CONSTRUCT_TRAP || construct_needs_v(d->isa, code);

        d->rows[i] = (struct insn_desc){.id = (uint16_t)i,
                                        .length = 1,
                                        .privilege = privilege_of(d, i),
                                        .name = code->name,
                                        .title = code->title};
        d->v[i] = needed ? construct_v : NULL;
    }
    d->rows[n] = (struct insn_desc){.id = (uint16_t)n,
                                    .length = 1,
                                    .privilege = PRIV_P,
                                    .name = "load PSW",
                                    .title = "the last act of a monitor"};
    d->v[n] = construct_v_psw;
    d->table = (struct insn_table){d->rows, n + 1};
}

void construct_design(const struct pg_judgement *j,
                      enum construct_technique technique,
                      enum construct_mutation mutation, unsigned target,
                      struct construct_design *d)
{
    *d = (struct construct_design){.isa = j->isa,
                                   .j = j,
                                   .technique = technique,
                                   .mutation = mutation,
                                   .target = target};
    make_rows(d);
    d->guest = construct_guest;
    d->guest.name = d->isa->name;
    d->guest.insns = &d->table;
    d->guest.privileged_event.code = privileged_trap(d->isa);
    __builtin_memcpy(d->handlers, construct_handlers, sizeof(d->handlers));
    if (mutation == CONSTRUCT_DROP_V)
        d->v[target] = NULL;
    if (mutation == CONSTRUCT_REFLECT)
        d->handlers[EXIT_SENSITIVE].handle = d->handlers[EXIT_TRAP].handle =
            d->handlers[EXIT_FAULT].handle = handle_reflect;
}
