/* Labels of System/370 instructions from pairs of runs; see probe_s370.h. */
#include "popek-goldberg/probe/probe_s370_state.h"

#include <stdlib.h>
#include <string.h>

/* Everything of which states are made in pairs. */
static const uint8_t varied[] = {
    S370_REG_PSW_P,  PG_LOCATION,    S370_REG_CR0,      S370_REG_CR1,
    S370_REG_CR2,    S370_REG_CR3,   S370_REG_CR4,      S370_REG_CR5,
    S370_REG_CR6,    S370_REG_CR7,   S370_REG_CR8,      S370_REG_CR9,
    S370_REG_CR10,   S370_REG_CR11,  S370_REG_CR12,     S370_REG_CR13,
    S370_REG_CR14,   S370_REG_CR15,  S370_REG_PSW_MASK, S370_REG_PSW_KEY,
    S370_REG_PSW_EC, S370_REG_PSW_M, S370_REG_PREFIX,   S370_REG_TOD,
    PG_TOD_SET,      S370_REG_CKC,   S370_REG_TIMER,    PG_SIGNALS,
    PG_CPU_ID,       PG_CPU_ADDRESS, PG_STORAGE_KEYS,   PG_REFERENCE,
    PG_CHANNELS};

enum { EX_STATES = 32 };

/* Of one instruction, while its states are tried. */
struct probe {
    const struct pg_s370_machine *machine;
    uint64_t seed;
    struct pg_probe_row *row;
    uint32_t number;
    struct pg_state state, other;
    struct pg_run run, other_run;
    struct {
        unsigned runs, refused, done;
    } user, supervisor;
};

static bool trapped(const struct pg_run *run)
{
    return run->in.class != S370_INT_NONE;
}

static bool refused(const struct pg_run *run)
{
    return run->in.class == S370_INT_PROGRAM &&
           run->in.code == S370_PGM_PRIVILEGED_OPERATION;
}

static void bear_witness(const struct probe *p, struct pg_probe_witness *w,
                         unsigned part, const struct pg_difference *d)
{
    if (w->found)
        return;
    *w = (struct pg_probe_witness){.found = true,
                                   .varied = (uint8_t)part,
                                   .op = p->row->op,
                                   .number = p->number,
                                   .seed = p->seed,
                                   .seen = *d};
}

static void sensitive(struct probe *p, unsigned label)
{
    p->row->sensitivity |= (uint8_t)label;
    if (p->state.cpu.psw.problem)
        p->row->user |= (uint8_t)label;
}

/* ---- One state ---- */

static void observe_alone(struct probe *p)
{
    struct pg_difference d;

    if (trapped(&p->run))
        return;
    p->row->records |= pg_records(&p->run);
    d = pg_control(&p->run);
    if (d.part == PG_PARTS)
        return;
    sensitive(p, SENS_CTL);
    bear_witness(p, &p->row->control, PG_PARTS, &d);
}

/* ---- Two states ---- */

static void tally(struct probe *p, const struct pg_state *s,
                  const struct pg_run *run)
{
    bool user = s->cpu.psw.problem;

    if (pg_memory_trap(run)) /* of the instruction fetch, it may be */
        return;
    if (user) {
        p->user.runs++;
        p->user.refused += refused(run);
        p->user.done += !trapped(run);
    } else {
        p->supervisor.runs++;
        p->supervisor.refused += refused(run);
        p->supervisor.done += !trapped(run);
    }
}

static struct pg_difference difference_of_traps(const struct probe *p)
{
    return (struct pg_difference){PG_TRAP, 0, pg_trap(&p->run),
                                  pg_trap(&p->other_run)};
}

/* The same instruction does something for the supervisor and, without a trap,
 * less for the user: not behaviour sensitive by the letter, as the
 * supervisor's run changes more than the program's state. */
static void observe_silence(struct probe *p)
{
    bool user_first = p->state.cpu.psw.problem;
    struct pg_difference user =
        pg_control(user_first ? &p->run : &p->other_run);
    struct pg_difference supervisor =
        pg_control(user_first ? &p->other_run : &p->run);

    if (supervisor.part == PG_PARTS || user.part != PG_PARTS)
        return;
    p->row->silent = true;
    bear_witness(p, &p->row->less, S370_REG_PSW_P, &supervisor);
    p->row->less.less = true;
}

static void observe_mode(struct probe *p)
{
    struct pg_difference d = difference_of_traps(p);

    tally(p, &p->state, &p->run);
    tally(p, &p->other, &p->other_run);
    if (refused(&p->run) != refused(&p->other_run))
        bear_witness(p, &p->row->trap, S370_REG_PSW_P, &d);
    if (!trapped(&p->run) && !trapped(&p->other_run))
        observe_silence(p);
}

/* Both runs must have kept mode, mapping and resources. */
static void observe_results(struct probe *p, unsigned part)
{
    struct pg_difference d = pg_results(&p->run, &p->other_run);

    p->row->completed++;
    if (d.part == PG_PARTS || !pg_keeps(&p->run) || !pg_keeps(&p->other_run))
        return;
    sensitive(p, part == PG_LOCATION ? SENS_LOC : SENS_MODE);
    if (part != PG_LOCATION && part != S370_REG_PSW_P) {
        p->row->leaks |= UINT64_C(1) << part;
        if (p->state.cpu.psw.problem)
            p->row->user_leaks |= UINT64_C(1) << part;
    }
    bear_witness(p, &p->row->shows[part], part, &d);
}

static enum status observe_pair(struct probe *p, unsigned part)
{
    p->other = p->state;
    if (!pg_state_vary(&p->other, part, p->seed, p->number))
        return STATUS_OK;
    enum status st = pg_run(&p->other, p->machine, &p->other_run);
    if (st)
        return st;
    p->row->pairs++;
    if (part == S370_REG_PSW_P)
        observe_mode(p);
    if (!trapped(&p->run) && !trapped(&p->other_run))
        observe_results(p, part);
    else if (pg_trap(&p->run) != pg_trap(&p->other_run) &&
             !pg_memory_trap(&p->run) && !pg_memory_trap(&p->other_run))
        p->row->traps_by |= UINT64_C(1) << part;
    return STATUS_OK;
}

/* ---- An instruction ---- */

/* Privileged: refused in every state of the user and in none of the
 * supervisor.  What is refused in some only is semi-privileged. */
static enum privilege privilege_of(const struct probe *p)
{
    if (!p->user.refused && !p->supervisor.refused)
        return PRIV_U;
    if (p->user.refused == p->user.runs && !p->supervisor.refused)
        return PRIV_P;
    return PRIV_Q;
}

static enum status probe_row(struct probe *p, unsigned states)
{
    enum status st = STATUS_OK;

    for (p->number = 0; p->number < states && !st; p->number++) {
        pg_state_make(&p->state, p->seed, p->row->op, p->number);
        st = pg_run(&p->state, p->machine, &p->run);
        if (st)
            break;
        observe_alone(p);
        for (size_t i = 0; i < ARRAY_LEN(varied) && !st; i++)
            st = observe_pair(p, varied[i]);
    }
    p->row->privilege = (uint8_t)privilege_of(p);
    p->row->supervised = p->supervisor.done;
    return st;
}

enum status pg_probe_s370_insn(struct pg_probe_row *row, enum s370_op op,
                               const struct pg_s370_machine *machine,
                               uint64_t seed, unsigned states)
{
    struct probe *p = calloc(1, sizeof(*p));

    if (!p)
        return STATUS_NO_MEMORY;
    *row = (struct pg_probe_row){.op = (uint16_t)op};
    p->machine = machine;
    p->seed = seed;
    p->row = row;
    /* EXECUTE is as many instructions as it has targets. */
    enum status st =
        probe_row(p, op == S370_OP_EX ? states * EX_STATES : states);
    free(p);
    return st;
}

enum status pg_probe_s370(struct pg_probe_row *rows,
                          const struct pg_s370_machine *machine, uint64_t seed,
                          unsigned states)
{
    enum status st = STATUS_OK;

    for (unsigned op = 0; op < S370_OP_COUNT && !st; op++)
        st = pg_probe_s370_insn(&rows[op], op, machine, seed, states);
    return st;
}

/* ---- Opcodes that are not in the table ---- */

/* An operation exception, and nothing changed. */
static bool only_operation(const struct pg_run *run)
{
    return run->in.class == S370_INT_PROGRAM &&
           run->in.code == S370_PGM_OPERATION &&
           pg_control(run).part == PG_PARTS &&
           !memcmp(run->before.window, run->after.window, PG_WINDOW_SIZE) &&
           !memcmp(run->before.cpu.gr, run->after.cpu.gr,
                   sizeof(run->after.cpu.gr)) &&
           !memcmp(run->before.cpu.fpr, run->after.cpu.fpr,
                   sizeof(run->after.cpu.fpr)) &&
           run->before.cpu.psw.cc == run->after.cpu.psw.cc &&
           run->before.cpu.psw.program_mask == run->after.cpu.psw.program_mask;
}

/* A state with the halfword as operation code, where LR was. */
static void put_opcode(struct pg_state *s, uint32_t halfword)
{
    s->window[s->cpu.psw.ia] = (uint8_t)(halfword >> 8);
    s->window[s->cpu.psw.ia + 1] = (uint8_t)halfword;
}

static enum status try_opcode(struct probe *p, uint32_t halfword, bool *good)
{
    enum status st = STATUS_OK;

    do
        pg_state_make(&p->state, p->seed, S370_OP_LR, p->number++);
    while (p->state.executed ||
           p->state.window_keys[0] >> 4 != p->state.cpu.psw.key);
    put_opcode(&p->state, halfword);
    for (unsigned mode = 0; mode < 2 && !st; mode++) {
        p->state.cpu.psw.problem = mode;
        st = pg_run(&p->state, p->machine, &p->run);
        *good &= !st && only_operation(&p->run);
    }
    return st;
}

static bool in_table(uint32_t halfword)
{
    const uint8_t bytes[6] = {(uint8_t)(halfword >> 8), (uint8_t)halfword};
    struct s370_decoded d;

    s370_decode(bytes, &d);
    return d.op != S370_OP_INVALID;
}

enum status pg_probe_s370_invalid(const struct pg_s370_machine *machine,
                                  uint64_t seed, unsigned *tried,
                                  uint32_t *first)
{
    struct probe *p = calloc(1, sizeof(*p));
    enum status st = p ? STATUS_OK : STATUS_NO_MEMORY;

    *tried = 0;
    *first = 0x10000;
    for (uint32_t opcode = 0; opcode < 0x10000 && !st; opcode++) {
        bool good = true;

        /* Where the second byte is no part of the opcode, a few of it. */
        if (in_table(opcode) || (opcode >> 8 != 0xB2 && opcode % 0x55))
            continue;
        p->machine = machine;
        p->seed = seed;
        st = try_opcode(p, opcode, &good);
        *tried += 1;
        if (!good && *first == 0x10000)
            *first = opcode;
    }
    free(p);
    return st;
}

/* ---- Witnesses ---- */

static struct pg_difference seen_again(const struct probe *p,
                                       const struct pg_probe_witness *w)
{
    if (w->varied == PG_PARTS)
        return pg_control(&p->run);
    if (w->seen.part == PG_TRAP)
        return difference_of_traps(p);
    if (w->less)
        return pg_control(p->state.cpu.psw.problem ? &p->other_run : &p->run);
    return pg_results(&p->run, &p->other_run);
}

static bool replay(struct probe *p, const struct pg_probe_witness *w)
{
    pg_state_make(&p->state, w->seed, w->op, w->number);
    p->other = p->state;
    if (pg_run(&p->state, p->machine, &p->run))
        return false;
    if (w->varied != PG_PARTS &&
        (!pg_state_vary(&p->other, w->varied, w->seed, w->number) ||
         pg_run(&p->other, p->machine, &p->other_run)))
        return false;
    struct pg_difference d = seen_again(p, w);
    return d.part == w->seen.part && d.index == w->seen.index &&
           d.a == w->seen.a && d.b == w->seen.b;
}

bool pg_probe_replay(const struct pg_probe_witness *w,
                     const struct pg_s370_machine *machine)
{
    struct probe *p = w->found ? calloc(1, sizeof(*p)) : NULL;
    bool again = false;

    if (p) {
        p->machine = machine;
        again = replay(p, w);
    }
    free(p);
    return again;
}
