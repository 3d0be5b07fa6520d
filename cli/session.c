#include "cli/session.h"

#include "base/format.h"
#include "cli/command.h"
#include "cli/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_MS = 10,   /* so often a run at a terminal looks at the keyboard */
    REST_MS = 200,  /* and rests when its guests only wait */
    BUSY_SHARE = 10 /* a guest that ran less than 1/10 of its time waits */
};

const char *const session_on_names[ON_COUNT] = {
#define X(id, name, title) [ON_##id] = name,
    SESSION_ONS(X)
#undef X
};

static const int end_codes[GUEST_ENDS_COUNT] = {
#define X(id, code, name, words) [GUEST_##id] = code,
    GUEST_ENDS(X)
#undef X
};

enum status session_on_find(const char *word, enum session_on *on,
                            struct diag *diag)
{
    const char *words[ON_COUNT + 1] = {0};

    for (*on = 0; *on < ON_COUNT; (*on)++) {
        words[*on] = session_on_names[*on];
        if (!strcmp(word, words[*on]))
            return STATUS_OK;
    }
    const char *guess = cli_did_you_mean(word, words);
    char list[80] = "";
    size_t n = 0;
    for (unsigned i = 0; i < ON_COUNT; i++)
        n += format(list + n, sizeof(list) - n, "%s%s",
                    !i                  ? ""
                    : i + 1 == ON_COUNT ? " or "
                                        : ", ",
                    words[i]);
    return diag_set(diag, STATUS_BAD_INPUT, "--on %s: %s%s%s%s", word, list,
                    guess ? "; did you mean " : "", guess ? guess : "",
                    guess ? "?" : "");
}

/* ---- Signals ---- */

volatile bool session_interrupted;
static volatile bool cut;            /* Ctrl-C */
static volatile sig_atomic_t killed; /* by this signal, no key; or 0 */
static bool output_failed;
static struct sigaction hangup; /* as it was */

void session_output_failed(void)
{
    output_failed = true;
    session_interrupted = true;
}

void session_leave(void)
{
    cut = true;
    session_interrupted = true;
}

static void on_cut(int signal_number)
{
    if (cut) { /* the second one does not ask */
        terminal_restore();
        _exit(128 + signal_number);
    }
    if (signal_number != SIGINT)
        killed = signal_number;
    cut = true;
    session_interrupted = true;
}

static void on_tick(int signal_number)
{
    (void)signal_number;
    session_interrupted = true;
}

void session_watch_signals(bool terminal)
{
    struct sigaction on = {.sa_handler = on_cut};
    struct itimerval tick = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};

    cut = session_interrupted = output_failed = false;
    killed = 0;
    sigaction(SIGINT, &on, NULL);
    sigaction(SIGTERM, &on, NULL);
    (void)sigaction(SIGHUP, &on, &hangup);
    if (hangup.sa_handler == SIG_IGN) /* nohup's wish counts */
        sigaction(SIGHUP, &hangup, NULL);
    if (!terminal)
        return;
    on.sa_handler = on_tick;
    on.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &on, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
}

void session_forget_signals(void)
{
    struct itimerval off = {{0, 0}, {0, 0}};

    setitimer(ITIMER_REAL, &off, NULL);
    signal(SIGALRM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigaction(SIGHUP, &hangup, NULL);
}

int session_cut_code(void)
{
    return killed ? CODE_SIGNALLED + killed : CODE_DONE;
}

/* ---- Guests and their operator ---- */

void session_printed(struct guest *g, const char *text, size_t len)
{
    consoles_printed(&g->session->consoles, g->seat, text, len);
}

void session_reading(struct guest *g)
{
    consoles_reading(&g->session->consoles, g->seat);
}

void session_typed(struct guest *g, const char *text)
{
    consoles_typed(&g->session->consoles, g->seat, text);
}

enum status session_sit(struct guest *g, const struct script_hands *hands,
                        struct clock *clock,
                        uint64_t (*insns)(const void *guest), struct diag *diag)
{
    struct console_seat seat = {.name = g->name,
                                .hands = *hands,
                                .clock = clock,
                                .vm = g->vm ? g->vm->id : 0,
                                .insns = insns,
                                .guest = g};

    return consoles_add(&g->session->consoles, &seat, diag);
}

void session_step(const struct session_plan *plan, struct vcpu *v)
{
    v->stops = plan->stepping && plan->from;
    v->stop_at = plan->from ? *plan->from : 0;
    v->stepping = plan->stepping && !plan->from;
}

void session_judge_vm(struct guest *g)
{
    const struct vm *vm = g->vm;

    g->why[0] = '\0';
    if (vm->state == VM_FAILED) {
        g->end = GUEST_FAILED;
        format(g->why, sizeof(g->why), "%s", vm->diag.text);
    } else if (g->stopped) {
        g->end = GUEST_STOPPED;
    } else if (vm->state == VM_STOPPED) {
        g->end = GUEST_ENDED;
    } else if (vm->stop_after && vm->vcpu.insns >= vm->stop_after) {
        g->end = GUEST_LIMIT;
    } else {
        g->end = vm->vcpu.waiting ? GUEST_IDLE : GUEST_RUNNING;
    }
}

void session_account_vms(struct session *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        struct guest *g = &s->guests[i];

        if (!g->vm)
            continue;
        g->insns = g->vm->vcpu.insns;
        g->interpreted = g->vm->vcpu.intervened;
        g->exits = g->vm->vcpu.exits;
        g->ticks = g->vm->clock.now;
    }
}

/* Two guests of the same name are told apart by a number. */
static void name_guest(struct session *s, struct guest *g)
{
    unsigned same = 1;

    for (const struct guest *o = s->guests; o < g; o++)
        same += !strcmp(o->file.name, g->file.name);
    if (same == 1)
        format(g->name, sizeof(g->name), "%s", g->file.name);
    else
        format(g->name, sizeof(g->name), "%s%u", g->file.name, same);
}

static enum status find_guests(struct session *s, struct diag *diag)
{
    const struct session_plan *plan = s->plan;

    if (plan->count > SESSION_GUESTS_MAX)
        return diag_set(diag, STATUS_BAD_INPUT, "more than %u guests",
                        SESSION_GUESTS_MAX);
    for (; s->count < plan->count; s->count++) {
        struct guest *g = &s->guests[s->count];
        const char *operand = plan->guests[s->count];
        enum status st = plan->kernel
                             ? guest_file_kernel(operand, &g->file, diag)
                             : guest_file_find(operand, &g->file, diag);

        if (st)
            return st;
        g->session = s;
        g->seat = s->count;
        name_guest(s, g);
    }
    bool x86 = s->guests[0].file.kind == GUEST_X86;
    s->on = plan->on_given ? plan->on
            : plan->kernel ? ON_BARE
            : x86          ? session_choose_x86(s)
                           : ON_TRAP;
    s->ops = plan->kernel || (s->on == ON_BARE && x86) ? &session_pc
             : session_engine(s->on)                   ? &session_kvm
             : s->on == ON_BARE                        ? &session_bare
                                                       : &session_trap;
    if (x86 && (plan->ipl || plan->scratch_tapes))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s belongs to System/370 guests",
                        plan->ipl ? "--ipl" : "--scratch-tapes");
    return STATUS_OK;
}

/* ---- Running ---- */

struct progress {
    uint64_t insns, ticks;
};

static struct progress progress(struct session *s)
{
    struct progress p = {0, 0};

    s->ops->account(s);
    for (unsigned i = 0; i < s->count; i++) {
        p.insns += s->guests[i].insns;
        p.ticks += s->guests[i].ticks;
    }
    return p;
}

static bool all_idle(const struct session *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->guests[i].end == GUEST_RUNNING)
            return false;
    return true;
}

static bool any_idle(const struct session *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->guests[i].end == GUEST_IDLE)
            return true;
    return false;
}

/* A guest that waits for its timers at a terminal is not run through a day of
 * them while the person types a line. */
static int rest(const struct progress *before, const struct progress *now)
{
    uint64_t insns = now->insns - before->insns;
    uint64_t ticks = now->ticks - before->ticks;

    return ticks > insns && insns < ticks / BUSY_SHARE ? REST_MS : 0;
}

static void run_to_end(struct session *s)
{
    struct progress before = {0, 0}, now;

    for (;;) {
        session_interrupted = cut || output_failed;
        if (session_interrupted)
            return;
        s->ops->run(s);
        now = progress(s);
        bool idle = all_idle(s);
        if (idle && !any_idle(s))
            return;
        if (!consoles_look(&s->consoles, idle ? -1 : rest(&before, &now)) &&
            idle)
            return;
        before = now;
    }
}

uint64_t session_host_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void run_timed(struct session *s)
{
    uint64_t begin = session_host_ns();

    session_watch_signals(s->consoles.source == CONSOLES_TERMINAL);
    run_to_end(s);
    session_forget_signals();
    s->seconds = (double)(session_host_ns() - begin) / 1e9;
    s->cut = cut;
    for (unsigned i = 0; cut && i < s->count; i++)
        if (s->guests[i].end == GUEST_IDLE)
            s->guests[i].end = GUEST_RUNNING;
}

static int exit_code(struct session *s)
{
    int code = CODE_DONE;

    for (unsigned i = 0; i < s->count; i++) {
        int c = end_codes[s->guests[i].end];

        if (c == CODE_NEGATIVE || code == CODE_DONE)
            code = c;
    }
    if (s->consoles.run && !script_done(s->consoles.run, &s->unmet)) {
        cli_say("%s", s->unmet.text);
        if (code == CODE_DONE)
            code = CODE_NEGATIVE;
    }
    return killed ? CODE_SIGNALLED + killed : code;
}

/* Did a guest's device lose what it wrote?  Known when all files are closed. */
static bool troubled(const struct session *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->guests[i].troubled)
            return true;
    return false;
}

static void begin_consoles(struct session *s)
{
    const struct session_plan *plan = s->plan;

    consoles_init(&s->consoles, plan->script);
    s->consoles.to_stderr = plan->console_to_stderr;
    s->consoles.trace = plan->console_to_trace ? plan->trace : NULL;
    if (!plan->heard)
        return;
    s->consoles.source = CONSOLES_NOBODY;
    s->consoles.heard = plan->heard;
    s->consoles.who = plan->who;
}

enum status session_open(struct session *s, const struct session_plan *plan,
                         struct diag *diag)
{
    *s = (struct session){.plan = plan};
    enum status st = find_guests(s, diag);
    if (st)
        return st;
    begin_consoles(s);
    st = s->ops->open(s, diag);
    if (st)
        session_close(s);
    return st;
}

void session_close(struct session *s)
{
    consoles_end(&s->consoles);
    s->ops->close(s);
}

int session_run(struct session *s, const struct session_plan *plan)
{
    struct diag diag = {""};

    enum status st = session_open(s, plan, &diag);
    if (st)
        return cli_fail(st, &diag);
    run_timed(s);
    consoles_flush(&s->consoles);
    s->ops->account(s);
    int code = exit_code(s);
    session_close(s);
    return code == CODE_DONE && troubled(s) ? CODE_OURS : code;
}
