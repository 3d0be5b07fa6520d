/* SIGNAL PROCESSOR (GA22-7000, "Multiprocessing"): the virtual machine has one
 * CPU, which can address itself. */
#include "s370/exit/guest_access.h"
#include "s370/exit/guest_reset.h"
#include "s370/exit/interpreter.h"
#include "s370/machine/sigp.h"

/* A program reset resets the virtual channels too. */
static void reset(struct vcpu *v, bool initial, bool io)
{
    struct s370_vcpu *g = s370_vcpu(v);

    if (io)
        s370_channels_reset(g->channels);
    guest_reset(v, initial);
    s370_channels_prefix(g->channels, g->prefix);
    g->stopped = true;
}

/* Floating-point registers are not among those that every exit brings. */
static void stop_and_store_status(struct vcpu *v)
{
    s370_vcpu(v)->stopped = true;
    if (!v->vm->engine->load_regs(v, S370_GROUP_FPR))
        guest_store_status(v);
}

/* Carry out an order; the status that condition code 1 reports, or 0. */
static uint32_t obey(struct vcpu *v, unsigned order)
{
    struct s370_vcpu *g = s370_vcpu(v);
    bool call_pending = g->timers.call_pending;

    switch (order) {
    case S370_ORDER_EXTERNAL_CALL: /* refused while one is pending */
        g->timers.call_pending = true;
        return call_pending ? S370_STATUS_CALL_PENDING : 0;
    case S370_ORDER_SENSE:
        return call_pending ? S370_STATUS_CALL_PENDING : 0;
    case S370_ORDER_EMERGENCY_SIGNAL:
        g->timers.emergency_pending = true;
        return 0;
    case S370_ORDER_START: /* it runs */
        return 0;
    case S370_ORDER_STOP:
        g->stopped = true;
        return 0;
    case S370_ORDER_STOP_AND_STORE_STATUS:
        stop_and_store_status(v);
        return 0;
    case S370_ORDER_RESTART:
        g->restart_pending = true;
        return 0;
    case S370_ORDER_INITIAL_PROGRAM_RESET:
    case S370_ORDER_INITIAL_CPU_RESET:
        reset(v, true, order == S370_ORDER_INITIAL_PROGRAM_RESET);
        return 0;
    case S370_ORDER_PROGRAM_RESET:
    case S370_ORDER_CPU_RESET:
        reset(v, false, order == S370_ORDER_PROGRAM_RESET);
        return 0;
    case S370_ORDER_INITIAL_MICROPROGRAM_LOAD: /* there is no microprogram */
    default:
        return S370_STATUS_INVALID_ORDER;
    }
}

/* An order may store or replace the PSW, so that it steps over the instruction
 * before it is obeyed. */
enum verdict vm_sigp(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);

    if ((g->gr[x->op.r2] & 0xFFFF) != g->address) {
        g->psw.cc = 3; /* not operational */
        return guest_end(v, x, 0);
    }
    g->psw.ia = (uint32_t)(x->pc + x->insn_len) & S370_ADDRESS_MASK;
    g->psw.cc = 0;
    uint32_t status = obey(v, x->op.addr & 0xFF);
    if (status) {
        guest_set_gr(g, x->op.r1, status);
        g->psw.cc = 1;
    }
    return guest_go_on(v, x);
}
