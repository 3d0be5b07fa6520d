/* The I/O instructions (GA22-7000, "Input/Output Operations"), on the virtual
 * machine's own channels.  These work on the guest's view of storage: every
 * address of a channel program is checked against it, every access against
 * the guest's keys; no translation of CCWs is needed. */
#include "s370/exit/guest_access.h"
#include "s370/exit/interpreter.h"

typedef uint8_t (*channel_fn)(struct s370_channels *ch, uint32_t address);

static enum verdict io(struct vcpu *v, struct vm_exit *x, channel_fn fn)
{
    struct s370_vcpu *g = s370_vcpu(v);

    g->psw.cc = fn(g->channels, (uint32_t)x->op.addr);
    return guest_end(v, x, 0);
}

#define IO(name)                                              \
    enum verdict vm_##name(struct vcpu *v, struct vm_exit *x) \
    {                                                         \
        return io(v, x, s370_##name);                         \
    }

IO(sio)
IO(siof)
IO(tio)
IO(clrio)
IO(hio)
IO(hdv)
IO(tch)
IO(stidc)
