#include "cli/lockstep.h"

#include "base/format.h"
#include "monitor/dispatcher.h"
#include "s370/machine/disasm.h"

#include <string.h>

/* Storage up to this size is compared at every sync; more of it, every so many
 * syncs, and a difference is narrowed down in one more run. */
enum { STORAGE_EVERY_TIME = 256 << 10, STORAGE_SYNCS = 256 };

/* One run of a pair, from the start. */
struct run {
    const struct lockstep_guest *guest;
    const struct lockstep_options *options;
    struct lockstep_pair pair;
    struct lockstep_report *report;
    uint64_t full_from; /* compare all storage at every sync from here on */
    uint64_t step_from; /* go on one by one from here on */
    uint64_t good;      /* instructions at the last sync */
    uint64_t full_good; /* at the last one that compared storage too */
    uint64_t unseen;    /* syncs since then */
};

enum step { STEP_ON, STEP_END, STEP_DIFFERENT };

static enum step differs(struct run *r, const char *what)
{
    format(r->report->what, sizeof(r->report->what), "%s", what);
    return STEP_DIFFERENT;
}

/* ---- The instruction about to be executed ---- */

static unsigned bytes_at(const struct s370_machine *m, uint32_t a,
                         uint8_t bytes[6])
{
    unsigned n = 0;

    for (; n < 6; n++, a++) {
        uint32_t at =
            s370_real_to_absolute(a & S370_ADDRESS_MASK, m->cpu.prefix);

        if (at >= m->storage.size)
            break;
        bytes[n] = m->storage.bytes[at];
    }
    return n;
}

/* The subject of EX, as the instruction would find it. */
static unsigned subject(const struct s370_machine *m,
                        const struct s370_decoded *ex, uint8_t bytes[6])
{
    const uint32_t *gr = m->cpu.gr;
    unsigned n = bytes_at(m, gr[ex->x2] + gr[ex->b2] + ex->d2, bytes);

    if (n > 1 && ex->r1)
        bytes[1] |= (uint8_t)gr[ex->r1];
    return n;
}

static void note_instruction(struct run *r)
{
    const struct s370_machine *m = r->pair.bare;
    struct lockstep_report *report = r->report;
    uint8_t bytes[6] = {0};
    struct s370_decoded d;

    report->pc = m->cpu.psw.ia;
    unsigned n = bytes_at(m, report->pc, bytes);
    if (n)
        s370_disasm(bytes, n, report->pc, report->insn, LOCKSTEP_WORDS);
    else
        snprintf(report->insn, LOCKSTEP_WORDS, "-");
    s370_decode(bytes, &d);
    if (n >= 4 && d.op == S370_OP_EX) {
        size_t len = strlen(report->insn);

        len +=
            (size_t)snprintf(report->insn + len, LOCKSTEP_WORDS - len, " of ");
        n = subject(m, &d, bytes);
        s370_disasm(bytes, n, 0, report->insn + len, LOCKSTEP_WORDS - len);
        s370_decode(bytes, &d);
    }
    report->op = d.op;
}

/* ---- Comparing ---- */

static bool wants_storage(const struct run *r, uint64_t insns)
{
    return insns >= r->full_from || insns >= r->step_from ||
           r->pair.bare->storage.size <= STORAGE_EVERY_TIME ||
           r->unseen >= STORAGE_SYNCS;
}

static enum step compare(struct run *r, bool storage)
{
    struct lockstep_report *report = r->report;
    uint64_t insns = r->pair.vm->vcpu.insns;
    char words[LOCKSTEP_WORDS];

    storage = storage || wants_storage(r, insns);
    report->syncs++;
    lockstep_bare_state(r->pair.bare, &report->bare);
    if (s370_vm_state(r->pair.vm, &report->guest))
        return differs(r, "the engine failed");
    if (r->pair.bare->insns != insns)
        return differs(r, "number of instructions");
    if (lockstep_differ(&report->bare, &report->guest, storage, words,
                        sizeof(words)))
        return differs(r, words);
    r->good = insns;
    r->unseen++;
    if (storage) {
        r->full_good = insns;
        r->unseen = 0;
    }
    return STEP_ON;
}

/* ---- Both go on ---- */

static enum lockstep_end end_of_vm(const struct vm *vm, enum turn turn)
{
    if (turn == TURN_IDLE)
        return LOCKSTEP_IDLE;
    return vm->state == VM_FAILED ? LOCKSTEP_STORM : LOCKSTEP_STOPPED;
}

/* The guest has come to an end: so must the bare machine, without one more
 * instruction. */
static enum step both_end(struct run *r, enum turn turn)
{
    static const enum lockstep_end ends[S370_STOP_COUNT] = {
        [S370_STOP_BUDGET] = LOCKSTEP_BUDGET,
        [S370_STOP_IDLE] = LOCKSTEP_IDLE,
        [S370_STOP_DISABLED_WAIT] = LOCKSTEP_STOPPED,
        [S370_STOP_PSW_LOOP] = LOCKSTEP_STORM,
        [S370_STOP_STOPPED] = LOCKSTEP_STOPPED,
    };
    char words[LOCKSTEP_WORDS];

    note_instruction(r);
    enum s370_stop stop = s370_machine_run(r->pair.bare, 1, NULL);
    r->report->end = end_of_vm(r->pair.vm, turn);
    if (ends[stop] != r->report->end)
        return differs(r, "how it ends");
    if (r->report->end == LOCKSTEP_STORM)
        return STEP_END; /* where a loop is cut off is nobody's to see */
    if (compare(r, true) == STEP_DIFFERENT)
        return STEP_DIFFERENT;
    if (r->guest->same_output &&
        !r->guest->same_output(r->guest->who, &r->pair, words, sizeof(words)))
        return differs(r, words);
    return STEP_END;
}

/* Nothing is known to differ, and nothing can be said of what follows. */
static enum step gave_up(struct run *r)
{
    r->report->end = LOCKSTEP_GAVE_UP;
    differs(r, r->pair.vm->diag.text);
    return STEP_END;
}

/* The guest to its next exit, the bare machine to the same count. */
static enum step go_on(struct run *r)
{
    const struct lockstep_options *o = r->options;
    struct vm *vm = r->pair.vm;
    uint64_t before = vm->vcpu.insns, most = o->sample;

    if (before < r->step_from)
        most = min_u64(most, r->step_from - before);
    else
        most = 1;
    if (o->limit)
        most = min_u64(most, o->limit - before);
    vm->slice = most;
    if (most == 1)
        note_instruction(r);
    enum turn turn = vcpu_once(&vm->vcpu);
    uint64_t ran = vm->vcpu.insns - before;
    if (ran)
        s370_machine_run(r->pair.bare, ran, NULL);
    if (vm->state == VM_FAILED && vm->storm < CLOCK_STORM)
        return gave_up(r);
    if (turn == TURN_STOPPED || turn == TURN_IDLE)
        return both_end(r, turn);
    return ran ? compare(r, false) : STEP_ON;
}

static bool over(const struct run *r)
{
    const struct lockstep_options *o = r->options;

    return (o->limit && r->pair.vm->vcpu.insns >= o->limit) ||
           (o->interrupted && *o->interrupted);
}

/* From the start to the end or to the first difference. */
static enum status run_once(struct run *r, enum step *step, struct diag *d)
{
    enum status st = r->guest->make(r->guest->who, &r->pair, d);

    if (st)
        return st;
    r->good = r->full_good = r->unseen = 0;
    *step = compare(r, true);
    while (*step == STEP_ON && !over(r))
        *step = go_on(r);
    if (*step == STEP_ON) {
        r->report->end = LOCKSTEP_BUDGET;
        *step = compare(r, true);
    }
    r->report->exits = r->pair.vm->vcpu.exits;
    r->report->window = r->pair.vm->vcpu.insns - r->full_good;
    r->guest->drop(r->guest->who, &r->pair);
    return STATUS_OK;
}

/* Run again, closer, until the instruction is known: first from the last sync
 * at which storage was compared, then one by one from the last good sync. */
static enum status narrow(struct run *r, struct diag *d)
{
    enum step step = STEP_DIFFERENT;
    enum status st = STATUS_OK;

    if (r->full_good != r->good) {
        r->full_from = r->full_good;
        st = run_once(r, &step, d);
    }
    if (!st && step == STEP_DIFFERENT) {
        r->step_from = r->good;
        st = run_once(r, &step, d);
    }
    r->report->exact = step == STEP_DIFFERENT;
    return st;
}

enum status lockstep_run(const struct lockstep_guest *g,
                         const struct lockstep_options *o,
                         struct lockstep_report *r, struct diag *d)
{
    struct lockstep_options with = *o;
    struct run run = {.guest = g,
                      .options = &with,
                      .report = r,
                      .full_from = UINT64_MAX,
                      .step_from = UINT64_MAX};
    enum step step;

    if (!with.sample)
        with.sample = LOCKSTEP_SAMPLE;
    *r = (struct lockstep_report){.op = S370_OP_INVALID};
    enum status st = run_once(&run, &step, d);
    r->same = step != STEP_DIFFERENT;
    if (!st && !r->same)
        st = narrow(&run, d);
    r->insns = run.full_good;
    return st;
}
