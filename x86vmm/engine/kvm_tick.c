/* Time.  A periodic signal fetches an endless guest back, and where its time is
 * the host's, another one when its clock has something to do.
 *
 * The signal's handler makes the next KVM_RUN end at once, or the present one,
 * which any signal ends: no tick is lost between two of them, and an exit costs
 * no more for it.  (With KVM_SET_SIGNAL_MASK, the other way, KVM changes the
 * thread's mask twice an exit.)  Other system calls are begun again.
 *
 * A machine that does not run lets its first tick wait; at the next one it
 * stops them, so as not to disturb others of its thread for ever, and its next
 * entry, which that tick ends at once, begins them anew. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include "x86vmm/engine/engine_kvm.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    SECOND_NS = 1000000000,
    TICK_NS = SECOND_NS / X86_TICKS_SECOND, /* of the guest's clock */
    PERIOD_NS = KVM_TICK_MS * 1000000
};

static struct timespec spec(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS)};
}

/* Also from the handler. */
static int set_tick(struct kvm_cpu *cpu, uint64_t period)
{
    struct itimerspec at = {spec(period), spec(period)};

    cpu->resting = !period;
    return timer_settime(cpu->tick, 0, &at, NULL);
}

static void on_tick(int number, siginfo_t *info, void *context)
{
    struct kvm_cpu *cpu = info->si_value.sival_ptr;

    (void)number, (void)context;
    if (info->si_code != SI_TIMER)
        return; /* not ours */
    if (cpu->ticked && !cpu->resting)
        set_tick(cpu, 0);
    cpu->ticked = 1;
    cpu->run->immediate_exit = 1;
}

/* In this process and this thread, from now on. */
static int hear_ticks(void)
{
    struct sigaction act = {.sa_sigaction = on_tick,
                            .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t tick;

    sigemptyset(&tick);
    sigaddset(&tick, SIGRTMIN + 6);
    errno = pthread_sigmask(SIG_UNBLOCK, &tick, NULL);
    return errno ? -1 : sigaction(SIGRTMIN + 6, &act, NULL);
}

static enum status make_timer(struct vcpu *v, timer_t *timer, bool *has)
{
    struct sigevent how = {.sigev_notify = SIGEV_THREAD_ID,
                           .sigev_signo = SIGRTMIN + 6,
                           .sigev_value.sival_ptr = kvm_cpu(v)};

    how.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    *has = timer_create(CLOCK_MONOTONIC, &how, timer) == 0;
    return *has ? STATUS_OK : kvm_failed(v->vm, "timer_create");
}

static uint64_t host_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

enum status kvm_tick_start(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    if (hear_ticks() < 0)
        return kvm_failed(v->vm, "a signal handler");
    enum status st = make_timer(v, &cpu->tick, &cpu->has_tick);
    if (!st)
        st = make_timer(v, &cpu->due, &cpu->has_due);
    if (!st && set_tick(cpu, PERIOD_NS) < 0)
        st = kvm_failed(v->vm, "timer_settime");
    cpu->aim = CLOCK_NEVER;
    cpu->begun = host_ns();
    return st;
}

uint64_t kvm_now(struct vcpu *v, uint64_t until)
{
    const struct kvm_cpu *cpu = kvm_cpu(v);
    uint64_t now = (host_ns() - cpu->begun) / TICK_NS;

    if (now >= until || cpu->kicked)
        return now;
    const struct timespec end = spec(cpu->begun + until * TICK_NS);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) ==
               EINTR &&
           kvm_tick_take(kvm_cpu(v)) && !cpu->kicked) {
    }
    return (host_ns() - cpu->begun) / TICK_NS;
}

EXIT_PATH void kvm_tick_aim(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    struct itimerspec at = {0}; /* none */
    uint64_t next = v->vm->clock.next;

    if (!v->vm->host_time || next == cpu->aim)
        return;
    cpu->aim = next;
    if (next < UINT64_MAX / TICK_NS / 2)
        at.it_value = spec(cpu->begun + next * TICK_NS);
    timer_settime(cpu->due, TIMER_ABSTIME, &at, NULL);
}

bool kvm_tick_due(struct vcpu *v)
{
    return v->vm->host_time && kvm_now(v, 0) >= v->vm->clock.next;
}

/* One that has waited for this entry came soon after it: the second comes half
 * a period or more behind the first.  Signals between the two make exits
 * (INTERRUPT), and are no reason to count anew: of several machines in a thread
 * each hears the others' ticks, and none would ever see two in a row. */
bool kvm_tick_is_second(struct kvm_cpu *cpu)
{
    uint64_t now = host_ns();

    if (!cpu->first_tick)
        cpu->first_tick = now;
    return now - cpu->first_tick >= PERIOD_NS / 2;
}

bool kvm_tick_take(struct kvm_cpu *cpu)
{
    bool taken = cpu->ticked;

    if (taken)
        cpu->ticked = 0;
    if (taken && cpu->resting)
        set_tick(cpu, PERIOD_NS);
    kvm_take_time(cpu);
    return taken;
}

/* In this order: whoever comes meanwhile is not overheard. */
void kvm_take_time(struct kvm_cpu *cpu)
{
    cpu->run->immediate_exit = 0;
    atomic_signal_fence(memory_order_seq_cst);
    if (cpu->kicked || cpu->ticked)
        cpu->run->immediate_exit = 1;
}

/* Signals of a deleted timer that wait come before timer_delete returns. */
void kvm_tick_stop(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);

    if (cpu->has_tick)
        timer_delete(cpu->tick);
    if (cpu->has_due)
        timer_delete(cpu->due);
    cpu->has_tick = cpu->has_due = false;
}
#else
typedef int kvm_tick_is_not_on_this_host; /* ISO C wants a declaration */
#endif
