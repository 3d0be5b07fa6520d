#include "cli/lockstep_x86.h"

#include "base/bytes.h"
#include "base/format.h"
#include "cli/abreast.h"
#include "cli/side_x86.h"
#include "x86vmm/engine/model.h"
#include "x86vmm/machine/insn.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/translate.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 4096,
    WATCHED = 64,          /* pages that are looked at each time */
    WHOLE_EVERY = 1 << 28, /* instructions: all storage is compared */
    IDLE_SECONDS = 60      /* a guest that only waits for its timers so long,
                            * and prints nothing, is idle */
};

/* How far to go after an exit, before what the user wants. */
static const uint16_t after_exit[] = {1, 1, 2, 8, 64, 1000};

struct run {
    const struct x86_lockstep_plan *plan;
    struct x86_lockstep_report *report;
    struct x86_side_files files;
    struct x86_side side[2]; /* the second one leads */
    unsigned made;           /* runs begun */
    uint64_t whole;          /* instructions when all storage was compared */
    uint64_t sure;           /* and when what the logs tell of was */
    /* Pages that have been found to differ without anybody's log. */
    uint64_t watched[WATCHED];
    unsigned watched_count;
    uint64_t exits; /* of the leader, seen */
    unsigned soon;  /* turns since its last exit */
    bool noted;     /* an instruction since the last comparison is kept */
};

static bool differs(struct run *r, const char *fmt, ...) PRINTF(2, 3);
static bool differs(struct run *r, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(r->report->what, sizeof(r->report->what), fmt, args);
    va_end(args);
    return false;
}

/* ---- The instruction about to be executed ---- */

static void note_instruction(struct run *r)
{
    const struct pc_machine *m = &r->side[0].pc;
    const struct x86_state *s = m->pc ? &m->pc->cpu.state : x86_vm_state(m->vm);
    struct x86_lockstep_report *report = r->report;
    uint8_t bytes[X86_INSN_MAX];
    size_t n = x86_fetch(s, m->mem, 0, bytes, sizeof(bytes));

    report->seen = x86_sight_take(&report->before, m);
    report->pc = s->rip;
    report->cs = s->seg[X86_CS].selector;
    x86_op_text(bytes, n, x86_code_bits(s), s->rip, report->insn,
                sizeof(report->insn));
}

static void note_exits(struct run *r)
{
    const struct x86_noting *n = &r->side[1].noting;
    uint64_t count = min_u64(n->count, X86_LOCKSTEP_EXITS);

    r->report->exits = n->count;
    r->report->last_count = (unsigned)count;
    for (uint64_t i = 0; i < count; i++)
        r->report->last[i] =
            n->last[(n->count - count + i) % X86_LOCKSTEP_EXITS];
}

/* ---- Storage ---- */

/* Of what lies on the stack it is said where: ", [rsp+18]", as a wrong frame
 * of an exception is seen by that. */
static const char *place(const struct run *r, uint64_t gpa, char out[24])
{
    enum { FRAME = 0x80 };
    const struct pc_machine *m = &r->side[0].pc;
    const struct x86_state *s = m->pc ? &m->pc->cpu.state : x86_vm_state(m->vm);
    uint64_t top, rsp = s->gpr[X86_RSP];

    out[0] = '\0';
    if (x86_translate(s, m->mem, x86_linear(s, X86_SS, rsp), &top) &&
        gpa >= top && gpa - top < FRAME)
        snprintf(out, 24, ", [rsp+%llx]", (unsigned long long)(gpa - top));
    return out;
}

static bool same_page(struct run *r, uint64_t gpa)
{
    const uint8_t *a = mem_at(r->side[0].pc.mem, gpa, PAGE);
    const uint8_t *b = mem_at(r->side[1].pc.mem, gpa, PAGE);
    unsigned i = 0;
    char where[24];

    if (!a || !b || !memcmp(a, b, PAGE))
        return true;
    while (!memcmp(a + i, b + i, 8))
        i += 8;
    return differs(r, "storage at %llx%s: %016llx %s, %016llx %s",
                   (unsigned long long)gpa + i, place(r, gpa + i, where),
                   (unsigned long long)load_le64(a + i), r->side[0].name,
                   (unsigned long long)load_le64(b + i), r->side[1].name);
}

/* The pages that one side has written. */
static bool same_written(struct run *r, const struct x86_side *s)
{
    for (uint32_t i = 0; i < s->written->count; i++)
        if (!same_page(r, (uint64_t)s->written->list[i] * PAGE))
            return false;
    return true;
}

static void forget_written(const struct x86_side *s)
{
    struct x86_cpu *cpu =
        s->pc.pc ? &s->pc.pc->cpu : model_cpu(&s->pc.vm->vcpu);

    x86_written_forget(cpu);
}

static bool same_all_storage(struct run *r)
{
    const struct mem_map *mem = r->side[0].pc.mem;

    r->watched_count = 0;
    for (unsigned i = 0; i < mem->count; i++)
        for (uint64_t at = 0; at < mem->slots[i].size; at += PAGE)
            if (!same_page(r, mem->slots[i].gpa + at) &&
                r->watched_count < WATCHED)
                r->watched[r->watched_count++] = mem->slots[i].gpa + at;
    return !r->watched_count;
}

/* What the logs tell of, and pages known for differing without a log. */
static bool same_storage(struct run *r)
{
    bool same = same_written(r, &r->side[0]) && same_written(r, &r->side[1]);

    for (unsigned i = 0; same && i < r->watched_count; i++)
        same = same_page(r, r->watched[i]);
    if (same)
        for (unsigned i = 0; i < 2; i++)
            forget_written(&r->side[i]);
    return same;
}

/* ---- Comparing ---- */

static bool take_sights(struct run *r)
{
    for (unsigned i = 0; i < 2; i++)
        if (!x86_sight_take(&r->report->sight[i], &r->side[i].pc))
            return differs(r, "%s shows no state", r->side[i].name);
    return true;
}

static bool same_sight(struct run *r)
{
    struct x86_lockstep_report *report = r->report;

    if (!take_sights(r))
        return false;
    return !x86_sight_differ(&report->sight[0], &report->sight[1],
                             report->names, report->what, sizeof(report->what));
}

static bool same_output(struct run *r)
{
    if (!overheard_same(&r->side[0].text))
        return differs(r, "what has been printed");
    for (unsigned i = 0; i < X86_SIDE_DRIVES; i++) {
        uint64_t sector =
            pc_scratch_differ(&r->side[0].drives[i], &r->side[1].drives[i]);

        if (sector != UINT64_MAX)
            return differs(r, "sector %llu of %s %u",
                           (unsigned long long)sector,
                           i < X86_SIDE_DISKS ? "disk" : "floppy disk",
                           i % X86_SIDE_DISKS + 1);
    }
    return true;
}

static uint64_t insns(const void *who)
{
    return x86_side_insns(&((const struct run *)who)->side[1]);
}

/* Everything in the first run's whole comparisons; later ones know where to
 * look. */
static bool same_whole(struct run *r, bool deep)
{
    uint64_t now = insns(r);

    if (r->made > 1 || (!deep && now - r->whole < WHOLE_EVERY))
        return true;
    if (!same_output(r))
        return false;
    if (!same_all_storage(r)) {
        r->sure = r->whole;
        return false;
    }
    r->whole = now;
    return true;
}

static bool same(void *who, bool deep)
{
    struct run *r = who;
    unsigned long long a = x86_side_insns(&r->side[0]), b = insns(r);

    if (a != b)
        return differs(r, "number of instructions: %llu %s, %llu %s", a,
                       r->side[0].name, b, r->side[1].name);
    if (!same_sight(r) || !same_storage(r))
        return false;
    if (!overheard_same(&r->side[0].text))
        return differs(r, "what has been printed");
    if (!same_whole(r, deep))
        return false;
    r->sure = b;
    return true;
}

/* ---- Both go on ---- */

static const char *const ends[] = {
    [PC_BUDGET] = "goes on",
    [PC_STOPPED] = "has ended",
    [PC_HALTED] = "is in HLT with interrupts off",
    [PC_IDLE] = "waits, and nothing is due",
    [PC_SHUTDOWN] = "has shut down: a triple fault",
    [PC_FAILED] = "was given up",
};

static bool same_end(struct run *r)
{
    const struct x86_side *a = &r->side[0], *b = &r->side[1];
    enum pc_stop x = a->ended ? a->stop : PC_BUDGET;
    enum pc_stop y = b->ended ? b->stop : PC_BUDGET;

    if (y == PC_FAILED)
        return differs(r, "how it ends: the monitor on %s gives up: %s",
                       b->name, b->pc.vm->diag.text);
    if (x != y)
        return differs(r, "how it ends: %s %s, %s %s", a->name, ends[x],
                       b->name, ends[y]);
    if (x86_side_insns(a) != x86_side_insns(b))
        return differs(r, "number of instructions at the end");
    if (a->pc.platform->exit_code != b->pc.platform->exit_code ||
        a->pc.platform->how != b->pc.platform->how)
        return differs(r, "how it ends: %s with %u, %s with %u", a->name,
                       a->pc.platform->exit_code, b->name,
                       b->pc.platform->exit_code);
    return true;
}

/* The processor has gone to different lengths in its last instruction: what
 * it leaves behind is what counts. */
static enum abreast_step both_end(struct run *r)
{
    static const enum x86_lockstep_end kinds[] = {
        [PC_STOPPED] = X86_LOCKSTEP_STOPPED,
        [PC_HALTED] = X86_LOCKSTEP_HALTED,
        [PC_IDLE] = X86_LOCKSTEP_IDLE,
        [PC_SHUTDOWN] = X86_LOCKSTEP_SHUTDOWN,
        [PC_FAILED] = X86_LOCKSTEP_STOPPED};
    bool good = same_end(r);

    if (good && r->side[0].stop == PC_IDLE)
        good = same_sight(r);
    else if (!good)
        (void)take_sights(r); /* where each has come to */
    good = good && same_output(r) && same_whole(r, true);
    r->report->end = kinds[r->side[1].stop];
    return good ? ABREAST_END : ABREAST_DIFFERENT;
}

/* Nobody types any more, and nothing has happened for long. */
static bool is_idle(const struct run *r)
{
    const struct x86_side *s = &r->side[1];

    return s->pc.vm->vcpu.waiting &&
           s->pc.clock->now - s->quiet >
               (uint64_t)IDLE_SECONDS * X86_TICKS_SECOND;
}

/* The last instruction is kept, or the first since a comparison. */
static void follow(struct run *r, bool closely)
{
    uint64_t to = insns(r);

    if (closely && !r->noted && to > x86_side_insns(&r->side[0])) {
        x86_side_run_to(&r->side[0], to - 1);
        note_instruction(r);
        r->noted = true;
    }
    x86_side_run_to(&r->side[0], to);
}

static enum abreast_step go(void *who, uint64_t most, bool closely)
{
    struct run *r = who;
    struct x86_side *lead = &r->side[1];

    if (r->soon < ARRAY_LEN(after_exit))
        most = min_u64(most, after_exit[r->soon]);
    uint64_t before = insns(r);
    x86_side_turn(lead, most);
    r->soon = lead->noting.count != r->exits ? 0 : r->soon + 1;
    r->exits = lead->noting.count;
    follow(r, closely);
    if (r->side[0].ended && !lead->ended)
        (void)x86_side_rests(lead);
    if (lead->ended || r->side[0].ended)
        return both_end(r);
    if (is_idle(r)) {
        r->report->end = X86_LOCKSTEP_IDLE;
        return same_output(r) && same_whole(r, true) ? ABREAST_END
                                                     : ABREAST_DIFFERENT;
    }
    if (insns(r) == before || !x86_side_rests(lead) ||
        !x86_side_rests(&r->side[0]))
        return ABREAST_BETWEEN;
    r->noted = false;
    return ABREAST_ON;
}

static uint64_t certain(const void *who)
{
    return ((const struct run *)who)->sure;
}

/* ---- Making ---- */

static enum status make(void *who, struct diag *diag)
{
    struct run *r = who;
    enum status st = STATUS_OK;
    unsigned i = 0;

    overheard_begin(&r->side[0].text, &r->side[1].text);
    r->whole = r->sure = r->exits = r->soon = 0;
    r->noted = false;
    r->made++;
    for (; i < 2 && !st; i++)
        st = x86_side_open(&r->side[i], &r->plan->side[i], r->plan->pc,
                           &r->files, diag);
    if (st && i == 2)
        x86_side_close(&r->side[0]);
    for (i = 0; i < 2 && !st; i++)
        if (r->plan->made && r->side[i].pc.vm)
            r->plan->made(r->plan->who, r->side[i].pc.vm);
    return st;
}

static void drop(void *who)
{
    struct run *r = who;
    struct x86_side *lead = &r->side[1];

    note_exits(r);
    r->report->unmet.text[0] = '\0';
    if (lead->script)
        script_done(lead->script, &r->report->unmet);
    for (unsigned i = 0; i < 2; i++)
        x86_side_close(&r->side[i]);
}

static enum status run_both(struct run *r, struct diag *diag)
{
    static const struct abreast_ops ops = {make,  drop, go,
                                           insns, same, certain};
    const struct x86_lockstep_plan *p = r->plan;
    struct x86_lockstep_report *report = r->report;
    struct abreast_options options = {
        p->limit, p->sample ? p->sample : X86_LOCKSTEP_SAMPLE, p->interrupted};
    struct abreast_result result;
    enum status st = abreast_run(&ops, r, &options, &result, diag);

    if (result.cut)
        report->end = X86_LOCKSTEP_CUT;
    report->same = result.same;
    report->insns = result.insns;
    report->syncs = result.syncs;
    report->exact = result.exact;
    report->window = result.window;
    return st;
}

enum status x86_lockstep_run(const struct x86_lockstep_plan *plan,
                             struct x86_lockstep_report *report,
                             struct diag *diag)
{
    struct run *r = calloc(1, sizeof(*r));

    *report = (struct x86_lockstep_report){
        .names = {plan->side[0].name, plan->side[1].name}};
    if (!r)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    r->plan = plan;
    r->report = report;
    enum status st = x86_side_read(&r->files, plan->pc, diag);
    if (!st)
        st = run_both(r, diag);
    x86_side_forget(&r->files);
    overheard_free(&r->side[0].text);
    overheard_free(&r->side[1].text);
    free(r);
    return st;
}

/* ---- Printing ---- */

/* What the monitor was asked; what it answers comes after. */
static void print_asked(FILE *to, const struct x86_past_exit *x)
{
    const char *insn = x->insn ? x->insn : x->text;
    unsigned long long addr = x->addr, value = x->value;
    bool io = x->kind == EXIT_IO || x->kind == EXIT_MMIO;

    fprintf(to, "%s%s", *insn ? " " : "", insn);
    if (io && x->write)
        fprintf(to, " %llx <- %0*llx", addr, 2 * x->size, value);
    else if (io)
        fprintf(to, " %llx (%d bits)", addr, 8 * x->size);
    else if (!strcmp(insn, "CPUID"))
        fprintf(to, " eax %x ecx %x", x->rax, x->rcx);
    else if (!strcmp(insn, "RDMSR"))
        fprintf(to, " %x", x->rcx);
    else if (!strcmp(insn, "WRMSR"))
        fprintf(to, " %x <- %08x%08x", x->rcx, x->rdx, x->rax);
}

static void print_exits(FILE *to, const struct x86_lockstep_report *r)
{
    if (r->last_count)
        fprintf(to, "the last exits on %s (instruction, address, exit):\n",
                r->names[1]);
    for (unsigned i = 0; i < r->last_count; i++) {
        const struct x86_past_exit *x = &r->last[i];

        fprintf(to, "  %12llu %04x:%llx %s%s%s", (unsigned long long)x->insns,
                x->cs, (unsigned long long)x->pc, x->reason,
                x->raw_name ? " " : "", x->raw_name ? x->raw_name : "");
        print_asked(to, x);
        putc('\n', to);
    }
}

/* The exits up to it.  CPUID would tell a guest that is traced of the monitor.
 */
static void print_how(FILE *to, const struct x86_lockstep_report *r,
                      const char *program, const char *guest)
{
    uint64_t last = r->insns + (r->exact ? 1 : r->window);

    fprintf(to,
            "more of them (with --insns every instruction):\n%s trace %s --on "
            "%s --hide-monitor --stop-after "
            "%llu | tail -n 40\n",
            program, guest, r->names[1], (unsigned long long)last);
}

void x86_lockstep_print(FILE *to, const struct x86_lockstep_report *r,
                        const char *program, const char *guest)
{
    static const char *const words[] = {
        [X86_LOCKSTEP_CUT] = "the run was cut off",
        [X86_LOCKSTEP_IDLE] = "the guest waits for its operator",
        [X86_LOCKSTEP_STOPPED] = "the guest has ended its machine",
        [X86_LOCKSTEP_HALTED] = "the guest is in HLT with interrupts off",
        [X86_LOCKSTEP_SHUTDOWN] = "the guest has shut its processor down",
    };

    if (r->same) {
        fprintf(to,
                "no difference between %s and %s over %llu instructions (%llu "
                "exits, %llu comparisons): %s\n",
                r->names[0], r->names[1], (unsigned long long)r->insns,
                (unsigned long long)r->exits, (unsigned long long)r->syncs,
                words[r->end]);
        return;
    }
    fprintf(to, "difference in %s\n", r->what);
    if (r->exact)
        fprintf(to, "after instruction %llu at %04x:%llx: %s\n",
                (unsigned long long)r->insns + 1, r->cs,
                (unsigned long long)r->pc, r->insn);
    else
        fprintf(to, "in the %llu instructions after the first %llu\n",
                (unsigned long long)r->window, (unsigned long long)r->insns);
    x86_sight_print(to, r->exact && r->seen ? &r->before : NULL, &r->sight[0],
                    &r->sight[1], r->names);
    print_exits(to, r);
    print_how(to, r, program, guest);
}
