/* A hostile program (x86_hostile.h) in a virtual machine, beside the same on
 * the bare processor: the guest must not get anywhere that it does not get
 * there, nor find a difference. */
#ifndef TESTS_X86_HOSTILE_VM_H
#define TESTS_X86_HOSTILE_VM_H

#include "monitor/engine.h"
#include "tests/x86_bare.h"
#include "x86vmm/vtx/vtx.h"

enum { HOSTILE_WORDS = 200 };

/* On this engine, one of the modelled processor, until it halts, shuts down or
 * has run `insns` instructions; in turns of `slice` of them.  False: it ended
 * otherwise than on the bare processor; what differs is in words. */
bool hostile_vm_alike(const struct engine_ops *engine, uint64_t seed,
                      uint64_t insns, uint64_t slice,
                      char words[HOSTILE_WORDS]);

/* The same of a machine that is made already, and becomes the bare one.  `own`:
 * its processor's VT-x, which it has under the monitor, too; or NULL. */
bool hostile_vm_beside(const struct engine_ops *engine, struct x86_bare *m,
                       const struct vtx *own, uint64_t insns, uint64_t slice,
                       char words[HOSTILE_WORDS]);

#endif
