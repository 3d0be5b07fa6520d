#include "s370/exit/guest_reset.h"

#include "base/bytes.h"
#include "s370/machine/timer.h"

void guest_reset(struct vcpu *v, bool initial)
{
    struct s370_vcpu *g = s370_vcpu(v);

    s370_timers_end_pending(&g->timers);
    g->restart_pending = false;
    g->per_code = 0;
    g->purge = true;
    if (!initial)
        return;
    g->psw = (struct s370_psw){0};
    g->prefix = 0;
    s370_control_reset(g->cr);
    s370_timers_reset(&g->timers, v->vm->clock.now);
}

void guest_store_status(struct vcpu *v)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint8_t *at = g->storage.bytes;

    store_be64(at + S370_PSA_STATUS_CPU_TIMER,
               s370_cpu_timer(&g->timers, v->vm->clock.now));
    store_be64(at + S370_PSA_STATUS_COMPARATOR, g->timers.comparator);
    s370_psw_store(&g->psw, 0, 0, at + S370_PSA_STATUS_PSW);
    store_be32(at + S370_PSA_STATUS_PREFIX, g->prefix);
    for (unsigned i = 0; i < 4; i++)
        store_be64(at + S370_PSA_STATUS_FPR + 8 * i, g->fpr[i]);
    for (unsigned i = 0; i < 16; i++) {
        store_be32(at + S370_PSA_STATUS_GR + 4 * i, g->gr[i]);
        store_be32(at + S370_PSA_STATUS_CR + 4 * i, g->cr[i]);
    }
    g->storage.keys[0] |= S370_KEY_REFERENCE | S370_KEY_CHANGE;
}
