/* A session of an x86 guest on a PC, bare or under the monitor.
 *
 * At a terminal the guest's serial port is the terminal: keys and bytes pass
 * as they are, and while the guest waits it does not run ahead of the
 * person's time.  Otherwise lines come from a pipe or a script, and the guest
 * runs as fast as it can. */
#include "cli/command.h"
#include "cli/pages.h"
#include "cli/pc_files.h"
#include "cli/pc_machine.h"
#include "cli/session.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 50000, /* instructions: so often a run looks around */
    NS_TICK = 1000000000 / X86_TICKS_SECOND,
    AHEAD_NS = 2000000, /* so far it may run ahead of a person's time */
    /* A guest that waits, with an unfinished line on its console, for so
     * many ticks has asked for input. */
    PROMPT_TICKS = X86_TICKS_SECOND / 5,
    /* One that only waits for its timers so long, and can hear nobody any
     * more, is idle. */
    IDLE_SECONDS = 60
};

/* The machine and what belongs to it. */
struct seat {
    struct pc_machine pc;
    struct pc_drive drives[2], floppies[2];
    bool printed;     /* since the last look at the terminal */
    bool raw;         /* the terminal is the guest's */
    bool line;        /* its console's last line is unfinished */
    const char *took; /* what its kernel's file was taken for; NULL: none */
    uint64_t quiet;   /* tick since which it has printed nothing */
    uint64_t skipped; /* ticks in HLT that were looked at */
    uint64_t owed;    /* ns of them that the person's time is behind */
};

static struct seat *seat_of(const struct guest *g)
{
    return g->session->machine;
}

/* ---- The console ---- */

/* \r\n and \n alike end a line. */
static void print_lines(struct guest *g, const uint8_t *bytes, size_t n)
{
    char text[256];

    while (n) {
        size_t len = 0;

        for (; n && len < sizeof(text); bytes++, n--)
            if (*bytes != '\r')
                text[len++] = (char)*bytes;
        session_printed(g, text, len);
    }
}

static void printed(void *to, const uint8_t *bytes, size_t n)
{
    struct guest *g = to;
    struct seat *b = seat_of(g);

    if (n && bytes[n - 1] != '\r')
        b->line = bytes[n - 1] != '\n';
    b->quiet = b->pc.clock->now;
    b->printed = true;
    if (!b->raw)
        print_lines(g, bytes, n);
    else if (fwrite(bytes, 1, n, stdout) < n)
        session_output_failed();
}

/* Is the guest in HLT, interrupts on? */
static bool in_wait(void *machine)
{
    return pc_machine_waits(&seat_of(machine)->pc);
}

static bool reading(void *machine)
{
    (void)machine;
    return true; /* a serial line takes input at any time */
}

static void attention(void *machine)
{
    const uint8_t newline = '\r';

    (void)board_input(seat_of(machine)->pc.board, &newline, 1);
}

static void answer(void *machine, const char *text)
{
    const struct guest *g = machine;
    struct seat *b = seat_of(g);
    size_t n = strlen(text);

    if (board_input(b->pc.board, (const uint8_t *)text, n) < n)
        cli_say("%s: its serial port has no room for '%s'", g->name, text);
    attention(machine);
    b->quiet = b->pc.clock->now;
}

static void stop(void *machine)
{
    struct guest *g = machine;

    g->stopped = true;
    x86_stop(seat_of(g)->pc.platform, X86_STOP_OFF, "its operator");
}

static uint64_t insns(const void *guest)
{
    return pc_machine_ran(&seat_of(guest)->pc);
}

/* ---- Making ---- */

static enum status make_pc(struct guest *g, const struct load_file *rom,
                           struct diag *diag)
{
    struct session *s = g->session;
    struct seat *b = s->machine;
    struct pc_plan plan = {.storage = s->plan->mem ? s->plan->mem
                                                   : SESSION_MEM_DEFAULT,
                           .seconds = PC_EPOCH,
                           .apic = s->plan->apic,
                           .test_device = s->plan->test_device,
                           .vendor = s->plan->vendor,
                           .outside_irqchip = s->plan->outside_irqchip,
                           .hides_monitor = s->plan->hides_monitor,
                           .watched = s->plan->watched,
                           .nested = s->plan->nested,
                           .rom = rom->bytes,
                           .rom_size = rom->size};
    enum status st = STATUS_OK;

    for (unsigned i = 0; i < 2 && !st; i++)
        st = pc_drive_open(&b->drives[i], s->plan->drives[i], &plan.disks[i],
                           diag);
    for (unsigned i = 0; i < FDC_DISKS && !st; i++)
        st = pc_floppy_open(&b->floppies[i], s->plan->floppies[i],
                            &plan.floppies[i], diag);
    if (st)
        return st;
    st = pc_machine_open(&b->pc, session_engine(s->on), g->name, &plan,
                         s->plan->trace, diag);
    if (!st)
        st = pc_machine_assist(&b->pc, s->plan->assist, diag);
    if (st)
        return st;
    b->pc.board->uart.output = b->pc.board->debug.output = printed;
    b->pc.board->uart.to = b->pc.board->debug.to = g;
    g->vm = b->pc.vm;
    if (s->plan->pages)
        st = pages_begin(g->vm, X86_TICKS_SECOND, diag);
    if (g->vm)
        session_step(s->plan, &g->vm->vcpu);
    return st;
}

static enum status load_files(struct guest *g, struct diag *diag)
{
    const struct session_plan *p = g->session->plan;
    struct pc_machine *m = &seat_of(g)->pc;
    struct load_plan plan = {0};
    enum status st =
        pc_file_read(&plan.kernel, g->file.path, (size_t)m->bytes, diag);

    if (!st)
        st = pc_file_read(&plan.initrd, p->initrd, (size_t)m->bytes, diag);
    if (!st) {
        seat_of(g)->took = load_kind_title(load_kind(&plan.kernel));
        plan.append = pc_file_command(&plan.kernel, p->append);
        st = pc_machine_load(m, &plan, diag);
    }
    pc_file_free(&plan.kernel);
    pc_file_free(&plan.initrd);
    return st;
}

static enum status sit(struct guest *g, struct diag *diag)
{
    struct session *s = g->session;
    struct seat *b = s->machine;
    struct script_hands hands = {in_wait, reading, attention, answer, stop, g};

    b->raw = s->consoles.source == CONSOLES_TERMINAL && !s->consoles.trace &&
             !s->consoles.to_stderr && terminal_is_there();
    if (b->raw)
        s->consoles.source = CONSOLES_NOBODY;
    return session_sit(g, &hands, b->pc.clock, insns, diag);
}

static enum status open_pc(struct session *s, struct diag *diag)
{
    struct guest *g = &s->guests[0];
    struct load_file rom;

    if (s->count > 1)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the bare PC runs one guest; several need the monitor "
                        "(--on vtx, svm or kvm)");
    struct seat *b = calloc(1, sizeof(*b));
    if (!b)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for a machine");
    for (unsigned i = 0; i < 2; i++)
        b->drives[i].fd = b->floppies[i].fd = -1;
    s->machine = b;
    enum status st = pc_firmware_read(&rom, s->plan->bios, diag);
    if (!st)
        st = make_pc(g, &rom, diag);
    pc_file_free(&rom);
    if (!st)
        st = sit(g, diag);
    if (!st && !s->plan->bios)
        st = load_files(g, diag);
    return st;
}

/* ---- Running ---- */

static void judge(struct guest *g, enum pc_stop stop)
{
    static const enum guest_end ends[] = {
        [PC_BUDGET] = GUEST_RUNNING,  [PC_STOPPED] = GUEST_ENDED,
        [PC_HALTED] = GUEST_ENDED,    [PC_IDLE] = GUEST_IDLE,
        [PC_SHUTDOWN] = GUEST_FAILED, [PC_FAILED] = GUEST_FAILED};

    struct seat *b = seat_of(g);
    g->end = g->stopped ? GUEST_STOPPED : ends[stop];
    if (g->end == GUEST_ENDED && b->pc.platform->exit_code)
        g->end = GUEST_REFUSED;
    if (g->end == GUEST_ENDED || g->end == GUEST_REFUSED ||
        g->end == GUEST_FAILED)
        pc_machine_words(&b->pc, stop, g->why, sizeof(g->why));
    /* A damaged file is run as what it seems to be, too. */
    if (g->end == GUEST_FAILED && b->took) {
        size_t n = strlen(g->why);

        snprintf(g->why + n, sizeof(g->why) - n, " (it was taken for a %s)",
                 b->took);
    }
}

/* Time that the guest has skipped in HLT since the last look is owed to the
 * person's; in nanoseconds. */
static uint64_t take_owed(struct seat *b)
{
    uint64_t skipped = pc_machine_waited(&b->pc);

    b->owed += (skipped - b->skipped) * NS_TICK;
    b->skipped = skipped;
    return b->owed;
}

/* Keys to the guest.  What it has waited, wait too. */
static void tend_terminal(struct guest *g)
{
    struct seat *b = seat_of(g);
    uint64_t owed = take_owed(b), begin = session_host_ns();
    bool idle = g->end == GUEST_IDLE, ahead = owed > AHEAD_NS;
    uint8_t keys[64];

    if (b->printed && fflush(stdout))
        session_output_failed();
    b->printed = false;
    long n = terminal_keys(keys, sizeof(keys),
                           idle    ? -1
                           : ahead ? (int)(owed / 1000000)
                                   : 0);
    if (ahead)
        b->owed -= min_u64(b->owed, session_host_ns() - begin);
    if (n < 0 || memchr(keys, TERMINAL_LEAVE, (size_t)n)) {
        session_leave();
        return;
    }
    if (n)
        (void)board_input(b->pc.board, keys, (size_t)n);
    if (n && idle)
        g->end = GUEST_RUNNING;
}

/* A line from the pipe, if the guest asks for one. */
static void tend_pipe(struct guest *g)
{
    struct session *s = g->session;
    struct seat *b = s->machine;
    uint64_t quiet = b->pc.clock->now - b->quiet;
    bool idle = g->end == GUEST_IDLE;

    if (s->consoles.source == CONSOLES_PIPE && !board_unread(b->pc.board) &&
        (idle || (b->line && quiet > PROMPT_TICKS))) {
        session_reading(g);
        if (board_unread(b->pc.board))
            g->end = GUEST_RUNNING;
    } else if (quiet > (uint64_t)IDLE_SECONDS * X86_TICKS_SECOND &&
               in_wait(g)) {
        g->end = GUEST_IDLE;
    }
}

static void tend(struct guest *g)
{
    if (seat_of(g)->raw)
        tend_terminal(g);
    else
        tend_pipe(g);
}

static bool wants_reboot(const struct guest *g, enum pc_stop stop)
{
    const struct pc_machine *m = &seat_of(g)->pc;

    return g->session->plan->reboots && !g->stopped &&
           (stop == PC_SHUTDOWN ||
            (stop == PC_STOPPED && m->platform->how == X86_STOP_RESET));
}

/* A kernel is loaded anew, as a boot loader would; its files were good when
 * it was loaded first. */
static void reboot(struct guest *g)
{
    struct diag diag = {""};

    pc_reset(seat_of(g)->pc.pc);
    if (g->session->plan->bios || !load_files(g, &diag))
        return;
    cli_say("%s", diag.text);
    stop(g);
}

static void run_pieces(struct guest *g)
{
    uint64_t limit = g->session->plan->stop_after;
    struct pc_machine *m = &seat_of(g)->pc;

    g->end = GUEST_RUNNING;
    while (g->end == GUEST_RUNNING && !session_interrupted) {
        uint64_t left = limit ? limit - pc_machine_ran(m) : UINT64_MAX;

        if (!left) {
            g->end = GUEST_LIMIT;
            return;
        }
        enum pc_stop stop = pc_machine_run(m, left < PIECE ? left : PIECE);
        if (wants_reboot(g, stop)) {
            reboot(g);
            stop = PC_BUDGET;
        }
        judge(g, stop);
        if (g->end == GUEST_RUNNING || g->end == GUEST_IDLE)
            tend(g);
    }
}

static void run_pc(struct session *s)
{
    struct guest *g = &s->guests[0];
    struct seat *b = s->machine;

    if (b->raw && !terminal_raw())
        b->raw = false;
    run_pieces(g);
    terminal_restore();
}

static void account_pc(struct session *s)
{
    struct seat *b = s->machine;

    if (!b || !b->pc.board)
        return;
    if (b->pc.vm)
        session_account_vms(s);
    s->guests[0].insns = pc_machine_ran(&b->pc);
    s->guests[0].ticks = b->pc.clock->now;
}

static void close_pc(struct session *s)
{
    struct seat *b = s->machine;

    terminal_restore();
    if (!b)
        return;
    pc_machine_close(&b->pc);
    s->guests[0].vm = NULL;
    for (unsigned i = 0; i < 2; i++) {
        pc_drive_close(&b->drives[i]);
        pc_drive_close(&b->floppies[i]);
    }
    free(b);
    s->machine = NULL;
}

const struct session_ops session_pc = {open_pc, run_pc, account_pc, close_pc};
