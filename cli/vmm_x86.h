/* Virtual machines of the x86 wing, ready to run.
 *
 * Ties allocator, an engine, handlers, devices and the dispatcher together; a
 * subcommand or a test asks for machines and runs them with vmm_run
 * (monitor/dispatcher.h).  All calls for one vmm come from one thread.
 *
 * A machine is a small PC: storage below 640 KiB and from 1 MiB, a serial port
 * (16550) at ports 3F8-3FF and again at storage address D0000, a debug port
 * E9, an exit port F4.  x86vmm/guest/README.md tells a guest's view. */
#ifndef CLI_VMM_X86_H
#define CLI_VMM_X86_H

#include "base/diag.h"
#include "base/trace.h"
#include "monitor/allocator.h"
#include "monitor/vm.h"
#include "x86vmm/machine/mode.h"
#include "x86vmm/machine/state.h"
#include "x86vmm/pc/board.h"

enum {
    X86_VMM_VMS_MAX = 16,
    X86_VMM_SLICE = 100000,        /* engine_kvm.h says of what */
    X86_VMM_STORAGE_MIN = 1 << 20, /* of a machine: gives 640 KiB */
    X86_VMM_STORAGE_DEFAULT = 16 << 20
};

struct x86_vmm;

/* What a guest has printed: bytes from its serial port or debug port. */
typedef void (*x86_output_fn)(void *to, const uint8_t *bytes, size_t n);

/* Can this host do it at all, and in this mode?  STATUS_UNSUPPORTED with what
 * is missing in *diag.  On /dev/kvm it runs a small guest; the others can. */
MUST_USE enum status x86_vmm_probe(const struct engine_ops *engine,
                                   enum x86_mode mode, struct diag *diag);

/* The same, and all features that a guest may come to need; with
 * X86_MODE_COUNT all modes, too.  Single step only counts if `steps`. */
MUST_USE enum status x86_vmm_probe_all(const struct engine_ops *engine,
                                       enum x86_mode mode, bool steps,
                                       struct diag *diag);

/* A monitor on this engine (engine_kvm, engine_vtx, engine_svm), with a pool of
 * `bytes` (a multiple of 4096) for its machines. `trace` is borrowed and may be
 * NULL.  NULL: no memory or a bad size, said in *diag. */
struct x86_vmm *x86_vmm_new(const struct engine_ops *engine, uint64_t bytes,
                            struct trace *trace, struct diag *diag);
/* Ends the virtual machines. */
void x86_vmm_free(struct x86_vmm *vmm);

/* A virtual machine of `bytes` (a multiple of 4096 from X86_VMM_STORAGE_MIN;
 * of these the 384 KiB below 1 MiB are not given) in the mode, nothing loaded.
 * `name` is borrowed.  Owned by the vmm.  NULL: said in *diag. */
struct vm *x86_vmm_add(struct x86_vmm *vmm, const char *name,
                       enum x86_mode mode, uint64_t bytes, struct diag *diag);

/* A whole PC instead: the storage, board and processor of this plan, as pc_new
 * makes them, with the clock and the instruction boundaries of the bare one.
 * It stands at the reset vector; a loader (x86vmm/pc/load.h) fills
 * x86_vm_state, vm->mem.  The plan's `disks` are borrowed. */
struct vm *x86_vmm_add_pc(struct x86_vmm *vmm, const char *name,
                          const struct pc_plan *plan, struct diag *diag);
/* How large the pool is that such a machine takes. */
uint64_t x86_vmm_pc_pool(const struct pc_plan *plan);

/* Its board; NULL for a machine without one.  Of both: the platform. */
struct board *x86_vm_board(struct vm *vm);
struct x86_platform *x86_vm_platform(struct vm *vm);

/* The machines, for vmm_run: an array of *count. */
struct vm **x86_vmm_vms(struct x86_vmm *vmm, size_t *count);
const struct allocator *x86_vmm_allocator(const struct x86_vmm *vmm);

/* Put an image where x86_load_at says; the guest starts at its first byte. */
MUST_USE enum status x86_vm_load(struct vm *vm, const uint8_t *bytes,
                                 uint64_t len, struct diag *diag);
MUST_USE enum status x86_vm_load_file(struct vm *vm, const char *path,
                                      struct diag *diag);

/* The mode that an image is made for; X86_MODE_COUNT when the file cannot be
 * read, said in *diag. */
enum x86_mode x86_image_mode(const char *path, struct diag *diag);

/* The serial port's other end.  Output goes nowhere until set.  Input returns
 * how many bytes found room in the port's queue. */
void x86_vm_on_output(struct vm *vm, x86_output_fn fn, void *to);
size_t x86_vm_input(struct vm *vm, const uint8_t *bytes, size_t n);
/* Has the guest yet to read some of it? */
bool x86_vm_input_waiting(const struct vm *vm);

/* Did the guest end through its exit port, and with which code? */
bool x86_vm_exit_code(const struct vm *vm, uint32_t *code);

/* The processor's state, complete; a change takes effect at the next entry
 * (tests make invalid states with it). */
struct x86_state *x86_vm_state(struct vm *vm);

#endif
