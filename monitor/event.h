/* Events that wait until the guest accepts them.
 *
 * Level sources (a channel's pending status, an expired timer) stay with
 * their device and are asked through guest_isa.take_pending; what somebody
 * posts once (an operator's interrupt key, a handler's exception) waits here,
 * in order. */
#ifndef MONITOR_EVENT_H
#define MONITOR_EVENT_H

#include "monitor/exit.h"

enum { EVENT_QUEUE_MAX = 16 };

struct event_queue {
    unsigned count;
    struct vm_event events[EVENT_QUEUE_MAX];
};

struct vcpu;

/* Queue the event.  STATUS_NO_MEMORY when the queue is full: the event is
 * lost, as an interruption is that is not accepted in time. */
MUST_USE enum status event_post(struct vcpu *v, const struct vm_event *e);

/* Take the first event that the guest accepts now: the posted ones first,
 * then the isa's own sources. */
bool event_take(struct vcpu *v, struct vm_event *e);

#endif
