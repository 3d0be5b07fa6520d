/* Channels: they execute channel programs, for a real or a virtual machine.
 *
 * A struct s370_channels works on a storage view and a clock that it is given,
 * checks every address against that view and every access against its keys,
 * and knows nothing of CPUs.  So the bare machine has one, and each virtual
 * machine has one over its own storage. */
#ifndef S370_MACHINE_CHANNEL_H
#define S370_MACHINE_CHANNEL_H

#include "base/clock.h"
#include "base/diag.h"
#include "base/trace.h"
#include "s370/machine/device.h"
#include "s370/machine/storage.h"

enum s370_channel_type {
    S370_CHANNEL_SELECTOR = 0,
    S370_CHANNEL_BYTE_MULTIPLEXOR = 1,
    S370_CHANNEL_BLOCK_MULTIPLEXOR = 2
};

/* Condition codes of the I/O instructions are theirs as the manual gives them:
 * 0 started/available, 1 CSW stored, 2 busy, 3 not operational. */
struct s370_channels;

/* Storage, clock and trace are borrowed; `trace` may be NULL.  Nobody is told
 * what a channel writes: processors keep nothing that they have decoded. */
struct s370_channels *s370_channels_new(struct s370_storage *storage,
                                        struct clock *clock,
                                        struct trace *trace, unsigned vm);
/* For the trace: how many instructions the guest has attempted.  Without it
 * the events say 0. */
void s370_channels_counter(struct s370_channels *ch,
                           uint64_t (*insns)(const void *of), const void *of);
/* Ends every operation and destroys the devices that were attached. */
void s370_channels_free(struct s370_channels *ch);

/* Channel c (0-15) is of this type.  Without a call channel 0 is a byte
 * multiplexor and the others are block multiplexors. */
void s370_channels_type(struct s370_channels *ch, unsigned c,
                        enum s370_channel_type type);

/* CR0 bit 0 of the CPU that owns the channels.  Off (as after reset), a block
 * multiplexor channel works as a selector channel: one channel program at a
 * time.  On, each of its devices has a subchannel of its own. */
void s370_channels_multiplex(struct s370_channels *ch, bool on);

/* Attach a device at its address; the channels own it from now on.
 * STATUS_BAD_INPUT when the address is taken. */
MUST_USE enum status s370_channels_attach(struct s370_channels *ch,
                                          struct s370_device *d,
                                          struct diag *diag);
struct s370_device *s370_channels_find(struct s370_channels *ch,
                                       uint16_t address);

/* Where CAW, CSW and channel identification are: real 0 of the processor. */
void s370_channels_prefix(struct s370_channels *ch, uint32_t prefix);

/* The instructions; address is bits 8-31 of the second-operand address,
 * of which 16-31 count.  They return the condition code. */
uint8_t s370_sio(struct s370_channels *ch, uint32_t address);
uint8_t s370_siof(struct s370_channels *ch, uint32_t address);
uint8_t s370_tio(struct s370_channels *ch, uint32_t address);
uint8_t s370_clrio(struct s370_channels *ch, uint32_t address);
uint8_t s370_hio(struct s370_channels *ch, uint32_t address);
uint8_t s370_hdv(struct s370_channels *ch, uint32_t address);
uint8_t s370_tch(struct s370_channels *ch, uint32_t address);
uint8_t s370_stidc(struct s370_channels *ch, uint32_t address);

/* Channels whose interruptions a PSW and CR2 let through: bit 15 - c of the
 * mask for channel c ... see s370_io_mask. */
struct s370_psw;
uint16_t s370_io_mask(const struct s370_psw *psw, uint32_t cr2);

/* Is an interruption pending on a channel in the mask? */
bool s370_io_pending(const struct s370_channels *ch, uint16_t mask);
/* Take the one of highest priority: its CSW is stored at 64, its device
 * address returned in *address.  False when there is none. */
bool s370_io_take(struct s370_channels *ch, uint16_t mask, uint16_t *address);

/* IPL: read 24 bytes at 0 from the device, continue with the CCW at 8, wait
 * until the channel program is done (the clock is advanced).  The device
 * address is stored at 2-3 when the PSW at 0 is a BC one, at 186-187 when it
 * is an EC one (GA22-7000, "Initial Program Loading").
 * On failure *diag names the device and its status. */
MUST_USE enum status s370_channels_ipl(struct s370_channels *ch,
                                       uint16_t address, struct diag *diag);

/* I/O system reset. */
void s370_channels_reset(struct s370_channels *ch);

/* ---- For devices ---- */

/* A device that said `waits` has got what it waited for. */
void s370_device_ready(struct s370_device *d);
/* Unsolicited status: the attention key, a reader made ready. */
void s370_device_attention(struct s370_device *d, uint8_t status);

#endif
