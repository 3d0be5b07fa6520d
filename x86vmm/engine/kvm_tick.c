/* A periodic signal that is blocked but inside KVM_RUN, which it interrupts;
 * so there is no handler, and nobody else's code ever sees it.  The thread
 * keeps it blocked for good: other vcpus of it may tick on, and the last tick
 * may come late. */
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

enum { KERNEL_SIGSET_BYTES = 8 };

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

enum status kvm_tick_start(struct vcpu *v)
{
    struct kvm_cpu *cpu = kvm_cpu(v);
    sigset_t tick, before;
    struct itimerspec period = {{0, KVM_TICK_MS * 1000000},
                                {0, KVM_TICK_MS * 1000000}};
    struct sigevent how = {.sigev_notify = SIGEV_THREAD_ID,
                           .sigev_signo = SIGRTMIN + 6};

    tick_set(&tick);
    how.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    if (pthread_sigmask(SIG_BLOCK, &tick, &before))
        return kvm_failed(v->vm, "pthread_sigmask");
    if (set_run_mask(cpu->fd, &before) < 0)
        return kvm_failed(v->vm, "KVM_SET_SIGNAL_MASK");
    if (timer_create(CLOCK_MONOTONIC, &how, &cpu->timer) < 0)
        return kvm_failed(v->vm, "timer_create");
    cpu->has_timer = true;
    if (timer_settime(cpu->timer, 0, &period, NULL) < 0)
        return kvm_failed(v->vm, "timer_settime");
    return STATUS_OK;
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

    if (!cpu->has_timer)
        return;
    timer_delete(cpu->timer);
    cpu->has_timer = false;
}
#else
typedef int kvm_tick_is_not_on_this_host; /* ISO C wants a declaration */
#endif
