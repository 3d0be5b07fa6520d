/* What every monitor does alike to make a virtual machine of this wing,
 * whatever its engine and whoever has the memory for it.
 *
 * In this order: name, trace and engine of the vm set; x86_vm_begin; one of the
 * two x86_vm_give_*; a mode or a kernel; vm_start.  All structures are the
 * caller's and outlive the vm.  A status other than STATUS_OK is the
 * allocator's, which has said it in a->diag; what was given is then to be
 * reclaimed. */
#ifndef X86VMM_VM_MAKE_H
#define X86VMM_VM_MAKE_H

#include "monitor/allocator.h"
#include "x86vmm/machine/state.h"
#include "x86vmm/pc/board.h"

/* The small PC of guest/README.md: storage below 640 KiB and from 1 MiB, a
 * serial port (16550) at ports 3F8-3FF and storage D0000, a debug port E9, an
 * exit port F4, and no interrupt controller. */
struct small_pc {
    struct uart uart; /* output of both: set after it was given */
    struct debug_port debug;
};

/* Handlers, interpreters and the wing's part of the structures, all zeros
 * before. */
void x86_vm_begin(struct vm *vm, struct x86_platform *platform,
                  struct x86_state *state);

/* Devices, time, and storage: of `bytes` (a multiple of 4096, more than 640 K)
 * those that have a place. */
MUST_USE enum status x86_vm_give_small(struct vm *vm, struct small_pc *pc,
                                       uint64_t bytes, struct allocator *a);

/* The same of a whole PC: the plan's storage, filled, and its board, whose host
 * is set.  Its processor is as after power-on.  Who waits there has no limit:
 * devices say when it ends. */
MUST_USE enum status x86_vm_give_board(struct vm *vm, struct board *b,
                                       const struct pc_plan *plan,
                                       struct allocator *a);

#endif
