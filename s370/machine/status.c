/* Store status: what a stopped CPU leaves in storage (GA22-7000, "Store
 * Status"). */
#include "base/bytes.h"
#include "s370/machine/timer.h"

/* In BC mode the PSW's interruption code and ILC are stored as zeros.  The
 * model-dependent word at 268 is left as it is. */
void s370_cpu_store_status(struct s370_cpu *cpu)
{
    uint8_t *at = cpu->storage->bytes;

    store_be64(at + S370_PSA_STATUS_CPU_TIMER,
               s370_cpu_timer(&cpu->timers, s370_ticks(cpu)));
    store_be64(at + S370_PSA_STATUS_COMPARATOR, cpu->timers.comparator);
    s370_psw_store(&cpu->psw, 0, 0, at + S370_PSA_STATUS_PSW);
    store_be32(at + S370_PSA_STATUS_PREFIX, cpu->prefix);
    for (unsigned i = 0; i < 4; i++)
        store_be64(at + S370_PSA_STATUS_FPR + 8 * i, cpu->fpr[i]);
    for (unsigned i = 0; i < 16; i++) {
        store_be32(at + S370_PSA_STATUS_GR + 4 * i, cpu->gr[i]);
        store_be32(at + S370_PSA_STATUS_CR + 4 * i, cpu->cr[i]);
    }
    cpu->storage->keys[0] |= S370_KEY_REFERENCE | S370_KEY_CHANGE;
}
