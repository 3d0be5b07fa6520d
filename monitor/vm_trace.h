/* What the dispatcher tells the trace of an exit or an event.
 *
 * A line is begun before the handler runs, when the guest's mode is still the
 * old one, and emitted after the verdict was applied.  Words (disassembly,
 * virtual state) are written only when a sink reads them. */
#ifndef MONITOR_VM_TRACE_H
#define MONITOR_VM_TRACE_H

#include "monitor/vm.h"

/* The instruction that is about to run, when the guest is stepped through. */
void vm_trace_next(const struct vcpu *v, struct trace_event *e);

/* Begin the line of an exit. */
void vm_trace_before(const struct vcpu *v, const struct vm_exit *x,
                     struct trace_event *e);
/* Or, of a step of ours, which is no exit of the guest's, the instruction. */
void vm_trace_step(const struct vcpu *v, const struct trace_event *next,
                   struct trace_event *e);
/* Finish and emit either. */
void vm_trace_after(const struct vcpu *v, const struct vm_exit *x,
                    struct trace_event *e, enum verdict verdict);

/* An engine has trapped, made an entry of its tables for the guest address gva,
 * and goes on by itself: a line that no handler would tell.  `ran` counts the
 * instructions attempted since this entry of the guest. */
void vm_trace_fill(const struct vcpu *v, uint64_t ran, uint64_t gva);

/* Begin the line of an event that is delivered; finish and emit it. */
void vm_trace_event(const struct vcpu *v, const struct vm_event *event,
                    struct trace_event *e);
void vm_trace_emit(const struct vcpu *v, struct trace_event *e);

#endif
