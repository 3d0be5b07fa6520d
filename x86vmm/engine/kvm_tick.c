/* Time.  A periodic signal fetches an endless guest back, and where its time is
 * the host's, another one when its clock has something to do.
 *
 * The signal is blocked but inside KVM_RUN, which it interrupts; so there is no
 * handler, and nobody else's code ever sees it.  The thread keeps it blocked
 * for good: other vcpus of it may tick on, and the last tick may come late. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include "x86vmm/engine/engine_kvm.h"

#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    KERNEL_SIGSET_BYTES = 8,
    SECOND_NS = 1000000000,
    TICK_NS = SECOND_NS / X86_TICKS_SECOND
};

static void tick_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGRTMIN + 6);
}

/* KVM_SET_SIGNAL_MASK: the thread's mask, but with the tick let through. */
static int set_run_mask(int fd, const sigset_t *mask)
{
    union {
        struct kvm_signal_mask head;
        uint8_t bytes[sizeof(struct kvm_signal_mask) + KERNEL_SIGSET_BYTES];
    } arg = {.head.len = KERNEL_SIGSET_BYTES};
    sigset_t in_run = *mask;

    sigdelset(&in_run, SIGRTMIN + 6);
    memcpy(arg.head.sigset, &in_run, KERNEL_SIGSET_BYTES);
    return ioctl(fd, KVM_SET_SIGNAL_MASK, &arg);
}

static enum status make_timer(struct vcpu *v, timer_t *timer, bool *has)
{
    struct sigevent how = {.sigev_notify = SIGEV_THREAD_ID,
                           .sigev_signo = SIGRTMIN + 6};

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

static struct timespec spec(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS)};
}

enum status kvm_tick_start(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    sigset_t tick, before;
    struct itimerspec period = {spec(KVM_TICK_MS * 1000000),
                                spec(KVM_TICK_MS * 1000000)};

    tick_set(&tick);
    if (pthread_sigmask(SIG_BLOCK, &tick, &before))
        return kvm_failed(v->vm, "pthread_sigmask");
    if (set_run_mask(cpu->fd, &before) < 0)
        return kvm_failed(v->vm, "KVM_SET_SIGNAL_MASK");
    enum status st = make_timer(v, &cpu->tick, &cpu->has_tick);
    if (!st)
        st = make_timer(v, &cpu->due, &cpu->has_due);
    if (!st && timer_settime(cpu->tick, 0, &period, NULL) < 0)
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
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
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

bool kvm_tick_take(void)
{
    const struct timespec now = {0, 0};
    bool taken = false;
    sigset_t tick;

    tick_set(&tick);
    while (sigtimedwait(&tick, NULL, &now) > 0)
        taken = true;
    return taken;
}

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
