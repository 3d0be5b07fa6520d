/* The driver and its cases on our machine. */
#include "tests/oracle/ours.h"
#include "s370/machine/machine.h"
#include "s370/machine/timer.h"

#include <string.h>

enum { CASE_BUDGET = 300 }; /* instructions: more is a loop */

/* LPSW TCASE, with which the driver enters a case. */
#define ENTER UINT32_C(0x82000208)

static void power_on(struct s370_machine *m)
{
    s370_cpu_reset(&m->cpu, true);
    m->cpu.stopped = false;
    s370_machine_interval_switch(m, false);
    s370_psw_load(&m->cpu.psw, m->storage.bytes);
    s370_context_changed(&m->cpu);
}

static bool done(const struct s370_machine *m)
{
    return m->cpu.psw.wait && m->cpu.psw.ia == DONE_ADDRESS;
}

bool ours_run(const struct batch *b, struct s370_machine *m)
{
    memcpy(m->storage.bytes, b->image, STORAGE_SIZE);
    power_on(m);
    return s370_machine_run(m, UINT64_C(100000) * (b->count + 1), NULL) ==
               S370_STOP_DISABLED_WAIT &&
           done(m);
}

static unsigned current(const struct s370_machine *m)
{
    uint32_t at = load_be32(m->storage.bytes + AT_CUR);

    return (at - AT_CASES) / CASE_SIZE;
}

static void take(struct s370_machine *m, const struct s370_interruption *in)
{
    s370_interruption_take(in, &m->cpu.psw, &m->storage, m->cpu.prefix);
    s370_context_changed(&m->cpu);
}

/* One instruction, or what interrupts before it; nothing is taken yet. */
static struct s370_interruption step(struct s370_machine *m)
{
    struct s370_interruption in = {0};

    if (!m->cpu.per_code && s370_psw_valid(&m->cpu.psw) &&
        s370_take_pending(&m->cpu, &in))
        return in;
    s370_step(&m->cpu, &in);
    m->clock.now += m->cpu.ran;
    m->cpu.ran = 0;
    return in;
}

/* The instruction is of a later facility: an operation exception here, unless
 * something interrupts before it. */
static bool refused(struct s370_machine *m)
{
    bool valid = s370_psw_valid(&m->cpu.psw);
    struct s370_interruption in = step(m);

    return in.class == S370_INT_EXTERNAL || !valid ||
           (in.class == S370_INT_PROGRAM &&
            (in.code & 0x7F) == S370_PGM_OPERATION);
}

/* From the driver's LPSW until something interrupts.  False: the case must
 * not go on. */
static bool step_case(struct s370_machine *m, struct fact *f)
{
    *f = (struct fact){
        .fate = FATE_RUN, .last_op = S370_OP_INVALID, .last_at = UINT32_MAX};
    vet_after(m, f);
    while (f->fate == FATE_RUN) {
        vet_before(m, f);
        if (f->fate == FATE_LATER && f->later_opcode)
            f->accepted = !refused(m);
        if (f->fate != FATE_RUN)
            break;
        struct s370_interruption in = step(m);
        if (in.class) {
            vet_ended(m, &in, f);
            take(m, &in);
            return f->fate == FATE_RUN;
        }
        vet_after(m, f);
        if (f->executed > CASE_BUDGET)
            f->fate = FATE_WILD;
    }
    return false;
}

/* From a restart to the end of the batch, or to a case that must not go on.
 * Returns its number; b->count: the end. */
static unsigned step_from(struct batch *b, struct s370_machine *m)
{
    while (!done(m)) {
        const struct s370_psw *psw = &m->cpu.psw;
        bool enter = load_be32(m->storage.bytes + psw->ia) == ENTER;
        unsigned number = current(m);

        if (psw->wait || m->cpu.stopped || psw->ia >= DRIVER_SIZE)
            return number; /* the driver is lost */
        struct s370_interruption in = step(m);
        if (in.class)
            take(m, &in);
        if (enter && !step_case(m, &b->facts[number]))
            return number;
    }
    return b->count;
}

/* Everything but the results so far is put back, and the blocks fenced. */
static void put_back(struct batch *b, struct s370_machine *m)
{
    memcpy(m->storage.bytes, b->image, AT_CASES);
    memcpy(m->storage.bytes + STORAGE_END_BLOCK, b->image + STORAGE_END_BLOCK,
           STORAGE_SIZE - STORAGE_END_BLOCK);
    memset(m->storage.keys, FENCE_KEY, STORAGE_SIZE / S370_BLOCK);
}

void ours_step(struct batch *b, struct s370_machine *m)
{
    unsigned next = 0;

    memcpy(m->storage.bytes, b->image, STORAGE_SIZE);
    while (next < b->count) {
        put_back(b, m);
        batch_select(m->storage.bytes, next, b->count - next);
        power_on(m);
        m->cpu.psw.ia = load_be32(m->storage.bytes + AT_RESUME);
        next = step_from(b, m);
        if (next < b->count) {
            if (b->facts[next].fate == FATE_RUN)
                b->facts[next].fate = FATE_WILD;
            batch_blank(b, next);
            next++;
        }
    }
    memcpy(b->result, m->storage.bytes, STORAGE_SIZE);
}
