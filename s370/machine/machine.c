/* The bare machine: the loop that a monitor takes the place of. */
#include "s370/machine/machine.h"

#include "s370/machine/disasm.h"
#include "s370/machine/timer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Making a machine ---- */

static uint64_t attempted(const void *machine)
{
    const struct s370_machine *m = machine;

    return m->insns + m->cpu.ran;
}

struct s370_machine *s370_machine_new(uint32_t size, struct trace *trace)
{
    assert(size > 0 && size % 4096 == 0 && size <= S370_ADDRESS_MASK + 1u);
    struct s370_machine *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    clock_init(&m->clock);
    m->trace = trace;
    m->patience = S370_PATIENCE;
    m->storage.size = size;
    m->storage.bytes = calloc(size, 1);
    m->storage.keys = calloc(size / S370_BLOCK, 1);
    if (m->storage.bytes && m->storage.keys)
        m->channels = s370_channels_new(&m->storage, &m->clock, trace, 0);
    if (!m->channels) {
        s370_machine_free(m);
        return NULL;
    }
    s370_cpu_init(&m->cpu, &m->storage, &m->clock, m->channels);
    s370_channels_counter(m->channels, attempted, m);
    m->cpu.cpuid = S370_CPUID;
    return m;
}

void s370_machine_free(struct s370_machine *m)
{
    if (!m)
        return;
    if (m->channels)
        s370_channels_free(m->channels);
    free(m->storage.bytes);
    free(m->storage.keys);
    free(m);
}

enum status s370_machine_load(struct s370_machine *m, uint32_t at,
                              const uint8_t *bytes, uint32_t len)
{
    if (at > m->storage.size || len > m->storage.size - at)
        return STATUS_BAD_INPUT;
    memcpy(m->storage.bytes + at, bytes, len);
    return STATUS_OK;
}

/* ---- The operator ---- */

enum status s370_machine_ipl(struct s370_machine *m, uint16_t address,
                             struct diag *d)
{
    enum status st;

    s370_channels_reset(m->channels);
    s370_cpu_reset(&m->cpu, true);
    s370_channels_prefix(m->channels, 0);
    s370_channels_multiplex(m->channels, false);
    m->cpu.stopped = false;
    st = s370_channels_ipl(m->channels, address, d);
    if (st != STATUS_OK)
        return st;
    s370_interval_restart(&m->cpu.timers, m->clock.now);
    s370_psw_load(&m->cpu.psw, m->storage.bytes);
    s370_context_changed(&m->cpu);
    return STATUS_OK;
}

void s370_machine_restart(struct s370_machine *m)
{
    m->cpu.stopped = false;
    m->cpu.restart_pending = true;
}

void s370_machine_interrupt_key(struct s370_machine *m)
{
    m->cpu.timers.key_pending = true;
}

void s370_machine_store_status(struct s370_machine *m)
{
    s370_cpu_store_status(&m->cpu);
}

void s370_machine_interval_switch(struct s370_machine *m, bool on)
{
    if (on && !m->cpu.timers.interval_enabled)
        s370_interval_restart(&m->cpu.timers, m->clock.now);
    m->cpu.timers.interval_enabled = on;
}

/* ---- Tracing ---- */

static char mode(const struct s370_machine *m)
{
    return m->cpu.psw.problem ? 'P' : 'S';
}

static struct trace_event event_now(const struct s370_machine *m,
                                    enum trace_kind kind)
{
    return (struct trace_event){
        .kind = kind,
        .time = m->clock.now,
        .insns = m->insns,
        .pc = m->cpu.psw.ia,
        .pc_digits = 6,
        .mode_before = mode(m),
    };
}

static void trace_end(const struct s370_machine *m, struct trace_event *e)
{
    e->mode_after = mode(m);
    s370_psw_brief(&m->cpu.psw, e->state, sizeof(e->state));
    trace_emit(m->trace, e);
}

/* The instruction that is about to be executed.  Real storage is looked at
 * without an access, so nothing is recorded in its key. */
static void trace_insn(struct s370_machine *m, struct trace_event *e)
{
    struct s370_cpu *cpu = &m->cpu;
    uint32_t real = cpu->psw.ia;
    uint8_t cc;

    if (s370_psw_dat(&cpu->psw) && s370_translate(cpu, cpu->psw.ia, &real, &cc))
        return;
    uint32_t a = s370_real_to_absolute(real, cpu->prefix);
    if (a >= m->storage.size)
        return;
    uint32_t n = m->storage.size - a;
    s370_disasm(m->storage.bytes + a, n < 6 ? n : 6, 0, e->text,
                sizeof(e->text));
}

/* ---- The loop ---- */

static void take(struct s370_machine *m, const struct s370_interruption *in)
{
    struct trace_event e;

    if (trace_on(m->trace)) {
        e = event_now(m, TRACE_EVENT);
        e.info[0] = in->code;
        s370_interruption_show(in, e.text, sizeof(e.text));
    }
    s370_interruption_take(in, &m->cpu.psw, &m->storage, m->cpu.prefix);
    s370_context_changed(&m->cpu);
    if (trace_on(m->trace))
        trace_end(m, &e);
}

/* Time has come to clock.now.  Location 80 first: a channel that works at this
 * tick reads what the interval timer shows then. */
static void run_due(struct s370_machine *m)
{
    s370_interval_step(&m->cpu.timers, m->clock.now, &m->storage,
                       m->cpu.prefix);
    clock_run(&m->clock);
}

/* Skip ahead, never past an event of the clock. */
static void pass(struct s370_machine *m, uint64_t ticks)
{
    m->clock.now += ticks;
    run_due(m);
}

/* Execute up to n instructions, but not past the tick at which something is
 * due; how many it were.  An instruction's own interruption is taken before
 * what is due at the tick that the instruction makes. */
static uint64_t execute(struct s370_machine *m, uint64_t n,
                        struct s370_interruption *in)
{
    uint64_t now = m->clock.now, ran;
    uint64_t next = s370_timers_next(&m->cpu.timers, now, m->cpu.cr[0]);

    if (m->clock.next < next)
        next = m->clock.next;
    if (n > next - now)
        n = next - now;
    m->cpu.ran = 0;
    s370_run(&m->cpu, n, in);
    ran = m->cpu.ran;
    m->cpu.ran = 0;
    m->clock.now += ran;
    m->insns += ran;
    return ran;
}

static uint64_t execute_traced(struct s370_machine *m,
                               struct s370_interruption *in)
{
    struct trace_event e = event_now(m, TRACE_INSN);
    uint64_t ran;

    trace_insn(m, &e);
    ran = execute(m, 1, in);
    if (ran)
        trace_end(m, &e);
    return ran;
}

static void finish_io(struct s370_machine *m)
{
    for (unsigned i = 0; i < CLOCK_ENDLESS && m->clock.next != CLOCK_NEVER; i++)
        pass(m, m->clock.next - m->clock.now);
}

/* Skip to the tick at which a timer interrupts or a device does something.
 * Returns false when the wait does not end by itself. */
static bool skip_wait(struct s370_machine *m)
{
    uint64_t now = m->clock.now, next = m->clock.next;

    if (m->cpu.psw.system_mask & S370_MASK_EXTERNAL) {
        uint64_t due = s370_timers_due(&m->cpu.timers, now, m->cpu.cr[0],
                                       &m->storage, m->cpu.prefix);
        next = min_u64(next, due);
    }
    if (next == CLOCK_NEVER || next - now > m->patience)
        return false;
    pass(m, next - now);
    return true;
}

/* An invalid PSW and a program event that waits for the end of an SVC
 * interruption are the CPU's own, and come before the wait state and before
 * anything from outside. */
static bool interrupts_itself(const struct s370_cpu *cpu)
{
    return cpu->per_code || !s370_psw_valid(&cpu->psw);
}

static bool take_pending(struct s370_machine *m)
{
    struct s370_interruption in;

    if (!s370_psw_enabled(&m->cpu.psw) && !m->cpu.restart_pending)
        return false;
    if (m->cpu.stopped || interrupts_itself(&m->cpu) ||
        !s370_take_pending(&m->cpu, &in))
        return false;
    take(m, &in);
    return true;
}

/* Execute, for at most *left instructions.  S370_STOP_COUNT: the run goes on.
 */
static enum s370_stop go(struct s370_machine *m, uint64_t *left)
{
    struct s370_interruption in = {0};
    uint64_t ran = trace_on(m->trace) && m->trace->insns
                       ? execute_traced(m, &in)
                       : execute(m, *left, &in);

    *left -= ran;
    if (ran)
        m->storm = m->skips = 0;
    if (in.class) {
        take(m, &in);
        m->storm++;
    }
    return S370_STOP_COUNT;
}

/* Whoever runs a machine again after its wait or its loop was given up gives
 * it the same time again. */
static enum s370_stop wait(struct s370_machine *m)
{
    if (!s370_psw_enabled(&m->cpu.psw)) {
        finish_io(m);
        return S370_STOP_DISABLED_WAIT;
    }
    if (m->skips++ == CLOCK_ENDLESS || !skip_wait(m)) {
        m->skips = 0;
        return S370_STOP_IDLE;
    }
    return S370_STOP_COUNT;
}

static enum s370_stop turn(struct s370_machine *m, uint64_t *left)
{
    if (!*left)
        return S370_STOP_BUDGET;
    run_due(m);
    if (m->storm >= CLOCK_STORM) {
        m->storm = 0;
        return S370_STOP_PSW_LOOP;
    }
    if (take_pending(m)) {
        m->storm++;
        return S370_STOP_COUNT;
    }
    if (m->cpu.stopped) {
        finish_io(m);
        return S370_STOP_STOPPED;
    }
    if (m->cpu.psw.wait && !interrupts_itself(&m->cpu))
        return wait(m);
    return go(m, left);
}

enum s370_stop s370_machine_run(struct s370_machine *m, uint64_t n,
                                uint64_t *ran)
{
    enum s370_stop stop = S370_STOP_COUNT;
    uint64_t left = n;

    while (stop == S370_STOP_COUNT)
        stop = turn(m, &left);
    if (ran)
        *ran = n - left;
    return stop;
}
