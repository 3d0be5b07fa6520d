#include "cli/lockstep.h"

#include "base/format.h"
#include "cli/abreast.h"
#include "monitor/dispatcher.h"
#include "s370/machine/disasm.h"

#include <string.h>

/* Storage up to this size is compared at every sync; more of it, every so many
 * syncs, and a difference is narrowed down in one more run. */
enum { STORAGE_EVERY_TIME = 256 << 10, STORAGE_SYNCS = 256 };

/* A run of a pair. */
struct run {
    const struct lockstep_guest *guest;
    struct lockstep_pair pair;
    struct lockstep_report *report;
    uint64_t unseen;  /* comparisons since storage was compared */
    uint64_t certain; /* instructions then */
};

static enum abreast_step differs(struct run *r, const char *what)
{
    format(r->report->what, sizeof(r->report->what), "%s", what);
    return ABREAST_DIFFERENT;
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

static bool wants_storage(const struct run *r, bool deep)
{
    return deep || r->pair.bare->storage.size <= STORAGE_EVERY_TIME ||
           r->unseen >= STORAGE_SYNCS;
}

static bool same(void *who, bool deep)
{
    struct run *r = who;
    struct lockstep_report *report = r->report;
    uint64_t insns = r->pair.vm->vcpu.insns;
    bool storage = wants_storage(r, deep);
    char words[LOCKSTEP_WORDS];

    lockstep_bare_state(r->pair.bare, &report->bare);
    if (s370_vm_state(r->pair.vm, &report->guest)) {
        differs(r, "the engine failed");
        return false;
    }
    if (r->pair.bare->insns != insns) {
        differs(r, "number of instructions");
        return false;
    }
    if (lockstep_differ(&report->bare, &report->guest, storage, words,
                        sizeof(words))) {
        differs(r, words);
        return false;
    }
    r->unseen = storage ? 0 : r->unseen + 1;
    if (storage)
        r->certain = insns;
    return true;
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
static enum abreast_step both_end(struct run *r, enum turn turn)
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
        return ABREAST_END; /* where a loop is cut off is nobody's to see */
    if (!same(r, true))
        return ABREAST_DIFFERENT;
    if (r->guest->same_output &&
        !r->guest->same_output(r->guest->who, &r->pair, words, sizeof(words)))
        return differs(r, words);
    return ABREAST_END;
}

/* Nothing is known to differ, and nothing can be said of what follows. */
static enum abreast_step gave_up(struct run *r)
{
    r->report->end = LOCKSTEP_GAVE_UP;
    differs(r, r->pair.vm->diag.text);
    return ABREAST_END;
}

/* The guest to its next exit, the bare machine to the same count. */
static enum abreast_step go(void *who, uint64_t most, bool closely)
{
    struct run *r = who;
    struct vm *vm = r->pair.vm;
    uint64_t before = vm->vcpu.insns;

    vm->slice = most;
    if (closely && most == 1)
        note_instruction(r);
    enum turn turn = vcpu_once(&vm->vcpu);
    uint64_t ran = vm->vcpu.insns - before;
    if (closely && ran > 1) {
        s370_machine_run(r->pair.bare, ran - 1, NULL);
        note_instruction(r);
        ran = 1;
    }
    if (ran)
        s370_machine_run(r->pair.bare, ran, NULL);
    if (vm->state == VM_FAILED && vm->storm < CLOCK_STORM)
        return gave_up(r);
    if (turn == TURN_STOPPED || turn == TURN_IDLE)
        return both_end(r, turn);
    return ran ? ABREAST_ON : ABREAST_BETWEEN;
}

/* ---- The run ---- */

static uint64_t insns(const void *who)
{
    return ((const struct run *)who)->pair.vm->vcpu.insns;
}

static uint64_t certain(const void *who)
{
    return ((const struct run *)who)->certain;
}

static enum status make(void *who, struct diag *d)
{
    struct run *r = who;

    r->unseen = r->certain = 0;
    return r->guest->make(r->guest->who, &r->pair, d);
}

static void drop(void *who)
{
    struct run *r = who;

    r->report->exits = r->pair.vm->vcpu.exits;
    r->guest->drop(r->guest->who, &r->pair);
}

enum status lockstep_run(const struct lockstep_guest *g,
                         const struct lockstep_options *o,
                         struct lockstep_report *r, struct diag *d)
{
    static const struct abreast_ops ops = {make,  drop, go,
                                           insns, same, certain};
    struct run run = {.guest = g, .report = r};
    struct abreast_options options = {
        o->limit, o->sample ? o->sample : LOCKSTEP_SAMPLE, o->interrupted};
    struct abreast_result result;

    *r = (struct lockstep_report){.op = S370_OP_INVALID};
    enum status st = abreast_run(&ops, &run, &options, &result, d);
    if (result.cut)
        r->end = LOCKSTEP_BUDGET;
    r->same = result.same;
    r->insns = result.insns;
    r->syncs = result.syncs;
    r->exact = result.exact;
    r->window = result.window;
    return st;
}
