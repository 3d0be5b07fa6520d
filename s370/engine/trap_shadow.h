/* Shadow tables: for a guest that translates by tables of its own.
 *
 * The guest's tables lead from its logical to its real addresses, the
 * monitor's (trap_map.h) from there to real ones.  The real CPU walks one set,
 * so that a third one holds both steps in one.  It begins empty, is filled
 * entry by entry as the guest touches its pages, and is dropped when the guest
 * gives up its TLB: it is the TLB's architecture that allows it to be stale
 * until then.  A fill is no exit, for no handler has a say in it; the trace is
 * told (TRACE_MEM). */
#ifndef S370_ENGINE_TRAP_SHADOW_H
#define S370_ENGINE_TRAP_SHADOW_H

#include "s370/engine/engine_trap.h"

/* Real CR0 for them: 2K pages, the smallest that a guest may have, in 64K
 * segments. */
#define TRAP_SHADOW_CR0 0x00400000u

/* Take real storage for empty tables. */
MUST_USE enum status trap_shadow_init(struct vm *vm);

/* Forget all entries. */
void trap_shadow_drop(struct trap_vm *t);

/* Make the entry for a logical address that the guest's tables translate.
 * 0, or the program-interruption code that the guest has earned. */
MUST_USE int trap_shadow_fill(struct trap_vm *t, const struct s370_vcpu *g,
                              uint32_t logical);

#endif
