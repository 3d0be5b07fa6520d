/* One real System/370 with virtual machines on it, ready to run.
 *
 * Ties allocator, engine, interpreters, virtual channels and the dispatcher
 * together; a subcommand or a test asks for machines and runs them with
 * vmm_run (monitor/dispatcher.h). */
#ifndef CLI_VMM_S370_H
#define CLI_VMM_S370_H

#include "base/diag.h"
#include "base/trace.h"
#include "monitor/allocator.h"
#include "monitor/vm.h"
#include "s370/machine/channel.h"
#include "s370/machine/cpu.h"

enum {
    S370_VMM_VMS_MAX = 16,
    S370_VMM_SLICE = 100000 /* guest instructions per turn */
};

/* The real machine, its monitor, and the virtual machines. */
struct s370_vmm;

/* Real storage of `bytes` (a multiple of 4096 up to 16M; 0: 16M, which is all
 * that 24 bits of real address reach).  A virtual machine of n bytes takes
 * n + at most 28K of it.  `trace` is borrowed and may be NULL.  NULL: no
 * memory or a bad size, said in *diag. */
struct s370_vmm *s370_vmm_new(uint32_t bytes, struct trace *trace,
                              struct diag *diag);
/* Ends the virtual machines and destroys their devices. */
void s370_vmm_free(struct s370_vmm *vmm);

/* A virtual machine with `bytes` of cleared storage (a multiple of 4096),
 * no devices, CPU reset.  `name` is borrowed.  Owned by the vmm.  NULL: the
 * real storage has no room, said in *diag. */
struct vm *s370_vmm_add(struct s370_vmm *vmm, const char *name, uint32_t bytes,
                        struct diag *diag);

/* The machines, for vmm_run: an array of *count. */
struct vm **s370_vmm_vms(struct s370_vmm *vmm, size_t *count);
/* What belongs to whom, for confinement checks. */
const struct allocator *s370_vmm_allocator(const struct s370_vmm *vmm);
/* Real storage with the real keys, alike. */
const struct s370_storage *s370_vmm_storage(const struct s370_vmm *vmm);

/* Where devices are attached (s370/dev/config.h). */
struct s370_channels *s370_vm_channels(struct vm *vm);

/* The operator's keys, as on s370_machine: system reset and IPL, an image at
 * an absolute address, restart, interrupt key.  A stopped machine becomes
 * ready again by IPL and restart. */
MUST_USE enum status s370_vm_ipl(struct vm *vm, uint16_t address,
                                 struct diag *diag);
MUST_USE enum status s370_vm_load(struct vm *vm, uint32_t at,
                                  const uint8_t *bytes, uint32_t len,
                                  struct diag *diag);
void s370_vm_restart(struct vm *vm);
void s370_vm_interrupt_key(struct vm *vm);
/* The switch that lets location 80 be stepped; on after s370_vmm_add. */
void s370_vm_interval_switch(struct vm *vm, bool on);

/* Everything that the guest could see of its processor. */
struct s370_guest_state {
    struct s370_psw psw;
    uint32_t gr[16];
    uint64_t fpr[4];
    uint32_t cr[16];
    uint32_t prefix;
    struct s370_timers timers;
    uint64_t ticks;              /* the guest's clock */
    struct s370_storage storage; /* a view: bytes and keys are the real ones */
};

/* Read the state, and change it (a debugger, a test).  storage and ticks are
 * not written; cached accesses are forgotten, so that keys may be changed in
 * the view before.  They fail where the engine fails (words in vm->diag), and
 * for a prefix beyond the storage. */
MUST_USE enum status s370_vm_state(struct vm *vm, struct s370_guest_state *s);
MUST_USE enum status s370_vm_set_state(struct vm *vm,
                                       const struct s370_guest_state *s);

/* Replace one interpreter of this machine, for labs and mutants. */
void s370_vm_interpreter(struct vm *vm, enum s370_op op, interpreter_fn fn);

#endif
