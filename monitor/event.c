#include "monitor/event.h"

#include "monitor/vm.h"

enum status event_post(struct vcpu *v, const struct vm_event *e)
{
    struct event_queue *q = &v->pending;

    if (q->count == EVENT_QUEUE_MAX)
        return STATUS_NO_MEMORY;
    q->events[q->count++] = *e;
    return STATUS_OK;
}

static void remove_at(struct event_queue *q, unsigned i)
{
    for (q->count--; i < q->count; i++)
        q->events[i] = q->events[i + 1];
}

COLD static bool take_posted(struct vcpu *v, struct vm_event *e)
{
    const struct guest_isa *isa = v->vm->isa;

    for (unsigned i = 0; i < v->pending.count; i++) {
        if (isa->accepts(v, &v->pending.events[i])) {
            *e = v->pending.events[i];
            remove_at(&v->pending, i);
            return true;
        }
    }
    return false;
}

EXIT_PATH bool event_take(struct vcpu *v, struct vm_event *e)
{
    if (UNLIKELY(v->pending.count) && take_posted(v, e))
        return true;
    return v->vm->isa->take_pending(v, e);
}
