/* The virtual System/370 processor: what the engine and the exit side share.
 *
 * vcpu->arch points to one.  Which half is current is the engine's contract
 * (monitor/engine.h): psw, cr, prefix and timers are always here; general and
 * floating-point registers are in the engine while the guest runs, and come
 * here with load_regs. */
#ifndef S370_VCPU_H
#define S370_VCPU_H

#include "monitor/vm.h"
#include "s370/machine/channel.h"
#include "s370/machine/cpu.h"
#include "s370/machine/regs.h"

/* Register groups as an engine takes them. */
enum {
    S370_GROUP_GR = 1 << S370_REGS_GR,
    S370_GROUP_FPR = 1 << S370_REGS_FPR,
    S370_GROUPS_ALL = (1 << S370_REGS_COUNT) - 1
};

struct s370_vcpu {
    /* Architectural state, as the guest believes it to be. */
    uint32_t gr[16];
    uint64_t fpr[4]; /* floating-point registers 0, 2, 4, 6 */
    uint32_t cr[16];
    struct s370_psw psw;
    uint32_t prefix;
    struct s370_timers timers;
    uint64_t cpuid;   /* as STIDP stores it */
    uint16_t address; /* as STAP stores it */
    bool restart_pending;
    bool stopped; /* the stopped state; ends by restart */

    /* The guest's absolute storage: a view of its grant in the real one, with
     * the real keys of these frames, which are the virtual keys. */
    struct s370_storage storage;
    struct s370_channels *channels; /* owned by whoever made the VM */

    /* Of the last exit: set by the engine, finished by interpreters. */
    uint8_t ilc;          /* bytes, of the instruction that ended last */
    uint8_t per_code;     /* PER events that the guest has yet to see */
    uint32_t per_address; /* and the instruction that caused them */

    uint32_t translation_address; /* of an interpreter's last access */

    /* Wanted of the engine before the guest runs again. */
    bool purge; /* no cached translation or access is valid: storage keys,
                 * prefix or the guest's tables have changed */
};

static inline struct s370_vcpu *s370_vcpu(const struct vcpu *v)
{
    return v->arch;
}

#endif
