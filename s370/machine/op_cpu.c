/* Identity, prefix, and signals between CPUs, of which there is one
 * (GA22-7000, "System-Control Instructions", "Multiprocessing"). */
#include "s370/machine/access.h"
#include "s370/machine/channel.h"
#include "s370/machine/sigp.h"

enum { PREFIX_BITS = 0xFFF000 };

int op_stidp(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d);

    return a & 7 ? S370_PGM_SPECIFICATION : s370_store64(cpu, a, cpu->cpuid);
}

int op_stap(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d);

    return a & 1 ? S370_PGM_SPECIFICATION : s370_store16(cpu, a, cpu->address);
}

int op_spx(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d), prefix;

    if (a & 3)
        return S370_PGM_SPECIFICATION;
    TRY(s370_load32(cpu, a, &prefix));
    prefix &= PREFIX_BITS;
    if (prefix >= cpu->storage->size)
        return S370_PGM_ADDRESSING;
    cpu->prefix = prefix;
    s370_tlb_purge(cpu);
    if (cpu->channels)
        s370_channels_prefix(cpu->channels, prefix);
    return S370_SYNC;
}

int op_stpx(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea2(cpu, d);

    return a & 3 ? S370_PGM_SPECIFICATION : s370_store32(cpu, a, cpu->prefix);
}

/* ---- SIGNAL PROCESSOR ---- */

/* A reset leaves the CPU in the stopped state; a program reset resets the I/O
 * system too. */
static void reset(struct s370_cpu *cpu, bool initial, bool io)
{
    if (io && cpu->channels)
        s370_channels_reset(cpu->channels);
    s370_cpu_reset(cpu, initial);
    if (cpu->channels)
        s370_channels_prefix(cpu->channels, cpu->prefix);
    cpu->stopped = true;
}

/* Carry out an order; the status that condition code 1 reports, or 0. */
static uint32_t obey(struct s370_cpu *cpu, unsigned order)
{
    bool *call = &cpu->timers.call_pending;
    uint32_t status = *call ? S370_STATUS_CALL_PENDING : 0;

    switch (order) {
    case S370_ORDER_SENSE:
        return status;
    case S370_ORDER_EXTERNAL_CALL: /* refused while one is pending */
        *call = true;
        return status;
    case S370_ORDER_EMERGENCY_SIGNAL:
        cpu->timers.emergency_pending = true;
        return 0;
    case S370_ORDER_START: /* it runs */
        return 0;
    case S370_ORDER_STOP:
        cpu->stopped = true;
        return 0;
    case S370_ORDER_STOP_AND_STORE_STATUS:
        cpu->stopped = true;
        s370_cpu_store_status(cpu);
        return 0;
    case S370_ORDER_RESTART:
        cpu->restart_pending = true;
        return 0;
    case S370_ORDER_INITIAL_PROGRAM_RESET:
    case S370_ORDER_INITIAL_CPU_RESET:
        reset(cpu, true, order == S370_ORDER_INITIAL_PROGRAM_RESET);
        return 0;
    case S370_ORDER_PROGRAM_RESET:
    case S370_ORDER_CPU_RESET:
        reset(cpu, false, order == S370_ORDER_PROGRAM_RESET);
        return 0;
    case S370_ORDER_INITIAL_MICROPROGRAM_LOAD: /* there is no microprogram */
    default:
        return S370_STATUS_INVALID_ORDER;
    }
}

int op_sigp(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t status;

    if ((cpu->gr[d->r2] & 0xFFFF) != cpu->address) {
        cpu->psw.cc = 3; /* not operational */
        return S370_DONE;
    }
    cpu->psw.cc = 0;
    status = obey(cpu, s370_ea2(cpu, d) & 0xFF);
    if (status) {
        cpu->gr[d->r1] = status;
        cpu->psw.cc = 1;
    }
    return S370_SYNC;
}
